"""Compute the consequence of a policy under another mix of cases: weights by case, and figures from
the reweighted counts.

Counts hold a case by segment, PREDICTED class and outcome; the true class of a wrong answer is not
in them. This limits the shifts that they can express:
- Segment mix (`segment_weights`): exact if cases within a segment stay as they are. Segments are
  known before any answer.
- Predicted mix (`class_weights`): assumes that each answer is as reliable as before while the mix
  of answers changes. A shift of true classes breaks this assumption, because it changes the
  reliability of each answer too.
- True classes (`label_weights`): label shift, p(x | y) as before and p(y) another (Saerens et al.
  2002): w(y) = q(y) / p(y). It needs each case's label, so it works on arrays of labelled cases,
  and `shifted_consequence` judges a policy on them.
Intervals use Kish's effective sample size. No certificate holds under a hypothetical mix:
PolicyConsequence.certificates_hold.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from core.counts.histogram import positions_of
from core.counts.joint import JointCumulative
from core.counts.tally import Tally
from core.decision.thresholds.consequence import PolicyConsequence, consequence_of_tally
from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.policy import Policy
from core.errors import NoCasesError, SettingsError, ShapeError
from core.stats.checks import finite
from core.types import OUTCOMES


def segment_weights(cumulative: JointCumulative, shares: Mapping[str, float]) -> JointCumulative:
    """Return the counts reweighted to these shares of segments, scaled to sum to 1.

    Raises SettingsError for other names or negative shares, NoCasesError for a share without cases.
    """
    cases = cumulative.total.sum((1, 2), dtype=np.float64)
    weights = _ratio(cumulative.segments, shares, cases)
    return cumulative.reweighted(np.repeat(weights[:, None], len(cumulative.classes), axis=1))


def class_weights(cumulative: JointCumulative, shares: Mapping[str, float]) -> JointCumulative:
    """Return the counts reweighted to these shares of predicted classes, scaled to sum to 1.

    Raises SettingsError for other names or negative shares, NoCasesError for a share without cases.
    """
    cases = cumulative.total.sum((0, 2), dtype=np.float64)
    weights = _ratio(cumulative.classes, shares, cases)
    return cumulative.reweighted(np.repeat(weights[None, :], len(cumulative.segments), axis=0))


def label_weights(label: ArrayLike, shares: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the weight [n] of each labelled case under these shares of the true classes.

    Raises SettingsError for a missing label, other names or negative shares.
    """
    labels = np.asarray(label, dtype=object)
    if pd.isna(labels).any():
        raise SettingsError("decision.label_missing", index=int(np.flatnonzero(pd.isna(labels))[0]))
    names = tuple(sorted(set(labels)))
    where = positions_of(names, labels)
    return _ratio(names, shares, np.bincount(where, minlength=len(names)))[where]


def shifted_consequence(
    policy: Policy, cases: pd.DataFrame, weights: np.ndarray, terms: CostModel
) -> PolicyConsequence:
    """Return the consequence of a policy on weighted cases.

    policy: the policy that decides the cases.
    cases: columns segment, predicted, outcome, confidence, epistemic, one row a case.
    weights: of each case, [n], finite and 0 or more.
    terms: volume and costs.

    Raises NonFiniteError for a value that is not finite, ShapeError for weights of another length
    or below 0.
    """
    weights = finite(weights, "weight")
    if weights.shape != (len(cases),) or (weights < 0).any():
        raise ShapeError("decision.case_weights", shape=weights.shape)
    columns = ("confidence", "epistemic")
    accepted = policy.accepts(
        cases["segment"], cases["predicted"], *(finite(cases[name], name) for name in columns)
    )
    # Unlike `accepts`, which sends a non-finite value to review, this raises: such a case would
    # silently change the mix.
    tally = Tally.of_cases(accepted, positions_of(OUTCOMES, cases["outcome"]), weights)
    return consequence_of_tally(tally, policy, terms, reweighted=True)


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
