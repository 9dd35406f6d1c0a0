"""Claims: which reviewer has which case in hand, so that no two people judge the same case.

A claim ends with an answer, a skip, or its time. Knows no order of cases: the caller brings it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from core.identity import Principal
from core.store import records
from core.store.entries import checked_text
from core.store.store import Store
from core.store.unscored import ALL_CASES

CLAIM_S = 900.0
# A reviewer's own open claim first, so that a reload shows the same case; skipped ones last.
_NEXT = """
    SELECT c.case_id, coalesce(o.own, false)
    FROM (SELECT unnest(?) AS case_id, unnest(?) AS needed, unnest(?) AS place) c
    LEFT JOIN (SELECT case_id, count(*) AS n, bool_or(reviewer = ?) AS mine
               FROM reviewer_verdicts WHERE run_id = ? GROUP BY case_id) v USING (case_id)
    LEFT JOIN (SELECT case_id, bool_or(reviewer <> ?) AS taken, bool_or(reviewer = ?) AS own
               FROM claims WHERE run_id = ? AND released IS NULL AND until > ?
               GROUP BY case_id) o USING (case_id)
    LEFT JOIN (SELECT DISTINCT case_id, true AS skipped FROM claims
               WHERE run_id = ? AND reviewer = ? AND released = 'skipped') s USING (case_id)
    WHERE NOT coalesce(v.mine, false) AND coalesce(v.n, 0) < c.needed
          AND NOT coalesce(o.taken, false)
    ORDER BY coalesce(o.own, false) DESC, coalesce(s.skipped, false), c.place LIMIT 1
"""


class Claims:
    """The claims of a store. Each method is one transaction, alone or in another.

    principal: who acts; None is the store's. Every write raises AccessError for a missing role.
    """

    def __init__(self, store: Store, principal: Principal | None = None):
        self.store, self.principal = store, principal or store.principal

    def claim_next(
        self,
        run_id: str,
        reviewer: str,
        case_ids: Sequence[str],
        needed: Sequence[int],
        seconds: float = CLAIM_S,
        claimed_at: datetime | None = None,
    ) -> str | None:
        """Claim the first case that this reviewer may judge; None if there is none.

        case_ids: candidates, the best first, each once, [n]. needed: how many reviewers each case
        needs, [n]. seconds: until the claim ends by itself. claimed_at: timezone-aware; None is the
        present time. A case that another reviewer has in hand, that this reviewer has judged, or
        that has its verdicts already is passed over. An open claim of the reviewer on one of the
        candidates is returned again; a case that the reviewer skipped comes last.
        """
        self.principal.require("review.verdict")
        name = self.principal.acting_as(checked_text(reviewer, "reviewer"))
        moment = _moment(claimed_at)
        if not len(case_ids):
            return None
        candidates = [list(case_ids), list(needed), list(range(len(case_ids)))]
        with self.store.atomic() as connection:
            row = connection.execute(
                _NEXT, [*candidates, name, run_id, name, name, run_id, moment, run_id, name]
            ).fetchone()
            if row is None:
                return None
            case_id, holds_claim = row
            if not holds_claim:
                connection.execute(
                    "INSERT INTO claims (run_id, case_id, reviewer, claimed_at, until)"
                    " VALUES (?, ?, ?, ?, ?)",
                    [run_id, case_id, name, moment, moment + timedelta(seconds=seconds)],
                )
            return str(case_id)

    def release(
        self,
        run_id: str,
        case_id: str,
        reviewer: str,
        how: str,
        released_at: datetime | None = None,
    ) -> float | None:
        """End the reviewer's open claim; return its seconds, None if there is none.

        run_id, case_id, reviewer: of the claim. how: "answered" or "skipped". released_at:
        timezone-aware; None is the present time. A claim that has run out is released too, if no
        one has claimed the case since.
        """
        self.principal.require("review.verdict")
        name, moment = self.principal.acting_as(reviewer), _moment(released_at)
        with self.store.atomic() as connection:
            row = connection.execute(
                "UPDATE claims SET released = ? WHERE run_id = ? AND case_id = ? AND reviewer = ?"
                " AND released IS NULL AND position = (SELECT max(position) FROM claims"
                " WHERE run_id = ? AND case_id = ?) RETURNING claimed_at",
                [how, run_id, case_id, name, run_id, case_id],
            ).fetchone()
        return None if row is None else (moment - row[0]).total_seconds()

    def case_text(self, run_id: str, case_id: str) -> str | None:
        """Return the text of a case; None if the run has no such case."""
        with self.store.reading() as connection:
            row = connection.execute(
                f"SELECT text FROM {ALL_CASES} WHERE run_id = ? AND case_id = ?",  # noqa: S608
                [run_id, case_id],
            ).fetchone()
        return None if row is None else str(row[0])


def _moment(value: datetime | None) -> datetime:
    return records.utc_now() if value is None else value.astimezone(UTC).replace(tzinfo=None)
