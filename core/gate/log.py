"""The gate's log: one JSON document a line, appended and on disk before anybody is answered.

A line is a case's decision, or a request's idempotency key with its cases. After a kill the last
line may be cut short; nobody was answered from it, and it is cut off when the log is opened. One
process holds a log. Texts and answers stay in the file; memory holds where each one lies.
"""

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import StoreError
from core.files import private_folder, sync_path


@dataclass(frozen=True)
class StoredLine:
    """Where a line lies in the file, in bytes, and the sha256 of the content that it answers."""

    offset: int
    size: int
    content_key: str


class DecisionLog:
    """The log at `path`, made at first use. Raises StoreError where another process holds it, or a
    line before the last cannot be read. One thread appends; any thread reads.
    """

    def __init__(self, path: Path):
        private_folder(path.parent)
        self.path, self._lock = (
            path,
            FileLock(path.with_suffix(".lock"), mode=0o600, thread_local=False),
        )
        try:
            self._lock.acquire(timeout=0)
        except Timeout as e:
            raise StoreError("gate.log_in_use", file=str(path)) from e
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.cases: dict[str, StoredLine] = {}
        self.requests: dict[str, StoredLine] = {}
        self.scored: list[StoredLine] = []  # decisions with a model's answer, in their order
        self._broken = threading.Event()
        try:
            self._size = self._recover()
        except BaseException:
            self.close()
            raise
        sync_path(path.parent)

    def append(self, documents: Sequence[dict[str, Any]]) -> None:
        """Append all documents and wait until they are on disk.

        Each has "content_key", and "answer" for a case or "request" for an idempotency key. Raises
        StoreError; then nothing of them counts, and where the file cannot be cut back, no later
        call succeeds.
        """
        if self._broken.is_set():
            raise StoreError("gate.log_broken_off", file=str(self.path))
        lines = [_encoded(document) for document in documents]
        try:
            _write_whole(self._handle, b"".join(lines))
            os.fsync(self._handle)
        except OSError as e:
            self._cut_back()
            reason = e.strerror or str(e)
            raise StoreError("gate.log_not_written", file=str(self.path), reason=reason) from e
        for document, line in zip(documents, lines, strict=True):
            self._index(document, StoredLine(self._size, len(line), document["content_key"]))
            self._size += len(line)

    def read_line(self, line: StoredLine) -> dict[str, Any]:
        """Return the document of a line."""
        return json.loads(os.pread(self._handle, line.size, line.offset))

    def close(self) -> None:
        """Give the log back."""
        os.close(self._handle)
        self._lock.release()

    def _recover(self) -> int:
        """Index the lines of the file, cut off an unfinished last one, and return the size."""
        size = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    document = json.loads(line)
                    self._index(document, StoredLine(size, len(line), document["content_key"]))
                except (ValueError, KeyError, TypeError) as e:
                    raise StoreError("gate.log_line", file=str(self.path), line=number) from e
                size += len(line)
        os.ftruncate(self._handle, size)
        os.fsync(self._handle)
        return size

    def _index(self, document: dict[str, Any], line: StoredLine) -> None:
        if "request" in document:
            self.requests[document["request"]] = line
            return
        self.cases[document["answer"]["case_id"]] = line
        if document["scores"] is not None:
            self.scored.append(line)

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._handle, self._size)
        except OSError:
            self._broken.set()


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, allow_nan=False).encode() + b"\n"


def _write_whole(handle: int, content: bytes) -> None:
    rest_of_it = memoryview(content)
    while rest_of_it:
        rest_of_it = rest_of_it[os.write(handle, rest_of_it) :]
