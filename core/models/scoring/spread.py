"""Uncertainty on tensors: the same definitions as core.stats.uncertainty, on a device and
differentiable. In nats.

total = H(mean_n p_n); aleatoric = mean_n H(p_n); epistemic = total - aleatoric >= 0, the mutual
information of label and weights.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.special import entr
from torch import Tensor

from core.errors import NonFiniteError

_ROUNDING = 1e-12  # nats: below this a difference of two entropies is no mutual information


@dataclass(frozen=True)
class Scores:
    """What a model says of n cases: probabilities [n, K] and, in nats, total, aleatoric, epistemic
    [n]. float64 on the CPU.

    novelty [n]: share of the training cases that are less unlike the rest
    (core.models.scoring.novelty); None from a model without it.
    """

    probabilities: np.ndarray
    total: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray
    novelty: np.ndarray | None = None


@dataclass(frozen=True)
class Moments:
    """What N samples say of n cases, kept instead of the samples; all a student's loss needs.
    float32.

    probabilities [n, K]: mean of p; aleatoric [n]: mean of H(p), nats; log_mean [n, K]: mean of log
    p, each at least log 1e-4; logit_mean, logit_var [n, K]: of the logits less their mean over
    classes, over samples.
    """

    probabilities: np.ndarray
    aleatoric: np.ndarray
    log_mean: np.ndarray
    logit_mean: np.ndarray
    logit_var: np.ndarray

    @staticmethod
    def of(logits: Tensor) -> "Moments":
        """Logits [N, B, K]."""
        logits = logits.double() - logits.double().mean(-1, keepdim=True)
        p = logits.softmax(-1)
        parts = (
            p.mean(0),
            tensor_entropy(p).mean(0),
            p.clamp_min(1e-4).log().mean(0),
            logits.mean(0),
            logits.var(0, correction=0),
        )
        return Moments(*(x.cpu().numpy().astype(np.float32) for x in parts))

    @staticmethod
    def join(parts: "list[Moments]", place: np.ndarray) -> "Moments":
        """Batches put together; `place` [n] says which row of theirs is each case's."""
        return Moments(
            *(np.concatenate([getattr(m, f.name) for m in parts])[place] for f in fields(Moments))
        )

    @property
    def total(self) -> np.ndarray:
        """H(mean p) [n], nats."""
        return entr(self.probabilities).sum(-1)


def tensor_entropy(p: Tensor) -> Tensor:
    """H(p) over the last axis in nats, with 0 log 0 = 0."""
    return torch.special.entr(p).sum(-1)


def predictive(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of N samples [N, B, K] -> mean of the PROBABILITIES [B, K] and mean entropy [B]."""
    p = logits.double().softmax(-1)
    return p.mean(0), tensor_entropy(p).mean(0)


def collect(mean: Tensor, aleatoric: Tensor) -> Scores:
    """Mean probabilities [n, K] and aleatoric [n] -> Scores. Raises NonFiniteError for the first
    case that is not finite.
    """
    bad = ~(torch.isfinite(mean).all(-1) & torch.isfinite(aleatoric))
    if bad.any():
        raise NonFiniteError(
            "models.answer_not_finite", case=int(bad.nonzero()[0]) + 1, cases=len(mean)
        )
    total = tensor_entropy(mean)
    # also where rounding put it above total
    aleatoric = torch.where(total - aleatoric < _ROUNDING, total, aleatoric)
    arrays = (x.double().cpu().numpy() for x in (mean, total, aleatoric, total - aleatoric))
    return Scores(*arrays)
