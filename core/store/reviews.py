"""A policy's decisions on single cases, and people's verdicts: rows are added, never changed.

A decision records the version of its policy, the hash of the model that scored the case, its reason
and the state of the policy's certificate. Adding the same row again after a kill adds nothing;
another row under the same identity is refused. Knows no policy's content and no estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb
import numpy as np
import pandas as pd

from core.errors import SettingsError, StoreError
from core.identity import Principal
from core.store import intake, records
from core.store.entries import DECISIONS, EXPORTED_TABLES, ReviewVerdict, checked_choice
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent
from core.store.unscored import ALL_CASES

_VERDICT = (
    'run_id, case_id, label, verdict, reviewer, "at", audit, inclusion_probability, source, blind, '
    "seconds"
)
_DECISION = (
    'run_id, case_id, decision, policy, policy_version, model_hash, "at", reason, certificate'
)
_PREDICTION = (
    'case_id, "row", segment, text, label, predicted, outcome, confidence, total, aleatoric, '
    "epistemic, occurred_at, value"
)
# Lists as parameters: row by row, DuckDB takes a millisecond for each.
_NEW_DECISIONS = "SELECT unnest(?) AS case_id, unnest(?) AS decision, unnest(?) AS reason"
_BY_VERSION = "run_id = ? AND policy = ? AND policy_version = ?"


@dataclass(frozen=True)
class AppliedPolicy:
    """A version of a policy with the number of cases of a run that it decided."""

    policy: str
    version: int
    certificate: str | None  # state at the last decision; None in rows from before it was recorded
    model_hash: str
    last_at: datetime  # UTC
    accepted: int
    review: int


class Reviews:
    """Verdicts and decisions of a store. Each method is one transaction, alone or in another.

    principal: who acts; None is the store's. Every write raises AccessError for a missing role.
    """

    def __init__(self, store: Store, principal: Principal | None = None):
        self.store, self.principal = store, principal or store.principal
        self._trail = AuditTrail(store)

    # --- verdicts

    def add_verdicts(self, verdicts: Sequence[ReviewVerdict]) -> int:
        """Add all verdicts or none; return how many are new.

        Run, case, reviewer and time identify a verdict. Raises NotFoundError for an unknown run or
        case, SettingsError for "right", or "wrong" without a label, of a case that the model gave no
        answer for, StoreError for another verdict under the same identity, and for an audit without
        a draw of the same inclusion probability before it.
        """
        self.principal.require("review.verdict")
        verdicts = [
            replace(verdict, reviewer=self.principal.acting_as(verdict.reviewer))
            for verdict in verdicts
        ]
        with self.store.atomic() as connection:
            for run_id in sorted({verdict.run_id for verdict in verdicts}):
                self.store.run(run_id)
                case_ids = [verdict.case_id for verdict in verdicts if verdict.run_id == run_id]
                intake.require_cases(connection, run_id, case_ids)
                _require_answers(connection, run_id, verdicts)
            added = [verdict for verdict in verdicts if _add_verdict(connection, verdict)]
            self._trail.append(self.principal, [_verdict_event(verdict) for verdict in added])
            return len(added)

    def verdicts(self, run_id: str) -> pd.DataFrame:
        """Return all verdicts of a run in the order of their arrival.

        The last verdict of each reviewer on a case counts. Columns: run_id, case_id, label,
        verdict, reviewer, at (UTC), audit, inclusion_probability (NaN without audit), source,
        blind, seconds (NaN if unmeasured).
        """
        with self.store.reading() as connection:
            query = f"SELECT {_VERDICT} FROM verdicts WHERE run_id = ? ORDER BY position"  # noqa: S608
            return connection.execute(query, [run_id]).df()

    def case_verdicts(self, run_id: str) -> pd.DataFrame:
        """Return what counts of each case with a verdict, a row a case.

        Of several reviewers the majority counts; a tie is "unsure". Withdrawn verdicts count
        nothing. Columns: case_id, verdict, label (None unless all who agree name the same),
        reviewers (how many), audit, blind (all of them), at (UTC, the last).
        """
        with self.store.reading() as connection:
            return connection.execute(
                "SELECT * EXCLUDE (run_id) FROM case_verdicts WHERE run_id = ? ORDER BY case_id",
                [run_id],
            ).df()

    # --- decisions

    def add_decisions(
        self,
        run_id: str,
        case_ids: Sequence[str],
        accepted: np.ndarray,
        policy: str,
        version: int,
        reasons: Sequence[str] | None = None,
        certificate: str | None = None,
    ) -> int:
        """Add the decisions of a version of a policy, all or none; return how many rows are new.

        case_ids: each case once, [n]. accepted: [n] of bool, False is review. reasons: one word per
        case, [n]; None records none. certificate: "valid", "none", or what voids it. Raises
        NotFoundError for an unknown run, case or policy, SettingsError for a repeated case or for
        decisions that are not bool, StoreError if the version decided a case otherwise before.
        """
        self.principal.require("decisions.apply")
        accepted, ids = np.asarray(accepted), list(case_ids)
        words_of_cases: list[str | None] = (
            [None] * len(ids) if reasons is None else [str(reason) for reason in reasons]
        )
        if accepted.dtype != bool or accepted.shape != (len(ids),) or len(set(ids)) != len(ids):
            raise SettingsError(
                "store.decisions_shape",
                type=str(accepted.dtype),
                shape=str(accepted.shape),
                cases=len(ids),
                different=len(set(ids)),
            )
        words = np.where(accepted, *DECISIONS).tolist()
        with self.store.atomic() as connection:
            model_hash = self.store.run(run_id).run.model_hash
            Ledger(self.store).policy(policy, version)
            intake.require_cases(connection, run_id, ids)
            decided = _cases_decided_alike(connection, run_id, ids, words, policy, version)
            new = [
                row for row in zip(ids, words, words_of_cases, strict=True) if row[0] not in decided
            ]
            if new:
                connection.execute(
                    f"INSERT INTO decisions ({_DECISION})"  # noqa: S608
                    f" SELECT ?, case_id, decision, ?, ?, ?, ?, reason, ? FROM ({_NEW_DECISIONS})",
                    [
                        *(run_id, policy, version, model_hash, records.utc_now(), certificate),
                        *map(list, zip(*new, strict=True)),
                    ],
                )
                self._record_decisions(run_id, new, policy, version)
            return len(new)

    def _record_decisions(self, run_id: str, new: list[tuple], policy: str, version: int) -> None:
        """Add an entry for a batch of decisions [(case_id, decision, reason)] to the trail."""
        lines = "\n".join("\x1f".join(map(str, row)) for row in sorted(new, key=lambda row: row[0]))
        details = {
            "policy": policy,
            "version": version,
            "accepted": sum(row[1] == DECISIONS[0] for row in new),
            "review": sum(row[1] == DECISIONS[1] for row in new),
            "sha256": records.text_hash(lines),
        }
        event = TrailEvent("decisions.apply", self.principal.name, run_id, details)
        self._trail.append(self.principal, [event])

    def record_export(self, run_id: str, policy: str, version: int, file_format: str) -> None:
        """Record in the audit trail that a version's decisions leave as a file.

        run_id: the scoring run. policy, version: the policy's. file_format: such as "csv". Raises
        AccessError for a missing role: call it before the file is made.
        """
        self.principal.require("decisions.export")
        details = {"policy": policy, "version": version, "format": file_format}
        event = TrailEvent("decisions.export", self.principal.name, run_id, details)
        self._trail.append(self.principal, [event])

    def record_table_export(self, run_id: str, table: str, file_format: str) -> None:
        """Record in the audit trail that what people answered about a run leaves as a file.

        table: one of EXPORTED_TABLES. Raises AccessError for a missing role, SettingsError for
        another table: call it before the file is made.
        """
        self.principal.require("decisions.export")
        checked_choice(table, EXPORTED_TABLES, "table")
        details = {"table": table, "format": file_format}
        event = TrailEvent("decisions.export", self.principal.name, run_id, details)
        self._trail.append(self.principal, [event])

    def undecided_cases(self, run_id: str, policy: str, version: int, limit: int) -> pd.DataFrame:
        """Return up to `limit` cases that this version has not decided, in any order.

        run_id: the scoring run. policy, version: the policy's. Columns: case_id, segment,
        predicted, confidence, epistemic (nats), novelty (NaN if unknown).
        """
        with self.store.reading() as connection:
            return connection.execute(
                "SELECT case_id, segment, predicted, confidence, epistemic, novelty"  # noqa: S608
                f" FROM {ALL_CASES} p"
                f" ANTI JOIN (SELECT case_id FROM decisions WHERE {_BY_VERSION}) USING (case_id)"
                " WHERE p.run_id = ? LIMIT ?",
                [run_id, policy, version, run_id, limit],
            ).df()

    def decisions(
        self, run_id: str, policy: str | None = None, version: int | None = None
    ) -> pd.DataFrame:
        """Return a run's decisions in the order of their arrival, for all policies or for one.

        Columns: run_id, case_id, decision, policy, policy_version, model_hash, at (UTC), reason,
        certificate.
        """
        with self.store.reading() as connection:
            return connection.execute(
                f"SELECT {_DECISION} FROM decisions WHERE run_id = ?"  # noqa: S608
                " AND (CAST(? AS VARCHAR) IS NULL OR policy = ?)"
                " AND (CAST(? AS INTEGER) IS NULL OR policy_version = ?) ORDER BY position",
                [run_id, policy, policy, version, version],
            ).df()

    def applied_policies(self, run_id: str) -> list[AppliedPolicy]:
        """Return the versions that decided cases of the run, the one that decided last first."""
        with self.store.reading() as connection:
            rows = connection.execute(
                "SELECT policy, policy_version, arg_max(certificate, position),"
                ' arg_max(model_hash, position), max("at"),'
                " count(*) FILTER (decision = 'accepted'), count(*) FILTER (decision = 'review')"
                " FROM decisions WHERE run_id = ? GROUP BY policy, policy_version"
                " ORDER BY max(position) DESC",
                [run_id],
            ).fetchall()
        return [
            AppliedPolicy(name, version, certificate, model, last_at.replace(tzinfo=UTC), *counts)
            for name, version, certificate, model, last_at, *counts in rows
        ]

    def decided_cases(
        self, run_id: str, policy: str, version: int, limit: int | None = None, **equal: str
    ) -> pd.DataFrame:
        """Return predictions with this version's decision, in the order of the run's file.

        run_id: the scoring run. policy, version: the policy's. limit: rows at most; None is all.
        equal: required values of the columns decision, reason, segment or predicted. Columns: those
        of a prediction without its probabilities, then decision, reason, policy, policy_version,
        certificate, model_hash, at (UTC), audit_probability (of an accepted case that is drawn for
        an audit, NaN for all others). Raises NotFoundError for an unknown run, SettingsError
        for another column in `equal`.
        """
        filters = "".join(f" AND {_filter_column(name)} = ?" for name in equal)
        with self.store.reading() as connection:
            self.store.run(run_id)
            return connection.execute(
                f"SELECT {_PREDICTION}, decision, reason, policy, policy_version, certificate,"  # noqa: S608
                " model_hash, \"at\", CASE WHEN decision = 'accepted' THEN audit_probability END"
                f" AS audit_probability FROM {ALL_CASES} p JOIN"
                f" (SELECT * EXCLUDE (run_id, position) FROM decisions WHERE {_BY_VERSION}) d"
                " USING (case_id) LEFT JOIN (SELECT case_id, max(inclusion_probability) AS"
                f" audit_probability FROM draws WHERE {_BY_VERSION} GROUP BY case_id)"
                f' USING (case_id) WHERE p.run_id = ?{filters} ORDER BY "row", case_id LIMIT ?',
                [*(run_id, policy, version) * 2, run_id, *equal.values(), limit],
            ).df()

    def decision_counts(self, run_id: str, policy: str, version: int) -> pd.DataFrame:
        """Return counts n of this version's decisions by segment, predicted, decision and reason."""
        with self.store.reading() as connection:
            return connection.execute(
                f"SELECT segment, predicted, decision, reason, count(*) AS n FROM {ALL_CASES} p"  # noqa: S608
                f" JOIN (SELECT case_id, decision, reason FROM decisions WHERE {_BY_VERSION})"
                " USING (case_id) WHERE p.run_id = ? GROUP BY ALL ORDER BY ALL",
                [run_id, policy, version, run_id],
            ).df()


