"""N samples of a Bayesian LoRA model as one batched computation over the frozen trunk.

Posterior, element by element: A_ij ~ N(mean_ij, std_ij^2); B is deterministic. One draw of all A makes one model of the
ensemble, the same draw for every token and case. Design choices:
- the samples lie along the batch, sample-major: [N * B, T, d];
- with adapters in the feed-forward only, the first adapted block's attention does not know the sample yet, so it is
  computed once: the first sampled map turns [B, T, in] into [N, B, T, out], residuals broadcast, and the block's output
  is flattened to [N * B, T, d].

This file does not know where the posterior came from.
"""

from contextlib import contextmanager

import torch
from torch import Tensor, nn

from core.models import adapters
from core.models.adapters import Adapter
from core.models.backbone import Backbone


class SampledLinear(nn.Module):
    """A linear map with a Bayesian adapter: y = W x + scale * B (mean + std * eps_n) x.

    Without a draw it is the posterior mean's adapter. With a draw of N, an input that is common to all samples, [B, T, in],
    gives [N, B, T, out]; an input that holds samples, [N * B, T, in] or [N, B, T, in], keeps its shape.
    """

    def __init__(self, base: nn.Linear, adapter: Adapter, std: Tensor):
        super().__init__()
        self.base = base
        self.scale = adapter.scale
        self.register_buffer("mean", adapter.a)  # [r, in]
        self.register_buffer("std", std)  # [r, in]
        self.register_buffer("b", adapter.b)  # [out, r]
        self.drawn: Tensor | None = None  # [N, r, in], one draw of A per sample
        self.cases = 0  # B of the present batch, set by whoever draws

    def forward(self, x: Tensor) -> Tensor:
        y = self.base(x)
        low_rank = (self.b.to(x.dtype) * self.scale).T  # [r, out]
        if self.drawn is None:
            return y + x @ self.mean.to(x.dtype).T @ low_rank
        a = self.drawn.to(x.dtype)
        n, r, width = a.shape
        if x.dim() == 3 and x.shape[0] == self.cases and n > 1:  # common to all samples: one product for all N draws of A
            z = (x @ a.reshape(n * r, width).T).unflatten(-1, (n, r))  # [B, T, N, r]
            return y + z.movedim(-2, 0) @ low_rank  # [N, B, T, out]
        z = torch.bmm(x.reshape(n, -1, width), a.transpose(1, 2))  # [N, B * T, r]
        return torch.addmm(y.view(-1, y.shape[-1]), z.flatten(0, 1), low_rank).view(y.shape)


class Sampler:
    """Draws and evaluates the samples of a backbone whose adapters have been made random."""

    def __init__(self, backbone: Backbone, posterior: list[Adapter], std: dict[str, Tensor]):
        self.backbone = backbone
        self.maps: dict[str, SampledLinear] = {}
        for adapter in posterior:
            base = backbone.model.get_submodule(adapter.name)
            base = getattr(base, "base_layer", base)  # peft's wrapper, if it is still there
            self.maps[adapter.name] = SampledLinear(base, adapter, std[adapter.name]).to(backbone.device)
            adapters.replace(backbone, adapter.name, self.maps[adapter.name])
        first = backbone.feed_forward(backbone.cut)
        attention = {n for n in self.maps if n not in first.up + first.down and n.startswith(_prefix(backbone, backbone.cut))}
        self._attention_is_common = not attention

    def draw(self, samples: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Standard normal noise, [N, r, in] by map, from a CPU generator so that every device sees the same draw."""
        return {name: torch.randn(samples, *m.mean.shape, generator=generator) for name, m in self.maps.items()}

    @contextmanager
    def sampled(self, noise: dict[str, Tensor], scale: float = 1.0):
        """For the time of the block, every map has A = mean + scale * std * noise; yields N."""
        for name, m in self.maps.items():
            m.drawn = m.mean + scale * m.std * noise[name].to(m.mean.device)
        try:
            yield next(iter(noise.values())).shape[0]
        finally:
            for m in self.maps.values():
                m.drawn = None

    def read_out(self, hidden: Tensor, mask: Tensor | None, samples: int) -> Tensor:
        """Inside `sampled`: hidden state that enters the cut [B, T, d] -> read-out states of all samples [N, B, d]."""
        cases = hidden.shape[0]
        for m in self.maps.values():
            m.cases = cases
        if samples == 1:
            return self.backbone.top(hidden, mask).unsqueeze(0)
        if self._attention_is_common:
            with self._spread_after_first_block(cases, samples):
                states = self.backbone.top(hidden, mask)
        else:
            states = self.backbone.top(hidden.repeat(samples, 1, 1), None if mask is None else mask.repeat(samples, 1))
        return states.unflatten(0, (samples, cases))

    @contextmanager
    def _spread_after_first_block(self, cases: int, samples: int):
        """The first block sees B cases; the later ones N * B, and so must everything that comes with the hidden state."""

        def flatten(_block, _args, output):
            return output.flatten(0, 1) if output.dim() == 4 else output

        def spread(x):
            if isinstance(x, Tensor) and x.dim() > 1 and x.shape[0] == cases and cases > 1:
                return x.repeat(samples, *[1] * (x.dim() - 1))
            return tuple(spread(v) for v in x) if isinstance(x, tuple) else x

        def widen(_block, args, kwargs):
            hidden, rest = (args[0], args[1:]) if args else (kwargs["hidden_states"], ())
            others = {k: v if k == "hidden_states" else spread(v) for k, v in kwargs.items()}
            return ((hidden, *map(spread, rest)), others) if args else ((), others)

        first, *later = self.backbone.blocks[self.backbone.cut :]
        handles = [first.register_forward_hook(flatten)]
        handles += [block.register_forward_pre_hook(widen, with_kwargs=True) for block in later]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _prefix(backbone: Backbone, block: int) -> str:
    return f"{backbone.blocks_name}.{block}."
