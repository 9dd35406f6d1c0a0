"""Scoring on a local Ray against scoring in this process: python -m benchmarks.cluster.

Needs requirements-cluster.txt and the demo's models. The cases are the demo's later work orders,
repeated under ids of their own. Each stage has a store of its own, deleted afterwards:
  equal       rows of 1 and 2 actors, bit for bit those of this process
  rate        cases/s from the first part taken in to the last, without the start of Ray and models;
              over_local is the ratio to this process with as many threads as actors
  killed      an actor is killed (SIGKILL) every --kill-s seconds: cases lost, cases doubled
  overhead    a scorer of fixed latency over 1, 2, 4 and 8 actors: rate over that of one actor times
              actors, from the first result to the last
  raylets     two raylets on this machine (ray.cluster_utils); the second is removed after a third of
              the parts: rows equal
All of one run, whose ratios count; seconds depend on what else the machine does (`load`).
"""

import argparse
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch

from benchmarks.inference import quiet
from core.cases.read import read_cases
from core.cases.workorders import ORDERS_LINE as NAME
from core.pipeline import cluster as engine
from core.pipeline.cluster import Cluster, map_on_ray, require_ray
from core.pipeline.score import score
from core.settings import Settings
from core.store.store import Store

MODEL = f"{NAME}-student"
STAGES = ("equal", "killed", "overhead", "raylets")
ACTORS = (1, 2)
SLEEPERS = (1, 2, 4, 8)
LIMITS = {
    "rate_over_local": "at least 0.9",
    "lost, doubled": 0,
    "overhead": "at least 0.9 of linear",
    "equal": True,
}


class TimedStore(Store):
    """A store that remembers when each part was taken in; on_part is called with their number."""

    def __init__(self, folder: Path, on_part: Callable[[int], None] = lambda _: None):
        super().__init__(folder, timeout_s=600)
        self.taken: list[tuple[float, int]] = []
        self.on_part = on_part

    def ingest_part(self, run_id: str, part: int, path: Path, rows_stay: bool = False) -> int:
        """Take the part in and note the time."""
        rows = super().ingest_part(run_id, part, path, rows_stay)
        self.taken.append((time.perf_counter(), rows))
        self.on_part(len(self.taken))
        return rows

    def rate(self, first: int) -> float:
        """Cases a second after the first parts, of which each actor has one."""
        seconds = self.taken[-1][0] - self.taken[first - 1][0]
        return sum(rows for _, rows in self.taken[first:]) / seconds


