"""Cases that change side between two thresholds or two policies: how many, of which outcome, and where they lie.

Only counts: the cases themselves are listed by the store's `cases_near`, which takes the interval [low, high) given here.
"""

from dataclasses import dataclass

import numpy as np

from core.decision.histogram import Histogram, edge_of
from core.decision.joint import JointCumulative, limit_bin
from core.decision.policy import Policy
from core.types import OUTCOMES


@dataclass(frozen=True)
class Between:
    """The cases with low <= confidence < high: accepted at the looser threshold, reviewed at the stricter one."""

    low: float
    high: float
    first_bin: int  # of Histogram's fine bins, first_bin <= bin < end_bin
    end_bin: int
    by_outcome: dict[str, int]

    @property
    def cases(self) -> int:
        return sum(self.by_outcome.values())


@dataclass(frozen=True)
class Moves:
    """Cases by outcome that a change of policy sends from acceptance to review, and from review to acceptance."""

    to_review: dict[str, int]
    to_acceptance: dict[str, int]


def between(histogram: Histogram, one: float, other: float) -> Between:
    """The cases between two thresholds, in either order. Raises SettingsError unless multiples of 0.001 in [0, 1]."""
    low, high = sorted((one, other))
    first, end = edge_of(low), edge_of(high)
    return Between(low, high, first, end, _named(histogram.counts[..., first:end].sum((0, 1, 3))))


def moves(cumulative: JointCumulative, before: Policy, after: Policy) -> Moves:
    """The cases that change side between two policies, exact: both accept what the stricter of each pair of limits does."""
    steps = [policy.steps(cumulative.segments, cumulative.classes) for policy in (before, after)]
    limits = [limit_bin(policy.epistemic_limit) for policy in (before, after)]
    old, new = (cumulative.cells(*each).sum((0, 1)) for each in zip(steps, limits, strict=True))
    both = cumulative.cells(np.maximum(*steps), min(limits)).sum((0, 1))
    return Moves(_named(old - both), _named(new - both))


def _named(counts: np.ndarray) -> dict[str, int]:
    return {outcome: int(n) for outcome, n in zip(OUTCOMES, counts, strict=True)}
