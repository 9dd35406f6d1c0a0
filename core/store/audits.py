"""Audit draws and gold cases of a store, and audited cases as a frame for the estimates.

A draw is stored before anybody judges its case, with the probability that it had. Knows no rule of
drawing and no estimate: core.decision.audits has both.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from core.errors import SettingsError, StoreError
from core.identity import Principal
from core.store import intake, records
from core.store.entries import checked_text
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent
from core.store.unscored import ALL_CASES

_BY_VERSION = "run_id = $run AND policy = $policy AND policy_version = $version"
# Lists as parameters: row by row, DuckDB takes a millisecond for each.
_NEW = """
    SELECT unnest($ids) AS case_id, unnest($strata) AS stratum,
           unnest($probabilities) AS inclusion_probability, unnest($numbers) AS u
"""
# A case drawn again at a higher share had the higher probability.
_DRAWN = f"""
    SELECT case_id, arg_max(stratum, inclusion_probability) AS stratum,
           max(inclusion_probability) AS inclusion_probability, any_value(u) AS u,
           min(drawn_at) AS drawn_at
    FROM draws WHERE {_BY_VERSION} GROUP BY case_id
"""  # noqa: S608
# Every decided case with its draw and what people say of it.
_AUDITED = f"""
    SELECT p.case_id, p."row", p.segment, p.predicted, p.label, p.outcome, p.confidence,
           p.epistemic, p.occurred_at, p.value, d.decision, d.reason, r.stratum,
           r.inclusion_probability, r.u, r.drawn_at, v.verdict, v.label AS verdict_label,
           v.reviewers, v.audit, v.blind, v."at" AS verdict_at
    FROM {{cases}} p
    JOIN (SELECT case_id, decision, reason FROM decisions WHERE {_BY_VERSION}) d USING (case_id)
    LEFT JOIN ({_DRAWN}) r USING (case_id)
    LEFT JOIN (FROM case_verdicts WHERE run_id = $run) v USING (case_id)
    WHERE p.run_id = $run
"""  # noqa: S608
# Of the cases that wait, the first of each kind: blind ones by their number, others by confidence.
# core.decision.review.review_queue has the same rules on a frame; this query leaves out what is far
# behind.
_WAITING = f"""
    WITH people AS (
        SELECT *, decision = 'review' AS review,
               case_id IN (SELECT case_id FROM gold_cases WHERE run_id = $run) AS gold,
               left(sha256('second|' || case_id), 12) < $second AS second
        FROM ({_AUDITED.format(cases=ALL_CASES)})
        WHERE decision = 'review' OR u IS NOT NULL
              OR case_id IN (SELECT case_id FROM gold_cases WHERE run_id = $run)),
    needs AS (
        SELECT *, u IS NOT NULL AND NOT review OR gold OR second AND review AS hidden,
               CASE WHEN gold THEN 1000000 WHEN verdict = 'unsure' AND reviewers >= 2 THEN 3
                    WHEN second AND review THEN 2 ELSE 1 END AS needed
        FROM people)
    SELECT * EXCLUDE (review, gold, second, hidden, needed), count(*) OVER () AS waiting FROM needs
    WHERE coalesce(reviewers, 0) < needed
    QUALIFY row_number() OVER (PARTITION BY hidden ORDER BY CASE WHEN hidden THEN u END NULLS LAST,
                               confidence NULLS FIRST, "row", case_id) <= $limit
    ORDER BY "row", case_id
