"""The page 'Policies' as people meet it: propose, compare, approve, activate, undo over a real
store, and what goes wrong.
"""

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pandas as pd
import pytest

from core.counts.joint import REVIEW_ALL
from core.decision.certificate.claims import Certificate
from core.decision.thresholds.policy import Policy
from core.store.ledger import Ledger
from core.store.store import Store
from dashboard.components import charts
from dashboard.i18n import LANGUAGE_NAMES, Words, catalogue
from dashboard.policies import charts as policy_charts
from dashboard.policies import words as policy_words
from tests.pages import chart, page_text, unfold
from tests.stores import add_run

pytestmark = pytest.mark.page("policies", t="0.9")

RUN = "score-work-orders-student-stream"
EDITOR = f"own_0_{RUN}"
TODAY = datetime.now(UTC).date()
EN = catalogue("en")


@pytest.fixture
def page_home(home):
    return home


@pytest.fixture
def home(homes, tmp_path):
    """Return a home of its own, with all runs, that a test may write to."""
    shutil.copytree(homes["full"], tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def ledger(home) -> Ledger:
    return Ledger(Store(home / "store"))


def propose(page, author: str = "Suzuki", reason: str = "first try"):
    page.text_input(key="author").set_value(author)
    page.text_input(key="reason").set_value(reason)
    return page.button(key="propose_button").click().run()


def take(page, step: str, name: str = "Tanaka", why: str = "meeting of July"):
    page.text_input(key="decider").set_value(name)
    page.text_input(key="why").set_value(why)
    return page.button(key=f"step_{step}").click().run()


def typed(page, key: str = EDITOR, **rows):
    """Type into the editor: row_3={"own": 0.5}."""
    edits = {int(name.removeprefix("row_")): edit for name, edit in rows.items()}
    page.session_state[key] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    return page.run()


def in_force(
    ledger: Ledger, policy: Policy, expires_on: date | None = None, author: str = "Suzuki", **more
):
    """Write a version straight into the store, and bring it into force."""
    made = ledger.add_policy(
        "line", policy.to_dict(), author, "why", [RUN], expires_on=expires_on, **more
    )
    for event in ("approve", "activate"):
        ledger.add_policy_event("line", made.version, event, "Tanaka", "meeting")
    return made


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("size", ["empty", "tiny", "full"])
def test_the_page_opens_in_each_language_on_each_store(open_view, lang, size):
    page, words = open_view("policies", size, lang=lang), catalogue(lang)
    assert not page.exception
    assert not page.error
    assert words["policies.title"] in page_text(page)
    assert (words["empty"] in page_text(page)) == (size == "empty")
    assert (words["policy.none_yet"] in page_text(page)) == (size != "empty")
    assert len(page.data_editor) == (size != "empty")
    assert not page.get("plotly_chart")


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_a_policy_goes_all_its_way_and_back(open_page, ledger, lang):
    """First version in force, second version in force, undone: the first one again, and the store
    tells it the same way.
    """
    words = catalogue(lang)
    page = propose(open_page(lang=lang))
    assert page.success[-1].value.startswith(words["policy.saved"].split("{")[0])
    assert ledger.active_policy() is None
    take(take(page, "approve"), "activate")
    assert Policy.from_dict(ledger.active_policy().content) == Policy(0.9)
    assert page.metric[0].label == words["card.coverage"]
    first = [metric.value for metric in page.metric]

    page.number_input(key="t").set_value(0.5).run()
    propose(page, reason="looser")
    take(take(page, "approve"), "activate")
    assert Policy.from_dict(ledger.active_policy().content) == Policy(0.5)
    assert [metric.value for metric in page.metric] != first
    take(page, "undo", why="too many escapes")
    assert Policy.from_dict(ledger.active_policy().content) == Policy(0.9)
    assert [metric.value for metric in page.metric] == first
    assert [one.event for one in ledger.policy_events()] == [
        "propose",
        "approve",
        "activate",
    ] * 2 + ["undo"]
    assert not page.exception
    assert not page.error
    assert len(page.get("plotly_chart")) == 2


def test_the_headline_names_who_when_why_and_every_figure_has_its_n(open_page, ledger):
    in_force(ledger, Policy(0.9), expires_on=TODAY + timedelta(days=30))
    page = open_page()
    text = page_text(page)
    assert "Active: line, version 1. Proposed by Suzuki (“why”), activated by Tanaka on" in text
    assert "Valid up to and including" in text
    assert "No certificate: none was issued when it was proposed." in text
    assert not page.warning
    captions = [element.value.replace("\\", "") for element in page.caption]
    cards = [caption for caption in captions if "n = " in caption]
    assert len(cards) == len(page.metric) == 6
    assert all("95% interval" in card for card in cards)
    # and selective risk has the accepted ones
    assert sum("n = 1,700 cases" in card for card in cards) == 5


def test_an_expired_policy_is_amber_and_says_that_it_still_decides(open_page, ledger):
    in_force(ledger, Policy(0.9), expires_on=TODAY - timedelta(days=1))
    (warning,) = open_page().warning
    assert "line, version 1 has expired: its last day was" in warning.value.replace("\\", "")
    assert "It still decides until another version is activated" in warning.value
    assert ledger.active_policy().expired(TODAY)


def test_a_last_day_is_kept_with_the_version_and_leaves_the_thresholds_alone(open_page, ledger):
    page = open_page()
    page.date_input(key="expires").set_value(TODAY + timedelta(days=7))
    propose(page)
    made = ledger.policy("work-orders")
    assert made.expires_on == TODAY + timedelta(days=7)
    assert Policy.from_dict(made.content) == Policy(0.9)
    assert made.runs[0] == RUN


def test_a_second_click_saves_nothing_twice(open_page, ledger):
    page = propose(open_page())
    page.button(key="propose_button").click().run()
    assert len(ledger.policies()) == 1
    assert "already: nothing was saved twice" in page.success[-1].value
    page.run()
    take(page, "approve")
    assert page.button(key="step_approve").disabled
    assert len(ledger.policy_events()) == 2


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("author", " ", "policy.author.missing"),
        ("reason", "", "policy.reason.missing"),
        ("policy_name", "", "policy.name.missing"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_lost(open_page, ledger, field, value, sentence):
    page = typed(open_page(), row_0={"own": 0.75})
    texts = {"author": "Suzuki", "reason": "first try", "policy_name": "line"} | {field: value}
    for key, text in texts.items():
        page.text_input(key=key).set_value(text)
    page.button(key="propose_button").click().run()
    assert [element.value for element in page.error] == [EN[sentence]]
    assert {key: page.text_input(key=key).value for key in texts} == texts
    assert page.session_state["draft"].by_segment == {"A": 0.75}
    assert ledger.policies() == []


def test_a_step_without_a_name_or_a_reason_changes_nothing(open_page, ledger):
    page = propose(open_page())
    for name, why, sentence in (
        ("", "why", "policy.person.missing"),
        ("Tanaka", " ", "policy.why.missing"),
    ):
        take(page, "approve", name, why)
        assert [element.value for element in page.error] == [EN[sentence]]
    assert len(ledger.policy_events()) == 1


def test_typed_thresholds_are_what_is_saved_and_move_the_figures(open_page, ledger):
    page = open_page(t="0.5")
    before = page.data_editor[0].value
    typed(page, row_0={"own": 1.0}, row_1={"review_all": True}, row_6={"own": 0.75})
    after = page.data_editor[0].value
    # the browser lays typed cells over the table, and forgets those that it brings as well
    assert after["own"].isna().all()
    assert list(after.loc[[0, 1], "errors"]) == [0, 0]
    assert (before.loc[[0, 1], "errors"] > 0).all()
    assert list(after["labelled"]) == list(before["labelled"])
    propose(page)
    made = Policy.from_dict(ledger.policy("work-orders").content)
    assert made == Policy(0.5, {before.loc[6, "name"]: 0.75}, {"A": 1.0, "B": REVIEW_ALL})
    assert EN["policy.proof.own_rules"] in page_text(page)
    assert ledger.policy("work-orders").certificate is None


def test_who_approves_reads_each_specific_threshold():
    policy = Policy(0.95, by_class={"spam": REVIEW_ALL}, by_segment={"A_1": 0.9})
    text = policy_words.thresholds_sentence(Words("ja"), policy)
    assert "\\_" in text  # a name is no markup
    assert text.replace("\\", "") == (
        "全体のしきい値：0.950。個別のしきい値：2件（区分「A_1」は0.900、回答「spam」はすべて人が確認）。"
    )
    many = Policy(0.9, by_class={f"c{i}": 0.5 for i in range(8)})
    assert "2 more)" in policy_words.thresholds_sentence(Words("en"), many)


@pytest.mark.parametrize(
    ("language", "text"), [("en", "0.25% (0.10% to 0.63%)"), ("ja", "0.25%（0.10%〜0.63%）")]
)
def test_a_row_writes_its_interval_as_the_other_pages_do(language, text):
    assert policy_words.leakage_text(Words(language), 0.0025, 0.001, 0.0063) == text


def test_a_bad_threshold_is_named_and_stops_the_proposal(open_page, ledger):
    page = typed(open_page(), row_0={"own": 1.5}, row_1={"own": 0.5})
    assert "A: 1.5 is no threshold" in page.error[0].value.replace("\\", "")
    assert page.session_state["draft"].by_segment == {"B": 0.5}
    propose(page)
    assert EN["policy.refused.first"] in [element.value for element in page.error]
    assert ledger.policies() == []
    typed(page, row_0={"own": 0.6}, row_1={"own": 0.5})
    propose(page)
    assert Policy.from_dict(ledger.policy("work-orders").content).by_segment == {"A": 0.6, "B": 0.5}


def test_everything_else_to_people_and_a_limit_on_unfamiliarity_are_part_of_the_draft(
    open_page, ledger
):
    page = typed(open_page(), row_0={"own": 0.5})
    page.toggle(key="draft_all").set_value(True).run()
    page.selectbox(key="draft_limit").set_value(0.1).run()
    propose(page)
    made = Policy.from_dict(ledger.policy("work-orders").content)
    assert made == Policy(REVIEW_ALL, by_segment={"A": 0.5}, epistemic_limit=0.1)


def test_a_preset_begins_a_new_draft_at_its_threshold(open_page):
    page = typed(open_page(t="0.5"), row_0={"own": 0.75})
    (shadow,) = [button for button in page.button if button.label.startswith(EN["preset.shadow"])]
    shadow.click().run()
    assert page.query_params["t"] == "1"
    assert page.data_editor[0].value["own"].isna().all()


def test_the_version_in_force_can_be_the_start_of_a_draft(open_page, ledger):
    in_force(ledger, Policy(0.4, by_segment={"A": 0.6}))
    page = open_page()
    (active,) = [button for button in page.button if button.label.startswith("Active version")]
    active.click().run()
    assert page.query_params["t"] == "0.4"
    assert page.data_editor[0].value.loc[0, "own"] == 0.6
    (clear,) = [button for button in page.button if button.label == EN["policy.start.clear"]]
    clear.click().run()
    assert page.data_editor[0].value["own"].isna().all()
    assert page.query_params["t"] == "0.4"


def test_the_optimiser_keeps_the_limits_of_the_link_and_says_what_it_chose_on(open_page, ledger):
    page = open_page(most="1", limited="leakage", escape="10")
    page.button(key="optimise").click().run()
    (found,) = [element.value for element in page.success]
    assert "It was chosen on the very 1,700 labelled cases that it is shown on" in found.replace(
        "\\", ""
    )
    propose(page)
    made = Policy.from_dict(ledger.policy("work-orders").content)
    assert (made.threshold, set(made.by_segment)) == (REVIEW_ALL, set("ABCDE"))
    rows = page.data_editor[0].value
    segments = rows[rows["kind"] == EN["policy.kind.segment"]]
    assert 0 < segments["errors"].sum() <= 0.01 * segments["labelled"].sum()


def test_the_optimiser_names_the_rows_that_share_a_threshold(open_page, tmp_path):
    add_run(
        tmp_path, [("A", "right", 0.9)] * 40 + [("B", "wrong", 0.8)] * 5 + [("C", "right", 0.7)] * 5
    )
    page = open_page(tmp_path)
    page.button(key="optimise").click().run()
    assert "3 rows share one threshold" in page.success[0].value.replace("\\", "")
    assert "A; B; C" in page.success[0].value.replace("\\", "")


def test_limits_that_nothing_keeps_leave_the_draft_and_say_why(open_page):
    page = open_page(most="0", capacity="0", limited="leakage")
    page.button(key="optimise").click().run()
    assert EN["policy.optimum.kept"] in page.warning[0].value
    assert page.data_editor[0].value["own"].isna().all()
    assert page.query_params["t"] == "0.9"


def test_a_certificate_goes_with_one_threshold_that_it_covers(open_page, ledger):
    page = open_page(measure="leakage", target="0.3")
    assert "Issued today, it counts up to" in page.success[0].value
    propose(page)
    made = ledger.policy("work-orders")
    certificate = Certificate.from_json(json.dumps(made.certificate))
    assert certificate.covers(0.9)
    assert made.runs == (RUN, "score-work-orders-student-calibration")
    take(take(page, "approve"), "activate")
    assert "at most 30.0% of all cases slip through wrong, with 95% confidence" in page_text(page)
    assert EN["policy.proof.drift"] in page_text(page)
    page.selectbox(key="run").set_value("score-work-orders-teacher-stream").run()
    assert "It is void here: the run is of another model." in page_text(page)


def test_a_threshold_that_is_not_covered_goes_without_a_certificate(open_page, ledger):
    page = open_page(measure="leakage", target="0.05", t="0")
    assert "the threshold is below the loosest certified one" in page_text(page)
    propose(page)
    assert ledger.policy("work-orders").certificate is None


def test_whoever_is_overtaken_reads_what_happened_and_sees_the_new_state(open_page, ledger):
    page = propose(open_page())
    ledger.add_policy_event("work-orders", 1, "approve", "Mori", "in the other room")
    take(page, "approve")
    (warning,) = [element.value.replace("\\", "") for element in page.warning]
    assert warning.startswith(EN["policy.overtaken"])
    assert "work-orders, version 1: approved by Mori on" in warning
    assert "“in the other room”" in warning
    assert [one.event for one in ledger.policy_events()] == ["propose", "approve"]
    assert page.button(key="step_approve").disabled
    assert not page.button(key="step_activate").disabled


def test_an_approval_by_who_proposed_is_warned_of_and_stays_visible_where_the_setting_allows_it(
    open_page, ledger, monkeypatch
):
    monkeypatch.setenv("KAKUSHIN_FOUR_EYES", "0")
    page = propose(open_page())
    page.text_input(key="decider").set_value(" SUZUKI").run()
    assert "Suzuki proposed this version." in page.warning[0].value
    take(page, "approve", "SUZUKI")
    assert "by the person who proposed it" in page.warning[-1].value
    take(page, "activate", "Tanaka")
    assert EN["policy.two_eyes"] in [element.value for element in page.warning]
    assert len(ledger.policy_events()) == 3


def test_an_approval_by_who_proposed_is_refused(open_page, ledger):
    page = propose(open_page())
    take(page, "approve", "suzuki")
    assert "here another person has to approve it" in page.error[0].value
    assert len(ledger.policy_events()) == 1
    take(page, "approve", "Tanaka")
    assert len(ledger.policy_events()) == 2


def test_two_versions_are_compared_with_exact_moves_and_thresholds(open_view, tmp_path):
    """Five cases: 0.9 right (A), 0.8 wrong (A), 0.7 right (B), 0.6 wrong (B), 0.5 right (B)."""
    outcomes = [
        ("A", "right", 0.9),
        ("A", "wrong", 0.8),
        ("B", "right", 0.7),
        ("B", "wrong", 0.6),
        ("B", "right", 0.5),
    ]
    ledger = Ledger(add_run(tmp_path, outcomes))
    for policy in (Policy(0.85), Policy(0.55, by_segment={"A": REVIEW_ALL}), Policy(0.55)):
        ledger.add_policy("line", policy.to_dict(), "Suzuki", "why")
    page = open_view("policies", tmp_path, before="line@1", after="line@2")
    text = page_text(page)
    assert "Of 5 cases, 1 goes from acceptance to review (1 right, 0 wrong)" in text
    assert "and 2 from review to acceptance (1 right, 1 wrong)" in text
    (differ,) = [
        frame.value for frame in page.dataframe if EN["policy.column.kind"] in frame.value.columns
    ]
    assert differ.to_numpy().tolist() == [
        ["All cases", "", "0.850", "0.550"],
        ["Segment", "A", "as for all", "all to people"],
    ]
    table = _comparison(page)
    assert list(table["Coverage"]["Value"]) == [0.2, 0.4]
    assert list(table["Leakage"]["Value"]) == [0.0, 0.2]
    assert list(table["Error rate of accepted"]["n"]) == [1, 2]
    page.selectbox(key="after").set_value("line@3").run()
    assert page.query_params["after"] == "line@3"
    assert list(_comparison(page)["Coverage"]["Value"]) == [0.2, 0.8]


def _comparison(page) -> dict[str, pd.DataFrame]:
    unfold(page, "policy_compare")
    (table,) = [frame.value for frame in page.dataframe if "Figure" in frame.value.columns]
    return dict(iter(table.groupby("Figure")))


def test_compared_are_the_version_in_force_and_the_newest_proposal(open_page, ledger):
    in_force(ledger, Policy(0.9))
    page = open_page()
    assert (page.selectbox(key="before").value, page.selectbox(key="after").value) == (
        "line@1",
        "draft",
    )
    for threshold in (0.8, 0.7):
        ledger.add_policy("line", Policy(threshold).to_dict(), "Suzuki", "why")
    page = open_page()
    assert (page.selectbox(key="before").value, page.selectbox(key="after").value) == (
        "line@1",
        "line@3",
    )
    page.selectbox(key="after").set_value("line@1").run()
    assert EN["policy.compare.same"] in [element.value for element in page.info]


def test_a_proposal_that_opens_the_page_is_compared_with_the_draft_and_can_be_approved_first(
    open_page, ledger
):
    ledger.add_policy("line", Policy(0.8).to_dict(), "Suzuki", "why")
    page = open_page(after="line@1")
    assert (page.selectbox(key="before").value, page.selectbox(key="after").value) == (
        "draft",
        "line@1",
    )
    heads = [element.value for element in page.markdown if element.value.startswith("## ")]
    assert heads.index(f"## {EN['policy.decide']}") < heads.index(f"## {EN['policy.edit']}")


def test_a_version_of_the_link_that_is_not_there_is_named(open_page, ledger):
    in_force(ledger, Policy(0.9))
    assert "The link's value “line@9” for “after” cannot be used here" in page_text(
        open_page(after="line@9")
    )


def test_thresholds_that_cannot_be_read_are_said_so_and_stop_nothing_else(open_page, ledger):
    ledger.add_policy("other", {"global": 0.8}, "Suzuki", "from another program")
    for event in ("approve", "activate"):
        ledger.add_policy_event("other", 1, event, "Tanaka", "meeting")
    page = open_page()
    assert not page.exception
    assert "The thresholds of version 1 cannot be read" in page.error[0].value
    assert list(page.selectbox(key="before").options) == [EN["policy.draft"]]
    take(page, "undo")
    assert ledger.active_policy() is None
    assert EN["policy.none_active"] in [element.value for element in page.info]


def test_what_people_type_is_shown_letter_by_letter(open_page, ledger, monkeypatch):
    monkeypatch.setenv("KAKUSHIN_FOUR_EYES", "0")
    trap = "*x* <b>$a$</b> [y](http://z)"
    propose(open_page(), author=trap, reason=trap)
    page = take(open_page(), "approve", name=trap, why=trap)
    take(page, "activate", name=trap, why=trap)
    shown = [
        e.value
        for kind in (page.markdown, page.caption, page.success, page.warning)
        for e in kind
        if "http" in str(e.value)
    ]
    assert shown
    for text in shown:
        assert not re.search(r"(?<!\\)[<$]|(?<!\\)\]\(", text)
    history = json.dumps(chart(page, 1))
    assert "<b>$a" not in history
    assert "&lt;b&gt;$a" in history


def test_history_has_every_event_with_author_and_reason(open_page, ledger):
    in_force(ledger, Policy(0.9))
    ledger.add_policy_event("line", 1, "undo", "Sato", "too many escapes")
    page = unfold(open_page(), "policy_history")
    (table,) = [
        frame.value for frame in page.dataframe if EN["policy.column.event"] in frame.value.columns
    ]
    assert list(table["Event"]) == ["undone", "activated", "approved", "proposed"]
    assert list(table["By"]) == ["Sato", "Tanaka", "Tanaka", "Suzuki"]
    assert list(table["Reason"]) == ["too many escapes", "meeting", "meeting", "why"]
    assert "4 events; the newest 1 of 1 version" in page_text(page)
    names = [trace["name"] for trace in chart(page, 1)["data"]]
    assert names == ["active", "proposed", "approved", "activated", "undone"]


def test_every_colour_is_a_slot_of_the_theme(open_page, ledger):
    in_force(ledger, Policy(0.9))
    page = open_page()
    for place in range(2):
        figure = chart(page, place)
        del figure["layout"]["template"]
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b", json.dumps(figure))
        assert found
        assert {colour[:7] for colour in found} <= set(charts.SLOTS.values())
        assert "rgb" not in json.dumps(figure)


def test_a_measure_that_neither_version_has_gets_no_panel():
    row = {"version": "a", "value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    frame = pd.DataFrame(
        [
            row | {"measure": "coverage"},
            row | {"measure": "leakage", "value": None, "low": None, "high": None},
        ]
    )
    draw = partial(
        policy_charts.policy_comparison_chart,
        frame,
        {"a": "A"},
        words={"symbol": "", "separators": ".,", "interval": "95%"},
    )
    assert len(list(draw({"coverage": "Coverage", "leakage": "Leakage"}).select_xaxes())) == 1
    assert len(draw({"coverage": "Coverage", "leakage": "Leakage"}).data) == 1


def test_the_buttons_name_the_version_that_the_page_shows_and_a_second_proposal_selects_itself(
    open_page, ledger
):
    propose(open_page(), reason="first")
    page = open_page(t="0.9")
    propose(page, reason="second")
    assert page.session_state["decided"] == "work-orders@2"
    assert page.button(key="step_approve").label.replace("\\", "") == (
        "Approve work-orders, version 2"
    )
    assert "Threshold for all: 0.900." in page_text(page)
    take(page, "approve")
    assert (ledger.policy_events()[-1].event, ledger.policy_events()[-1].version) == ("approve", 2)


def test_a_step_is_refused_where_another_version_is_selected_than_its_button_names(
    open_page, ledger
):
    propose(open_page(), reason="first")
    page = open_page(t="0.9")
    propose(page, reason="second")
    page.text_input(key="decider").set_value("Tanaka")
    page.text_input(key="why").set_value("why")
    page.selectbox(key="decided").set_value("work-orders@1")
    page.button(key="step_approve").click().run()  # drawn for version 2
    assert "the button was for work-orders, version 2" in page.error[0].value.replace("\\", "")
    assert [event.event for event in ledger.policy_events()] == ["propose", "propose"]


def test_an_approval_is_refused_where_a_newer_version_has_come_since_the_page_was_drawn(
    open_page, ledger
):
    page = propose(open_page(), reason="first")
    thresholds = ledger.policy("work-orders").content
    ledger.add_policy("work-orders", thresholds, "Mori", "from the other room")
    take(page, "approve")
    assert "work-orders, version 2: proposed by Mori" in page.warning[0].value.replace("\\", "")
    assert [event.event for event in ledger.policy_events()] == ["propose", "propose"]
