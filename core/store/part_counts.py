"""The counts of several parts of a run in one file, made by the process that wrote the parts.

A store takes in such a file without reading the parts: the sums of their rows' counts, and a line
for each part. Sums add up, so that hundreds of processes count and one store adds. Knows the
parts' files and the histogram's bins; the store's own tables are core.store.intake's.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import StoreError
from core.files import make_file_once
from core.store import counts
from core.store.file import only_row
from core.store.parts import part_path
from core.store.seal import sealed_sha256

_KEY = b"kakushin.parts"  # of the Parquet file's metadata
# By length in bytes, since as text "10" lies between "1" and "2": ranges of counters would overlap.
ID_RANGES = (
    "SELECT strlen(case_id) AS bytes, min(case_id), max(case_id) FROM ({cases})"
    " GROUP BY bytes ORDER BY bytes"
)
_SUMS = f"""
    SELECT {", ".join(counts.CELL_COLUMNS)}, {counts.BIN} AS bin, {counts.EPISTEMIC_BIN} AS epistemic_bin,
           count(*) AS n, sum(confidence) AS confidence_sum
    FROM read_parquet(?) GROUP BY ALL ORDER BY ALL
"""  # noqa: S608
# One row's length is enough: core.store.parts lets no file with rows of different lengths through.
_ABOUT = (
    "SELECT count(*), min(occurred_at), max(occurred_at), len(any_value(probabilities))"
    " FROM read_parquet(?)"
)


@dataclass(frozen=True)
class PartLine:
    """A part as its store records it.

    sha256: of the file. first_at, last_at: ISO 8601, None without dates. classes: probabilities of
    each row. id_ranges: lowest and highest case id by length of ids in bytes.
    """

    part: int
    rows: int
    sha256: str
    first_at: str | None
    last_at: str | None
    classes: int
    id_ranges: tuple[tuple[int, str, str], ...]


def counts_path(folder: Path, run_id: str, parts: Sequence[int]) -> Path:
    """Return the path of the counts of these parts, below the store's folder."""
    digest = hashlib.sha256(json.dumps(sorted(parts)).encode()).hexdigest()[:16]
    return part_path(folder, run_id, 0).with_name(f"counts-{digest}.parquet")


def write_counts(folder: Path, run_id: str, parts: Sequence[int]) -> Path:
    """Count the parts' files and write the sums; return the path. Keeps a file that exists.

    folder: the store's. parts: numbers of written parts. Raises StoreError for a case that two of
    the parts have.
    """
    path = counts_path(folder, run_id, parts)
    if path.is_file():
        return path
    files = {part: str(part_path(folder, run_id, part)) for part in sorted(parts)}
    # One thread: a worker of a cluster has one core.
    with duckdb.connect(config={"threads": 1}) as connection:
        lines = [_line(connection, part, file) for part, file in files.items()]
        _refuse_doubles(connection, run_id, lines, list(files.values()))
        table: pa.Table = connection.sql(_SUMS, params=[list(files.values())]).to_arrow_table()
    table = table.replace_schema_metadata(lines_metadata(lines))
    make_file_once(path, lambda file: pq.write_table(table, file, compression="zstd"))
    return path


def lines_metadata(lines: Sequence[PartLine]) -> dict[bytes, bytes]:
    """Return the metadata of a Parquet file of counts that covers these parts."""
    return {_KEY: json.dumps([asdict(line) for line in lines]).encode()}


def read_part_lines(path: Path) -> tuple[PartLine, ...]:
    """Return the parts that a file of counts covers; reads no counts."""
    lines = json.loads(pq.read_schema(path).metadata[_KEY])
    return tuple(
        PartLine(**line | {"id_ranges": tuple(map(tuple, line["id_ranges"]))}) for line in lines
    )


def _line(connection: duckdb.DuckDBPyConnection, part: int, file: str) -> PartLine:
    rows, first, last, classes = only_row(connection.execute(_ABOUT, [file]))
    query = ID_RANGES.format(cases="SELECT case_id FROM read_parquet(?)")
    ranges = tuple(connection.execute(query, [file]).fetchall())
    return PartLine(part, rows, sealed_sha256(Path(file)), _iso(first), _iso(last), classes, ranges)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _refuse_doubles(
    connection: duckdb.DuckDBPyConnection, run_id: str, lines: list[PartLine], files: list[str]
) -> None:
    """Raise StoreError for a case in two parts; reads ids only where ranges of ids overlap."""
    ranges = sorted(id_range for line in lines for id_range in line.id_ranges)
    overlap = any(
        before[0] == after[0] and after[1] <= before[2]
        for before, after in zip(ranges, ranges[1:], strict=False)
    )
    if not overlap:
        return
    query = "SELECT case_id FROM read_parquet(?) GROUP BY case_id HAVING count(*) > 1 ORDER BY case_id LIMIT 1"
    if double := connection.execute(query, [files]).fetchone():
        raise StoreError("store.case_twice", case=double[0], part=lines[-1].part, run=run_id)
