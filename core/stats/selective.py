"""Accept by confidence: risk against coverage, its area, and how well a score separates two kinds.

Cases of equal confidence are accepted together, since no threshold separates them (El-Yaniv &
Wiener 2010 for the risk-coverage curve). Knows arrays; knows no model and no store.
"""

from collections.abc import Callable, Sequence

import numpy as np

from core.stats.checks import finite
from core.types import Interval


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coverage and risk, [m] each, at the m distinct confidences, strict to loose."""
    confidence = finite(confidence, "confidence")
    order = np.argsort(-confidence, kind="stable")
    wrong = 1.0 - finite(right, "right")[order]
    last = (
        np.append(np.flatnonzero(np.diff(confidence[order])), len(order) - 1)
        if len(order)
        else np.zeros(0, dtype=int)
    )
    accepted = last + 1
    return accepted / max(1, len(order)), np.cumsum(wrong)[last] / accepted


def aurc(confidence: np.ndarray, right: np.ndarray) -> float | None:
    """Return the area under the risk-coverage curve; None without a case.

    It is the mean over cases of the risk at which each is first accepted.
    """
    coverage, risk = risk_coverage(confidence, right)
    return float((np.diff(coverage, prepend=0.0) * risk).sum()) if len(risk) else None


def coverage_at_risk(confidence: np.ndarray, right: np.ndarray, risk: float) -> float | None:
    """Return the largest coverage whose selective risk is at most `risk`; 0 if no coverage has it.

    None without a case.

    >>> confidence, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True])
    >>> coverage_at_risk(confidence, right, 0.25), coverage_at_risk(confidence, right, 0.1)
    (1.0, 0.5)
    """
    coverage, risks = risk_coverage(confidence, right)
    if not len(risks):
        return None
    # The curve is not monotonic: the last point within the risk counts, even where an earlier one
    # exceeds it.
    within = np.flatnonzero(risks <= risk)
    return float(coverage[within[-1]]) if len(within) else 0.0


def auroc(score: np.ndarray, positive: np.ndarray) -> float | None:
    """Return the probability that a positive case scores above a negative one; ties count half.

    None where one of the two kinds is missing.
    """
    score, positive = finite(score, "score"), finite(positive, "positive").astype(bool)
    if positive.all() or not positive.any():
        return None
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # from 1, equal scores share their mean
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def bootstrap_interval(
    metric: Callable[..., float | None],
    arrays: Sequence[np.ndarray],
    seed: int,
    draws: int = 500,
    level: float = 0.95,
) -> Interval:
    """Return `metric(*arrays)` with its percentile bootstrap interval.

    metric: takes the arrays, returns a number or None. arrays: [n, ...] each; their cases are drawn
    together, with replacement. seed, draws: of the resampling. level: of the interval. Draws for
    which the metric is None are left out.
    """
    n = len(arrays[0])
    value = metric(*arrays)
    if value is None:
        return Interval(None, None, None, n, level)
    # The same rows are drawn from every array, so that a difference between two models is paired.
    generator = np.random.default_rng(seed)
    drawn = [metric(*(a[index] for a in arrays)) for index in generator.integers(0, n, (draws, n))]
    values = [x for x in drawn if x is not None]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2]) if values else (None, None)
    return Interval(
        value, None if low is None else float(low), None if high is None else float(high), n, level
    )
