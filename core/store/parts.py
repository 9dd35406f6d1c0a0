"""Scored parts as immutable Parquet files, written whole or not at all. Named by run and part, so that a retry overwrites itself.

This is the door: a value that is not finite, a probability row that does not sum to one or a doubled case is refused here, by row and value.
Knows no DuckDB.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import NonFiniteError, StoreError
from core.types import OUTCOMES, checked_name

PART_SCHEMA = pa.schema(
    [
        pa.field("case_id", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("predicted", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("total", pa.float64(), nullable=False),
        pa.field("aleatoric", pa.float64(), nullable=False),
        pa.field("epistemic", pa.float64(), nullable=False),
        pa.field("probabilities", pa.list_(pa.float32()), nullable=False),
        pa.field("occurred_at", pa.timestamp("us")),
        pa.field("value", pa.float64()),
    ]
)
SUM_TOLERANCE = 1e-3  # probabilities are kept as float32


def part_path(folder: Path, run_id: str, part: int) -> Path:
    """Where the part of that number lies, below the store's folder."""
    return folder / "parts" / checked_name(run_id, "run") / f"part-{part:05d}.parquet"


def write_part(folder: Path, run_id: str, part: int, frame: pd.DataFrame) -> Path:
    """Check the rows and write them durably: temporary name, fsync, rename, fsync of the folder. Raises NonFiniteError, StoreError."""
    check_part(frame)
    path = part_path(folder, run_id, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame[PART_SCHEMA.names], schema=PART_SCHEMA, preserve_index=False)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    with fresh.open("wb") as f:
        pq.write_table(table, f)
        f.flush()
        os.fsync(f.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)
    return path


def check_part(frame: pd.DataFrame) -> None:
    """Raise for the first thing in the rows that may not be stored."""
    missing = [c for c in PART_SCHEMA.names if c not in frame.columns]
    if missing:
        raise StoreError(f"the part has no column {missing[0]!r}: {', '.join(PART_SCHEMA.names)} are needed")
    if frame.empty:
        raise StoreError("the part has no row")
    for name in ("confidence", "total", "aleatoric", "epistemic"):
        values = frame[name].to_numpy(dtype=np.float64)
        _refuse(~np.isfinite(values), frame, name, values, "is not finite", NonFiniteError)
        _refuse(values < 0, frame, name, values, "is below 0")
    confidence = frame["confidence"].to_numpy(dtype=np.float64)
    _refuse(confidence > 1, frame, "confidence", confidence, "is above 1")
    value = frame["value"].to_numpy(dtype=np.float64)
    _refuse(np.isinf(value), frame, "value", value, "is infinite", NonFiniteError)
    sums = np.array([np.sum(p, dtype=np.float64) for p in frame["probabilities"]])
    _refuse(~np.isfinite(sums), frame, "the probabilities' sum", sums, "is not finite", NonFiniteError)
    _refuse(np.abs(sums - 1) > SUM_TOLERANCE, frame, "the probabilities' sum", sums, f"is not 1 within {SUM_TOLERANCE}")
    outcome = frame["outcome"].to_numpy()
    _refuse(~np.isin(outcome.astype(str), OUTCOMES), frame, "outcome", outcome, f"is not one of {', '.join(OUTCOMES)}")
    case_id = frame["case_id"].to_numpy()
    _refuse(frame["case_id"].duplicated().to_numpy(), frame, "case_id", case_id, "stands twice in the part")


def _refuse(bad: np.ndarray, frame: pd.DataFrame, name: str, values: np.ndarray, fault: str, error: type = StoreError) -> None:
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise error(f"{name} {values[i]!r} of case {frame['case_id'].iloc[i]!r} (row {frame['row'].iloc[i]}) {fault}")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
