"""Time a moved handle and the store behind it by the number of rows: python -m benchmarks.whatif.

On made-up predictions (benchmarks.synthetic), ingested into a store of its own that is deleted
afterwards:
  whatif_ms_p95             a move of threshold, segment, volume or unseen cases: the consequence
                            and the whole curve, in this process, from the histogram that the
                            dashboard has cached
  ingest_rows_per_s         Store.ingest_part of parts of a million rows: sha256, checks, rows,
                            counts, opening and closing
  ingest_over_plain_duckdb  the same files by a plain INSERT ... SELECT into a table of the files'
                            columns, whose file stays open, is committed and checkpointed: its
                            seconds over ours, the two taking turns at each part
  rebuild_s                 the histograms of all rows counted again from nothing
  cache_mb                  what the dashboard keeps of the run: histograms and cumulative counts,
                            of all cases and of every segment
  near_ms_p95               Store.cases_near of 100 cases in a thousandth of the range, opening and
                            closing included
  exact                     counts by threshold, and by threshold and epistemic limit, equal the
                            direct counts of the rows
Seconds are wall-clock seconds, and the limits apply to them. On a machine with other load (see
`load`) the fields with `cpu` tell what the work itself took: processor time over all threads of
this process.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from tqdm import tqdm

from benchmarks.synthetic import synthetic_run, write_synthetic
from core.counts.histogram import EPISTEMIC_LIMITS, THRESHOLDS, AcceptanceCurve
from core.decision.thresholds.consequence import consequence_curve, threshold_consequence
from core.decision.thresholds.costs import CostModel
from core.store.store import Store
from core.types import OUTCOMES
from tests.stores import recount

PART = 1_000_000  # rows
MAX_TURNS = 10  # parts that plain DuckDB takes in too, spread over the run
MOVES = 400
RUN = "synthetic"
# The limits. Taking in is fast enough when either of its two is reached.
LIMITS = {
    "whatif_ms_p95": "at most 5",
    "ingest_rows_per_s": "at least 1000000, or the next",
    "ingest_over_plain_duckdb": "at least 0.7",
    "rebuild_s": "at most 5",
    "cache_mb": "at most 50",
    "exact": True,
}


class Seconds(NamedTuple):
    """One call's seconds on the wall, and of processor time over all threads."""

    wall: float
    cpu: float


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.whatif", description=__doc__.splitlines()[0]
    )
    sizes = [1_000_000, 10_000_000, 50_000_000]
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        default=sizes,
        help="numbers of predictions (default: 1, 10, 50 million)",
    )
    arguments = parser.parse_args()
    if min(arguments.rows) < 1:
        parser.error(f"--rows {min(arguments.rows)} is not allowed: use 1 or more")
    found = {str(rows): measure(rows) for rows in arguments.rows}
    result = {
        "benchmark": "whatif",
        "synthetic": True,
        "cores": os.cpu_count(),
        "duckdb": duckdb.__version__,
        "rows": found,
    }
    result |= {"limits": LIMITS, "reached": all(reached(one) for one in found.values())}
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def measure(rows: int) -> dict:
    """The fields of one size."""
    with tempfile.TemporaryDirectory(prefix="kakushin-whatif-") as folder:
        store = Store(Path(folder) / "store", timeout_s=600)
        store.add_run(synthetic_run(RUN))
        taken = ingest_parts(store, Path(folder) / "plain.duckdb", rows)
        before = store.histogram(RUN)
        rebuilt = timed(lambda: recount(store, RUN))
        histogram = store.histogram(RUN)
        cached = {None: AcceptanceCurve(histogram)} | {
            s: AcceptanceCurve(histogram.select(segments=(s,))) for s in histogram.segments
        }
        moves = move_handles(cached, rows)
        return {
            "whatif_ms_p95": p95_ms([one.wall for one in moves]),
            "whatif_cpu_ms_p95": p95_ms([one.cpu for one in moves]),
            "moves": MOVES,
            **taken,
            "rebuild_s": round(rebuilt.wall, 3),
            "rebuild_cpu_s": round(rebuilt.cpu, 3),
            "cache_mb": round(sum(map(held_bytes, cached.values())) / 1e6, 2),
            "near_ms_p95": p95_ms([one.wall for one in near(store)]),
            "load": round(os.getloadavg()[0], 1),
            "exact": (
                bool(np.array_equal(before.counts, histogram.counts))
                and is_exact(store, cached[None], rows)
            ),
        }


def ingest_parts(store: Store, plain_path: Path, rows: int) -> dict:
    """The fields about taking in: all parts by the store, and up to MAX_TURNS of them by plain
    DuckDB too.
    """
    starts = range(0, rows, PART)
    turns = set(
        np.linspace(0, len(starts) - 1, min(MAX_TURNS, len(starts))).round().astype(int).tolist()
    )
    ours, plain = [], {}
    with duckdb.connect(str(plain_path)) as connection:
        for part, first in enumerate(
            tqdm(
                starts, desc=f"{rows:,} predictions into the store", unit=" parts", file=sys.stderr
            )
        ):
            path = write_synthetic(store.folder, RUN, part, min(PART, rows - first), first)
            path.read_bytes()  # both find the file in memory
            if part in turns:
                plain[part] = timed(lambda: insert_plainly(connection, part, path))  # noqa: B023
            ours.append(timed(lambda: store.ingest_part(RUN, part, path)))  # noqa: B023
    share = {
        clock: (
            sum(getattr(t, clock) for t in plain.values())
            / sum(getattr(ours[part], clock) for part in plain)
        )
        for clock in Seconds._fields
    }
    return {
        "ingest_rows_per_s": round(rows / sum(t.wall for t in ours)),
        "ingest_over_plain_duckdb": round(share["wall"], 3),
        "ingest_cpu_over_plain_duckdb": round(share["cpu"], 3),
        "ingest_cpu_s_per_million": round(sum(t.cpu for t in ours) / rows * 1e6, 3),
        "parts": len(ours),
        "parts_by_plain_duckdb": len(plain),
    }


