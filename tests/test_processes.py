"""One training by several processes of torchrun: the weights of one process, written by one of them.

"The same weights" is within 1e-5: processes add a batch's gradients in another order. A model's
statistics of novelty, which invert a covariance of its states, are within 1e-4. Both are absolute or
relative, whichever allows more.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.cli import main
from core.models.base import trunk
from core.models.base.backbone import load_backbone
from core.models.base.trunk import cache_trunk
from core.models.training.loop import last_checkpoint
from core.store.store import Store
from tests import tiny
from tests.training import CPU, train

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-5
NOVELTY_TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.make_encoder(tmp_path_factory.mktemp("base"))


def assert_same(one, other):
    assert sorted(one) == sorted(other)
    for name, tensor in one.items():
        tolerance = NOVELTY_TOLERANCE if name.startswith("novelty:") else TOLERANCE
        torch.testing.assert_close(
            other[name],
            tensor,
            atol=tolerance,
            rtol=tolerance,
            msg=lambda m, name=name: f"{name}: {m}",
        )


def launch(*command: str, processes: int = 2, **variables: str) -> subprocess.CompletedProcess:
    """Run a script, or `-m` and a module, in processes on this machine's CPU, by gloo."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "KAKUSHIN_DEVICE": "cpu"}
    return subprocess.run(
        [sys.executable, *launcher, *command],
        cwd=ROOT,
        env=os.environ | own | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


def launched(*command: str, **options) -> subprocess.CompletedProcess:
    done = launch(*command, **options)
    # whole: the launcher's own words hide the cause above them
    assert done.returncode == 0, done.stderr
    return done


# --- the loop

LOOP = """
import atexit, os, signal, sys
from pathlib import Path
import torch
# first registered, last called
# in one write: words of two processes may mix between writes
atexit.register(lambda: os.write(
    1, f"in a group at the end: {torch.distributed.is_initialized()}\\n".encode()))
from safetensors.torch import save_file
from core.models.training.loop import _Trainer
from tests.training import train

base, folder, cases, spread, dies = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
rank, inner = os.environ["RANK"], _Trainer._in_parts
def step(self, *args):
    if f"{rank}:{self.state.global_step}" == dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return inner(self, *args)
_Trainer._in_parts = step
weights = train(base, folder, cases=int(cases), spread=spread)
save_file(weights, folder / f"final-{rank}.safetensors")
"""


@pytest.fixture
def loop(tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    return str(script)


def test_processes_share_each_batch_are_killed_together_and_go_on_to_the_weights_of_one(
    base, tmp_path, loop
):
    """5 steps an epoch of 16 cases among 3; a quarter has no label; the last has one case, so that
    two processes have none of it. Killed in the second epoch, after the first one's checkpoint.
    """
    words = (loop, str(base), str(tmp_path / "many"), "65", "gaussian")
    assert launch(*words, "1:7", processes=3).returncode != 0
    assert not list((tmp_path / "many").glob("final-*"))
    assert last_checkpoint(tmp_path / "many", processes=3) is not None
    # Its random states are those of three processes: one process would begin anew.
    assert last_checkpoint(tmp_path / "many") is None
    done = launched(*words, "-", processes=3)
    # who exits while in one may be aborted
    assert done.stdout.count("in a group at the end: False") == 3
    alone = train(base, tmp_path / "one", cases=65, spread="gaussian")
    for rank in range(3):
        assert_same(alone, load_file(tmp_path / "many" / f"final-{rank}.safetensors"))


# --- the trunk


def test_each_process_computes_its_share_of_the_trunk(base, tmp_path, monkeypatch):
    """Parts of 5 texts: of 3, the first and third are one process's, the second the other's."""
    backbone = load_backbone(str(base), lambda _: 2, CPU)
    texts, computed, inner = tiny.texts(12), [], backbone.trunk
    whole = cache_trunk(backbone, texts, folder=tmp_path / "whole", part_texts=5)
    monkeypatch.setattr(
        backbone, "trunk", lambda ids, mask: computed.append(len(ids)) or inner(ids, mask)
    )
    monkeypatch.setattr(trunk, "barrier", lambda device: None)
    monkeypatch.setattr(trunk, "_mapped", lambda path, backbone, part: [])
    for rank, share in ((1, 5), (0, 7)):
        monkeypatch.setattr(trunk, "process_place", lambda rank=rank: (rank, 2))
        cache_trunk(backbone, texts, folder=tmp_path / "shared", part_texts=5)
        assert sum(computed) == share
        computed.clear()
    monkeypatch.undo()
    monkeypatch.setattr(backbone, "trunk", None)  # an error if it is called
    shared = cache_trunk(backbone, texts, folder=tmp_path / "shared", part_texts=5)
    assert all(map(torch.equal, whole.states, shared.states))


# --- the verbs

TRAIN = ("--name", "t", "--epochs", "1", "--samples", "3")
DISTILL = ("distill", "t", "--epochs", "1")


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    path = tmp_path_factory.mktemp("cases") / "cases.csv"
    tiny.cases(97).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def alone(base, cases, tmp_path_factory):
    """Return the models that one process makes by the verbs."""
    home = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAKUSHIN_HOME", str(home))
        patch.setenv("KAKUSHIN_DEVICE", "cpu")
        for words in (("train", cases, "--base", str(base), *TRAIN), DISTILL):
            assert main([*words]) == 0
    return home / "models"


def weights_of(models: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {path.name: load_file(path / "weights.safetensors") for path in models.iterdir()}


def test_two_processes_train_and_distil_by_the_verbs_to_the_same_weights(
    base, cases, alone, tmp_path
):
    """The commands of docs/cluster.md. BLoB's noise is that of one process, too."""
    said = []
    for words in (("train", cases, "--base", str(base), *TRAIN), DISTILL):
        said.append(launched("-m", "core", *words, KAKUSHIN_HOME=str(tmp_path)))
    one, two = weights_of(alone), weights_of(tmp_path / "models")
    assert sorted(two) == ["t-point", "t-student", "t-teacher"]
    for name, weights in one.items():
        assert_same(weights, two[name])
    # One of them writes and speaks.
    assert [done.stdout.count("made t-") for done in said] == [1, 1]
    runs = Store(tmp_path / "store").runs()
    assert sorted((r.run.kind, r.state) for r in runs) == [
        ("distil", "finished"),
        ("train", "finished"),
    ]
