"""The part of a calibration error that is chance, and the error without it.

ECE is a sum of absolute values, so a perfectly calibrated model has a positive one on n cases: with
500 cases and 15 bins about 0.05, as large as the differences between methods. A bootstrap adds the
same bias a second time, and its interval lies above the estimate.

This module inverts the bias. Let bin b have n_b cases, mean confidence c_b, and a share right of
a_b. In the family r_b(s) = c_b + s (a_b - c_b), s >= 0, the number right is binomial, so the mean
and variance of the observed ECE are known exactly. The debiased ECE is the error at the s whose
mean is the observed ECE; the interval holds the errors at every s under which the observed ECE is
not extreme. Knows diagrams; knows no model and no store.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, ndtr, ndtri

from core.stats.calibration import Bin
from core.types import Interval

_STEPS = 50  # halvings of the search for s: 2^-50 is near the precision of a float


@dataclass(frozen=True)
class CalibrationError:
    """The calibration error of a diagram.

    debiased: what is left without chance, with its interval; never below 0, and low <= value <=
    high. plain: the ECE as it is usually given. by_chance: the mean ECE of a perfectly calibrated
    model with these confidences. p_value: probability that such a model has an ECE of `plain` or
    more; small where the model is miscalibrated. All None without a case.
    """

    debiased: Interval
    plain: float | None
    by_chance: float | None
    p_value: float | None


@dataclass(frozen=True)
class _Diagram:
    """Occupied bins: cases, mean confidence and number right, [B] each."""

    n: np.ndarray
    confidence: np.ndarray
    right: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """Return accuracy less confidence; if all gaps are 0, gaps towards overconfidence."""
        gap = self.right / self.n - self.confidence
        # A zero gap would give a family that never moves, and no upper bound for the error.
        return gap if gap.any() else -self.confidence

    def ece_distribution(self, s: float) -> tuple[float, float, float]:
        """Return mean and deviation of the observed ECE at `s`, and the true error there."""
        rate = np.clip(self.confidence + s * self.gap, 0, 1)
        mean, variance = absolute_deviation(self.n, rate, self.n * self.confidence)
        cases = self.n.sum()
        true = (self.n * np.abs(rate - self.confidence)).sum() / cases
        return float(mean.sum() / cases), float(np.sqrt(variance.sum()) / cases), float(true)


def calibration_error(bins: list[Bin], level: float = 0.95) -> CalibrationError:
    """Return the debiased ECE of a reliability diagram, with its interval and a test.

    The interval covers 0 for a perfectly calibrated model in 95 to 98 of 100 samples, and the true
    error of a miscalibrated one in about 90 to 97 (simulated in tests). Every confidence counts as
    its bin's mean: the variance inside a bin of width 1/15 is a thousandth of the whole.
    """
    occupied = [b for b in bins if b.n]
    if not occupied:
        return CalibrationError(Interval(None, None, None, 0, level), None, None, None)
    diagram = _Diagram(
        np.array([b.n for b in occupied]),
        np.array([b.point[0] for b in occupied]),
        np.array([round(b.n * b.point[1]) for b in occupied]),
    )
    cases = int(diagram.n.sum())
    plain = float(np.abs(diagram.right - diagram.n * diagram.confidence).sum() / cases)
    z = float(ndtri((1 + level) / 2))
    value, low, high = (_error_where(diagram, plain, q) for q in (0.0, z, -z))
    chance, deviation, _ = diagram.ece_distribution(0.0)
    p_value = float(ndtr((chance - plain) / deviation)) if deviation > 0 else float(plain <= chance)
    return CalibrationError(Interval(value, low, high, cases, level), plain, chance, p_value)


def absolute_deviation(
    n: np.ndarray, rate: np.ndarray, centre: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of |K - centre| for K ~ Bin(n, rate), element by element.

    With m = floor(centre): E|K - a| = n r - a + 2 (a P(K <= m) - E[K; K <= m]), and
    E[K; K <= m] = n r P(Bin(n - 1, r) <= m - 1).
    """
    last = np.floor(centre)
    below = bdtr(last, n, rate)
    # bdtr has no value for n - 1 = 0 or for a negative count: both are replaced by safe arguments
    # here, and the where() below discards the results.
    fewer = np.where(n > 1, bdtr(np.maximum(last - 1, 0), np.maximum(n - 1, 1), rate), 1.0)
    partial = np.where(last >= 1, n * rate * fewer, 0.0)
    mean = n * rate - centre + 2 * (centre * below - partial)
    square = n * rate * (1 - rate) + (n * rate - centre) ** 2
    # A variance as a difference of squares can round below zero, and its root would be NaN.
    return mean, np.maximum(square - mean**2, 0)


def _error_where(diagram: _Diagram, plain: float, q: float) -> float:
    """Return the true error at the s where mean + q deviations is `plain`; 0 at s = 0."""

    def height(s: float) -> float:
        mean, deviation, _ = diagram.ece_distribution(s)
        return mean + q * deviation

    return diagram.ece_distribution(_least_root(height, plain))[2]


def _least_root(height: Callable[[float], float], target: float) -> float:
    """Return the least s >= 0 with height(s) >= target, by doubling and halving."""
    if height(0.0) >= target:
        return 0.0
    low, high = 0.0, 1.0
    # Rates are clipped to [0, 1], so the height has a ceiling that the target may exceed: without
    # the limit the doubling would not end.
    while height(high) < target and high < 1e6:
        low, high = high, 2 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if height(middle) < target else (low, middle)
    return high
