"""Temperature scaling (Guo et al. 2017, section 4.2): one scalar T > 0 that divides the logits, fitted on held-out cases.

p_T proportional to p^(1 / T); T = 1 changes nothing, T > 1 is less sure. It keeps the order of the classes. For a sampled
distribution every sample's logits are divided, and the mean of the samples is what is fitted.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from core.errors import SettingsError
from core.stats.calibration import nll
from core.stats.checks import finite

RANGE = (0.05, 20.0)  # of T


def sharpen(p: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities [..., K] at that temperature. Raises SettingsError unless it is positive."""
    if not temperature > 0:
        raise SettingsError(f"temperature {temperature} is not allowed: it must be above 0")
    return np.exp(log_softmax(np.log(np.maximum(finite(p, "probability"), 1e-300)) / temperature, axis=-1))


def fit_temperature(p: np.ndarray, label: np.ndarray) -> float:
    """The T within RANGE of the lowest mean NLL of p [n, K], or of the mean over samples of p [N, n, K]; label [n] positions.

    Raises SettingsError without a labelled case.
    """
    if not len(label):
        raise SettingsError("temperature scaling has no labelled case to fit on: hold some out")
    samples = finite(p, "probability").reshape(-1, len(label), np.shape(p)[-1])
    found = minimize_scalar(
        lambda t: nll(sharpen(samples, np.exp(t)).mean(0), label),
        bounds=np.log(RANGE),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))
