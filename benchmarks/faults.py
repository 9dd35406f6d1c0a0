"""`python -m benchmarks.faults --kills 1000 --tries 20`: kill -9 and other faults during writes.

A child works through numbered operations of one phase and reports the begin, each commit and the
end of each; it is killed after a random time. Then the store is opened: what was reported as done
must be in it once, and the audit trail must be intact. The phase "model" replaces a model's folder,
as train and distill do at their end, and records the run.

The other faults act on one operation each: no room (a random limit of a file's size), no right to
write, little memory, a clock that goes back. The operation must end well or with a sentence, and
the store must hold it once or not at all.

Prints JSON: kills, phases {phase: kills}, moments {where the kill fell: share}, lost, doubled,
unopenable, upper_bound_95 (3 / kills where nothing is wrong), faults {name: {ended, refused,
no_sentence, wrong}}. A kill is no power loss: what the system has accepted survives it.
"""

import argparse
import json
import os
import random
import resource
import select
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
from tqdm import tqdm

from core.errors import KakushinError
from core.files import recover_folder, replace_folder, sha256_of
from core.store import migrate, records
from core.store.entries import ReviewVerdict
from core.store.file import NAME
from core.store.ledger import Ledger
from core.store.parts import write_part
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.trail import AuditTrail
from core.store.wal import CommitNote
from tests.stores import add_scored, make_rows, make_run

RUN = make_run("score", "student", "stream")
ROWS, BEGUN = 20, datetime(2026, 1, 1, tzinfo=UTC)
MODEL_S = 1_000_000  # the duration of run i is this plus i: it tells the phase's own rows
LONGEST_S = 30.0  # a child that says nothing for so long is killed at once


@dataclass
class Tally:
    """What the kills did."""

    phases: Counter = field(default_factory=Counter)
    moments: Counter = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    unopenable: int = 0


def ingest(store: Store, i: int) -> None:
    """Take in part i."""
    rows = make_rows(ROWS, seed=1, first=1000 + i * ROWS)
    store.ingest_part(RUN.run_id, i + 1, write_part(store.folder, RUN.run_id, i + 1, rows))


def save_policy(store: Store, i: int) -> None:
    """Save policy number i."""
    Ledger(store).add_policy(f"p{i}", {"threshold": 0.9}, "Suzuki", "why")


def review(store: Store, i: int) -> None:
    """Add verdict number i."""
    case = f"stream-{i % ROWS:07d}"
    at = BEGUN + timedelta(seconds=i)
    Reviews(store).add_verdicts([ReviewVerdict(RUN.run_id, case, "right", "Sato", at)])


def decide(store: Store, i: int) -> None:
    """Decide every case by version i + 1 of a policy."""
    cases = [f"stream-{j:07d}" for j in range(ROWS)]
    Reviews(store).add_decisions(RUN.run_id, cases, np.ones(ROWS, bool), "line", i % 9 + 1)


def migrate_store(store: Store, i: int) -> None:
    """Open a store of an older schema, which brings it up to date."""
    store.schema_version()


def save_model(store: Store, i: int) -> None:
    """Replace the model by number i, and record the end of its run."""

    def fill(fresh: Path) -> None:
        (fresh / "weights").write_bytes(random.Random(i).randbytes(50_000))  # noqa: S311
        (fresh / "model.json").write_text(
            json.dumps({"i": i, "sha256": sha256_of(fresh / "weights")})
        )

    replace_folder(store.folder / "model", fill)
    store.end_run(RUN.run_id, "finished", MODEL_S + i, {})


# Phase -> (operation, query of (number of the operation, how often it is stored)).
PHASES: dict[str, tuple[Callable[[Store, int], None], str]] = {
    "ingest": (ingest, f"SELECT part - 1, count(*) / {ROWS} FROM predictions WHERE part > 0 GROUP BY 1"),  # noqa: S608
    "policy": (save_policy, "SELECT CAST(name[2:] AS INT), count(*) FROM policies WHERE name LIKE 'p%' GROUP BY 1"),
    "review": (review, "SELECT CAST(epoch(\"at\") AS BIGINT) - 1767225600, count(*) FROM verdicts GROUP BY 1"),
    "decide": (decide, f"SELECT policy_version - 1, count(*) / {ROWS} FROM decisions GROUP BY 1"),  # noqa: S608
    "model": (save_model, f"SELECT CAST(duration_s AS INT) - {MODEL_S}, count(*) FROM run_ends WHERE duration_s >= {MODEL_S} GROUP BY 1"),  # noqa: S608, E501
    "migration": (migrate_store, "SELECT 0, count(*) / 1 FROM runs"),
}  # fmt: skip


