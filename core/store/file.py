"""The one DuckDB file, opened for one short transaction at a time.

Contract: scoring jobs, the command line and dashboards work on it at once; nobody sees a lock
error; what a transaction has returned from is on disk and is there once. DuckDB lets one process
hold the file, so every process waits in one queue (a file lock, given back by the system when a
process dies), opens, does one transaction, and closes. The open file reaches nothing outside the
parts' folder, and that cannot be changed back.

Knows no table. An open and close cost about 20 ms on two busy cores (DuckDB's own share: 15).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from core.errors import StoreError
from core.files import private_folder
from core.store.migrate import migrate

NAME, LOCK, TURN = "kakushin.duckdb", "kakushin.lock", "kakushin.turn"
_POLL_S = 0.005
# The rest of the configuration refers to other settings, which must be made in that order: see
# _close_doors.
_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


class StoreFile:
    """The file in `folder`, made at first use. Safe to share between threads and to open in many
    processes.
    """

    def __init__(self, folder: Path, timeout_s: float):
        self.folder, self.path, self.timeout_s = folder, folder / NAME, timeout_s
        self._lock = FileLock(folder / LOCK, thread_local=False)
        self._turn = FileLock(folder / TURN, thread_local=False)
        # a file lock alone would let two threads of one process in
        self._threads = threading.RLock()
        self._open: duckdb.DuckDBPyConnection | None = None
        self._failed = False
        self._after_commit: list[Callable[[], None]] = []

    @contextmanager
    def atomic(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction: all of the block or nothing of it. Nests: an inner one is part of the
        outer one.

        When an inner block fails, so does the outer one, even where the error was caught: DuckDB
        undoes the transaction at a failed statement, and its COMMIT then keeps nothing and says
        nothing.
        """
        deadline = time.monotonic() + self.timeout_s
        if not self._threads.acquire(timeout=self.timeout_s):
            raise self._too_long()
        try:
            with self._joined() if self._open is not None else self._begun(deadline) as connection:
                yield connection
        except duckdb.Error as e:
            raise StoreError(f"the store {self.path} refused: {first_line(e)}") from e
        finally:
            self._threads.release()

    def after_commit(self, act: Callable[[], None]) -> None:
        """Do this when the transaction that is open now has been committed; forget it when it is
        not.
        """
        self._after_commit.append(act)

    def version(self) -> tuple:
        """Changes whenever committed data changes. Costs two stats: no lock, no open."""
        return tuple(_stat(path) for path in (self.path, self.path.with_name(NAME + ".wal")))

    @contextmanager
    def _joined(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            yield self._open
        except BaseException:
            self._failed = True
            raise

    @contextmanager
    def _begun(self, deadline: float) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._held(deadline), self._connected(deadline) as connection:
            self._open, self._failed, self._after_commit = connection, False, []
            try:
                connection.execute("BEGIN")
                yield connection
                if self._failed:
                    raise StoreError(
                        "nothing was stored: a step of the transaction failed, and its error was passed over"
                    )
                connection.execute("COMMIT")
            finally:
                self._open = None  # what is not committed is undone when the connection closes
        for act in self._after_commit:
            act()

    @contextmanager
    def _held(self, deadline: float) -> Iterator[None]:
        """The lock, held. Who waits for it holds the turn, so that who has just released it cannot
        overtake.
        """
        # DuckDB 2.0 puts its log beside another file then: it takes the rest for a URL's query
        if "?" in str(self.path):
            raise StoreError(
                f"the store {self.path} cannot be: DuckDB allows no '?' in a path, so use another KAKUSHIN_HOME"
            )
        try:
            private_folder(self.folder / "parts")
            with self._turn.acquire(timeout=_left(deadline), poll_interval=_POLL_S):
                lock = self._lock.acquire(timeout=_left(deadline), poll_interval=_POLL_S)
        except Timeout as e:
            raise self._too_long() from e
        except OSError as e:
            raise StoreError(
                f"the store's folder {self.folder} cannot be used: {e.strerror or e}"
            ) from e
        with lock:
            yield

    def _too_long(self) -> StoreError:
        return StoreError(
            f"the store {self.folder} was in use for {self.timeout_s:g} s: is a process stopped while it holds {LOCK}, "
            "or is the file open in another program?"
        )

    @contextmanager
    def _connected(self, deadline: float) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self.path.exists():
            self._make()
        connection = self._connect(deadline)
        try:
            migrate(connection)
            self._close_doors(connection)
            yield connection
        finally:
            connection.close()

    def _make(self) -> None:
        """A new file under another name, then renamed: DuckDB cannot open a file whose making was
        cut short.
        """
        fresh = self.path.with_suffix(".new")
        for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
            leftover.unlink(missing_ok=True)
        with duckdb.connect(str(fresh), config=_CONFIG) as connection:
            migrate(connection)
        fresh.chmod(0o600)  # it will hold text of cases; DuckDB gives its log the same mode
        fresh.replace(self.path)

    def _connect(self, deadline: float) -> duckdb.DuckDBPyConnection:
        while True:
            try:
                return duckdb.connect(str(self.path), config=_CONFIG)
            except duckdb.Error as e:
                if "Could not set lock" not in str(e):
                    raise StoreError(
                        f"the store {self.path} cannot be opened: {first_line(e)}"
                    ) from e
                # a program that does not queue, or a dying process of ours, holds the file
                if time.monotonic() > deadline:
                    raise self._too_long() from e
            time.sleep(_POLL_S)

    def _close_doors(self, connection: duckdb.DuckDBPyConnection) -> None:
        parts = str((self.folder / "parts").resolve()).replace("'", "''")
        connection.execute(
            f"SET allowed_directories = ['{parts}']; SET enable_external_access = false; SET lock_configuration = true"
        )


def first_line(error: Exception) -> str:
    """DuckDB's message without the statement that it quotes."""
    return str(error).splitlines()[0]


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
