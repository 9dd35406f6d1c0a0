"""The page Meeting as a reader meets it: languages, stores, freezing, shared assumptions,
decisions, what is missing.
"""

import shutil

import pytest

from core.report import meeting
from core.store.meetings import Meetings
from core.store.parts import write_part
from core.store.store import Store
from dashboard.i18n import LANGUAGE_NAMES, catalogue
from dashboard.meeting.controls import tex_text
from tests.pages import metric_values, page_text
from tests.stores import add_run, make_rows, make_store

pytestmark = pytest.mark.page("meeting", t="0.6")

RUN = "score-work-orders-student-stream"
EN = catalogue("en")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return a home to copy: the demo's store, which these tests write to."""
    home = tmp_path_factory.mktemp("meeting-page")
    make_store(home / "store", "full")
    return home


@pytest.fixture
def page_home(home):
    return home


@pytest.fixture
def home(made, tmp_path):
    return shutil.copytree(made, tmp_path / "home")


def freeze(page, name: str, author: str = "伊藤 <b>"):
    """Freeze the present view under a name, as a reader does."""
    page.text_input(key="author").set_value(author).run()
    page.segmented_control(key="freeze_as").set_value(name).run()
    return page.button(key="freeze").click().run()


def decide(page, decision: str, reason: str):
    fields = {box.key.split("_")[0]: box for box in page.text_input}
    fields["decided"].set_value(decision)
    fields["reason"].set_value(reason)
    return next(b for b in page.button if b.label == EN["meeting.log.add"]).click().run()


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("home", ["empty", "tiny", "full"])
def test_the_page_opens_in_each_language_on_each_store(open_view, lang, home):
    page, words = open_view("meeting", home, lang=lang), catalogue(lang)
    assert not page.exception
    assert not page.error
    text = page_text(page)
    assert words["meeting.title"] in text
    assert (words["empty"] in text) == (home == "empty")
    assert (words["meeting.none"] in text) == (home != "empty")
    assert not page.metric
    if home != "empty":
        assert words["meeting.log.empty"] in text
        assert page.button(key="freeze").disabled  # nobody has said who is writing


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("size", ["tiny", "full"])
def test_frozen_scenarios_stand_side_by_side_with_chart_differences_and_plan(
    open_page, tmp_path, size, lang
):
    if size == "tiny":
        make_store(tmp_path / "tiny" / "store", "tiny")
    page, words = open_page(*[tmp_path / "tiny"] * (size == "tiny"), lang=lang), catalogue(lang)
    freeze(page, "A")
    page.number_input(key="t").set_value(0.9).run()
    freeze(page, "B")
    assert not page.exception
    assert not page.error
    assert [m.label for m in page.metric] == [
        words[f"meeting.measure.{name}"] for name in meeting.COMPARED
    ] * 2
    text = page_text(page)
    for name in ("A", "B"):
        assert words["meeting.version"].format(name=name, version="1") in text
    assert words["meeting.difference"].format(name="B", base="A") in text
    assert words["meeting_poc"] in text
    assert [button.label for button in page.get("download_button")][-3:] == [
        words[f"meeting.export.{form}"] for form in ("pptx", "pdf", "xlsx")
    ]
    assert "伊藤 <b>" in text


def test_freezing_keeps_the_view_of_the_address(open_page, home):
    page = open_page(
        t="0.7", segment="C", unseen="0", volume="500", review="5", escape="50", currency="JPY"
    )
    freeze(page, "C")
    (kept,) = meeting.frozen_scenarios(Store(home / "store"))
    one = kept.scenario
    assert (one.name, one.run_id, one.rule.threshold, one.segment, one.unseen) == (
        "C",
        RUN,
        0.7,
        "C",
        False,
    )
    assert (one.cases_per_day, one.volume_basis, one.review, one.escape, one.currency) == (
        500,
        "assumed",
        5,
        50,
        "JPY",
    )
    assert kept.author == "伊藤 <b>"


def test_freezing_twice_without_a_change_keeps_one_version(open_page, home):
    page = freeze(open_page(), "A")
    page.button(key="freeze").click().run()
    assert [one.version for one in meeting.frozen_scenarios(Store(home / "store"))] == [1]
    page.number_input(key="t").set_value(0.9).run()
    page.button(key="freeze").click().run()
    assert [one.version for one in meeting.frozen_scenarios(Store(home / "store"))] == [2]
    assert "Scenario A, version 2" in page_text(page)


def test_the_card_of_a_scenario_is_that_of_the_page_decide(open_page, open_view, home):
    page = freeze(open_page(t="0.4", volume="100"), "A")
    handle = open_view("decide", home, t="0.4", volume="100")
    coverage, reviews, *_ = metric_values(page)
    text = page_text(handle)
    assert f"{round(float(reviews))} a day need review" in text
    assert f"{round(float(coverage.rstrip('%')))}% is accepted automatically" in text