"""  # noqa: S608


class Audits:
    """Draws and gold cases of a store. Each method is one transaction, alone or in another."""

    def __init__(self, store: Store, principal: Principal | None = None):
        self.store, self.principal = store, principal or store.principal
        self._trail = AuditTrail(store)

    def add_draws(
        self,
        run_id: str,
        policy: str,
        version: int,
        case_ids: Sequence[str],
        strata: Sequence[str],
        probabilities: np.ndarray,
        numbers: np.ndarray,
        drawn_at: datetime | None = None,
    ) -> int:
        """Add the draws of a version of a policy, all or none; return how many rows are new.

        case_ids: the drawn cases, each once, [n]. strata: a word for each, [n]. probabilities: the
        inclusion probability of each, in (0, 1], [n]. numbers: the permanent random number of each,
        in [0, probability), [n]. drawn_at: timezone-aware; None is the present time. A draw with
        the stored probability or a lower one adds nothing. Raises NotFoundError for an unknown
        run, case or policy, SettingsError for values outside these ranges, StoreError for a case
        with another number in the store.
        """
        self.principal.require("review.draw")
        ids = list(case_ids)
        pi, u = (np.asarray(x, dtype=np.float64) for x in (probabilities, numbers))
        # NaN fails both comparisons, and so is refused.
        if pi.shape != (len(ids),) or u.shape != pi.shape or len(set(ids)) != len(ids):
            raise SettingsError("store.draws_shape", cases=len(ids), n=len(pi), numbers=len(u))
        if not ((pi > 0) & (pi <= 1) & (u >= 0) & (u < pi)).all():
            raise SettingsError("store.draw_values")
        rows = _key(run_id, policy, version) | {"ids": ids, "strata": list(strata)}
        rows |= {"probabilities": pi.tolist(), "numbers": u.tolist()}
        moment = records.utc_now() if drawn_at is None else drawn_at.astimezone(UTC)
        with self.store.atomic() as connection:
            self.store.run(run_id)
            Ledger(self.store).policy(policy, version)
            if not ids:
                return 0
            intake.require_cases(connection, run_id, ids)
            mismatch = connection.execute(
                f"SELECT case_id FROM ({_NEW}) n JOIN ({_DRAWN}) d USING (case_id) WHERE n.u <> d.u"  # noqa: S608
                " ORDER BY case_id LIMIT 1",
                rows,
            ).fetchone()
            if mismatch is not None:
                raise StoreError("store.other_draw", case=mismatch[0])
            (added,) = connection.execute(
                "INSERT INTO draws SELECT $run, case_id, $policy, $version, n.stratum,"  # noqa: S608
                f" n.inclusion_probability, n.u, $moment FROM ({_NEW}) n"
                f" LEFT JOIN ({_DRAWN}) d USING (case_id)"
                " WHERE d.case_id IS NULL OR n.inclusion_probability > d.inclusion_probability",
                rows | {"moment": moment.replace(tzinfo=None)},
            ).fetchone() or (0,)
            if added:
                self._record(
                    "review.draw", self.principal.name, run_id, policy=policy, n=int(added)
                )
            return int(added)

    def accepted_cases(self, run_id: str, policy: str, version: int) -> pd.DataFrame:
        """Return the accepted cases of a version: case_id, predicted, confidence."""
        with self.store.reading() as connection:
            self.store.run(run_id)
            return connection.execute(
                "SELECT p.case_id, p.predicted, p.confidence FROM predictions p"  # noqa: S608
                f" JOIN (SELECT case_id FROM decisions WHERE {_BY_VERSION}"
                " AND decision = 'accepted') USING (case_id) WHERE p.run_id = $run"
                " ORDER BY p.case_id",
                _key(run_id, policy, version),
            ).df()

    def draws(self, run_id: str, policy: str, version: int) -> pd.DataFrame:
        """Return the drawn cases of a version, a row a case, ordered by case.

        Columns: case_id, stratum, inclusion_probability (the highest), u, drawn_at (UTC, the
        first draw).
        """
        with self.store.reading() as connection:
            return connection.execute(
                f"SELECT * FROM ({_DRAWN}) ORDER BY case_id",  # noqa: S608
                _key(run_id, policy, version),
            ).df()

    def draw_history(self, run_id: str, policy: str, version: int) -> pd.DataFrame:
        """Return every draw of a version: case_id, inclusion_probability, drawn_at (UTC)."""
        with self.store.reading() as connection:
            return connection.execute(
                "SELECT case_id, inclusion_probability, drawn_at FROM draws"  # noqa: S608
                f" WHERE {_BY_VERSION} ORDER BY drawn_at, case_id",
                _key(run_id, policy, version),
            ).df()

    def audited_cases(
        self, run_id: str, policy: str, version: int, unscored: bool = False
    ) -> pd.DataFrame:
        """Return every case that a version decided, with its draw and what people said of it.

        run_id: the scoring run. policy, version: the policy's. unscored: also return the cases that
        the model gave no answer for, without a number. A row a case, in the order of the run's
        file. Columns: case_id, row, segment, predicted, label and outcome (those of the
        file), confidence, epistemic (nats), occurred_at, value; decision, reason; stratum,
        inclusion_probability, u, drawn_at (UTC), all missing if the case was not drawn; verdict
        (right, wrong or unsure; None without one), verdict_label, reviewers, audit, blind,
        verdict_at (UTC). Raises NotFoundError for an unknown run.
        """
        cases = ALL_CASES if unscored else "predictions"
        return self._audited(run_id, policy, version, _AUDITED.format(cases=cases))

    def examined_cases(self, run_id: str, policy: str, version: int) -> pd.DataFrame:
        """Return the rows of `audited_cases` that are drawn or have a verdict."""
        query = _AUDITED.format(cases="predictions")
        return self._audited(
            run_id, policy, version, f"{query} AND (r.u IS NOT NULL OR v.verdict IS NOT NULL)"
        )

    def audited_case(self, run_id: str, policy: str, version: int, case_id: str) -> pd.DataFrame:
        """Return the row of `audited_cases` of a case, scored or not; none if it is not decided."""
        query = f"{_AUDITED.format(cases=ALL_CASES)} AND p.case_id = $case"
        return self._audited(run_id, policy, version, query, case=case_id)

    def _audited(
        self, run_id: str, policy: str, version: int, query: str, **values: str
    ) -> pd.DataFrame:
        with self.store.reading() as connection:
            self.store.run(run_id)
            return connection.execute(
                f'{query} ORDER BY p."row", p.case_id', _key(run_id, policy, version) | values
            ).df()

    def waiting_cases(
        self, run_id: str, policy: str, version: int, limit: int, second_share: float
    ) -> pd.DataFrame:
        """Return rows of `audited_cases` that wait for a reviewer: the most urgent of each kind.

        run_id: the scoring run. policy, version: the policy's. limit: rows at most of those judged
        blind, which come by their numbers, and of the others, which come by their confidence.
        second_share: of the reviewed cases, which two people judge. Further column: waiting, how
        many cases wait in all. Raises NotFoundError for an unknown run.
        """
        limits = {"second": f"{math.ceil(second_share * 2**48):012x}", "limit": limit}
        with self.store.reading() as connection:
            self.store.run(run_id)
            return connection.execute(_WAITING, _key(run_id, policy, version) | limits).df()

    # --- gold cases

    def add_gold_cases(
        self, run_id: str, case_ids: Sequence[str], labels: Sequence[str], author: str
    ) -> int:
        """Mark cases whose label is certain; return how many are new.

        case_ids, labels: [n]. author: a person's name. A gold case tests its reviewers, so no queue
        shows which cases are gold. Raises NotFoundError for an unknown run or case, StoreError for
        a case with another certain label.
        """
        ids, names = list(case_ids), [checked_text(label, "label") for label in labels]
        self.principal.require("review.gold")
        author = self.principal.acting_as(checked_text(author, "author"))
        with self.store.atomic() as connection:
            self.store.run(run_id)
            intake.require_cases(connection, run_id, ids)
            stored = self.gold_labels(run_id)
            new = dict(zip(ids, names, strict=True))
            for case_id, label in new.items():
                if stored.get(case_id, label) != label:
                    raise StoreError(
                        "store.other_gold", case=case_id, old=stored[case_id], new=label
                    )
            added = [case_id for case_id in new if case_id not in stored]
            if added:
                connection.execute(
                    "INSERT INTO gold_cases SELECT ?, unnest(?), unnest(?), ?, ?",
                    [run_id, added, [new[c] for c in added], author, records.utc_now()],
                )
                self._record("review.gold", author, run_id, n=len(added))
            return len(added)

    def _record(self, action: str, actor: str, run_id: str, **details: object) -> None:
        self._trail.append(self.principal, [TrailEvent(action, actor, run_id, details)])

    def gold_labels(self, run_id: str) -> dict[str, str]:
        """Return {case_id: certain label}. Keep it from reviewers."""
        with self.store.reading() as connection:
            rows = connection.execute(
                "SELECT case_id, label FROM gold_cases WHERE run_id = ?", [run_id]
            ).fetchall()
        return dict(rows)


def _key(run_id: str, policy: str, version: int) -> dict[str, Any]:
    """Return the parameters of _BY_VERSION."""
    return {"run": run_id, "policy": policy, "version": version}
