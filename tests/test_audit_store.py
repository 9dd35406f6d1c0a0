"""Draws, gold cases and verdicts that count, in the real store."""

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.errors import NotFoundError, SettingsError, StoreError
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.secret import AUDIT_KEY_FILE, audit_secret
from core.store.store import Store
from tests.stores import make_store

RUN = "score-work-orders-student-stream"
CASES = ("stream-0000000", "stream-0000001", "stream-0000002")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VERDICT = ReviewVerdict(RUN, CASES[0], "right", "Ito", NOON)


@pytest.fixture
def store(tmp_path) -> Store:
    """Three decided cases: the first two are accepted."""
    store = make_store(tmp_path / "store", "tiny")
    Ledger(store).add_policy("line", {"threshold": 0.5}, "Sato", "first", [RUN])
    Reviews(store).add_decisions(RUN, CASES, np.array([True, True, False]), "line", 1)
    return store


def draw(store, case_ids, pi, u, at=NOON):
    return Audits(store).add_draws(RUN, "line", 1, case_ids, ["a"] * len(case_ids), pi, u, at)


def test_a_higher_share_draws_the_same_cases_again_and_the_highest_probability_counts(store):
    assert draw(store, CASES[:1], [0.1], [0.05]) == 1
    assert draw(store, CASES[:2], [0.3, 0.3], [0.05, 0.2], NOON + timedelta(days=1)) == 2
    assert draw(store, CASES[:1], [0.2], [0.05]) == 0
    drawn = Audits(store).draws(RUN, "line", 1)
    assert drawn["case_id"].tolist() == list(CASES[:2])
    assert drawn["inclusion_probability"].tolist() == [0.3, 0.3]
    assert drawn["u"].tolist() == [0.05, 0.2]
    assert drawn["drawn_at"].tolist()[0] == NOON.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("pi", "u"), [([1.5], [0.5]), ([0.0], [0.0]), ([0.1], [0.1]), ([0.1], [-0.1]), ([np.nan], [0])]
)
def test_a_draw_outside_its_probability_is_refused(store, pi, u):
    with pytest.raises(SettingsError, match="pass only drawn cases"):
        draw(store, CASES[:1], pi, u)


def test_draws_of_unknown_cases_repeated_cases_or_another_number_are_refused(store):
    with pytest.raises(NotFoundError, match="has no case 'x'"):
        draw(store, ["x"], [0.1], [0.05])
    with pytest.raises(SettingsError, match="each case once"):
        draw(store, [CASES[0]] * 2, [0.1, 0.1], [0.05, 0.05])
    draw(store, CASES[:1], [0.1], [0.05])
    with pytest.raises(StoreError, match="the store's audit secret has changed"):
        draw(store, CASES[:1], [0.2], [0.06])


def test_an_audit_verdict_needs_a_draw_of_its_probability_before_it(store):
    reviews, audit = Reviews(store), replace(VERDICT, audit=True, inclusion_probability=0.1)
    with pytest.raises(StoreError, match="has no draw with inclusion probability 0.1 before it"):
        reviews.add_verdicts([audit])
    draw(store, CASES[:1], [0.1], [0.05], NOON + timedelta(seconds=1))
    with pytest.raises(StoreError, match="draw the case first"):
        reviews.add_verdicts([audit])
    later = replace(
        audit, judged_at=NOON + timedelta(seconds=1), source="audit", blind=True, seconds=7.5
    )
    with pytest.raises(StoreError, match="0.2 before it"):
        reviews.add_verdicts([replace(later, inclusion_probability=0.2)])
    assert reviews.add_verdicts([later]) == 1
    row = reviews.verdicts(RUN).iloc[0]
    assert (row["source"], row["blind"], row["seconds"]) == ("audit", True, 7.5)


def test_the_majority_of_reviewers_counts_and_a_withdrawn_verdict_does_not(store):
    reviews = Reviews(store)

    def say(case, verdict, reviewer, label=None, minute=0):
        moment = NOON + timedelta(minutes=minute)
        reviews.add_verdicts([ReviewVerdict(RUN, case, verdict, reviewer, moment, label)])

    say(CASES[0], "right", "Ito")
    say(CASES[0], "wrong", "Abe", "boom")
    assert reviews.case_verdicts(RUN)["verdict"].tolist() == ["unsure"]
    say(CASES[0], "wrong", "Mori", "boom")
    say(CASES[1], "wrong", "Ito", "cab")
    say(CASES[1], "withdrawn", "Ito", minute=1)
    say(CASES[2], "wrong", "Ito", "cab")
    say(CASES[2], "wrong", "Abe", "boom")
    counted = reviews.case_verdicts(RUN)
    assert counted["case_id"].tolist() == [CASES[0], CASES[2]]
    assert counted["verdict"].tolist() == ["wrong", "wrong"]
    assert counted["label"].fillna("").tolist() == ["boom", ""]  # they agree on no label
    assert counted["reviewers"].tolist() == [3, 2]
    say(CASES[1], "right", "Ito", minute=2)
    assert len(reviews.case_verdicts(RUN)) == 3


def test_audited_cases_hold_every_decided_case_with_draw_and_answer(store):
    draw(store, CASES[:2], [0.3, 0.3], [0.05, 0.2])
    Reviews(store).add_verdicts([replace(VERDICT, audit=True, inclusion_probability=0.3)])
    frame = Audits(store).audited_cases(RUN, "line", 1)
    assert frame["case_id"].tolist() == list(CASES)
    assert frame["decision"].tolist() == ["accepted", "accepted", "review"]
    assert frame["verdict"].fillna("").tolist() == ["right", "", ""]
    np.testing.assert_array_equal(frame["u"], [0.05, 0.2, np.nan])
    assert len(Audits(store).audited_cases(RUN, "line", 2)) == 0


def test_gold_cases_are_added_once_and_another_certain_label_is_refused(store):
    audits = Audits(store)
    assert audits.add_gold_cases(RUN, CASES[:2], ["boom", "cab"], "Sato") == 2
    assert audits.add_gold_cases(RUN, CASES[:2], ["boom", "cab"], "Sato") == 0
    with pytest.raises(StoreError, match="is a gold case with label 'boom' already, not 'cab'"):
        audits.add_gold_cases(RUN, CASES[:1], ["cab"], "Sato")


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path):
    secret = audit_secret(tmp_path / "store")
    path = tmp_path / "store" / AUDIT_KEY_FILE
    assert len(secret) == 32
    assert audit_secret(tmp_path / "store") == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [AUDIT_KEY_FILE]
    path.write_bytes(b"short")
    with pytest.raises(StoreError, match="holds 5 bytes and not 32"):
        audit_secret(tmp_path / "store")
