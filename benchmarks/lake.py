"""Hundreds of millions of rows that stay in their parts: python -m benchmarks.lake --rows 500000000.

On made-up predictions (benchmarks.synthetic), in a store that is deleted afterwards. The parts of
REAL million rows are written and counted as workers do it (core.store.part_counts). The counts of
the other parts are drawn from those: a multinomial draw over the real parts' bins, of as many rows
as a group of parts has. Their rows are the real parts' files again, under other names, so that a
reader of rows meets as many files as a run of that size has.
  ingest_rows_per_s     rows of all parts over the seconds of Store.ingest_counts, in groups as
                        core.pipeline.group_intake makes them
  count_rows_per_cpu_s  rows over seconds of counting the real parts, as a worker does it, one thread
  store_mb              the database file after the last group, its log included
  whatif_ms_p95         a move of threshold, segment, volume or unseen cases, as in benchmarks.whatif
  histogram_s, joint_s  reading the run's counts for a page's cache
  open_ms_p95           one transaction that reads no row: opening and closing, with every file in view
  near_s                Store.cases_near of 100 cases in a thousandth of the range: 3 tries, the median
                        (histogram_s, joint_s and near_s: on the wall, and of processor time)
  exact                 the histogram's cases, and those above thresholds, are the sums of the groups
Limits apply to the wall; `cpu` fields, processor time over all threads, tell what the work itself
takes on a machine with other load (see `load`).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from benchmarks.synthetic import synthetic_run, write_synthetic
from benchmarks.whatif import RUN, Seconds, move_handles, p95_ms, timed
from core.counts.histogram import AcceptanceCurve
from core.pipeline.group_intake import plan_groups
from core.store.part_counts import counts_path, lines_metadata, read_part_lines, write_counts
from core.store.parts import part_path
from core.store.store import Store

PART = 1_000_000  # rows
REAL = 10  # parts whose rows are made
LIMITS = {
    "whatif_ms_p95": "at most 5",
    "ingest_rows_per_s": "at least 20000000",
    "store_mb": "at most 1000",
    "exact": True,
}


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lake", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rows", type=int, default=500_000_000, help="default: 500 million")
    parser.add_argument("--real", type=int, default=REAL, help=f"parts made (default: {REAL})")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kakushin-lake-") as folder:
        result = measure(Path(folder), arguments.rows // PART, arguments.real)
    result |= {"limits": LIMITS, "reached": reached(result)}
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def measure(folder: Path, parts: int, real: int) -> dict:
    """The benchmark's JSON object, without its limits."""
    store = Store(folder / "store", timeout_s=600)
    store.add_run(synthetic_run(RUN))
    counting = write_real_parts(store.folder, min(real, parts))
    groups = plan_groups(range(parts))
    sums = pq.read_table(counts_path(store.folder, RUN, range(min(real, parts))))
    random, total = np.random.default_rng(0), np.zeros(len(sums), dtype=np.int64)
    ingest: list[Seconds] = []
    for group in tqdm(groups, desc="counts into the store", file=sys.stderr):
        drawn = write_group(store.folder, group, sums, min(real, parts), random)
        total += drawn
        path = counts_path(store.folder, RUN, group)
        ingest.append(timed(lambda: store.ingest_counts(RUN, path)))  # noqa: B023
    reading = timed(lambda: store.histogram(RUN))
    histogram = store.histogram(RUN)
    cached = {None: AcceptanceCurve(histogram)} | {
        s: AcceptanceCurve(histogram.select(segments=(s,))) for s in histogram.segments
    }
    rows = parts * PART
    moves = move_handles(cached, rows)
    opened = [timed(store.schema_version) for _ in range(20)]
    near = [timed(lambda t=t: store.cases_near(RUN, t, t + 0.001)) for t in (0.3, 0.7, 0.95)]
    joint = timed(lambda: store.joint_counts(RUN))
    return {
        "benchmark": "lake",
        "synthetic": True,
        "rows": rows,
        "parts": parts,
        "parts_with_rows_of_their_own": min(real, parts),
        "groups": len(groups),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "duckdb": duckdb.__version__,
        "ingest_rows_per_s": round(rows / sum(t.wall for t in ingest)),
        "ingest_rows_per_cpu_s": round(rows / sum(t.cpu for t in ingest)),
        "count_rows_per_cpu_s": round(min(real, parts) * PART / counting.cpu),
        "store_mb": round(sum(p.stat().st_size for p in store.folder.glob("*.duckdb*")) / 1e6, 1),
        "whatif_ms_p95": p95_ms([move.wall for move in moves]),
        "whatif_cpu_ms_p95": p95_ms([move.cpu for move in moves]),
        "moves": len(moves),
        "histogram_s": [round(seconds, 2) for seconds in reading],
        "joint_s": [round(seconds, 2) for seconds in joint],
        "open_ms_p95": p95_ms([t.wall for t in opened]),
        "open_cpu_ms_p95": p95_ms([t.cpu for t in opened]),
        "near_s": [round(statistics.median(clock), 2) for clock in zip(*near, strict=True)],
        "exact": is_exact(cached[None], sums, total, rows),
    }


def write_real_parts(folder: Path, parts: int) -> Seconds:
    """Write the parts and their counts; return the seconds of counting them."""
    for part in tqdm(range(parts), desc="real parts", file=sys.stderr):
        write_synthetic(folder, RUN, part, PART, part * PART)
    return timed(lambda: write_counts(folder, RUN, range(parts)))


def write_group(
    folder: Path, group: tuple[int, ...], sums: pa.Table, real: int, random: np.random.Generator
) -> np.ndarray:
    """Write the counts of a group of parts, drawn from `sums`; return the cases of each bin.

    Parts without rows of their own get the file of a real part, under the part's name and with ids
    that no other part has.
    """
    real_lines = read_part_lines(counts_path(folder, RUN, range(real)))
    lines = []
    for part in group:
        if part >= real:
            os.link(part_path(folder, RUN, part % real), part_path(folder, RUN, part))
        # As the ids of rows numbered on: ranges of parts are apart.
        low, high = f"case-{part * PART:012d}", f"case-{(part + 1) * PART - 1:012d}"
        ranges = ((len(low), low, high),)
        lines.append(replace(real_lines[part % real], part=part, id_ranges=ranges))
    n = sums["n"].to_numpy()
    cases = random.multinomial(len(group) * PART, n / n.sum())
    means = sums["confidence_sum"].to_numpy() / n
    table = sums.set_column(5, "n", pa.array(cases))
    table = table.set_column(6, "confidence_sum", pa.array(means * cases)).filter(
        pa.array(cases > 0)
    )
    table = table.replace_schema_metadata(lines_metadata(lines))
    pq.write_table(table, counts_path(folder, RUN, group), compression="zstd")
    return cases


def is_exact(curve: AcceptanceCurve, sums: pa.Table, total: np.ndarray, rows: int) -> bool:
    """Whether the store has each case of the groups once, at all thresholds that are asked."""
    bins = sums["bin"].to_numpy()
    above = [int(total[bins >= 3 * step].sum()) for step in range(0, 1001, 50)]
    return int(total.sum()) == rows and curve.accepted.sum(0)[::50].tolist() == above


def reached(result: dict) -> bool:
    """Whether the limits are kept."""
    return bool(
        result["exact"]
        and result["whatif_ms_p95"] <= 5
        and result["ingest_rows_per_s"] >= 20_000_000
        and result["store_mb"] <= 1000
    )


if __name__ == "__main__":
    main()
