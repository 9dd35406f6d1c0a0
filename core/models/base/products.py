"""Products of linear maps on an x86 CPU, by oneDNN where MKL is slower: the same float32 results.

MKL does not use AVX-512 on AMD processors: one thread of an EPYC of 2025 computes 105 GFLOP/s by
MKL and 230 by oneDNN, and the thin products of an adapter of rank 8 up to 20 times as fast. On an
Intel processor MKL takes 0.6 to 0.8 of oneDNN's time in a block of 8 to 1,000 tokens; on an EPYC of
2017, which has AVX2 alone, 0.5 for 9 tokens (0.12 in thin products) and as much for 1,000. Results
are equal up to the order of their sums. A training may round the factors (`rounded_products`),
which oneDNN alone does. Knows tensors and modules, no model.
"""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.settings import Settings

# oneDNN generates code for every number of rows that it meets: 0.5 ms and 0.7 MB each. Numbers above
# ROWS are therefore rounded up to a multiple of it.
ROWS = 32
# On other processors oneDNN's float32 products may be its slow reference ones.
_CAPABILITY = torch.backends.cpu.get_cpu_capability()
_AVAILABLE = (
    torch.backends.mkldnn.is_available()
    and _CAPABILITY.startswith("AVX")
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)


def _made_by_intel() -> bool:
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return "GenuineIntel" in platform.processor()


_MKL_IS_FASTER = _made_by_intel() or not _CAPABILITY.startswith("AVX512")
_rounded = False  # whether the factors of a product may be rounded


@contextmanager
def rounded_products() -> Iterator[None]:
    """Inside, with KAKUSHIN_PRECISION=bfloat16, factors are rounded where the processor multiplies
    bfloat16.

    Sums and results stay float32. A core with AMX multiplies matrices of 384 by 1,536 about four
    times as fast so. Meant for training and for targets, never for scores.
    """
    global _rounded
    before, _rounded = _rounded, Settings().precision == "bfloat16"
    try:
        yield
    finally:
        _rounded = before


def linear_map(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x [..., in] times weight [out, in], plus bias [out], as F.linear does: [..., out]."""
    plain = (
        not _AVAILABLE
        or (_MKL_IS_FASTER and not _rounded)
        or x.dtype != torch.float32
        or weight.dtype != torch.float32
        or x.device.type != "cpu"
        or x.numel() == 0
        # A compiler or an exporter has its own products, and torch.func its own gradients.
        or torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
    )
    if plain:
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        return cast(Tensor, _LinearMap.apply(x, weight, bias))
    return _product(x, weight, bias)


class FastLinear(nn.Linear):
    """A linear map whose product is `linear_map`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x [..., in] times the weights, plus the bias: [..., out]."""
        return linear_map(x, self.weight, self.bias)


def speed_up_products(model: nn.Module) -> None:
    """Make every plain linear map of the model a FastLinear, in place."""
    for module in model.modules():
        # A subclass may compute something else. Names, parameters and hooks stay as they are.
        if type(module) is nn.Linear:
            module.__class__ = FastLinear


class _LinearMap(torch.autograd.Function):
    """x W^T + b and its gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # A frozen weight has no gradient, so its input need not stay in memory.
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        into_x, into_weight, into_bias = ctx.needs_input_grad
        gradient = gradients[0]
        rows = gradient.reshape(-1, gradient.shape[-1])
        return (
            _product(gradient, weight.t(), None) if into_x else None,
            _outer(rows, x.reshape(-1, x.shape[-1])) if into_weight else None,
            rows.sum(0) if into_bias else None,
        )


def _outer(rows: Tensor, x: Tensor) -> Tensor:
    """Return rows^T x [out, in] of rows [n, out] and x [n, in]."""
    # oneDNN is several times as fast with the shorter side first.
    if rows.shape[1] > x.shape[1]:
        return _outer(x, rows).t()
    return _onednn(rows.t(), x.t(), None)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return x [..., in] times weight [out, in], plus bias [out]."""
    flat = x.reshape(-1, x.shape[-1])
    rows = len(flat)
    if rows > ROWS and rows % ROWS:
        flat = F.pad(flat, (0, 0, 0, -rows % ROWS))
    return _onednn(flat, weight, bias)[:rows].view(*x.shape[:-1], len(weight))


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if not _rounded:
        return _linear_pointwise(x, weight, bias)
    # Around each product alone: with it, torch 2.13 takes 15 times as long for attention over 32
    # tokens.
    matmul = cast(Any, torch.backends.mkldnn).matmul  # torch's types lack it
    matmul.fp32_precision = "bf16"
    try:
        return _linear_pointwise(x, weight, bias)
    finally:
        matmul.fp32_precision = "ieee"


def _linear_pointwise(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], ""))
