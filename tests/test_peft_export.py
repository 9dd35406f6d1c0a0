"""A teacher's draws as PEFT adapters: peft loads them back, and they answer as the teacher does."""

import json

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForCausalLM

from core.errors import ModelError
from core.models.base import adapters
from core.models.base.backbone import load_backbone
from core.models.base.card import ModelCard
from core.models.base.pooling import mean_state
from core.models.base.settings import AdapterSettings
from core.models.scoring.peft_export import DRAWS_FILE, HEADS, export_draws
from core.models.scoring.posterior import Gaussian, Members
from core.models.scoring.scorers import Teacher
from core.models.scoring.surface import SurfaceTerm
from tests import tiny

CPU = torch.device("cpu")
LABELS = ("A", "B", "C", "D")
SETTINGS = AdapterSettings(layers=2, rank=3, alpha=6.0, targets="all")


def gaussian(backbone):
    """A posterior with a spread on random adapters, B included, and one head for all draws."""
    torch.manual_seed(1)
    adapters.attach(backbone, SETTINGS, seed=5)
    means = [
        adapters.Adapter(x.name, x.a, torch.randn_like(x.b), x.scale)
        for x in adapters.read_adapters(backbone)
    ]
    adapters.detach(backbone)
    head = torch.nn.Linear(backbone.hidden_size, len(LABELS)).requires_grad_(False)
    return Gaussian(tuple(means), {x.name: torch.full_like(x.a, 0.3) for x in means}, head)


def ensemble(backbone):
    """Three members, each with a B and a head of its own."""
    members = []
    for _ in range(3):
        one = gaussian(backbone)
        shifted = [adapters.Adapter(x.name, x.a, x.b + len(members), x.scale) for x in one.adapters]
        head = torch.nn.Linear(backbone.hidden_size, len(LABELS)).requires_grad_(False)
        members.append((shifted, head))
    return Members.of(members)


def make_teacher(folder, causal, posterior, surface=None):
    """A teacher of N = 3 on a tiny base in `folder`, and its card."""
    source = str(tiny.make_causal(folder) if causal else tiny.make_encoder(folder))
    readout, pooling = ("choice", "token") if causal else ("classify", "mean")
    backbone = load_backbone(source, lambda _: 2, CPU, readout=readout, pooling=pooling)
    drawn = posterior(backbone)
    scale = SETTINGS.alpha / SETTINGS.rank
    card = ModelCard(
        kind="teacher",
        name="t-teacher",
        labels=LABELS,
        base=source,
        base_sha256=backbone.sha256,
        readout=readout,
        pooling=pooling,
        cut=2,
        scale=scale,
        samples=3,
        seed=7,
    )
    return card, Teacher(backbone, drawn, scale, 3, 7, surface)


@pytest.mark.parametrize("posterior", [gaussian, ensemble])
@pytest.mark.parametrize("causal", [True, False], ids=["causal LM", "encoder"])
def test_each_draw_that_peft_loads_gives_the_teachers_probabilities(tmp_path, causal, posterior):
    card, teacher = make_teacher(tmp_path / "base", causal, posterior)
    texts = tiny.texts(6)
    _, expected = teacher.sampled_scores(texts)

    names = export_draws(tmp_path / "out", card, teacher)

    ids = [torch.tensor(x) for x in teacher.backbone.tokens(texts)]
    heads = load_file(tmp_path / "out" / HEADS)
    for i, name in enumerate(names):
        kind = AutoModelForCausalLM if causal else AutoModel
        model = PeftModel.from_pretrained(
            kind.from_pretrained(card.base), tmp_path / "out" / name
        ).eval()
        inner = model.base_model.model.model if causal else model.base_model.model
        with torch.no_grad():
            states = [inner(x[None]).last_hidden_state[0] for x in ids]
        read = torch.stack([x[-1] if causal else mean_state(x[None], None)[0] for x in states])
        logits = read @ heads["weight"][i].T + heads["bias"][i]
        np.testing.assert_allclose(logits.softmax(-1).numpy(), expected[i], atol=2e-5)
    assert np.abs(expected[0] - expected[1]).max() > 0.01  # the draws differ


def test_the_manifest_names_what_an_engine_needs(tmp_path):
    card, teacher = make_teacher(tmp_path / "base", True, gaussian)
    names = export_draws(tmp_path / "out", card, teacher)
    manifest = json.loads((tmp_path / "out" / DRAWS_FILE).read_text())
    assert manifest["labels"] == list(LABELS)
    assert manifest["base_sha256"] == teacher.backbone.sha256
    assert manifest["prompt_ends_with"] == "\nAnswer:"
    assert manifest["draws"] == names == ["draw-000", "draw-001", "draw-002"]


def test_a_second_export_replaces_the_first(tmp_path):
    card, teacher = make_teacher(tmp_path / "base", True, gaussian)
    export_draws(tmp_path / "out", card, teacher)
    teacher.samples = 2
    export_draws(tmp_path / "out", card, teacher)
    assert not (tmp_path / "out" / "draw-002").exists()


def test_a_teacher_with_ngram_logits_is_refused_and_nothing_is_written(tmp_path):
    surface = SurfaceTerm.__new__(SurfaceTerm)
    card, teacher = make_teacher(tmp_path / "base", False, gaussian, surface)
    with pytest.raises(ModelError, match="n-gram logits that no adapter can hold"):
        export_draws(tmp_path / "out", card, teacher)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_content_is_refused_and_keeps_it(tmp_path):
    card, teacher = make_teacher(tmp_path / "base", True, gaussian)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine")
    with pytest.raises(ModelError, match="has other content"):
        export_draws(tmp_path / "out", card, teacher)
    assert (tmp_path / "out" / "letter.txt").read_text() == "mine"
