"""The novelty of a case among the training cases, from the state of its answer, in one pass.

No labels of unlike cases are needed. Three views, each as the share of like cases with a smaller
value, and their weighted mean as a share again:
- the answer's entropy;
- one minus the mean cosine to the NEIGHBOURS nearest training states, of centred states (Sun et al.
  2022, arXiv 2204.06507);
- the relative Mahalanobis distance (Ren et al. 2021, arXiv 2106.09022): to the nearest class, less
  that to all cases.
No view wins on every set; core.models.training.novel_views chooses the weights. A training case is
compared with the others, never with itself, and yet it looks more familiar than a new case of the
same kind: a model has learned it. `calibrated` takes the shares from cases that it has not.
Knows states and probabilities, not models or texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

STORED_STATES = 2000  # training states that are stored, evenly drawn
NEIGHBOURS = 5
QUANTILES = 1001  # points that represent a view's distribution over the training cases
SHRINK = 0.05  # of a covariance towards its mean variance
EVEN = (1.0, 1.0, 1.0)  # weights of entropy, neighbours and relative distance
_PREFIX = "novelty:"
VIEWS_KEY = _PREFIX + "held_out"  # views [3, n] of held-out cases, stored for a later model


@dataclass(frozen=True)
class Novelty:
    """The fitted measure, float32.

    centre [d]; states [m, d] centred, of length 1; means [K, d] of the classes' centred states;
    within, across [d, d]: roots of the inverse covariances within classes and of all cases;
    quantiles [3, QUANTILES] of the views; weights [3] of the views; overall [QUANTILES] of their
    weighted mean. Both are over the training cases, or over held-out ones.
    """

    centre: Tensor
    states: Tensor
    means: Tensor
    within: Tensor
    across: Tensor
    quantiles: Tensor
    weights: Tensor
    overall: Tensor

    def percentile(self, states: Tensor, entropy: Tensor) -> Tensor:
        """Return the share of like cases that are less unlike than each case, [n] in [0, 1].

        states: [n, d]. entropy: of the answers, [n], nats.
        """
        return _share(self.overall, self._mean_share(self.views(states, entropy)))

    def calibrated(self, views: Tensor) -> "Novelty":
        """Return the measure whose shares are those among held-out cases.

        views [3, n] of cases that the model did not learn from: its own, or those of a model of the
        same kind that learned from the other cases.
        """
        measure = replace(self, quantiles=torch.stack([_quantiles(view) for view in views]))
        return replace(measure, overall=_quantiles(measure._mean_share(views)))

    def views(self, states: Tensor, entropy: Tensor, own_row: Tensor | None = None) -> Tensor:
        """Return the three views [3, n]; states and entropy as of `percentile`.

        own_row [n]: each case's own row among `states`, which is left out, or -1.
        """
        centred = states.float() - self.centre
        cosine = torch.nn.functional.normalize(centred, dim=-1) @ self.states.T
        if own_row is not None:
            rows = (own_row >= 0).nonzero().squeeze(1)
            # -1 is the least cosine, so a case is never its own neighbour.
            cosine[rows, own_row[rows]] = -1.0
        # A training set can be smaller than NEIGHBOURS.
        nearest = cosine.topk(min(NEIGHBOURS, len(self.states)), dim=-1).values.mean(-1)
        to_classes = torch.cdist(centred @ self.within, self._white_means).square().min(-1).values
        return torch.stack(
            [entropy.float(), 1 - nearest, to_classes - (centred @ self.across).square().sum(-1)]
        )

    @cached_property
    def _white_means(self) -> Tensor:
        return self.means @ self.within

    def _mean_share(self, views: Tensor) -> Tensor:
        shares = [_share(q, view) for q, view in zip(self.quantiles, views, strict=True)]
        return self.weights @ torch.stack(shares) / self.weights.sum()

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that a model's weights store of it."""
        return {_PREFIX + f.name: getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "Novelty | None":
        """Return the measure that `tensors()` stored; None if the tensors hold none."""
        if _PREFIX + "states" not in tensors:
            return None
        # Models of earlier versions have no weights: theirs are even.
        stored = {_PREFIX + "weights": torch.tensor(EVEN)} | tensors
        return Novelty(**{f.name: stored[_PREFIX + f.name].float() for f in fields(Novelty)})


def fit_novelty(
    states: np.ndarray,
    labels: np.ndarray,
    entropy: np.ndarray,
    classes: int,
    weights: Sequence[float] = EVEN,
) -> Novelty:
    """Return the measure fitted on training cases.

    states [n, d]; labels: positions [n], negative where unknown; entropy: of the answers, [n],
    nats; classes: K; weights: of the three views.
    """
    x = torch.as_tensor(states, dtype=torch.float32)
    centre = x.mean(0)
    centred = x - centre
    labelled = labels >= 0
    means = torch.stack([_mean_of(centred[torch.as_tensor(labels == k)]) for k in range(classes)])
    residual = centred[torch.as_tensor(labelled)] - means[torch.as_tensor(labels[labelled])]
    # Evenly over the cases and without randomness: the same cases give the same measure.
    coreset = torch.as_tensor(
        np.arange(min(STORED_STATES, len(x))) * len(x) // min(STORED_STATES, len(x))
    )
    # The quantiles need the views, and the views need the other fields: they are filled in below.
    unfitted = torch.zeros(QUANTILES)
    measure = Novelty(
        centre,
        torch.nn.functional.normalize(centred[coreset], dim=-1),
        means,
        _inverse_root(residual),
        _inverse_root(centred),
        torch.stack([unfitted] * 3),
        torch.tensor(weights, dtype=torch.float32),
        unfitted,
    )
    own_position = torch.full((len(x),), -1)
    own_position[coreset] = torch.arange(len(coreset))
    views = measure.views(x, torch.as_tensor(entropy, dtype=torch.float32), own_position)
    return measure.calibrated(views)


def _mean_of(states: Tensor) -> Tensor:
    """Return the mean state; a class without a case gets the centre of all cases."""
    return states.mean(0) if len(states) else states.new_zeros(states.shape[1])


def _inverse_root(centred: Tensor) -> Tensor:
    """Return R [d, d] with R R^T the inverse shrunk covariance of states [n, d] of mean 0."""
    # In float64, and shrunk: with fewer cases than dimensions the covariance is singular.
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
    """Return the share of the training cases below each value, in [0, 1], from their quantiles.

    Among equal quantiles (of a view with many equal values) it is the middle one.
    """
    low = torch.searchsorted(quantiles, values.float().contiguous())
    high = torch.searchsorted(quantiles, values.float().contiguous(), right=True)
    return ((low + high) / 2 / len(quantiles)).clamp(0.0, 1.0)
