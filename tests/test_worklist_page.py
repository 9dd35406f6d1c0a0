"""The page 'Worklist' as a reader meets it: who does what with which case, in both languages."""

import io
from datetime import date, timedelta
from functools import partial

import pandas as pd
import pytest
from openpyxl import load_workbook

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_policy
from core.store.ledger import Ledger
from core.store.parts import write_part
from core.store.reviews import Reviews
from core.store.store import Store
from dashboard.i18n import LANGUAGE_NAMES, Words
from dashboard.session import cache
from dashboard.worklist import page as worklist_page
from dashboard.worklist import tables as worklist_tables
from tests.stores import make_rows, make_store

RUN = "score-work-orders-student-stream"
TODAY = date.today()


@pytest.fixture
def open_page(open_view):
    return partial(open_view, "worklist")


@pytest.fixture
def store(tmp_path) -> Store:
    return make_store(tmp_path / "store", "full")


def add_version(store, policy, name="line", **more):
    ledger = Ledger(store)
    version = ledger.add_policy(name, policy.to_dict(), "Suzuki", "first", [RUN], **more)
    for event in ("approve", "activate"):
        ledger.add_policy_event(name, version.version, event, "Tanaka", "agreed")
    return version


def text_of(page) -> str:
    """All sentences of the page, as a reader sees them."""
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(
        element.value.replace("\\", "").replace("\u2060", "") for kind in kinds for element in kind
    )


def metrics(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def has_apply_button(page) -> bool:
    return any(button.key == "worklist_apply" for button in page.button)


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_the_page_applies_the_active_policy_and_counts_as_decide_does(
    store, open_page, tmp_path, language
):
    policy = Policy(0.8, {"boom": REVIEW_ALL})
    page = open_page(tmp_path, lang=language)
    assert not page.exception
    assert "worklist" not in text_of(page)
    assert not has_apply_button(page)
    add_version(store, policy)
    page = page.run().button(key="worklist_apply").click().run()
    assert not page.exception
    assert not has_apply_button(page)  # every case has its decision
    frame = store.predictions(RUN)
    accepted = int(
        policy.accepts(
            *(frame[c] for c in ("segment", "predicted", "confidence", "epistemic"))
        ).sum()
    )
    words = Words(language)
    assert metrics(page) == {
        words("worklist.card.machine"): words.number(accepted, 0),
        words("worklist.card.person"): words.number(1700 - accepted, 0),
        words("worklist.card.waiting"): "0",
    }
    assert words.many("worklist.same", accepted).replace("\u2060", "") in text_of(page)
    reasons = Reviews(store).decisions(RUN)["reason"].value_counts()
    assert reasons["class_to_people"] == (frame["predicted"] == "boom").sum()


def test_without_an_active_policy_the_page_says_so_and_offers_none(store, open_page, tmp_path):
    page = open_page(tmp_path)
    assert not page.exception
    assert not has_apply_button(page)
    assert "No policy is active for the model and dataset" in text_of(page)
    assert "to_policies" in {button.key for button in page.button}
    add_version(store, Policy(0.8))
    page = page.run()
    assert page.button(key="worklist_apply").label.endswith("line, version 1")
    Ledger(store).add_policy_event("line", 1, "undo", "Tanaka", "withdrawn")
    page = page.button(key="worklist_apply").click().run()  # drawn before the undo
    assert not page.exception
    assert "No policy is active for the model and dataset" in text_of(page)
    assert Reviews(store).decisions(RUN).empty


def test_filters_narrow_the_list_and_the_file_and_stay_in_the_address(store, open_page, tmp_path):
    apply_policy(store, RUN, add_version(store, Policy(0.8)))
    page = open_page(tmp_path, side="review", answer="boom", segment="B")
    assert not page.exception
    expected = store.predictions(RUN)
    expected = expected[
        (expected["confidence"] < 0.8)
        & (expected["predicted"] == "boom")
        & (expected["segment"] == "B")
    ]
    shown = next(frame.value for frame in page.dataframe if "Case" in frame.value)
    assert shown["Case"].tolist() == expected["case_id"].tolist()
    assert set(shown["Who"]) == {"Person"}
    assert page.query_params["side"] == "review"
    filters = (("decision", "review"), ("predicted", "boom"), ("segment", "B"))
    csv = worklist_page._data_file((RUN, "line", 1), filters)
    assert csv.decode("utf-8-sig").count("\r\n") == len(expected) + 1
    assert csv.decode("utf-8-sig").startswith("case_id,")
    workbook = worklist_page._workbook(Words("ja"), (RUN, "line", 1), filters)
    rows = list(load_workbook(io.BytesIO(workbook)).active.values)
    assert rows[0][:5] == ("担当", "すること", "理由", "案件番号", "内容")
    assert [row[3] for row in rows[1:]] == expected["case_id"].tolist()
    assert {(row[0], row[2], row[-1]) for row in rows[1:]} == {
        ("人", "確信度がしきい値未満", "line 第1版")
    }
    page = open_page(
        tmp_path, cause="epistemic"
    )  # no case has it: the choice is dropped with a notice
    assert not page.exception
    assert page.warning


def test_a_void_policy_is_explained_and_later_cases_are_counted_as_undecided(
    store, open_page, tmp_path
):
    old = add_version(store, Policy(0.5), expires_on=TODAY - timedelta(days=2))
    apply_policy(store, RUN, old)
    page = open_page(tmp_path)
    assert metrics(page)["Settled by the machine"] == "0"
    assert "the policy did not count when these cases were decided" in text_of(page)
    rows = make_rows(4, first=5000)
    store.ingest_part(RUN, 9, write_part(store.folder, RUN, 9, rows))
    page = open_page(tmp_path)
    assert metrics(page)["Without a decision"] == "4"
    assert "4 cases have no decision yet" in text_of(page)


def test_an_earlier_version_can_be_looked_at(store, open_page, tmp_path):
    first, second = add_version(store, Policy(0.8)), add_version(store, Policy(0.95))
    for version in (first, second):
        apply_policy(store, RUN, version)
    newest = open_page(tmp_path)
    oldest = open_page(tmp_path, decided_by="line@1")
    assert "line, version 2" in text_of(newest)
    assert "line, version 1" in text_of(oldest)
    machine = [
        int(metrics(page)["Settled by the machine"].replace(",", "")) for page in (newest, oldest)
    ]
    assert machine[0] < machine[1]


def test_an_application_is_seen_by_the_watch(store, tmp_path, monkeypatch):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    before = cache.data_version()
    apply_policy(store, RUN, add_version(store, Policy(0.8)))
    assert cache.data_version() != before


def test_tables_take_decisions_of_before_reasons_were_kept():
    words = Words("en")
    counts = pd.DataFrame(
        {"segment": ["A"], "predicted": ["x"], "decision": ["review"], "reason": [None], "n": [3]}
    )
    table = worklist_tables.reasons(words, counts)
    assert table.rows["Cases"].tolist() == [3]


def test_an_open_page_follows_the_version_that_decided_last(store, open_page, tmp_path):
    apply_policy(store, RUN, add_version(store, Policy(0.8)))
    page = open_page(tmp_path)
    apply_policy(store, RUN, add_version(store, Policy(0.95)))
    assert "line, version 2" in text_of(page.run())
