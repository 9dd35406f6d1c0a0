"""The page 'Money' as a reader meets it: each language, each store, edits, links, and what it says
when there is no figure.
"""

import pytest

from core.decision.money.cashflow import OPTION_NAMES
from core.decision.money.scenario import MoneyScenario
from dashboard.i18n import LANGUAGE_NAMES, catalogue
from tests.pages import metric_values, page_text
from tests.scenarios import plain
from tests.stores import add_run

pytestmark = pytest.mark.page("money", t="0.2")

CARDS = [f"money.option.{option}" for option in OPTION_NAMES]


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("home", ["empty", "tiny", "full"])
def test_the_page_opens_in_each_language_on_each_store(open_page, lang, home):
    page, words = open_page(home, lang=lang), catalogue(lang)
    assert not page.exception
    assert not page.error
    assert words["money.title"] in page_text(page)
    assert (words["empty"] in page_text(page)) == (home == "empty")
    assert (words["warning.few"].split("{")[0] in "".join(w.value for w in page.warning)) == (
        home == "tiny"
    )
    assert [metric.label for metric in page.metric] == (
        [] if home == "empty" else [words[card] for card in CARDS]
    )
    if home == "full":
        assert len(page.get("plotly_chart")) == 6
        assert not page.warning
        # nobody errs at the likely values, and up to 5% do over the draws
        assert words["money.note.outside"] in page_text(page)


def test_the_figures_are_those_of_the_scenario_in_the_link(open_page, tmp_path):
    """On paper, 12 months at 1,000 cases: the student's month saves 800 h of review less 160 of
    escapes: 640, 3,200 once.

    student + review 12 * 640 - 3200 = 4480, back after 5 months; student alone 12 * (1000 - 600) -
    3200 = 1600; teacher 12 * (900 - 180) - 3200 = 5440.
    """
    # cases that measure nothing, so that all is the link's
    add_run(tmp_path, [("A", "unlabelled", 0.9)] * 40)
    page = open_page(tmp_path, money=plain().to_query())
    assert metric_values(page) == ["A$0.00", "A$5,440", "A$1,600", "A$4,480"]
    text = page_text(page)
    assert "Teacher + review is worth most: A$5,440 over 12 months (A$5,440 to A$5,440)." in text
    assert "Payback: 5 months (5 months to 5 months)" in text
    assert "Hours freed a month: likely 800 (800 to 800), apart from cash" in text
    assert "These cases measure no share of wrong answers" in text
    assert catalogue("en")["money.note.outside"] not in text


def test_what_runs_measured_and_what_is_assumed_is_told_apart(open_page):
    page = open_page()
    rows = page.dataframe[0].value.set_index("Input")
    assert (
        rows.loc["Coverage of the student", "Basis"]
        == rows.loc["Cases a month", "Basis"]
        == "Measured"
    )
    assert rows.loc["Coverage of the student", "Runs"] == "score-work-orders-student-stream"
    assert rows.loc["Integration", "Basis"] == "Assumed"
    assert not rows.loc["Integration", "Runs"]
    badges = "".join(markdown.value for markdown in page.markdown)
    assert "Measured" in badges
    assert "Assumed" in badges


def test_a_typed_value_moves_the_figures_and_becomes_assumed(open_page):
    page = open_page()
    before = metric_values(page)
    page.number_input(key="in_cases_per_month_likely").set_value(100_000.0).run()
    assert not page.exception
    assert metric_values(page) != before
    scenario = MoneyScenario.from_query(page.query_params["money"])
    assert scenario.cases_per_month.basis == "assumed"
    assert scenario.cases_per_month.points[1:] == (100_000.0, 100_000.0)  # the high gave way
    assert page.number_input(key="in_cases_per_month_high").value == 100_000.0

    # And back.
    page.button(key="reset").click().run()
    assert metric_values(page) == before
    assert "money" not in page.query_params


