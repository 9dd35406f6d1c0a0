"""Class probabilities of each of a teacher's N samples: added once per part, never changed.

Predictions hold the mean over samples, which cannot tell ten models that are half sure from ten
that are sure of different labels. A case's N x K probabilities are flattened into one FLOAT[],
sample by sample: 480 bytes for 10 samples of 12 labels. Knows the tables samples and predictions,
and no meaning of a vote.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from core.errors import NonFiniteError, NotFoundError, StoreError
from core.store.file import only_row
from core.store.parts import PART_SCHEMA, SUM_TOLERANCE
from core.store.store import Store

_CASE = ", ".join(f'p."{name}"' for name in PART_SCHEMA.names)


@dataclass(frozen=True)
class Below:
    """Exact counts of a run's cases with less aleatoric, and less epistemic, than given values."""

    n: int
    aleatoric: int
    epistemic: int


class Samples:
    """The samples of a store. Each method is one transaction, alone or within another."""

    def __init__(self, store: Store):
        self.store = store

    def add(
        self, run_id: str, part: int, case_ids: Sequence[str], probabilities: np.ndarray
    ) -> int:
        """Add the samples of cases of an ingested part; return how many cases are new.

        case_ids: [n], each once. probabilities: [N, n, K], with the run's N samples and K labels.
        Adding the same samples again adds nothing, so a killed step can be repeated. Raises
        NotFoundError for an unknown run or case, NonFiniteError or StoreError for probabilities
        that are invalid or differ from the stored ones.
        """
        self.store.principal.require("run.record")
        ids = list(case_ids)
        with self.store.atomic() as connection:
            run = self.store.run(run_id).run
            p = _checked(ids, probabilities, (run.samples, len(ids), len(run.labels)))
            _require(connection, run_id, part, ids)
            stored_cases = _known(connection, run_id, part)
            if stored_cases:
                _refuse_another(stored_cases, dict(zip(ids, p, strict=True)), run_id, part)
                return 0
            # Lists as parameters: row by row, DuckDB takes a millisecond for each.
            connection.execute(
                "INSERT INTO samples (run_id, part, case_id, samples, probabilities) SELECT ?, ?, unnest(?), ?, unnest(?)",
                [run_id, part, ids, run.samples, p.tolist()],
            )
        return len(ids)

    def of(self, run_id: str, case_id: str) -> np.ndarray:
        """Return the samples of a case, [N, K], in the order of the run's labels.

        Raises NotFoundError if the store has none.
        """
        with self.store.reading() as connection:
            query = "SELECT samples, probabilities FROM samples WHERE run_id = ? AND case_id = ?"
            row = connection.execute(query, [run_id, case_id]).fetchone()
        if row is None:
            raise NotFoundError("store.no_samples", case=case_id, run=run_id)
        return np.array(row[1], dtype=np.float64).reshape(row[0], -1)

    def cases(self, sampled: str, scored: str) -> pd.DataFrame:
        """Return the predictions of run `scored` for the cases with samples of run `sampled`.

        All columns, in file order.
        """
        with self.store.reading() as connection:
            return connection.execute(
                f"SELECT {_CASE} FROM predictions p JOIN samples s ON s.case_id = p.case_id"  # noqa: S608
                " WHERE s.run_id = ? AND p.run_id = ? ORDER BY p.row, p.case_id",
                [sampled, scored],
            ).df()

    def below(self, run_id: str, aleatoric: float, epistemic: float) -> Below:
        """Return how many of the run's cases have less of each than these finite values (nats)."""
        with self.store.reading() as connection:
            result = connection.execute(
                "SELECT count(*), count(*) FILTER (aleatoric < ?), count(*) FILTER (epistemic < ?) FROM predictions"
                " WHERE run_id = ?",
                [aleatoric, epistemic, run_id],
            )
            return Below(*only_row(result))


def _checked(
    ids: list[str], probabilities: np.ndarray, expected: tuple[int, int, int]
) -> np.ndarray:
    """Return probabilities [N, n, K] as [n, N * K], float32.

    Raises StoreError for another shape, a repeated case, and rows that are no distribution;
    NonFiniteError for NaN or infinity.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.shape != expected or len(set(ids)) != len(ids):
        raise StoreError(
            "store.samples_shape", shape=str(p.shape), n=len(set(ids)), expected=str(expected)
        )
    # NaN first: it passes every comparison below.
    sums = p.sum(-1)
    for bad, fault, error in (
        (~np.isfinite(sums), "samples_not_finite", NonFiniteError),
        (p.min(-1, initial=0) < 0, "samples_below_0", StoreError),
        (np.abs(sums - 1) > SUM_TOLERANCE, "samples_sum", StoreError),
    ):
        if bad.any():
            sample, case = np.argwhere(bad)[0]
            raise error(
                f"store.{fault}",
                sum=float(sums[sample, case]),
                sample=int(sample) + 1,
                case=ids[case],
                tolerance=SUM_TOLERANCE,
            )
    return p.transpose(1, 0, 2).reshape(len(ids), -1).astype(np.float32)


def _require(connection: duckdb.DuckDBPyConnection, run_id: str, part: int, ids: list[str]) -> None:
    missing = connection.execute(
        "SELECT g.case_id FROM (SELECT unnest(?) AS case_id) g"
        " ANTI JOIN (SELECT case_id FROM predictions WHERE run_id = ? AND part = ?) p ON p.case_id = g.case_id"
        " ORDER BY g.case_id LIMIT 1",
        [ids, run_id, part],
    ).fetchone()
    if missing:
        raise NotFoundError("store.samples_case", part=part, run=run_id, case=missing[0])


def _known(connection: duckdb.DuckDBPyConnection, run_id: str, part: int) -> dict[str, np.ndarray]:
    """Return {case id: its stored samples [N * K]} of a part."""
    query = "SELECT case_id, probabilities FROM samples WHERE run_id = ? AND part = ?"
    rows = connection.execute(query, [run_id, part]).fetchall()
    return {case_id: np.array(p, dtype=np.float32) for case_id, p in rows}


def _refuse_another(
    stored: dict[str, np.ndarray], offered: dict[str, np.ndarray], run_id: str, part: int
) -> None:
    """Raise StoreError unless both hold the same cases with the same numbers."""
    # Exact: samples that differ at all are refused, never replaced.
    differing = sorted(set(stored) ^ set(offered)) or [
        case for case in stored if not np.array_equal(stored[case], offered[case])
    ]
    if differing:
        raise StoreError("store.other_samples", part=part, run=run_id, case=differing[0])
