"""Runs that can be relied on: the same seed, a kill at any moment, too little memory, mixed-up files.

"The same weights" is within 1e-6: on one machine the same steps give the same bits; halves add in
another order.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.errors import ModelError
from core.files import sha256_of
from core.models.base import adapters
from core.models.base.backbone import load_backbone
from core.models.base.card import ModelCard
from core.models.base.memory import by_halves
from core.models.base.settings import AdapterSettings
from core.models.base.trunk import cache_trunk
from core.models.scoring import checkpoint
from core.models.scoring.posterior import Gaussian
from core.models.scoring.scorers import OnePass, Teacher
from core.models.training.loop import last_checkpoint, new_head
from tests import tiny
from tests.training import ADAPTER, CPU, LABELS, LOOP, train

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.make_encoder(tmp_path_factory.mktemp("base"))


def assert_same(one, other, tolerance=1e-6):
    for name, tensor in one.items():
        torch.testing.assert_close(
            other[name], tensor, atol=tolerance, rtol=1e-5, msg=lambda m, name=name: f"{name}: {m}"
        )


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(base, tmp_path):
    one, same = train(base, tmp_path / "a"), train(base, tmp_path / "b")
    for name, tensor in one.items():
        assert torch.equal(same[name], tensor), name
    other = train(base, tmp_path / "c", LOOP.model_copy(update={"seed": 4}))
    assert not torch.equal(other["head.weight"], one["head.weight"])


# --- killed

# One process imports torch, and forks for each moment: who dies is a process with a whole training.
KILLED = """
import os, signal, sys
from pathlib import Path
from core.models.training.loop import _Trainer
from tests.training import train

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def train_and_die(moment):
    if moment.startswith("step"):
        inner = _Trainer._in_parts
        def step(self, *args):
            return die() if self.state.global_step == int(moment[4:]) else inner(self, *args)
        _Trainer._in_parts = step
    else:
        _Trainer._save_rng_state = die
    train(Path(sys.argv[1]), Path(sys.argv[2]) / moment)

for moment in sys.argv[3:]:
    if os.fork() == 0:
        train_and_die(moment)
        os._exit(0)
    print(moment, os.waitstatus_to_exitcode(os.wait()[1]))
"""
MOMENTS = ("step1", "step5", "saving")


@pytest.fixture(scope="module")
def killed(base, tmp_path_factory):
    """Return the folder of each moment's training, which was killed with 9 there."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(base), str(folder), *MOMENTS],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # no thread of the parent's to lose in a fork
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    ends = [line.split() for line in done.stdout.splitlines()]
    assert ends == [[moment, str(-signal.SIGKILL)] for moment in MOMENTS]
    return {moment: folder / moment for moment in MOMENTS}


@pytest.fixture(scope="module")
def unbroken(base, tmp_path_factory):
    return train(base, tmp_path_factory.mktemp("unbroken"))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_killed_with_9_goes_on_to_the_same_weights(base, killed, unbroken, moment):
    """4 steps an epoch: killed before any checkpoint, in the second epoch, and while a checkpoint
    is being written.
    """
    left = list(killed[moment].glob("checkpoint-*"))
    assert bool(left) == (moment != "step1")
    assert (last_checkpoint(killed[moment]) is not None) == (moment == "step5")
    assert_same(unbroken, train(base, killed[moment]))


def test_a_checkpoint_without_its_end_is_passed_over(tmp_path):
    for step, state in ((4, '{"global_step": 4}'), (8, '{"global_st'), (12, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "rng_state.pth").touch()
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-4")
    assert last_checkpoint(tmp_path, processes=2) is None  # it has no random state of a second one
    assert last_checkpoint(tmp_path / "nothing") is None


# --- too little memory


def no_room_above(cases, inner):
    """`inner`, which runs out of memory for more than `cases` rows; and the sizes that it was asked
    for.
    """
    asked = []

    def run(x, *args):
        asked.append(len(x))
        if len(x) > cases:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return inner(x, *args)

    return run, asked


@pytest.mark.parametrize("spread", ["none", "share", "gaussian"])
def test_a_batch_that_does_not_fit_is_trained_in_parts_to_the_same_weights(base, tmp_path, spread):
    """70 cases in batches of 16: the last one has 6. A student's cases without label weigh in the
    parts as in the whole.
    """
    asked = []

    def little_memory(model):
        model.backbone.top, seen = no_room_above(5, model.backbone.top)
        asked.append(seen)

    whole = train(base, tmp_path / "a", cases=70, spread=spread)
    parts = train(base, tmp_path / "b", cases=70, change=little_memory, spread=spread)
    assert asked[0][:3] == [16, 8, 4]
    assert max(asked[0][3:]) <= 5
    assert_same(whole, parts, tolerance=1e-5)


def test_scores_of_halves_are_the_scores_of_the_whole(base, monkeypatch):
    backbone = load_backbone(str(base), ADAPTER.cut, CPU)
    some = tiny.texts(8, seed=2)  # each halving collects garbage, which takes half a second
    generator = torch.Generator().manual_seed(0)
    names = adapters.target_names(backbone, ADAPTER)
    shapes = {name: backbone.model.get_submodule(name).weight.shape for name in names}
    factors = tuple(
        adapters.Adapter(
            name,
            torch.randn(8, inner, generator=generator),
            torch.randn(outer, 8, generator=generator),
            0.1,
        )
        for name, (outer, inner) in shapes.items()
    )
    head = new_head(backbone, 3, seed=0).requires_grad_(False)
    one = OnePass(backbone, head, 3)
    plain = one.scores(some)
    teacher = Teacher(
        backbone,
        Gaussian(factors, {a.name: torch.full_like(a.a, 0.1) for a in factors}, head),
        0.1,
        4,
        seed=0,
    )
    sampled = teacher.scores(some)
    for name in ("forward", "trunk", "top"):
        tight, _ = no_room_above(3, getattr(backbone, name))
        monkeypatch.setattr(backbone, name, tight)
    for before, scorer in ((plain, one), (sampled, teacher)):
        after = scorer.scores(some)
        np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-6)
        np.testing.assert_allclose(after.epistemic, before.epistemic, atol=1e-6)


