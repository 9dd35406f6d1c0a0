"""Temperature scaling (Guo et al. 2017, section 4.2): one number makes a model less or more sure.

q_k = p_k^b / sum_j p_j^b with b = 1 / T, which is softmax(logits / T) since p is softmax(logits):
no logits are needed. T minimises the labels' negative log likelihood. In b that is convex, its
slope is mean(E_q[log p] - log p_y) and its curvature mean(Var_q[log p]), so one bounded search
finds the minimum. T above 1 means that the model was too sure. For a sampled distribution every
sample is scaled, and the mean of the scaled samples is fitted. What is chosen for a model is chosen
by `smoothed_targets`, so that few faultless cases cannot make it sure. Knows no model and no store.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, softmax

from core.errors import SettingsError
from core.stats.calibration import nll
from core.stats.checks import finite
from core.types import Interval

# Bounds of the search: where every label is the most probable class, the best temperature is 0.
LOWEST, HIGHEST = 0.05, 20.0
_SMALLEST = 1e-300  # what a probability of 0 counts as, as in `nll`


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    value: without bounds where the fit ended at LOWEST or HIGHEST, since those bound it and not the
    labels.
    """

    value: Interval
    nll_before: float  # nats a case, on the cases that it was fitted on
    nll_after: float


def at_temperature(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return p [..., K], rows adding up to one, at `temperature`, [..., K].

    The order of the classes stays. Raises SettingsError unless the temperature is finite and above
    0.

    >>> at_temperature(np.array([0.9, 0.1]), 2.0).round(3).tolist()
    [0.75, 0.25]
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise SettingsError("stats.temperature_outside", temperature=temperature)
    return softmax(_logs(p) / temperature, axis=-1)


def fit_temperature(p: np.ndarray, label: np.ndarray, level: float = 0.95) -> Temperature:
    """Return the temperature that minimises the NLL of `label` [n] (positions) under p [n, K].

    The temperature has an interval at `level`. Raises SettingsError without a case, for a label
    that is no position, and if all classes are equally likely in every row: no temperature changes
    those.
    """
    if not len(p):
        raise SettingsError("stats.no_cases_for_temperature")
    before = nll(p, label)
    logs = _logs(p)
    if np.ptp(logs, axis=1).max() < 1e-9:
        raise SettingsError("stats.equally_likely", n=len(p))

    # scipy.optimize takes 150 ms to import, and few pages need it
    from scipy.optimize import minimize_scalar

    def loss(b: float) -> float:
        return nll(softmax(b * logs, axis=1), label)

    ends = (1 / HIGHEST, 1 / LOWEST)
    # The bounded search never evaluates its ends, so the ends compete with what it returns.
    b = min(
        minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-8}).x,
        *ends,
        key=loss,
    )
    return Temperature(
        _interval(float(b), logs, np.asarray(label), level, b in ends), before, loss(b)
    )


def sampled_temperature(
    samples: np.ndarray,
    label: np.ndarray,
    prior_std: float | None = None,
    offset: np.ndarray | None = None,
) -> float:
    """Return the one temperature of N samples [N, n, K] whose mean fits `label` best.

    The fit is the cross-entropy to the `smoothed_targets` of label, positions [n]. prior_std: log T
    is normal around 0 with this deviation; None is no prior. offset [n, K]: a part of the logits
    that the temperature does not divide; None is 0. A mean of samples need not be convex in b: this
    is the minimum that a bounded search finds. Raises SettingsError without a case.
    """
    if not len(label):
        raise SettingsError("stats.no_cases_for_temperature")
    # scipy.optimize takes 150 ms to import, and few pages need it
    from scipy.optimize import minimize_scalar

    targets = smoothed_targets(label, samples.shape[-1])

    def loss(log_t: float) -> float:
        penalty = 0.0 if prior_std is None else 0.5 * (log_t / prior_std) ** 2 / len(label)
        logs = _logs(mean_at_temperature(samples, np.exp(log_t), offset))
        return float(penalty - (targets * logs).sum(1).mean())

    optimum = minimize_scalar(
        loss,
        bounds=np.log((LOWEST, HIGHEST)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(optimum.x))


def smoothed_targets(label: np.ndarray, classes: int) -> np.ndarray:
    """Return the targets [n, K] by which n held-out labels decide how sure a model may be.

    The label's target is (n + 1) / (n + 2), and the other classes share the rest: after n right
    answers of n, the next is right with that probability (Laplace's rule of succession; Platt 1999,
    section 2.2, fits sigmoids so). With targets of 1 and few faultless cases the best fit is always
    sure, of unrelated texts as well. label: positions [n] among `classes`.

    >>> smoothed_targets(np.array([0, 2]), 3).tolist()
    [[0.75, 0.125, 0.125], [0.125, 0.125, 0.75]]
    """
    doubt = 1 / (len(label) + 2)
    targets = np.full((len(label), classes), doubt / max(1, classes - 1))
    targets[np.arange(len(label)), label] = 1 - doubt
    return targets


def mean_at_temperature(
    samples: np.ndarray, temperature: float, offset: np.ndarray | None = None
) -> np.ndarray:
    """Return the mean [n, K] of samples [N, n, K] at a temperature above 0.

    offset [n, K]: a part of the logits that it does not divide; None is 0.
    """
    fixed = np.zeros(samples.shape[1:]) if offset is None else offset
    mean: np.ndarray = softmax((_logs(samples) - fixed) / temperature + fixed, axis=-1).mean(0)
    return mean


def _interval(
    b: float, logs: np.ndarray, label: np.ndarray, level: float, at_end: bool
) -> Interval:
    """Return 1 / (b +- z sqrt(sum slope^2) / sum curvature), the sandwich interval (White 1982).

    The sandwich does not assume that the scaled model is true. A lower b is a higher temperature.
    """
    q = softmax(b * logs, axis=1)
    mean = (q * logs).sum(1)
    slope = mean - logs[np.arange(len(logs)), label]
    curvature = float((q * (logs - mean[:, None]) ** 2).sum())
    if at_end or curvature == 0:
        return Interval(1 / b, None, None, len(logs), level)
    half = float(ndtri((1 + level) / 2) * np.sqrt((slope**2).sum()) / curvature)
    return Interval(1 / b, 1 / (b + half), 1 / (b - half) if b > half else None, len(logs), level)


def _logs(p: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(finite(p, "probability"), _SMALLEST))
