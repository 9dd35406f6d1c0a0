"""A policy applied to counts as the store keeps them, row by row: what it accepts, and what another
policy treats otherwise.

rows: columns segment, predicted, outcome, step, epistemic_bin and n (core.store's joint_counts).
The answers are those of core.counts.joint, for policies with a threshold of their own for each
class and segment, without a table of every segment, class, threshold and limit: for 50 segments of
100 classes that would be gigabytes, and one policy needs none of it.
"""

import numpy as np
import pandas as pd

from core.counts.histogram import positions_of
from core.counts.joint import limit_bin, step_of_threshold
from core.counts.tally import Tally
from core.decision.thresholds.changes import DecisionChanges
from core.decision.thresholds.policy import Policy
from core.types import OUTCOMES


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
