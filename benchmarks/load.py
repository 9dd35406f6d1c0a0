"""`python -m benchmarks.load --sessions 50 --minutes 10 [--quick]`: many readers of one dashboard.

A real server over a million made-up predictions; a real Chromium opens the page once, and its
messages are what the sessions send over sockets of their own (benchmarks.sessions). In this order:
two readers act 200 times in the same moments, and no answer may show the other's threshold; all
sessions release the handle now and then for --minutes, while the server's memory is watched; then
one more session than the limit allows must be refused with a sentence.

Prints JSON: actions, crossings, errors, answer_ms_p95, rss_growth_10min (a share, after a fifth of
the time), refusal (HTTP status and text), limits, missed, reached. A busy machine makes the answers
late, and `load` says how busy it was.
"""

import argparse
import asyncio
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from websockets.exceptions import InvalidStatus

from benchmarks.browsing import browsing
from benchmarks.dashboard import WATCH_S, Amount, in_turn
from benchmarks.serving import Served, fill, served
from benchmarks.sessions import Recorded, Session, connected
from core.store.store import Store

LIMITS = {"crossings": 0, "errors": 0, "answer_ms_p95": 1000.0, "rss_growth_10min": 0.05}


@dataclass(frozen=True)
class Load:
    """How much of each is done."""

    rows: int = 1_000_000
    sessions: int = 50
    minutes: float = 10.0
    actions: int = 200


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true", help="little of everything, to see it work")
    arguments = parser.parse_args()
    load = Load(sessions=arguments.sessions, minutes=arguments.minutes)
    if arguments.quick:
        load = Load(rows=30_000, sessions=4, minutes=0.2, actions=20)
    with tempfile.TemporaryDirectory(prefix="kakushin-load-") as folder:
        result = measure(Path(folder), load)
    print(json.dumps(result, indent=2, ensure_ascii=False))
    raise SystemExit(0 if result["reached"] else 1)


def measure(home: Path, load: Load) -> dict:
    """Return the JSON object, over a store made in `home`."""
    fill(Store(home / "store", timeout_s=600), load.rows)
    os.environ["KAKUSHIN_SESSIONS"] = str(load.sessions)  # the server inherits it
    with served(home, home / "server.log") as server:
        with browsing() as page:
            page.page.set_default_timeout(120_000)  # a busy machine takes long for the first page
            page.open(server.address)
            page.drag(5)
            page.page.wait_for_timeout(2_000 * WATCH_S)  # the watch must have spoken once
            page.release(500)
            recorded = Recorded.among(page.sent)
        figures = asyncio.run(_readers(server, recorded, load))
        errors = [*figures.pop("refused"), *server.errors()]
    found = {**figures, "errors": len(errors), "first_error": errors[0] if errors else None}
    missed = [name for name, limit in LIMITS.items() if not found[name] <= limit]
    missed += ["refusal"] * (found["refusal"][:1] != [503])
    about = {**vars(load), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    return {**about, **found, "limits": LIMITS, "missed": missed, "reached": not missed}


async def _readers(server: Served, recorded: Recorded, load: Load) -> dict:
    await asyncio.sleep(5)  # the browser's session must have ended: it counts towards the limit
    sessions = [await connected(server.address, recorded) for _ in range(load.sessions)]
    for session in sessions:
        await session.open()
    crossings = await count_crossings(sessions[0], sessions[1], load.actions)
    refusal = await _refusal(server, recorded)
    amount = Amount(rows=load.rows, sessions=load.sessions, minutes=load.minutes)
    turns = await in_turn(server, sessions, np.random.default_rng(1), amount)
    for session in sessions:
        await session.socket.close()
    return {
        "crossings": crossings,
        "answers": turns["reruns_20"],
        "answer_ms_p95": turns["answer_ms_p95_20"],
        "refusal": refusal,
        **{name: turns[name] for name in ("rss_mb", "rss_growth_10min", "refused")},
    }


async def count_crossings(one_reader: Session, second: Session, actions: int) -> int:
    """Return how many answers show the threshold of the other reader's action.

    Both release the handle in the same moment, `actions` times in all, at thresholds that differ
    each time. Raises ValueError if an answer lacks its own threshold.
    """
    crossings = 0
    for i in range(actions // 2):
        steps = (300 + i % 300, 600 + i % 300)
        readers = (one_reader, second)
        await asyncio.gather(*(r.release(s) for r, s in zip(readers, steps, strict=True)))
        for reader, step in zip(readers, reversed(steps), strict=True):
            crossings += any(f'"step": {step}'.encode() in part for part in reader.answer)
    return crossings


async def _refusal(server: Served, recorded: Recorded) -> list:
    """Return status and text of the answer to one more session; [] if it is let in."""
    try:
        session = await connected(server.address, recorded)
    except InvalidStatus as refused:
        body = refused.response.body or b""
        return [refused.response.status_code, body.decode("utf-8", "replace")]
    await session.socket.close()
    return []


if __name__ == "__main__":
    main()
