"""Histograms of confidence and epistemic uncertainty: stored for most rows, counted for the newest.

One table holds both dimensions. A second, coarser table for the epistemic one would have as many
rows as it saves (208,000 + 360,000 against 548,000 for a million made-up predictions in 180 cells)
and cost another pass; and since every third edge is a threshold, step = bin // 3 is exact. One
number, a cell, replaces segment, class and outcome: grouping and adding by it takes half the time
of grouping by three names.

Counting a part alone gives nearly as many rows as the part has, so storing such counts would save
nothing: a query counts the rows of parts outside the histogram (counted_parts) itself, a million in
0.1 s. Once these rows exceed COUNT_AT times the histogram's, all are folded into it. Each row is
then read a bounded number of times.

The bins are exactly those of core.counts.histogram. Knows the tables prediction_rows, parts,
counted_parts, cells and histograms; opens nothing.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd

from core.counts.histogram import CONFIDENCE_BINS, EPISTEMIC_LIMITS, FINE_BINS, Histogram
from core.store.file import only_row
from core.types import OUTCOMES

# The bin b with EDGES[b] <= confidence < EDGES[b + 1]. The rounded product may be off by one; the
# comparison with the edge, the same rounded quotient as in numpy, is exact. No CASE here: DuckDB
# takes six times as long for one.
_ROUGH = f"floor(confidence * {FINE_BINS}e0)"
BIN = (
    f"CAST({_ROUGH} + CAST(confidence >= ({_ROUGH} + 1e0) / {FINE_BINS}e0 AS INTEGER)"
    f" - CAST(confidence < {_ROUGH} / {FINE_BINS}e0 AS INTEGER) AS SMALLINT)"
)
# The bin e with EPISTEMIC_LIMITS[e - 1] < epistemic <= EPISTEMIC_LIMITS[e]. "e0" makes the literals
# DOUBLE, not DECIMAL.
_UP_TO = " ".join(
    f"WHEN epistemic <= {float(limit)!r}e0 THEN {e}" for e, limit in enumerate(EPISTEMIC_LIMITS)
)
EPISTEMIC_BIN = f"CAST(CASE {_UP_TO} ELSE {len(EPISTEMIC_LIMITS)} END AS UTINYINT)"
STEP = FINE_BINS // 1000  # fine bins in a step of 0.001
# Pending rows are folded once they exceed COUNT_AT times the histogram's rows plus FOLD_FROM.
COUNT_AT, FOLD_FROM = 3, 1_000_000
COMPACT_EVERY = 8  # parts that are counted from their file

CELL_COLUMNS = ("segment", "predicted", "outcome")  # the columns that a cell's number replaces
_NAMES = ", ".join(CELL_COLUMNS)
IN_CELLS = f"LEFT JOIN (SELECT cell, {_NAMES} FROM cells WHERE run_id = ?) USING ({_NAMES})"  # noqa: S608
# Ordered, so that the same file always gives the same numbers.
_NEW_CELLS = f"""
    INSERT INTO cells (run_id, {_NAMES})
    SELECT ?, {_NAMES} FROM read_parquet(?) GROUP BY ALL ORDER BY ALL ON CONFLICT DO NOTHING
"""  # noqa: S608
_OF_RUN = "cell IN (SELECT cell FROM cells WHERE run_id = $run)"
_WAITING = "FROM parts ANTI JOIN counted_parts USING (run_id, part) WHERE run_id = $run"
# The rows whose sums are the run's counts: stored counts, and one row a pending prediction.
_ROWS = f"""(
    SELECT cell, bin, epistemic_bin, n, confidence_sum FROM histograms WHERE {_OF_RUN}
    UNION ALL
    SELECT cell, {BIN}, {EPISTEMIC_BIN}, 1, confidence
    FROM prediction_rows WHERE {_OF_RUN} AND part IN (SELECT part {_WAITING})
)"""  # noqa: S608
_COUNT_FILE = f"""
    INSERT INTO histograms (cell, bin, epistemic_bin, n, confidence_sum)
    SELECT cell, {BIN}, {EPISTEMIC_BIN}, count(*), sum(confidence) FROM read_parquet(?) {IN_CELLS} GROUP BY ALL
"""  # noqa: S608
_ADD_SUMS = f"""
    INSERT INTO histograms (cell, bin, epistemic_bin, n, confidence_sum)
    SELECT cell, bin, epistemic_bin, n, confidence_sum FROM read_parquet(?) {IN_CELLS}
"""  # noqa: S608
_SUMS = "CAST(sum(n) AS BIGINT) AS n, sum(confidence_sum) AS confidence_sum"


def add_cells(connection: duckdb.DuckDBPyConnection, run_id: str, path: str) -> None:
    """Number the new cells of a part's file; call it before the part's rows are inserted."""
    connection.execute(_NEW_CELLS, [run_id, path])


def fold_pending_rows(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Fold uncounted rows into the histogram once there are too many to count at read time."""
    (waiting,) = only_row(
        connection.execute(f"SELECT coalesce(sum(rows), 0) {_WAITING}", {"run": run_id})
    )
    if waiting > FOLD_FROM:
        query = f"SELECT count(*) FROM histograms WHERE {_OF_RUN}"  # noqa: S608
        (folded,) = only_row(connection.execute(query, {"run": run_id}))
        if waiting > COUNT_AT * folded + FOLD_FROM:
            _count(connection, run_id)


