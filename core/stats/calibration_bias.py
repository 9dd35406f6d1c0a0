"""How much of a calibration error is chance: ECE is a sum of absolute values, so that n cases of a
perfect model have one too.

With 500 cases and 15 bins it is about 0.05, as large as the differences between methods.
`ece_floor` says how large for given confidences; `squared_error` is an estimate that chance does
not raise. Knows no model and no store.
"""

import numpy as np
from scipy.stats import poisson_binom

from core.stats.calibration import BINS, Bin, reliability


def ece_floor(confidence: np.ndarray, bins: int = BINS) -> float | None:
    """The mean ECE of a model with these confidences [n] that is right exactly as often as they
    say; None without a case.

    sum_b E|K_b - sum_i c_i| / n, K_b the number right in bin b: Poisson-binomial with probabilities
    c_i. Exact; its cost grows with the square of a bin's cases.
    """
    parts = _by_bin(confidence, bins)
    if not len(confidence):
        return None
    return float(
        sum(np.abs(np.arange(len(c) + 1) - c.sum()) @ _numbers_right(c) for c in parts)
        / len(confidence)
    )


def squared_error(bins: list[Bin]) -> float | None:
    """Mean squared calibration error of a diagram, without the bias of few cases; below 0 where
    chance has it so.

    sum_b n_b / n ((accuracy_b - confidence_b)^2 - accuracy_b (1 - accuracy_b) / (n_b - 1)), bins of
    one case left out (Kumar, Liang, Ma 2019, arXiv 1909.10155, section 4). None where no bin has
    two.
    """
    kept = [(b.n, b.accuracy.value, b.confidence) for b in bins if b.n > 1]
    if not kept:
        return None
    n, accuracy, confidence = np.array(kept, dtype=float).T
    return float(
        np.average((accuracy - confidence) ** 2 - accuracy * (1 - accuracy) / (n - 1), weights=n)
    )


def _by_bin(confidence: np.ndarray, bins: int) -> list[np.ndarray]:
    """The confidences of every bin that has any, cut where `reliability` cuts."""
    counts = [b.n for b in reliability(confidence, np.zeros(len(confidence)), bins)]
    return [part for part in np.split(np.sort(confidence), np.cumsum(counts)[:-1]) if len(part)]


def _numbers_right(c: np.ndarray) -> np.ndarray:
    """P(K = 0), ..., P(K = n) of a sum of Bernoulli(c_i)."""
    return poisson_binom.pmf(np.arange(len(c) + 1), c)
