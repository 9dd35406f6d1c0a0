"""Distributions over adapters, and N models drawn from one: the form of every Bayesian teacher.

Four families share one interface, `draw(N, generator) -> Draws`, and one sampler evaluates the
draws of all of them:
- Gaussian: A_ij ~ N(mean_ij, std_ij^2), B common (TFB, BLoB, Laplace);
- Mixture: M Gaussians, each with its own B and head, drawn from in turn (MultiSWAG's idea, arXiv
  2002.08791, over BLoBs);
- Dropout: columns of A switched off with probability `rate`, the others divided by 1 - rate (MC
  dropout, arXiv 1506.02142); one mask a draw, common to all tokens and cases, so that a draw is one
  model;
- Members: M trained adapters with their own heads (deep ensemble, arXiv 1612.01474); N of them, N
  <= M.

Each is written as tensors by name and read back from them; the names determine the family. This
file does not know how a distribution is trained or evaluated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from core.errors import SettingsError
from core.models.base.adapters import Adapter

_RATE = "posterior:rate"


@dataclass(frozen=True)
class Draws:
    """N models.

    a: A [N, r, in] by map. b: B [out, r] by map, or [N, out, r]. weight, bias: of the head, [K, d]
    and [K] where all models share one, else [N, K, d] and [N, K].
    """

    a: dict[str, Tensor]
    b: dict[str, Tensor]
    weight: Tensor
    bias: Tensor

    def __len__(self) -> int:
        return next(iter(self.a.values())).shape[0]

    def only(self, i: int) -> "Draws":
        """Return the i-th model alone, N = 1."""
        per_draw = self.weight.dim() == 3
        return Draws(
            {name: a[i : i + 1] for name, a in self.a.items()},
            {name: b[i : i + 1] if b.dim() == 3 else b for name, b in self.b.items()},
            self.weight[i : i + 1] if per_draw else self.weight,
            self.bias[i : i + 1] if per_draw else self.bias,
        )

    def logits(self, states: Tensor) -> Tensor:
        """Return logits [N, B, K] of read-out states [N, B, d], each model by its own head."""
        weight, bias = self.weight.to(states.device), self.bias.to(states.device)
        return states @ weight.mT + (bias[:, None] if bias.dim() == 2 else bias)


@dataclass(frozen=True)
class Gaussian:
    """A ~ N(A, std^2) element by element; `std` [r, in] by map."""

    adapters: tuple[Adapter, ...]
    std: dict[str, Tensor]
    head: nn.Linear

    def draw(self, samples: int, generator: torch.Generator) -> Draws:
        """Return N draws; a CPU generator gives every device the same noise."""
        noise = {
            x.name: torch.randn(samples, *x.a.shape, generator=generator) for x in self.adapters
        }
        a = {x.name: x.a + self.std[x.name] * noise[x.name].to(x.a.device) for x in self.adapters}
        return Draws(a, {x.name: x.b for x in self.adapters}, *_of(self.head))

    def scaled(self, scale: float) -> "Gaussian":
        """Return the same with `scale` times the spread; 0 is the mean's model."""
        return replace(self, std={name: scale * s for name, s in self.std.items()})

    def tensors(self) -> dict[str, Tensor]:
        """Return what a model's weights store of it."""
        return _common(self.adapters, self.head) | {
            f"{name}:std": s for name, s in self.std.items()
        }


