"""Distilling again at small size: what teaches, what judges, which classes open, what goes back."""

import json

import pytest

from core.cli import main
from core.errors import ModelError, SettingsError
from core.pipeline.redistill import LEAST_OF_CLASS, open_classes, redistill, verdict_cases
from core.pipeline.service import model_in_service, put_in_service
from core.settings import Settings
from core.store.store import Store
from tests import tiny

COLUMNS = ["--text-column", "text", "--segment-column", "segment", "--label-column", "label"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Return a workspace with a line that was trained, distilled and scored on both sets."""
    home = tmp_path_factory.mktemp("home")
    tiny.make_encoder(home / "base")
    tiny.cases(200).to_csv(home / "train.csv", index=False)
    tiny.cases(120, seed=3).to_csv(home / "calibration.csv", index=False)
    tiny.cases(260, seed=7, unseen=0.4).to_csv(home / "stream.csv", index=False)
    patch = pytest.MonkeyPatch()
    patch.setenv("KAKUSHIN_HOME", str(home))
    train = ["train", str(home / "train.csv"), "--name", "line", "--base", str(home / "base")]
    assert main([*train, "--epochs", "4", "--samples", "3", *COLUMNS]) == 0
    assert main(["distill", "line", "--epochs", "4"]) == 0
    for role in ("calibration", "stream"):
        score = ["score", str(home / f"{role}.csv"), "--model", "line-student", "--role", role]
        assert main([*score, "--dataset", "line", *COLUMNS]) == 0
    yield Settings(home=home)
    patch.undo()


def stream_run(settings: Settings) -> str:
    records = Store(settings.store).runs("score")
    runs = [record.run for record in records]
    return next(r.run_id for r in runs if (r.model, r.role) == ("line-student", "stream"))


def test_copies_of_a_text_are_on_one_side(workspace):
    cases = verdict_cases(Store(workspace.store), stream_run(workspace), rehearsal=True)
    assert cases.groupby(cases["text"].str.casefold())["teaches"].nunique().max() == 1
    assert 0.65 < cases["teaches"].mean() < 0.95
    assert len(verdict_cases(Store(workspace.store), stream_run(workspace), rehearsal=False)) == 0


def test_a_class_opens_at_enough_teaching_cases(workspace):
    cases = verdict_cases(Store(workspace.store), stream_run(workspace), rehearsal=True)
    teaching = cases[cases["teaches"]]
    labels = tuple(tiny.TOPICS)
    assert open_classes(teaching, labels) == ("OTHER",)
    few = teaching[teaching["label"] == "OTHER"].head(LEAST_OF_CLASS - 1)
    assert open_classes(few, labels) == ()


def test_without_verdicts_nothing_is_trained(workspace):
    store = Store(workspace.store)
    with pytest.raises(SettingsError, match="0 cases have a label by verdict"):
        redistill(store, workspace, stream_run(workspace), "Sato")
    assert not (workspace.models / "line-r2-teacher").exists()


def test_a_rehearsal_trains_and_judges_and_puts_nothing_in_service(workspace, capsys):
    run_id = stream_run(workspace)
    assert main(["redistill", "--run", run_id, "--rehearse"]) == 0
    text = capsys.readouterr().out
    assert "new labels: OTHER" in text
    assert "line-r2-student is not put in service" in text
    card = json.loads((workspace.models / "line-r2-student" / "model.json").read_text())
    assert "OTHER" in card["labels"]
    assert model_in_service(workspace, "line-live") == "line-student"
    records = Store(workspace.store).runs("score")
    shadow = [r for r in records if r.run.model == "line-r2-student"]
    assert {r.run.role for r in shadow} == {"calibration", "stream"}


def test_a_repeated_call_trains_nothing_and_judges_the_same_model(workspace, capsys):
    """As after a kill: what the call before has made is used."""
    again = ["redistill", "--run", stream_run(workspace), "--rehearse"]
    outcomes, made = [], []
    for _ in range(2):
        assert main(again) == 0
        outcomes.append(capsys.readouterr().out)
        models = sorted(workspace.models.glob("line-r*-*/model.json"))
        made.append({path.parent.name: path.stat().st_mtime_ns for path in models})
    assert outcomes[0] == outcomes[1]
    assert made[0] == made[1]
    assert set(made[0]) == {"line-r2-point", "line-r2-teacher", "line-r2-student"}


def test_a_rollback_is_one_command(workspace, capsys):
    (workspace.models / "line-r9-student").mkdir(exist_ok=True)
    (workspace.models / "line-r9-student" / "model.json").write_text("{}")
    put_in_service(Store(workspace.store), workspace, "line", "line-r9-student", "Sato")
    assert main(["redistill", "--run", stream_run(workspace), "--rollback"]) == 0
    assert "line-student is in service again as line-live" in capsys.readouterr().out
    assert model_in_service(workspace, "line-live") == "line-student"


def test_another_model_is_refused(workspace):
    store = Store(workspace.store)
    stream = ["score", str(workspace.home / "stream.csv"), "--model", "line-point"]
    assert main([*stream, "--dataset", "line", *COLUMNS]) == 0
    point = next(r.run.run_id for r in store.runs("score") if r.run.model == "line-point")
    with pytest.raises(ModelError, match="no student"):
        redistill(store, workspace, point, "Sato")
