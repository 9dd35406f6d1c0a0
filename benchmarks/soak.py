"""Run writers and readers of a store, kill some, and check every row: `python -m benchmarks.soak`.

For --minutes: writers score made-up parts into runs of their own, and note each part after
`ingest_part` has returned; one adds verdicts and decisions; readers compare histogram, runs and
joint counts in one transaction. Every few seconds a writer is killed with -9 and started again. At
the end every noted part must be stored once, whole, and counted once.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.synthetic import synthetic_run, write_synthetic
from core.errors import KakushinError
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store

ROWS = 500  # rows of a part
WRITERS, READERS = 3, 2
KILL_EVERY_S = 5.0
LEDGER_RUN = "soak-ledger"
OVER = "over"  # the file that says so


def main() -> None:
    """Soak, print one JSON object, exit 1 where anything was lost, doubled or refused."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    arguments = parser.parse_args()
    if not 0 < arguments.minutes <= 24 * 60:
        parser.error(f"--minutes {arguments.minutes} is not allowed: use above 0, up to a day")
    with tempfile.TemporaryDirectory(prefix="kakushin-soak-") as folder:
        result = soak(Path(folder), arguments.minutes * 60, KILL_EVERY_S)
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def soak(folder: Path, seconds: float, kill_every_s: float) -> dict:
    """The JSON object, after `seconds` of work in `folder`, counted from when every process has
    done its first turn.
    """
    context = multiprocessing.get_context("spawn")
    prepare(folder)
    jobs = (
        {f"writer-{i}": write for i in range(WRITERS)}
        | {f"reader-{i}": read for i in range(READERS)}
        | {"ledger": decide}
    )
    processes = {name: begin(context, jobs[name], folder, name) for name in jobs}
    wait_for_all(folder, list(jobs))
    until, kills, next_kill = time.time() + seconds, 0, time.time() + kill_every_s
    with tqdm(total=round(seconds), desc="soak", unit=" s", file=sys.stderr) as bar:
        while time.time() < until:
            time.sleep(0.1)
            bar.update(max(0, round(seconds - (until - time.time())) - bar.n))
            if time.time() >= next_kill:
                name = f"writer-{kills % WRITERS}"
                processes[name].kill()
                processes[name].join()
                processes[name] = begin(context, write, folder, name)
                kills, next_kill = kills + 1, next_kill + kill_every_s
    (folder / OVER).touch()
    for process in processes.values():
        process.join(120)
        process.kill()
    return verdict(folder, list(processes.values()), kills, seconds)


def prepare(folder: Path) -> None:
    """The run and the policy that the ledger's process writes about."""
    store = Store(folder / "store")
    store.add_run(synthetic_run(LEDGER_RUN))
    store.ingest_part(LEDGER_RUN, 0, write_synthetic(store.folder, LEDGER_RUN, 0, ROWS, 0))


def begin(context, job, folder: Path, name: str) -> multiprocessing.Process:
    process = context.Process(target=run_job, args=(job, folder, name))
    process.start()
    return process


def wait_for_all(folder: Path, names: list[str], patience_s: float = 120.0) -> None:
    """Until every process has a turn behind it: on a busy machine starting them can take longer
    than a short soak.
    """
    deadline = time.time() + patience_s
    while time.time() < deadline and not all(
        (folder / f"{name}.turns").is_file() for name in names
    ):
        time.sleep(0.05)


def run_job(job, folder: Path, name: str) -> None:
    """Repeat one transaction until the soak is over; errors that anybody would have seen go into a
    file.
    """
    store, turn = Store(folder / "store", timeout_s=60), 0
    # a file: a process killed inside a shared lock would stop the others
    while not (folder / OVER).exists():
        try:
            job(store, folder, name, turn)
            note(folder / f"{name}.turns", turn)
        except (KakushinError, AssertionError) as e:
            note(folder / "errors", f"{name}: {e}")
        turn += 1


