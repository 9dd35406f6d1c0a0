"""The whole way at small size: a stranger's file, three models, scores in the store, figures;
killed and gone on with.
"""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from core.cases.read import read_cases
from core.cli import VERB_GROUPS, main
from core.counts.histogram import Histogram
from core.errors import CasesError, ModelError
from core.models.base import trunk as trunk_module
from core.models.base.card import read_card
from core.models.base.settings import PointSettings
from core.models.base.trunk import cache_trunk
from core.models.training import linear_start
from core.pipeline.evaluate import BOTH_RIVAL, EMBEDDING, WORDS_RIVAL
from core.pipeline.part_scorer import outcomes
from core.pipeline.score import score, scoring_run
from core.pipeline.shared_trunk import SharedTrunk
from core.pipeline.train import kept_cases, train_linear, training_cases
from core.settings import Settings
from core.store.store import Store
from tests import tiny

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A workspace in which the command line has trained and distilled on a file of a stranger, in
    CP932.
    """
    home = tmp_path_factory.mktemp("home")
    tiny.make_encoder(home / "base")
    write(home / "train.csv", tiny.cases(300))
    write(home / "stream.csv", tiny.cases(200, seed=7, unseen=0.2))
    run(
        home,
        "train",
        "train.csv",
        "--name",
        "line",
        "--base",
        str(home / "base"),
        "--epochs",
        "8",
        "--samples",
        "4",
        *COLUMNS,
    )
    run(home, "distill", "line", "--epochs", "8")
    for kind in ("point", "teacher", "student"):
        run(home, "score", "stream.csv", "--model", f"line-{kind}", "--dataset", "line", *COLUMNS)
    return home


COLUMNS = ("--text-column", "作業内容", "--segment-column", "設備", "--label-column", "正解")


def write(path: Path, cases: pd.DataFrame) -> None:
    names = {
        "text": "作業内容",
        "segment": "設備",
        "label": "正解",
        "occurred_at": "日付",
        "case_id": "番号",
    }
    cases.rename(columns=names)[list(names.values())].to_csv(path, index=False, encoding="cp932")


def run(home: Path, *arguments: str) -> str:
    """The command line in the workspace, in this process, which has imported torch; returns what it
    printed.
    """
    words = [str(home / word) if word.endswith(".csv") else word for word in arguments]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setenv("KAKUSHIN_HOME", str(home))
        patch.setenv("KAKUSHIN_DEVICE", "cpu")
        assert main(words) == 0
    return printed.getvalue()


def options(home: Path) -> dict:
    return {"cwd": ROOT, "env": os.environ | {"KAKUSHIN_HOME": str(home), "KAKUSHIN_DEVICE": "cpu"}}


def test_three_models_scored_the_same_cases_and_keep_their_outcomes(home):
    store = Store(home / "store")
    records = {r.run.model_kind: r for r in store.runs("score")}
    assert {kind: r.run.samples for kind, r in records.items()} == {
        "point": 1,
        "teacher": 4,
        "student": 1,
    }
    assert {r.cases for r in records.values()} == {200}
    assert len({r.run.inputs_hash for r in records.values()}) == 1
    truth = tiny.cases(200, seed=7, unseen=0.2)
    for record in records.values():
        table = store.predictions(record.run.run_id)
        assert table["case_id"].tolist() == truth["case_id"].tolist()
        assert ((table["outcome"] == "unseen") == (truth["label"] == "OTHER")).all()
        right = table["outcome"] == "right"
        assert (right == (table["predicted"] == truth["label"])).all()
        # of the 80 in 100 that were trained on, where a guess would reach a third
        assert right.mean() > 0.4
        p = np.stack(table["probabilities"])
        np.testing.assert_allclose(p.max(1), table["confidence"], atol=1e-6)
        np.testing.assert_allclose(
            table["aleatoric"] + table["epistemic"], table["total"], atol=1e-9
        )


def test_runs_name_what_their_figures_depend_on(home):
    (train,) = Store(home / "store").runs("train")
    (distil,) = Store(home / "store").runs("distil")
    assert train.state == distil.state == "finished"
    assert train.metrics["cases"] == 300
    assert (
        train.metrics["mean_std"]
        == read_card(home / "models" / "line-teacher").metrics["mean_std"]
        > 0
    )
    assert train.run.versions["torch"]
    assert (
        read_card(home / "models" / "line-student").parent
        == read_card(home / "models" / "line-teacher").hash
    )


def test_the_same_commands_again_do_nothing_again(home):
    before = Store(home / "store").version()
    run(home, "distill", "line", "--epochs", "8")
    run(home, "score", "stream.csv", "--model", "line-student", "--dataset", "line", *COLUMNS)
    assert Store(home / "store").version() == before


def test_evaluate_gives_every_model_and_the_plain_rivals_their_n(home):
    found = json.loads(run(home, "evaluate", "--dataset", "line", "--json"))
    rows = found["rows"]
    ours, rivals = (
        ["line-point", "line-teacher", "line-student"],
        [EMBEDDING, WORDS_RIVAL, BOTH_RIVAL],
    )
    assert list(rows) == ours + rivals
    truth = tiny.cases(200, seed=7, unseen=0.2)
    for name, row in rows.items():
        assert row["accuracy"]["n"] == (truth["label"] != "OTHER").sum()
        assert row["error_auroc"]["n"] == 200
        for metric in ("accuracy", "ece", "nll"):
            assert row[metric]["low"] <= row[metric]["value"] <= row[metric]["high"]
        assert name in ours or row["ood_auroc_epistemic"]["value"] is None  # never varies
    assert [v["rival"] for v in found["verdicts"]] == rivals
    for v in found["verdicts"]:
        gap = rows["line-student"]["nll"]["value"] - rows[v["rival"]]["nll"]["value"]
        assert v["nll"]["value"] == pytest.approx(gap, abs=1e-6)
    text = run(home, "evaluate", "--dataset", "line")
    assert f"| {EMBEDDING} |" in text.splitlines()[0]
    assert f"line-student and {EMBEDDING}" in text or " beats " in text
    alone = run(home, "evaluate", "--dataset", "line", "--no-rivals")
    assert "| accuracy (" in alone
    assert EMBEDDING not in alone


def test_decide_says_the_counts_of_the_store(home):
    record = json.loads(
        run(home, "decide", "--threshold", "0.6", "--cases-per-day", "50", "--json")
    )
    store = Store(home / "store")
    table = store.predictions(record["run"])
    assert store.run(record["run"]).run.model_kind == "student"
    accepted = table["confidence"] >= 0.6
    wrong = accepted & (table["outcome"] != "right")
    found = record["consequence"]
    assert found["coverage"]["value"] == pytest.approx(accepted.mean())
    assert (found["leakage"]["value"], found["leakage"]["n"]) == (pytest.approx(wrong.mean()), 200)
    assert found["escapes_per_day"]["value"] == pytest.approx(50 * wrong.mean())
    assert list(record["money"]) == ["all_human", "student", "teacher", "point"]
    assert record["money"]["all_human"]["total_per_day"]["value"] == 200  # 50 cases at 4


KILLED = """
import sys
from core.cases.read import read_cases
from core.pipeline.score import score
from core.settings import Settings
from core.store.store import Store
cases = read_cases(sys.argv[1])
settings = Settings()
store, content = Store(settings.store), cases.content_hash
score(store, settings, "line-student", cases.frame, content, "killed", part_size=5)
"""


def test_a_scoring_killed_with_9_goes_on_and_nothing_is_lost_or_doubled(home, tmp_path):
    cases_file = tmp_path / "cases.csv"
    tiny.cases(300, seed=3, unseen=0.2).drop(columns="row").to_csv(cases_file, index=False)
    cases, settings, store = read_cases(cases_file), Settings(home=home), Store(home / "store")
    card = read_card(home / "models" / "line-student")
    run_id = scoring_run(card, cases.content_hash, "killed", "stream", 5).run_id

    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(cases_file)], **options(home)
    ) as process:
        while len(store.parts(run_id)) < 3:
            assert process.poll() is None, "the scoring ended before it could be killed"
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    done = store.parts(run_id)
    assert 3 <= len(done) < 60
    assert store.run(run_id).state == "running"

    record = score(
        store, settings, "line-student", cases.frame, cases.content_hash, "killed", part_size=5
    )
    assert (record.run.run_id, record.state, record.cases) == (run_id, "finished", 300)
    # what was in was not computed again
    assert record.metrics["timed_cases"] <= 300 - 5 * len(done)
    table = store.predictions(run_id)
    assert table["case_id"].tolist() == cases.frame["case_id"].tolist()
    counted = store.histogram(run_id)
    columns = (
        table["segment"],
        table["predicted"],
        table["outcome"],
        table["confidence"].to_numpy(),
    )
    direct = Histogram.from_predictions(
        *columns, segments=counted.segments, classes=counted.classes
    )
    np.testing.assert_array_equal(counted.counts, direct.counts)


def test_part_size_does_not_change_a_score(home):
    """Within 1e-6: other batches add in another order."""
    cases, settings, store = (
        read_cases(home / "stream.csv"),
        Settings(home=home),
        Store(home / "store"),
    )
    tables = []
    for size in (7, 200):
        frame = cases.frame.assign(text=cases.frame["text"])
        record = score(
            store,
            settings,
            "line-student",
            frame,
            cases.content_hash,
            f"parts-{size}",
            part_size=size,
        )
        tables.append(store.predictions(record.run.run_id))
    for column in ("confidence", "total", "aleatoric", "epistemic"):
        np.testing.assert_allclose(tables[0][column], tables[1][column], atol=1e-6)
    assert (tables[0]["predicted"] == tables[1]["predicted"]).all()


def test_models_over_one_trunk_score_as_they_do_alone(home, monkeypatch):
    """Within 1e-6, with the trunk of point estimate, teacher and student computed once."""
    cases, settings, store = (
        read_cases(home / "stream.csv"),
        Settings(home=home),
        Store(home / "store"),
    )
    alone = {r.run.model_kind: r for r in store.runs("score") if r.run.dataset == "line"}
    computed = []
    monkeypatch.setattr(
        trunk_module, "cache_trunk", lambda *args: computed.append(0) or cache_trunk(*args)
    )
    trunk = SharedTrunk()
    for kind in ("point", "teacher", "student"):
        about = (f"line-{kind}", cases.frame, cases.content_hash, "shared")
        record = score(store, settings, *about, trunk=trunk)
        shared = store.predictions(record.run.run_id)
        before = store.predictions(alone[kind].run.run_id)
        for column in ("confidence", "total", "aleatoric", "epistemic"):
            np.testing.assert_allclose(shared[column], before[column], atol=1e-6)
        assert record.metrics["seconds_per_case"] > 0
    assert len(computed) == 1


def test_embedding_lr_with_the_points_choices_is_what_it_is_with_its_own(home, monkeypatch):
    settings, store = Settings(home=home, device="cpu"), Store(home / "store")
    point = read_card(settings.models / "line-point")
    base = str((settings.models / "line-point" / point.base).resolve())
    training = PointSettings.model_validate(point.settings | {"base": base})
    cases = kept_cases(settings, "line")
    own = train_linear(store, settings, "own", cases, training)
    monkeypatch.setattr(linear_start, "_minimise", lambda *_: pytest.fail("fitted again"))
    taken = train_linear(store, settings, "taken", cases, training, point=point)
    weights = [
        load_file(settings.models / card.name / "weights.safetensors") for card in (own, taken)
    ]
    assert set(weights[0]) == set(weights[1])
    for name, tensor in weights[0].items():
        np.testing.assert_allclose(tensor, weights[1][name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_outcomes_by_label():
    label = pd.Series(["a", "b", "z", None], dtype=object)
    found = outcomes(label, np.array(["a", "a", "a", "a"], dtype=object), ("a", "b"))
    assert found.tolist() == ["right", "wrong", "unseen", "unlabelled"]


def test_every_labelled_case_teaches_in_the_order_of_time_and_one_class_is_refused():
    frame = tiny.cases(50).sample(frac=1, random_state=0)
    frame.loc[frame.index[:5], "label"] = None
    cases = training_cases(frame)
    assert len(cases) == 45
    assert cases["occurred_at"].is_monotonic_increasing
    with pytest.raises(CasesError, match="have 1 label in 50 labelled cases: at least 2 labels"):
        training_cases(frame.assign(label="ENGINE"))


def test_the_cases_that_an_earlier_version_kept_in_two_files_are_all_kept(tmp_path):
    settings, folder = Settings(home=tmp_path), tmp_path / "data" / "line"
    folder.mkdir(parents=True)
    for part, text in (("fit", "oil"), ("anchor", "fan")):
        pd.DataFrame({"text": [text], "label": ["A"]}).to_parquet(folder / f"train-{part}.parquet")
    assert kept_cases(settings, "line")["text"].tolist() == ["oil", "fan"]
    with pytest.raises(ModelError, match="No training cases are kept under 'other'"):
        kept_cases(settings, "other")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["score", "stream.csv", "--model", "nothing", *COLUMNS],
            4,
            "There is no model 'nothing'. The workspace has: line-point",
        ),
        (
            ["score", "stream.csv", "--model", "line-student", "--text-column", "本文x"],
            3,
            "There is no column '本文x', which --text-column names.",
        ),
        (["score", "missing.csv", "--model", "line-student"], 3, "missing.csv"),
        (
            ["score", "stream.csv", "--model", "line-student", "--samples", "5", *COLUMNS],
            4,
            "answers in one pass",
        ),
        (["evaluate", "--dataset", "nothing"], 5, "no finished scoring of dataset 'nothing'"),
        (
            ["decide", "--threshold", "0.60005"],
            2,
            "Threshold 0.60005 is not allowed: use a multiple of 0.001",
        ),
        (["distill", "nothing"], 4, "no model 'nothing-teacher'"),
        (["train", "train.csv", "--name", "A b", *COLUMNS], 2, "'A b-teacher' is not allowed"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_an_exit_code(
    home, monkeypatch, capsys, arguments, code, said
):
    monkeypatch.setenv("KAKUSHIN_HOME", str(home))
    words = [str(home / word) if word.endswith(".csv") else word for word in arguments]
    words += ["--base", str(home / "base")] if arguments[0] == "train" else []
    assert main(words) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert "Traceback" not in printed


def test_help_answers_without_torch():
    code = (
        "import sys; from core.cli import parser; parser().format_help(); print('torch' in"
        " sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_help_lists_every_verb_once_under_a_heading(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    expected = [
        re.match("add_(.*?)(_verb)?$", add.__name__)[1]
        for adders in VERB_GROUPS.values()
        for add in adders
    ]
    assert listed[: len(expected)] == expected


def test_a_verbs_error_names_the_verb_as_it_was_typed(capsys):
    with pytest.raises(SystemExit):
        main(["verdicts"])
    assert capsys.readouterr().err.startswith("python -m core verdicts: error: ")


def test_runs_are_listed_by_kind_and_dataset(home, monkeypatch, capsys):
    monkeypatch.setenv("KAKUSHIN_HOME", str(home))
    assert main(["runs", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {record["run"]["kind"] for record in records} >= {"train", "distil"}
    assert main(["runs", "--kind", "train"]) == 0
    trained = [r["run"]["run_id"] for r in records if r["run"]["kind"] == "train"]
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == trained
    assert main(["runs", "--dataset", "nothing"]) == 0
    assert "No such run yet" in capsys.readouterr().out


def test_bad_rows_are_said_and_with_leave_are_written_beside_the_good(
    home, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("KAKUSHIN_HOME", str(home))
    bad = tmp_path / "bad.csv"
    bad.write_text("text,segment\noil leak,A\n,B\nfan hot,A\n", encoding="utf-8")
    assert main(["score", str(bad), "--model", "line-student"]) == 3
    assert "The text is empty" in capsys.readouterr().err
    assert main(["score", str(bad), "--model", "line-student", "--skip-bad-rows"]) == 0
    assert ": 2 cases by line-student" in capsys.readouterr().out
    assert "The text is empty" in (tmp_path / "bad.csv.problems.csv").read_text(
        encoding="utf-8-sig"
    )
