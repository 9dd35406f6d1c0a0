"""What DuckDB's log held when a commit returned, noted in a small file next to it.

DuckDB takes the first unreadable length in its log for a write that a crash cut off, and a log
without its header for none: both open without an error and without what was committed after that
place. A commit notes the log's size and hash, so that a log which no longer begins with what was
committed is refused. The note is not synchronised: after a power cut it may be an older one, which
is told by the log's first bytes, or half of one, which its checksum tells: half a note is none.
Knows no format of the log.
"""

import hashlib
import logging
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError

NOTE = "kakushin.commit"
_START = 64  # bytes; DuckDB writes the file's identity and the number of its checkpoint there
_LENGTH = 256  # of the note: fixed, so that it is overwritten in place
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Commit:
    size: int
    sha256: str
    start: str  # the first bytes, hex


class CommitNote:
    """The note of the log at `log`. Call it while no other process writes."""

    def __init__(self, log: Path):
        self.log, self.path = log, log.with_name(NOTE)

    def write(self) -> None:
        """Note the log's present content; call it right after a commit.

        Nothing is noted where the commit went into the file itself. An error is logged: the commit
        is stored, and the note only watches over it.
        """
        try:
            commit = _commit_of(self.log.read_bytes())
            text = f"{commit.size} {commit.sha256} {commit.start}"
            self._overwrite(f"{text} {_checksum(text)}")
        except FileNotFoundError:
            self.clear()
        except OSError:
            _logger.exception("the log's note was not written")

    def clear(self) -> None:
        """Note that no commit rests on the log."""
        if self.path.exists():
            self._overwrite("")

    def require_intact(self) -> None:
        """Raise StoreError if the log no longer begins with what was committed last."""
        commit = self._read()
        if commit is None or not self.log.exists():
            return
        content = self.log.read_bytes()
        if _starts_alike(content, commit) and _commit_of(content[: commit.size]) != commit:
            raise StoreError("store.log_damaged", file=str(self.log))

    def set_aside_unused(self) -> None:
        """Rename a log that DuckDB did not take in; call it after a checkpoint.

        Raises StoreError if a commit rested on a log with another beginning. Otherwise a killed
        process left this one before its commit or after its checkpoint, or it is no log of this
        store: a warning names the new file.
        """
        if not self.log.exists() or self.log.stat().st_size == 0:
            return
        commit = self._read()
        if commit is not None and not _starts_alike(self.log.read_bytes(), commit):
            raise StoreError("store.log_damaged", file=str(self.log))
        aside = self.log.with_name(f"{self.log.name}.unused-{self.log.stat().st_mtime_ns}")
        self.log.rename(aside)
        _logger.warning("%s", StoreError("store.log_unused", file=str(aside)))

    def _overwrite(self, text: str) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, text.ljust(_LENGTH).encode(), 0)
        finally:
            os.close(handle)

    def _read(self) -> _Commit | None:
        try:
            *parts, checksum = self.path.read_text(encoding="ascii").split()
            size, sha256, start = parts
            is_whole = checksum == _checksum(" ".join(parts))
            return _Commit(int(size), sha256, start) if is_whole else None
        except (OSError, ValueError):
            return None


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _starts_alike(content: bytes, commit: _Commit) -> bool:
    return content[:_START].hex() == commit.start


def _commit_of(content: bytes) -> _Commit:
    return _Commit(len(content), hashlib.sha256(content).hexdigest(), content[:_START].hex())