def insert_plainly(connection: duckdb.DuckDBPyConnection, part: int, path: Path) -> None:
    """What DuckDB does with the file when nobody checks or counts anything, in a table of the
    file's own columns.
    """
    rows = "SELECT CAST(? AS VARCHAR) AS run_id, CAST(? AS INTEGER) AS part, * FROM read_parquet(?)"
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS predictions AS {rows} LIMIT 0", [RUN, part, str(path)]
    )
    connection.execute(f"INSERT INTO predictions {rows}", [RUN, part, str(path)])
    connection.execute("CHECKPOINT")


def move_handles(cached: dict, rows: int) -> list[Seconds]:
    """Seconds of each of MOVES moves; cumulative counts are made at the first one, as in the
    dashboard, and stay.
    """
    random, shown = np.random.default_rng(0), list(cached.values())
    seconds = []
    for step, which in zip(
        random.integers(0, 1001, MOVES), random.integers(0, len(shown), MOVES), strict=True
    ):
        cumulative, threshold = shown[which], float(THRESHOLDS[step])
        volume, unseen = float(random.integers(0, rows)), bool(random.integers(0, 2))
        move = lambda: (  # noqa: E731
            threshold_consequence(cumulative, threshold, CostModel(volume), unseen),  # noqa: B023
            consequence_curve(cumulative, volume, unseen),  # noqa: B023
        )
        seconds.append(timed(move))
    return seconds


def near(store: Store, tries: int = 20) -> list[Seconds]:
    """Seconds to list cases that change side between two thresholds 0.001 apart."""
    return [
        timed(lambda t=t: store.cases_near(RUN, t, t + 0.001))
        for t in np.linspace(0.2, 0.999, tries)
    ]


def is_exact(store: Store, cumulative: AcceptanceCurve, rows: int) -> bool:
    """Whether counts of every threshold asked for, by outcome, are those that DuckDB counts in the
    rows themselves.
    """
    steps = np.unique(
        [0, 1, 2, 333, 500, 667, 998, 999, 1000, *np.random.default_rng(1).integers(0, 1001, 24)]
    )
    joint = store.joint_counts(RUN)
    filters = [f"confidence >= {t!r}e0" for t in THRESHOLDS[steps].tolist()]
    pairs = [(int(step), e) for step in steps[::4] for e in (0, 5, len(EPISTEMIC_LIMITS) - 1)]
    filters += [
        f"confidence >= {THRESHOLDS[step].item()!r}e0 AND epistemic <="
        f" {EPISTEMIC_LIMITS[e].item()!r}e0"
        for step, e in pairs
    ]
    direct = direct_counts(store, filters)
    by_limit = [
        int(joint["n"][(joint["step"] >= step) & (joint["epistemic_bin"] <= e)].sum())
        for step, e in pairs
    ]
    return (
        cumulative.histogram.cases == int(joint["n"].sum()) == rows
        and np.array_equal(direct[: len(steps)].T, cumulative.accepted[:, steps])
        and direct[len(steps) :].sum(1).tolist() == by_limit
    )


def direct_counts(store: Store, filters: list[str]) -> np.ndarray:
    """[len(filters), O] int64: the run's rows for which each condition holds, by outcome, in one
    scan.
    """
    columns = ", ".join(f"count(*) FILTER (WHERE {one})" for one in filters)
    with store.atomic() as connection:
        query = f"SELECT outcome, {columns} FROM predictions WHERE run_id = ? GROUP BY outcome"  # noqa: S608
        found = {
            outcome: values for outcome, *values in connection.execute(query, [RUN]).fetchall()
        }
    return np.array([found.get(outcome, [0] * len(filters)) for outcome in OUTCOMES]).T


def held_bytes(cumulative: AcceptanceCurve) -> int:
    """Bytes of the arrays that a cached Cumulative keeps alive, its histogram's among them."""
    histogram = cumulative.histogram
    arrays = (
        histogram.counts,
        histogram.confidence_sum,
        cumulative.accepted,
        cumulative.by_segment,
    )
    return sum(array.nbytes for array in arrays)


def reached(one: dict) -> bool:
    """Whether one size keeps the limits."""
    fast = one["ingest_rows_per_s"] >= 1_000_000 or one["ingest_over_plain_duckdb"] >= 0.7
    return bool(
        one["exact"]
        and fast
        and one["whatif_ms_p95"] <= 5
        and one["rebuild_s"] <= 5
        and one["cache_mb"] <= 50
    )


def timed(run: Callable[[], object]) -> Seconds:
    """What one call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def p95_ms(seconds: list[float]) -> float:
    """The 95th percentile, in milliseconds."""
    return round(float(np.percentile(seconds, 95)) * 1e3, 3)


if __name__ == "__main__":
    main()
