"""`python -m benchmarks.queue --seconds 10 --rounds 3`: 1, 4 and 20 processes write to a store.

Each process saves a scenario again and again (a write with its entry in the audit trail), and as
many others read the runs. Prints JSON: for each number of writers, the medians over the rounds of:
writes and reads a second of all together, the 95th percentile of a write's and of a read's wait in
seconds, and the processor time of a write and a read in milliseconds; the refusals of all rounds;
and the throughput (writes and reads) at 20 over that at 1, the median of the rounds, with the least
and the greatest. The numbers of processes take turns, since a busy machine changes from minute to
minute: the ratio and the processor time count, the other figures are that machine's.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import StoreError
from core.store.ledger import Ledger
from core.store.store import Store
from tests.stores import make_store

WRITERS = (1, 4, 20)


def main() -> None:
    """Measure each number of writers and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rounds = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(
                [measure_load(Path(folder) / str(n), n, arguments.seconds) for n in WRITERS]
            )
    rates = [[row["writes_per_s"] + row["reads_per_s"] for row in rows] for rows in rounds]
    ratios = sorted(rate[-1] / rate[0] for rate in rates)
    loads = [_median_row(rows) for rows in zip(*rounds, strict=True)]
    span = [round(ratios[0], 3), round(ratios[-1], 3)]
    ratio = round(float(np.median(ratios)), 3)
    load = round(os.getloadavg()[0], 1)
    head = {"cores": os.cpu_count(), "load": load, "rounds": len(rounds), "loads": loads}
    print(json.dumps({**head, "rate_at_20_over_1": ratio, "span": span}))


def _median_row(rows: Sequence[dict]) -> dict:
    medians = {name: round(float(np.median([row[name] for row in rows])), 3) for name in rows[0]}
    return {**medians, "refused": sum(row["refused"] for row in rows)}


def measure_load(home: Path, writers: int, seconds: float) -> dict:
    """Return the rates and waits of this many writers and readers."""
    store = make_store(home / "store", "tiny")
    queue, barrier = multiprocessing.Queue(), multiprocessing.Barrier(2 * writers)
    arguments = (store.folder, seconds, queue, barrier)
    processes = [
        multiprocessing.Process(target=_work, args=(i < writers, *arguments))
        for i in range(2 * writers)
    ]
    for process in processes:
        process.start()
    results = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    row: dict = {"writers": writers}
    for kind, writes in (("write", True), ("read", False)):
        mine = [result for result in results if result[0] is writes]
        waits = np.concatenate([result[1] for result in mine])
        row[f"{kind}s_per_s"] = len(waits) / seconds
        row[f"{kind}_p95_s"] = float(np.quantile(waits, 0.95))
        row[f"{kind}_cpu_ms"] = 1e3 * sum(result[2] for result in mine) / len(waits)
    return {**row, "refused": sum(refused for *_, refused in results)}


def _work(writes: bool, folder: Path, seconds: float, queue, barrier) -> None:
    store, waits, refused = Store(folder, timeout_s=60), [], 0
    store.runs()  # what a process does once, such as starting DuckDB, is not measured
    barrier.wait()
    cpu, end = time.process_time(), time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            if writes:
                Ledger(store).add_scenario("plan", {"cost": 1}, "Suzuki")
            else:
                store.runs()
        except StoreError:
            refused += 1
        waits.append(time.monotonic() - started)
    queue.put((writes, waits, time.process_time() - cpu, refused))


if __name__ == "__main__":
    main()
