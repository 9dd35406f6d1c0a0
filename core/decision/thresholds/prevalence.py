"""Compute the figures of a policy under another mix of cases, from reweighted counts.

`class_weights` reweights one axis of the counts, exactly if the cases of a name stay as they are
while their share changes. On counts by TRUE class (core.report.what_if) that is label shift, p(x |
y) as before and p(y) another: w(y) = q(y) / p(y) (Saerens et al. 2002). On counts by PREDICTED
class it assumes that each answer is as reliable as before, which a shift of true classes breaks.
Intervals use Kish's effective sample size. No certificate holds under a hypothetical mix.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.counts.joint import JointCumulative
from core.errors import NoCasesError, SettingsError
from core.stats.checks import finite


def class_weights(cumulative: JointCumulative, shares: Mapping[str, float]) -> JointCumulative:
    """Return the counts reweighted to these shares of predicted classes, scaled to sum to 1.

    Raises SettingsError for other names or negative shares, NoCasesError for a share without cases.
    """
    cases = cumulative.total.sum((0, 2), dtype=np.float64)
    weights = _ratio(cumulative.classes, shares, cases)
    return cumulative.reweighted(np.repeat(weights[None, :], len(cumulative.segments), axis=0))


def _ratio(
    names: tuple[str, ...], shares: Mapping[str, float], cases: NDArray[Any]
) -> NDArray[np.float64]:
    """Return target share / observed share of each name, [len(names)]; 0 for a name without cases."""
    if set(shares) != set(names):
        raise SettingsError("decision.shares_names", names=sorted(shares), expected=names)
    target = finite([shares[name] for name in names], "share")
    if (target < 0).any() or not target.sum() > 0:
        raise SettingsError("decision.shares_values")
    # No weight can create cases of a name that has none.
    if (target[cases == 0] > 0).any():
        raise NoCasesError(
            "decision.share_without_cases",
            name=names[int(np.flatnonzero((target > 0) & (cases == 0))[0])],
        )
    ratio: NDArray[np.float64] = np.divide(
        target / target.sum() * cases.sum(), cases, out=np.zeros(len(names)), where=cases > 0
    )
    return ratio
