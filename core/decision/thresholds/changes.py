"""Cases that change side between two thresholds or two policies: how many, of which outcome, and
where they lie.

Only counts: the cases themselves are listed by the store's `cases_near`, which takes the interval
[low, high) given here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.counts.histogram import Histogram, edge_of_threshold, positions_of
from core.counts.joint import JointCumulative, limit_bin, step_of_threshold
from core.counts.tally import Tally
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


pass


def accepted_rows(rows: pd.DataFrame, policy: Policy) -> np.ndarray:
    """Whether the policy accepts the cases of each row, [r]."""
    pairs = list(zip(rows["segment"], rows["predicted"], strict=True))
    least = {pair: step_of_threshold(policy.threshold_of(*pair)) for pair in set(pairs)}
    steps = np.array([least[pair] for pair in pairs], dtype=np.int64)
    return (rows["step"].to_numpy() >= steps) & (
        rows["epistemic_bin"].to_numpy() <= limit_bin(policy.epistemic_limit)
    )


def tally_of_rows(rows: pd.DataFrame, policy: Policy) -> Tally:
    """Counts of what the policy accepts, a tally of one entry for
    core.decision.thresholds.policy.consequence_of.
    """
    total = _by_outcome(rows, np.ones(len(rows), dtype=bool))
    taken = _by_outcome(rows, accepted_rows(rows, policy))
    return Tally(taken, total, taken, total)


def changes_by_rows(rows: pd.DataFrame, before: Policy, after: Policy) -> DecisionChanges:
    """The cases that change side from one policy to the other, by outcome."""
    old, new = accepted_rows(rows, before), accepted_rows(rows, after)
    sides = (_by_outcome(rows, old & ~new), _by_outcome(rows, new & ~old))
    return DecisionChanges(*(dict(zip(OUTCOMES, side.tolist(), strict=True)) for side in sides))


def _by_outcome(rows: pd.DataFrame, chosen: np.ndarray) -> np.ndarray:
    """Cases of the chosen rows by outcome, [O]."""
    counts = np.zeros(len(OUTCOMES), dtype=np.int64)
    np.add.at(counts, positions_of(OUTCOMES, rows["outcome"][chosen]), rows["n"].to_numpy()[chosen])
    return counts