def write(store: Store, folder: Path, name: str, turn: int) -> None:
    """Take the next part in that is not there yet, twice, as a retry would."""
    store.add_run(synthetic_run(name))
    part = len(store.parts(name))
    for _ in range(2):
        path = write_synthetic(store.folder, name, part, ROWS, part * ROWS)
        assert store.ingest_part(name, part, path) == ROWS, (
            f"part {part} of {name} came back with another number of rows"
        )
    note(folder / f"{name}.acknowledged", part)


def read(store: Store, folder: Path, name: str, turn: int) -> None:
    """In one transaction runs, histograms and joint counts must speak of the same cases."""
    with store.atomic():
        for record in store.runs("score"):
            run_id = record.run.run_id
            found = (
                record.cases,
                store.histogram(run_id).cases,
                int(store.joint_counts(run_id)["n"].sum()),
            )
            assert len(set(found)) == 1, (
                f"{run_id} has {found} cases in parts, histogram and joint counts"
            )


def decide(store: Store, folder: Path, name: str, turn: int) -> None:
    """The next version of a policy, what it decides of one case, and a verdict on it."""
    case_id = f"case-{turn % ROWS}"
    with store.atomic():
        policy = Ledger(store).add_policy("soak", {"global": 0.5}, name, "soak", [LEDGER_RUN])
        Reviews(store).add_decisions(
            LEDGER_RUN, [case_id], np.array([True]), policy.name, policy.version
        )
        Audits(store).add_draws(
            LEDGER_RUN,
            policy.name,
            policy.version,
            [case_id],
            ["all"],
            np.array([0.5]),
            np.zeros(1),
        )
        Reviews(store).add_verdicts(
            [ReviewVerdict(LEDGER_RUN, case_id, "right", name, datetime.now(UTC), None, True, 0.5)]
        )
    note(folder / "ledger.acknowledged", policy.version)


def note(path: Path, what: object) -> None:
    """Append a line that survives a kill of this process."""
    with path.open("a", encoding="utf-8") as f:
        f.write(f"{what}\n")


def noted(path: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").splitlines()
    return []


def verdict(folder: Path, processes: list, kills: int, seconds: float) -> dict:
    """What is in the store against what was acknowledged."""
    store = Store(folder / "store", timeout_s=60)
    lost = doubled = cases = 0
    for name in (f"writer-{i}" for i in range(WRITERS)):
        acknowledged, there = (
            {int(part) for part in noted(folder / f"{name}.acknowledged")},
            store.parts(name),
        )
        ids = store.predictions(name, ["case_id"])["case_id"]
        lost += len(acknowledged - there) + max(0, len(there) * ROWS - ids.nunique())
        doubled += len(ids) - ids.nunique() + max(0, store.histogram(name).cases - len(ids))
        cases += len(ids)
    versions = {int(version) for version in noted(folder / "ledger.acknowledged")}
    for kept in (
        Ledger(store).policies("soak"),
        Reviews(store).decisions(LEDGER_RUN),
        Reviews(store).verdicts(LEDGER_RUN),
    ):
        lost, doubled = (
            lost + max(0, len(versions) - len(kept)),
            doubled + max(0, len(kept) - len(versions) - 1),
        )
    errors = noted(folder / "errors")
    locked = [error for error in errors if "lock" in error or "was in use for" in error]
    result = {
        "benchmark": "soak",
        "synthetic": True,
        "cores": os.cpu_count(),
        "minutes": round(seconds / 60, 3),
        "processes": len(processes),
        "kills": kills,
        "transactions": sum(len(noted(path)) for path in folder.glob("*.turns")),
        "cases": cases,
        "lock_errors_seen": len(locked),
        "other_errors_seen": len(errors) - len(locked),
        "first_error": errors[0] if errors else None,
        "unfinished": sum(process.exitcode != 0 for process in processes),
        "lost": lost,
        "doubled": doubled,
    }
    return result | {"reached": not (errors or lost or doubled or result["unfinished"])}


if __name__ == "__main__":
    main()
