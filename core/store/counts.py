"""Histograms of confidence in the store: counted from predictions in SQL, in the same transaction that takes them in.

The bins are exactly those of core.decision.histogram.bin_of. Knows the tables predictions and histograms; opens nothing.
"""

import duckdb
import numpy as np
import pandas as pd

from core.decision.histogram import BINS, FINE_BINS, Histogram
from core.types import OUTCOMES

# The bin b with EDGES[b] <= confidence < EDGES[b + 1]. The rounded product may be one off; the comparison with the edge, the
# same rounded quotient as in numpy, is exact.
_ROUGH = f"CAST(floor(confidence * {FINE_BINS}) AS INTEGER)"
BIN = (
    f"{_ROUGH} + CASE WHEN confidence >= CAST({_ROUGH} + 1 AS DOUBLE) / CAST({FINE_BINS} AS DOUBLE) THEN 1"
    f" WHEN confidence < CAST({_ROUGH} AS DOUBLE) / CAST({FINE_BINS} AS DOUBLE) THEN -1 ELSE 0 END"
)
_ADD = f"""
    INSERT INTO histograms (run_id, segment, predicted, outcome, bin, n, confidence_sum)
    SELECT run_id, segment, predicted, outcome, {BIN} AS bin, count(*), sum(confidence)
    FROM predictions {{where}} GROUP BY run_id, segment, predicted, outcome, bin
    ON CONFLICT DO UPDATE SET n = n + excluded.n, confidence_sum = confidence_sum + excluded.confidence_sum
"""  # noqa: S608 - constants


def add_part(connection: duckdb.DuckDBPyConnection, run_id: str, part: int) -> None:
    """Add the counts of a part that has just been inserted."""
    connection.execute(_ADD.format(where="WHERE run_id = ? AND part = ?"), [run_id, part])


def rebuild(connection: duckdb.DuckDBPyConnection, run_id: str | None) -> None:
    """Count again, from nothing: the predictions of a run, or all."""
    where, values = ("", []) if run_id is None else ("WHERE run_id = ?", [run_id])
    connection.execute(f"DELETE FROM histograms {where}", values)  # noqa: S608 - constants
    connection.execute(_ADD.format(where=where), values)


def read(connection: duckdb.DuckDBPyConnection, run_id: str, classes: tuple[str, ...]) -> Histogram:
    """The run's counts: the segments that occur, sorted, and the classes as given."""
    table = connection.execute(
        "SELECT segment, predicted, outcome, bin, n, confidence_sum FROM histograms WHERE run_id = ?"
        " ORDER BY segment, predicted, outcome, bin",
        [run_id],
    ).df()
    segments = tuple(sorted(table["segment"].unique()))
    counts = np.zeros((len(segments), len(classes), len(OUTCOMES), BINS), dtype=np.int64)
    sums = np.zeros(counts.shape)
    names = {"segment": segments, "predicted": classes, "outcome": OUTCOMES}
    cells = [pd.Categorical(table[column], categories=known).codes for column, known in names.items()]
    where = (*cells, table["bin"].to_numpy())
    counts[where], sums[where] = table["n"].to_numpy(), table["confidence_sum"].to_numpy()
    return Histogram(segments, classes, counts, sums)