def count_file(connection: duckdb.DuckDBPyConnection, run_id: str, part: int, path: str) -> None:
    """Add the counts of a part's file to the histogram; call it after add_cells."""
    connection.execute(_COUNT_FILE, [path, run_id])
    connection.execute("INSERT INTO counted_parts (run_id, part) VALUES (?, ?)", [run_id, part])


def add_sums(
    connection: duckdb.DuckDBPyConnection, run_id: str, parts: Sequence[int], path: str
) -> None:
    """Add the sums in a file of core.store.part_counts; call it after add_cells.

    Equal bins are added up once the histogram has COUNT_AT times the file's rows and FOLD_FROM
    more, so that its size is bounded and each sum is added a bounded number of times.
    """
    query = f"SELECT count(*) FROM histograms WHERE {_OF_RUN}"  # noqa: S608
    (stored,) = only_row(connection.execute(query, {"run": run_id}))
    (added,) = only_row(connection.execute(_ADD_SUMS, [path, run_id]))
    connection.executemany(
        "INSERT INTO counted_parts (run_id, part) VALUES (?, ?)", [[run_id, part] for part in parts]
    )
    if stored + added > COUNT_AT * added + FOLD_FROM:
        _count(connection, run_id)


def compact_counts(connection: duckdb.DuckDBPyConnection, run_id: str, part: int) -> None:
    """Add up equal bins after every COMPACT_EVERY-th part that was counted from its file.

    Each such part adds up to a row for each of its predictions.
    """
    if part % COMPACT_EVERY == COMPACT_EVERY - 1:
        _count(connection, run_id)


def _count(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Count all rows of the run into its histogram, one row per (cell, bin, epistemic_bin)."""
    run = {"run": run_id}
    # Through a table of its own: _ROWS reads the histogram that _clear deletes.
    connection.execute(
        f"CREATE TEMP TABLE sums AS SELECT cell, bin, epistemic_bin, {_SUMS} FROM {_ROWS} GROUP BY ALL",  # noqa: S608
        run,
    )
    _clear(connection, run_id)
    connection.execute(
        "INSERT INTO histograms (cell, bin, epistemic_bin, n, confidence_sum) FROM sums"
    )
    connection.execute("DROP TABLE sums")
    connection.execute(
        f"INSERT INTO counted_parts (run_id, part) SELECT run_id, part {_WAITING}", run
    )


def _clear(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    connection.execute(f"DELETE FROM histograms WHERE {_OF_RUN}", {"run": run_id})  # noqa: S608


def read_histogram(
    connection: duckdb.DuckDBPyConnection, run_id: str, classes: tuple[str, ...]
) -> Histogram:
    """Return the run's counts over all epistemic bins: its segments sorted, `classes` in order."""
    table = connection.execute(
        f"SELECT cell, bin, {_SUMS} FROM {_ROWS} GROUP BY cell, bin ORDER BY cell, bin",  # noqa: S608
        {"run": run_id},
    ).fetchnumpy()
    cells = _cells(connection, run_id).loc[np.unique(table["cell"])]
    segments = tuple(sorted(cells["segment"].unique()))
    counts = np.zeros((len(segments), len(classes), len(OUTCOMES), CONFIDENCE_BINS), dtype=np.int64)
    sums = np.zeros(counts.shape)
    names = {"segment": segments, "predicted": classes, "outcome": OUTCOMES}
    cells = pd.DataFrame(
        {
            c: pd.Categorical(cells[c], categories=categories).codes
            for c, categories in names.items()
        },
        cells.index,
    )
    where = (*cells.loc[table["cell"]].to_numpy().T, table["bin"])
    counts[where], sums[where] = table["n"], table["confidence_sum"]
    return Histogram(segments, classes, counts, sums)


def read_joint(connection: duckdb.DuckDBPyConnection, run_id: str) -> pd.DataFrame:
    """Return the non-zero counts, a row each.

    Columns: segment, predicted, outcome (categories), step, epistemic_bin, n.
    """
    table = connection.execute(
        f"SELECT cell, bin // {STEP} AS step, epistemic_bin, CAST(sum(n) AS BIGINT) AS n FROM {_ROWS}"  # noqa: S608
        " GROUP BY ALL ORDER BY ALL",
        {"run": run_id},
    ).df()
    cells = _cells(connection, run_id).astype("category")
    return (
        cells.loc[table.pop("cell")]
        .reset_index(drop=True)
        .join(table.astype({"step": int, "epistemic_bin": int}))
    )


def _cells(connection: duckdb.DuckDBPyConnection, run_id: str) -> pd.DataFrame:
    """Return segment, predicted and outcome by cell, sorted by name."""
    query = f"SELECT cell, {_NAMES} FROM cells WHERE run_id = ? ORDER BY {_NAMES}"  # noqa: S608
    return connection.execute(query, [run_id]).df().set_index("cell")
