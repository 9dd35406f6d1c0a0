"""The page 'Ten inspectors or one' as a reader meets it: each language and store, what its controls
change, and typed cases.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.decision.thresholds.policy import Policy
from core.pipeline import ask
from core.stats.votes import checked_prediction
from core.store.ledger import Ledger
from core.store.samples import Samples
from core.store.store import Store
from dashboard.i18n import LANGUAGE_NAMES, Words, catalogue
from tests.pages import chart, metric_values, page_text
from tests.stores import LABELS, SAMPLED, SAMPLES, add_scored, make_rows, make_run, make_store

pytestmark = pytest.mark.page("inspectors")

ROOT = Path(__file__).resolve().parent.parent
TEACHER, STUDENT = "score-work-orders-teacher-stream", "score-work-orders-student-stream"
EN = catalogue("en")


@pytest.fixture(scope="module")
def rows(homes):
    """What the student says of the cases that have samples, by case id."""
    return Samples(Store(homes["full"] / "store")).cases(TEACHER, STUDENT).set_index("case_id")


def offered(page) -> list[str]:
    """The case ids of the list, in its order."""
    return [line.split(" · ")[-1] for line in page.selectbox(key="case").options]


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("home", ["empty", "tiny", "full"])
def test_the_page_opens_in_each_language_on_each_store(open_page, lang, home):
    page, words = open_page(home, lang=lang), catalogue(lang)
    assert not page.exception
    assert not page.error
    assert words["inspectors.title"] in page_text(page)
    assert [element.value for element in page.info] == {
        "empty": [words["empty"]],
        "tiny": [words["inspectors.needs_teacher"]],
        "full": [],
    }[home]
    assert len(page.get("plotly_chart")) == (2 if home == "full" else 0)
    assert len(page.metric) == (6 if home == "full" else 0)


def test_the_votes_are_those_of_the_stored_samples(open_page, homes, rows):
    case_id = rows.index[7]
    page = open_page(pick="any", case=case_id)
    assert page.selectbox(key="case").value == case_id
    samples = Samples(Store(homes["full"] / "store")).of(TEACHER, case_id)
    counts = np.bincount(samples.argmax(1), minlength=len(LABELS))
    assert f"{counts.max()} of {SAMPLES}" in metric_values(page)
    assert f"of {SAMPLES} inspectors say {LABELS[int(counts.argmax())]}" in page_text(page).replace(
        "All", "10 of"
    )
    bars = [trace for trace in chart(page, 0)["data"] if trace["type"] == "bar"]
    assert sorted(int(trace["name"].split(": ")[1]) for trace in bars) == sorted(
        counts[counts > 0].tolist()
    )
    assert Words("en").percent(rows.loc[case_id, "confidence"]) in metric_values(page)


def test_each_kind_of_case_begins_at_its_foremost_case(open_page, rows, homes):
    page = open_page()
    teacher = Samples(Store(homes["full"] / "store")).cases(TEACHER, TEACHER).set_index("case_id")
    assert offered(page)[0] == page.selectbox(key="case").value == teacher["epistemic"].idxmax()
    for pick, foremost in (
        ("aleatoric", teacher["aleatoric"].idxmax()),
        ("near", (rows["confidence"] - 0.8).abs().idxmin()),
        ("wrong", rows[rows["outcome"].isin(["wrong", "unseen"])]["confidence"].idxmax()),
        ("any", rows.index[0]),
    ):
        page.segmented_control(key="pick").set_value(pick).run()
        assert page.selectbox(key="case").value == foremost
        assert page.query_params["case"] == foremost
        assert page.query_params["pick"] == pick
    assert len(offered(page)) == SAMPLED
    assert not page.warning


def test_segment_and_untrained_labels_narrow_what_is_offered(open_page, rows):
    page = open_page(pick="any", segment="B")
    assert set(offered(page)) == set(rows.index[rows["segment"] == "B"])
    page.toggle(key="unseen").set_value(False).run()
    assert set(offered(page)) == set(
        rows.index[(rows["segment"] == "B") & (rows["outcome"] != "unseen")]
    )


def test_a_linked_case_stays_though_its_kind_offers_others_and_one_that_is_gone_is_named(
    open_page, rows
):
    linked = rows["confidence"].idxmin()
    page = open_page(pick="near", case=linked, t="0.95")
    assert page.selectbox(key="case").value == linked
    assert offered(page)[0] == linked
    page = open_page(case="nobody")
    assert "The link's value “nobody” for “case” cannot be used here" in page_text(page)
    assert len(page.get("plotly_chart")) == 2


def test_the_threshold_of_the_address_decides_where_no_policy_is_active(open_page, rows):
    case_id = rows.index[0]
    confidence = rows.loc[case_id, "confidence"]
    for t, key in ((0.001, "accepted"), (1.0, "review")):
        page = open_page(pick="any", case=case_id, t=str(t))
        assert EN[f"inspectors.{key}"] in page_text(page)
        assert EN["inspectors.gate.threshold"] in page_text(page)
        assert f"confidence {confidence:.1%}, needed: {t:.1%}" in page_text(page)
    page.number_input(key="t").set_value(0.001).run()
    assert EN["inspectors.accepted"] in page_text(page)


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_the_active_policy_decides_by_name_and_version(open_page, tmp_path, lang):
    ledger = Ledger(make_store(tmp_path / "store", "full"))
    for content in (Policy(0.0, epistemic_limit=0.005).to_dict(), {"threshold": 0.0}):
        version = ledger.add_policy("*line*", content, "Mori", "a test").version
        for event in ("approve", "activate"):
            ledger.add_policy_event("*line*", version, event, "Mori", "a test")
        page, words = open_page(tmp_path, lang=lang), Words(lang)
        assert not page.exception
        assert words("inspectors.gate.policy", name="*line*", version=str(version)) in page_text(
            page
        )
        # the most epistemic case is above the limit
        assert words("inspectors.review") in page_text(page)
        assert not [field for field in page.number_input if field.key == "t"]
    assert words("inspectors.gate.problem", sentence="")[:20] in page_text(page)


def test_a_run_without_samples_says_so(open_page, tmp_path):
    store = Store(tmp_path / "store")
    for kind in ("teacher", "student"):
        add_scored(store, make_run("score", kind, "stream"), make_rows(20, model_kind=kind))
    page = open_page(tmp_path)
    assert not page.exception
    assert [element.value.replace("\\", "") for element in page.info] == [
        EN["inspectors.no_samples"].format(run=TEACHER)
    ]


def test_a_teacher_alone_brings_its_own_answer_to_the_gate(open_page, tmp_path):
    store, run = Store(tmp_path / "store"), make_run("score", "teacher", "stream")
    table = make_rows(20, model_kind="teacher")
    add_scored(store, run, table)
    Samples(store).add(
        run.run_id, 0, table["case_id"], np.full((SAMPLES, 20, len(LABELS)), 1 / len(LABELS))
    )
    page = open_page(tmp_path)
    assert not page.exception
    assert EN["inspectors.card.answer_teacher"] in [element.label for element in page.metric]
    page.segmented_control(key="source").set_value("typed").run()
    assert [element.value for element in page.info] == [EN["inspectors.needs_student"]]


def test_a_student_of_other_labels_is_not_shown_beside_the_teacher(open_page, tmp_path):
    store, run, table = (
        Store(tmp_path / "store"),
        make_run("score", "teacher", "stream"),
        make_rows(9, model_kind="teacher"),
    )
    add_scored(store, run, table)
    Samples(store).add(
        run.run_id, 0, table["case_id"], np.full((SAMPLES, 9, len(LABELS)), 1 / len(LABELS))
    )
    add_scored(store, make_run("score", "student", "stream", labels=LABELS[::-1]), make_rows(9))
    page = open_page(tmp_path)
    assert not page.exception
    assert [warning.value for warning in page.warning][-1:] == [EN["inspectors.other_labels"]]
    assert EN["inspectors.card.answer_teacher"] in [element.label for element in page.metric]


# --- typed cases


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_without_a_models_folder_typing_is_a_sentence_and_stored_cases_are_there(open_page, lang):
    page, words = open_page(lang=lang, source="typed"), Words(lang)
    assert not page.exception
    (info,) = page.info
    assert info.value.startswith(words("inspectors.no_models", sentence=""))
    assert "'work-orders-teacher'" in info.value.replace("\\", "")
    assert not page.text_area
    page.segmented_control(key="source").set_value("stored").run()
    assert len(page.get("plotly_chart")) == 2


class Fake(ask.Inspectors):
    """Two models of constant answers: 3 of 4 inspectors say the first label, the student the
    second.
    """

    def ask(self, text, step=lambda _: None):
        ask.checked_question(text, self.models.teacher)
        for name in ask.ASK_STEPS:
            step(name)
        self._loaded = True
        p = np.full((2, len(LABELS)), 0.01)
        p[0, 0] = p[1, 1] = 1 - 0.01 * (len(LABELS) - 1)
        took = ask.Time(12.3, 11.0, 15.0), ask.Time(1.23, 1.1, 1.5)
        return ask.Answer(
            text,
            LABELS,
            p[[0, 0, 1, 0]],
            checked_prediction(p[1], 0.4, 0.02),
            *took,
            "cpu",
            self.models.hashes,
        )


@pytest.fixture
def fake(monkeypatch):
    """Models that are there without being there; their hashes are those that scored."""

    class Card:
        chooses = False

    class Pair:
        teacher = student = Card()
        hashes = ("1" * 64, "2" * 64)

    monkeypatch.setattr(ask, "model_pair", lambda *_: Pair())
    monkeypatch.setattr(ask, "Inspectors", Fake)
    return Pair


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_a_typed_case_is_asked_at_the_button_and_its_times_are_those_measured_now(
    open_page, fake, lang
):
    page, words = open_page(lang=lang, source="typed"), Words(lang)
    assert not page.exception
    assert not page.warning
    assert not page.metric  # nothing is asked before the button
    page.text_area(key="typed").set_value("oil *leak*")
    page.button[-1].click().run()
    assert not page.exception
    assert [element.value for element in page.text] == ["oil *leak*"]
    assert words("inspectors.of", k="3", n="4") in metric_values(page)
    assert words("inspectors.ms", value="1.2") in metric_values(page)
    assert "0.40" in page_text(page)
    assert words("inspectors.no_record") in page_text(page)
    assert len(page.get("plotly_chart")) == 2

    # another choice keeps the answer and changes the gate
    page.number_input(key="t").set_value(0.5).run()
    assert words("inspectors.accepted") in page_text(page)
    assert words("inspectors.ask") in [button.label for button in page.button]
    assert "oil" not in str(dict(page.query_params))  # others read addresses


def test_what_cannot_be_asked_is_a_sentence_and_takes_the_old_answer_away(open_page, fake):
    page = open_page(source="typed")
    page.text_area(key="typed").set_value("oil leak")
    page.button[-1].click().run()
    assert len(page.metric) == 6
    page.text_area(key="typed").set_value("   ")
    page.button[-1].click().run()
    assert not page.exception
    (error,) = page.error
    assert "This case cannot be asked about: the text is empty" in error.value.replace("\\", "")
    assert not page.metric


def test_models_that_were_trained_again_since_are_said(open_page, fake):
    fake.hashes = ("3" * 64, "2" * 64)
    assert EN["inspectors.other_models"] in [
        warning.value for warning in open_page(source="typed").warning
    ]


def test_opening_the_page_and_its_field_leaves_torch_out(homes):
    code = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\npage = AppTest.from_string('from"
        " dashboard.session import state\\nfrom dashboard.inspectors import"
        " page\\nstate.take_in_address()\\npage.draw_inspectors_page()', default_timeout=600)\nfor source in"
        " ('stored', 'typed'):\n    page.query_params.update({'source': source})\n    page.run()\n "
        "   assert not page.exception\nprint(*sorted({'torch', 'transformers', 'peft',"
        " 'safetensors'} & set(sys.modules)))"
    )
    environment = {"KAKUSHIN_HOME": str(homes["full"]), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