class Sleeper:
    """A scorer that takes `seconds` a part and computes nothing."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def __call__(self, number: int) -> tuple[int, float]:
        time.sleep(self.seconds)
        return number, time.time()


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cluster", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--cases", type=int, default=100_000, help="default: 100000")
    parser.add_argument("--part-size", type=int, default=500, help="default: 500")
    parser.add_argument("--kill-s", type=float, default=20.0, help="default: 20")
    parser.add_argument(
        "--latency", type=float, default=1.0, help="of the fixed scorer, s (default: 1)"
    )
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    arguments = parser.parse_args()
    require_ray()
    quiet()
    settings = Settings(device="cpu")
    if not (settings.models / MODEL / "model.json").is_file():
        raise SystemExit("the demo's models are not there: run `make demo` first")
    with tempfile.TemporaryDirectory(prefix="kakushin-cluster-") as folder:
        bench = Bench(settings, Path(folder), arguments)
        result: dict[str, Any] = {"benchmark": "cluster", "cases": arguments.cases}
        result |= {"part_size": arguments.part_size, "cores": os.cpu_count()}
        for stage in arguments.stages:
            result |= {stage: getattr(bench, stage)(), "load": round(os.getloadavg()[0], 1)}
    result |= {"limits": LIMITS, "reached": reached(result)}
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


class Bench:
    """The stages over one set of cases."""

    def __init__(self, settings: Settings, folder: Path, arguments: argparse.Namespace):
        self.settings, self.folder, self.arguments = settings, folder, arguments
        stream = read_cases(settings.data / NAME / "stream.csv").frame
        index = np.arange(arguments.cases) % len(stream)
        self.cases = stream.iloc[index].assign(
            row=np.arange(arguments.cases) + 2,
            case_id=[f"case-{i:09d}" for i in range(arguments.cases)],
        )
        self.parts = -(-arguments.cases // arguments.part_size)

    def score(
        self, name: str, cluster: Cluster | None, on_part: Callable[[int], None] = lambda _: None
    ) -> tuple[pd.DataFrame, TimedStore, float]:
        """The rows, the store and the whole call's seconds of one scoring."""
        home = self.folder / name
        home.mkdir()
        (home / "models").symlink_to(self.settings.models.resolve())
        settings = Settings(home=home, device="cpu")
        store = TimedStore(settings.store, on_part)
        started = time.perf_counter()
        record = score(
            store,
            settings,
            MODEL,
            self.cases,
            "c" * 64,
            "bench",
            part_size=self.arguments.part_size,
            cluster=cluster,
        )
        seconds = time.perf_counter() - started
        rows = store.predictions(record.run.run_id)
        shutil.rmtree(home / "store")
        return rows, store, seconds

    def equal(self) -> dict:
        """Stage `equal`, with the rates."""
        found: dict[str, Any] = {"equal": True}
        for actors in ACTORS:
            torch.set_num_threads(actors)
            expected, local, _ = self.score(f"local-{actors}", None)
            rows, there, seconds = self.score(f"actors-{actors}", Cluster(workers=actors))
            found["equal"] &= is_equal(rows, expected)
            found[str(actors)] = {
                "local_cases_per_s": round(local.rate(actors), 1),
                "cases_per_s": round(there.rate(actors), 1),
                "over_local": round(there.rate(actors) / local.rate(actors), 3),
                "with_start_s": round(seconds, 1),
                "equal": is_equal(rows, expected),
            }
        return found

    def killed(self) -> dict:
        """Stage `killed`."""
        with killing(self.arguments.kill_s) as killed:
            rows, _, seconds = self.score("killed", Cluster(workers=2))
        ids = rows["case_id"]
        return {
            "kills": len(killed),
            "lost": len(set(self.cases["case_id"]) - set(ids)),
            "doubled": int(ids.duplicated().sum()),
            "seconds": round(seconds, 1),
        }

    def overhead(self) -> dict:
        """Stage `overhead`."""
        latency, rates = self.arguments.latency, {}
        with engine._running(Cluster(workers=max(SLEEPERS))) as ray:
            for actors in SLEEPERS:
                numbers = list(range(24 * actors))
                ends = [
                    end
                    for _, end in map_on_ray(
                        ray, Sleeper, (latency,), numbers, Cluster(workers=actors)
                    )
                ]
                ends.sort()
                # The first of each actor starts when the actor does.
                rates[actors] = (len(ends) - actors) / (ends[-1] - ends[actors - 1])
        linear = {n: round(rates[n] / (n * rates[SLEEPERS[0]]), 3) for n in SLEEPERS}
        ideal = {n: round(rates[n] * latency / n, 3) for n in SLEEPERS}
        return {"latency_s": latency, "of_linear": linear, "of_the_latency_alone": ideal}

    def raylets(self) -> dict:
        """Stage `raylets`."""
        import ray
        from ray.cluster_utils import Cluster as Raylets

        torch.set_num_threads(1)
        expected, _, _ = self.score("local-raylets", None)
        raylets = Raylets(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        second = raylets.add_node(num_cpus=1)
        alive: list[int] = []

        def on_part(number: int) -> None:
            if number == max(1, self.parts // 3):
                alive.append(sum(node["Alive"] for node in ray.nodes()))
                raylets.remove_node(second, allow_graceful=False)

        try:
            rows, _, _ = self.score("raylets", Cluster(raylets.address, workers=2), on_part)
        finally:
            raylets.shutdown()
        return {"raylets": alive, "removed": 1, "equal": is_equal(rows, expected)}


def is_equal(rows: pd.DataFrame, expected: pd.DataFrame) -> bool:
    """Whether all values are the same, bit for bit."""
    try:
        pd.testing.assert_frame_equal(rows, expected, check_exact=True)
    except AssertionError:
        return False
    return True


@contextmanager
def killing(every_s: float) -> Iterator[list[int]]:
    """Kill one of this process's actors every so often; yields the killed processes' numbers."""
    killed: list[int] = []
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every_s):
            children = psutil.Process().children(recursive=True)
            actors = [child for child in children if is_actor(child)]
            if actors:
                actors[0].kill()
                killed.append(actors[0].pid)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def is_actor(process: psutil.Process) -> bool:
    """Whether the process is an actor of Ray Data."""
    try:
        return process.cmdline()[:1] != [] and process.cmdline()[0].startswith("ray::MapWorker")
    except psutil.Error:  # it ended meanwhile
        return False


def reached(result: dict) -> bool:
    """Whether the stages that ran keep the limits."""
    equal, killed = result.get("equal"), result.get("killed")
    checks = [result[stage]["equal"] for stage in ("equal", "raylets") if stage in result]
    if equal:
        checks += [equal[str(actors)]["over_local"] >= 0.9 for actors in ACTORS]
    if killed:
        checks += [killed["kills"] > 0, killed["lost"] == 0, killed["doubled"] == 0]
    if "overhead" in result:
        checks += [share >= 0.9 for share in result["overhead"]["of_linear"].values()]
    return all(checks)


if __name__ == "__main__":
    main()
