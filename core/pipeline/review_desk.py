"""A reviewer at the queue of a run: the cases that wait, an answer, a skip, an undo.

The page 'Queue' and the verb `queue` both go through here. Answers only grow: an undo adds a
withdrawal. Knows the store and the rules of the queue, not the screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from core.decision.review.review_queue import SECOND_SHARE, ReviewQueue, review_queue
from core.decision.staffing.headcount import BUSY_SHARE, REVIEW_MINUTES, SHIFT_HOURS
from core.errors import NotFoundError, StoreError
from core.store.audits import Audits
from core.store.claims import Claims
from core.store.entries import ReviewVerdict
from core.store.reviews import Reviews
from core.store.store import Store

_BEHIND = 200  # cases beyond the day and the next hour, for reviewers who pass some over


@dataclass(frozen=True)
class DeskTerms:
    """What a review is worth. escape, review: cost of one, in one currency. minutes: of a review.
    capacity_minutes: of all reviewers today, by default of one.
    """

    escape: float = 1.0
    review: float = 0.0
    minutes: float = REVIEW_MINUTES
    capacity_minutes: float = 60 * SHIFT_HOURS * BUSY_SHARE

    @property
    def limit(self) -> int:
        """How many cases are read: those of the day, of one more hour, and some behind them."""
        return int((self.capacity_minutes + 60) / self.minutes) + _BEHIND


def waiting_queue(store: Store, run_id: str, terms: DeskTerms) -> tuple[ReviewQueue, int]:
    """Return the next cases of a run in their order, and how many wait in all.

    Of blind cases, too, no more than the terms' limit are mixed in: an unlimited number of audits
    would leave a reviewer no time for the day's reviews.

    Raises NotFoundError for an unknown run and for one without decisions.
    """
    key = decided_version(store, run_id)
    rows = Audits(store).waiting_cases(run_id, *key, terms.limit, SECOND_SHARE)
    gold = Audits(store).gold_labels(run_id)
    total = int(rows["waiting"].iloc[0]) if len(rows) else 0
    return ordered_queue(rows, terms, gold), total


def ordered_queue(rows: pd.DataFrame, terms: DeskTerms, gold: Mapping[str, str]) -> ReviewQueue:
    """Return rows of Audits.waiting_cases in the order of the queue; gold: certain labels."""
    return review_queue(
        rows, terms.escape, terms.review, terms.minutes, terms.capacity_minutes, list(gold)
    )


def decided_version(store: Store, run_id: str) -> tuple[str, int]:
    """Return name and number of the policy that decided last. Raises NotFoundError without one."""
    store.run(run_id)
    applied = Reviews(store).applied_policies(run_id)
    if not applied:
        raise NotFoundError("pipeline.no_decisions", run=run_id)
    return applied[0].policy, applied[0].version


def waiting_case(store: Store, run_id: str, case_id: str) -> dict[str, Any]:
    """Return a case that waits, with `needed` and `blind` as of ReviewQueue.

    Raises NotFoundError for a case that is not decided, or that has its verdicts.
    """
    rows = Audits(store).audited_case(run_id, *decided_version(store, run_id), case_id)
    queue = ordered_queue(rows, DeskTerms(), Audits(store).gold_labels(run_id))
    if queue.cases.empty:
        raise NotFoundError("pipeline.case_not_waiting", case=case_id, run=run_id)
    return queue.cases.iloc[0].to_dict()


def last_verdicts(store: Store, run_id: str) -> pd.DataFrame:
    """Return the last verdict of each reviewer on each case, "withdrawn" among them."""
    return Reviews(store).verdicts(run_id).drop_duplicates(["case_id", "reviewer"], keep="last")


def answer_case(
    store: Store,
    run_id: str,
    reviewer: str,
    case: Mapping[str, Any],
    verdict: str | None,
    label: str | None,
) -> str | None:
    """Store an answer and end the claim, in one transaction; return the verdict that is stored.

    reviewer: a person's name. case: a row of ReviewQueue.cases, claimed by the reviewer. verdict:
    right, wrong or unsure; None follows from the label. label: what the person says it is; None
    where the person names none. Returns None, and stores nothing, if the claim ran out and another
    reviewer has the case.
    """
    case_id, blind = str(case["case_id"]), bool(case["blind"])
    audit = case["decision"] == "accepted" and bool(pd.notna(case["inclusion_probability"]))
    with store.atomic():
        seconds = Claims(store).release(run_id, case_id, reviewer, "answered")
        if seconds is None:
            return None
        if verdict is None:
            verdict = "right" if label == case["predicted"] else "wrong"
        answer = ReviewVerdict(
            *(run_id, case_id, verdict, reviewer, datetime.now(UTC), label, audit),
            float(case["inclusion_probability"]) if audit else None,
            "audit" if audit else "second" if blind else "review",
            blind,
            seconds,
        )
        Reviews(store).add_verdicts([answer])
    return verdict


def claim_and_answer(
    store: Store,
    run_id: str,
    reviewer: str,
    case_id: str,
    verdict: str | None,
    label: str | None,
) -> str:
    """Answer a case, claimed before or not, as `answer_case` does; return the stored verdict.

    Raises NotFoundError for a case that does not wait, StoreError for one that another reviewer has
    in hand or that this reviewer has judged.
    """
    with store.atomic():
        case = waiting_case(store, run_id, case_id)
        claimed = Claims(store).claim_next(run_id, reviewer, [case_id], [int(case["needed"])])
        stored = claimed and answer_case(store, run_id, reviewer, case, verdict, label)
    if not stored:
        raise StoreError("pipeline.case_taken", case=case_id, reviewer=reviewer)
    return stored


def withdraw_answer(store: Store, run_id: str, reviewer: str, case_id: str) -> None:
    """Withdraw the reviewer's answer on a case, which then waits again.

    Raises NotFoundError if the reviewer has no answer on it.
    """
    with store.atomic():
        verdicts = Reviews(store).verdicts(run_id)
        answers = verdicts[(verdicts["case_id"] == case_id) & (verdicts["reviewer"] == reviewer)]
        if answers.empty or answers["verdict"].iloc[-1] == "withdrawn":
            raise NotFoundError("pipeline.no_answer_of", case=case_id, reviewer=reviewer)
        Reviews(store).add_verdicts(
            [ReviewVerdict(run_id, case_id, "withdrawn", reviewer, datetime.now(UTC))]
        )
