"""Uncertainty of a sampled predictive distribution, in nats.

total = H(mean_n p_n); aleatoric = mean_n H(p_n); epistemic = total - aleatoric >= 0, the mutual
information of label and weights.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from core.stats.checks import finite


@dataclass(frozen=True)
class Uncertainty:
    """mean [n, K]; total, aleatoric, epistemic [n], nats."""

    mean: np.ndarray
    total: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray


def entropy_nats(p: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return H(p) = -sum p log p over `axis`, in nats, with 0 log 0 = 0. Raises NonFiniteError."""
    return entr(finite(p, "probability")).sum(axis)


def decompose_uncertainty(samples: np.ndarray) -> Uncertainty:
    """Return the mean of N samples' probabilities [N, n, K] and its uncertainty.

    >>> samples = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])  # two samples, sure of different labels
    >>> parts = decompose_uncertainty(samples)
    >>> [round(float(part[0]), 3) for part in (parts.total, parts.aleatoric, parts.epistemic)]
    [0.693, 0.0, 0.693]
    """
    samples = finite(samples, "probability")
    mean = samples.mean(0)
    total, aleatoric = entropy_nats(mean), entropy_nats(samples).mean(0)
    # The mean entropy exceeds the entropy of the mean only by rounding; epistemic must not be
    # negative.
    aleatoric = np.minimum(aleatoric, total)
    return Uncertainty(mean, total, aleatoric, total - aleatoric)
