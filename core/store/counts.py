"""Histograms of confidence and epistemic uncertainty in the store: counted in SQL, in the transaction that takes a part in.

One table holds both. A second, coarser one for the epistemic dimension would have as many rows as it saves (208,000 + 360,000
against 548,000 for a million made-up predictions in 180 cells) and cost another pass; and since every third edge is a
threshold, step = bin // 3 is exact. Segment, class and outcome stand for one number, a cell: grouping and adding by it takes
half the time of grouping by three names.

A part's counts are appended: adding each to the row that is there, by UPDATE, took as long as counting, and longer with every
part. So a (cell, bin, epistemic_bin) may have several rows, and who reads adds them up; when the rows that a run has appended
are more than MERGE_AT times its merged ones, they are merged. Each row is then written a bounded number of times. Counting them
costs 0.06 s of processor time where they are millions, so only every LOOK_EVERY-th part does it.

The bins are exactly those of core.decision.histogram. Knows the tables predictions, cells and histograms; opens nothing.
"""

import duckdb
import numpy as np
import pandas as pd

from core.decision.histogram import BINS, EPISTEMIC_LIMITS, FINE_BINS, Histogram
from core.types import OUTCOMES

# The bin b with EDGES[b] <= confidence < EDGES[b + 1]. The rounded product may be one off; the comparison with the edge, the
# same rounded quotient as in numpy, is exact. No CASE: DuckDB takes six times as long for one.
_ROUGH = f"floor(confidence * {FINE_BINS}e0)"
BIN = (
    f"CAST({_ROUGH} + CAST(confidence >= ({_ROUGH} + 1e0) / {FINE_BINS}e0 AS INTEGER)"
    f" - CAST(confidence < {_ROUGH} / {FINE_BINS}e0 AS INTEGER) AS SMALLINT)"
)
# The bin e with EPISTEMIC_LIMITS[e - 1] < epistemic <= EPISTEMIC_LIMITS[e]. "e0" makes the literals DOUBLE, not DECIMAL.
_UP_TO = " ".join(f"WHEN epistemic <= {float(limit)!r}e0 THEN {e}" for e, limit in enumerate(EPISTEMIC_LIMITS))
EPISTEMIC_BIN = f"CAST(CASE {_UP_TO} ELSE {len(EPISTEMIC_LIMITS)} END AS UTINYINT)"
STEP = FINE_BINS // 1000  # fine bins in a step of 0.001
MERGE_AT, FEW = 3, 100_000  # times the merged rows; appended rows that cost nothing to read
LOOK_EVERY = 4  # parts

_COLUMNS = "merged, cell, bin, epistemic_bin, n, confidence_sum"
CELL = ("segment", "predicted", "outcome")  # what a cell of a run stands for
_NAMES = ", ".join(CELL)
IN_CELLS = f"LEFT JOIN (SELECT cell, {_NAMES} FROM cells WHERE run_id = ?) USING ({_NAMES})"  # noqa: S608 - constants
_NEW_CELLS = f"""
    INSERT INTO cells (run_id, {_NAMES})
    SELECT ?, {_NAMES} FROM read_parquet(?) GROUP BY ALL ORDER BY ALL ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_OF_RUN = "cell IN (SELECT cell FROM cells WHERE run_id = ?)"
_COUNT = f"""
    INSERT INTO histograms ({_COLUMNS})
    SELECT CAST(? AS BOOLEAN), cell, {BIN} AS bin, {EPISTEMIC_BIN} AS epistemic_bin, count(*), sum(confidence)
    FROM prediction_rows WHERE {_OF_RUN}
"""  # noqa: S608 - constants
_SUMS = f"""
    SELECT cell, bin, epistemic_bin, CAST(sum(n) AS BIGINT) AS n, sum(confidence_sum) AS confidence_sum
    FROM histograms WHERE {_OF_RUN} GROUP BY cell, bin, epistemic_bin
