"""Uncertainty on tensors: the same definitions as core.stats.uncertainty, on a device and differentiable. In nats.

total = H(mean_n p_n); aleatoric = mean_n H(p_n); epistemic = total - aleatoric >= 0, the mutual information of label and
weights.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.errors import NonFiniteError


@dataclass(frozen=True)
class Scores:
    """What a model says of n cases: probabilities [n, K] and, in nats, total, aleatoric, epistemic [n]. float64 on the CPU."""

    probabilities: np.ndarray
    total: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray


def entropy(p: Tensor) -> Tensor:
    """H(p) over the last axis in nats, with 0 log 0 = 0."""
    return torch.special.entr(p).sum(-1)


def predictive(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of N samples [N, B, K] -> mean of the PROBABILITIES [B, K] and mean entropy [B]."""
    p = logits.double().softmax(-1)
    return p.mean(0), entropy(p).mean(0)


def collect(mean: Tensor, aleatoric: Tensor) -> Scores:
    """Mean probabilities [n, K] and aleatoric [n] -> Scores. Raises NonFiniteError for the first case that is not finite."""
    bad = ~(torch.isfinite(mean).all(-1) & torch.isfinite(aleatoric))
    if bad.any():
        raise NonFiniteError(
            f"the model's answer to case {int(bad.nonzero()[0]) + 1} of {len(mean)} is not finite: do not use this model"
        )
    total = entropy(mean)
    aleatoric = torch.minimum(aleatoric, total)  # rounding may put the mean entropy above the mean's entropy by 1e-16
    arrays = (x.double().cpu().numpy() for x in (mean, total, aleatoric, total - aleatoric))
    return Scores(*arrays)
