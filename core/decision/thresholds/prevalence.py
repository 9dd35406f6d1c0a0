"""What a policy means when the mix of cases is another: weights by case, and figures from the
reweighted counts.

What the counts allow. They know a case by segment, PREDICTED class and outcome; a wrong answer's
true class is not in them.
- Segment mix (`segment_weights`): exact, when cases within a segment stay as they are. Segments are
  known before any answer.
- Predicted mix (`class_weights`): when traffic shows another mix of answers and each answer is as
  reliable as before. That is an assumption of its own, and not what a shift of true classes does:
  then each answer's reliability changes as well.
- True classes (`label_weights`): label shift, p(x | y) as before and p(y) another (Saerens et al.
  2002): w(y) = q(y) / p(y). It needs each case's label, so it works on arrays of labelled cases,
  and `shifted_consequence` judges a policy on them.
Intervals rest on Kish's effective sample size. No certificate holds under a supposed mix:
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
    """The counts as if segments came in these shares of the volume, scaled to sum to 1. Raises
    SettingsError.
    """
    cases = cumulative.total.sum((1, 2), dtype=np.float64)
    weights = _ratio(cumulative.segments, shares, cases)
    return cumulative.reweighted(np.repeat(weights[:, None], len(cumulative.classes), axis=1))


def class_weights(cumulative: JointCumulative, shares: Mapping[str, float]) -> JointCumulative:
    """The counts as if answers (predicted classes) came in these shares, scaled to sum to 1. Raises
    SettingsError.
    """
    cases = cumulative.total.sum((0, 2), dtype=np.float64)
    weights = _ratio(cumulative.classes, shares, cases)
    return cumulative.reweighted(np.repeat(weights[None, :], len(cumulative.segments), axis=0))


def label_weights(label: ArrayLike, shares: Mapping[str, float]) -> NDArray[np.float64]:
    """Weight [n] of each labelled case as if true classes came in these shares. Raises
    SettingsError.
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
    """What a policy means on weighted cases.

    policy: the policy. cases: columns segment, predicted, outcome, confidence, epistemic.
    weights: of each case, [n], finite and 0 or more. terms: volume and costs.
    """
    weights = finite(weights, "weight")
    if weights.shape != (len(cases),) or (weights < 0).any():
        raise ShapeError("decision.case_weights", shape=weights.shape)
    columns = ("confidence", "epistemic")
    accepted = policy.accepts(
        cases["segment"], cases["predicted"], *(finite(cases[name], name) for name in columns)
    )
    tally = Tally.of_cases(accepted, positions_of(OUTCOMES, cases["outcome"]), weights)
    return consequence_of_tally(tally, policy, terms, reweighted=True)


def _ratio(
    names: tuple[str, ...], shares: Mapping[str, float], cases: NDArray[Any]
) -> NDArray[np.float64]:
    """target share / observed share of each name, [len(names)]; 0 for a name without a case."""
    if set(shares) != set(names):
        raise SettingsError("decision.shares_names", names=sorted(shares), expected=names)
    target = finite([shares[name] for name in names], "share")
    if (target < 0).any() or not target.sum() > 0:
        raise SettingsError("decision.shares_values")
    if (target[cases == 0] > 0).any():
        raise NoCasesError(
            "decision.share_without_cases",
            name=names[int(np.flatnonzero((target > 0) & (cases == 0))[0])],
        )
    ratio: NDArray[np.float64] = np.divide(
        target / target.sum() * cases.sum(), cases, out=np.zeros(len(names)), where=cases > 0
    )
    return ratio
