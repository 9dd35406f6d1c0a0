"""Training-free Bayesianisation (TFB, arXiv 2412.05723): a posterior over A from one scalar sigma.

Eqs. of its section 3, on a trained adapter: B = U diag(d) V^T; B' = U diag(d), A' = V^T A (the same
product); A'_ij ~ N(A'_ij, (sigma / d_i)^2). sigma is the LARGEST that keeps a held-out anchor's
criterion within a tolerance. Two traps avoided:
- on the training set the fitted model's loss is near zero and a relative tolerance means nothing,
  so the anchor is held out and the tolerance is absolute, in nats;
- on held-out cases the predictive NLL may first FALL with sigma and then rise, so a tolerance above
  the point estimate's NLL would go on widening until the whole gain is spent again. The reference
  is the lowest NLL at any sigma.

The criterion uses the same noise at every sigma.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from core.errors import ModelError, NonFiniteError
from core.models.base.adapters import Adapter
from core.models.base.settings import TfbSettings
from core.models.scoring.posterior import Gaussian
from core.models.teachers.job import Fitted, TeacherJob

# A direction in which B has (nearly) no strength would get an (almost) infinite spread that changes
# nothing but rounding: below this share of the strongest direction its spread is the one at the
# share.
WEAKEST = 1e-3


@dataclass(frozen=True)
class Choice:
    """The chosen sigma, and every evaluation (sigma, anchor NLL in nats), in order.

    point: the NLL at sigma 0.
    """

    sigma: float
    point: float
    tried: tuple[tuple[float, float], ...]


def fit_tfb(job: TeacherJob, settings: TfbSettings) -> Fitted:
    """Make the job's point estimate Bayesian: regroup, then choose sigma on the anchor."""
    regrouped = [regroup(adapter) for adapter in job.point]
    std = {a.name: unit_std(a, d) for a, d in regrouped}
    unit = Gaussian(tuple(a for a, _ in regrouped), std, job.point_head)
    if settings.sigma is not None:
        return Fitted(unit.scaled(settings.sigma), {"sigma": settings.sigma})
    with job.anchor_nll(
        unit, settings.samples, settings.doublings + settings.refinements + 2
    ) as nll:
        choice = largest_sigma(lambda sigma: nll(unit.scaled(sigma)), settings)
    record = {
        "sigma": choice.sigma,
        "anchor_nll_point": choice.point,
        "anchor_nll_by_sigma": [list(pair) for pair in sorted(choice.tried)],
    }
    return Fitted(unit.scaled(choice.sigma), record, {"sigma": choice.sigma})


def regroup(adapter: Adapter) -> tuple[Adapter, Tensor]:
    """Return the regrouped adapter and d [r] >= 0, largest first.

    B A = B' A' with B' = U diag(d), A' = V^T A.
    """
    # In float64: small singular values decide the widest spreads.
    u, d, vt = torch.linalg.svd(adapter.b.double(), full_matrices=False)  # [out, r], [r], [r, r]
    a, b = vt @ adapter.a.double(), u * d  # V^T A, U diag(d)
    return replace(adapter, a=a.float(), b=b.float()), d.float()


def unit_std(adapter: Adapter, d: Tensor) -> Tensor:
    """Return the standard deviation of A' at sigma = 1, [r, in].

    It is 1 / d_i for every element of row i. Raises ModelError if B is zero.
    """
    if not d.max() > 0:
        raise ModelError("models.untrained_adapter", name=adapter.name)
    return (1.0 / d.clamp_min(WEAKEST * float(d.max())))[:, None].expand_as(adapter.a).contiguous()


def largest_sigma(criterion: Callable[[float], float], settings: TfbSettings) -> Choice:
    """Return the largest sigma whose criterion is within the tolerance of the lowest one.

    The candidates are a doubling grid, refined by bisection; a value that has risen beyond the
    tolerance ends the grid. The criterion is a mean NLL on held-out cases at a sigma, with the same
    noise at every sigma; sigma 0 is the point estimate.
    Raises ModelError if no sigma of the grid is within the tolerance, since such a posterior would
    be worse than none, NonFiniteError if the point estimate's criterion is not finite.
    """
    point = criterion(0.0)
    if not math.isfinite(point):
        raise NonFiniteError("models.criterion_not_finite", value=point)
    tried: list[tuple[float, float]] = []

    def allowed() -> float:
        return (
            min([point, *(value for _, value in tried if math.isfinite(value))])
            + settings.tolerance
        )

    grid = [settings.sigma_low * 2**i for i in range(settings.doublings + 1)]
    before = point
    for sigma in grid:
        value = criterion(sigma)
        tried.append((sigma, value))
        # The NLL falls, then rises: wider ones cost as much and are farther off.
        if value > max(before, allowed()):
            break
        before = value
    within = [i for i, (_, value) in enumerate(tried) if value <= allowed()]  # NaN is not
    if not within:
        raise ModelError(
            "models.no_sigma",
            low=f"{grid[0]:.4g}",
            high=f"{grid[-1]:.4g}",
            nll=f"{point:.4f}",
            tolerance=settings.tolerance,
        )
    low = grid[within[-1]]
    # If the largest sigma of the grid is within, nothing above it is tried.
    high = grid[min(within[-1] + 1, len(grid) - 1)]
    for _ in range(settings.refinements if high > low else 0):
        # The geometric mean, since the grid doubles.
        middle = math.sqrt(low * high)
        tried.append((middle, criterion(middle)))
        low, high = (middle, high) if tried[-1][1] <= allowed() else (low, middle)
    return Choice(low, point, tuple(tried))
