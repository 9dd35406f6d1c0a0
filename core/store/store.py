"""Runs and predictions in the store: one small method per query, each one short transaction.

Append-only, except for the histograms, which are sums. Times are UTC. Knows no model, no screen and
no meaning of a count.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from copy import copy
from pathlib import Path

import duckdb
import pandas as pd

from core.counts.histogram import Histogram
from core.errors import NotFoundError, SettingsError, StoreError
from core.identity import Principal, local_principal
from core.store import counts, file, intake, lake, migrate, records
from core.store.part_counts import read_part_lines
from core.store.parts import PART_SCHEMA, delete_leftovers, part_path
from core.store.seal import sealed_sha256
from core.types import Run, RunRecord

END_STATES = ("finished", "failed")
NEAR_QUERY = (
    f"SELECT {intake.PART_COLUMNS} FROM predictions WHERE run_id = ? AND confidence >= ? AND confidence < ?"  # noqa: S608
    " ORDER BY confidence DESC, row LIMIT ?"
)
_RUN_COLUMNS = ", ".join(records.RUN_COLUMNS)


class Store:
    """The store in `folder`, created at first use; safe among threads and processes.

    Every method waits for its turn, `timeout_s` seconds at most, and then raises StoreError.
    principal: who acts where a caller names no one; None is this machine's user. Every read and
    write raises AccessError for a principal without a role for it.
    """

    def __init__(self, folder: Path, timeout_s: float = 60.0, principal: Principal | None = None):
        self.folder, self.timeout_s = Path(folder), timeout_s
        self.principal = principal or local_principal()
        self._file = file.StoreFile(self.folder, timeout_s, self._show_lake)

    def at_rest(self) -> AbstractContextManager[None]:
        """Hold the store's lock with no file open, so that its files can be copied."""
        return self._file.at_rest()

    def acting_for(self, principal: Principal) -> "Store":
        """Return this store, with its connection and lock, for the writes of another person."""
        store = copy(self)
        store.principal = principal
        return store

    def atomic(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Run several calls as one transaction. Nests. Keep it short: all other processes wait.

        Raises AccessError for a principal without a role. The methods that write ask for theirs.
        """
        self.principal.require("store.read")
        return self._file.atomic()

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Run several calls on one state of the data, without keeping other readers out. Nests.

        Raises AccessError for a principal without a role.
        """
        self.principal.require("store.read")
        return self._file.reading()

    def at_commit(self, name: str, act: Callable[[], None]) -> None:
        """Call `act` right after the open transaction's commit: core.store.file says how."""
        self._file.at_commit(name, act)

    def version(self) -> tuple:
        """Return a value that changes with committed data; costs two stats, no lock, no open."""
        return self._file.version()

    def schema_version(self) -> int:
        """Return the number of the last migration applied to the file."""
        with self.reading() as connection:
            return migrate.schema_version(connection)[0]

    # --- runs

    def add_run(self, run: Run) -> None:
        """Record the start of a run. Does nothing if the run is stored already.

        Raises StoreError for another run under the same name.
        """
        self.principal.require("run.record")
        with self.atomic() as connection:
            row = connection.execute(
                f"SELECT {_RUN_COLUMNS} FROM runs WHERE run_id = ?",  # noqa: S608
                [run.run_id],
            ).fetchone()
            if row is not None:
                return _refuse_another(records.read_run(row), run)
            marks = ", ".join("?" * len(records.RUN_COLUMNS))
            connection.execute(
                f"INSERT INTO runs ({_RUN_COLUMNS}) VALUES ({marks})",  # noqa: S608
                records.run_row(run),
            )

    def end_run(self, run_id: str, state: str, duration_s: float, metrics: dict) -> None:
        """Record the end of a run; the last call counts.

        state: "finished" or "failed". duration_s: seconds. metrics: JSON-able. Raises SettingsError
        for another state, NotFoundError for an unknown run, NonFiniteError for NaN in metrics.
        """
        self.principal.require("run.record")
        if state not in END_STATES:
            raise SettingsError("settings.choice", what="state", value=state, allowed=END_STATES)
        written = records.json_of(metrics, "metrics", run_id)
        with self.atomic() as connection:
            self._require(connection, run_id)
            connection.execute(
                "INSERT INTO run_ends (run_id, ended_at, state, duration_s, metrics) VALUES (?, ?, ?, ?, ?)",
                [run_id, records.utc_now(), state, float(duration_s), written],
            )
            taken = self.parts(run_id).difference(lake.parts_of(connection, run_id))
            # Only after the commit: a rolled-back end must leave the files for a retry.
            self._file.after_commit(lambda: delete_leftovers(self.folder, run_id, taken))

    def runs(self, kind: str | None = None) -> list[RunRecord]:
        """Return all runs, or those of a kind, newest first."""
        with self.reading() as connection:
            return _records(connection, "CAST(? AS VARCHAR) IS NULL OR kind = ?", [kind, kind])

    def run(self, run_id: str) -> RunRecord:
        """Return the run of that name. Raises NotFoundError, which names the newest runs."""
        with self.reading() as connection:
            self._require(connection, run_id)
            return _records(connection, "run_id = ?", [run_id])[0]

    def _require(self, connection: duckdb.DuckDBPyConnection, run_id: str) -> tuple[str, ...]:
        """Return the run's labels. Raises NotFoundError."""
        row = connection.execute("SELECT labels FROM runs WHERE run_id = ?", [run_id]).fetchone()
        if row is None:
            rows = connection.execute(
                "SELECT run_id FROM runs ORDER BY created_at DESC, run_id LIMIT 6"
            ).fetchall()
            names = [name for (name,) in rows[:5]] + ["..."] * (len(rows) > 5)
            code = "store.no_run" if names else "store.no_run_at_all"
            raise NotFoundError(code, run=run_id, folder=str(self.folder), runs=names)
        return tuple(row[0])

    def _require_rows(self, connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
        """Raise NotFoundError for an unknown run, StoreError if a file of its rows is gone."""
        self._require(connection, run_id)
        if gone := lake.missing_file(connection, self.folder, run_id):
            raise StoreError("store.lake_part_gone", run=run_id, part=gone[0], file=str(gone[1]))

    def _show_lake(self, connection: duckdb.DuckDBPyConnection) -> None:
        lake.show_rows(connection, self.folder)

    # --- predictions

    def parts(self, run_id: str) -> set[int]:
        """Return the numbers of the ingested parts; empty for an unknown run."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT part FROM parts WHERE run_id = ? ORDER BY part", [run_id]
            ).fetchall()
        return {part for (part,) in rows}

    def ingest_part(self, run_id: str, part: int, path: Path, rows_stay: bool = False) -> int:
        """Ingest a written part in one transaction, then delete its file; return its rows.

        rows_stay: take in the counts alone and keep the file, which must be the part's own below
        the store's folder; rows are then read from it on demand. An ingested part stays unchanged:
        the same content, or a missing file, returns its rows; other content raises StoreError.
        Raises NotFoundError for an unknown run or a missing file, StoreError for invalid rows,
        SettingsError for a file elsewhere.
        """
        self.principal.require("run.record")
        home = part_path(self.folder, run_id, part)
        if rows_stay and path.resolve() != home.resolve():
            raise SettingsError("store.lake_elsewhere", file=str(path), expected=str(home))
        with ThreadPoolExecutor(1) as pool:
            # Hashed while this thread waits for its turn, and while DuckDB checks the file.
            sha256 = pool.submit(_sha256, path).result
            with self.atomic() as connection:
                labels = self._require(connection, run_id)
                query = "SELECT rows, sha256 FROM parts WHERE run_id = ? AND part = ?"
                rows, stored_hash = connection.execute(query, [run_id, part]).fetchone() or (
                    None,
                    None,
                )
                if stored_hash is None and not path.exists():
                    raise NotFoundError("store.no_part", part=part, run=run_id, file=str(path))
                if stored_hash is None:
                    place = str(path.resolve())
                    try:
                        rows = intake.insert(
                            connection, run_id, part, place, sha256, labels, rows_stay
                        )
                    except Exception:
                        sha256()  # raises for a damaged file, whatever came of reading it
                        raise
                    if rows_stay:
                        self._show_lake(connection)
                elif sha256() not in (None, stored_hash):
                    raise StoreError("store.other_part", part=part, run=run_id, file=str(path))
                if part not in lake.parts_of(connection, run_id):
                    self._file.after_commit(lambda: path.unlink(missing_ok=True))
        return rows

    def ingest_counts(self, run_id: str, path: Path) -> int:
        """Ingest the parts of a file of counts in one transaction; return their rows.

        path: of core.store.part_counts. The parts' files stay and are not read; rows are read from
        them on demand. Parts that are all ingested stay unchanged. Raises NotFoundError for an
        unknown run, StoreError for invalid parts, for other content, and if only some of the parts
        are ingested.
        """
        self.principal.require("run.record")
        lines = read_part_lines(path)
        with self.atomic() as connection:
            labels = self._require(connection, run_id)
            query = "SELECT part, sha256 FROM parts WHERE run_id = ? AND list_contains(?, part)"
            numbers = [line.part for line in lines]
            stored = dict(connection.execute(query, [run_id, numbers]).fetchall())
            for line in lines if stored else ():
                if line.part not in stored:
                    raise StoreError("store.counts_partly", part=line.part, run=run_id, file=path)
                if stored[line.part] != line.sha256:
                    raise StoreError("store.other_part", part=line.part, run=run_id, file=path)
            if not stored:
                intake.insert_counts(
                    connection, run_id, lines, str(path.resolve()), self.folder, labels
                )
                self._show_lake(connection)
        return sum(line.rows for line in lines)

    def histogram(self, run_id: str) -> Histogram:
        """Return the run's counts, with its labels as classes and its segments sorted.

        Raises NotFoundError.
        """
        with self.reading() as connection:
            return counts.read_histogram(connection, run_id, self._require(connection, run_id))

    def joint_counts(self, run_id: str) -> pd.DataFrame:
        """Return the case counts `n` > 0 by segment, predicted, outcome, step and epistemic_bin.

        Step j holds THRESHOLDS[j] <= confidence < THRESHOLDS[j + 1]; epistemic_bin is that of
        core.counts.histogram. Counts are exact: n summed over step >= j and epistemic_bin <= e
        counts the cases with confidence >= j / 1000 and epistemic <= EPISTEMIC_LIMITS[e]. Raises
        NotFoundError.
        """
        with self.reading() as connection:
            self._require(connection, run_id)
            return counts.read_joint(connection, run_id)

    def predictions(self, run_id: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Return the run's predictions in the order of their file.

        columns: names of PART_SCHEMA; None is all. Raises NotFoundError for an unknown run,
        StoreError for an unknown column.
        """
        names = PART_SCHEMA.names if columns is None else columns
        unknown = [name for name in names if name not in PART_SCHEMA.names]
        if unknown:
            raise StoreError("store.no_column", column=unknown[0], columns=PART_SCHEMA.names)
        column_list = ", ".join(f'"{name}"' for name in names)
        with self.reading() as connection:
            self._require_rows(connection, run_id)
            query = f"SELECT {column_list} FROM predictions WHERE run_id = ? ORDER BY row, case_id"  # noqa: S608
            return connection.execute(query, [run_id]).df()

    def cases_near(self, run_id: str, low: float, high: float, limit: int = 100) -> pd.DataFrame:
        """Return cases with low <= confidence < high, the most confident first.

        run_id: the scoring run. low, high: confidence; `high` above 1 includes 1. limit: rows at
        most. Parts are sorted by confidence, and DuckDB knows the least and greatest of each
        122,880 rows: of a part of millions it reads the few row groups that overlap the range.
        Smaller parts share a row group, which is read. Raises NotFoundError.
        """
        with self.reading() as connection:
            self._require_rows(connection, run_id)
            return connection.execute(NEAR_QUERY, [run_id, low, high, limit]).df()


def _records(connection: duckdb.DuckDBPyConnection, where: str, values: list) -> list[RunRecord]:
    # A run may have ended several times, after a kill and a retry: the last end by position counts.
    rows = connection.execute(
        f"""
        WITH chosen AS (SELECT {_RUN_COLUMNS} FROM runs WHERE {where}),
        ends AS (SELECT run_id, arg_max(state, position) AS state, arg_max(duration_s, position) AS duration_s,
                 arg_max(metrics, position) AS metrics FROM run_ends GROUP BY run_id),
        held AS (SELECT run_id, CAST(sum(rows) AS BIGINT) AS cases, min(first_at) AS first_at, max(last_at) AS last_at
                 FROM parts GROUP BY run_id)
        SELECT {", ".join(f"chosen.{name}" for name in records.RUN_COLUMNS)}, ends.state, ends.duration_s, ends.metrics,
               coalesce(held.cases, 0), held.first_at, held.last_at
        FROM chosen LEFT JOIN ends USING (run_id) LEFT JOIN held USING (run_id)
        ORDER BY chosen.created_at DESC, chosen.run_id
        """,  # noqa: S608
        values,
    ).fetchall()
    return [records.read_run_record(row) for row in rows]


def _refuse_another(recorded: Run, run: Run) -> None:
    for name in records.IDENTITY:
        old, new = getattr(recorded, name), getattr(run, name)
        if old != new:
            raise StoreError(
                "store.other_run", run=run.run_id, name=name, old=repr(old), new=repr(new)
            )


def _sha256(path: Path) -> str | None:
    """Return the file's digest; None if it is gone, since another process may have ingested it."""
    try:
        return sealed_sha256(path)
    except FileNotFoundError:
        return None
