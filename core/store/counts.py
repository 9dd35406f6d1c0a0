"""Histograms of confidence and epistemic uncertainty in the store, kept of most rows and made of
the newest when they are read.

One table holds both. A second, coarser one for the epistemic dimension would have as many rows as
it saves (208,000 + 360,000 against 548,000 for a million made-up predictions in 180 cells) and cost
another pass; and since every third edge is a threshold, step = bin // 3 is exact. Segment, class
and outcome stand for one number, a cell: grouping and adding by it takes half the time of grouping
by three names.

A part's own counts are nearly as many rows as the part has, so keeping them would save a reader
nothing: he counts the rows of parts that are not in the histogram yet (counted_parts) himself, a
million in 0.1 s. When they are more than COUNT_AT times the histogram's rows, all are counted into
it. Each row is then read a bounded number of times.

The bins are exactly those of core.counts.histogram. Knows the tables prediction_rows, parts,
counted_parts, cells and histograms; opens nothing.
"""

import duckdb
import numpy as np
import pandas as pd

from core.counts.histogram import CONFIDENCE_BINS, EPISTEMIC_LIMITS, FINE_BINS, Histogram
from core.store.file import only_row
from core.types import OUTCOMES

# The bin b with EDGES[b] <= confidence < EDGES[b + 1]. The rounded product may be one off; the
# comparison with the edge, the same rounded quotient as in numpy, is exact. No CASE: DuckDB takes
# six times as long for one.
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
# times the histogram's rows; rows that are left to the reader however small it is
COUNT_AT, FEW = 3, 1_000_000

CELL = ("segment", "predicted", "outcome")  # what a cell of a run stands for
_NAMES = ", ".join(CELL)
IN_CELLS = f"LEFT JOIN (SELECT cell, {_NAMES} FROM cells WHERE run_id = ?) USING ({_NAMES})"  # noqa: S608
_NEW_CELLS = f"""
    INSERT INTO cells (run_id, {_NAMES})
    SELECT ?, {_NAMES} FROM read_parquet(?) GROUP BY ALL ORDER BY ALL ON CONFLICT DO NOTHING
"""  # noqa: S608
_OF_RUN = "cell IN (SELECT cell FROM cells WHERE run_id = $run)"
_WAITING = "FROM parts ANTI JOIN counted_parts USING (run_id, part) WHERE run_id = $run"
# What the run's counts are: sums of these rows.
_ROWS = f"""(
    SELECT cell, bin, epistemic_bin, n, confidence_sum FROM histograms WHERE {_OF_RUN}
    UNION ALL
    SELECT cell, {BIN}, {EPISTEMIC_BIN}, 1, confidence
    FROM prediction_rows WHERE {_OF_RUN} AND part IN (SELECT part {_WAITING})
)"""  # noqa: S608
_SUMS = "CAST(sum(n) AS BIGINT) AS n, sum(confidence_sum) AS confidence_sum"


def add_cells(connection: duckdb.DuckDBPyConnection, run_id: str, path: str) -> None:
    """Number what is new in a part's file; its rows and its counts need the numbers."""
    connection.execute(_NEW_CELLS, [run_id, path])


def fold_pending_rows(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Count the rows that wait into the histogram, where they are many beside it."""
    (waiting,) = only_row(
        connection.execute(f"SELECT coalesce(sum(rows), 0) {_WAITING}", {"run": run_id})
    )
    if waiting > FEW:
        query = f"SELECT count(*) FROM histograms WHERE {_OF_RUN}"  # noqa: S608
        (folded,) = only_row(connection.execute(query, {"run": run_id}))
        if waiting > COUNT_AT * folded + FEW:
            _count(connection, run_id)


def rebuild(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Count the predictions of a run again, from nothing."""
    connection.execute("DELETE FROM counted_parts WHERE run_id = ?", [run_id])
    _clear(connection, run_id)
    _count(connection, run_id)


def _count(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """All rows of the run into its histogram, one row a (cell, bin, epistemic_bin)."""
    run = {"run": run_id}
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
    """The run's counts whatever the epistemic uncertainty: the segments that occur, sorted, and the
    classes as given.
    """
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
    """Rows of segment, predicted, outcome (categories), step, epistemic_bin, n: the non-zero
    counts, a row each.
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
    """Segment, predicted and outcome by cell, sorted by name."""
    query = f"SELECT cell, {_NAMES} FROM cells WHERE run_id = ? ORDER BY {_NAMES}"  # noqa: S608
    return connection.execute(query, [run_id]).df().set_index("cell")