def test_every_group_of_inputs_can_be_opened_and_shows_each_input_once(open_page):
    page, seen = open_page(), []
    for group in ("volume", "people", "quality", "machines", "once", "again"):
        page.segmented_control(key="group").set_value(group).run()
        assert not page.exception
        seen += [box.key for box in page.number_input if box.key.endswith("_likely")]
    assert sorted(seen) == sorted(f"in_{name}_likely" for name in plain().inputs())


def test_the_threshold_moves_what_is_measured_and_keeps_what_was_typed(open_page):
    page = open_page()
    page.number_input(key="in_ramp_months_high").set_value(9.0).run()
    before = MoneyScenario.from_query(page.query_params["money"])
    rows = page.dataframe[0].value.set_index("Input")["Likely"]
    page.slider(key="t").set_value(0.5).run()
    after = page.dataframe[0].value.set_index("Input")["Likely"]
    assert after["Coverage of the student"] < rows["Coverage of the student"]
    assert (
        page.dataframe[0].value.set_index("Input").loc["Ramp-up", "High"]
        == before.ramp_months.high
        == 9.0
    )


def test_an_edit_of_what_the_run_measures_is_said(open_page):
    page = open_page()
    page.number_input(key="in_ramp_months_high").set_value(9.0).run()
    assert "there only" not in page_text(page)
    page.segmented_control(key="group").set_value("quality").run()
    page.number_input(key="in_student_coverage_likely").set_value(90.0).run()
    assert "used there only: Coverage of the student." in page_text(page)
    page.button(key="reset").click().run()
    assert "there only" not in page_text(page)


def test_a_link_shows_the_same_view_to_somebody_else(open_page):
    page = open_page()
    page.number_input(key="in_cases_per_month_likely").set_value(5000.0)
    page.segmented_control(key="option").set_value("teacher")
    page.selectbox(key="currency").select("JPY")
    page.segmented_control(key="lang").set_value("ja").run()
    page.button(key="currency_known").click().run()
    other = open_page(**page.query_params)
    assert other.query_params == page.query_params
    assert page_text(other) == page_text(page)
    assert "教師モデル＋確認" in page_text(other)
    assert not other.warning


def test_the_same_inputs_give_the_same_figures_again(open_page):
    page = open_page()
    before = page_text(page)
    assert page_text(page.run()) == before
    assert page_text(open_page()) == before


@pytest.mark.parametrize("option", OPTION_NAMES[1:])
def test_every_option_can_be_looked_into(open_page, option):
    page = open_page(option=option)
    assert not page.exception
    assert len(page.get("plotly_chart")) == (5 if option == "student" else 6)
    assert (catalogue("en")["paying.none"] in page_text(page)) == (option == "student")


@pytest.mark.parametrize(
    "value",
    [
        "nonsense",
        "version=9",
        plain().to_query() + "&x=1",
        plain(escape=1e12).to_query(),
        "",
        "<b>",
        "currency=AUD",
    ],
)
def test_a_bad_scenario_in_the_address_is_named_and_left_out(open_page, value):
    page = open_page(money=value)
    assert not page.exception
    assert len(page.metric) == len(CARDS)
    assert "for “money” cannot be used here" in page_text(page)
    assert "money" not in page.query_params


def test_cases_that_measure_nothing_say_so(open_page, tmp_path):
    add_run(tmp_path, [("A", "unlabelled", 0.9)] * 40)
    page = open_page(tmp_path)
    assert not page.exception
    assert not page.metric
    assert catalogue("en")["money.needs_labels"] in page_text(page)


def test_a_failed_run_says_so(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 40, state="failed")
    assert (
        "Run one stopped before its end; the figures rest on the cases that it scored: 40"
        in page_text(open_page(tmp_path))
    )


def test_nothing_in_doubt_has_no_tornado_and_says_so(open_page, tmp_path):
    add_run(tmp_path, [("A", "unlabelled", 0.9)] * 40)
    page = open_page(tmp_path, money=plain().to_query())
    assert catalogue("en")["tornado.nothing"] in page_text(page)
