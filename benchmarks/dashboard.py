"""Is the dashboard quick, alone and with 20 readers: `python -m benchmarks.dashboard [--quick]`.

A real server over 1,000,000 made-up predictions (three models that scored the same cases, and their
calibration runs, so that the page draws all it can), and a real Chromium. In this order:
`first_paint_s`, from opening the page to the first chart on a server that began to listen that
moment, the median of three servers (`server_start_s` came before); `first_paint_ready_s`, the same
at 1280 x 720 on the first page of servers that have listened for READY_S; `drag_ms_p95` and
`rerun_ms_p95` of one reader, with the browser's own work in it (benchmarks.browsing says what each
begins and ends with);
then 20 readers without browsers (benchmarks.sessions says why): `answer_ms_p95` of one of them, of
all while each releases the handle every few seconds (`_20`) and of all in the same moment
(`_burst`, only reported); and meanwhile the server's memory.

`rerun_cpu_ms` is the server's processor time for a release, which other work on the machine changes
little; all other milliseconds carry `load`.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.browsing import Browsing, browsing
from benchmarks.serving import Served, fill, served
from benchmarks.sessions import Recorded, Session, connected
from core.store.store import Store

LIMITS = {
    "first_paint_s": 4.0,
    "first_paint_ready_s": 2.5,
    "drag_ms_p95": 50.0,
    "rerun_ms_p95": 200.0,
    "rerun_cpu_ms": 60.0,
    "answer_ms_p95_20": 1000.0,
    "errors": 0,
    "rss_growth_10min": 0.05,  # of the memory at the end, over ten minutes
}
SAMPLE_S = 2.0  # between two looks at the memory
SETTLING = 0.2  # of the time, in which caches may fill before the slope counts
READY_S = 4.0  # a server prepares its first page in less
WATCH_S = 2.0  # dashboard.components.shell.WATCH_SECONDS


@dataclass(frozen=True)
class Amount:
    """How much of each is done."""

    rows: int = 1_000_000
    starts: int = 3
    moves: int = 200
    releases: int = 40
    sessions: int = 20
    bursts: int = 5
    pause_s: float = 5.0  # mean time between two releases of one reader
    minutes: float = 10.0


QUICK = Amount(
    rows=30_000, starts=1, moves=40, releases=5, sessions=4, bursts=1, pause_s=1.0, minutes=0.2
)


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dashboard", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--minutes", type=float, help="how long 20 readers work and memory is watched (default: 10)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="little of everything, to see that it works; no figures to quote",
    )
    arguments = parser.parse_args()
    amount = QUICK if arguments.quick else Amount()
    if arguments.minutes is not None:
        if not 0 < arguments.minutes <= 24 * 60:
            parser.error(f"--minutes {arguments.minutes} is not allowed: use above 0, up to a day")
        amount = replace(amount, minutes=arguments.minutes)
    with tempfile.TemporaryDirectory(prefix="kakushin-dashboard-") as folder:
        result = measure(Path(folder), amount)
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def measure(home: Path, amount: Amount) -> dict:
    """The JSON object, over a store made in `home`."""
    fill(Store(home / "store", timeout_s=600), amount.rows)
    load, paints, starts, errors = [round(os.getloadavg()[0], 1)], [], [], []
    for start in range(amount.starts):
        with served(home, home / f"{start}.log") as server:
            with browsing() as page:
                paints.append(page.open(server.address))
                starts.append(server.start_s)
                last = start == amount.starts - 1
                alone = one_reader(page, amount) if last else {}
            many = asyncio.run(readers(server, Recorded.among(page.sent), amount)) if last else {}
            errors += page.problems + server.errors() + many.pop("refused", [])
            torch = server.imports_torch()
    ready = [ready_paint(home, errors) for _ in range(amount.starts)]
    load.append(round(os.getloadavg()[0], 1))
    found = {
        "first_paint_s": statistics.median(paints),
        "first_paint_ready_s": statistics.median(ready),
        "server_start_s": statistics.median(starts),
        **alone,
        **many,
    }
    # of a rerun: the rest is the server's answer
    found["browser_share"] = 1 - found["answer_ms_p50"] / found["rerun_ms_p50"]
    found |= {
        "import_torch": torch,
        "errors": len(errors),
        "first_error": errors[0] if errors else None,
    }
    return verdict(found, load, amount)


def ready_paint(home: Path, errors: list[str]) -> float:
    """Return the seconds to the first chart of a server's first page; add what went wrong."""
    with served(home, home / "ready.log") as server, browsing(1280, 720) as page:
        time.sleep(READY_S)
        seconds = page.open(server.address)
        errors += page.problems + server.errors()
    return seconds


