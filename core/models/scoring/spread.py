"""Uncertainty on tensors, in nats: core.stats.uncertainty's definitions, differentiable.

total = H(mean_n p_n); aleatoric = mean_n H(p_n); epistemic = total - aleatoric >= 0, the mutual
information of label and weights.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from scipy.special import entr
from torch import Tensor

from core.errors import NonFiniteError

_ROUNDING = 1e-12  # nats: below this a difference of two entropies is no mutual information


@dataclass(frozen=True)
class Scores:
    """A model's answers for n cases, float64 on the CPU.

    probabilities: [n, K]. total, aleatoric, epistemic: [n], nats. novelty [n]: share of the
    training cases that are less unlike the others (core.models.scoring.novelty); None from a model
    without it.
    """

    probabilities: np.ndarray
    total: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray
    novelty: np.ndarray | None = None


@dataclass(frozen=True)
class Moments:
    """Moments of N samples' answers for n cases: all that a student's loss needs of them. float32.

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
        """Return the moments of logits [N, B, K]."""
        # Softmax ignores a constant, so the samples' logits are compared without their mean.
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
        """Return the moments of several batches as one; place [n]: the row of each case in them."""
        return Moments(
            *(np.concatenate([getattr(m, f.name) for m in parts])[place] for f in fields(Moments))
        )

    def mixed(self, probabilities: np.ndarray, weight: float) -> "Moments":
        """Return the moments with a share `weight` of other answers [n, K] in the mean.

        The share of the uncertainty that is aleatoric stays the samples' own.
        """
        mean = (1 - weight) * self.probabilities + weight * probabilities
        mixed = replace(self, probabilities=mean.astype(np.float32))
        share = self.aleatoric / np.maximum(self.total, _ROUNDING)
        return replace(mixed, aleatoric=(share * mixed.total).astype(np.float32))

    @property
    def total(self) -> np.ndarray:
        """Return H(mean p) [n], nats."""
        return entr(self.probabilities).sum(-1)


def tensor_entropy(p: Tensor) -> Tensor:
    """Return H(p) over the last axis in nats, with 0 log 0 = 0."""
    return torch.special.entr(p).sum(-1)


def predictive(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of the PROBABILITIES [B, K] and the mean entropy [B] of logits [N, B, K]."""
    p = logits.double().softmax(-1)
    return p.mean(0), tensor_entropy(p).mean(0)


def collect(mean: Tensor, aleatoric: Tensor) -> Scores:
    """Return the scores of mean probabilities [n, K] and aleatoric [n].

    Raises NonFiniteError for the first case that is not finite.
    """
    bad = ~(torch.isfinite(mean).all(-1) & torch.isfinite(aleatoric))
    if bad.any():
        raise NonFiniteError(
            "models.answer_not_finite", case=int(bad.nonzero()[0]) + 1, cases=len(mean)
        )
    total = tensor_entropy(mean)
    # Also covers an aleatoric part that rounding put above the total.
    aleatoric = torch.where(total - aleatoric < _ROUNDING, total, aleatoric)
    arrays = (x.double().cpu().numpy() for x in (mean, total, aleatoric, total - aleatoric))
    return Scores(*arrays)
