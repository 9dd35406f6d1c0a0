"""The one DuckDB file, opened for one short transaction at a time.

Contract: scoring jobs, the command line and dashboards work on it at once; nobody sees a lock error; what a method has returned from is on disk
and is there once. DuckDB lets one process hold the file, so every process waits in one queue (a file lock, given back by the system when a
process dies), opens, does one transaction, and closes. The open file reaches nothing outside the parts' folder.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from core.decision.histogram import BINS, FINE_BINS, Histogram
from core.errors import NotFoundError, StoreError
from core.store.migrate import migrate
from core.store.parts import PART_SCHEMA
from core.types import OUTCOMES, Run, RunRecord

FILE = "kakushin.duckdb"
_COLUMNS = ", ".join(f'"{name}"' for name in PART_SCHEMA.names)
_RUN_COLUMNS = (
    "run_id, kind, created_at, model, model_kind, model_hash, dataset, role, inputs_hash, labels, samples, seed, settings, versions"
)
# The bin b with EDGES[b] <= confidence < EDGES[b + 1], exactly: the rounded product may be one off, the comparison with the edge is not.
_ROUGH = f"CAST(floor(confidence * {FINE_BINS}) AS INTEGER)"
_BIN = (
    f"CASE WHEN confidence >= CAST({_ROUGH} + 1 AS DOUBLE) / CAST({FINE_BINS} AS DOUBLE) THEN {_ROUGH} + 1"
    f" WHEN confidence < CAST({_ROUGH} AS DOUBLE) / CAST({FINE_BINS} AS DOUBLE) THEN {_ROUGH} - 1 ELSE {_ROUGH} END"
)
_COUNT = f"SELECT run_id, segment, predicted, outcome, {_BIN} AS bin, count(*) AS n, sum(confidence) AS confidence_sum FROM predictions"


class Store:
    """The store in `folder`, made at first use. Safe to share between threads and to open in many processes."""

    def __init__(self, folder: Path, timeout_s: float = 60.0):
        self.folder = Path(folder)
        self.timeout_s = timeout_s
        self._queue = FileLock(self.folder / "kakushin.lock", thread_local=False)
        self._threads = threading.RLock()  # the file lock alone would let two threads of one process in
        self._open: duckdb.DuckDBPyConnection | None = None

    # --- the border to DuckDB ------------------------------------------------------------------------------------

    @contextmanager
    def atomic(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction: all of the block or nothing of it. Nests: an inner one is part of the outer one."""
        with self._threads:
            if self._open is not None:
                yield self._open
                return
            with self._held() as connection:
                self._open = connection
                try:
                    connection.execute("BEGIN")
                    yield connection
                    connection.execute("COMMIT")
                except duckdb.Error as e:
                    raise StoreError(f"the store {self.folder / FILE} refused: {str(e).splitlines()[0]}") from e
                finally:
                    self._open = None  # an open transaction is rolled back when the connection closes

    @contextmanager
    def _held(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file, open, with the queue's turn held."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "parts").mkdir(exist_ok=True)
        try:
            turn = self._queue.acquire(timeout=self.timeout_s, poll_interval=0.005)
        except Timeout as e:
            raise StoreError(
                f"the store {self.folder} was in use for {self.timeout_s:g} s without a break: is a process stopped while it holds it?"
            ) from e
        with turn:
            connection = self._connect()
            try:
                yield connection
            finally:
                connection.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        path = self.folder / FILE
        try:
            connection = duckdb.connect(str(path))
        except duckdb.Error as e:
            raise StoreError(f"the store {path} cannot be opened: {str(e).splitlines()[0]}") from e
        try:
            migrate(connection)
            parts = str((self.folder / "parts").resolve()).replace("'", "''")
            for setting in (
                "autoinstall_known_extensions = false",
                "autoload_known_extensions = false",
                f"allowed_directories = ['{parts}']",
                "enable_external_access = false",
                "lock_configuration = true",
            ):
                connection.execute(f"SET {setting}")
        except duckdb.Error as e:
            connection.close()
            raise StoreError(f"the store {path} cannot be prepared: {str(e).splitlines()[0]}") from e
        except StoreError:
            connection.close()
            raise
        return connection

    def version(self) -> tuple:
        """Changes whenever committed data changes. Costs two stats: no lock, no open."""
        return tuple(_stat(self.folder / name) for name in (FILE, FILE + ".wal"))

    # --- runs ----------------------------------------------------------------------------------------------------

    def add_run(self, run: Run) -> None:
        """Write down that a run began. The same run again is a no-op; another run under its name raises StoreError."""
        with self.atomic() as connection:
            found = connection.execute("SELECT model_hash, inputs_hash FROM runs WHERE run_id = ?", [run.run_id]).fetchone()
            if found is None:
                marks = ", ".join("?" * 14)
                connection.execute(f"INSERT INTO runs ({_RUN_COLUMNS}) VALUES ({marks})", _row_of(run))  # noqa: S608 - constants
            elif found != (run.model_hash, run.inputs_hash):
                raise StoreError(f"run {run.run_id!r} is there already, of another model or other cases: choose another name")

    def end_run(self, run_id: str, state: str, duration_s: float, metrics: dict) -> None:
        """Write down how a run ended: state "finished" or "failed", seconds, JSON-able metrics. The last call counts."""
        with self.atomic() as connection:
            self._require(connection, run_id)
            connection.execute(
                "INSERT INTO run_ends (run_id, ended_at, state, duration_s, metrics) VALUES (?, ?, ?, ?, ?)",
                [run_id, _now(), state, float(duration_s), json.dumps(metrics, allow_nan=False)],
            )

    def runs(self, kind: str | None = None) -> list[RunRecord]:
        """All runs, newest first, or those of a kind."""
        with self.atomic() as connection:
            return self._records(connection, "WHERE ? IS NULL OR kind = ?", [kind, kind])

    def run(self, run_id: str) -> RunRecord:
        """The run of that name. Raises NotFoundError, naming what is there."""
        with self.atomic() as connection:
            self._require(connection, run_id)
            return self._records(connection, "WHERE run_id = ?", [run_id])[0]

    def _require(self, connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
        if connection.execute("SELECT 1 FROM runs WHERE run_id = ?", [run_id]).fetchone() is None:
            rows = connection.execute("SELECT run_id FROM runs ORDER BY created_at DESC, run_id LIMIT 5").fetchall()
            raise NotFoundError(f"no run {run_id!r}: there is {', '.join(r for (r,) in rows) or 'none'}")

    def _records(self, connection: duckdb.DuckDBPyConnection, where: str, values: list) -> list[RunRecord]:
        rows = connection.execute(
            f"""
            SELECT {_RUN_COLUMNS}, e.state, e.duration_s, e.metrics, coalesce(p.n, 0), p.first_at, p.last_at
            FROM (SELECT * FROM runs {where}) r
            LEFT JOIN (SELECT run_id AS e_id, arg_max(state, position) AS state, arg_max(duration_s, position) AS duration_s,
                       arg_max(metrics, position) AS metrics FROM run_ends GROUP BY run_id) e ON e.e_id = r.run_id
            LEFT JOIN (SELECT run_id AS p_id, CAST(sum(rows) AS BIGINT) AS n, min(first_at) AS first_at, max(last_at) AS last_at
                       FROM parts GROUP BY run_id) p ON p.p_id = r.run_id
            ORDER BY r.created_at DESC, r.run_id
            """,  # noqa: S608 - constants
            values,
        ).fetchall()
        return [_record_of(row) for row in rows]

    # --- predictions ---------------------------------------------------------------------------------------------

    def parts(self, run_id: str) -> set[int]:
        """Numbers of the parts that have been taken in."""
        with self.atomic() as connection:
            return {part for (part,) in connection.execute("SELECT part FROM parts WHERE run_id = ?", [run_id]).fetchall()}

    def take_in(self, run_id: str, part: int, path: Path) -> int:
        """Take a written part in, with its counts, in one transaction; the file is deleted after it. Returns the part's rows.

        A part that is in already is left as it is: the same content returns its rows, another raises StoreError.
        """
        with path.open("rb") as f:
            sha256 = hashlib.file_digest(f, "sha256").hexdigest()
        with self.atomic() as connection:
            self._require(connection, run_id)
            found = connection.execute("SELECT rows, sha256 FROM parts WHERE run_id = ? AND part = ?", [run_id, part]).fetchone()
            if found is None:
                rows = self._insert(connection, run_id, part, path, sha256)
            elif found[1] != sha256:
                raise StoreError(f"part {part} of run {run_id!r} is in the store already, with other content")
            else:
                rows = found[0]
        path.unlink(missing_ok=True)
        return rows

    def _insert(self, connection: duckdb.DuckDBPyConnection, run_id: str, part: int, path: Path, sha256: str) -> int:
        source = str(path.resolve())
        self._refuse_strangers(connection, run_id, part, source)
        connection.execute(
            f"INSERT INTO predictions (run_id, part, {_COLUMNS}) SELECT ?, ?, {_COLUMNS} FROM read_parquet(?)",  # noqa: S608 - constants
            [run_id, part, source],
        )
        self._add_counts(connection, "WHERE run_id = ? AND part = ?", [run_id, part])
        rows, *dates = connection.execute(
            "SELECT count(*), min(occurred_at), max(occurred_at) FROM read_parquet(?)", [source]
        ).fetchone()
        connection.execute(
            "INSERT INTO parts (run_id, part, rows, sha256, first_at, last_at, taken_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [run_id, part, rows, sha256, *dates, _now()],
        )
        return rows

    def _refuse_strangers(self, connection: duckdb.DuckDBPyConnection, run_id: str, part: int, source: str) -> None:
        """A case that the run has already, or a predicted label that it does not know."""
        twice = connection.execute(
            "SELECT n.case_id FROM read_parquet(?) n JOIN predictions p ON p.run_id = ? AND p.case_id = n.case_id ORDER BY n.row LIMIT 1",
            [source, run_id],
        ).fetchone()
        if twice:
            raise StoreError(f"case_id {twice[0]!r} of part {part} is in run {run_id!r} already: case ids must be unique in a run")
        other = connection.execute(
            "SELECT predicted FROM read_parquet(?) WHERE NOT list_contains((SELECT labels FROM runs WHERE run_id = ?), predicted) LIMIT 1",
            [source, run_id],
        ).fetchone()
        if other:
            raise StoreError(f"predicted label {other[0]!r} of part {part} is not one of run {run_id!r}'s labels")

    def _add_counts(self, connection: duckdb.DuckDBPyConnection, where: str, values: list) -> None:
        connection.execute(
            f"INSERT INTO histograms (run_id, segment, predicted, outcome, bin, n, confidence_sum) {_COUNT} {where} GROUP BY ALL"
            " ON CONFLICT DO UPDATE SET n = n + excluded.n, confidence_sum = confidence_sum + excluded.confidence_sum",
            values,
        )

    def rebuild_histograms(self) -> None:
        """Count every prediction again, from nothing."""
        with self.atomic() as connection:
            connection.execute("DELETE FROM histograms")
            self._add_counts(connection, "", [])

    def histogram(self, run_id: str) -> Histogram:
        """The run's counts: its labels as classes, its segments sorted. Raises NotFoundError."""
        with self.atomic() as connection:
            self._require(connection, run_id)
            (classes,) = connection.execute("SELECT labels FROM runs WHERE run_id = ?", [run_id]).fetchone()
            table = connection.execute(
                "SELECT segment, predicted, outcome, bin, n, confidence_sum FROM histograms WHERE run_id = ? ORDER BY ALL", [run_id]
            ).df()
        segments = tuple(sorted(table["segment"].unique()))
        counts = np.zeros((len(segments), len(classes), len(OUTCOMES), BINS), dtype=np.int64)
        sums = np.zeros(counts.shape)
        names = ((segments, "segment"), (tuple(classes), "predicted"), (OUTCOMES, "outcome"))
        where = (*(pd.Categorical(table[column], categories=known).codes for known, column in names), table["bin"].to_numpy())
        counts[where], sums[where] = table["n"].to_numpy(), table["confidence_sum"].to_numpy()
        return Histogram(segments, tuple(classes), counts, sums)

    def predictions(self, run_id: str, columns: list[str] | None = None) -> pd.DataFrame:
        """The run's predictions in the order of their file; `columns` of PART_SCHEMA, by default all."""
        names = PART_SCHEMA.names if columns is None else columns
        unknown = [c for c in names if c not in PART_SCHEMA.names]
        if unknown:
            raise StoreError(f"predictions have no column {unknown[0]!r}: {', '.join(PART_SCHEMA.names)} are there")
        chosen = ", ".join(f'"{name}"' for name in names)
        with self.atomic() as connection:
            self._require(connection, run_id)
            return connection.execute(
                f"SELECT {chosen} FROM predictions WHERE run_id = ? ORDER BY row, case_id",  # noqa: S608 - names are checked above
                [run_id],
            ).df()

    def cases_near(self, run_id: str, low: float, high: float, limit: int = 100) -> pd.DataFrame:
        """Cases with low <= confidence < high, the most confident first, `limit` at most."""
        with self.atomic() as connection:
            self._require(connection, run_id)
            return connection.execute(
                f"SELECT {_COLUMNS} FROM predictions WHERE run_id = ? AND confidence >= ? AND confidence < ?"  # noqa: S608 - constants
                " ORDER BY confidence DESC, row LIMIT ?",
                [run_id, low, high, limit],
            ).df()


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _row_of(run: Run) -> list:
    created = run.created_at.astimezone(UTC).replace(tzinfo=None)
    described = [run.run_id, run.kind, created, run.model, run.model_kind, run.model_hash, run.dataset, run.role, run.inputs_hash]
    return [*described, list(run.labels), run.samples, run.seed, json.dumps(run.settings, default=str), json.dumps(run.versions)]


def _record_of(row: tuple) -> RunRecord:
    names = [name.strip() for name in _RUN_COLUMNS.split(",")]
    fields = dict(zip(names, row[: len(names)], strict=True))
    state, duration, metrics, cases, first, last = row[len(names) :]
    fields |= {"created_at": fields["created_at"].replace(tzinfo=UTC), "labels": tuple(fields["labels"])}
    fields |= {name: json.loads(fields[name]) for name in ("settings", "versions")}
    return RunRecord(Run(**fields), state or "running", duration, json.loads(metrics) if metrics else {}, cases, first, last)