def main() -> None:
    """Run the kills and the faults, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--tries", type=int, default=20, help="of each other fault in each phase")
    parser.add_argument("--seed", type=int, default=0, help="another one for another piece")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run_kills(Path(folder), arguments.kills, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        faults = run_faults(Path(folder), arguments.tries, arguments.seed)
    wrong = tally.lost + tally.doubled + tally.unopenable
    counts = {name: getattr(tally, name) for name in ("lost", "doubled", "unopenable")}
    bound = None if wrong or not arguments.kills else 3 / arguments.kills
    shares = {name: round(n / arguments.kills, 3) for name, n in tally.moments.items()}
    head = {"kills": arguments.kills, "phases": tally.phases, "moments": shares}
    print(json.dumps({**head, **counts, "upper_bound_95": bound, "faults": faults}))


def run_kills(folder: Path, kills: int, seed: int) -> Tally:
    """Kill a child `kills` times, the phases in turn; return what came of it."""
    rng, tally = random.Random(seed), Tally()  # noqa: S311
    new, old = make_templates(folder)
    for i in tqdm(range(kills), desc="kills"):
        phase = list(PHASES)[i % len(PHASES)]
        template = old if phase == "migration" else new
        store = Store(shutil.copytree(template, folder / "store"), timeout_s=60)
        words = _kill_child(store, phase, rng.uniform(0.0, 0.5))
        tally.phases[phase] += 1
        _check(store, phase, words, tally)
        shutil.rmtree(store.folder)
    return tally


def make_templates(folder: Path) -> tuple[Path, Path]:
    """Make a store with a run and policies, and one of the schema before the last migrations."""
    new = Store(folder / "new")
    add_scored(new, RUN, make_rows(ROWS))
    for _ in range(9):
        Ledger(new).add_policy("line", {"threshold": 0.9}, "Suzuki", "why")
    old = folder / "old"
    old.mkdir()
    with duckdb.connect(str(old / NAME)) as connection:
        connection.execute(migrate._TABLE)
        for number, path in migrate.migrations()[:5]:
            migrate._apply(connection, number, path)
    return new.folder, old


def _kill_child(store: Store, phase: str, after_s: float) -> str:
    """Return what the killed child reported: b, c and e for a begin, a commit and an end."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _work(store, phase, writer)
    os.close(writer)
    # The time counts from the child's first word, so that kills fall on its work.
    select.select([reader], [], [], LONGEST_S)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    words = b""
    while piece := os.read(reader, 65536):
        words += piece
    os.close(reader)
    return words.decode()


def _work(store: Store, phase: str, writer: int) -> None:
    """Work through the phase's operations, in the child."""
    note = CommitNote.write

    def report_commit(self: CommitNote) -> None:
        os.write(writer, b"c")  # COMMIT has returned: the note, the anchor, the checkpoint follow
        note(self)

    CommitNote.write = report_commit  # type: ignore[method-assign]
    try:
        for i in range(9 if phase == "decide" else 1 if phase == "migration" else 10_000):
            os.write(writer, b"b")
            PHASES[phase][0](store, i)
            os.write(writer, b"e")
        time.sleep(LONGEST_S)
    finally:
        os._exit(1)


def _check(store: Store, phase: str, words: str, tally: Tally) -> None:
    """Open the store after a kill and count what is wrong. words: what the child reported."""
    begun, ended = words.count("b"), words.count("e")
    stored = read_stored(store, phase)
    if stored is None:
        tally.unopenable += 1
        return
    tally.moments[_moment(words, ended in stored)] += 1
    if phase == "migration":
        tally.lost += store.schema_version() != migrate.migrations()[-1][0]
        return
    tally.lost += sum(i not in stored for i in range(ended))
    tally.doubled += sum(n != 1 for i, n in stored.items())
    tally.lost += sum(i >= begun for i in stored)  # an operation that never began
    if phase == "model" and ended:
        tally.lost += not _is_whole_model(store, (ended - 1, ended))
    # The same operation again, as a person or a job repeats it.
    if begun > ended and phase in ("ingest", "review", "decide"):
        PHASES[phase][0](store, ended)
        again = read_stored(store, phase) or {}
        tally.lost += ended not in again
        tally.doubled += again.get(ended, 1) != 1


