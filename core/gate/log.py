"""The gate's log: one JSON document a line, appended and on disk before anybody is answered.

A line is a case's decision, or a request's idempotency key with its cases. After a kill the last
line may be cut short; nobody was answered from it, and it is cut off when the log is opened. One
process holds a log. Texts and answers stay in the files; memory holds where each one lies.

A file that is large or old is closed and numbered, and the next one begins. A closed file is
removed when the store has all of its cases and it is old, or the closed files are many bytes. A
case whose line is removed is not decided again, but refused.
"""

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import OtherContentError, StoreError
from core.files import private_folder, sync_path
from core.gate.retired import read_retired

SEGMENT_BYTES = 64_000_000  # of a file, before it is closed
SEGMENT_S = 86_400.0  # from a file's first line to its end
KEEP_S = 30 * 86_400.0  # for which a request may be repeated, at least while there is room
KEEP_BYTES = 2_000_000_000  # of closed files


@dataclass(frozen=True)
class StoredLine:
    """Where a line lies: number of the file, offset and size in bytes; and the sha256 of the
    content that it answers.
    """

    segment: int
    offset: int
    size: int
    content_key: str


@dataclass
class Segment:
    """A file of the log: its handle, size in bytes, time of its first line (Unix seconds), how many
    of its cases have a model's answer, and the names in it.
    """

    handle: int
    size: int = 0
    began: float = 0.0
    scored: int = 0
    cases: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def unscored(self) -> int:
        """Return how many of its cases have no answer of the model."""
        return len(self.cases) - self.scored


class DecisionLog:
    """The log at `path`, made at first use. Raises StoreError where another process holds it, or a
    line before the last cannot be read. One thread at a time appends; any thread reads.
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
        self.cases: dict[str, StoredLine] = {}
        self.requests: dict[str, StoredLine] = {}
        # Lines that no one has removed, in their order: with a model's answer, and without one.
        self.scored: list[StoredLine] = []
        self.unscored: list[StoredLine] = []
        self._segments: dict[int, Segment] = {}
        self._turn = threading.Lock()  # of reading a line against removing its file
        self._broken = threading.Event()
        try:
            self.retired = read_retired(self._retired_path)
            self._recover()
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
            active = self._open_segment()
            _write_whole(active.handle, b"".join(lines))
            os.fsync(active.handle)
        except OSError as e:
            self._cut_back()
            reason = e.strerror or str(e)
            raise StoreError("gate.log_not_written", file=str(self.path), reason=reason) from e
        for document, line in zip(documents, lines, strict=True):
            self._index(document, len(line))

    def read_line(self, line: StoredLine) -> dict[str, Any]:
        """Return the document of a line. Raises OtherContentError if its file is removed."""
        with self._turn:
            if line.segment not in self._segments:
                raise OtherContentError("gate.line_removed")
            handle = self._segments[line.segment].handle
            return json.loads(os.pread(handle, line.size, line.offset))

    def remove_old(self, scored: int, unscored: int) -> int:
        """Remove old closed files whose cases are all in the store; return how many.

        scored, unscored: how many cases of each kind the store has, from the log's beginning.
        """
        removed = 0
        for number in sorted(self._segments)[:-1]:
            segment, past = self._segments[number], self.retired
            closed_bytes = sum(self._segments[n].size for n in sorted(self._segments)[:-1])
            old = time.time() - os.fstat(segment.handle).st_mtime > KEEP_S
            in_store = (
                past.scored + segment.scored <= scored
                and past.unscored + segment.unscored <= unscored
            )
            if not in_store or not (old or closed_bytes > KEEP_BYTES):
                break
            retired = past.with_cases(segment.cases, segment.scored, segment.unscored, number)
            # First the names, then the file: a kill in between leaves a file that is removed when
            # the log is opened.
            retired.save(self._retired_path)
            with self._turn:
                self.retired = retired
                self._forget(number)
            self._closed_path(number).unlink()
            removed += 1
        return removed

    def retire(self, case_ids: Sequence[str], scored: int, unscored: int) -> None:
        """Refuse these cases from now on; scored, unscored: how many cases of each kind they add."""
        self.retired = self.retired.with_cases(case_ids, scored, unscored, self.retired.segment)
        self.retired.save(self._retired_path)

    def close(self) -> None:
        """Give the log back."""
        for segment in self._segments.values():
            os.close(segment.handle)
        self._lock.release()

    # --- files

    @property
    def _retired_path(self) -> Path:
        return self.path.with_suffix(".retired.npz")

    def _closed_path(self, number: int) -> Path:
        return self.path.with_suffix(f".{number:06d}.jsonl")

    def _newest(self) -> tuple[int, Segment]:
        """Return number and file of the newest, the one that is written."""
        number = max(self._segments)
        return number, self._segments[number]

    def _open_segment(self) -> Segment:
        """Return the file that is written, a new one where the last is large or old."""
        number, segment = self._newest()
        age = time.time() - segment.began
        if segment.size and (segment.size >= SEGMENT_BYTES or age >= SEGMENT_S):
            self.path.rename(self._closed_path(number))
            self._segments[number + 1] = segment = Segment(_opened(self.path))
            sync_path(self.path.parent)
        if not segment.size:
            segment.began = time.time()
        return segment

    def _recover(self) -> None:
        """Index the lines of all files, and cut off an unfinished last one of the newest."""
        digits = "[0-9]" * 6
        closed = self.path.parent.glob(f"{self.path.stem}.{digits}.jsonl")
        numbers = sorted(int(path.suffixes[-2][1:]) for path in closed)
        for number in numbers:
            if number <= self.retired.segment:
                self._closed_path(number).unlink()
                continue
            self._read_segment(number, self._closed_path(number))
        self._read_segment(max([self.retired.segment, *numbers]) + 1, self.path)
        _, active = self._newest()
        os.ftruncate(active.handle, active.size)
        os.fsync(active.handle)

    def _read_segment(self, number: int, path: Path) -> None:
        self._segments[number] = Segment(_opened(path), began=path.stat().st_mtime)
        with path.open("rb") as file:
            for place, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self._index(json.loads(line), len(line))
                except (ValueError, KeyError, TypeError) as e:
                    raise StoreError("gate.log_line", file=str(path), line=place) from e

    # --- lines

    def _index(self, document: dict[str, Any], size: int) -> None:
        """Note where the next line of the newest file lies."""
        number, segment = self._newest()
        line = StoredLine(number, segment.size, size, document["content_key"])
        if "request" in document:
            self.requests[document["request"]] = line
            segment.requests.append(document["request"])
        else:
            case_id = document["answer"]["case_id"]
            has_scores = document["scores"] is not None
            (self.scored if has_scores else self.unscored).append(line)
            segment.scored += has_scores
            self.cases[case_id] = line
            segment.cases.append(case_id)
        segment.size += size

    def _forget(self, number: int) -> None:
        segment = self._segments.pop(number)
        os.close(segment.handle)
        for names, lines in ((segment.cases, self.cases), (segment.requests, self.requests)):
            for name in names:
                # a key may have been used again in a later file
                if lines[name].segment == number:
                    del lines[name]
        del self.scored[: segment.scored], self.unscored[: segment.unscored]

    def _cut_back(self) -> None:
        _, active = self._newest()
        try:
            os.ftruncate(active.handle, active.size)
        except OSError:
            self._broken.set()


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, allow_nan=False).encode() + b"\n"


def _write_whole(handle: int, content: bytes) -> None:
    rest_of_it = memoryview(content)
    while rest_of_it:
        rest_of_it = rest_of_it[os.write(handle, rest_of_it) :]
