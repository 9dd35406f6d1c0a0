"""The one DuckDB file, opened for one short transaction at a time.

Contract: scoring jobs, the command line and dashboards share the file without lock errors; a
transaction that has returned is on disk, exactly once. DuckDB lets one writing process hold the
file, so every process waits in one queue (core.store.lock, released by the system when a process
dies), opens the file, runs one transaction and closes it. Readers that follow each other in the
queue read at the same time. Knows no table; core.store.engine limits what SQL reaches.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb

from core.errors import StoreError
from core.files import delete_abandoned, fresh_file, private_folder
from core.messages import reader_language, sentence
from core.store.blocks import BlockCopy
from core.store.engine import ENGINE_CONFIG, StoreEngine
from core.store.lock import QueuedLock
from core.store.migrate import is_current, migrate
from core.store.wal import CommitNote

NAME, LOCK, TURN = "kakushin.duckdb", "kakushin.lock", "kakushin.turn"
STUCK_S = 5.0  # after this wait, a process checks whether the lock's holder is stopped
_LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")  # endings of what a killed process leaves
_RETRY_S = 0.02  # between two attempts while a program outside the queue holds the file
_logger = logging.getLogger(__name__)


class StoreFile:
    """The DuckDB file in `folder`, created at first use; safe among threads and processes.

    timeout_s: seconds to wait for a turn; infinite for background work. A wait is logged every
    STUCK_S; a finite one ends then if the lock's holder is a stopped process. prepare: called with
    each new connection, before its transaction.
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
        self._engine = StoreEngine(self.path, folder / "parts")
        self._note, self._copy = CommitNote(folder / f"{NAME}.wal"), BlockCopy(self.path)
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
        with (
            self._alone() as deadline,
            self._begun(deadline) if self._open is None else self._joined(self._open) as connection,
        ):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run the block on one state of the data, at the same time as other readers.

        An inner block joins the outer one; a write in it raises StoreError.
        """
        with self._alone() as deadline:
            if self._open is not None:
                with self._joined(self._open) as connection:
                    yield connection
                return
            with ExitStack() as opened:
                opened.enter_context(self._held(deadline, shared=True))
                # Under the lock: a writer at work has such files, too.
                if not self.path.exists() or self._has_left_overs():
                    self._mend(opened, deadline)
                connection = opened.enter_context(self._attached(deadline, read_only=True))
                if not is_current(connection):
                    self._mend(opened, deadline)
                    connection = opened.enter_context(self._attached(deadline, read_only=True))
                self._prepare(connection)
                opened.enter_context(self._in_transaction(connection))
                yield connection

    def _mend(self, opened: ExitStack, deadline: float) -> None:
        """Make, mend or upgrade the file, with what is opened closed; then hold it shared again."""
        opened.close()
        with self._begun(deadline):
            pass
        opened.enter_context(self._held(deadline, shared=True))

    @contextmanager
    def _alone(self) -> Iterator[float]:
        """Keep the other threads out of the block; give it the end of the wait (time.monotonic)."""
        deadline = time.monotonic() + self.timeout_s
        endless = math.isinf(self.timeout_s)
        if not self._threads.acquire(timeout=-1 if endless else self.timeout_s):
            raise self._too_long(self.timeout_s)
        try:
            self._engine.start()  # takes longer than most transactions: not while others wait
            yield deadline
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
            self._after_commit, self._at_commit = [], {}
            with self._in_transaction(connection):
                yield connection
            self._note.write()
            for act in self._at_commit.values():
                act()
        # After the lock is released, so that deleting files delays no other process.
        for act in self._after_commit:
            act()

    @contextmanager
    def _in_transaction(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Commit the block, or roll it back."""
        self._open, self._failed = connection, False
        try:
            connection.execute("BEGIN")
            yield
            if self._failed:
                raise StoreError("store.step_failed")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # DuckDB may have rolled it back itself
                connection.execute("ROLLBACK")
            raise
        finally:
            self._open = None

    @contextmanager
    def _held(self, deadline: float, shared: bool = False) -> Iterator[None]:
        """Hold the lock, alone or with other readers.

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
                    wait = (_left(deadline), STUCK_S, self._still_waiting)
                    held.enter_context(self._lock.held(*wait, shared))
            except TimeoutError as e:
                raise self._too_long(self.timeout_s) from e
            except OSError as e:
                raise StoreError(
                    "store.no_folder", folder=str(self.folder), reason=e.strerror or str(e)
                ) from e
            yield

    def _still_waiting(self, waited_s: float) -> None:
        """Log a wait; raise StoreError if it is finite and the lock's holder is a stopped process."""
        holder = self._lock.holder()
        values = {"folder": str(self.folder), "seconds": waited_s, "pid": holder and holder[0]}
        if holder is not None and holder[1] and not math.isinf(self.timeout_s):
            raise StoreError("store.stuck", **values)
        _logger.warning("%s", sentence(reader_language(), "store.waiting", **values))

    def _too_long(self, seconds: float) -> StoreError:
        return StoreError("store.in_use", folder=str(self.folder), seconds=seconds, lock=LOCK)

    @contextmanager
    def _connected(self, deadline: float) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self.path.exists():
            self._make()
        left_over = self._has_left_overs()
        if left_over:
            self._note.require_intact()
            self._copy.put_back()
        with (
            self._copy.opened() as handle,
            self._attached(deadline, read_only=False) as connection,
        ):
            self._copy.save(connection, handle)
            if left_over:
                connection.execute("CHECKPOINT")
                self._note.set_aside_unused()
            migrate(connection)
            self._prepare(connection)
            yield connection
        if not self._has_log():  # without the room for a checkpoint, the commit stays in it
            self._note.clear()
            self._copy.clear()

    @contextmanager
    def _attached(self, deadline: float, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._attach(deadline, read_only)
        try:
            yield connection
        finally:
            self._engine.detach(connection)

    def _has_log(self) -> bool:
        return any(self.path.with_name(NAME + ending).exists() for ending in _LOGS)

    def _has_left_overs(self) -> bool:
        return self._has_log() or self._copy.path.exists()

    def _make(self) -> None:
        """Create the file under another name, then rename it.

        DuckDB cannot open a file whose creation was interrupted.
        """
        delete_abandoned(self.path.parent)
        with fresh_file(self.path) as fresh:
            fresh.unlink()  # DuckDB makes its files itself
            with duckdb.connect(str(fresh), config=ENGINE_CONFIG) as connection:
                migrate(connection)
            fresh.chmod(0o600)  # it holds text of cases; DuckDB gives its log the same mode

    def _attach(self, deadline: float, read_only: bool) -> duckdb.DuckDBPyConnection:
        started = time.monotonic()
        while True:
            try:
                return self._engine.attach(read_only)
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
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_mtime_ns, status.st_size