def verdict(found: dict, load: list[float], amount: Amount) -> dict:
    """The figures with their limits, and whether all are kept."""
    said = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in found.items()
    }
    about = {
        "benchmark": "dashboard",
        "synthetic": True,
        "cores": os.cpu_count(),
        "load": load,
    } | vars(amount)
    missed = [name for name, limit in LIMITS.items() if not found[name] <= limit] + [
        "import_torch"
    ] * found["import_torch"]
    return about | said | {"limits": LIMITS, "missed": missed, "reached": not missed}


def one_reader(page: Browsing, amount: Amount) -> dict[str, float]:
    """Figures of a page that is open, with the browser's own work in them."""
    drags, random = page.drag(amount.moves), np.random.default_rng(0)
    time.sleep(2 * WATCH_S)  # the watch must have spoken once, to be recorded
    reruns = [page.release(step(random)) for _ in range(amount.releases)]
    found = {f"{name}_ms_p95": quantile(values) for name, values in drags.items()}
    return found | {"rerun_ms_p50": statistics.median(reruns), "rerun_ms_p95": quantile(reruns)}


async def readers(server: Served, recorded: Recorded, amount: Amount) -> dict:
    """Figures of readers without browsers: one alone, all in the same moment, all in turn; and of
    the server's memory then.
    """
    random = np.random.default_rng(1)
    sessions = [await connected(server.address, recorded) for _ in range(amount.sessions)]
    for session in sessions:
        await session.open()
    cpu = server.cpu_s()
    alone = [await sessions[0].release(step(random)) for _ in range(amount.releases)]
    cpu = server.cpu_s() - cpu
    burst = []
    for _ in range(amount.bursts):
        burst += await asyncio.gather(*(session.release(step(random)) for session in sessions))
    found = {
        "rerun_cpu_ms": 1e3 * cpu / amount.releases,
        "answer_ms_p50": 1e3 * statistics.median(alone),
    }
    found |= {"answer_ms_p95": 1e3 * quantile(alone), "answer_ms_p95_burst": 1e3 * quantile(burst)}
    return found | await in_turn(server, sessions, random, amount)


async def in_turn(
    server: Served, sessions: list[Session], random: np.random.Generator, amount: Amount
) -> dict:
    """Every reader moves the handle now and then, for `amount.minutes`. A reader who is refused
    leaves, and counts.
    """
    until, seconds = time.monotonic() + 60 * amount.minutes, []
    looks = asyncio.create_task(memory(server, until))
    cpu, begun = server.cpu_s(), time.monotonic()
    working = [
        read(session, own, amount.pause_s, until, seconds)
        for session, own in zip(sessions, random.spawn(len(sessions)), strict=True)
    ]
    outcomes = await asyncio.gather(*working, return_exceptions=True)
    found = {"reruns_20": len(seconds), "answer_ms_p50_20": 1e3 * statistics.median(seconds)}
    found |= {
        "answer_ms_p95_20": 1e3 * quantile(seconds),
        "cpu_share_20": (server.cpu_s() - cpu) / (time.monotonic() - begun),
    }
    return (
        found
        | growth(await looks)
        | {"refused": [repr(outcome) for outcome in outcomes if outcome is not None]}
    )


async def read(
    session: Session,
    random: np.random.Generator,
    pause_s: float,
    until: float,
    seconds: list[float],
) -> None:
    """One reader: releases the handle now and then, and watches in between as a page does."""
    while (now := time.monotonic()) < until:
        due = now + random.exponential(pause_s)
        while (left := due - time.monotonic()) > 0:
            await asyncio.sleep(min(left, WATCH_S))
            if due - time.monotonic() > 0:
                await session.watch()
        seconds.append(await session.release(step(random)))


async def memory(server: Served, until: float) -> list[tuple[float, float]]:
    """(minutes, millions of bytes) of the server now and then."""
    begun, looks = time.monotonic(), []
    with tqdm(
        total=round(until - begun), desc="readers in turn", unit=" s", file=sys.stderr
    ) as bar:
        while (now := time.monotonic()) < until:
            looks.append(((now - begun) / 60, server.rss_mb()))
            bar.update(round(now - begun) - bar.n)
            await asyncio.sleep(SAMPLE_S)
    return looks


def growth(looks: list[tuple[float, float]]) -> dict[str, float]:
    """Memory at the end, its slope by least squares once caches are filled, and what that is in ten
    minutes, as a share.
    """
    minutes, megabytes = np.array(looks).T
    counted = minutes >= SETTLING * minutes[-1]
    slope = (
        float(np.polyfit(minutes[counted], megabytes[counted], 1)[0]) if counted.sum() > 1 else 0.0
    )
    end = float(megabytes[-1])
    return {"rss_mb": end, "rss_slope_mb_per_min": slope, "rss_growth_10min": 10 * slope / end}


def step(random: np.random.Generator) -> int:
    """A threshold in thousandths, where most of the cases lie on neither side alone."""
    return int(random.integers(300, 990))


def quantile(values: list[float]) -> float:
    """The 95th percentile."""
    return float(np.quantile(values, 0.95))


if __name__ == "__main__":
    main()
