"""Which case a reviewer judges next: the most expected saving a minute first. Pure.

Reviewing a case saves (1 - p) * escape - review, where p is the chance that the model is right.
With one pool of reviewers, greedy by saving a minute is the best use of the day's minutes
(fractional knapsack); the next cases beyond them price one more hour.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class RankedQueue:
    """The order of n cases, and what today's capacity leaves.

    order: positions, the next case first, [n]. saving: of each case, in the order given, [n].
    today: cases that fit into the day. shadow_price: saving of one more hour of review.
    """

    order: NDArray[np.int64]
    saving: NDArray[np.float64]
    today: int
    shadow_price: float


def rank_queue(
    p_wrong: ArrayLike, escape: float, review: float, minutes: float, capacity_minutes: float
) -> RankedQueue:
    """Return the order of n cases that wait for people.

    p_wrong: the chance that the model is wrong, [n]. escape, review: cost of one, in one currency.
    minutes: of one review, above 0. capacity_minutes: of all reviewers today.
    """
    saving = np.asarray(p_wrong, dtype=np.float64) * escape - review
    order = np.argsort(-saving, kind="stable")
    today = int(min(len(order), capacity_minutes // minutes))
    beyond = np.clip(saving[order][today:], 0, None)
    full, part = divmod(60 / minutes, 1)
    hour = beyond[: int(full)].sum() + part * beyond[int(full) : int(full) + 1].sum()
    return RankedQueue(order, saving, today, float(hour))


def mix_blind_cases(review: list[str], blind: list[str], today: int) -> list[str]:
    """Return one queue in which the blind cases are spread evenly over today's reviews.

    review: case ids in their order. blind: audits, in the order of their random numbers. today: how
    many of `review` fit into the day.
    """
    first, later = review[:today], review[today:]
    places = (np.arange(len(blind)) * (len(first) + 1) / max(1, len(blind))).astype(int)
    mixed: list[str] = []
    for i in range(len(first) + 1):
        mixed += [blind[j] for j in np.flatnonzero(places == i)]
        mixed += first[i : i + 1]
    return mixed + later
