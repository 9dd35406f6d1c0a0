"""Laplace over LoRA (arXiv 2308.13111), diagonal, over A: A_ij ~ N(A_ij, 1 / (F_ij + lambda)).

F_ij = sum over training cases of (d log p(y | x) / d A_ij)^2, y drawn from the model's own p(y |
x): an unbiased estimate of the generalised Gauss-Newton matrix's diagonal. Labels would give the
empirical Fisher, which vanishes once a model remembers them. The prior's precision lambda is the
smallest whose anchor NLL is within the tolerance of the lowest.

The library laplace-torch is not used: it requires torchvision, whose wheel does not import with a
CPU build of torch, and then neither does transformers. The tests compare F with that library,
installed without torchvision, and with autograd.
"""

from typing import cast

import torch
from torch import Tensor, nn

from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone
from core.models.base.batches import plan_batches
from core.models.base.settings import AdapterSettings, LaplaceSettings
from core.models.base.trunk import TrunkCache
from core.models.scoring.posterior import Gaussian
from core.models.teachers.job import Fitted, TeacherJob


def fit_laplace(job: TeacherJob, settings: LaplaceSettings) -> Fitted:
    """Compute the point estimate's curvature, then choose the prior's precision on the anchor."""
    generator = torch.Generator().manual_seed(job.settings.loop.seed)
    fisher = diagonal_fisher(
        job.backbone, job.point, job.point_head, job.cases, job.settings.adapter, generator
    )

    def posterior(precision: float) -> Gaussian:
        return Gaussian(
            job.point,
            {name: (f + precision).rsqrt() for name, f in fisher.items()},
            job.point_head,
        )

    if settings.precision is not None:
        return Fitted(posterior(settings.precision), {"precision": settings.precision})
    with job.anchor_nll(posterior(1.0), settings.samples, len(settings.precisions)) as nll:
        tried = [(x, nll(posterior(x))) for x in sorted(settings.precisions)]
    # Against the lowest, not the point estimate: the NLL may first improve with more spread.
    lowest = min(value for _, value in tried)
    precision = next(x for x, value in tried if value <= lowest + settings.tolerance)
    record = {"precision": precision, "anchor_nll_by_precision": [list(x) for x in tried]}
    return Fitted(posterior(precision), record, {"precision": precision})


def diagonal_fisher(
    backbone: Backbone,
    point: tuple[Adapter, ...],
    head: nn.Linear,
    cases: TrunkCache,
    settings: AdapterSettings,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Return F [r, in] by map.

    point, head: of the point estimate. cases: cached training cases. settings: of the adapters.
    generator: draws the answers. One backward pass a batch: a case's gradient of A is sum_t dz_t
    x_t^T, from A's input and output.
    """
    adapters.attach(backbone, settings)
    adapters.write_adapters(backbone, list(point))
    activations: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str, x: Tensor, z: Tensor) -> None:
        # z is no leaf of the graph, so autograd would drop its gradient.
        z.retain_grad()
        activations[name] = (x.detach(), z)

    handles = adapters.hook_a(backbone, keep)
    fisher = {x.name: torch.zeros_like(x.a) for x in point}
    try:
        for index in plan_batches(cases.lengths):
            logits = head(
                backbone.top(*cases.batch(index, backbone.device)).float()
            ) + cases.offset(index, backbone.device)
            # Drawn on the CPU, so that every device draws the same answers.
            drawn = torch.multinomial(logits.detach().softmax(-1).cpu(), 1, generator=generator).to(
                logits.device
            )
            # Cases do not interact, so the sum's gradient at a case's z is that case's own.
            logits.log_softmax(-1).gather(1, drawn).sum().backward()
            for name, (x, z) in activations.items():
                gradient = cast(Tensor, z.grad).float()
                fisher[name] += torch.einsum("btr,bti->bri", gradient, x.float()).square().sum(0)
    finally:
        for handle in handles:
            handle.remove()
        adapters.detach(backbone)
    return fisher
