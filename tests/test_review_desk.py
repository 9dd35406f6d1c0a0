"""The queue by SQL is the queue by its rules; the verb `queue` claims, answers, skips and undoes."""

import json
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from core.cli import main
from core.decision.review.review_queue import SECOND_SHARE, review_queue
from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_policy
from core.pipeline.review_desk import DeskTerms, waiting_queue
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.unscored import add_unscored_cases
from tests.stores import add_scored, make_rows, make_run

RUN = "score-work-orders-student-stream"
KEY = (RUN, "line", 1)


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    """Eighty decided cases, one of them without an answer of the model, a third of them judged."""
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    store = Store(tmp_path / "store")
    add_scored(store, make_run("score", "student", "stream"), make_rows(80))
    lost = {"case_id": ["lost"], "segment": ["A"], "text": ["no answer"], "fault": ["model_error"]}
    add_unscored_cases(store, RUN, pd.DataFrame(lost).assign(occurred_at=datetime(2026, 1, 1)))
    Ledger(store).add_policy("line", Policy(0.6).to_dict(), "Sato", "first", [RUN])
    Ledger(store).add_policy_event("line", 1, "approve", "Abe", "agreed")
    version = Ledger(store).policy("line", 1)
    assert apply_policy(store, RUN, version, date.today(), audit_share=0.5).added == 81
    cases = Audits(store).audited_cases(*KEY)
    drawn, people = cases[cases["u"].notna()], cases[cases["decision"] == "review"]
    judged = [*drawn["case_id"][:4], *people["case_id"][:20]]
    verdicts = [
        ReviewVerdict(RUN, case_id, answer, reviewer, datetime.now(UTC))
        for i, case_id in enumerate(judged)
        for reviewer, answer in zip("AB"[: 1 + i % 2], ("right", "wrong"), strict=False)
    ]
    Reviews(store).add_verdicts(verdicts)
    gold = [*cases["case_id"][:1], *people["case_id"][-1:]]
    Audits(store).add_gold_cases(RUN, gold, cases["predicted"].iloc[[0, 0]].tolist(), "Abe")
    return store


def test_the_waiting_cases_of_the_store_are_those_of_the_rules(store):
    everything = Audits(store).audited_cases(*KEY, unscored=True)
    gold = Audits(store).gold_labels(RUN)
    expected = review_queue(everything, 10, 1, 2, 60, gold)
    rows = Audits(store).waiting_cases(*KEY, 1000, SECOND_SHARE)
    assert rows["waiting"].unique().tolist() == [len(expected.cases)]
    queue = review_queue(rows, 10, 1, 2, 60, gold)
    assert queue.cases.index.tolist() == expected.cases.index.tolist()
    assert queue.cases[["needed", "blind"]].equals(expected.cases[["needed", "blind"]])
    assert queue.ranked.shadow_price == pytest.approx(expected.ranked.shadow_price)
    assert set(expected.cases["blind"]) == {True, False}
    assert expected.cases["needed"].nunique() >= 3


def test_a_limit_leaves_the_first_of_each_kind(store):
    everything = Audits(store).audited_cases(*KEY, unscored=True)
    expected = review_queue(everything, 10, 1, 2, 60, Audits(store).gold_labels(RUN)).cases
    rows = Audits(store).waiting_cases(*KEY, 3, SECOND_SHARE)
    assert rows["waiting"].unique().tolist() == [len(expected)]
    for blind in (True, False):
        first = expected[expected["blind"] == blind].index[:3]
        assert set(first) <= set(rows["case_id"])
    assert len(rows) == 6
    assert "lost" in set(rows["case_id"])  # before every case with an answer


def test_the_summary_of_examined_cases_is_that_of_all(store):
    from core.decision.audits.estimate import summarise_audits

    everything = summarise_audits(Audits(store).audited_cases(*KEY))
    counts = (everything.cases, everything.accepted)
    assert summarise_audits(Audits(store).examined_cases(*KEY), counts=counts) == everything


def printed(capsys, *arguments) -> list:
    """What the verb prints, a JSON document a line."""
    assert main(["queue", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def refused(capsys, *arguments) -> str:
    """The sentence with which the verb ends."""
    assert main(["queue", *arguments]) != 0
    return capsys.readouterr().err


def test_a_case_is_claimed_answered_and_undone_from_the_terminal(store, capsys):
    run, mori = ["--run", RUN], ["--reviewer", "Mori"]
    costs = ["--escape-cost", "10", "--review-cost", "1"]
    listed = printed(capsys, "list", *run, "--limit", "500", *costs)
    queue, total = waiting_queue(store, RUN, DeskTerms(10, 1))
    assert [case["case_id"] for case in listed] == queue.cases.index.tolist()
    assert len(listed) == total
    for case in listed:
        hidden = [case["predicted"], case["confidence"], case["reason"], case["saving"]]
        assert (hidden == [None] * 4) == case["blind"]

    (claimed,) = printed(capsys, "claim", *run, *mori)
    assert claimed["text"]
    assert printed(capsys, "claim", *run, *mori) == [claimed]  # it stays in hand
    case = ["--case", claimed["case_id"]]
    assert "another reviewer has it in hand" in refused(
        capsys, "answer", *run, "--reviewer", "Ito", *case, "--verdict", "right"
    )
    assert "needs --verdict or --label" in refused(capsys, "answer", *run, *mori, *case)
    (answered,) = printed(capsys, "answer", *run, *mori, *case, "--label", "no such part")
    assert answered == {"case_id": claimed["case_id"], "verdict": "wrong"}
    assert "Mori has judged it" in refused(
        capsys, "answer", *run, *mori, *case, "--verdict", "right"
    ) or "does not wait" in refused(capsys, "answer", *run, *mori, *case, "--verdict", "right")

    assert printed(capsys, "undo", *run, *mori, *case)[0]["verdict"] == "withdrawn"
    assert "no answer" in refused(capsys, "undo", *run, *mori, *case)
    assert printed(capsys, "claim", *run, *mori)[0]["case_id"] == claimed["case_id"]
    printed(capsys, "skip", *run, *mori, *case)
    assert "in hand" in refused(capsys, "skip", *run, *mori, *case)
    assert printed(capsys, "claim", *run, *mori)[0]["case_id"] != claimed["case_id"]


def test_answers_come_from_a_file(store, tmp_path, capsys):
    rows = [
        case for case in waiting_queue(store, RUN, DeskTerms())[0].cases.index if case != "lost"
    ]
    path = tmp_path / "answers.csv"
    path.write_text(f"case_id,verdict\n{rows[0]},right\n{rows[1]},wrong\n")
    file = ["answer", "--run", RUN, "--reviewer", "Mori", "--file", str(path)]
    (first,), (second,) = printed(capsys, *file), printed(capsys, *file)
    assert (first["added"], first["repeated"], first["new_labels"]) == (2, 0, [])
    assert (second["added"], second["repeated"]) == (0, 2)


@pytest.mark.parametrize("verdict", ["right", "wrong"])
def test_a_verdict_about_an_answer_is_refused_where_the_model_gave_none(store, capsys, verdict):
    about = ["answer", "--run", RUN, "--reviewer", "Mori", "--case", "lost"]
    assert "gave no answer for the case 'lost'" in refused(capsys, *about, "--verdict", verdict)
    assert "lost" not in set(Reviews(store).verdicts(RUN)["case_id"])
    assert printed(capsys, *about, "--label", "cab")[0]["verdict"] == "wrong"


def test_one_cost_alone_is_refused(store, capsys):
    assert "needs both costs" in refused(capsys, "list", "--run", RUN, "--escape-cost", "10")
