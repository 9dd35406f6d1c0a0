"""How unlike the training cases a case is, from the state that its answer is read from: no second
pass, no label of a stranger.

Three views, each as the share of training cases that show less of it, and their mean as a share
again:
- the answer's entropy;
- one minus the mean cosine to the NEIGHBOURS nearest training states, of centred states (Sun et al.
  2022, arXiv 2204.06507);
- the relative Mahalanobis distance (Ren et al. 2021, arXiv 2106.09022): to the nearest class, less
  that to all cases.
No view wins on every set; their mean is above entropy alone on each that was tried. Training cases
are compared with the others, never with themselves. Knows states and probabilities, not models or
texts.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

STATES = 2000  # training states that are kept, drawn evenly
NEIGHBOURS = 5
QUANTILES = 1001  # points that keep a view's distribution over the training cases
SHRINK = 0.05  # of a covariance towards its mean variance
_PREFIX = "novelty:"


@dataclass(frozen=True)
class Novelty:
    """The fitted measure, float32.

    centre [d]; states [m, d] centred, of length 1; means [K, d] of the classes' centred states;
    within, across [d, d]: roots of the inverse covariances within classes and of all cases;
    quantiles [3, QUANTILES] of the views and overall [QUANTILES] of their mean, over the training
    cases.
    """

    centre: Tensor
    states: Tensor
    means: Tensor
    within: Tensor
    across: Tensor
    quantiles: Tensor
    overall: Tensor

    def percentile(self, states: Tensor, entropy: Tensor) -> Tensor:
        """States [n, d] and the answers' entropies [n] -> share of training cases that are less
        unlike, [n] in [0, 1].
        """
        return _share(self.overall, self._mean_share(self._views(states, entropy)))

    def _views(self, states: Tensor, entropy: Tensor, own: Tensor | None = None) -> Tensor:
        """The three views [3, n]; own [n]: each case's own row among `states`, which is left out,
        or -1.
        """
        centred = states.float() - self.centre
        cosine = torch.nn.functional.normalize(centred, dim=-1) @ self.states.T
        if own is not None:
            rows = (own >= 0).nonzero().squeeze(1)
            cosine[rows, own[rows]] = -1.0
        nearest = cosine.topk(min(NEIGHBOURS, len(self.states)), dim=-1).values.mean(-1)
        to_classes = (
            torch.cdist(centred @ self.within, self.means @ self.within).square().min(-1).values
        )
        return torch.stack(
            [entropy.float(), 1 - nearest, to_classes - (centred @ self.across).square().sum(-1)]
        )

    def _mean_share(self, views: Tensor) -> Tensor:
        return torch.stack(
            [_share(q, view) for q, view in zip(self.quantiles, views, strict=True)]
        ).mean(0)

    def tensors(self) -> dict[str, Tensor]:
        """What a model's weights keep of it."""
        return {_PREFIX + f.name: getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "Novelty | None":
        """The measure that `tensors()` gave; None where a model has none."""
        if _PREFIX + "states" not in tensors:
            return None
        return Novelty(**{f.name: tensors[_PREFIX + f.name].float() for f in fields(Novelty)})


def fit_novelty(
    states: np.ndarray, labels: np.ndarray, entropy: np.ndarray, classes: int
) -> Novelty:
    """Fit on training cases: states [n, d], label positions [n] (negative: unknown) and the
    answers' entropies [n].
    """
    x = torch.as_tensor(states, dtype=torch.float32)
    centre = x.mean(0)
    centred = x - centre
    labelled = labels >= 0
    means = torch.stack([_mean_of(centred[torch.as_tensor(labels == k)]) for k in range(classes)])
    residual = centred[torch.as_tensor(labelled)] - means[torch.as_tensor(labels[labelled])]
    coreset = torch.as_tensor(np.arange(min(STATES, len(x))) * len(x) // min(STATES, len(x)))
    unfitted = torch.zeros(QUANTILES)
    measure = Novelty(
        centre,
        torch.nn.functional.normalize(centred[coreset], dim=-1),
        means,
        _inverse_root(residual),
        _inverse_root(centred),
        torch.stack([unfitted] * 3),
        unfitted,
    )
    own_position = torch.full((len(x),), -1)
    own_position[coreset] = torch.arange(len(coreset))
    views = measure._views(x, torch.as_tensor(entropy, dtype=torch.float32), own_position)
    measure = replace(measure, quantiles=torch.stack([_quantiles(view) for view in views]))
    return replace(measure, overall=_quantiles(measure._mean_share(views)))


def _mean_of(states: Tensor) -> Tensor:
    """Mean state; a class without a case lies at the centre of all."""
    return states.mean(0) if len(states) else states.new_zeros(states.shape[1])


def _inverse_root(centred: Tensor) -> Tensor:
    """R [d, d] with R R^T the inverse of the shrunk covariance of states [n, d] whose mean is 0."""
    covariance = (centred.T @ centred).double() / max(1, len(centred))
    size = len(covariance)
    mean_variance = covariance.diagonal().mean().clamp_min(1e-12)
    covariance = (1 - SHRINK) * covariance + SHRINK * mean_variance * torch.eye(
        size, dtype=torch.float64
    )
    identity = torch.eye(size, dtype=torch.float64)
    return torch.linalg.solve_triangular(
        torch.linalg.cholesky(covariance), identity, upper=False
    ).T.float()


def _quantiles(values: Tensor) -> Tensor:
    return torch.quantile(
        values.double(), torch.linspace(0, 1, QUANTILES, dtype=torch.float64)
    ).float()


def _share(quantiles: Tensor, values: Tensor) -> Tensor:
    """Share of the training cases below each value: where it lies among their quantiles, in [0, 1].

    Among equal quantiles, those of a view that most cases share, the middle.
    """
    low = torch.searchsorted(quantiles, values.float().contiguous())
    high = torch.searchsorted(quantiles, values.float().contiguous(), right=True)
    return ((low + high) / 2 / len(quantiles)).clamp(0.0, 1.0)
