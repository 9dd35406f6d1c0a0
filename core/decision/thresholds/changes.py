"""Apply a policy to the store's rows of counts, and count the cases whose decision changes between
two thresholds or two policies.

rows: columns segment, predicted, outcome, step, epistemic_bin and n (core.store's joint_counts).
Row by row, a policy with a threshold for each of 50 segments and 100 classes needs no table of
every segment, class, threshold and limit, which takes gigabytes. Knows only counts: the store's
`cases_near` lists the cases of an interval [low, high).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.counts.histogram import Histogram, edge_of_threshold, positions_of
from core.counts.joint import JointCumulative, limit_bin
from core.counts.tally import Tally
from core.decision.thresholds.policy import Policy
from core.types import OUTCOMES


@dataclass(frozen=True)
class CasesBetween:
    """The cases with low <= confidence < high, accepted at the looser threshold and reviewed at the
    stricter one.
    """

    low: float
    high: float
    first_bin: int  # of Histogram's fine bins, first_bin <= bin < end_bin
    end_bin: int
    by_outcome: dict[str, int]

    @property
    def cases(self) -> int:
        """Return the number of cases of all outcomes."""
        return sum(self.by_outcome.values())


@dataclass(frozen=True)
class DecisionChanges:
    """Cases by outcome that a change of policy sends from acceptance to review, and from review to
    acceptance.
    """

    to_review: dict[str, int]
    to_acceptance: dict[str, int]


def cases_between_thresholds(histogram: Histogram, first: float, second: float) -> CasesBetween:
    """Return the cases between two thresholds, in either order.

    Raises SettingsError unless both are multiples of 0.001 in [0, 1].
    """
    low, high = sorted((first, second))
    start, end = edge_of_threshold(low), edge_of_threshold(high)
    counts = histogram.counts[..., start:end].sum((0, 1, 3))
    return CasesBetween(low, high, start, end, _by_name(counts))


def decision_changes(cumulative: JointCumulative, before: Policy, after: Policy) -> DecisionChanges:
    """Return the exact numbers of cases whose decision changes between two policies."""
    steps = [policy.steps(cumulative.segments, cumulative.classes) for policy in (before, after)]
    limits = [limit_bin(policy.epistemic_limit) for policy in (before, after)]
    old, new = (
        cumulative.cells(step, limit).sum((0, 1)) for step, limit in zip(steps, limits, strict=True)
    )
    # Both policies accept a case exactly if the stricter threshold and the stricter limit do.
    both = cumulative.cells(np.maximum(*steps), min(limits)).sum((0, 1))
    return DecisionChanges(_by_name(old - both), _by_name(new - both))


def accepted_rows(rows: pd.DataFrame, policy: Policy) -> NDArray[np.bool_]:
    """Return whether the policy accepts the cases of each row, [r]."""
    # Categories turn names into positions once a name, not once a row.
    segment, predicted = (rows[name].astype("category").cat for name in ("segment", "predicted"))
    steps = policy.steps(tuple(segment.categories), tuple(predicted.categories))  # [S, K]
    least = steps[segment.codes.to_numpy(), predicted.codes.to_numpy()]
    confident = rows["step"].to_numpy() >= least
    certain = rows["epistemic_bin"].to_numpy() <= limit_bin(policy.epistemic_limit)
    accepted: NDArray[np.bool_] = confident & certain
    return accepted


def tally_of_rows(rows: pd.DataFrame, policy: Policy) -> Tally:
    """Return the tally of the policy, of one entry, for
    core.decision.thresholds.consequence.consequence_of_tally.
    """
    everything = np.ones(len(rows), dtype=bool)
    return Tally.of_counts(
        _by_outcome(rows, accepted_rows(rows, policy)), _by_outcome(rows, everything)
    )


def changes_by_rows(rows: pd.DataFrame, before: Policy, after: Policy) -> DecisionChanges:
    """Return the cases whose decision changes from `before` to `after`, by outcome."""
    old, new = accepted_rows(rows, before), accepted_rows(rows, after)
    return DecisionChanges(
        _by_name(_by_outcome(rows, old & ~new)), _by_name(_by_outcome(rows, new & ~old))
    )


def _by_outcome(rows: pd.DataFrame, selected: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the cases of the selected rows by outcome, [O]."""
    outcome = rows["outcome"].astype("category").cat
    position = positions_of(OUTCOMES, outcome.categories)[outcome.codes.to_numpy()[selected]]
    counts = np.zeros(len(OUTCOMES), dtype=np.int64)
    np.add.at(counts, position, rows["n"].to_numpy(dtype=np.int64)[selected])
    return counts


def _by_name(counts: NDArray[np.int64]) -> dict[str, int]:
    return {outcome: int(n) for outcome, n in zip(OUTCOMES, counts, strict=True)}
