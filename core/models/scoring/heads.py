"""The outputs of a one-pass student's head: probabilities, aleatoric uncertainty, the loss.

Candidates for the spread of N samples in one pass (K classes, outputs z):
- share, K + 1 outputs: p = softmax(z), aleatoric = sigmoid(g) H(p). The teacher's aleatoric / total
  teaches g.
- dirichlet, K + 1 outputs: p_n ~ Dir(a0 p), a0 = exp(g); aleatoric = -sum_k p_k (psi(a0 p_k + 1) -
  psi(a0 + 1)); taught by the likelihood of the teacher's samples (arXiv 1905.00076, EnD^2).
- gaussian, 2 K outputs: logits ~ N(m, diag(s^2)); mean and entropy over fixed quasi-random draws of
  the K logits, which cost 25 microseconds a case next to milliseconds of the backbone; taught by
  the share and, with a small weight, by the likelihood of the teacher's logits. The most faithful
  of the four (docs/results/student-defaults.md), and the default.
- none, K outputs: aleatoric is all of the total; a point estimate.
All are differentiable; 0 <= aleatoric <= total holds by construction, up to rounding.
"""

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import norm, qmc
from torch import Tensor

from core.errors import SettingsError
from core.models.scoring.spread import tensor_entropy

LOG_STD = (-6.0, 4.0)  # bounds of the log of a logit's standard deviation
LOGIT_DRAWS = 32  # of the Gaussian's logits
MOMENTS = 0.1  # weight of the logits' likelihood next to the share's cross-entropy


