"""A server of the dashboard over made-up predictions, for benchmarks: started, watched from
outside, and stopped.

The store has every kind of run that a page can draw: three models that scored the same cases, and
their calibration runs.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from tqdm import tqdm

from benchmarks.synthetic import synthetic_run, write_synthetic
from core.store.store import Store
from core.types import MODEL_KINDS, Run
from tests.browser.serving import ROOT, free_port, wait_until_up

PART = 100_000  # rows of a part
SIGNS = ("Traceback", "Error", "Exception")  # of an error in a line of the log


@dataclass(frozen=True)
class Served:
    """A running server."""

    address: str
    process: psutil.Process
    log: Path
    start_s: float

    def cpu_s(self) -> float:
        """Processor seconds so far."""
        times = self.process.cpu_times()
        return times.user + times.system

    def rss_mb(self) -> float:
        """Memory in use, in millions of bytes."""
        return self.process.memory_info().rss / 1e6

    def imports_torch(self) -> bool:
        """Whether the process has torch's library in its memory: asked from the system, not from
        the process.
        """
        return any("libtorch" in found.path for found in self.process.memory_maps())

    def errors(self) -> list[str]:
        """Lines of the log that speak of an error."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if any(sign in line for sign in SIGNS)]


def fill(store: Store, rows: int) -> None:
    """`rows` predictions in a stream and a calibration run of each model kind, a hundredth of them
    for calibration.
    """
    for order, kind in enumerate(MODEL_KINDS):
        share = rows // len(MODEL_KINDS) + (order < rows % len(MODEL_KINDS))
        for role, n in (("calibration", share // 100), ("stream", share - share // 100)):
            store.add_run(run := scored(kind, role))
            parts = range(0, n, PART)
            for part, first in enumerate(
                tqdm(parts, desc=f"{run.run_id}, {n:,} predictions", unit=" parts", file=sys.stderr)
            ):
                store.ingest_part(
                    run.run_id,
                    part,
                    write_synthetic(store.folder, run.run_id, part, min(PART, n - first), first),
                )
            store.end_run(
                run.run_id,
                "finished",
                1.0,
                {"seconds_per_case": 0.001, "device": "cpu", "cases": n},
            )


def scored(kind: str, role: str) -> Run:
    """A scoring of the cases of `role` by the model of a kind."""
    made_by = {"model": kind, "model_kind": kind, "model_hash": f"{MODEL_KINDS.index(kind):064x}"}
    cases = {"role": role, "inputs_hash": f"{len(role):064x}"}
    return replace(
        synthetic_run(f"{kind}-{role}"), samples=10 if kind == "teacher" else 1, **made_by, **cases
    )


@contextmanager
def served(home: Path, log: Path) -> Iterator[Served]:
    """A server of its own over `home`, on a free port, which says what it has to say into `log`."""
    port, begun = free_port(), time.perf_counter()
    command = [sys.executable, "-m", "dashboard.server", "--port", str(port)]
    with log.open("wb") as file:
        environment = {**os.environ, "KAKUSHIN_HOME": str(home)}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        wait_until_up(process, f"http://127.0.0.1:{port}/_stcore/health")
        yield Served(
            f"http://127.0.0.1:{port}/",
            psutil.Process(process.pid),
            log,
            time.perf_counter() - begun,
        )
    finally:
        process.kill()
        process.wait()