def test_one_case_that_does_not_fit_is_named_and_other_errors_pass_through():
    tight, asked = no_room_above(0, lambda x, mask: x)
    with pytest.raises(ModelError, match="One case of 7 tokens does not fit into memory"):
        by_halves(tight, torch.zeros(4, 7), None)
    assert asked == [4, 2, 1]

    def broken(x, mask):
        raise RuntimeError("shapes do not agree")

    with pytest.raises(RuntimeError, match="shapes do not agree"):
        by_halves(broken, torch.zeros(4, 7), None)


def test_recomputed_activations_give_the_same_gradients(base):
    grads = []
    for recompute in (False, True):
        backbone = load_backbone(str(base), lambda _: 1, CPU)
        torch.manual_seed(0)
        adapters.attach(backbone, AdapterSettings(layers=3, targets="all"))
        for name, parameter in backbone.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(
                    parameter, std=0.1, generator=torch.Generator().manual_seed(1)
                )
        backbone.recompute = recompute
        cache = cache_trunk(backbone, ["oil leak", "hot fan belt"])
        hidden = torch.nn.utils.rnn.pad_sequence(cache.states, batch_first=True)
        mask = torch.tensor([[1, 1, 1, 1, 0], [1] * 5])
        backbone.top(hidden, mask).square().sum().backward()
        grads.append([p.grad for p in adapters.adapter_parameters(backbone)])
        assert not any("forward" in vars(block) for block in backbone.blocks)
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(other, one, atol=1e-6, rtol=1e-5)


def test_compiled_blocks_answer_the_same(base):
    """With dynamo and no code generator: what is compiled is traced here, and needs no C++
    compiler.
    """
    backbone = load_backbone(str(base), lambda _: 2, CPU)
    scorer = OnePass(backbone, new_head(backbone, 3, seed=0).requires_grad_(False), 3)
    some = tiny.texts(12, seed=4)
    before = scorer.scores(some)
    backbone.compile_blocks(backend="eager")
    np.testing.assert_allclose(scorer.scores(some).probabilities, before.probabilities, atol=1e-6)


# --- mixed-up files


@pytest.fixture
def model(base, tmp_path):
    """A saved model beside its own copy of the base, which may be changed."""
    own = tmp_path / "base"
    own.mkdir()
    for file in base.iterdir():
        (own / file.name).write_bytes(file.read_bytes())
    backbone = load_backbone(str(own), lambda _: 2, CPU)
    head = new_head(backbone, 3, seed=0)
    card = ModelCard(
        kind="point", name="m", labels=LABELS, base=str(own), base_sha256=backbone.sha256, cut=2
    )
    checkpoint.save(tmp_path / "m", card, {"head.weight": head.weight, "head.bias": head.bias})
    checkpoint.load(tmp_path / "m", CPU)  # as it was saved it loads
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        {"labels": LABELS[::-1]},
        {"cut": 1},
        {"scale": 3.0},
        {"readout": "choice"},
        {"base_sha256": "0" * 64},
    ],
)
def test_a_card_that_is_not_its_weights_is_refused(model, change):
    tiny.write_json(model / "m" / "model.json", lambda card: card.update(change))
    with pytest.raises(
        ModelError,
        match="The card of the model 'm' is not the one that its weights were saved with",
    ):
        checkpoint.load(model / "m", CPU)


def test_another_tokenizer_of_the_same_base_is_refused(model):
    """Two words exchanged in the vocabulary: every weight is the same, and every answer would be
    wrong.
    """

    def exchange(content):
        vocabulary = content["model"]["vocab"]
        vocabulary["oil"], vocabulary["fan"] = vocabulary["fan"], vocabulary["oil"]

    tiny.write_json(model / "base" / "tokenizer.json", exchange)
    with pytest.raises(ModelError, match="was made on a base with sha256"):
        checkpoint.load(model / "m", CPU)


def test_weights_of_another_model_are_refused_even_with_their_hash_on_the_card(model):
    path = model / "m" / "weights.safetensors"
    save_file(load_file(path), path, metadata={"made_for": "another"})
    tiny.write_json(
        model / "m" / "model.json",
        lambda card: card.update(weights_sha256=sha256_of(path)),
    )
    assert json.loads((model / "m" / "model.json").read_text())["labels"] == list(LABELS)
    with pytest.raises(ModelError, match="is not the one that its weights were saved with"):
        checkpoint.load(model / "m", CPU)