class UncertaintyHead(Protocol):
    """One reading of the outputs, for K classes."""

    def outputs(self, classes: int) -> int: ...

    def predict(self, out: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return log mean probabilities [B, K] and aleatoric [B], nats, of outputs [B, outputs]."""

    def loss(self, out: Tensor, classes: int, target: dict[str, Tensor]) -> Tensor:
        """Return the spread's loss [B].

        target: the fields of core.models.training.objective.Targets.batch for the batch.
        """


class NoSpread:
    """All uncertainty is aleatoric: a point estimate."""

    def outputs(self, classes: int) -> int:
        """Return K."""
        return classes

    def predict(self, out: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return log p [B, K] and its entropy [B]."""
        logp = out.log_softmax(-1)
        return logp, tensor_entropy(logp.exp())

    def loss(self, out: Tensor, classes: int, target: dict[str, Tensor]) -> Tensor:
        """Return zeros [B]: nothing is learned about the spread."""
        return out.new_zeros(len(out))


class Share:
    """Aleatoric is a predicted share of the total."""

    def outputs(self, classes: int) -> int:
        """Return K + 1: the logits, and the share's logit."""
        return classes + 1

    def predict(self, out: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return log p [B, K] and the share of its entropy [B]."""
        logp = out[:, :classes].log_softmax(-1)
        return logp, out[:, classes].sigmoid() * tensor_entropy(logp.exp())

    def loss(self, out: Tensor, classes: int, target: dict[str, Tensor]) -> Tensor:
        """Return the binary cross-entropy of the share, weighted by the total uncertainty.

        A case without uncertainty has no share, and a weight of 0.
        """
        losses = F.binary_cross_entropy_with_logits(
            out[:, classes], target["share"], reduction="none"
        )
        return losses * target["weight"]


class Dirichlet:
    """The samples' probabilities are Dirichlet-distributed."""

    def outputs(self, classes: int) -> int:
        """Return K + 1: the logits, and the log of the strength."""
        return classes + 1

    def predict(self, out: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return log p [B, K] and the expected entropy [B].

        For a Dirichlet it is psi(a0 + 1) - sum_k p_k psi(a_k + 1).
        """
        logp, a0 = out[:, :classes].log_softmax(-1), self._strength(out, classes)
        p = logp.exp()
        expected = torch.digamma(a0 + 1) - (p * torch.digamma(a0[:, None] * p + 1)).sum(-1)
        # digamma differences of large arguments cancel: rounding can leave [0, total].
        return logp, torch.minimum(expected.clamp_min(0.0), tensor_entropy(p))

    def loss(self, out: Tensor, classes: int, target: dict[str, Tensor]) -> Tensor:
        """Return -log Dir(p_n; a) averaged over the samples, which needs only E log p_n."""
        a0 = self._strength(out, classes)
        # lgamma has a pole at 0, which a small probability can reach.
        a = a0[:, None] * out[:, :classes].softmax(-1) + 1e-4
        return (
            -(
                torch.lgamma(a.sum(-1))
                - torch.lgamma(a).sum(-1)
                + ((a - 1) * target["log_mean"]).sum(-1)
            )
            / classes
        )

    def _strength(self, out: Tensor, classes: int) -> Tensor:
        # The offset makes a fresh head (output near 0) a uniform Dirichlet of strength K; the
        # bounds keep lgamma and its gradient finite.
        return (out[:, classes] + math.log(classes)).clamp(-4.0, 9.0).exp()


class GaussianLogits:
    """The samples' logits are independent Gaussians."""

    def outputs(self, classes: int) -> int:
        """Return 2 K: the logits' means, and the logs of their deviations."""
        return 2 * classes

    def predict(self, out: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return the log mean probabilities [B, K] and mean entropy [B] over the fixed draws."""
        # float64 would cost four times as much.
        mean, std = out[:, :classes].float(), self._std(out, classes).float()
        logp = (mean + std * normal_draws(classes).to(mean)[:, None]).log_softmax(-1)  # [M, B, K]
        p = logp.exp()
        # Far logits underflow in all draws, and log 0 would make the loss infinite.
        return p.mean(0).clamp_min(1e-30).log().to(out), -(p * logp).sum(-1).mean(0).to(out)

    def loss(self, out: Tensor, classes: int, target: dict[str, Tensor]) -> Tensor:
        """Return the share's cross-entropy, as of Share, plus MOMENTS times the logits' likelihood.

        The likelihood is of the teacher's centred logits. The likelihood alone overstates the
        spread: logits vary together, which a diagonal covariance cannot express. The share alone
        leaves open which logits vary.
        """
        likelihood = gaussian_nll(
            out[:, :classes], self._std(out, classes), target["logit_mean"], target["logit_var"]
        )
        logp, aleatoric = self.predict(out, classes)
        # At a share of exactly 0 or 1 the cross-entropy's gradient is infinite.
        share = (aleatoric / tensor_entropy(logp.exp()).clamp_min(1e-6)).clamp(1e-4, 1 - 1e-4)
        losses = F.binary_cross_entropy(share, target["share"], reduction="none")
        return MOMENTS * likelihood + losses * target["weight"]

    def _std(self, out: Tensor, classes: int) -> Tensor:
        # The offset starts training at a small spread, e^-1.
        return (out[:, classes:] - 1.0).clamp(*LOG_STD).exp()


def gaussian_output(std: np.ndarray) -> np.ndarray:
    """Return the outputs that GaussianLogits reads as these standard deviations of the logits."""
    return np.log(np.clip(std, np.exp(LOG_STD[0]), np.exp(LOG_STD[1]))) + 1.0


def gaussian_nll(logits: Tensor, std: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """Return -log N(x; logits, std^2), less a constant, averaged over classes and samples x, [B].

    Mean over classes of ((var + (mean - m)^2) / (2 std^2) + log std), where m are the logits less
    their mean over classes; mean, var: of the samples. All are [B, K].
    """
    centred = logits - logits.mean(-1, keepdim=True)
    return (0.5 * (var + (mean - centred) ** 2) / std**2 + std.log()).mean(-1)


@lru_cache
def normal_draws(classes: int) -> Tensor:
    """Return fixed quasi-random standard normal points [M, K].

    A Sobol sequence, scrambled by seed 0, through the normal quantile.
    """
    # Scrambling also keeps the points off 0, where the normal quantile is infinite.
    points = qmc.Sobol(classes, scramble=True, rng=0).random(LOGIT_DRAWS)
    return torch.tensor(norm.ppf(points), dtype=torch.float64)


UNCERTAINTY_HEADS: dict[str, UncertaintyHead] = {
    "none": NoSpread(),
    "share": Share(),
    "dirichlet": Dirichlet(),
    "gaussian": GaussianLogits(),
}


def uncertainty_head(name: str) -> UncertaintyHead:
    """Return the reading of that name. Raises SettingsError for an unknown name."""
    if name not in UNCERTAINTY_HEADS:
        raise SettingsError("models.unknown_spread", name=name, names=list(UNCERTAINTY_HEADS))
    return UNCERTAINTY_HEADS[name]
