"""Count predictions by confidence and epistemic uncertainty, so that a policy limits both, by
segment and by predicted class, with exact counts.

Confidence is counted in steps of 0.001, the thresholds themselves: step j holds THRESHOLDS[j] <=
confidence < THRESHOLDS[j + 1], and step 1000 holds confidence == 1.0, which the threshold 1
accepts. Epistemic uncertainty is counted in the bins of core.counts.histogram.EPISTEMIC_LIMITS.
Histogram has finer bins of confidence, which calibration needs, and no epistemic axis.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.counts.histogram import (
    EPISTEMIC_BINS,
    EPISTEMIC_LIMITS,
    FINE_BINS,
    THRESHOLDS,
    bin_of_confidence,
    bin_of_epistemic,
    edge_of_threshold,
    positions_of,
    select_names,
)
from core.counts.tally import Tally
from core.errors import SettingsError, ShapeError
from core.stats.checks import finite
from core.types import OUTCOMES

REVIEW_ALL = "review_all"  # a threshold that accepts nothing, not even confidence 1.0
THRESHOLD_STEPS = len(THRESHOLDS) + 1  # thresholds 0, 0.001, ..., 1 and then REVIEW_ALL
_FINE_PER_STEP = FINE_BINS // 1000
# int32 halves the memory of S * K * O * 1001 * 16 cells.
_INT32_MAX = np.iinfo(np.int32).max


def step_of_threshold(threshold: float | str) -> int:
    """Return the step of a threshold, in [0, THRESHOLD_STEPS).

    Raises SettingsError unless it is REVIEW_ALL or a multiple of 0.001 in [0, 1].
    """
    if isinstance(threshold, str):
        if threshold != REVIEW_ALL:
            raise SettingsError("counts.threshold_text", threshold=threshold, review_all=REVIEW_ALL)
        return THRESHOLD_STEPS - 1
    return edge_of_threshold(threshold) // _FINE_PER_STEP


def threshold_at(step: int) -> float | str:
    """Return the threshold of a step: a multiple of 0.001, or REVIEW_ALL for the last step."""
    return REVIEW_ALL if step == THRESHOLD_STEPS - 1 else float(THRESHOLDS[step])


def limit_bin(limit: float | None) -> int:
    """Return the last epistemic bin that a limit in nats accepts; None sets no limit.

    Raises SettingsError for a limit that is not one of EPISTEMIC_LIMITS.
    """
    if limit is None:
        return EPISTEMIC_BINS - 1
    positions = np.flatnonzero(limit == EPISTEMIC_LIMITS)
    if not len(positions):
        allowed = tuple(EPISTEMIC_LIMITS.tolist())
        raise SettingsError("counts.epistemic_limit", limit=limit, allowed=allowed)
    return int(positions[0])


@dataclass(frozen=True)
class JointCounts:
    """Cases by segment, predicted class, outcome, threshold step and epistemic bin.

    counts is [S, K, O, 1001, EPISTEMIC_BINS], int32 if the number of cases fits, else int64; O is
    the length of core.types.OUTCOMES.
    """

    segments: tuple[str, ...]
    classes: tuple[str, ...]  # predicted labels
    counts: np.ndarray

    def __post_init__(self) -> None:
        shape = (
            len(self.segments),
            len(self.classes),
            len(OUTCOMES),
            len(THRESHOLDS),
            EPISTEMIC_BINS,
        )
        if self.counts.shape != shape:
            raise ShapeError("counts.joint_shape", shape=self.counts.shape, expected=shape)

    @classmethod
    def from_rows(
        cls,
        segments: Sequence[str],
        classes: Sequence[str],
        segment: Iterable[str],
        predicted: Iterable[str],
        outcome: Iterable[str],
        step: ArrayLike,
        epistemic_bin: ArrayLike,
        n: ArrayLike,
    ) -> "JointCounts":
        """Return the sum of r rows of counts, the form in which the store keeps them.

        segments, classes: the names and their order.
        segment, predicted, outcome, step, epistemic_bin: the key of each row, [r].
        n: the number of cases of each row, [r].
        """
        n = np.asarray(n, dtype=np.int64)
        keys = ((segments, segment), (classes, predicted), (OUTCOMES, outcome))
        where = tuple(positions_of(tuple(names), values) for names, values in keys)
        shape = (len(segments), len(classes), len(OUTCOMES), len(THRESHOLDS), EPISTEMIC_BINS)
        counts = np.zeros(shape, dtype=np.int32 if n.sum() <= _INT32_MAX else np.int64)
        np.add.at(
            counts,
            (*where, np.asarray(step, dtype=np.int64), np.asarray(epistemic_bin, dtype=np.int64)),
            n,
        )
        return cls(tuple(segments), tuple(classes), counts)

    @classmethod
    def from_predictions(
        cls,
        segment: Sequence[str],
        predicted: Sequence[str],
        outcome: Sequence[str],
        confidence: NDArray[np.float64],
        epistemic: NDArray[np.float64],
        segments: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
    ) -> "JointCounts":
        """Return the counts of n cases.

        Raises NonFiniteError for a confidence outside [0, 1] or an epistemic uncertainty that is
        negative or not finite.

        segment, predicted, outcome, confidence, epistemic: one value a case, [n]; epistemic is in
        nats.
        segments, classes: the names and their order; None takes the sorted names of the cases.
        """
        segments = tuple(sorted(set(segment))) if segments is None else tuple(segments)
        classes = tuple(sorted(set(predicted))) if classes is None else tuple(classes)
        step, epistemic_bin = (
            bin_of_confidence(confidence) // _FINE_PER_STEP,
            bin_of_epistemic(epistemic),
        )
        return cls.from_rows(
            segments, classes, segment, predicted, outcome, step, epistemic_bin, np.ones(len(step))
        )

    def select(
        self, segments: Sequence[str] | None = None, classes: Sequence[str] | None = None
    ) -> "JointCounts":
        """Return the counts of these segments and predicted classes; None keeps all.

        Raises SettingsError for an unknown name.
        """
        segments, s = select_names(self.segments, segments)
        classes, k = select_names(self.classes, classes)
        return JointCounts(segments, classes, self.counts[s][:, k])

    def without_unseen(self) -> "JointCounts":
        """Return the counts without the cases whose label no model was trained on; they leave
        workload, volume and risk.
        """
        keep = np.array([outcome != "unseen" for outcome in OUTCOMES])
        return replace(self, counts=self.counts * keep[:, None, None].astype(self.counts.dtype))

    @property
    def cases(self) -> int:
        """Return the number of cases."""
        return int(self.counts.sum(dtype=np.int64))


class JointCumulative:
    """The cases of joint counts that each threshold and epistemic limit accept.

    The counts are computed once and shared between views; a caller must not change them.
    accepted [S, K, O, THRESHOLD_STEPS, EPISTEMIC_BINS]: cases with confidence >= threshold and
    epistemic <= limit; the last bin sets no limit. weights [S, K] multiply the cases of a segment
    and predicted class (core.decision.thresholds.prevalence); None weighs every case 1.
    """

    def __init__(self, joint: JointCounts):
        self.segments, self.classes = joint.segments, joint.classes
        self.weights: NDArray[np.float64] | None = None
        self.accepted = np.zeros(
            (*joint.counts.shape[:3], THRESHOLD_STEPS, EPISTEMIC_BINS), dtype=joint.counts.dtype
        )
        # The last step, REVIEW_ALL, stays 0. Both sums write in place: a temporary of this size
        # would double the peak of memory.
        counted = self.accepted[..., :-1, :]
        np.cumsum(joint.counts[..., ::-1, :], axis=-2, out=counted[..., ::-1, :])
        np.cumsum(counted, axis=-1, out=counted)

    def reweighted(self, weights: np.ndarray) -> "JointCumulative":
        """Return a view of the same counts with weights [S, K].

        Raises NonFiniteError for a weight that is not finite, ShapeError for another shape or a
        negative weight.
        """
        weights = finite(weights, "weight")
        if weights.shape != (len(self.segments), len(self.classes)) or (weights < 0).any():
            raise ShapeError(
                "counts.cell_weights",
                shape=weights.shape,
                segments=len(self.segments),
                classes=len(self.classes),
            )
        # __init__ would compute the cumulative sums again.
        view = object.__new__(JointCumulative)
        view.segments, view.classes, view.accepted, view.weights = (
            self.segments,
            self.classes,
            self.accepted,
            weights,
        )
        return view

    def cells(self, steps: np.ndarray, limit: int) -> np.ndarray:
        """Return the accepted cases [S, K, O] for the threshold step of each cell, steps [S, K],
        and one epistemic bin `limit` for all.
        """
        s, k = np.indices(steps.shape)
        return self.accepted[s, k, :, steps, limit]

    @property
    def total(self) -> np.ndarray:
        """Return the number of cases by cell and outcome, [S, K, O]."""
        return self.accepted[..., 0, -1]

    def tally(self, steps: np.ndarray, limit: int) -> Tally:
        """Return the tally over all cells for the threshold step of each cell, steps [S, K]."""
        return Tally.of_cells(self.cells(steps, limit), self.total, self.weights)

    def curve(self, limit: int) -> Tally:
        """Return the tally of every threshold applied to all cells, [THRESHOLD_STEPS]."""
        return Tally.of_cells(
            np.moveaxis(self.accepted[..., limit], -1, 0), self.total, self.weights
        )
