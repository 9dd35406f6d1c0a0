"""Estimate the leakage of accepted cases without labels, from a labelled open-world reference.

P(right) is the isotonic regression of right on confidence over the reference, cases of classes that
the model does not know included (Zadrozny & Elkan 2002; the idea of NannyML's CBPE). It assumes
that confidence means the same as then: concept drift and new kinds of cases break it without any
sign in the confidence. So it is always shown with the simplest rival, the reference's risk times
today's coverage, and is withdrawn when audits contradict it (core.decision.watch.ratios).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import SettingsError
from core.stats.bounds import wilson, wilson_arrays
from core.types import Interval

# Level of the bound that audits are held against: its upper end misses once in four references.
# At 0 a reference that was lucky withdraws the estimate of a stable stream too often; at 0.95 a
# small reference hides a true shift for too long (measured by benchmarks.stream).
CAUTION = 0.5
LEAST_REFERENCE = 50  # labelled reference cases below which no estimate is made


@dataclass(frozen=True, eq=False)
class Recalibration:
    """P(wrong) by confidence, with the reference that it rests on.

    knots: confidences, rising, [B]. risk: P(wrong) at them, falling, [B]; linear between them,
    level beyond. confidence, wrong: the reference, [m].
    """

    knots: NDArray[np.float64]
    risk: NDArray[np.float64]
    confidence: NDArray[np.float64]
    wrong: NDArray[np.bool_]

    def wrong_share(self, confidence: ArrayLike) -> NDArray[np.float64]:
        """Return P(wrong) of each case, [n]."""
        return np.interp(np.asarray(confidence, dtype=np.float64), self.knots, self.risk)


def fit_recalibration(confidence: ArrayLike, right: ArrayLike) -> Recalibration:
    """Return the isotonic recalibration of m labelled cases.

    confidence: in [0, 1], [m]. right: bool, [m]; a class unknown to the model is not right. Raises
    SettingsError below LEAST_REFERENCE cases.
    """
    from scipy.optimize import isotonic_regression  # takes 150 ms to import

    level = np.asarray(confidence, dtype=np.float64)
    correct = np.asarray(right, dtype=bool)
    if len(level) < LEAST_REFERENCE:
        raise SettingsError("watch.reference", n=len(level), least=LEAST_REFERENCE)
    # Equal confidences are one knot: isotonic regression would order them by chance.
    knots, place, counts = np.unique(level, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=correct) / counts
    fitted = isotonic_regression(share, weights=counts).x
    return Recalibration(knots, 1 - fitted, level, ~correct)


def cautious_wrong_share(expected: ArrayLike, wrong: int, accepted: int) -> NDArray[np.float64]:
    """Return P(wrong) raised by the reference's own error, [n]: what audits have to contradict.

    expected: P(wrong) of each case, [n]. wrong, accepted: the reference's accepted cases, whose
    risk is raised to its Wilson bound at CAUTION.
    """
    p = np.asarray(expected, dtype=np.float64)
    bound = wilson(wrong, accepted, CAUTION)
    if bound.value is None:
        return np.ones_like(p)  # nothing was accepted, so nothing can be contradicted
    value, _, high = bound.estimate
    return np.maximum(p, high) if value == 0 else np.minimum(1.0, p * high / value)


def label_free_leakage(
    fitted: Recalibration, confidence: ArrayLike, accepted: ArrayLike
) -> Interval:
    """Return the estimated share of n cases that are accepted and wrong, with its 95% interval.

    confidence: [n]. accepted: bool, [n]. The interval is Wilson's at the harmonic sum of the
    accepted cases and the reference's: chance in both. It holds while confidence keeps its meaning.
    """
    taken = np.asarray(accepted, dtype=bool)
    risk = fitted.wrong_share(np.asarray(confidence, dtype=np.float64)[taken])
    reference = _reference_size(fitted, np.asarray(confidence, dtype=np.float64)[taken])
    return _share_of_coverage(
        float(risk.mean()) if len(risk) else 0.0, int(taken.sum()), reference, len(taken)
    )


def stable_risk_leakage(
    reference_risk: Interval, accepted_reference: int, accepted: ArrayLike
) -> Interval:
    """Return the rival: the reference's risk among accepted cases times today's coverage.

    reference_risk: of the policy's accepted reference cases. accepted_reference: their number.
    accepted: bool, [n].
    """
    taken = np.asarray(accepted, dtype=bool)
    if reference_risk.value is None:
        return Interval(None, None, None, len(taken))
    return _share_of_coverage(
        reference_risk.value, int(taken.sum()), accepted_reference, len(taken)
    )


def _reference_size(fitted: Recalibration, confidence: NDArray[np.float64]) -> int:
    """Return how many reference cases lie at or above the least accepted confidence, at least 1."""
    if not len(confidence):
        return 1
    return max(1, int((fitted.confidence >= confidence.min()).sum()))


def _share_of_coverage(risk: float, accepted: int, reference: int, n: int) -> Interval:
    if n == 0:
        return Interval(None, None, None, 0)
    if accepted == 0:
        return Interval(0.0, 0.0, 0.0, n)  # nothing is accepted, so nothing can escape
    coverage = accepted / n
    effective = np.array([1 / (1 / accepted + 1 / reference)])
    low, high = wilson_arrays(risk * effective, effective)
    return Interval(coverage * risk, coverage * float(low[0]), coverage * float(high[0]), n)
