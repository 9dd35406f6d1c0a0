"""A lock among processes in the order of arrival: the kernel queues the waiting calls of flock.

So no process polls, and none is overtaken for long. The system releases the lock when its holder
dies. A waiting process gets a callback at intervals. Knows no store.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows has no flock; filelock polls there
    fcntl = None  # type: ignore[assignment]

_LISTED = Path("/proc/locks")  # every lock of a Linux system
_POLL_S = 0.05  # on systems without flock


class QueuedLock:
    """A lock on the file at `path`, created at first use, among processes and threads."""

    def __init__(self, path: Path):
        self.path = path

    @contextmanager
    def held(
        self,
        timeout_s: float,
        every_s: float,
        still_waiting: Callable[[float], object],
        shared: bool = False,
    ) -> Iterator[None]:
        """Hold the lock in the block.

        timeout_s: seconds to wait at most, may be infinite. every_s: seconds between two calls of
        still_waiting, which gets the seconds waited so far; an error that it raises ends the wait.
        shared: let in others who share; where there is no flock, no one. Raises TimeoutError, and
        OSError for a file that cannot be opened.
        """
        if fcntl is None:
            with _polled(self.path, timeout_s):
                yield
            return
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            _Wait(handle, kind).for_grant(timeout_s, every_s, still_waiting)
        try:
            # Fixed width, so the file is never truncated: some file systems write to disk then.
            os.pwrite(handle, b"%-20d" % os.getpid(), 0)
            yield
        finally:
            os.close(handle)  # releases the lock

    def holder(self) -> tuple[int, bool] | None:
        """Return the pid of a process that holds the lock, and whether it is stopped.

        Of several who share it, a stopped one if the system lists them (Linux), else the one that
        came last. Returns None if no such process runs.
        """
        holders = []
        for pid in self._pids():
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                holders.append((process.pid, process.status() == psutil.STATUS_STOPPED))
        return max(holders, key=itemgetter(1), default=None)

    def _pids(self) -> list[int]:
        """Return the pids that the kernel lists as holders, after that in the lock's file."""
        pids = []
        with suppress(OSError, ValueError):
            pids.append(int(self.path.read_text(encoding="ascii")))
        with suppress(OSError):
            inode = self.path.stat().st_ino
            for line in _LISTED.read_text(encoding="ascii").splitlines():
                # "1: FLOCK ADVISORY WRITE pid major:minor:inode 0 EOF"; "->" marks one that waits
                words = line.split()
                if words[1] == "FLOCK" and words[5].endswith(f":{inode}"):
                    pids.append(int(words[4]))
        return pids


class _Wait:
    """A wait in the kernel's queue, in a separate thread, since flock has no time limit.

    A daemon thread, since a blocked flock cannot be cancelled and must not delay the exit.
    """

    def __init__(self, handle: int, kind: int):
        self.handle, self.kind = handle, kind
        self._granted, self._guard, self._given_up = threading.Event(), threading.Lock(), False

    def for_grant(
        self, timeout_s: float, every_s: float, still_waiting: Callable[[float], object]
    ) -> None:
        """Return once the lock is held. Raises TimeoutError and the errors of `still_waiting`.

        After an error, the thread releases the lock as soon as it gets it.
        """
        threading.Thread(target=self._take, daemon=True).start()
        started = time.monotonic()
        try:
            while True:
                waited = time.monotonic() - started
                if self._granted.wait(max(0.0, min(every_s, timeout_s - waited))):
                    return
                waited = time.monotonic() - started
                if waited >= timeout_s:
                    raise TimeoutError
                still_waiting(waited)
        except BaseException:
            # Under the guard, exactly one of the two threads closes the handle.
            with self._guard:
                self._given_up = True
                if self._granted.is_set():
                    os.close(self.handle)
            raise

    def _take(self) -> None:
        fcntl.flock(self.handle, self.kind)
        with self._guard:
            if self._given_up:
                os.close(self.handle)
            else:
                self._granted.set()


@contextmanager
def _polled(path: Path, timeout_s: float) -> Iterator[None]:
    try:
        limit = -1 if timeout_s == float("inf") else timeout_s
        with FileLock(path, thread_local=False).acquire(limit, poll_interval=_POLL_S):
            yield
    except Timeout as e:
        raise TimeoutError from e