def _filter_column(name: str) -> str:
    """Return `name` if decided cases may be filtered by that column. Raises SettingsError."""
    # The name goes into SQL as it is, so only these four pass.
    if name not in ("decision", "reason", "segment", "predicted"):
        raise SettingsError("store.no_filter", column=name)
    return name


def _verdict_event(verdict: ReviewVerdict) -> TrailEvent:
    details = {"case": verdict.case_id, "verdict": verdict.verdict, "audit": verdict.audit}
    return TrailEvent("review.verdict", verdict.reviewer, verdict.run_id, details)


def _require_answers(
    connection: duckdb.DuckDBPyConnection, run_id: str, verdicts: Sequence[ReviewVerdict]
) -> None:
    # Such a verdict is about the model's answer: of a case without one it would say nothing.
    about_answer = [
        verdict.case_id
        for verdict in verdicts
        if verdict.run_id == run_id
        and (verdict.verdict == "right" or (verdict.verdict == "wrong" and verdict.label is None))
    ]
    unscored = intake.unscored_among(connection, run_id, about_answer)
    if unscored:
        raise SettingsError("store.verdict_no_answer", case=min(unscored))


def _add_verdict(connection: duckdb.DuckDBPyConnection, verdict: ReviewVerdict) -> bool:
    """Add a verdict; return whether it is new. Raises StoreError for another under its identity,
    and for an audit without an earlier draw.
    """
    recorded_at = verdict.judged_at.astimezone(UTC).replace(tzinfo=None)
    values = (
        verdict.run_id,
        verdict.case_id,
        verdict.label,
        verdict.verdict,
        verdict.reviewer,
        recorded_at,
        verdict.audit,
        verdict.inclusion_probability,
        verdict.source,
        verdict.blind,
        verdict.seconds,
    )
    query = f'SELECT {_VERDICT} FROM verdicts WHERE run_id = ? AND case_id = ? AND reviewer = ? AND "at" = ?'  # noqa: S608
    stored = connection.execute(
        query, [verdict.run_id, verdict.case_id, verdict.reviewer, recorded_at]
    ).fetchone()
    if stored not in (None, values):
        raise StoreError(
            "store.other_verdict",
            reviewer=verdict.reviewer,
            old=stored[3],
            case=verdict.case_id,
            at=str(recorded_at),
            new=verdict.verdict,
        )
    if stored is None:
        if verdict.audit:
            _require_draw(connection, verdict, recorded_at)
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO verdicts ({_VERDICT}) VALUES ({marks})", list(values))  # noqa: S608
    return stored is None


