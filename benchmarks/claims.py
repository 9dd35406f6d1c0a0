"""`python -m benchmarks.claims --processes 8 --claims 10000`: reviewers who want the same cases.

Each process claims the first case that is left, answers it, and claims the next, until every case
has a verdict: as many cases as processes times claims, and the same candidates for all of them. Now
and then one is killed with -9, and another one takes its place; the case in its hand returns when
the claim runs out. Prints JSON: cases, processes, kills, verdicts, double (cases
with two), lost (cases without one), next_ms_p50 and _p95 (from a stored answer to the next case,
while all processes write), cycles_per_s of all together, upper_bound_95 of what is double or lost
(3 / cases where nothing is).
"""

import argparse
import json
import multiprocessing
import os
import signal
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from core.store.claims import Claims
from core.store.entries import ReviewVerdict
from core.store.reviews import Reviews
from core.store.store import Store
from tests.stores import add_scored, make_rows, make_run

WINDOW = 400  # candidates that a reviewer's queue holds; all processes have the same
CLAIM_S = 3.0  # until the case of a killed process returns
RUN = "score-work-orders-student-stream"


def main() -> None:
    """Measure, print one JSON object, exit 1 where a case is lost or judged twice."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claims", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--claims", type=int, default=10_000, help="of each process, in the mean")
    parser.add_argument("--kill-every", type=float, default=30.0, metavar="SECONDS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(
            Path(folder) / "store", arguments.processes, arguments.claims, arguments.kill_every
        )
    print(json.dumps(result, indent=2))
    raise SystemExit(1 if result["double"] or result["lost"] else 0)


def measure(folder: Path, processes: int, claims: int, kill_every: float) -> dict:
    """Return the benchmark's JSON object."""
    store = Store(folder)
    add_scored(store, make_run("score", "student", "stream"), make_rows(processes * claims))
    ids = store.predictions(RUN, ["case_id"])["case_id"].tolist()
    context = multiprocessing.get_context("spawn")
    begun, kills = time.monotonic(), 0
    workers = [_started(context, folder, ids, f"reviewer-{i}") for i in range(processes)]
    next_kill = begun + kill_every
    with tqdm(total=len(ids), desc="cases") as bar:
        while any(worker.is_alive() for worker in workers):
            time.sleep(1)
            bar.update(len(_waits(folder)) - bar.n)
            if time.monotonic() > next_kill and bar.n < 0.95 * len(ids):
                killed = kills % processes
                os.kill(workers[killed].pid or 0, signal.SIGKILL)
                kills, next_kill = kills + 1, time.monotonic() + kill_every
                name = f"reviewer-{processes + kills}"
                workers[killed] = _started(context, folder, ids, name)
    seconds = time.monotonic() - begun
    given = Reviews(store).verdicts(RUN)["case_id"].value_counts()
    double, lost = int((given > 1).sum()), len(ids) - len(given)
    took = _waits(folder)
    return {
        "benchmark": "claims",
        "cases": len(ids),
        "processes": processes,
        "kills": kills,
        "verdicts": int(given.sum()),
        "double": double,
        "lost": lost,
        "next_ms_p50": round(1e3 * float(np.median(took)), 1),
        "next_ms_p95": round(1e3 * float(np.quantile(took, 0.95)), 1),
        "cycles_per_s": round(len(ids) / seconds, 1),
        "upper_bound_95": None if double or lost else 3 / len(ids),
    }


def _waits(folder: Path) -> list[float]:
    """Return what the processes have written, but for a line that a kill has cut."""
    lines = [line for file in folder.parent.glob("*.waits") for line in file.open()]
    return [float(line) for line in lines if line.endswith("\n")]


def _started(context: Any, folder: Path, ids: list[str], name: str) -> BaseProcess:
    worker = context.Process(target=review, args=(folder, ids, name), daemon=True)
    worker.start()
    return worker


def review(folder: Path, ids: list[str], name: str) -> None:
    """Claim and answer until every case has its verdict; a process's work.

    It writes the seconds from each answer to the next case into a file of its own: a killed
    process can hold no lock of it. A reviewer finds no case left in a window while others hold its
    last ones: those may come back, so it looks again.
    """
    claims = Claims(Store(folder))
    reviews = Reviews(claims.store)
    start, answered_at = 0, time.monotonic()
    with (folder.parent / f"{name}.waits").open("w", buffering=1) as waits:
        while start < len(ids):
            window = ids[start : start + WINDOW]
            case_id = claims.claim_next(RUN, name, window, [1] * len(window), CLAIM_S)
            if case_id is None:
                if set(reviews.case_verdicts(RUN)["case_id"]).issuperset(window):
                    start += WINDOW
                else:
                    time.sleep(CLAIM_S / 4)
                continue
            waits.write(f"{time.monotonic() - answered_at}\n")
            with claims.store.atomic():
                # a claim that ran out meanwhile is another's
                if claims.release(RUN, case_id, name, "answered") is not None:
                    moment = datetime.now(UTC)
                    reviews.add_verdicts([ReviewVerdict(RUN, case_id, "right", name, moment)])
            answered_at = time.monotonic()


if __name__ == "__main__":
    main()
