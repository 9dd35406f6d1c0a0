"""What was decided of single cases, and what people said of them: added, never changed, one small
method a query.

A decision keeps the version of the policy that made it and the hash of the model that scored it.
Adding the same again after a kill adds nothing; adding something else under the same identity is
refused. Knows no policy's content and no estimate.
"""

from collections.abc import Sequence
from datetime import UTC

import duckdb
import numpy as np
import pandas as pd

from core.errors import NotFoundError, SettingsError, StoreError
from core.store import intake, records
from core.store.entries import DECISIONS, Verdict
from core.store.ledger import Ledger
from core.store.store import Store

_VERDICT = 'run_id, case_id, label, verdict, reviewer, "at", audit, inclusion_probability'
_DECISION = 'run_id, case_id, decision, policy, policy_version, model_hash, "at"'
# Lists as parameters: row by row DuckDB takes a millisecond for each.
_GIVEN = "SELECT unnest(?) AS case_id, unnest(?) AS decision"


class Reviews:
    """Verdicts and decisions of a store. Every method is one transaction, and may be part of a
    longer one.
    """

    def __init__(self, store: Store):
        self.store = store

    # --- verdicts
    # ------------------------------------------------------------------------------------------------------------

    def add_verdicts(self, verdicts: Sequence[Verdict]) -> int:
        """Add them, all or none; return how many are new: the same run, case, reviewer and time
        again is the same verdict.

        Raises NotFoundError for a run or case that is not there, StoreError for another verdict
        under the same identity.
        """
        with self.store.atomic() as connection:
            for run_id in sorted({one.run_id for one in verdicts}):
                self.store.run(run_id)
                _require_cases(
                    connection, run_id, [one.case_id for one in verdicts if one.run_id == run_id]
                )
            return sum(_add_verdict(connection, one) for one in verdicts)

    def verdicts(self, run_id: str) -> pd.DataFrame:
        """All verdicts of a run, in the order in which they came: the last one of a case counts.
        Times are UTC.

        Columns: run_id, case_id, label, verdict, reviewer, at, audit, inclusion_probability (NaN
        without audit).
        """
        with self.store.atomic() as connection:
            query = f"SELECT {_VERDICT} FROM verdicts WHERE run_id = ? ORDER BY position"  # noqa: S608
            return connection.execute(query, [run_id]).df()

    # --- decisions
    # -----------------------------------------------------------------------------------------------------------

    def add_decisions(
        self, run_id: str, case_ids: Sequence[str], accepted: np.ndarray, policy: str, version: int
    ) -> int:
        """Add what a policy's version decided: accepted [n] of bool, False is review. All or none;
        returns how many are new.

        Raises NotFoundError for a run, case or policy that is not there, SettingsError for a case
        given twice or for decisions that are not bool, StoreError where the same version has
        decided otherwise before.
        """
        accepted, ids = np.asarray(accepted), list(case_ids)
        if accepted.dtype != bool or accepted.shape != (len(ids),) or len(set(ids)) != len(ids):
            raise SettingsError(
                f"decisions of type {accepted.dtype} and shape {accepted.shape} for {len(ids)} cases, {len(set(ids))} of them "
                "different, are not allowed: give each case once, with True or False"
            )
        words = np.where(accepted, *DECISIONS).tolist()
        with self.store.atomic() as connection:
            model_hash = self.store.run(run_id).run.model_hash
            Ledger(self.store).policy(policy, version)
            _require_cases(connection, run_id, ids)
            known = _refuse_other_decisions(connection, run_id, ids, words, policy, version)
            new = [
                (case_id, word)
                for case_id, word in zip(ids, words, strict=True)
                if case_id not in known
            ]
            connection.execute(
                f"INSERT INTO decisions ({_DECISION}) SELECT ?, case_id, decision, ?, ?, ?, ? FROM ({_GIVEN})",  # noqa: S608
                [
                    run_id,
                    policy,
                    version,
                    model_hash,
                    records.now(),
                    *map(list, zip(*new, strict=True) if new else ([], [])),
                ],
            )
            return len(new)

    def decisions(
        self, run_id: str, policy: str | None = None, version: int | None = None
    ) -> pd.DataFrame:
        """A run's decisions in the order in which they came, by all policies or by one, or one
        version of it. Times are UTC.

        Columns: run_id, case_id, decision, policy, policy_version, model_hash, at.
        """
        with self.store.atomic() as connection:
            return connection.execute(
                f"SELECT {_DECISION} FROM decisions WHERE run_id = ? AND (CAST(? AS VARCHAR) IS NULL OR policy = ?)"  # noqa: S608
                " AND (CAST(? AS INTEGER) IS NULL OR policy_version = ?) ORDER BY position",
                [run_id, policy, policy, version, version],
            ).df()


def _require_cases(connection: duckdb.DuckDBPyConnection, run_id: str, case_ids: list[str]) -> None:
    missing = (
        sorted(set(case_ids) - intake.known_cases(connection, run_id, case_ids)) if case_ids else []
    )
    if missing:
        raise NotFoundError(
            f"run {run_id!r} has no case {missing[0]!r}: {len(missing)} of {len(case_ids)} are not there"
        )


def _add_verdict(connection: duckdb.DuckDBPyConnection, one: Verdict) -> bool:
    """Whether it was new."""
    at = one.at.astimezone(UTC).replace(tzinfo=None)
    values = (
        one.run_id,
        one.case_id,
        one.label,
        one.verdict,
        one.reviewer,
        at,
        one.audit,
        one.inclusion_probability,
    )
    query = f'SELECT {_VERDICT} FROM verdicts WHERE run_id = ? AND case_id = ? AND reviewer = ? AND "at" = ?'  # noqa: S608
    known = connection.execute(query, [one.run_id, one.case_id, one.reviewer, at]).fetchone()
    if known not in (None, values):
        raise StoreError(
            f"{one.reviewer!r} has said {known[3]!r} of case {one.case_id!r} at {at} already, not {one.verdict!r}"
        )
    if known is None:
        connection.execute(
            f"INSERT INTO verdicts ({_VERDICT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            list(values),
        )
    return known is None


def _refuse_other_decisions(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    ids: list[str],
    words: list[str],
    policy: str,
    version: int,
) -> set[str]:
    """The cases that this version has decided already, in the same way; StoreError where it was
    another.
    """
    rows = connection.execute(
        f"SELECT d.case_id, d.decision, g.decision FROM decisions d JOIN ({_GIVEN}) g ON g.case_id = d.case_id"  # noqa: S608
        " WHERE d.run_id = ? AND d.policy = ? AND d.policy_version = ? ORDER BY d.case_id",
        [ids, words, run_id, policy, version],
    ).fetchall()
    for case_id, old, new in rows:
        if old != new:
            raise StoreError(
                f"policy {policy!r} version {version} has decided {old!r} of case {case_id!r} already, not {new!r}"
            )
    return {case_id for case_id, _, _ in rows}
