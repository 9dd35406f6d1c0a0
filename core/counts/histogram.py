"""Count predictions by segment, predicted class, outcome and confidence, and count what each
threshold accepts. Knows no epistemic uncertainty beyond its bins.

Confidence falls into fine bins with the edges i / 3000 in float64: EDGES[b] <= confidence <
EDGES[b + 1]. 3000 is a multiple of 1000, so every threshold of three decimals is an edge and the
counts are exact. 3000 is also a multiple of 15, so the bins of ECE are unions of fine bins.
i / 3000 for i = 3 j and j / 1000 are the same float64, because both are the rounded quotient. The
last bin holds confidence == 1.0, which the threshold 1 accepts.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.counts.tally import Tally
from core.errors import NonFiniteError, SettingsError, ShapeError
from core.types import OUTCOMES

FINE_BINS = 3000
CONFIDENCE_BINS = FINE_BINS + 1  # the last one is for confidence == 1.0
EDGES = np.arange(FINE_BINS + 1) / FINE_BINS  # float64; bin b begins at EDGES[b]
THRESHOLDS = np.arange(1001) / 1000
_EDGE_OF_THRESHOLD = np.arange(1001) * (FINE_BINS // 1000)
# The limits that a policy may set on epistemic uncertainty, in nats. They are fixed because stored
# counts keep only the bin of a case and are exact only at bin edges. A case is accepted where epistemic <= limit; bin e holds
# EPISTEMIC_LIMITS[e - 1] < epistemic <= EPISTEMIC_LIMITS[e], the last bin everything above.
EPISTEMIC_LIMITS = np.array(
    [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5]
)
EPISTEMIC_BINS = len(EPISTEMIC_LIMITS) + 1


def bin_of_confidence(confidence: np.ndarray) -> np.ndarray:
    """Return the bin [n] of each confidence [n].

    Raises NonFiniteError, naming the first value that is NaN, infinite or outside [0, 1].
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    # NaN fails both comparisons, so the negated form also catches it.
    bad = ~((confidence >= 0) & (confidence <= 1))
    if bad.any():
        index = int(np.flatnonzero(bad)[0])
        raise NonFiniteError("counts.confidence", value=confidence[index], index=index)
    return np.searchsorted(EDGES, confidence, side="right") - 1


def bin_of_epistemic(epistemic: np.ndarray) -> np.ndarray:
    """Return the bin [n] of each epistemic uncertainty [n], in nats.

    Raises NonFiniteError, naming the first value that is NaN, infinite or negative.
    """
    epistemic = np.asarray(epistemic, dtype=np.float64)
    bad = ~((epistemic >= 0) & (epistemic < np.inf))  # also true for NaN
    if bad.any():
        index = int(np.flatnonzero(bad)[0])
        raise NonFiniteError("counts.epistemic", value=epistemic[index], index=index)
    return np.searchsorted(EPISTEMIC_LIMITS, epistemic, side="left")


