"""The likelihood ratios that the detectors watch, each with mean at most 1 while nothing changed.

Labels: an audited case with y (1 wrong, 0 right) and inclusion probability pi gives
L = 1 + lam (pi_min / pi) (y - m), whose mean over a risk of at most m is at most 1. With equal pi
and lam = (r - m) / (m (1 - m)) it is the Bernoulli likelihood ratio of r against m. With the
recalibrated P(wrong) of the case in place of m it watches the estimate without labels.
Inputs: predicted classes, or bins of confidence, against their Dirichlet-multinomial prediction
from the reference and the stream so far, so that the reference's own error is integrated out and
raises no alarm. Knows no store and no time.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import SettingsError

RESIDUAL_BETS = (0.1, 0.3, 0.6)  # lam; below 1, since y - p may be -1
RISK_FACTORS = (1.25, 1.5, 2.0, 3.0, 5.0)  # alternatives: the risk is this many times the limit
HIGHEST_RISK = 0.95  # alternatives end here
# Alternatives of the predicted class: (cases remembered, cases that the prediction counts as).
CLASS_WINDOWS = ((50, 50), (100, 50), (200, 100), (400, 200), (1000, 300))
CONFIDENCE_TILTS = (-1.5, -0.75, -0.35, 0.35, 0.75, 1.5)
TILT_BINS = 10
_PRIOR = 0.5  # cases a category before the reference is counted (Jeffreys)


def risk_alternatives(limit: float) -> NDArray[np.float64]:
    """Return the risks that a harm detector looks for, all above `limit`, [A].

    Raises SettingsError unless 0 < limit < HIGHEST_RISK.
    """
    if not 0 < limit < HIGHEST_RISK:
        raise SettingsError("watch.risk", value=limit, most=HIGHEST_RISK)
    factors = np.minimum(limit * np.array(RISK_FACTORS), (limit + HIGHEST_RISK) / 2)
    return np.unique(factors)


def audit_log_ratios(
    wrong: ArrayLike, inclusion: ArrayLike, limit: float, floor: float | None = None
) -> NDArray[np.float64]:
    """Return log L of n audits against "the risk of the accepted cases is at most `limit`", [n, A].

    wrong: bool or 0/1, [n]. inclusion: pi of each audit, in (0, 1], [n]. limit: m. floor: the least
    pi that any accepted case has; None takes the least of `inclusion`, which is right where pi is
    the same for all.
    """
    y, share = _audits(wrong, inclusion, floor)
    risks = risk_alternatives(limit)
    bets = (risks - limit) / (limit * (1 - limit))
    return np.log1p(bets[None, :] * (share * (y - limit))[:, None])


def residual_log_ratios(
    wrong: ArrayLike, expected: ArrayLike, inclusion: ArrayLike, floor: float | None = None
) -> NDArray[np.float64]:
    """Return log L of n audits against "the estimate without labels is right or too high", [n, 3].

    wrong, inclusion, floor: as in `audit_log_ratios`. expected: P(wrong) of each case by the
    estimate, [n].
    """
    y, share = _audits(wrong, inclusion, floor)
    residual = share * (y - np.asarray(expected, dtype=np.float64))
    return np.log1p(np.array(RESIDUAL_BETS)[None, :] * residual[:, None])


def class_log_ratios(
    classes: ArrayLike, reference: ArrayLike, days: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return log L of n predicted classes against the reference's shares, [n, A].

    classes: positions below K, [n]. reference: cases of each class in the reference, [K]. days: a
    value a case, equal within a day, in order, [n]; None makes each case its own day. The
    alternative predicts from a fading window of the stream, drawn towards the prediction under no
    change. Both use earlier days only: cases of one day resemble each other, and would predict each
    other without any change.
    """
    from scipy.signal import lfilter  # takes 100 ms to import

    position = np.asarray(classes, dtype=np.intp)
    counts = np.asarray(reference, dtype=np.float64) + _PRIOR
    hot = np.eye(len(counts))[position]
    first = _first_of_day(days, len(position))
    predicted = _predictive(hot, counts, first)
    rows = np.arange(len(position))
    null = predicted[rows, position]
    columns = []
    for window, strength in CLASS_WINDOWS:
        # Exponential fading: a filter in place of a loop over cases.
        recent = lfilter([1.0], [1.0, -(1 - 1 / window)], hot, axis=0)
        recent = np.vstack([np.zeros((1, hot.shape[1])), recent[:-1]])[: len(position)][first]
        mass = recent.sum(1)
        mixed = (strength * null + recent[rows, position]) / (strength + mass)
        columns.append(np.log(mixed / null))
    return np.stack(columns, axis=1)


def tilt_log_ratios(
    bins: ArrayLike, reference: ArrayLike, days: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return log L of n ordered bins, such as of confidence, against the reference's, [n, A].

    bins: positions below K, lowest first, [n]. reference: cases of each bin in the reference, [K].
    days: as in `class_log_ratios`.
    Alternatives tilt the prediction by exp(theta s), s from -1 to 1 over the bins: one parameter
    where free shares would need K - 1, so a shift of all cases is found sooner.
    """
    position = np.asarray(bins, dtype=np.intp)
    counts = np.asarray(reference, dtype=np.float64) + _PRIOR
    score = np.linspace(-1, 1, len(counts))
    first = _first_of_day(days, len(position))
    predicted = _predictive(np.eye(len(counts))[position], counts, first)
    tilts = np.array(CONFIDENCE_TILTS)
    weight = np.exp(tilts[None, :] * score[:, None])  # [K, A]
    return tilts[None, :] * score[position][:, None] - np.log(predicted @ weight)


def bin_edges(reference: ArrayLike, bins: int = TILT_BINS) -> NDArray[np.float64]:
    """Return the inner edges that cut the reference into `bins` equal parts, without repeats."""
    quantiles = np.quantile(np.asarray(reference, dtype=np.float64), np.arange(1, bins) / bins)
    return np.unique(quantiles)


def _predictive(
    hot: NDArray[np.float64], counts: NDArray[np.float64], first: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the Dirichlet-multinomial prediction of each case from earlier days, [n, K]."""
    before = (np.cumsum(hot, axis=0) - hot)[first]
    return (counts[None, :] + before) / (counts.sum() + first)[:, None]


def _first_of_day(days: ArrayLike | None, n: int) -> NDArray[np.intp]:
    """Return the position of the first case of each case's day, [n]."""
    if days is None:
        return np.arange(n)
    day = np.asarray(days)
    starts = np.append(True, day[1:] != day[:-1])[:n]
    return np.maximum.accumulate(np.where(starts, np.arange(n), 0))


def _audits(
    wrong: ArrayLike, inclusion: ArrayLike, floor: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (y [n], pi_min / pi [n]). Raises SettingsError for a pi outside (0, 1] or below floor."""
    y, pi = (np.asarray(x, dtype=np.float64) for x in (wrong, inclusion))
    least = float(pi.min()) if floor is None and len(pi) else floor or 1.0
    if len(pi) and not (np.all(pi > 0) and np.all(pi <= 1) and np.all(pi >= least * (1 - 1e-12))):
        raise SettingsError("watch.inclusion", least=least, value=float(pi.min()))
    return y, least / pi