def _moment(words: str, is_stored: bool) -> str:
    """Return where the kill fell, from the child's last word and whether the operation is stored."""
    if words.endswith("e") or not words:
        return "between operations"
    if words.endswith("c"):
        return "after a commit"
    return "in a commit" if is_stored else "before a commit"


def read_stored(store: Store, phase: str) -> dict[int, int] | None:
    """Return {number of an operation: how often it is stored}; None if the store is not intact."""
    try:
        with store.atomic() as connection:
            stored = dict(connection.execute(PHASES[phase][1]).fetchall())
        return stored if AuditTrail(store).check_chain().fault is None else None
    except Exception:
        return None


def _is_whole_model(store: Store, numbers: tuple[int, ...]) -> bool:
    """Return whether the model's folder holds both files of one of these numbers."""
    folder = recover_folder(store.folder / "model")
    card = json.loads((folder / "model.json").read_text())
    return card["i"] in numbers and card["sha256"] == sha256_of(folder / "weights")


# --- other faults: each changes the child, given a random number in [0, 1)


def fill_disk(store: Store, share: float) -> None:
    """Let no file grow past a limit, as a full disk does; the limit is up to 64 kB above the store."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    largest = max(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())
    limit = int(share * (largest + 65_536))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def forbid_writing(store: Store, share: float) -> None:
    """Take the right to write from the store's folder and files."""
    for path in (store.folder, *store.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() == 0:  # whom no mode stops
        os.setresuid(65_534, 65_534, 65_534)


def limit_memory(store: Store, share: float) -> None:
    """Leave the process up to 64 MB more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + int(share * 64e6)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def set_clock_back(store: Store, share: float) -> None:
    """Let the store's clock be years behind."""
    moment = datetime(2001, 1, 1)
    records.utc_now = lambda: moment + timedelta(days=share)


FAULTS = {
    "no room": fill_disk,
    "no right to write": forbid_writing,
    "little memory": limit_memory,
    "clock back": set_clock_back,
}
_OUTCOMES = {0: "ended", 3: "refused", 4: "no_sentence"}  # by exit status; another one is a crash


def run_faults(
    folder: Path, tries: int, seed: int, phases: Sequence[str] | None = None
) -> dict[str, dict[str, int]]:
    """Let each fault act on one operation of each phase, `tries` times; return what came of it.

    folder: for the stores. seed: of the faults' random numbers. phases: keys of PHASES; None is all
    but the migration.
    """
    rng = random.Random(seed)  # noqa: S311
    new, _ = make_templates(folder)
    folder.chmod(0o755)
    results = {}
    for name, fault in FAULTS.items():
        tally: Counter = Counter(dict.fromkeys((*_OUTCOMES.values(), "wrong"), 0))
        for phase in phases or [phase for phase in PHASES if phase != "migration"]:
            for _ in tqdm(range(tries), desc=f"{name}, {phase}", disable=None):
                store = Store(shutil.copytree(new, folder / "store"), timeout_s=60)
                status = _run_faulty(store, phase, fault, rng.random())
                tally[_OUTCOMES.get(status, "no_sentence")] += 1
                tally["wrong"] += not _is_right(store, phase, status)
                shutil.rmtree(store.folder)
        results[name] = dict(tally)
    return results


def _is_right(store: Store, phase: str, status: int) -> bool:
    """Return whether the store has the operation once, or not at all if the child did not end well."""
    for path in (store.folder, *store.folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    stored = read_stored(store, phase)
    return stored is not None and stored.get(0, 0) in ((1,) if status == 0 else (0, 1))


def _run_faulty(store: Store, phase: str, fault: Callable, share: float) -> int:
    """Return the exit status of a child that does one operation under the fault."""
    pid = os.fork()
    if pid == 0:
        status = 4
        try:
            store.runs()  # so that the fault meets the operation, not the start of DuckDB
            fault(store, share)
            PHASES[phase][0](store, 0)
            status = 0
        except (KakushinError, OSError, MemoryError):
            status = 3  # the command line and the pages make a sentence of each
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
