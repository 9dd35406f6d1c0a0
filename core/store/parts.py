"""Scored parts as immutable Parquet files, written atomically; a retry overwrites its own file.

All predictions pass here: a non-finite value, a probability row that does not sum to one or a
repeated case is refused, by row and value. Knows no DuckDB and no run's labels.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import NonFiniteError, SettingsError, StoreError
from core.files import delete_abandoned, make_file_once, private_folder, sync_path, write_atomic
from core.store.seal import write_sealed
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
        pa.field("novelty", pa.float64()),
    ]
)
OPTIONAL = ("novelty",)  # columns that a frame may lack; stored as NaN then
ROW_GROUP = 122_880  # rows; DuckDB's own size, so that several cores read and ingest one part
SUM_TOLERANCE = 1e-3  # probabilities are stored as float32
LAST_PART = 99_999  # five digits, so that the files' names sort


def part_path(folder: Path, run_id: str, part: int) -> Path:
    """Return the path of a part's file below the store's folder.

    Raises SettingsError for a run's name or a number that is not allowed.
    """
    if not 0 <= part <= LAST_PART:
        raise SettingsError("store.part_number", part=part, last=LAST_PART)
    return folder / "parts" / checked_name(run_id, "run") / part_name(part)


def part_name(part: int) -> str:
    """Return the name of a part's file in its run's folder."""
    return f"part-{part:05d}.parquet"


def write_part(
    folder: Path, run_id: str, part: int, frame: pd.DataFrame, once: bool = False
) -> Path:
    """Check the rows and write them durably; return the file's path.

    folder: the store's. frame: the columns of PART_SCHEMA; those of OPTIONAL may be missing. once:
    keep a file that exists, as several processes may write the same part. Rows are sorted by
    confidence, highest first, so that the store finds the cases near a threshold by the least and
    greatest confidence of each row group, without an index: see Store.cases_near. Raises
    NonFiniteError or StoreError for invalid rows, and StoreError if the file cannot be written.
    """
    frame = frame.assign(**{name: np.nan for name in OPTIONAL if name not in frame.columns})
    table = _table(frame, check_part(frame)).sort_by(
        [("confidence", "descending"), ("row", "ascending")]
    )
    path = part_path(folder, run_id, part)
    try:
        private_folder(path.parent)
        write = make_file_once if once else write_atomic
        write(path, lambda file: write_sealed(table, file, ROW_GROUP))
        sync_path(path.parent.parent)  # the run's folder may be new, and its name not yet on disk
    except OSError as e:
        raise StoreError(
            "store.part_not_written", file=str(path), reason=e.strerror or str(e)
        ) from e
    return path


def empty_texts(path: Path) -> int:
    """Rewrite a part's file without its texts, whole or not at all; return how many it had."""
    table = pq.ParquetFile(path).read()
    texts = int(pc.sum(pc.not_equal(table["text"], "")).as_py())
    if texts:
        place = table.schema.get_field_index("text")
        empty = table.set_column(place, PART_SCHEMA.field("text"), pa.repeat("", len(table)))
        write_atomic(path, lambda file: write_sealed(empty, file, ROW_GROUP))
    return texts


def check_part(frame: pd.DataFrame) -> np.ndarray:
    """Return the rows' probabilities [n, K], float64; raise for the first invalid value.

    Raises StoreError, and NonFiniteError for NaN or infinity.
    """
    needed = [name for name in PART_SCHEMA.names if name not in OPTIONAL]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise StoreError("store.part_column", column=missing[0], columns=needed)
    if frame.empty:
        raise StoreError("store.part_empty")
    for field in PART_SCHEMA:
        absent = frame[field.name].isna().to_numpy()
        # A missing float is NaN, which the checks of finite values below name more precisely.
        if not field.nullable and not pa.types.is_floating(field.type):
            _refuse(absent, frame, field.name, frame[field.name].to_numpy(), "value_missing")
    for name in ("confidence", "total", "aleatoric", "epistemic"):
        values = frame[name].to_numpy(dtype=np.float64)
        _refuse(~np.isfinite(values), frame, name, values, "value_not_finite", NonFiniteError)
        _refuse(values < 0, frame, name, values, "value_below_0")
    confidence, value = (
        frame["confidence"].to_numpy(dtype=np.float64),
        frame["value"].to_numpy(dtype=np.float64),
    )
    _refuse(confidence > 1, frame, "confidence", confidence, "value_above_1")
    _refuse(np.isinf(value), frame, "value", value, "value_infinite", NonFiniteError)
    if "novelty" in frame:
        novelty = frame["novelty"].to_numpy(dtype=np.float64)  # NaN, unknown, passes both limits
        _refuse((novelty < 0) | (novelty > 1), frame, "novelty", novelty, "value_not_share")
    outcome, case_id = frame["outcome"].to_numpy(), frame["case_id"].to_numpy()
    _refuse(
        ~np.isin(outcome.astype(str), OUTCOMES),
        frame,
        "outcome",
        outcome,
        "value_not_one_of",
        allowed=OUTCOMES,
    )
    _refuse(
        frame["case_id"].duplicated().to_numpy(),
        frame,
        "case_id",
        case_id,
        "value_twice",
    )
    p = _probabilities(frame)
    _refuse(
        np.abs(p.max(1) - confidence) > SUM_TOLERANCE,
        frame,
        "confidence",
        confidence,
        "value_not_top",
    )
    _refuse(~_outcome_fits(frame), frame, "outcome", outcome, "value_contradicts")
    return p


