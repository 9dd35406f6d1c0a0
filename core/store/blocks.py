"""A copy of the blocks that DuckDB overwrites in place, kept while a process may overwrite them.

A checkpoint writes data to free blocks, but its metadata over blocks that the last state still
needs. A process that is killed within such a write of 256 kB leaves a block that is half new, and a
file that does not open. So a writer copies these blocks first; where the file's header says that no
checkpoint has ended since, the next writer puts them back. The copy is not synchronised: after a
power cut it may be missing or half, and half a copy is none. Knows the places of header and blocks,
and nothing of their content.
"""

import json
import logging
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.files import write_atomic

COPY = "kakushin.blocks"
_HEADER = 3 * 4096  # bytes before the first block; every checkpoint that ends changes them
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Copied:
    header: bytes
    blocks: dict[int, bytes]  # by their place in the file


class BlockCopy:
    """The copy of the database at `database`. Call it while no other process writes."""

    def __init__(self, database: Path):
        self.database, self.path = database, database.with_name(COPY)
        self._size = 0  # of a block, in bytes; 0 until it is asked for

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Yield a handle of the database for `save`; keep it until DuckDB has closed the file.

        Closing any handle of a file gives up all locks that a process has on it, DuckDB's too.
        """
        handle = os.open(self.database, os.O_RDONLY)
        try:
            yield handle
        finally:
            os.close(handle)

    def save(self, connection: duckdb.DuckDBPyConnection, handle: int) -> None:
        """Copy the blocks that a checkpoint of this connection may overwrite.

        An error is logged: where there is no room for the copy, the store can still be read.
        """
        if not self._size:
            row = connection.execute("SELECT block_size FROM pragma_database_size()").fetchone()
            (self._size,) = row or (0,)
        rows = connection.execute("SELECT block_id FROM pragma_metadata_info()").fetchall()
        places = [_HEADER + number * self._size for (number,) in rows]
        blocks = [os.pread(handle, self._size, place) for place in places]
        content = b"".join([os.pread(handle, _HEADER, 0), *blocks])
        head = {"places": places, "size": self._size, "crc32": zlib.crc32(content)}
        try:
            write_atomic(self.path, json.dumps(head).encode() + b"\n" + content, durable=False)
        except OSError:
            _logger.exception("the blocks that a checkpoint overwrites were not copied")

    def put_back(self) -> None:
        """Put the copied blocks back if no checkpoint has ended since they were copied.

        Raises OSError.
        """
        copied = self._read()
        if copied is None:
            return
        handle = os.open(self.database, os.O_RDWR)
        try:
            if os.pread(handle, _HEADER, 0) != copied.header:
                return
            for place, block in copied.blocks.items():
                if os.pread(handle, len(block), place) != block:
                    _logger.warning("%s: an unfinished block was put back", self.database)
                    os.pwrite(handle, block, place)
            os.fsync(handle)
        finally:
            os.close(handle)

    def clear(self) -> None:
        """Delete the copy; call it once DuckDB has closed the file with all that was committed."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> _Copied | None:
        try:
            line, content = self.path.read_bytes().split(b"\n", 1)
            head = json.loads(line)
            if zlib.crc32(content) != head["crc32"]:
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        blocks, size = content[_HEADER:], head["size"]
        pieces = {place: blocks[i * size :][:size] for i, place in enumerate(head["places"])}
        return _Copied(content[:_HEADER], pieces)
