"""`python -m benchmarks.faults --kills 1000`: kill -9 while a process writes to the store.

A child works through numbered operations of one phase and reports the begin and the end of each; it
is killed after a random time. Then the store is opened: what was reported as done must be in it
once, and the audit trail must be intact. Prints JSON: kills, phases {phase: kills}, moments (how
many kills fell before an operation, within one that is not stored, within one that is), lost,
doubled, unopenable, upper_bound_95 (3 / kills where nothing is wrong). A kill is no power loss:
what the system has accepted survives it.
"""

import argparse
import json
import os
import random
import select
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
from tqdm import tqdm

from core.store import migrate
from core.store.entries import ReviewVerdict
from core.store.file import NAME
from core.store.ledger import Ledger
from core.store.parts import write_part
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.trail import AuditTrail
from tests.stores import add_scored, make_rows, make_run

RUN = make_run("score", "student", "stream")
ROWS, BEGUN = 20, datetime(2026, 1, 1, tzinfo=UTC)
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
    store.take_in(RUN.run_id, i + 1, write_part(store.folder, RUN.run_id, i + 1, rows))


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


# Phase -> (operation, query of (number of the operation, how often it is stored)).
PHASES: dict[str, tuple[Callable[[Store, int], None], str]] = {
    "ingest": (ingest, f"SELECT part - 1, count(*) / {ROWS} FROM predictions WHERE part > 0 GROUP BY 1"),  # noqa: S608
    "policy": (save_policy, "SELECT CAST(name[2:] AS INT), count(*) FROM policies WHERE name LIKE 'p%' GROUP BY 1"),
    "review": (review, "SELECT CAST(epoch(\"at\") AS BIGINT) - 1767225600, count(*) FROM verdicts GROUP BY 1"),
    "decide": (decide, f"SELECT policy_version - 1, count(*) / {ROWS} FROM decisions GROUP BY 1"),  # noqa: S608
    "migration": (migrate_store, "SELECT 0, count(*) / 1 FROM runs"),
}  # fmt: skip


def main() -> None:
    """Run the kills and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        tally = run_kills(Path(folder), kills, 0)
    wrong = tally.lost + tally.doubled + tally.unopenable
    counts = {name: getattr(tally, name) for name in ("lost", "doubled", "unopenable")}
    bound = None if wrong else 3 / kills
    head = {"kills": kills, "phases": tally.phases, "moments": tally.moments}
    print(json.dumps({**head, **counts, "upper_bound_95": bound}))


def run_kills(folder: Path, kills: int, seed: int) -> Tally:
    """Kill a child `kills` times, the phases in turn; return what came of it."""
    rng, tally = random.Random(seed), Tally()  # noqa: S311
    new, old = make_templates(folder)
    for i in tqdm(range(kills), desc="kills"):
        phase = list(PHASES)[i % len(PHASES)]
        template = old if phase == "migration" else new
        store = Store(shutil.copytree(template, folder / "store"), timeout_s=60)
        begun, ended = _kill_child(store, phase, rng.uniform(0.0, 0.5))
        tally.phases[phase] += 1
        _check(store, phase, begun, ended, tally)
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


def _kill_child(store: Store, phase: str, after_s: float) -> tuple[int, int]:
    """Return how many operations the killed child had begun, and how many it had ended."""
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
    return words.count(b"b"), words.count(b"e")


def _work(store: Store, phase: str, writer: int) -> None:
    """Work through the phase's operations, in the child."""
    try:
        for i in range(9 if phase == "decide" else 1 if phase == "migration" else 10_000):
            os.write(writer, b"b")
            PHASES[phase][0](store, i)
            os.write(writer, b"e")
        time.sleep(LONGEST_S)
    finally:
        os._exit(1)


def _check(store: Store, phase: str, begun: int, ended: int, tally: Tally) -> None:
    """Open the store after a kill and count what is wrong."""
    try:
        with store.atomic() as connection:
            stored = dict(connection.execute(PHASES[phase][1]).fetchall())
        if AuditTrail(store).check_chain().fault is not None:
            tally.unopenable += 1
    except Exception:
        tally.unopenable += 1
        return
    if phase == "migration":
        newest = migrate.migrations()[-1][0]
        tally.lost += store.schema_version() != newest
        tally.moments["within, stored" if ended else "within, not stored"] += 1
        return
    tally.lost += sum(i not in stored for i in range(ended))
    tally.doubled += sum(n != 1 for i, n in stored.items())
    tally.lost += sum(i >= begun for i in stored)  # an operation that never began
    moment = "between" if begun == ended else "within, stored" if ended in stored else "within, not stored"  # fmt: skip
    tally.moments[moment] += 1
    # The same operation again, as a person or a job repeats it.
    if begun > ended and phase in ("ingest", "review", "decide"):
        PHASES[phase][0](store, ended)
        with store.atomic() as connection:
            again = dict(connection.execute(PHASES[phase][1]).fetchall())
        tally.lost += ended not in again
        tally.doubled += again.get(ended, 1) != 1


if __name__ == "__main__":
    main()
