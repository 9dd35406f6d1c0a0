"""`python -m benchmarks.failing_writes --limit 200`: a fault at the 1st, 2nd, 3rd ... write.

Every operation of benchmarks.faults runs once for each write that it makes to the store's folder,
with a fault at exactly that write, and once more for each kind of fault (MODES). Nothing is random:
a run without --limit visits every write there is. Then the store must open with an intact trail and
hold the operation once, or not at all unless it was reported as done; a process that survived must
do the next operation, now that writes work again; and so must another process.

Prints JSON: writes {phase: how many one operation makes}, tries, outcomes {mode: {ended, refused,
killed, no_sentence}}, wrong [[phase, mode, number of the write, what]], upper_bound_95. Needs Linux
and a C compiler (failing_writes.c, by LD_PRELOAD).
"""

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from benchmarks.faults import PHASES, make_templates, read_stored
from core.errors import KakushinError
from core.store.store import Store

SOURCE = Path(__file__).with_suffix(".c")
MODES = ("once", "always", "kill", "torn")  # the numbers of failing_writes.c
ENDED, REFUSED, NO_SENTENCE, STUCK = 0, 3, 4, 5  # exit statuses of a child
_OUTCOMES = {ENDED: "ended", REFUSED: "refused", STUCK: "refused", -signal.SIGKILL: "killed"}


@dataclass(frozen=True)
class Attempt:
    """What an operation with a fault at one write came to."""

    status: int  # of the child: one of the above, or minus a signal
    writes: int  # that the child had made; 0 if it was killed


def main() -> None:
    """Run every attempt and print the table; load the library first, in a new process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failing_writes")
    parser.add_argument("--limit", type=int, default=10_000, help="of writes per operation")
    parser.add_argument("--phases", nargs="+", default=list(PHASES), choices=list(PHASES))
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=list(MODES))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if "arm_writes" not in os.environ.get("KAKUSHIN_FAULTS", ""):
            library = Path(folder) / "failing_writes.so"
            compiler = shutil.which("cc") or sys.exit("this benchmark needs a C compiler (cc)")
            options = ["-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
            subprocess.run([compiler, *options], check=True)
            loaded = {"LD_PRELOAD": str(library), "KAKUSHIN_FAULTS": "arm_writes"}
            command = [sys.executable, "-m", "benchmarks.failing_writes", *sys.argv[1:]]
            sys.exit(subprocess.run(command, env=os.environ | loaded).returncode)
        result = run_attempts(Path(folder), arguments.phases, arguments.modes, arguments.limit)
    print(json.dumps(result))


def run_attempts(folder: Path, phases: Sequence[str], modes: Sequence[str], limit: int) -> dict:
    """Return the JSON object. folder: for the stores. limit: of writes per operation and mode."""
    new, old = make_templates(folder)
    writes: dict[str, int] = {}
    outcomes = {mode: Counter() for mode in modes}
    wrong: list[list] = []
    for phase in phases:
        template = old if phase == "migration" else new
        writes[phase] = _attempt(_copy(template, folder), phase, 0, "once").writes
        for mode in modes:
            for number in tqdm(
                range(1, min(limit, writes[phase]) + 1), desc=f"{phase}, {mode}", disable=None
            ):
                store = _copy(template, folder)
                attempt = _attempt(store, phase, number, mode)
                outcomes[mode][_OUTCOMES.get(attempt.status, "no_sentence")] += 1
                wrong += [[phase, mode, number, what] for what in _faults_of(store, phase, attempt)]
    tries = sum(sum(counter.values()) for counter in outcomes.values())
    bound = None if wrong or not tries else 3 / tries
    table = {mode: dict(counter) for mode, counter in outcomes.items()}
    head = {"writes": writes, "tries": tries, "outcomes": table}
    return {**head, "wrong": wrong, "upper_bound_95": bound}


def _copy(template: Path, folder: Path) -> Store:
    shutil.rmtree(folder / "store", ignore_errors=True)
    return Store(shutil.copytree(template, folder / "store"), timeout_s=60)


def _attempt(store: Store, phase: str, number: int, mode: str) -> Attempt:
    """Let a child do operation 0 with a fault at that write, and operation 1 if it survives."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = NO_SENTENCE
        try:
            library = ctypes.CDLL(None)
            if phase != "migration":
                store.runs()  # so that the fault meets the operation, not the start of DuckDB
            place = os.fsencode(store.folder.resolve())
            library.arm_writes(place, ctypes.c_long(number), MODES.index(mode))
            try:
                PHASES[phase][0](store, 0)
                status = ENDED
            except (KakushinError, OSError, MemoryError):
                status = REFUSED
            os.write(writer, str(library.disarm_writes()).encode())
            try:
                PHASES[phase][0](store, 1)
            except Exception:
                status = STUCK
        finally:
            os._exit(status)
    os.close(writer)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    writes = os.read(reader, 64)
    os.close(reader)
    return Attempt(status, int(writes or 0))


def _faults_of(store: Store, phase: str, attempt: Attempt) -> list[str]:
    """Return what is wrong after an attempt; [] if nothing is."""
    if attempt.status == STUCK:
        return ["the same process cannot go on"]
    if attempt.status not in _OUTCOMES:
        return ["no sentence"]
    stored = read_stored(store, phase)
    if stored is None:
        return ["the store does not open, or its trail is broken"]
    if phase == "migration":
        return []
    is_killed = attempt.status == -signal.SIGKILL
    allowed = (1,) if attempt.status == ENDED else (0, 1)
    wrong = [] if stored.get(0, 0) in allowed else ["lost or doubled"]
    wrong += ["the next operation is lost"] * (not is_killed and stored.get(1, 0) != 1)
    if is_killed:
        PHASES[phase][0](store, 1)  # another process goes on
        stored = read_stored(store, phase)
        wrong += ["the store cannot go on"] * (stored is None or stored.get(1, 0) != 1)
    return wrong


if __name__ == "__main__":
    main()
