"""One DuckDB in memory, to which the store's file is attached for each transaction.

Starting DuckDB takes 17 ms of processor time, attaching a file 3: a process that starts it once
lets others wait a fifth as long. Between two transactions the file is closed, since DuckDB lets one
process hold it. SQL reaches no file but the store's own and the parts, and no statement can lift
that limit. Knows no table and no lock.
"""

import logging
import os
import weakref
from contextlib import suppress
from pathlib import Path

import duckdb

# No extension is downloaded, and no Python variable is a table. The extensions inside DuckDB itself
# load while it replays its log: without them, the log of an ALTER TABLE cannot be replayed, and a
# store whose upgrade was killed would never open. _close_doors ends the loading. No file's content
# stays in memory between two transactions: a store of large parts would fill it.
ENGINE_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "true",
    "python_enable_replacements": "false",
    "enable_external_file_cache": "false",
}
_logger = logging.getLogger(__name__)


class StoreEngine:
    """The DuckDB of one file. Not safe among threads: the caller lets in one at a time.

    path: the file. parts: the folder that SQL may read.
    """

    def __init__(self, path: Path, parts: Path):
        self.path, self.parts = path, parts
        # None or one, in a list, so that the end of the process can close it.
        self._instances: list[duckdb.DuckDBPyConnection] = []
        self._has_closed_doors = False
        weakref.finalize(self, _close, self._instances)
        _engines.add(self)

    def start(self) -> None:
        """Start DuckDB unless it runs; call it before the wait for the file. Raises duckdb.Error."""
        if not self._instances:
            spill = {"temp_directory": f"{self.path}.tmp"}
            self._instances.append(duckdb.connect(":memory:", config=ENGINE_CONFIG | spill))
            self._has_closed_doors = False

    def attach(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Return a connection with the file as its database. Raises duckdb.Error."""
        self.start()
        connection = self._instances[0].cursor()
        try:
            mode = "READ_ONLY" if read_only else "READ_WRITE"
            connection.execute(f"ATTACH {sql_literal(str(self.path))} AS store ({mode}); USE store")
            if not self._has_closed_doors:
                self._close_doors(connection)
        except BaseException:
            connection.close()
            if not self._has_closed_doors:
                self.discard()
            raise
        return connection

    def detach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bring the log into the file and close both.

        An error is logged, not raised: what was committed is on disk, in the log, and the next
        attachment replays it.
        """
        try:
            connection.execute("USE memory; DETACH store")
            connection.close()
        except duckdb.Error as e:
            _logger.warning("%s", str(e).splitlines()[0])
            with suppress(duckdb.Error):
                connection.close()
            self.discard()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """End this DuckDB, which closes the file; the next attachment starts another."""
        _close(self._instances)

    def _close_doors(self, connection: duckdb.DuckDBPyConnection) -> None:
        # With the file attached: DuckDB then allows the file and its logs, by their own names. In
        # this order: the folder can be set only while access is on, and the lock refuses all later
        # settings. SET takes no parameters, hence the quotes.
        connection.execute(
            f"SET allowed_directories = [{sql_literal(str(self.parts.resolve()))}];"
            " SET autoload_known_extensions = false; SET enable_external_access = false;"
            " SET lock_configuration = true"
        )
        self._has_closed_doors = True


def _close(instances: list[duckdb.DuckDBPyConnection]) -> None:
    while instances:
        with suppress(duckdb.Error):
            instances.pop().close()


def sql_literal(text: str) -> str:
    """Return the text as an SQL literal, where SQL takes no parameters."""
    return "'" + text.replace("'", "''") + "'"


_engines: weakref.WeakSet[StoreEngine] = weakref.WeakSet()
_of_the_parent: list[duckdb.DuckDBPyConnection] = []


def _forget_engines() -> None:
    """Give up what a fork copied: the child has none of DuckDB's threads, and would wait for them.

    The copies stay referenced, since even their destructors wait.
    """
    for engine in list(_engines):
        _of_the_parent.extend(engine._instances)
        engine._instances.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_engines)
