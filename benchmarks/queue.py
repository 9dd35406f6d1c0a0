"""`python -m benchmarks.queue --seconds 10`: short transactions of 1, 4 and 20 processes on a store.

Each process saves a scenario again and again (a write with its entry in the audit trail), and as
many others read the runs. Prints JSON: for each number of writers, writes a second of all together,
the 95th percentile of a write's and of a read's wait in seconds, and refusals; and the throughput
at 20 over that at 1. One machine, one run: the ratio counts, not the figures.
"""

import argparse
import json
import multiprocessing
import tempfile
import time
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
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure_load(Path(folder) / str(n), n, seconds) for n in WRITERS]
    rates = {row["writers"]: row["writes_per_s"] for row in rows}
    print(json.dumps({"loads": rows, "rate_at_20_over_1": round(rates[20] / rates[1], 3)}))


def measure_load(home: Path, writers: int, seconds: float) -> dict:
    """Return the rates and waits of so many writers and readers."""
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
    waits = {
        kind: [wait for writes, of_one, _ in results if writes is kind for wait in of_one]
        for kind in (True, False)
    }
    return {
        "writers": writers,
        "writes_per_s": round(len(waits[True]) / seconds, 2),
        "reads_per_s": round(len(waits[False]) / seconds, 2),
        "write_p95_s": round(float(np.quantile(waits[True], 0.95)), 3),
        "read_p95_s": round(float(np.quantile(waits[False], 0.95)), 3),
        "refused": sum(refused for _, _, refused in results),
    }


def _work(writes: bool, folder: Path, seconds: float, queue, barrier) -> None:
    store, waits, refused = Store(folder, timeout_s=60), [], 0
    barrier.wait()
    end = time.monotonic() + seconds
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
    queue.put((writes, waits, refused))


if __name__ == "__main__":
    main()
