"""A policy applied to counts as the store keeps them, row by row: what it accepts, and what another policy treats otherwise.

rows: columns segment, predicted, outcome, step, epistemic_bin and n (core.store's joint_counts). The answers are those of
core.decision.joint, for policies with a threshold of their own for each class and segment, without a table of every
segment, class, threshold and limit: for 50 segments of 100 classes that would be gigabytes, and one policy needs none of it.
"""

import numpy as np
import pandas as pd

from core.decision.histogram import positions
from core.decision.joint import limit_bin, step_of
from core.decision.policy import Policy
from core.decision.sides import Moves
from core.decision.tally import Tally
from core.types import OUTCOMES


def accepted(rows: pd.DataFrame, policy: Policy) -> np.ndarray:
    """Whether the policy accepts the cases of each row, [r]."""
    pairs = list(zip(rows["segment"], rows["predicted"], strict=True))
    least = {pair: step_of(policy.threshold_of(*pair)) for pair in set(pairs)}
    steps = np.array([least[pair] for pair in pairs], dtype=np.int64)
    return (rows["step"].to_numpy() >= steps) & (rows["epistemic_bin"].to_numpy() <= limit_bin(policy.epistemic_limit))


def tally(rows: pd.DataFrame, policy: Policy) -> Tally:
    """Counts of what the policy accepts, a tally of one entry for core.decision.policy.consequence_of."""
    total = _by_outcome(rows, np.ones(len(rows), dtype=bool))
    taken = _by_outcome(rows, accepted(rows, policy))
    return Tally(taken, total, taken, total)


def moves(rows: pd.DataFrame, before: Policy, after: Policy) -> Moves:
    """The cases that change side from one policy to the other, by outcome."""
    old, new = accepted(rows, before), accepted(rows, after)
    sides = (_by_outcome(rows, old & ~new), _by_outcome(rows, new & ~old))
    return Moves(*(dict(zip(OUTCOMES, side.tolist(), strict=True)) for side in sides))


def _by_outcome(rows: pd.DataFrame, chosen: np.ndarray) -> np.ndarray:
    """Cases of the chosen rows by outcome, [O]."""
    counts = np.zeros(len(OUTCOMES), dtype=np.int64)
    np.add.at(counts, positions(OUTCOMES, rows["outcome"][chosen]), rows["n"].to_numpy()[chosen])
    return counts
