"""One line's stream as columns: what a policy decided, and what is known of it since.

Knows no store: core.pipeline.watch reads the columns. Rows are in the order of time.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.decision.watch.labelfree import LEAST_REFERENCE, Recalibration, fit_recalibration
from core.decision.watch.replay import DecidedCases
from core.errors import ShapeError
from core.stats.bounds import wilson
from core.types import Interval

MOST_WINDOWS = 14  # windows of a stream's figures at most
WINDOW_CASES = 40  # the median window holds at least this many cases, or longer windows are taken
_LENGTHS = ("D", "W", "M", "Q", "Y")  # pandas' names of calendar periods


@dataclass(frozen=True, eq=False)
class ReferenceCases:
    """Labelled cases of the same model from before the stream, columns [m].

    predicted: positions of the classes. margin: confidence less the threshold of the case. right,
    unseen: bool; a case of a class unknown to the model is unseen, and not right.
    """

    predicted: NDArray[np.intp]
    confidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    right: NDArray[np.bool_]
    unseen: NDArray[np.bool_]

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Which of them the policy accepts, [m]."""
        return self.margin >= 0

    def risk(self) -> Interval:
        """Return the share of wrong cases among the accepted ones, with Wilson's interval."""
        return wilson(int((self.accepted & ~self.right).sum()), int(self.accepted.sum()))

    def recalibration(self) -> Recalibration | None:
        """Return P(wrong) by confidence, None below LEAST_REFERENCE cases."""
        if len(self.right) < LEAST_REFERENCE:
            return None
        return fit_recalibration(self.confidence, self.right)


@dataclass(frozen=True, eq=False)
class WatchedStream:
    """N cases of a scoring run under one policy, columns [N].

    occurred_at: times, NaT where unknown. day: equal within a day, rising. predicted: positions of
    `classes`. margin: confidence less the threshold of the case. accepted: by the policy in force.
    drawn, wrong, inclusion, missing: of core.decision.watch.replay.DecidedCases. unseen: 1 where the
    verdict names a label that the model does not know, 0 where it knows it, NaN without a label.
    """

    classes: tuple[str, ...]
    occurred_at: NDArray[np.datetime64]
    day: NDArray[np.intp]
    predicted: NDArray[np.intp]
    confidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    drawn: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    inclusion: NDArray[np.float64]
    missing: NDArray[np.bool_]
    unseen: NDArray[np.float64]

    def __post_init__(self) -> None:
        sizes = {
            len(getattr(self, name)) for name in self.__dataclass_fields__ if name != "classes"
        }
        if len(sizes) > 1:
            raise ShapeError("watch.shape", shape=str(sorted(sizes)), steps=len(self.day))

    def __len__(self) -> int:
        return len(self.day)

    @property
    def audited(self) -> NDArray[np.bool_]:
        """Accepted cases with a verdict, [N]."""
        return self.accepted & self.drawn

    @property
    def dated(self) -> bool:
        """Whether every case has a time."""
        return bool(len(self) and not np.isnat(self.occurred_at).any())

    def decided(self, expected: NDArray[np.float64]) -> DecidedCases:
        """Return the columns that a replay needs; expected: P(wrong) of each case, [N]."""
        return DecidedCases(
            self.wrong, self.drawn, self.inclusion, expected, self.day, self.missing
        )


def cut_windows(stream: WatchedStream) -> NDArray[np.intp]:
    """Return the window of each case, [N], from 0.

    Windows are the shortest calendar periods with WINDOW_CASES cases in the median one, at most
    MOST_WINDOWS of them; equal numbers of cases where a time is missing.
    """
    n = len(stream)
    if stream.dated:
        times = pd.DatetimeIndex(stream.occurred_at)
        for length in _LENGTHS:
            window, periods = pd.factorize(times.to_period(length), sort=True)
            sizes = np.bincount(window)
            if len(periods) <= MOST_WINDOWS and np.median(sizes) >= min(WINDOW_CASES, n):
                break
        return _merge_small(np.asarray(window, dtype=np.intp), sizes)
    count = max(1, min(MOST_WINDOWS, n // WINDOW_CASES))
    return (np.arange(n) * count) // max(1, n)


def _merge_small(window: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the windows with those of a few cases joined to the window before, [N]."""
    # The first stays: it has none before it.
    large_enough = (sizes >= min(WINDOW_CASES // 4, sizes.max())) | (np.arange(len(sizes)) == 0)
    return (np.cumsum(large_enough) - 1)[window]