def _require_draw(
    connection: duckdb.DuckDBPyConnection, verdict: ReviewVerdict, recorded_at: datetime
) -> None:
    # A case called an audit after its answer is known would bias every estimate.
    drawn = connection.execute(
        "SELECT 1 FROM draws WHERE run_id = ? AND case_id = ? AND inclusion_probability = ?"
        " AND drawn_at <= ? LIMIT 1",
        [verdict.run_id, verdict.case_id, verdict.inclusion_probability, recorded_at],
    ).fetchone()
    if drawn is None:
        raise StoreError(
            "store.no_draw",
            case=verdict.case_id,
            probability=verdict.inclusion_probability,
            at=str(recorded_at),
        )


def _cases_decided_alike(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    ids: list[str],
    words: list[str],
    policy: str,
    version: int,
) -> set[str]:
    """Return the cases that this version decided before, in the same way.

    Raises StoreError if it decided one of them otherwise.
    """
    rows = connection.execute(
        "SELECT d.case_id, d.decision, g.decision FROM decisions d"  # noqa: S608
        " JOIN (SELECT unnest(?) AS case_id, unnest(?) AS decision) g ON g.case_id = d.case_id"
        f" WHERE d.{_BY_VERSION} ORDER BY d.case_id",
        [ids, words, run_id, policy, version],
    ).fetchall()
    for case_id, old, new in rows:
        if old != new:
            raise StoreError(
                "store.other_decision",
                policy=policy,
                version=version,
                old=old,
                case=case_id,
                new=new,
            )
    return {case_id for case_id, _, _ in rows}
