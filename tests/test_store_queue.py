"""The queue of processes before the store: in order, without polling, and a stuck holder is named."""

import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.errors import StoreError
from core.messages import error_text
from core.store import file
from core.store.lock import QueuedLock
from core.store.store import Store
from tests.stores import make_store

HOLD = """
import sys, time
from pathlib import Path
from core.store.lock import QueuedLock
with QueuedLock(Path(sys.argv[1])).held(60, 60, print):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def hold():
    """Return a function that starts a process which holds a lock for some seconds."""
    started = []

    def start(path, seconds):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def ignore(waited: float) -> None:
    pass


def test_a_wait_ends_at_its_limit_and_leaves_the_queue(tmp_path, hold):
    lock = QueuedLock(tmp_path / "lock")
    holder = hold(lock.path, 600)
    waits = []
    with pytest.raises(TimeoutError), lock.held(0.3, 0.1, waits.append):
        pass
    assert len(waits) >= 2
    assert waits == sorted(waits)
    holder.kill()
    # the thread that gave up gets the lock and gives it back
    with lock.held(60, 60, ignore):
        assert lock.holder() == (os.getpid(), False)


def test_what_the_waiting_is_told_may_end_it(tmp_path, hold):
    lock = QueuedLock(tmp_path / "lock")
    hold(lock.path, 600)

    def fail(waited):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), lock.held(math.inf, 0.05, fail):
        pass


def test_a_killed_holder_gives_the_lock_back(tmp_path, hold):
    lock = QueuedLock(tmp_path / "lock")
    holder = hold(lock.path, 600)
    threading.Timer(0.2, holder.kill).start()
    with lock.held(60, 60, ignore):
        assert lock.holder()[0] == os.getpid()


def waiting_calls(path: Path) -> int:
    """Return how many calls of flock wait for a file, from the kernel's list of locks."""
    lines = Path("/proc/locks").read_text().splitlines()
    return sum("->" in line and f":{path.stat().st_ino} " in line for line in lines)


def test_waiting_processes_come_in_the_order_of_their_arrival(tmp_path, hold):
    lock, order = QueuedLock(tmp_path / "lock"), []
    holder = hold(lock.path, 600)
    threads = []
    for i in range(8):

        def take(i=i):
            with lock.held(60, 60, ignore):
                order.append(i)

        threads.append(threading.Thread(target=take))
        threads[-1].start()
        while waiting_calls(lock.path) <= i:  # until it has entered the kernel's queue
            time.sleep(0.01)
    holder.kill()
    for thread in threads:
        thread.join()
    assert sorted(order) == list(range(8))
    assert order[0] == 0


def test_a_stopped_holder_is_named_long_before_the_wait_ends(tmp_path, hold, monkeypatch):
    store = make_store(tmp_path / "store", "tiny")
    monkeypatch.setattr(file, "STUCK_S", 0.2)
    holder = hold(store.folder / file.LOCK, 600)
    os.kill(holder.pid, signal.SIGSTOP)
    os.waitpid(holder.pid, os.WUNTRACED)
    with pytest.raises(
        StoreError, match=f"held by process {holder.pid}, which is stopped"
    ) as caught:
        Store(store.folder, timeout_s=60).runs()
    assert f"停止中のプロセス{holder.pid}" in error_text(caught.value, "ja")
    os.kill(holder.pid, signal.SIGCONT)
    holder.kill()
    assert len(Store(store.folder, timeout_s=60).runs()) == 1


def test_an_endless_wait_is_logged_and_ends_with_the_turn(tmp_path, hold, monkeypatch, caplog):
    store = make_store(tmp_path / "store", "tiny")
    monkeypatch.setattr(file, "STUCK_S", 0.1)
    holder = hold(store.folder / file.LOCK, 600)
    threading.Timer(0.5, holder.kill).start()
    with caplog.at_level(logging.WARNING):
        assert len(Store(store.folder, timeout_s=math.inf).runs()) == 1
    assert f"process {holder.pid} uses it" in caplog.text


def test_readers_share_the_store_and_a_writer_waits_for_them(tmp_path):
    folder = make_store(tmp_path / "store", "tiny").folder
    first, second, writer = (Store(folder, timeout_s=30) for _ in range(3))
    with first.reading(), second.reading():
        assert len(first.runs()) == len(second.runs()) == 1
        with (
            pytest.raises(StoreError, match="was in use for 0.2 s"),
            Store(folder, timeout_s=0.2).atomic(),
        ):
            pass
    with writer.atomic(), pytest.raises(StoreError, match="was in use for 0.2 s"):
        Store(folder, timeout_s=0.2).runs()


def test_a_reader_behind_a_waiting_writer_waits_too(tmp_path):
    """Else a stream of readers would keep every writer out."""
    folder = make_store(tmp_path / "store", "tiny").folder
    order, turn = [], folder / file.TURN

    def write():
        with Store(folder, timeout_s=60).atomic():
            order.append("write")

    def read():
        Store(folder, timeout_s=60).runs()
        order.append("read")

    threads = [threading.Thread(target=act) for act in (write, read)]
    with Store(folder).reading():
        threads[0].start()
        while not waiting_calls(folder / file.LOCK):
            time.sleep(0.01)
        threads[1].start()
        while not waiting_calls(turn):
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert order == ["write", "read"]


def test_a_write_within_a_reading_is_refused_and_changes_nothing(tmp_path):
    store = make_store(tmp_path / "store", "tiny")
    version = store.version()
    with pytest.raises(StoreError, match="read-only"), store.reading():
        store.end_run(store.runs()[0].run.run_id, "failed", 1.0, {})
    assert store.version() == version
    assert store.runs()[0].state != "failed"


def test_a_reading_upgrades_an_older_store_first(tmp_path):
    folder = make_store(tmp_path / "store", "tiny").folder
    with Store(folder).atomic() as connection:
        connection.execute(
            "DELETE FROM schema_migrations WHERE version = 13; DROP TABLE lake_parts"
        )
    assert len(Store(folder).runs()) == 1
    with Store(folder).reading() as connection:
        assert connection.execute("SELECT count(*) FROM lake_parts").fetchone() == (0,)


def test_a_forked_child_uses_the_store_that_its_parent_has_used(tmp_path):
    store = make_store(tmp_path / "store", "tiny")
    assert len(store.runs()) == 1
    pid = os.fork()
    if pid == 0:
        os._exit(len(store.runs()))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert len(store.runs()) == 1


def test_a_stopped_reader_is_named_although_another_came_later(tmp_path, monkeypatch):
    store = make_store(tmp_path / "store", "tiny")
    monkeypatch.setattr(file, "STUCK_S", 0.2)
    shared = HOLD.replace("print):", "print, shared=True):")
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", shared, str(store.folder / file.LOCK), "600"],
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout.readline() == b"held\n"
    os.kill(readers[0].pid, signal.SIGSTOP)
    os.waitpid(readers[0].pid, os.WUNTRACED)
    try:
        with (
            pytest.raises(StoreError, match=f"by process {readers[0].pid}, which is stopped"),
            Store(store.folder, timeout_s=60).atomic(),
        ):
            pass
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
            reader.stdout.close()