"""  # noqa: S608 - constants


def add_cells(connection: duckdb.DuckDBPyConnection, run_id: str, path: str) -> None:
    """Number what is new in a part's file; its rows and its counts need the numbers."""
    connection.execute(_NEW_CELLS, [run_id, path])


def add_part(connection: duckdb.DuckDBPyConnection, run_id: str, part: int, before: int) -> None:
    """Add the counts of a part's rows, which the same transaction has taken in.

    `before` is how many parts the run has; the rows of the first one are merged ones as they come.
    """
    connection.execute(f"{_COUNT} AND part = ? GROUP BY ALL", [before == 0, run_id, part])
    if before % LOOK_EVERY == 0 and _many_appended(connection, run_id):
        _merge(connection, run_id)


def rebuild(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Count the predictions of a run again, from nothing."""
    _clear(connection, run_id)
    connection.execute(f"{_COUNT} GROUP BY ALL", [True, run_id])


def _many_appended(connection: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    appended, merged = connection.execute(
        f"SELECT count(*) FILTER (NOT merged), count(*) FILTER (merged) FROM histograms WHERE {_OF_RUN}",  # noqa: S608
        [run_id],
    ).fetchone()
    return appended > MERGE_AT * merged + FEW


def _merge(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """One row a (cell, bin, epistemic_bin) of the run."""
    connection.execute(f"CREATE TEMP TABLE sums AS {_SUMS}", [run_id])
    _clear(connection, run_id)
    connection.execute(f"INSERT INTO histograms ({_COLUMNS}) SELECT true, * FROM sums")  # noqa: S608
    connection.execute("DROP TABLE sums")


def _clear(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    connection.execute(f"DELETE FROM histograms WHERE {_OF_RUN}", [run_id])  # noqa: S608 - constants


def read(connection: duckdb.DuckDBPyConnection, run_id: str, classes: tuple[str, ...]) -> Histogram:
    """The run's counts whatever the epistemic uncertainty: the segments that occur, sorted, and the classes as given."""
    table = connection.execute(
        "SELECT cell, bin, CAST(sum(n) AS BIGINT) AS n, sum(confidence_sum) AS confidence_sum FROM histograms"  # noqa: S608
        f" WHERE {_OF_RUN} GROUP BY cell, bin ORDER BY cell, bin",
        [run_id],
    ).fetchnumpy()
    cells = _cells(connection, run_id).loc[np.unique(table["cell"])]
    segments = tuple(sorted(cells["segment"].unique()))
    counts = np.zeros((len(segments), len(classes), len(OUTCOMES), BINS), dtype=np.int64)
    sums = np.zeros(counts.shape)
    names = {"segment": segments, "predicted": classes, "outcome": OUTCOMES}
    cells = pd.DataFrame({c: pd.Categorical(cells[c], categories=known).codes for c, known in names.items()}, cells.index)
    where = (*cells.loc[table["cell"]].to_numpy().T, table["bin"])
    counts[where], sums[where] = table["n"], table["confidence_sum"]
    return Histogram(segments, classes, counts, sums)


def read_joint(connection: duckdb.DuckDBPyConnection, run_id: str) -> pd.DataFrame:
    """Rows of segment, predicted, outcome (categories), step, epistemic_bin, n: the non-zero counts, a row each."""
    table = connection.execute(
        f"SELECT cell, bin // {STEP} AS step, epistemic_bin, CAST(sum(n) AS BIGINT) AS n FROM histograms"  # noqa: S608
        f" WHERE {_OF_RUN} GROUP BY ALL ORDER BY ALL",
        [run_id],
    ).df()
    cells = _cells(connection, run_id).astype("category")
    return cells.loc[table.pop("cell")].reset_index(drop=True).join(table.astype({"step": int, "epistemic_bin": int}))


def _cells(connection: duckdb.DuckDBPyConnection, run_id: str) -> pd.DataFrame:
    """Segment, predicted and outcome by cell, sorted by name."""
    query = "SELECT cell, segment, predicted, outcome FROM cells WHERE run_id = ? ORDER BY segment, predicted, outcome"
    return connection.execute(query, [run_id]).df().set_index("cell")
