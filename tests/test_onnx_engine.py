"""The ONNX export of a student: the same answers in every field as torch's, or it is refused."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="pip install -r requirements-onnx.txt")
pytest.importorskip("onnxscript", reason="pip install -r requirements-onnx.txt")

from core.cli import main
from core.errors import ModelError
from core.models.scoring import checkpoint, onnx_engine
from core.pipeline import export_engine
from core.pipeline.export_engine import EngineCheck, export_onnx
from core.settings import Settings
from core.store.store import Store
from tests import tiny

COLUMNS = ("--text-column", "text", "--label-column", "label", "--case-id-column", "case_id")
NUMBERS = ["confidence", "total", "aleatoric", "epistemic", "novelty"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace with a tiny teacher and student that have scored labelled cases."""
    home = tmp_path_factory.mktemp("home")
    base = str(tiny.make_encoder(home / "base"))
    for name, n, seed in (("train", 160, 0), ("stream", 80, 7)):
        tiny.cases(n, seed=seed).to_csv(home / f"{name}.csv", index=False)
    before = os.environ.get("KAKUSHIN_HOME")
    os.environ["KAKUSHIN_HOME"] = str(home)
    train = ("train", str(home / "train.csv"), "--name", "line", "--base", base, "--samples", "3")
    assert main([*train, "--epochs", "3", *COLUMNS]) == 0
    assert main(["distill", "line", "--epochs", "3"]) == 0
    score = ("score", str(home / "stream.csv"), "--model", "line-student", "--dataset", "s")
    # Rows that stay in Parquet parts are held-out data of the export like stored ones.
    assert main([*score, "--rows-stay", *COLUMNS]) == 0
    assert main(["export", "line-student", "--format", "onnx"]) == 0
    assert main([*score, "--engine", "onnx", *COLUMNS]) == 0
    yield home
    os.environ.pop("KAKUSHIN_HOME") if before is None else os.environ.update(KAKUSHIN_HOME=before)


@pytest.fixture
def settings(home):
    return Settings(home=home)


def test_every_field_of_a_student_is_that_of_torch(settings):
    store = Store(settings.store)
    onnx_run, torch_run = (record.run for record in store.runs("score")[:2])
    assert (onnx_run.settings["engine"], torch_run.settings["engine"]) == ("onnx", "torch")
    assert onnx_run.run_id != torch_run.run_id
    own, other = (store.predictions(run.run_id) for run in (torch_run, onnx_run))
    assert other["predicted"].tolist() == own["predicted"].tolist()
    for name in NUMBERS:
        np.testing.assert_allclose(other[name], own[name], atol=2e-5)
    np.testing.assert_allclose(
        np.stack(other["probabilities"]), np.stack(own["probabilities"]), atol=2e-5
    )
    assert own["epistemic"].max() > 0
    assert own["novelty"].notna().all()


def test_the_check_is_kept_with_the_export(settings):
    folder = settings.models / "line-student" / onnx_engine.ONNX_FOLDER
    check = json.loads((folder / "check.json").read_text())
    assert (check["cases"], check["equal"]) == (80, 1.0)
    assert abs(check["ece"] - check["ece_engine"]) < 1e-5


def test_lengths_and_paddings_that_the_exporter_has_not_seen_give_the_same_states(settings):
    folder = settings.models / "line-student"
    card, model = checkpoint.load(folder, torch.device("cpu"))
    engine = onnx_engine.with_onnx(model, card, folder / onnx_engine.ONNX_FOLDER)
    generator = torch.Generator().manual_seed(0)
    for shape in ((1, 1), (1, 9), (5, 3), (3, 17)):
        ids = torch.randint(1, 20, shape, generator=generator)
        mask = torch.ones(shape, dtype=torch.long)
        mask[0, (shape[1] + 1) // 2 :] = 0
        for padded in (None, mask):
            with torch.inference_mode():
                expected = model.backbone(ids, padded)
            np.testing.assert_allclose(engine.backbone(ids, padded), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("equal", "ece_engine", "passes"),
    [(0.995, 0.105, True), (0.9949, 0.1, False), (1.0, 0.1051, False), (1.0, 0.0949, False)],
)
def test_the_limits_of_an_export(equal, ece_engine, passes):
    assert EngineCheck(1000, equal, 0.1, ece_engine).passes is passes


def test_an_export_that_decides_otherwise_is_refused_and_the_old_one_stays(settings, monkeypatch):
    graph = settings.models / "line-student" / onnx_engine.ONNX_FOLDER / onnx_engine.ONNX_GRAPH
    before = graph.read_bytes()
    compare = export_engine._compare
    monkeypatch.setattr(
        export_engine, "_compare", lambda *arguments: replace(compare(*arguments), equal=0.9)
    )
    with pytest.raises(ModelError, match=r"90.00% of 80 held-out cases .* \(at least 99.5%\)"):
        export_onnx(Store(settings.store), settings, "line-student")
    assert graph.read_bytes() == before


def test_a_teacher_is_refused(settings):
    with pytest.raises(ModelError, match="only models of one pass"):
        export_onnx(Store(settings.store), settings, "line-teacher")


def test_a_model_that_has_scored_nothing_is_refused(settings):
    with pytest.raises(ModelError, match="has scored no labelled cases"):
        export_onnx(Store(settings.store), settings, "line-point")


def test_an_export_of_other_weights_or_with_a_changed_graph_is_refused(settings, tmp_path):
    folder = settings.models / "line-student"
    card, model = checkpoint.load(folder, torch.device("cpu"))
    with pytest.raises(ModelError, match="has no ONNX export"):
        onnx_engine.with_onnx(model, card, tmp_path)
    other = card.model_copy(update={"weights_sha256": "0" * 64})
    with pytest.raises(ModelError, match="is not of this model"):
        onnx_engine.with_onnx(model, other, folder / onnx_engine.ONNX_FOLDER)
    for name in (onnx_engine.ONNX_GRAPH, onnx_engine.ONNX_MANIFEST):
        (tmp_path / name).write_bytes((folder / onnx_engine.ONNX_FOLDER / name).read_bytes())
    (tmp_path / onnx_engine.ONNX_GRAPH).write_bytes(b"changed")
    with pytest.raises(ModelError, match="was changed after the export"):
        onnx_engine.with_onnx(model, card, tmp_path)


def test_a_missing_library_names_the_file_that_brings_it(monkeypatch):
    monkeypatch.setattr(onnx_engine, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install -r requirements-onnx\.txt"):
        onnx_engine.require_libraries()