def _outcome_fits(frame: pd.DataFrame) -> np.ndarray:
    """Return [n] of bool: whether label and prediction allow the outcome."""
    label, predicted = frame["label"].to_numpy(object), frame["predicted"].to_numpy(object)
    unlabelled, equal = frame["label"].isna().to_numpy(), label == predicted
    outcome = frame["outcome"].to_numpy(object)
    right = outcome == "right"
    return ((outcome == "unlabelled") == unlabelled) & (unlabelled | (right == equal))


def delete_leftovers(folder: Path, run_id: str, taken: Iterable[int]) -> None:
    """Delete a run's leftovers of killed processes: ingested parts and abandoned temporary files.

    taken: numbers of the ingested parts.
    """
    home = folder / "parts" / run_id
    # A kill between a commit and the deletion of its file leaves an ingested part behind.
    for part in taken:
        part_path(folder, run_id, part).unlink(missing_ok=True)
    for path in home.glob("counts-*.parquet"):  # of core.store.part_counts; the run has ended
        path.unlink(missing_ok=True)
    delete_abandoned(home)
    if home.is_dir() and not any(home.iterdir()):
        home.rmdir()


def _probabilities(frame: pd.DataFrame) -> np.ndarray:
    """Return the column as an array [n, K], float64, after checks of length, sign and sum."""
    lengths = frame["probabilities"].map(len).to_numpy()
    _refuse(
        lengths != lengths[0],
        frame,
        StoreError("store.probabilities_length"),
        lengths,
        "value_not_first",
        first=int(lengths[0]),
    )
    p = np.concatenate(frame["probabilities"].to_list()).astype(np.float64).reshape(len(frame), -1)
    sums = p.sum(1)
    _refuse(
        ~np.isfinite(sums),
        frame,
        StoreError("store.probabilities_sum"),
        sums,
        "value_not_finite",
        NonFiniteError,
    )
    _refuse(
        p.min(1, initial=0) < 0,
        frame,
        StoreError("store.probabilities_least"),
        p.min(1, initial=0),
        "value_below_0",
    )
    _refuse(
        np.abs(sums - 1) > SUM_TOLERANCE,
        frame,
        StoreError("store.probabilities_sum"),
        sums,
        "value_not_1",
        tolerance=SUM_TOLERANCE,
    )
    return p


def _table(frame: pd.DataFrame, p: np.ndarray) -> pa.Table:
    """Return the rows in PART_SCHEMA, with the probabilities p [n, K]."""
    # As one block with offsets: ten times as fast as a list per row.
    flat = pa.array(p.astype(np.float32).ravel())
    starts = pa.array(np.arange(len(p) + 1, dtype=np.int32) * p.shape[1])
    columns = {"probabilities": pa.ListArray.from_arrays(starts, flat)}
    try:
        for field in PART_SCHEMA:
            if field.name not in columns:
                columns[field.name] = pa.Array.from_pandas(frame[field.name], type=field.type)
    except (pa.ArrowException, TypeError, ValueError) as e:
        raise StoreError(
            "store.part_type", column=field.name, type=str(field.type), reason=str(e)
        ) from e
    return pa.table([columns[name] for name in PART_SCHEMA.names], schema=PART_SCHEMA)


def _refuse(
    bad: np.ndarray,
    frame: pd.DataFrame,
    name: str | StoreError,
    values: np.ndarray,
    fault: str,
    error: type = StoreError,
    **limits: object,
) -> None:
    """Raise the code store.`fault` for the first row that `bad` [n] marks; `limits` are its values.

    A `name` that is an error appears as its sentence in the reader's language.
    """
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        value = values[i].item() if isinstance(values[i], np.generic) else values[i]
        case_id, row = frame["case_id"].iloc[i], frame["row"].iloc[i]
        raise error(f"store.{fault}", name=name, value=value, case=case_id, row=row, **limits)