def edge_of_threshold(threshold: float) -> int:
    """Return the index of a threshold in EDGES.

    Raises SettingsError unless the threshold is a multiple of 0.001 in [0, 1].
    """
    # round() raises on NaN and infinity; -1 sends both to the SettingsError below.
    steps = round(threshold * 1000) if np.isfinite(threshold) else -1
    # The tolerance admits float error of thresholds such as 0.1 + 0.2, far below one step.
    if not 0 <= steps <= 1000 or abs(threshold * 1000 - steps) > 1e-6:
        raise SettingsError("counts.threshold", threshold=threshold)
    return steps * (FINE_BINS // 1000)


@dataclass(frozen=True)
class Histogram:
    """Cases and sums of confidence by segment, predicted class, outcome and bin of confidence.

    counts is int64 and confidence_sum float64, both [S, K, O, CONFIDENCE_BINS]; O is the length of
    core.types.OUTCOMES.
    """

    segments: tuple[str, ...]
    classes: tuple[str, ...]  # predicted labels
    counts: np.ndarray
    confidence_sum: np.ndarray

    def __post_init__(self) -> None:
        shape = (len(self.segments), len(self.classes), len(OUTCOMES), CONFIDENCE_BINS)
        for name, array in (("counts", self.counts), ("confidence sums", self.confidence_sum)):
            if array.shape != shape:
                raise ShapeError(
                    "counts.histogram_shape", name=name, shape=array.shape, expected=shape
                )

    @classmethod
    def from_predictions(
        cls,
        segment: Sequence[str],
        predicted: Sequence[str],
        outcome: Sequence[str],
        confidence: NDArray[np.float64],
        segments: Iterable[str] | None = None,
        classes: Iterable[str] | None = None,
    ) -> "Histogram":
        """Return the histogram of n cases.

        Raises NonFiniteError for a confidence outside [0, 1], SettingsError for an unknown name.

        segment, predicted, outcome, confidence: one value a case, [n]; an outcome is one of
        core.types.OUTCOMES.
        segments, classes: the names and their order; None takes the sorted names of the cases.

        >>> outcome = ["right", "right", "wrong", "unseen"]
        >>> confidence = np.array([0.95, 0.9, 0.9, 0.5])
        >>> histogram = Histogram.from_predictions(["A"] * 4, ["pump"] * 4, outcome, confidence)
        >>> histogram.cases, histogram.counts.sum(axis=-1).tolist()
        (4, [[[2, 1, 1, 0]]])
        """
        segments = tuple(sorted(set(segment))) if segments is None else tuple(segments)
        classes = tuple(sorted(set(predicted))) if classes is None else tuple(classes)
        index = tuple(
            positions_of(names, values)
            for names, values in ((segments, segment), (classes, predicted), (OUTCOMES, outcome))
        )
        counts = np.zeros(
            (len(segments), len(classes), len(OUTCOMES), CONFIDENCE_BINS), dtype=np.int64
        )
        sums = np.zeros(counts.shape)
        where = (*index, bin_of_confidence(confidence))
        # counts[where] += 1 would count a repeated index once.
        np.add.at(counts, where, 1)
        np.add.at(sums, where, np.asarray(confidence, dtype=np.float64))
        return cls(segments, classes, counts, sums)

    def select(
        self, segments: Sequence[str] | None = None, classes: Sequence[str] | None = None
    ) -> "Histogram":
        """Return the histogram of these segments and predicted classes; None keeps all.

        Raises SettingsError for an unknown name.
        """
        segments, s = select_names(self.segments, segments)
        classes, k = select_names(self.classes, classes)
        arrays = (array[s][:, k] for array in (self.counts, self.confidence_sum))
        return Histogram(segments, classes, *arrays)

    def by_class(self) -> "Histogram":
        """Return the histogram with the axes of segments and predicted classes exchanged, so that
        functions by segment give figures by class.
        """
        swapped = (np.swapaxes(array, 0, 1) for array in (self.counts, self.confidence_sum))
        return Histogram(self.classes, self.segments, *swapped)

    @property
    def cases(self) -> int:
        """Return the number of cases."""
        return int(self.counts.sum())


def select_names(
    names: tuple[str, ...], selected: Sequence[str] | None
) -> tuple[tuple[str, ...], slice | NDArray[np.int64]]:
    """Return the selected names and their index into `names`; None selects all.

    Raises SettingsError for an unknown name.
    """
    if selected is None:
        return names, slice(None)
    return tuple(selected), positions_of(names, selected)


def positions_of(names: Sequence[str], values: Iterable[Hashable]) -> NDArray[np.int64]:
    """Return the position in `names` of each value, [n]. Raises SettingsError for an unknown name."""
    position: dict[Hashable, int] = {name: i for i, name in enumerate(names)}
    try:
        return np.array([position[v] for v in values], dtype=np.int64)
    except KeyError as e:
        raise SettingsError(
            "counts.unknown_name", name=e.args[0], names=tuple(map(str, names))
        ) from e


class AcceptanceCurve:
    """The cases of a histogram that each threshold accepts.

    The counts are computed once and shared between callers; a caller must not change them.
    """

    def __init__(self, histogram: Histogram):
        self.histogram = histogram

    @cached_property
    def accepted(self) -> NDArray[np.int64]:
        """Return the cases with confidence >= THRESHOLDS[j] by outcome, [O, 1001]."""
        accepted: NDArray[np.int64] = self.by_segment.sum(0)
        return accepted

    @cached_property
    def by_segment(self) -> NDArray[np.int64]:
        """Return the cases with confidence >= THRESHOLDS[j] by segment and outcome, [S, O, 1001]."""
        per_bin = self.histogram.counts.sum(1)  # [S, O, CONFIDENCE_BINS]
        # A sum from the highest bin down counts the cases in bin b and above.
        from_the_top: NDArray[np.int64] = per_bin[..., ::-1].cumsum(-1)[..., ::-1]
        return from_the_top[..., _EDGE_OF_THRESHOLD]

    def tally(self, steps: slice = slice(None), include_unseen: bool = True) -> Tally:
        """Return the tally of the thresholds of `steps`, [T]; `include_unseen` False leaves out
        the cases whose label no model was trained on.
        """
        tally = Tally.of_counts(self.accepted[:, steps].T, self.accepted[:, 0])
        return tally if include_unseen else tally.without_unseen()

    def segment_tally(self, steps: slice = slice(None), include_unseen: bool = True) -> Tally:
        """Return the tally of each segment at the thresholds of `steps`, [S, T]; its totals are
        [S, 1, O].
        """
        accepted = self.by_segment[..., steps].swapaxes(1, 2)
        tally = Tally.of_counts(accepted, self.by_segment[:, None, :, 0])
        return tally if include_unseen else tally.without_unseen()
