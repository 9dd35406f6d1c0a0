"""Parquet -> tables, with the size bounded at every step of unpacking.

A repeated cell takes a few bytes of a Parquet file and all of its bytes in memory, and a footer may
state any size. So cells are counted from the footer, and the bytes of each batch of rows before it
becomes Python objects. Knows no column's meaning.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.cases.columns import clean_names
from core.cases.json_files import flatten_object
from core.cases.table import (
    MAX_CELL,
    MAX_CELLS,
    Record,
    Table,
    check_dimensions,
    check_size,
)
from core.errors import CasesError

_BATCH = 4096  # rows; a repeated text is one object in a batch until its bytes are counted


def read_parquet(path: Path, max_bytes: int) -> Table:
    """Return the table of a Parquet file; equal names are numbered, structs give columns by path.

    max_bytes: limit of the decoded bytes. Raises CasesError for a file that is none or too large.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, texts = file.schema_arrow, _text_columns(file.schema_arrow)
            check_dimensions(path, file.metadata.num_rows, len(schema))
            _check_footer(path, file.metadata, max_bytes)
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            columns = _decoded_columns(path, file, max_bytes)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as e:
        raise CasesError("cases.no_parquet", file=str(path)) from e
    index = _range_indexes(schema, len(columns[0]) if columns else 0)
    columns = [*index.values(), *columns]
    names = clean_names([*index, *schema.names])
    rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if any(pa.types.is_struct(field.type) for field in schema):
        rows = [flatten_object(cells) for cells in rows]
        names = list(dict.fromkeys(name for cells in rows for name in cells))
    records = [Record(row, cells) for row, cells in enumerate(rows, start=1)]
    return Table("parquet", names, records)


def _range_indexes(schema: pa.Schema, rows: int) -> dict[str, list]:
    """Return {name: numbers} of a named index of consecutive numbers.

    pandas writes no column for it, but its start and step into the file's metadata.
    """
    try:
        described = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
        return {
            index["name"]: list(map(int, range(index["start"], index["stop"], index["step"])))
            for index in described
            if isinstance(index, dict)
            and index["name"]
            and len(index["name"]) <= MAX_CELL
            and len(range(index["start"], index["stop"], index["step"])) == rows
        }
    except (ValueError, KeyError, TypeError):
        return {}


def _text_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that are read as dictionaries, which hold a repeated text once."""
    text_types = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    return [field.name for field in schema if any(test(field.type) for test in text_types)]


def _check_footer(path: Path, metadata: pq.FileMetaData, max_bytes: int) -> None:
    """Raise CasesError if the footer states more bytes or cells than are allowed."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    check_size(path, sum(group.total_byte_size for group in groups), max_bytes)
    # A list in one row may hold any number of values: the leaves count, not the rows.
    cells = sum(g.column(j).num_values for g in groups for j in range(metadata.num_columns))
    if cells > MAX_CELLS:
        raise CasesError(
            "cases.too_many_cells", file=str(path), cells=f"{cells:,}", limit=f"{MAX_CELLS:,}"
        )


def _decoded_columns(path: Path, file: pq.ParquetFile, max_bytes: int) -> list[list]:
    """Return the cells of each column. Raises CasesError for too many bytes or too long a cell."""
    columns: list[list] = [[] for _ in file.schema_arrow]
    size = 0
    for batch in file.iter_batches(batch_size=_BATCH):
        size += sum(_decoded_bytes(path, column) for column in batch.columns)
        check_size(path, size, max_bytes)
        for cells, column in zip(columns, batch.columns, strict=True):
            cells.extend(_short_floats(column) if _is_short(column.type) else column.to_pylist())
    return columns


def _is_short(kind: pa.DataType) -> bool:
    return pa.types.is_float32(kind) or pa.types.is_float16(kind)


def _short_floats(column: pa.Array) -> list[float | None]:
    """Return numbers of 16 or 32 bits with the digits that they have: 1.1, not 1.10000002384."""
    numbers = column.to_numpy(zero_copy_only=False)
    return [None if x != x else float(str(x)) for x in numbers]


def _decoded_bytes(path: Path, column: pa.Array) -> int:
    """Return the bytes of a column without compression. Raises CasesError for too long a cell."""
    if not isinstance(column, pa.DictionaryArray):
        return column.nbytes
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    longest = pc.max(lengths).as_py() or 0
    if longest > MAX_CELL:
        raise CasesError(
            "cases.cell_too_long", file=str(path), size=f"{longest:,}", limit=f"{MAX_CELL:,}"
        )
    return pc.sum(lengths).as_py() or 0
