"""BLoB (arXiv 2406.11675): A ~ N(M, Omega^2), trained by variational inference; B is deterministic.

loss = E_A[cross-entropy] + kl_weight / n * sum_ij KL(N(M_ij, Omega_ij^2) || N(0, beta^2)), n
training cases; KL per element = log(beta / Omega) + (Omega^2 + M^2) / (2 beta^2) - 1/2; Omega =
rho^2, element by element. Flipout (arXiv 1803.04386) gives every case its own draw at the price of
one. Its random signs are drawn once a CASE, not once a token: all tokens of a case have the same
weights, as they have when the teacher is sampled.
"""

from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone
from core.models.base.products import linear_map
from core.models.base.settings import VariationalSettings
from core.models.scoring.posterior import Gaussian
from core.models.teachers.job import Fitted, TeacherJob
from core.models.training.objective import Noise


def fit_blob(job: TeacherJob, settings: VariationalSettings) -> Fitted:
    """Train mean and spread of A together with B and head."""
    loop = settings.loop(job.settings, len(job.cases))
    job = replace(job, settings=job.settings.model_copy(update={"loop": loop}))
    seed, batch = loop.seed, loop.batch_size
    shapes = job.fresh_factors(seed)
    noise = Variational(
        shapes, settings, cases=len(job.cases), steps=-(-len(job.cases) // batch)
    ).to(job.backbone.device)
    trained, head = job.train("blob", seed, noise)
    std = noise.std()
    spread = torch.cat([s.flatten() for s in std.values()])
    record = {
        "mean_std": float(spread.mean()),
        "kl_per_weight": float(noise.kl(trained) / spread.numel()),
    }
    return Fitted(Gaussian(trained, std, head), record)


def kl_to_prior(mean: Tensor, std: Tensor, prior: float) -> Tensor:
    """Return the sum over elements of KL(N(mean, std^2) || N(0, prior^2)), nats."""
    return (torch.log(prior / std) + (std**2 + mean**2) / (2 * prior**2) - 0.5).sum()


class Variational(Noise):
    """Holds rho of every A, adds the draw's share to A x in training, and prices it.

    cases: n. steps: of an epoch. With reweighting, step i of an epoch has weight 2^i / (2^steps -
    1), mean 1 / steps.
    """

    def __init__(
        self, shapes: tuple[Adapter, ...], settings: VariationalSettings, cases: int, steps: int
    ):
        super().__init__()
        self.settings, self.cases, self.steps = settings, cases, steps
        self.names = [x.name for x in shapes]
        self.rho = nn.ParameterList([torch.full_like(x.a, settings.start_std**0.5) for x in shapes])
        self._means: dict[str, Tensor] = {}

    @contextmanager
    def on(self, backbone: Backbone):
        """During one forward: z = A x becomes M x + (Omega * eps)(x * s) * t.

        The signs s and t are drawn for every case.
        """
        std = dict(zip(self.names, self.rho, strict=True))

        def perturb(name: str, x: Tensor, z: Tensor) -> Tensor:
            noise = std[name] ** 2 * torch.randn_like(std[name])  # [r, in]

            def signs(like: Tensor) -> Tensor:
                shape = *[1] * (x.dim() - 2), like.shape[-1]
                return self.by_case(lambda n: random_signs(n, *shape, like=like), len(x))

            into, out = signs(x), signs(z)
            return z + linear_map(x * into, noise.to(x.dtype)) * out

        self._means = {
            name: adapters.factors(layer)[0] for name, layer in adapters.layers(backbone)
        }
        handles = adapters.hook_a(backbone, perturb)
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def penalty(self) -> Tensor:
        """Return kl_weight * KL / n, times this step's weight relative to the even one."""
        i = self.step % self.steps
        weight = self.steps * 2.0**i / (2.0**self.steps - 1) if self.settings.reweighting else 1.0
        spreads = zip(self.names, self.rho, strict=True)
        prices = [
            kl_to_prior(self._means[name], rho**2, self.settings.prior) for name, rho in spreads
        ]
        kl = sum(prices, torch.zeros(()))
        return weight * self.settings.kl_weight * kl / self.cases

    def std(self) -> dict[str, Tensor]:
        """Return the standard deviation [r, in] of A by map."""
        return {name: rho.detach() ** 2 for name, rho in zip(self.names, self.rho, strict=True)}

    def kl(self, trained: tuple[Adapter, ...]) -> Tensor:
        """Return the KL to the prior of the trained adapters, nats."""
        std = self.std()
        prices = [kl_to_prior(x.a, std[x.name], self.settings.prior) for x in trained]
        return sum(prices, torch.zeros(()))


def random_signs(*shape: int, like: Tensor) -> Tensor:
    """Return +1 or -1, equally likely, of this shape, with `like`'s device and dtype."""
    return torch.randint(0, 2, shape, device=like.device).to(like.dtype) * 2 - 1
