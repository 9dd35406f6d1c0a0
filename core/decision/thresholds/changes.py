"""Cases that change side between two thresholds or two policies: how many, of which outcome, and
where they lie.

Only counts: the cases themselves are listed by the store's `cases_near`, which takes the interval
[low, high) given here.
"""

from dataclasses import dataclass

import numpy as np

from core.counts.histogram import Histogram, edge_of_threshold
from core.counts.joint import JointCumulative, limit_bin
from core.decision.thresholds.policy import Policy
from core.types import OUTCOMES


@dataclass(frozen=True)
class CasesBetween:
    """The cases with low <= confidence < high: accepted at the looser threshold, reviewed at the
    stricter one.
    """

    low: float
    high: float
    first_bin: int  # of Histogram's fine bins, first_bin <= bin < end_bin
    end_bin: int
    by_outcome: dict[str, int]

    @property
    def cases(self) -> int:
        return sum(self.by_outcome.values())


@dataclass(frozen=True)
class DecisionChanges:
    """Cases by outcome that a change of policy sends from acceptance to review, and from review to
    acceptance.
    """

    to_review: dict[str, int]
    to_acceptance: dict[str, int]


def cases_between_thresholds(histogram: Histogram, one: float, other: float) -> CasesBetween:
    """The cases between two thresholds, in either order. Raises SettingsError unless multiples of
    0.001 in [0, 1].
    """
    low, high = sorted((one, other))
    first, end = edge_of_threshold(low), edge_of_threshold(high)
    return CasesBetween(
        low, high, first, end, _named(histogram.counts[..., first:end].sum((0, 1, 3)))
    )


def decision_changes(cumulative: JointCumulative, before: Policy, after: Policy) -> DecisionChanges:
    """The cases that change side between two policies, exact: both accept what the stricter of each
    pair of limits does.
    """
    steps = [policy.steps(cumulative.segments, cumulative.classes) for policy in (before, after)]
    limits = [limit_bin(policy.epistemic_limit) for policy in (before, after)]
    old, new = (cumulative.cells(*each).sum((0, 1)) for each in zip(steps, limits, strict=True))
    both = cumulative.cells(np.maximum(*steps), min(limits)).sum((0, 1))
    return DecisionChanges(_named(old - both), _named(new - both))


def _named(counts: np.ndarray) -> dict[str, int]:
    return {outcome: int(n) for outcome, n in zip(OUTCOMES, counts, strict=True)}
