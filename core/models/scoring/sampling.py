"""N drawn adapters as one batched computation over the frozen trunk.

One draw of all A (and B, where they differ) makes one model, the same for every token and case.
Design choices:
- the samples lie along the batch, sample-major: [N * B, T, d];
- with adapters in the feed-forward only, the first adapted block's attention is the same for all
  samples, so it is computed once: the first sampled map turns [B, T, in] into [N, B, T, out],
  residuals broadcast, and the block's output is flattened to [N * B, T, d].

This file does not know the distribution of the draws.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from core.models.base import adapters
from core.models.base.backbone import Backbone
from core.models.base.memory import out_of_memory
from core.models.base.products import linear_map
from core.models.scoring.posterior import Draws


class SampledLinear(nn.Module):
    """A linear map whose adapter differs by sample: y = W x + scale * B_n A_n x.

    Without draws it is the bare map. With N of them an input that is common to all samples, [B, T,
    in], gives [N, B, T, out]; an input that holds samples, [N * B, T, in] or [N, B, T, in], keeps
    its shape. B_n is [N, out, r], or [out, r] where all samples share it.
    """

    def __init__(self, base: nn.Linear, scale: float):
        super().__init__()
        self.base = base
        self.scale = scale
        self.a: Tensor | None = None  # [N, r, in]
        self.b: Tensor | None = None
        self.cases = 0  # B of the present batch, set by Sampler.read_out

    def forward(self, x: Tensor) -> Tensor:
        """Return y in the shapes of the class's docstring."""
        y = self.base(x)
        if self.a is None or self.b is None:
            return y
        # [N, r, in], [(N,) out, r]
        a, b = self.a.to(x.dtype), self.b.to(x.dtype) * self.scale
        n, r, width = a.shape
        # common to all samples: one product for all N draws of A
        # Only the batch's size tells a common input from one that holds samples.
        if x.dim() == 3 and x.shape[0] == self.cases and n > 1:
            z = linear_map(x, a.reshape(n * r, width)).unflatten(-1, (n, r))  # [B, T, N, r]
            z = z.movedim(-2, 0)
            return y + (z @ b[:, None].mT if b.dim() == 3 else linear_map(z, b))  # [N, B, T, out]
        z = torch.bmm(x.reshape(n, -1, width), a.mT)  # [N, B * T, r]
        if b.dim() == 3:
            return torch.baddbmm(y.view(n, -1, y.shape[-1]), z, b.mT).view(y.shape)
        return y + linear_map(z, b).view(y.shape)


class Sampler:
    """Evaluates drawn adapters on a backbone; replaces its maps `names` by sampled ones."""

    def __init__(self, backbone: Backbone, names: Sequence[str], scale: float):
        self.backbone = backbone
        self.maps: dict[str, SampledLinear] = {}
        for name in names:
            base = backbone.model.get_submodule(name)
            # peft's wrapper, if adapters are still attached
            base = getattr(base, "base_layer", base)
            base = getattr(base, "base", base)  # another sampler's
            self.maps[name] = SampledLinear(cast(nn.Linear, base), scale)
            adapters.replace(backbone, name, self.maps[name])
        first = backbone.feed_forward(backbone.cut)
        prefix = f"{backbone.blocks_name}.{backbone.cut}."
        attention = {
            n for n in self.maps if n not in first.up + first.down and n.startswith(prefix)
        }
        self._attention_is_common = not attention

    def release(self) -> None:
        """Put the bare maps back."""
        for name, m in self.maps.items():
            adapters.replace(self.backbone, name, m.base)

    @contextmanager
    def sampled(self, draws: Draws):
        """Set the draws' A and B on every map inside the block; yield N."""
        for name, m in self.maps.items():
            m.a, m.b = (
                draws.a[name].to(self.backbone.device),
                draws.b[name].to(self.backbone.device),
            )
        try:
            yield len(draws)
        finally:
            for m in self.maps.values():
                m.a = m.b = None

    def read_out(self, hidden: Tensor, mask: Tensor | None, samples: int) -> Tensor:
        """Return all samples' read-out states [N, B, d] of a state [B, T, d] that enters the cut.

        Call it inside `sampled`. mask: [B, T], None when nothing is padded. samples: N. Where memory
        does not hold one case's samples, they run in halves of halves.
        """
        try:
            return self._read_at_once(hidden, mask, samples)
        except RuntimeError as e:
            # Of several cases the caller divides the cases first.
            if len(hidden) > 1 or samples == 1 or not out_of_memory(e):
                raise
        # Outside the handler, whose traceback would keep the failed call's tensors alive.
        states = []
        for part in (slice(0, samples // 2), slice(samples // 2, samples)):
            with self._some_draws(part):
                states.append(self.read_out(hidden, mask, part.stop - part.start))
        return torch.cat(states)

    @contextmanager
    def _some_draws(self, part: slice):
        """Inside the block the maps have those draws alone."""
        draws = {name: (m.a, m.b) for name, m in self.maps.items()}
        for m in self.maps.values():
            assert m.a is not None
            assert m.b is not None
            # A B that all samples share has no axis of them.
            m.a, m.b = m.a[part], m.b[part] if m.b.dim() == 3 else m.b
        try:
            yield
        finally:
            for name, m in self.maps.items():
                m.a, m.b = draws[name]

    def _read_at_once(self, hidden: Tensor, mask: Tensor | None, samples: int) -> Tensor:
        cases = hidden.shape[0]
        for m in self.maps.values():
            m.cases = cases
        if samples == 1:
            return self.backbone.top(hidden, mask).unsqueeze(0)
        if self._attention_is_common:
            with self._spread_after_first_block(cases, samples):
                states = self.backbone.top(hidden, mask)
        else:
            states = self.backbone.top(
                hidden.repeat(samples, 1, 1), None if mask is None else mask.repeat(samples, 1)
            )
        return states.unflatten(0, (samples, cases))

    @contextmanager
    def _spread_after_first_block(self, cases: int, samples: int):
        """During one forward: repeat by N all that comes with the state to the later blocks.

        The first adapted block reads B cases, the later ones N * B.
        """

        def flatten(_block, _args, output):
            return output.flatten(0, 1) if output.dim() == 4 else output

        def spread(x):
            # Masks and rotary positions have a batch axis of B or of 1; the latter broadcast as
            # they are.
            if isinstance(x, Tensor) and x.dim() > 1 and x.shape[0] == cases and cases > 1:
                return x.repeat(samples, *[1] * (x.dim() - 1))
            return tuple(spread(v) for v in x) if isinstance(x, tuple) else x

        def widen(_block, args, kwargs):
            hidden, other_arguments = (args[0], args[1:]) if args else (kwargs["hidden_states"], ())
            others = {k: v if k == "hidden_states" else spread(v) for k, v in kwargs.items()}
            return ((hidden, *map(spread, other_arguments)), others) if args else ((), others)

        first, *later = self.backbone.blocks[self.backbone.cut :]
        handles = [first.register_forward_hook(flatten)]
        handles += [block.register_forward_pre_hook(widen, with_kwargs=True) for block in later]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
