"""Claims in the real store, draws when a policy is applied, and the order of the queue."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from core.cli import main
from core.decision.review.queue import mix_blind_cases, rank_queue
from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_policy
from core.pipeline.audits import draw_audits
from core.pipeline.redistill import verdict_cases
from core.store.audits import Audits
from core.store.claims import Claims
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from tests.stores import add_scored, make_rows, make_run, make_store, open_claims

RUN = "score-work-orders-student-stream"
CASES = ["stream-0000000", "stream-0000001", "stream-0000002"]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path) -> Store:
    return make_store(tmp_path / "store", "tiny")


def claim(store, reviewer, minute=0, needed=1, case_ids=CASES):
    moment = NOON + timedelta(minutes=minute)
    return Claims(store).claim_next(
        RUN, reviewer, case_ids, [needed] * len(case_ids), 600, claimed_at=moment
    )


def test_two_reviewers_get_different_cases_and_a_reload_gets_the_same_one(store):
    assert claim(store, "Ito") == CASES[0]
    assert claim(store, "Abe") == CASES[1]
    assert claim(store, "Ito", minute=1) == CASES[0]
    assert open_claims(store, RUN, NOON)["reviewer"].tolist() == ["Ito", "Abe"]


def test_a_claim_that_ran_out_returns_to_the_others(store):
    assert claim(store, "Ito") == CASES[0]
    assert claim(store, "Abe", minute=9, case_ids=CASES[:1]) is None
    assert claim(store, "Abe", minute=11, case_ids=CASES[:1]) == CASES[0]
    # the case is another's now, so the late answer finds no claim of its own
    assert Claims(store).release(RUN, CASES[0], "Ito", "answered") is None


def test_a_skipped_case_comes_last_for_its_reviewer_and_first_for_the_next(store):
    claim(store, "Ito")
    seconds = Claims(store).release(RUN, CASES[0], "Ito", "skipped", NOON + timedelta(seconds=30))
    assert seconds == 30
    assert claim(store, "Ito", minute=1) == CASES[1]
    assert claim(store, "Abe", minute=1) == CASES[0]


def test_a_judged_case_is_claimed_again_only_by_another_and_only_while_it_needs_one(store):
    Reviews(store).add_verdicts([ReviewVerdict(RUN, CASES[0], "right", "Ito", NOON)])
    assert claim(store, "Ito", case_ids=CASES[:1], needed=2) is None
    assert claim(store, "Abe", case_ids=CASES[:1]) is None
    assert claim(store, "Abe", case_ids=CASES[:1], needed=2) == CASES[0]
    taken_back = ReviewVerdict(RUN, CASES[0], "withdrawn", "Ito", NOON + timedelta(minutes=1))
    Reviews(store).add_verdicts([taken_back])
    assert claim(store, "Ito", minute=30, case_ids=CASES[:1]) == CASES[0]


def test_claims_of_several_workers_are_never_double(tmp_path):
    folder = tmp_path / "store"
    store = Store(folder)
    add_scored(store, make_run("score", "student", "stream"), make_rows(20))
    ids = store.predictions(RUN, ["case_id"])["case_id"].tolist()

    def work(name: str) -> list[str]:
        claims, taken = Claims(Store(folder)), []
        while case_id := claims.claim_next(RUN, name, ids, [1] * len(ids)):
            taken.append(case_id)
            verdict = ReviewVerdict(RUN, case_id, "right", name, datetime.now(UTC))
            with claims.store.atomic():  # between the two, the case would be free
                claims.release(RUN, case_id, name, "answered")
                Reviews(claims.store).add_verdicts([verdict])
        return taken

    with ThreadPoolExecutor(3) as pool:
        taken = [case for cases in pool.map(work, "abc") for case in cases]
    assert sorted(taken) == sorted(ids)


def test_audits_are_drawn_when_a_policy_is_applied_and_a_higher_share_adds_to_them(tmp_path):
    store = Store(tmp_path / "store")
    add_scored(store, make_run("score", "student", "stream"), make_rows(300))
    version = Ledger(store).add_policy("line", Policy(0.6).to_dict(), "Sato", "first", [RUN])
    Ledger(store).add_policy_event("line", 1, "approve", "Abe", "agreed")
    done = apply_policy(store, RUN, version, NOON.date(), audit_share=0.2)
    first = Audits(store).draws(RUN, "line", 1)
    assert 0 < len(first) < done.accepted
    assert draw_audits(store, RUN, version, 0.2) == 0
    draw_audits(store, RUN, version, 0.5)
    second = Audits(store).draws(RUN, "line", 1)
    assert set(first["case_id"]) < set(second["case_id"])
    draw_audits(store, RUN, version, 1.0)
    frame = Audits(store).audited_cases(RUN, "line", 1)
    assert (frame["u"].notna() == (frame["decision"] == "accepted")).all()


def test_a_share_of_zero_draws_no_audit(store):
    version = Ledger(store).add_policy("line", Policy(0.0).to_dict(), "Sato", "first", [RUN])
    assert draw_audits(store, RUN, version, 0) == 0


def test_the_queue_orders_by_saving_and_prices_one_more_hour():
    # savings 5, -1, 2, 1; 30 minutes each, one hour today: the next hour saves 1 and nothing
    ranked = rank_queue([0.6, 0.0, 0.3, 0.2], escape=10, review=1, minutes=30, capacity_minutes=60)
    assert ranked.order.tolist() == [0, 2, 3, 1]
    assert ranked.saving == pytest.approx([5, -1, 2, 1])
    assert ranked.today == 2
    assert ranked.shadow_price == pytest.approx(1.0)


def test_no_case_is_worth_nothing():
    ranked = rank_queue([], escape=10, review=1, minutes=2, capacity_minutes=60)
    assert (len(ranked.order), ranked.today, ranked.shadow_price) == (0, 0, 0)


def test_blind_cases_are_spread_over_the_day_and_none_is_lost():
    mixed = mix_blind_cases(["a", "b", "c", "d"], ["X", "Y"], today=3)
    assert mixed == ["X", "a", "b", "Y", "c", "d"]
    assert mix_blind_cases([], ["X", "Y"], 0) == ["X", "Y"]
    assert mix_blind_cases(["a"], [], 1) == ["a"]


def test_the_verb_labels_writes_what_people_agree_on_and_audits_plans(
    store, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    version = Ledger(store).add_policy("line", Policy(0.0).to_dict(), "Sato", "first", [RUN])
    Ledger(store).add_policy_event("line", 1, "approve", "Abe", "agreed")
    apply_policy(store, RUN, version, NOON.date(), audit_share=0)
    verdicts = [
        ReviewVerdict(RUN, CASES[0], "right", "Ito", NOON),
        ReviewVerdict(RUN, CASES[1], "wrong", "Ito", NOON, label="cab"),
        ReviewVerdict(RUN, CASES[2], "wrong", "Ito", NOON),
    ]
    Reviews(store).add_verdicts(verdicts)
    table = verdict_cases(store, RUN, rehearsal=False)
    predicted = store.predictions(RUN)["predicted"][0]
    assert table["label"].tolist() == [predicted, "cab"]
    assert main(["labels", "--run", RUN, "--out", str(tmp_path / "labels.csv")]) == 0
    assert "2 labelled cases" in capsys.readouterr().out
    assert main(["audits", "--run", RUN, "--share", "1"]) == 0
    out = capsys.readouterr().out
    assert "3 audits drawn." in out
    assert "3 audits are drawn and none is answered" in out
    # 0 of 3 cases wrong is the only share below 5%: every case must be audited
    assert "3 more audits without an error" in out
    assert "Reviewers' errors are unknown: add gold cases" in out
    gold = tmp_path / "gold.csv"
    gold.write_text(f"case_id,label\n{CASES[0]},{predicted}\n{CASES[1]},cab\n")
    assert main(["gold", str(gold), "--run", RUN]) == 0
    assert "2 gold cases added" in capsys.readouterr().out
    assert main(["audits", "--run", RUN]) == 0
    out = capsys.readouterr().out
    assert "a right answer wrong in 0.0% (n = 1) and a wrong answer right in 0.0% (n = 1)" in out
