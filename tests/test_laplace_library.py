"""Our Laplace teacher against the library laplace-torch, on a model small enough for its exact
curvature.

The library's own requirements would bring torchvision, which does not import beside a CPU build of
torch and then stops transformers; the library itself does not need it: `pip install --no-deps -r
requirements-laplace.txt`.
"""

import pytest
import torch
from torch import nn

from core.models.base import adapters
from core.models.base.backbone import load_backbone
from core.models.base.batches import pad
from core.models.base.settings import AdapterSettings
from core.models.base.trunk import TrunkCache, cache_trunk
from core.models.teachers.laplace import diagonal_fisher
from core.models.training.loop import new_head
from tests import tiny

laplace = pytest.importorskip("laplace", reason="pip install --no-deps -r requirements-laplace.txt")
CPU = torch.device("cpu")
CASES, CLASSES = 3, 3


class Logits(nn.Module):
    """Trunk states of one length [B, T, d] -> logits [B, K]; only every A is a parameter that wants
    a gradient.
    """

    def __init__(self, backbone, head):
        super().__init__()
        self.model, self.head, self.top = backbone.model, head, backbone.top

    def forward(self, hidden):
        return self.head(self.top(hidden, None).float())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tiny backbone, adapters with B other than 0, a head, and three cases of one length."""
    adapter = AdapterSettings(layers=1, rank=2, alpha=4, targets="feed_forward")
    backbone = load_backbone(
        str(tiny.make_encoder(tmp_path_factory.mktemp("base"))), adapter.cut, CPU
    )
    generator = torch.Generator().manual_seed(0)
    adapters.attach(backbone, adapter)
    fresh = adapters.read_adapters(backbone)
    factors = [
        adapters.Adapter(x.name, x.a, torch.randn(x.b.shape, generator=generator) / 4, x.scale)
        for x in fresh
    ]
    adapters.detach(backbone)
    texts = tiny.cases(60)["text"].tolist()
    states = cache_trunk(backbone, texts).states
    length = max(set(map(len, states)), key=[len(s) for s in states].count)
    return (
        backbone,
        adapter,
        factors,
        new_head(backbone, CLASSES, 0),
        [s for s in states if len(s) == length][:CASES],
    )


def test_the_expected_fisher_is_the_librarys_gauss_newton_diagonal(trained, monkeypatch):
    """Ours draws labels from p(y | x); here every label is drawn once and weighs p, which is its
    exact mean.
    """
    backbone, adapter, factors, head, states = trained
    expected = library_precision(backbone, adapter, factors, head, states)
    found = {name: torch.zeros_like(value) for name, value in expected.items()}
    for state in states:
        cache = TrunkCache([state])
        for label, p in enumerate(probabilities(backbone, adapter, factors, head, state)):
            monkeypatch.setattr(torch, "multinomial", lambda *_, y=label, **__: torch.tensor([[y]]))
            own = diagonal_fisher(backbone, tuple(factors), head, cache, adapter, torch.Generator())
            for name, value in own.items():
                found[name] += p * value
    assert set(found) == {a.name for a in factors}
    for name, value in expected.items():
        assert float(value.max()) > 1e-6
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-7)


def library_precision(backbone, adapter, factors, head, states) -> dict[str, torch.Tensor]:
    """The diagonal of the generalised Gauss-Newton matrix over every A, as laplace-torch has it."""
    adapters.attach(backbone, adapter)
    adapters.write_adapters(backbone, factors)
    try:
        model = Logits(backbone, head)
        wanted = {layer.lora_A["default"].weight: name for name, layer in adapters.layers(backbone)}
        for parameter in model.parameters():
            parameter.requires_grad_(parameter in wanted)
        hidden, _ = pad(states)
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(hidden, torch.arange(CASES) % CLASSES), batch_size=CASES
        )
        library = laplace.Laplace(
            model,
            "classification",
            subset_of_weights="all",
            hessian_structure="diag",
            backend=laplace.curvature.curvature.GGNInterface,
        )
        library.fit(loader)
        order = [p for p in model.parameters() if p in wanted]
        parts = library.H.split([p.numel() for p in order])
        return {wanted[p]: part.view_as(p).clone() for p, part in zip(order, parts, strict=True)}
    finally:
        adapters.detach(backbone)


def probabilities(backbone, adapter, factors, head, state) -> list[float]:
    adapters.attach(backbone, adapter)
    adapters.write_adapters(backbone, factors)
    try:
        with torch.no_grad():
            return head(backbone.top(state[None], None).float()).softmax(-1)[0].tolist()
    finally:
        adapters.detach(backbone)
