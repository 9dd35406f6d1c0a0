"""Bases that do not fit: blocks below the cut on disk give the same answers, and so do halves of
draws; bf16 gives nearly the same.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel

from core.models.base import adapters, offload
from core.models.base.adapters import Adapter
from core.models.base.backbone import load_backbone
from core.models.base.offload import stored_dtype, trunk_place
from core.models.base.settings import AdapterSettings
from core.models.base.trunk import cache_trunk
from core.models.scoring.posterior import Gaussian
from core.models.scoring.scorers import OnePass, Teacher
from core.models.scoring.threaded import ThreadedScorer, gate_scorer
from core.models.training.loop import new_head
from tests import tiny
from tests.training import ADAPTER, CPU, train

TEXTS = tiny.texts(30, seed=3)
BF16 = 0.02  # of a probability: bf16 keeps 8 bits of a number


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return str(tiny.make_encoder(tmp_path_factory.mktemp("encoder")))


@pytest.fixture(scope="module")
def causal(tmp_path_factory):
    return str(tiny.make_causal(tmp_path_factory.mktemp("causal")))


def no_room(monkeypatch, free=0):
    monkeypatch.setattr(offload, "free_bytes", lambda device: free)


def models(base, dtype=torch.float32, targets="all"):
    """A one-pass model and a teacher of four samples on the base, cut above two of four blocks."""
    settings = AdapterSettings(layers=2, targets=targets)
    one, many = (load_backbone(base, settings.cut, CPU, dtype) for _ in range(2))
    generator = torch.Generator().manual_seed(0)
    factors = []
    for name in adapters.target_names(many, settings):
        outer, inner = many.model.get_submodule(name).weight.shape
        a, b = (torch.randn(shape, generator=generator) for shape in ((8, inner), (outer, 8)))
        factors.append(Adapter(name, a, b, 0.1))
    head = new_head(one, 3, seed=0).requires_grad_(False)
    spread = {factor.name: torch.full_like(factor.a, 0.1) for factor in factors}
    return OnePass(one, head, 3), Teacher(many, Gaussian(tuple(factors), spread, head), 0.1, 4)


def assert_close(scorers, others, tolerance):
    for one, other in zip(scorers, others, strict=True):
        before, after = one.scores(TEXTS), other.scores(TEXTS)
        np.testing.assert_allclose(after.probabilities, before.probabilities, atol=tolerance)
        np.testing.assert_allclose(after.epistemic, before.epistemic, atol=tolerance)


@pytest.mark.parametrize("kind", ["encoder", "causal"])
def test_blocks_below_the_cut_on_disk_give_the_same_scores(kind, request, monkeypatch):
    base = request.getfixturevalue(kind)
    fitting = models(base)
    no_room(monkeypatch)
    offloaded = models(base)
    assert_close(fitting, offloaded, 1e-6)
    backbone = offloaded[0].backbone
    assert backbone.offloaded
    where = {p.device.type for block in backbone.blocks[:2] for p in block.parameters()}
    assert where == {"meta"}  # nothing of them stays after a pass
    others = [p for n, p in backbone.model.named_parameters() if p.device.type != "meta"]
    blocks = sum(1 for block in backbone.blocks[:2] for _ in block.parameters())
    assert len(others) == len(list(backbone.model.parameters())) - blocks
    assert not any(hasattr(m, "_hf_hook") for m in backbone.blocks[2:].modules())


def test_a_base_that_fits_is_not_divided(encoder):
    assert not load_backbone(encoder, ADAPTER.cut, CPU).offloaded


def test_training_over_blocks_on_disk_reaches_the_same_weights(encoder, tmp_path, monkeypatch):
    fitting = train(encoder, tmp_path / "a")
    no_room(monkeypatch)
    for name, tensor in train(encoder, tmp_path / "b").items():
        torch.testing.assert_close(tensor, fitting[name], atol=1e-5, rtol=1e-5)


def test_a_student_merges_its_adapters_over_blocks_on_disk(encoder, monkeypatch):
    no_room(monkeypatch)
    backbone = load_backbone(encoder, ADAPTER.cut, CPU)
    adapters.attach(backbone, ADAPTER)
    merged = adapters.merge(backbone)
    assert merged
    assert all(tensor.device.type == "cpu" for tensor in merged.values())


def test_the_trunk_goes_where_there_is_room(encoder, monkeypatch):
    """The tiny base has about 0.15 MB; a card is asked for its own memory first."""
    card, free = torch.device("cuda"), {}
    monkeypatch.setattr(offload, "free_bytes", lambda device: free[device.type])
    half, full = torch.bfloat16, torch.float32
    size = int(sum(p.numel() for p in load_size(encoder)) * 4 / offload.ROOM)
    for free["cuda"], free["cpu"], dtype, place in (
        (2 * size, 0, full, ""),
        (size // 2, 2 * size, full, "cpu"),
        (size // 2, size // 2, full, "disk"),
        (int(0.7 * size), 0, half, ""),  # half of the bytes
    ):
        assert trunk_place(encoder, full, dtype, card) == place
    free["cpu"] = size // 2
    assert trunk_place(encoder, full, full, CPU) == "disk"


@pytest.mark.parametrize("written", ["bfloat16", "float32", None])
def test_the_files_of_a_base_have_the_format_that_its_configuration_names(
    encoder, tmp_path, written
):
    config = json.loads((Path(encoder) / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"dtype": written}))
    expected = getattr(torch, written or "float32")
    assert stored_dtype(AutoConfig.from_pretrained(tmp_path)) == expected


def load_size(base):
    return AutoModel.from_pretrained(base, add_pooling_layer=False).parameters()


def test_the_gate_does_not_divide_texts_over_blocks_that_come_and_go(encoder, monkeypatch):
    threads = torch.get_num_threads()
    try:
        assert isinstance(gate_scorer(models(encoder)[0]), ThreadedScorer)
        no_room(monkeypatch)
        assert isinstance(gate_scorer(models(encoder)[0]), OnePass)
    finally:
        torch.set_num_threads(threads)


def test_one_case_whose_samples_do_not_fit_runs_in_halves_of_the_draws(encoder, monkeypatch):
    """Room for two rows: of four samples of one case two at a time, with their own draws."""
    _, teacher = models(encoder)
    text, asked = TEXTS[:1], []
    before, every = teacher.sampled_scores(text)
    top = teacher.backbone.top

    def tight(hidden, mask):
        asked.append(len(hidden))
        if len(hidden) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return top(hidden, mask)

    monkeypatch.setattr(teacher.backbone, "top", tight)
    after, halves = teacher.sampled_scores(text)
    assert asked == [4, 2, 2]
    np.testing.assert_allclose(halves, every, atol=1e-6)
    np.testing.assert_allclose(after.epistemic, before.epistemic, atol=1e-6)
    moments, _ = teacher.moments(cache_trunk(teacher.backbone, text))
    np.testing.assert_allclose(moments.probabilities, every.mean(0), atol=1e-6)


def test_bf16_gives_nearly_the_scores_of_float32(encoder):
    full, half = models(encoder), models(encoder, torch.bfloat16)
    assert next(half[0].backbone.model.parameters()).dtype == torch.bfloat16
    assert_close(full, half, BF16)