def test_an_assumption_moves_all_scenarios_at_once_and_changes_none_of_them(open_page, home):
    page = freeze(open_page(), "A")
    page.number_input(key="t").set_value(0.9).run()
    freeze(page, "B")
    before = metric_values(page)
    page.number_input(key="m_review").set_value(40.0).run()
    after = metric_values(page)
    moved = [i for i, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    assert moved == [3, 7]  # money of both; no count moved
    assert page_text(page).count("Cost of one review: A$4.00 → A$40.00") == 2
    assert page.query_params["m_review"] == "40"
    assert all(one.scenario.review == 4 for one in meeting.frozen_scenarios(Store(home / "store")))

    # And back.
    page.button(key="meeting_back").click().run()
    assert metric_values(page) == before
    assert "m_review" not in page.query_params


def test_a_link_shows_the_same_meeting_to_somebody_else(open_page):
    page = freeze(open_page(), "A")
    page.number_input(key="m_escape").set_value(7.0)
    page.selectbox(key="half").set_value(0.05)
    page.selectbox(key="days").set_value(365.0)
    page.toggle(key="large").set_value(True).run()
    other = open_page(**page.query_params)
    assert other.query_params == page.query_params
    assert page_text(other).replace(EN["meeting.freeze.name_first"], "").replace(
        EN["meeting.log.name_first"], ""
    ).split() == (page_text(page).split())


def test_large_type_shows_the_same_figures(open_page):
    page = freeze(open_page(), "A")
    cards = metric_values(page)
    page.toggle(key="large").set_value(True).run()
    assert not page.metric
    headings = [m.value for m in page.markdown if "\\textsf" in m.value]
    assert [heading.split("\\textsf{")[1].rstrip("}$") for heading in headings] == [
        tex_text(card).rstrip("}") for card in cards
    ]


def test_a_decision_is_written_down_once_and_the_form_is_empty_again(open_page, home):
    page = freeze(open_page(), "A")
    page.selectbox(key=next(b.key for b in page.selectbox if b.key.startswith("about_"))).set_value(
        0
    )
    decide(page, "=1+1 from Monday", "<b>cheap</b> & safe")
    (entry,) = Meetings(Store(home / "store")).decisions()
    assert (entry.decision, entry.reason, entry.author) == (
        "=1+1 from Monday",
        "<b>cheap</b> & safe",
        "伊藤 <b>",
    )
    assert (entry.scenario, entry.scenario_version) == ("meeting A", 1)
    rows = next(
        frame.value for frame in page.dataframe if EN["meeting.log.decision"] in frame.value
    )
    assert rows[EN["meeting.log.decision"]].to_list() == ["=1+1 from Monday"]
    assert rows[EN["meeting.log.scenario"]].to_list() == ["Scenario A, version 1"]
    assert [
        box.value for box in page.text_input if box.key.startswith(("decided_", "reason_"))
    ] == ["", ""]


def test_a_decision_without_a_reason_is_not_written(open_page, home):
    page = open_page()
    page.text_input(key="author").set_value("Ito").run()
    decide(page, "go", "   ")
    assert EN["meeting.log.fill"] in page_text(page)
    assert Meetings(Store(home / "store")).decisions() == []


def test_data_that_came_in_since_the_freeze_are_told(open_page, home):
    page = freeze(open_page(), "A")
    assert "have changed since it was saved" not in page_text(page)
    store = Store(home / "store")
    store.ingest_part(
        RUN, 9, write_part(store.folder, RUN, 9, make_rows(200, seed=3, first=50_000))
    )
    page.run()
    assert "The data of scenario A have changed since it was saved" in page_text(page)
    assert not page.exception


def test_scenarios_in_two_currencies_compare_no_money(open_page):
    page = freeze(open_page(), "A")
    page.selectbox(key="currency").select("JPY").run()
    freeze(page, "B")
    text = page_text(page)
    assert (
        "Scenarios in another currency than the first are left out where money is compared: B."
        in text
    )
    assert "Cost a month: " not in text
    assert "Escapes a month: " in text


def test_cases_without_labels_have_reasons_in_the_place_of_figures(open_view, tmp_path):
    add_run(tmp_path, [("A", "unlabelled", 0.9)] * 40)
    page = freeze(open_view("meeting", tmp_path, t="0.5"), "A")
    assert not page.exception
    assert metric_values(page)[0] == "100.0%"
    assert metric_values(page)[2:] == ["–", "–"]
    assert f"No figure: {EN['why.no_labels']}" in page_text(page)
    assert EN["poc.present.none"] in page_text(page)


def test_an_assumption_of_nothing_is_one_and_can_be_taken_back(open_page):
    page = freeze(open_page(), "A")
    assert page.button(key="meeting_back").disabled
    page.number_input(key="m_escape").set_value(0.0).run()
    assert "A$120.00 → A$0.00" in page_text(page)
    assert not page.button(key="meeting_back").disabled


def test_the_plan_follows_what_is_asked_of_it(open_page):
    page = freeze(open_page(volume="2000"), "A")
    text = page_text(page)
    assert "To know the error rate of accepted to within 2.0% either way: " in text
    page.selectbox(key="half").set_value(0.1).run()
    assert "To know the error rate of accepted to within 10.0% either way: " in page_text(page)
    page.selectbox(key="days").set_value(14.0).run()
    assert "within 14 days" in page_text(page)
    assert page.query_params["half"] == "0.1"
