"""The cases of a scoring, in parts: held in memory, or in files that each worker of a cluster reads.

A part never holds cases of two files, so that a run has the same parts wherever its cases are held.
Knows no model and no store.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import StoreError
from core.files import write_atomic

SPOOL_GROUP = 1000  # cases in a row group: what a worker reads more than its part, at most twice
CASE_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        *((name, pa.string()) for name in ("case_id", "text", "segment", "label")),
        ("occurred_at", pa.timestamp("us")),
        ("value", pa.float64()),
    ]
)


@dataclass(frozen=True)
class PartRange:
    """The place of a part's cases: number of the file, first case in it, and first of all cases."""

    file: int
    start: int
    first: int
    size: int


def plan_parts(sizes: Sequence[int], part_size: int) -> tuple[PartRange, ...]:
    """Return the parts of files with `sizes` cases, of part_size cases or fewer each.

    >>> [(p.file, p.start, p.first, p.size) for p in plan_parts([3, 2], 2)]
    [(0, 0, 0, 2), (0, 2, 2, 1), (1, 0, 3, 2)]
    """
    firsts = np.cumsum([0, *sizes]).tolist()
    return tuple(
        PartRange(file, start, firsts[file] + start, min(part_size, size - start))
        for file, size in enumerate(sizes)
        for start in range(0, size, part_size)
    )


class CaseParts(Protocol):
    """Cases in parts."""

    @property
    def parts(self) -> tuple[PartRange, ...]:
        """The parts, in the cases' order."""

    def read_part(self, part: int) -> pd.DataFrame:
        """Return the part's cases, in the columns of core.cases."""

    def read_files(self) -> Iterator[pd.DataFrame]:
        """Yield the cases of each file."""


@dataclass(frozen=True)
class CasesInMemory:
    """The cases of one file as a frame. part_size: cases in a part."""

    frame: pd.DataFrame
    part_size: int

    @cached_property
    def parts(self) -> tuple[PartRange, ...]:
        """The parts, in the cases' order."""
        return plan_parts([len(self.frame)], self.part_size)

    def read_part(self, part: int) -> pd.DataFrame:
        """Return the part's cases."""
        place = self.parts[part]
        return self.frame.iloc[place.start : place.start + place.size]

    def read_files(self) -> Iterator[pd.DataFrame]:
        """Yield the frame."""
        yield self.frame


@dataclass(frozen=True)
class SpooledCases:
    """Checked cases in Parquet files of a shared folder; picklable, so that workers read parts.

    sizes: cases of each file. part_size: cases in a part.
    """

    folder: Path
    sizes: tuple[int, ...]
    part_size: int

    @cached_property
    def parts(self) -> tuple[PartRange, ...]:
        """The parts of all files."""
        return plan_parts(self.sizes, self.part_size)

    def read_part(self, part: int) -> pd.DataFrame:
        """Return the part's cases, with missing labels as None as core.cases reads them."""
        place = self.parts[part]
        first, last = place.start // SPOOL_GROUP, (place.start + place.size - 1) // SPOOL_GROUP
        with pq.ParquetFile(spool_path(self.folder, place.file)) as file:
            table = file.read_row_groups(range(first, last + 1))
        return _cases_of(table.slice(place.start - first * SPOOL_GROUP, place.size))

    def read_files(self) -> Iterator[pd.DataFrame]:
        """Yield the cases of each file."""
        for file in range(len(self.sizes)):
            yield _cases_of(pq.ParquetFile(spool_path(self.folder, file)).read())


def spool_path(folder: Path, file: int) -> Path:
    """Return the path of the checked cases of a file, by the file's number."""
    return folder / f"cases-{file:05d}.parquet"


def write_spool(folder: Path, file: int, frame: pd.DataFrame) -> int:
    """Write the checked cases of a file, whole or not at all; return their number.

    folder: an existing one. file: its number. frame: columns of core.cases. Raises StoreError for a
    text that is no Unicode, as writing a part does.
    """
    columns = []
    try:
        for field in CASE_SCHEMA:
            columns.append(pa.Array.from_pandas(frame[field.name], type=field.type))
    except (pa.ArrowException, TypeError, ValueError) as e:
        raise StoreError(
            "store.part_type", column=field.name, type=str(field.type), reason=str(e)
        ) from e
    table = pa.table(columns, schema=CASE_SCHEMA)
    path = spool_path(folder, file)
    write_atomic(path, lambda f: pq.write_table(table, f, row_group_size=SPOOL_GROUP))
    return len(frame)


def text_frame(texts: Sequence[str]) -> pd.DataFrame:
    """Return texts as cases that have nothing else, for `write_spool`."""
    nothing = dict.fromkeys(field.name for field in CASE_SCHEMA)
    numbers = range(len(texts))
    columns = {"row": numbers, "case_id": [str(i) for i in numbers], "text": list(texts)}
    return pd.DataFrame(nothing | columns, index=numbers)


def _cases_of(table: pa.Table) -> pd.DataFrame:
    """Return the table as a frame of core.cases, which has None for a missing text."""
    frame = table.to_pandas()
    names = [field.name for field in CASE_SCHEMA if pa.types.is_string(field.type)]
    texts = frame[names].astype(object)
    return frame.assign(**texts.where(texts.notna(), None))
