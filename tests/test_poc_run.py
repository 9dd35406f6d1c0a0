"""A proof of concept from a file to a verdict, with a tiny encoder; stopped in mid-way and resumed."""

import os
import subprocess
import sys

import pytest

from core.cli import main
from core.pipeline import poc
from core.settings import Settings
from core.store.lines import read_lines
from core.store.store import Store
from core.types import MODEL_KINDS
from tests import tiny

KINDS = set(MODEL_KINDS)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A workspace, a tiny encoder, and a file of 260 labelled cases in CP932."""
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAKUSHIN_DEVICE", "cpu")
    tiny.make_encoder(tmp_path / "base")
    cases = tiny.cases(260)
    # Numbers make texts of their own; the encoder knows none of them.
    cases["text"] += [f" 部品{i}" for i in range(260)]
    names = {"text": "作業内容", "label": "分類", "occurred_at": "日付", "segment": "設備"}
    cases.rename(columns=names)[list(names.values())].to_csv(
        tmp_path / "履歴.csv", index=False, encoding="cp932"
    )
    return tmp_path


def arguments(home, *more: str) -> list[str]:
    file, base = str(home / "履歴.csv"), str(home / "base")
    return ["poc", file, "--name", "line1", "--base", base, "--label-column", "分類", *more]


def test_a_poc_that_is_stopped_resumes_and_ends_in_a_verdict_with_a_report(
    home, monkeypatch, capsys
):
    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(poc, "distill_student", stop)
        assert main(arguments(home, "--language", "ja")) == 130
    assert "中断しました" in capsys.readouterr().err
    assert "KAKUSHIN_LANGUAGE" not in os.environ  # a caller in the same process keeps its own
    models = Settings().models
    made = {path.parent.name: path.stat().st_mtime_ns for path in models.glob("*/model.json")}
    assert set(made) == {"line1-linear", "line1-point", "line1-teacher"}
    assert read_lines(Store(Settings().store)) == {}

    assert main(arguments(home, "--language", "ja", "--escape-cost", "600")) == 0
    again = {path.parent.name: path.stat().st_mtime_ns for path in models.glob("*/model.json")}
    assert {name: again[name] for name in made} == made  # nothing was trained twice
    said = capsys.readouterr().out
    assert "日付順に分けました" in said
    assert "[3/3]" in said
    assert "確認1件あたり500円" in said
    assert "誤りの流出1件あたり600円" in said
    (report,) = Settings().reports.glob("line1-poc-ja.pdf")
    assert report.read_bytes().startswith(b"%PDF")

    store = Store(Settings().store)
    scored = [r for r in store.runs("score") if r.state == "finished"]
    assert {(r.run.role, r.run.model_kind) for r in scored} == {
        (role, kind) for role in ("calibration", "stream") for kind in KINDS
    }
    line = read_lines(store)["line1"]
    assert line.opens == next(
        r.run.run_id for r in scored if (r.run.role, r.run.model_kind) == ("stream", "student")
    )
    assert f"run={line.opens}" in said
    # 600 was typed in yen, so that it is yen for an English reader too.
    assert {(a.currency, a.escape) for a in line.assumed.values()} == {("JPY", 600)}


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--minutes", "0"), "--minutes is 0.0: it must be a number above 0"),
        (("--currency", "USD"), "--currency USD needs its costs"),
        (("--volume", "nan"), "cases per day of a line is nan"),
        (("--name", "../x"), "../x"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_read(
    home, capsys, monkeypatch, option, sentence
):
    monkeypatch.setenv("KAKUSHIN_LANGUAGE", "en")
    assert main(arguments(home, *option)) == 2
    assert sentence in capsys.readouterr().err
    assert not Settings().models.exists()


def test_help_of_poc_answers_without_torch():
    program = (
        "import sys; from core.cli import main\n"
        "try: main(['poc', '--help'])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"
