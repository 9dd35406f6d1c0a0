"""Calibration of confidences: reliability, ECE, Brier score, negative log likelihood.

ECE (Guo et al. 2017, eq. 5): sum_b n_b / n |accuracy_b - confidence_b| over 15 equal-width bins on
[0, 1], confidence_b the bin's mean. Bins are half-open, [k/15, (k+1)/15), and 1 belongs to the
last.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import SettingsError
from core.stats.bounds import wilson
from core.stats.checks import finite
from core.types import Interval

ECE_BINS = 15


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram.

    confidence: the mean of the bin's cases, None in an empty bin. accuracy: with its n and
    interval.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: Interval

    @property
    def point(self) -> tuple[float, float]:
        """(mean confidence, accuracy) of a bin with cases. Raises ValueError for an empty one."""
        if self.confidence is None:
            raise ValueError("an empty bin has no point in the diagram")
        return self.confidence, self.accuracy.estimate[0]


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = ECE_BINS) -> list[Bin]:
    """Return the bins of the reliability diagram of confidence [n] and right [n] (answer is right).

    Raises NonFiniteError, and SettingsError for a confidence outside [0, 1].
    """
    confidence, right = _checked(confidence, right)
    # side="right" puts an edge into the bin above it; the minimum puts 1 into the last bin.
    edges = np.arange(bins + 1) / bins
    index = np.minimum(np.searchsorted(edges, confidence, side="right") - 1, bins - 1)
    count = np.bincount(index, minlength=bins)
    hits = np.bincount(index, weights=right, minlength=bins)
    sums = np.bincount(index, weights=confidence, minlength=bins)
    return reliability_from_counts(count, hits.astype(np.int64), sums)


def reliability_from_counts(
    n: np.ndarray, right: np.ndarray, confidence_sum: np.ndarray
) -> list[Bin]:
    """Return the diagram's bins from counts, as a store keeps them, [bins] each.

    n: cases of each bin; right: how many of them are right; confidence_sum: sum of confidences.
    """
    bins = len(n)
    return [
        Bin(
            b / bins,
            (b + 1) / bins,
            int(n[b]),
            float(confidence_sum[b] / n[b]) if n[b] else None,
            wilson(int(right[b]), int(n[b])),
        )
        for b in range(bins)
    ]


def ece_of_bins(bins: list[Bin]) -> float | None:
    """Return the expected calibration error of a diagram; None without a case."""
    n = sum(b.n for b in bins)
    if not n:
        return None
    points = [(b.n, *b.point) for b in bins if b.n]
    return sum(cases * abs(accuracy - confidence) for cases, confidence, accuracy in points) / n


def ece(confidence: np.ndarray, right: np.ndarray, bins: int = ECE_BINS) -> float | None:
    """Return the expected calibration error with equal-width bins; None without a case.

    >>> confidence = np.array([0.8, 0.8, 0.8, 0.8])
    >>> round(ece(confidence, np.array([True, True, False, False])), 3)
    0.3
    """
    return ece_of_bins(reliability(confidence, right, bins))


def brier_score(p: np.ndarray, label: np.ndarray) -> float:
    """Return the mean over cases of sum_k (p_k - [k = label])^2; p [n, K], label [n] positions."""
    p, label = _answers(p, label)
    return float(((p - np.eye(p.shape[1])[label]) ** 2).sum(1).mean())


def nll(p: np.ndarray, label: np.ndarray) -> float:
    """Return the mean of -log p[label], in nats; p [n, K], label [n] positions.

    A probability of 0 counts as 1e-300, so that one such case does not hide all others.
    """
    p, label = _answers(p, label)
    return float(-np.log(np.maximum(p[np.arange(len(p)), label], 1e-300)).mean())


def _answers(p: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, label = finite(p, "probability"), np.asarray(label)
    wrong = (label < 0) | (label >= p.shape[1])  # numpy would take -1 as the last class
    if wrong.any():
        index = int(np.flatnonzero(wrong)[0])
        raise SettingsError(
            "stats.no_position", label=int(label[index]), index=index, last=p.shape[1] - 1
        )
    return p, label


def _checked(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    confidence = finite(confidence, "confidence")
    if len(confidence) and not (confidence.min() >= 0 and confidence.max() <= 1):
        outside = confidence[(confidence < 0) | (confidence > 1)]
        raise SettingsError("stats.confidence_outside", confidence=float(outside[0]))
    return confidence, finite(right, "right")
