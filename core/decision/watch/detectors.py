"""E-detectors: evidence that a stream has changed, with a stated rate of false alarms.

A detector is M_t = (M_{t-1} + w_t) L_t with M_0 = 0 (Shiryaev-Roberts form; Shin, Ramdas & Rinaldo,
arXiv 2203.03532). L_t >= 0 is a likelihood ratio whose mean, given the past, is at most 1 while
nothing has changed; w_t is the number of cases since the step before. Then M_t less the cases so
far has no upward drift, so the mean number of cases until M_t >= N is at least N: an alarm at N is
at most one false alarm per N cases. Paths are logarithms, since M overflows. Knows no store, and no
meaning of a ratio.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from core.errors import SettingsError, ShapeError

BLOCK_QUANTILE = 0.95  # of the days' sizes: larger days count as this many cases


@dataclass(frozen=True)
class Crossing:
    """A path that reached its limit: positions in the stream's steps, from 0."""

    start: int  # the step from which the evidence speaks for a change
    stop: int  # the step of the alarm
    log_level: float  # log M at the alarm


def detector_path(log_ratios: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return log M_t of a detector, [T]: the mean over A alternatives of their detectors.

    log_ratios: log L_t of each alternative, [T, A]. weights: w_t >= 0, [T]; None is 1 a step. A
    mean of e-detectors is an e-detector, so the rate of false alarms holds for the mixture too.
    Raises ShapeError for other shapes.
    """
    ratios, before = _checked(log_ratios, weights)
    with np.errstate(divide="ignore"):  # log 0 = -inf is right: no weight, or a ratio of 0
        starts = np.log(before)[:, None]
    total = np.cumsum(ratios, axis=0)
    # In closed form M_t = sum_s w_s prod_{s <= u <= t} L_u: one running sum in place of a loop.
    before_step = np.vstack([np.zeros((1, ratios.shape[1])), total[:-1]])
    path = total + np.logaddexp.accumulate(starts - before_step, axis=0)
    mixed: NDArray[np.float64] = logsumexp(path, axis=1) - math.log(ratios.shape[1])
    return mixed


def first_crossing(
    log_ratios: ArrayLike, limit: float, weights: ArrayLike | None = None
) -> Crossing | None:
    """Return the first step at which the detector reaches `limit`, or None.

    log_ratios, weights: as in `detector_path`. limit: N, cases per false alarm.
    """
    ratios, before = _checked(log_ratios, weights)
    path = detector_path(ratios, before) if len(ratios) else np.empty(0)
    reached = np.flatnonzero(path >= math.log(checked_limit(limit)))
    if not len(reached):
        return None
    stop = int(reached[0])
    # The alternative that speaks loudest dates the change: the start that maximises its product.
    suffix = np.cumsum(ratios[stop::-1], axis=0)[::-1]
    start, _ = np.unravel_index(int(suffix.argmax()), suffix.shape)
    return Crossing(int(start), stop, float(path[stop]))


def all_crossings(
    log_ratios: ArrayLike, limit: float, weights: ArrayLike | None = None
) -> list[Crossing]:
    """Return every alarm of a detector that begins again at M = 0 after each of them."""
    ratios, before = _checked(log_ratios, weights)
    crossings, offset = [], 0
    while crossing := first_crossing(ratios[offset:], limit, before[offset:]):
        crossings.append(
            Crossing(crossing.start + offset, crossing.stop + offset, crossing.log_level)
        )
        offset += crossing.stop + 1
    return crossings


def restarted_path(
    log_ratios: ArrayLike, limit: float, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return log M_t, [T], of the detector that begins again after each alarm: what a chart shows.

    log_ratios, limit, weights: as in `first_crossing`.
    """
    ratios, before = _checked(log_ratios, weights)
    ends = [crossing.stop + 1 for crossing in all_crossings(ratios, limit, before)]
    edges = [0, *ends, *([len(ratios)] if not ends or ends[-1] < len(ratios) else [])]
    pieces = [
        detector_path(ratios[low:high], before[low:high])
        for low, high in zip(edges, edges[1:], strict=False)
        if high > low
    ]
    return np.concatenate(pieces) if pieces else np.empty(0)


def block_by_day(
    log_ratios: ArrayLike, days: ArrayLike, weights: ArrayLike | None = None, pooled: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Return (log_ratios [D, A], weights [D], last step of each day [D]) of a stream by day.

    log_ratios, weights: as in `detector_path`. days: a value a step, equal within a day, in order,
    [T]. pooled: False takes the product of a day's ratios, which needs independent cases; True
    takes 1 + sum (L - 1) / max(c, cases of the day), c the 95% quantile of the days' sizes, which
    keeps its mean at 1 under any dependence within a day and is slower.
    """
    ratios, before = _checked(log_ratios, weights)
    day = np.asarray(days)
    if day.shape != before.shape:
        raise ShapeError("watch.shape", shape=str(day.shape), steps=len(ratios))
    if not len(day):
        return ratios, before, np.empty(0, dtype=np.intp)
    first = np.flatnonzero(np.append(True, day[1:] != day[:-1]))
    sizes = np.diff(np.append(first, len(day)))
    if pooled:
        # Not the mean of a day: small days would weigh more than their cases, and days differ.
        most = np.maximum(np.quantile(sizes, BLOCK_QUANTILE), sizes)[:, None]
        daily = np.log1p(np.add.reduceat(np.expm1(ratios), first, axis=0) / most)
    else:
        daily = np.add.reduceat(ratios, first, axis=0)
    return daily, np.add.reduceat(before, first), first + sizes - 1


def expected_delay(limit: float, divergence: float) -> float:
    """Return ln(N KL) / KL, the cases from a change to the alarm, to first order.

    limit: N. divergence: KL, the mean of log L after the change, in nats a case. Infinite where
    N KL <= 1: no detector with this rate of false alarms sees such a change. Yardstick and planner.
    """
    if divergence <= 0 or limit * divergence <= 1:
        return math.inf
    return math.log(limit * divergence) / divergence


def checked_limit(limit: float) -> float:
    """Return N, the cases per false alarm. Raises SettingsError unless it is finite and above 1."""
    if not (math.isfinite(limit) and limit > 1):
        raise SettingsError("watch.limit", value=limit)
    return limit


def _checked(
    log_ratios: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ratios = np.asarray(log_ratios, dtype=np.float64)
    ratios = ratios[:, None] if ratios.ndim == 1 else ratios
    before = np.ones(len(ratios)) if weights is None else np.asarray(weights, dtype=np.float64)
    if ratios.ndim != 2 or before.shape != (len(ratios),) or not np.isfinite(ratios).all():
        raise ShapeError("watch.shape", shape=str(before.shape), steps=len(ratios))
    return ratios, before
