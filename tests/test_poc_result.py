"""The result of a proof of concept, from stored runs whose answers are known."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.cli import main
from core.decision.meeting.poc import cases_for_saving
from core.decision.thresholds.costs import UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.route import RouteAtThreshold
from core.decision.thresholds.verdict import policy_verdict
from core.errors import NotFoundError, SettingsError
from core.report.exports import export_document
from core.report.poc_result import poc_result
from core.report.poc_text import FigureText, figure_text, option_rows, poc_document, verdict_lines
from core.stats.bounds import wilson
from core.store.lines import (
    DEFAULT_ASSUMPTIONS,
    LineAssumptions,
    LineSettings,
    read_lines,
    save_line,
)
from core.store.store import Store
from core.types import Interval
from tests.stores import make_store

RUN = "score-work-orders-student-stream"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return make_store(tmp_path_factory.mktemp("store"), "full")


def line(**costs) -> LineSettings:
    values = {
        "cases_per_day": 400,
        "review": 3,
        "escape": 4,
        "machine_hour": 0.3,
        "currency": "EUR",
    }
    assumed = LineAssumptions(**(values | costs))
    return LineSettings("work-orders", {"en": assumed, "ja": DEFAULT_ASSUMPTIONS["ja"]}, RUN)


def test_each_model_is_judged_at_the_threshold_that_other_cases_chose(store):
    result = poc_result(store, line(), "en")
    assert list(result.outcomes) == ["student", "teacher", "point"]
    assert (result.calibration_cases, result.student.consequence.cases) == (600, 1700)
    for outcome in result.outcomes.values():
        assert 0 < outcome.consequence.accepted < 1700


def test_the_saving_and_the_payback_are_those_of_the_counts(store):
    result = poc_result(store, line(), "en")
    student = result.student.consequence
    by_hand, inference = 400 * 3, 400 * result.student.seconds / 3600 * 0.3
    retraining = student.cost_model.costs.retraining_per_month / (365.25 / 12)
    people = 3 * student.reviews_per_day.value + 4 * student.escapes_per_day.value
    with_model = people + inference + retraining
    assert result.verdict.saving_per_day.value == pytest.approx(by_hand - with_model)
    once = sum(result.once.values())
    assert result.payback_months == pytest.approx(once / ((by_hand - with_model) * 365.25 / 12))


def test_costly_errors_are_a_no_with_the_price_at_which_it_turns(store):
    result = poc_result(store, line(escape=10_000), "en")
    assert (result.verdict.decision, result.payback_months) == ("do_not_adopt", None)
    # At a price a little below, the same threshold saves money.
    cheaper = poc_result(store, line(escape=0.9 * result.break_even_escape), "en")
    assert cheaper.verdict.saving_per_day.value > 0
    lines = verdict_lines(figure_text(result, "en"), result)
    assert lines[0] == "Do not adopt"
    assert any(text.startswith("It would pay if a wrong answer cost less than") for text in lines)


def lines_of(result, language="en") -> list[str]:
    return verdict_lines(figure_text(result, language), result)


def test_a_number_of_cases_is_advice_up_to_a_year_of_them(store):
    """146,000 cases are 365 days of 400."""
    result = poc_result(store, line(), "en")
    within, beyond = (replace(result, cases_needed=n) for n in (146_000, 146_400))
    assert any("certain from 146,000 judged cases" in text for text in lines_of(within))
    assert any("would take 146,400 judged cases, 366 days" in text for text in lines_of(beyond))


def test_a_loss_is_written_as_what_it_costs_more(store):
    result = poc_result(store, line(), "en")
    daily = Interval(-2.0, -3.0, -1.0, 100)
    loss = replace(result, verdict=replace(result.verdict, saving_per_day=daily))
    # A month has 30.4375 days.
    assert "it costs €60.88 a month more (€30.44 to €91.31)" in lines_of(loss)[1]


def test_a_route_that_ends_in_a_no_is_no_way_to_a_yes(store):
    result = poc_result(store, line(escape=10_000), "en")
    no = RouteAtThreshold(("pump",), Policy(0.5), result.student.consequence, 5)
    routed = lines_of(replace(result, route=no))
    assert policy_verdict(no.consequence).decision == "do_not_adopt"
    assert any("does not make it a yes either" in text for text in routed)
    assert not any("pump" in text for text in routed)


def test_a_line_without_runs_has_no_result(store):
    with pytest.raises(NotFoundError, match="has no proof of concept: run `kakushin poc`"):
        poc_result(store, LineSettings("other"), "en")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_report_is_a_pdf_with_the_terminals_sentences(store, language):
    result = poc_result(store, line(), language)
    text = figure_text(result, language)
    document = poc_document(result, language, ["split"], datetime(2026, 1, 5, tzinfo=UTC))
    title, *paragraphs = verdict_lines(text, result)
    first, background, _ = document.sections
    assert first.title == title
    *decision, charts_line = first.paragraphs
    assert [*decision, *background.paragraphs] == [*paragraphs, "split"]
    assert charts_line == text("charts")
    assert len(first.charts) == 2
    assert len(first.tables[0].rows) == len(option_rows(text, result)) == 4
    assert export_document(document, "pdf").startswith(b"%PDF")


def test_amounts_have_the_form_of_the_pages():
    japanese, english = FigureText("ja", "JPY"), FigureText("en", "EUR")
    assert (japanese.amount(500), japanese.amount(6_087_500)) == ("500円", "609万円")
    assert (english.amount(3), english.amount(1234.5)) == ("€3.00", "€1,234")
    assert (english.amount(-3), english.amount(None)) == ("-€3.00", "–")


# --- how many cases make a saving certain


def test_without_errors_the_number_of_cases_has_a_closed_form():
    """The upper end is z^2 / (n + z^2), which is below coverage * review / escape = 1/100."""
    z2 = 1.959963984540054**2
    assert cases_for_saving(0.5, 0.0, UnitCosts(2, 100, 0)) == math.floor(z2 * 99) + 1


def test_what_no_threshold_changes_makes_a_saving_smaller():
    """0.5 * 2 - 0.5 is half the saving, so the upper end must be below 1/200."""
    z2 = 1.959963984540054**2
    costs = UnitCosts(2, 100, 0)
    assert cases_for_saving(0.5, 0.0, costs, fixed=0.5) == math.floor(z2 * 199) + 1
    assert cases_for_saving(0.5, 0.0, costs, fixed=1.0) is None


@given(st.floats(0.05, 1), st.floats(0.0005, 0.02))
def test_the_number_of_cases_is_the_fewest_that_exclude_a_loss(coverage, leakage):
    assume(abs(coverage - 10 * leakage) > 1e-3)  # nearer, more than MOST_CASES are needed
    costs = UnitCosts(1, 10, 0)
    n = cases_for_saving(coverage, leakage, costs)
    if n is None:
        assert coverage <= 10 * leakage
        return
    upper = [wilson(leakage * m, m).high for m in (n, n - 1) if m]
    assert coverage > 10 * upper[0]
    assert n == 1 or coverage <= 10 * upper[1]


def test_a_share_above_one_is_refused():
    with pytest.raises(SettingsError, match="coverage"):
        cases_for_saving(1.5, 0.1, UnitCosts(1, 1, 0))


# --- settings of a line


def test_the_newest_settings_of_a_line_count_and_the_first_line_stays_first(tmp_path):
    store = Store(tmp_path)
    for saved in (
        LineSettings("b"),
        LineSettings("a"),
        LineSettings("b", opens="run-1", threshold=0.9),
    ):
        save_line(store, saved, "mika")
    lines = read_lines(store)
    assert list(lines) == ["b", "a"]
    assert (lines["b"].opens, lines["b"].threshold) == ("run-1", 0.9)
    assert lines["a"].in_language("ja").currency == "JPY"
    assert lines["a"].in_language("fr") == lines["a"].assumed["en"]


def test_equal_settings_add_no_version(tmp_path):
    store = Store(tmp_path)
    save_line(store, LineSettings("a"), "mika")
    before = store.version()
    save_line(store, LineSettings("a"), "mika")
    assert store.version() == before


@pytest.mark.parametrize("bad", [{"review": -1}, {"escape": math.nan}, {"currency": "yen"}])
def test_an_amount_or_a_currency_that_is_none_is_refused(bad):
    with pytest.raises(SettingsError, match="of a line is"):
        line(**bad)


def test_the_verb_line_changes_one_language_and_decide_uses_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    monkeypatch.setenv("KAKUSHIN_LANGUAGE", "en")
    store = make_store(tmp_path / "store", "full")
    save_line(store, LineSettings("work-orders", opens=RUN), "demo")
    assert main(["line", "work-orders", "--volume", "50", "--review-cost", "2"]) == 0
    assert "assumed 50 cases a day, a review 2," in capsys.readouterr().out
    changed = read_lines(store)["work-orders"]
    assert changed.assumed["ja"] == DEFAULT_ASSUMPTIONS["ja"]
    assert (changed.assumed["en"].review, changed.assumed["en"].escape) == (2, 180)
    assert main(["decide", "--run", RUN, "--threshold", "0.5"]) == 0
    assert "review €2.00, escape €180.00, machine hour €0.30, " in capsys.readouterr().out
    assert main(["decide", "--run", RUN, "--threshold", "0.5", "--cost-review", "9"]) == 0
    assert "review €9.00, escape €180.00" in capsys.readouterr().out
    assert main(["line", "elsewhere"]) == 5
    assert "no line 'elsewhere': the store has work-orders" in capsys.readouterr().err
