"""Products by oneDNN, held against torch's own, forwards and backwards."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.models.base import products
from core.models.base.batches import pad
from core.models.base.products import (
    FastLinear,
    linear_map,
    rounded_products,
    speed_up_products,
)

SHAPES = [(1, 5), (7, 3, 5), (2, 0, 5), (33, 5), (4, 40, 5)]  # some are not multiples of ROWS


@pytest.fixture(autouse=True)
def every_processor(monkeypatch):
    """Let oneDNN compute whoever made the processor."""
    monkeypatch.setattr(products, "_MKL_IS_FASTER", False)


def gradients(product, x, weight, bias):
    """The gradients of a weighted sum of the product's elements in x, weight and bias."""
    leaves = [v.clone().requires_grad_() for v in (x, weight, bias)]
    out = product(*leaves)
    (out * torch.arange(out.numel()).view(out.shape)).sum().backward()
    return [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("outputs", [2, 9])
def test_a_product_and_its_gradients_are_torchs_own(shape, outputs):
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(size, generator=generator) for size in (shape, (outputs, 5), (outputs,))
    )
    torch.testing.assert_close(linear_map(x, weight, bias), F.linear(x, weight, bias))
    torch.testing.assert_close(linear_map(x, weight), F.linear(x, weight))
    for ours, theirs in zip(
        *(gradients(product, x, weight, bias) for product in (linear_map, F.linear)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-2)


def rounded(x):
    """Return the numbers as bfloat16 has them."""
    return x.bfloat16().float()


def test_factors_may_be_rounded_inside_rounded_products_alone_and_only_if_asked(monkeypatch):
    """Where the processor multiplies no bfloat16, nothing is rounded anywhere."""
    monkeypatch.setenv("KAKUSHIN_PRECISION", "bfloat16")
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(size, generator=generator) for size in ((64, 384), (96, 384)))
    exact, product_of_rounded = F.linear(x, weight), F.linear(rounded(x), rounded(weight))
    precision = torch.backends.mkldnn.matmul
    with rounded_products():
        inside = linear_map(x, weight)
        assert precision.fp32_precision != "bf16"  # attention would take 15 times as long
    expected = exact if (inside - exact).abs().max() < 1e-3 else product_of_rounded
    torch.testing.assert_close(inside, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(linear_map(x, weight), exact, rtol=1e-5, atol=1e-4)
    monkeypatch.delenv("KAKUSHIN_PRECISION")
    with rounded_products():
        torch.testing.assert_close(linear_map(x, weight), exact, rtol=1e-5, atol=1e-4)


def test_products_ask_for_rounding_inside_rounded_products_alone(monkeypatch):
    """Whatever the processor makes of it: what oneDNN is told at the time of each product."""
    told, real = [], torch.ops.mkldnn._linear_pointwise
    monkeypatch.setenv("KAKUSHIN_PRECISION", "bfloat16")
    if not products._AVAILABLE:
        pytest.skip("this processor has no products by oneDNN")

    def spy(*arguments):
        told.append(torch.backends.mkldnn.matmul.fp32_precision)
        return real(*arguments)

    monkeypatch.setattr(products.torch.ops.mkldnn, "_linear_pointwise", spy)
    x = torch.ones(3, 4)
    linear_map(x, x)
    with rounded_products():
        linear_map(x, x)
        with pytest.raises(RuntimeError), rounded_products():
            linear_map(x, torch.ones(3, 5))
        linear_map(x, x)
    linear_map(x, x)
    assert [precision == "bf16" for precision in told] == [False, True, True, True, False]


def test_where_mkl_is_faster_onednn_computes_rounded_products_alone(monkeypatch):
    asked = []
    monkeypatch.setenv("KAKUSHIN_PRECISION", "bfloat16")
    monkeypatch.setattr(products, "_MKL_IS_FASTER", True)
    monkeypatch.setattr(products, "_product", lambda x, w, b: asked.append(1) or F.linear(x, w, b))
    x = torch.ones(3, 4)
    linear_map(x, x)
    assert asked == []
    with rounded_products():
        linear_map(x, x)
    assert asked == [1] * products._AVAILABLE


def test_a_frozen_weight_gets_no_gradient_and_other_number_formats_are_torchs():
    weight, x = torch.ones(2, 3), torch.ones(4, 3, requires_grad=True)
    linear_map(x, weight).sum().backward()
    assert weight.grad is None
    assert x.grad.tolist() == [[2.0] * 3] * 4
    halves = linear_map(x.detach().bfloat16(), weight.bfloat16())
    assert halves.dtype == torch.bfloat16


def test_plain_linear_maps_become_fast_and_keep_names_weights_and_subclasses():
    class Own(nn.Linear):
        """A linear map that may compute something else."""

    model = nn.ModuleDict({"plain": nn.Linear(3, 2), "own": Own(3, 2)})
    before, x = model.state_dict(), torch.ones(1, 3)
    expected = model["plain"](x)
    speed_up_products(model)
    assert (type(model["plain"]), type(model["own"])) == (FastLinear, Own)
    assert model.state_dict().keys() == before.keys()
    torch.testing.assert_close(model["plain"](x), expected)


def test_a_batch_is_as_long_as_asked_unless_its_rows_are_equally_long():
    rows = [torch.ones(2, 3), torch.ones(5, 3)]
    padded, mask = pad(rows, 8)
    assert (tuple(padded.shape), mask.sum(1).tolist()) == ((2, 8, 3), [2, 5])
    assert padded.sum() == 21
    assert pad(rows, 4)[0].shape[1] == 5
    equal, none = pad(rows[1:] * 2, 8)
    assert (equal.shape[1], none) == (5, None)