@dataclass(frozen=True)
class Mixture:
    """M Gaussians of equal weight.

    a, std [M, r, in], b [M, out, r] by map, weight [M, K, d], bias [M, K].
    """

    a: dict[str, Tensor]
    std: dict[str, Tensor]
    b: dict[str, Tensor]
    weight: Tensor
    bias: Tensor

    @staticmethod
    def of(components: Sequence[Gaussian]) -> "Mixture":
        """Return Gaussians over the same maps as one mixture."""
        means = Members.of([(x.adapters, x.head) for x in components])
        std = {name: torch.stack([x.std[name] for x in components]) for name in means.a}
        return Mixture(means.a, std, means.b, means.weight, means.bias)

    def draw(self, samples: int, generator: torch.Generator) -> Draws:
        """Return N draws, sample i from component i modulo M.

        Shares are as even as N allows; drawing the components at random would add noise.
        """
        component = torch.arange(samples) % len(self.weight)
        noise = {
            name: torch.randn(samples, *s.shape[1:], generator=generator)
            for name, s in self.std.items()
        }
        a = {
            name: self.a[name][component] + s[component] * noise[name].to(s.device)
            for name, s in self.std.items()
        }
        return Draws(
            a,
            {name: b[component] for name, b in self.b.items()},
            self.weight[component],
            self.bias[component],
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return what a model's weights store of it."""
        parts = {
            f"{name}:{part}": x
            for part in ("a", "b", "std")
            for name, x in getattr(self, part).items()
        }
        return parts | {"head.weight": self.weight, "head.bias": self.bias}


@dataclass(frozen=True)
class Dropout:
    """The trained adapter with columns of A switched off at `rate`, 0 <= rate < 1."""

    adapters: tuple[Adapter, ...]
    rate: float
    head: nn.Linear

    def draw(self, samples: int, generator: torch.Generator) -> Draws:
        """Return N draws, one mask over the map's inputs for each model."""
        a = {}
        for x in self.adapters:
            keep_mask = torch.rand(samples, 1, x.a.shape[1], generator=generator) >= self.rate
            a[x.name] = x.a * keep_mask.to(x.a.device) / (1 - self.rate)
        return Draws(a, {x.name: x.b for x in self.adapters}, *_of(self.head))

    def tensors(self) -> dict[str, Tensor]:
        """Return what a model's weights store of it."""
        return _common(self.adapters, self.head) | {_RATE: torch.tensor(self.rate)}


@dataclass(frozen=True)
class Members:
    """M models; a [M, r, in], b [M, out, r] by map, weight [M, K, d], bias [M, K]."""

    a: dict[str, Tensor]
    b: dict[str, Tensor]
    weight: Tensor
    bias: Tensor

    @staticmethod
    def of(members: Sequence[tuple[Sequence[Adapter], nn.Linear]]) -> "Members":
        """Return trained (adapters, head) pairs of one shape and scale as one posterior."""
        names = [x.name for x in members[0][0]]
        by_name = [{x.name: x for x in adapters} for adapters, _ in members]
        return Members(
            {name: torch.stack([adapters[name].a for adapters in by_name]) for name in names},
            {name: torch.stack([adapters[name].b for adapters in by_name]) for name in names},
            *(
                torch.stack(parts)
                for parts in zip(*(_of(head) for _, head in members), strict=True)
            ),
        )

    def draw(self, samples: int, generator: torch.Generator) -> Draws:
        """Return the first N members: an ensemble has no randomness left.

        Raises SettingsError if it has fewer members.
        """
        if samples > len(self.weight):
            raise SettingsError("models.too_many_members", samples=samples, n=len(self.weight))
        cut = slice(0, samples)
        return Draws(
            {k: v[cut] for k, v in self.a.items()},
            {k: v[cut] for k, v in self.b.items()},
            self.weight[cut],
            self.bias[cut],
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return what a model's weights store of it."""
        parts = {f"{k}:a": v for k, v in self.a.items()} | {f"{k}:b": v for k, v in self.b.items()}
        return parts | {"head.weight": self.weight, "head.bias": self.bias}


Posterior = Gaussian | Mixture | Dropout | Members


def tempered(posterior: Posterior, temperature: float) -> Posterior:
    """Return the same posterior with every model's logits divided by the temperature.

    The head's weight and bias are divided, so samples need no extra step.
    """
    if isinstance(posterior, Members | Mixture):
        return replace(
            posterior, weight=posterior.weight / temperature, bias=posterior.bias / temperature
        )
    # A new head: the given one may also be the point estimate's.
    weight, bias = _of(posterior.head)
    return replace(posterior, head=_new_head(weight / temperature, bias / temperature))


def shrunk(posterior: Posterior, share: float, start: nn.Linear) -> Posterior:
    """Return the same posterior moved towards the linear start, an untrained base under its head.

    share: of the way that remains, in [0, 1]; 1 is the posterior itself. B and the heads' distance
    from `start` are multiplied by it (Wortsman et al. 2022, arXiv 2109.01903, eq. 1).
    """
    weight, bias = (x.to(_of_any(posterior)[0]) for x in _of(start))
    weight, bias = (
        begin + share * (trained - begin)
        for begin, trained in zip((weight, bias), _of_any(posterior), strict=True)
    )
    if isinstance(posterior, Members | Mixture):
        b = {name: share * x for name, x in posterior.b.items()}
        return replace(posterior, b=b, weight=weight, bias=bias)
    adapters = tuple(replace(x, b=share * x.b) for x in posterior.adapters)
    return replace(posterior, adapters=adapters, head=_new_head(weight, bias))


def from_tensors(tensors: dict[str, Tensor], scale: float) -> Posterior:
    """Return the posterior that `tensors()` stored; `scale` is the adapters'."""
    names = [key.removesuffix(":a") for key in tensors if key.endswith(":a")]
    a, b = ({name: tensors[f"{name}:{part}"] for name in names} for part in "ab")
    weight, bias = tensors["head.weight"], tensors["head.bias"]
    std = {name: tensors[f"{name}:std"] for name in names if f"{name}:std" in tensors}
    # Only mixtures and ensembles have a head for each model, and only mixtures of those a spread.
    if weight.dim() == 3:
        return Mixture(a, std, b, weight, bias) if std else Members(a, b, weight, bias)
    head = _new_head(weight, bias)
    adapters = tuple(Adapter(name, a[name], b[name], scale) for name in names)
    if _RATE in tensors:
        return Dropout(adapters, float(tensors[_RATE]), head)
    return Gaussian(adapters, std, head)


def _common(adapters: Sequence[Adapter], head: nn.Linear) -> dict[str, Tensor]:
    factors = {f"{x.name}:{part}": getattr(x, part) for x in adapters for part in "ab"}
    return factors | dict(zip(("head.weight", "head.bias"), _of(head), strict=True))


def _new_head(weight: Tensor, bias: Tensor) -> nn.Linear:
    head = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device).requires_grad_(False)
    head.load_state_dict({"weight": weight, "bias": bias})
    return head


def _of_any(posterior: Posterior) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the head, or of all heads."""
    if isinstance(posterior, Members | Mixture):
        return posterior.weight, posterior.bias
    return _of(posterior.head)


def _of(head: nn.Linear) -> tuple[Tensor, Tensor]:
    return head.weight.detach(), head.bias.detach()
