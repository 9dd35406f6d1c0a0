"""The demo's two lines: one that cannot be fetched is left out and named, and the other is made."""

import atexit
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from core.cases.mail_splits import split_mails
from core.cases.mails import Mail
from core.errors import FetchError
from core.pipeline import demo
from core.pipeline.demo import DemoLine, build_demo, end_without_teardown, split_cases
from core.settings import Settings
from core.store.lines import LineSettings, read_lines, save_line
from core.store.store import Store

REFUSED = FetchError("cases.fetch_address", package="p", address="a", reason="no route")


def unreachable(cache):
    raise REFUSED


@pytest.fixture
def built(monkeypatch, tmp_path) -> list[str]:
    """The names of the lines that the demo trains, without training any."""
    names = []
    monkeypatch.setattr(demo, "fetch_minilm", lambda cache: tmp_path)
    monkeypatch.setattr(demo, "_build_line", lambda job: names.append(job.line.name))
    return names


def mails(cache):
    begin = datetime(2002, 8, 20, tzinfo=UTC)
    labels = ("ham", "spam")
    return split_mails(
        [
            Mail(begin + timedelta(days=i), labels[i % 2], f"mail number {i} of this desk")
            for i in range(60)
        ]
    )


def test_a_line_that_cannot_be_fetched_is_named_and_the_other_is_made(
    built, monkeypatch, tmp_path, capsys
):
    lines = (
        DemoLine(LineSettings("far"), unreachable),
        DemoLine(LineSettings("near"), mails),
    )
    monkeypatch.setattr(demo, "DEMO_LINES", lines)
    monkeypatch.setenv("KAKUSHIN_LANGUAGE", "en")
    build_demo(Settings(home=tmp_path))
    assert built == ["near"]
    assert "The demo goes without its line far: p could not be downloaded from a: no route" in (
        capsys.readouterr().err
    )


def test_pages_open_the_demos_first_line_whichever_is_ready_first(built, monkeypatch, tmp_path):
    lines = tuple(DemoLine(LineSettings(name), mails) for name in ("near", "far"))
    monkeypatch.setattr(demo, "DEMO_LINES", lines)
    store, settings = Store(tmp_path / "store"), Settings(home=tmp_path)
    monkeypatch.setattr(demo, "_build_together", lambda jobs: save_far(store))
    monkeypatch.setattr(demo.os, "cpu_count", lambda: 2)
    build_demo(settings)
    build_demo(settings)  # a second build leaves the run that the line opens
    opens = {name: line.opens for name, line in read_lines(store).items()}
    assert list(opens.items()) == [("near", None), ("far", "one")]


def save_far(store: Store) -> None:
    save_line(store, LineSettings("far", opens="one"), "demo")


def test_without_any_line_the_reason_is_raised(built, monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "DEMO_LINES", (DemoLine(LineSettings("far"), unreachable),))
    with pytest.raises(FetchError, match="no route"):
        build_demo(Settings(home=tmp_path))
    assert built == []


def test_a_lines_splits_are_files_that_read_back_clean(tmp_path):
    cases, record = split_cases(Settings(home=tmp_path), DemoLine(LineSettings("near"), mails))
    assert {name: len(role.frame) for name, role in cases.items()} == record["cases"]
    assert cases["stream"].frame["occurred_at"].notna().all()


def test_mails_come_first_and_yen_are_the_same_in_both_lines():
    assert [line.name for line in demo.DEMO_LINES] == ["mails", "work-orders"]
    japanese = [line.settings.in_language("ja") for line in demo.DEMO_LINES]
    assert japanese[0] == japanese[1]
    assert (japanese[0].cases_per_day, japanese[0].review, japanese[0].escape) == (400, 500, 30_000)
    english = [line.settings.in_language("en") for line in demo.DEMO_LINES]
    # A wrong answer costs 60 reviews in each currency, so that the verdict knows no language.
    assert {line.escape / line.review for line in (*japanese, *english)} == {60}


def build_and_mark_teardown(mark: Path) -> str:
    atexit.register(mark.touch)
    end_without_teardown()
    return "built"


def test_a_process_of_the_demo_gives_its_result_and_ends_without_teardown(tmp_path):
    """DuckDB's binding prints 90 lines in the teardown."""
    mark = tmp_path / "torn-down"
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        assert processes.submit(build_and_mark_teardown, mark).result() == "built"
    assert not mark.exists()
