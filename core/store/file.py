"""The one DuckDB file, opened for one short transaction at a time.

Contract: scoring jobs, the command line and dashboards share the file without lock errors; a
transaction that has returned is on disk, exactly once. DuckDB lets one process hold the file, so
every process waits in one queue (core.store.lock, released by the system when a process dies),
opens the file, runs one transaction and closes it. SQL in the open file reaches no file outside
the parts' folder, and no statement can lift that limit.

Knows no table. An open and close cost about 20 ms on two busy cores (DuckDB's own share: 15).
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from core.errors import StoreError
from core.files import delete_abandoned, fresh_file, private_folder
from core.messages import reader_language, sentence
from core.store.lock import QueuedLock
from core.store.migrate import migrate

NAME, LOCK, TURN = "kakushin.duckdb", "kakushin.lock", "kakushin.turn"
STUCK_S = 5.0  # after this wait, a process checks whether the lock's holder is stopped
_RETRY_S = 0.02  # between two attempts while a program outside the queue holds the file
_logger = logging.getLogger(__name__)
# No extension is downloaded, and no Python variable is a table. The extensions inside DuckDB itself
# load while it replays its log: without them, the log of an ALTER TABLE cannot be replayed, and a
# store whose upgrade was killed would never open. _close_doors ends the loading.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "true",
    "python_enable_replacements": "false",
}


class StoreFile:
    """The DuckDB file in `folder`, created at first use; safe among threads and processes.

    timeout_s: seconds to wait for a turn; infinite for background work. A finite wait ends after
    STUCK_S if the lock's holder is a stopped process; an infinite one is logged. prepare: called
    with each new connection, before its transaction.
    """

    def __init__(
        self,
        folder: Path,
        timeout_s: float,
        prepare: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None,
    ):
        self.folder, self.path, self.timeout_s = folder, folder / NAME, timeout_s
        self._prepare = prepare
        self._lock, self._turn = QueuedLock(folder / LOCK), QueuedLock(folder / TURN)
        # Threads of one process share the connection: the file lock does not tell them apart.
        self._threads = threading.RLock()
        self._open: duckdb.DuckDBPyConnection | None = None
        self._failed = False
        self._after_commit: list[Callable[[], None]] = []
        self._at_commit: dict[str, Callable[[], None]] = {}

    @contextmanager
    def atomic(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run the block as one transaction; an inner block joins the outer one.

        When an inner block fails, so does the outer one, even if the error was caught: DuckDB rolls
        the transaction back at a failed statement, and a later COMMIT then stores nothing without
        an error. Raises StoreError.
        """
        deadline = time.monotonic() + self.timeout_s
        endless = math.isinf(self.timeout_s)
        if not self._threads.acquire(timeout=-1 if endless else self.timeout_s):
            raise self._too_long(self.timeout_s)
        try:
            with (
                self._begun(deadline) if self._open is None else self._joined(self._open)
            ) as connection:
                yield connection
        except duckdb.Error as e:
            raise StoreError("store.refused", file=str(self.path), reason=first_line(e)) from e
        finally:
            self._threads.release()

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call `act` once the open transaction is committed; drop it on a rollback."""
        self._after_commit.append(act)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Hold the lock without opening the file: no process writes during the block."""
        deadline = time.monotonic() + self.timeout_s
        with self._threads, self._held(deadline):
            yield

    def at_commit(self, name: str, act: Callable[[], None]) -> None:
        """Call `act` right after the commit, before another process gets the file; once per name.

        A later call with the same name replaces `act`; a rollback drops it. It must not raise.
        """
        self._at_commit[name] = act

    def version(self) -> tuple:
        """Return a value that changes with committed data; costs two stats, no lock, no open."""
        # The log counts too: a commit may stay in it until DuckDB's next checkpoint.
        return tuple(_stat(path) for path in (self.path, self.path.with_name(NAME + ".wal")))

    @contextmanager
    def _joined(self, connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            yield connection
        except BaseException:
            self._failed = True
            raise

    @contextmanager
    def _begun(self, deadline: float) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._held(deadline), self._connected(deadline) as connection:
            self._open, self._failed, self._after_commit = connection, False, []
            self._at_commit = {}
            try:
                connection.execute("BEGIN")
                yield connection
                if self._failed:
                    raise StoreError("store.step_failed")
                connection.execute("COMMIT")
                for act in self._at_commit.values():
                    act()
            finally:
                self._open = None  # closing the connection rolls an open transaction back
        # After the lock is released, so that deleting files delays no other process.
        for act in self._after_commit:
            act()

    @contextmanager
    def _held(self, deadline: float) -> Iterator[None]:
        """Hold the lock.

        The head of the queue waits for the lock while it holds the turn, so a process that has just
        released the lock cannot overtake the queue.
        """
        # With "?" in the path, DuckDB takes the rest for a URL's query and puts its log elsewhere.
        if "?" in str(self.path):
            raise StoreError("store.path_mark", file=str(self.path))
        with ExitStack() as held:
            try:
                private_folder(self.folder / "parts")
                with self._turn.held(_left(deadline), STUCK_S, self._still_waiting):
                    lock = self._lock.held(_left(deadline), STUCK_S, self._still_waiting)
                    held.enter_context(lock)
            except TimeoutError as e:
                raise self._too_long(self.timeout_s) from e
            except OSError as e:
                raise StoreError(
                    "store.no_folder", folder=str(self.folder), reason=e.strerror or str(e)
                ) from e
            yield

    def _still_waiting(self, waited_s: float) -> None:
        """Raise StoreError if the lock's holder is a stopped process; log an infinite wait."""
        holder = self._lock.holder()
        values = {"folder": str(self.folder), "seconds": waited_s, "pid": holder and holder[0]}
        if math.isinf(self.timeout_s):
            _logger.warning("%s", sentence(reader_language(), "store.waiting", **values))
        elif holder is not None and holder[1]:
            raise StoreError("store.stuck", **values)

    def _too_long(self, seconds: float) -> StoreError:
        return StoreError("store.in_use", folder=str(self.folder), seconds=seconds, lock=LOCK)

    @contextmanager
    def _connected(self, deadline: float) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self.path.exists():
            self._make()
        connection = self._connect(deadline)
        try:
            migrate(connection)
            self._close_doors(connection)
            self._prepare(connection)
            yield connection
        finally:
            connection.close()

    def _make(self) -> None:
        """Create the file under another name, then rename it.

        DuckDB cannot open a file whose creation was interrupted.
        """
        delete_abandoned(self.path.parent)
        with fresh_file(self.path) as fresh:
            fresh.unlink()  # DuckDB makes its files itself
            with duckdb.connect(str(fresh), config=_CONFIG) as connection:
                migrate(connection)
            fresh.chmod(0o600)  # it holds text of cases; DuckDB gives its log the same mode

    def _connect(self, deadline: float) -> duckdb.DuckDBPyConnection:
        started = time.monotonic()
        while True:
            try:
                return duckdb.connect(str(self.path), config=_CONFIG)
            except duckdb.Error as e:
                # DuckDB has no exception class for a locked file: only its message tells.
                if "Could not set lock" not in str(e):
                    raise StoreError(
                        "store.not_opened", file=str(self.path), reason=first_line(e)
                    ) from e
                # A program outside the queue, or a dying process of ours, holds the file. The
                # queue waits behind this process, so it gives up early.
                if time.monotonic() > min(deadline, started + STUCK_S):
                    raise self._too_long(min(self.timeout_s, STUCK_S)) from e
            time.sleep(_RETRY_S)

    def _close_doors(self, connection: duckdb.DuckDBPyConnection) -> None:
        # In this order: the folders can be set only while access is on, and the lock refuses all
        # later settings. SET takes no parameters, hence the doubled quotes.
        parts = str((self.folder / "parts").resolve()).replace("'", "''")
        connection.execute(
            f"SET allowed_directories = ['{parts}']; SET autoload_known_extensions = false;"
            " SET enable_external_access = false; SET lock_configuration = true"
        )


def only_row(result: duckdb.DuckDBPyConnection) -> tuple:
    """Return the next row of a query that has one, such as a count. Raises ValueError for none."""
    row = result.fetchone()
    if row is None:
        raise ValueError("the query returned no row")
    return row


def first_line(error: Exception) -> str:
    """Return DuckDB's message without the statement that it quotes."""
    return str(error).splitlines()[0]


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
