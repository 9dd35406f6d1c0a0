"""Files -> records: decoding, CSV, TSV, JSON Lines, Parquet; core.cases.xlsx reads XLSX. Knows no
column's meaning and checks no cell.

CSV and TSV cells are strings: "NA", "null" and "1e5" stay what they are. A record's row is the line
of a text file on which it begins (the header is line 1), its row in a sheet, or its number from 1
in a Parquet file. A record that cannot be read is kept, with the reason.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CasesError

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".xlsx")
MAX_BYTES = 256 * 2**20  # unpacked; all of a file is held in memory, at about ten times its size
MAX_ROWS = 1_000_000  # records; what a sheet of Excel can hold
MAX_COLUMNS = 500


@dataclass(frozen=True)
class Record:
    """One record: its cells by column name, or what keeps it from being read (`broken`, and the
    content `found`).
    """

    row: int
    cells: dict[str, object] = field(default_factory=dict)
    broken: str | None = None
    found: str = ""


@dataclass(frozen=True)
class Table:
    """A file as it stands."""

    names: list[str]  # of columns, in the file's order, blank and doubled ones too
    records: list[Record]
    encoding: str | None  # "utf-8" or "cp932"; None for Parquet and XLSX
    sheet: str | None = None  # of an XLSX file: the one that was read
    other_sheets: tuple[str, ...] = ()  # those that were not


def open_table(path: Path, max_bytes: int = MAX_BYTES, sheet: str | None = None) -> Table:
    """Read a file by its suffix; `sheet` names the sheet of an XLSX file. Raises CasesError where
    it cannot be read at all.
    """
    table = _open(path, max_bytes, sheet)
    for found, most, what in (
        (len(table.records), MAX_ROWS, "rows"),
        (len(table.names), MAX_COLUMNS, "columns"),
    ):
        if found > most:
            raise CasesError(
                f"{path} has {found:,} {what}, and {most:,} are allowed; split it into several files"
            )
    return table


def _open(path: Path, max_bytes: int, sheet: str | None) -> Table:
    if path.is_dir():
        raise CasesError(f"{path} is a folder: name a file")
    if not path.is_file():
        raise CasesError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CasesError(f"{path.name} ends in {suffix!r}: {', '.join(SUFFIXES)} can be read")
    if sheet is not None and suffix != ".xlsx":
        raise CasesError(
            f"{path.name} has no sheets, so sheet {sheet!r} cannot be read: only .xlsx has"
        )
    size = path.stat().st_size
    if size == 0:
        raise CasesError(f"{path} is empty")
    check_size(path, size, max_bytes)
    if suffix == ".parquet":
        return _parquet(path, max_bytes)
    if suffix == ".xlsx":
        from core.cases.xlsx import read_xlsx  # openpyxl takes 0.2 s

        return read_xlsx(path, max_bytes, sheet)
    text, encoding = decode(_bytes(path), path)
    if not text.strip():
        raise CasesError(f"{path} is empty: it holds only blanks")
    names, records = (
        _json_lines(text, path)
        if suffix == ".jsonl"
        else _delimited(text, path, "\t" if suffix == ".tsv" else ",")
    )
    return Table(names, records, encoding)


def check_size(path: Path, size: int, max_bytes: int) -> None:
    """Raise CasesError where `size` bytes, as they are unpacked, are too many."""
    if size > max_bytes:
        raise CasesError(
            f"{path} is too large: {size:,} bytes, and {max_bytes:,} are allowed; split it into several files"
        )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise CasesError(f"{path} cannot be read: {e.strerror}") from e


def decode(raw: bytes, path: Path) -> tuple[str, str]:
    """-> text, encoding. UTF-8 with or without BOM, else CP932 (what Excel writes in Japan);
    strictly, nothing is guessed.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CasesError(
            f"{path} is UTF-16 ('Unicode text'): save it as UTF-8, in Excel as 'CSV UTF-8'"
        )
    try:
        return raw.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as e:
        utf8 = e
    stops = f"not UTF-8 from byte offset {_place(raw, utf8.start)}"
    if raw.startswith(b"\xef\xbb\xbf") or any(
        c >= "\u3000" for c in raw[: utf8.start].decode("utf-8")
    ):
        raise CasesError(
            f"{path} is {stops}, and UTF-8 before it: it is damaged there; save it again as UTF-8"
        ) from utf8
    try:
        text = raw.decode("cp932")
    except UnicodeDecodeError as e:
        raise CasesError(
            f"{path} is {stops}, and not CP932 from byte offset {_place(raw, e.start)}: save it as UTF-8"
        ) from e
    strange = next(
        (c for c in text if c == "\x80" or "\uf8f0" <= c <= "\uf8f3"), None
    )  # Python lets bytes pass that CP932 does not define
    if strange is not None:
        raise CasesError(
            f"{path} is {stops}, and byte {strange.encode('cp932')[0]:#04x} is not CP932: save it as UTF-8"
        )
    return text, "cp932"


def _place(raw: bytes, offset: int) -> str:
    line = raw.count(b"\n", 0, offset) + 1
    return f"{offset} (line {line}, byte {raw[offset]:#04x})"


def _delimited(text: str, path: Path, delimiter: str) -> tuple[list[str], list[Record]]:
    """The header's names and the records, of which those with another number of cells, or with
    stray quotes, are broken.
    """
    lines = _numbered(
        csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), path
    )
    row, header, broken = next(lines)
    if broken:
        raise CasesError(f"{path}, line {row}: the header cannot be read: {broken}")
    names, records = [name.strip() for name in header], []
    for row, cells, broken in lines:
        if not broken and len(cells) != len(names):
            broken = f"the row has {len(cells)} cells, and the header {len(names)}"
        records.append(
            Record(row, broken=broken, found=delimiter.join(cells))
            if broken
            else Record(row, dict(zip(names, cells, strict=True)))
        )
    return names, records


def _numbered(reader, path: Path) -> Iterator[tuple[int, list[str], str | None]]:
    """(line on which the record begins, cells, what is wrong with its quotes); blank lines are no
    records.

    Behind a bad quote in a single line the next line is a record again. Behind one over several
    lines nobody knows where the next record begins, and the file is refused.
    """
    while True:
        row = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            if reader.line_num > row:
                raise CasesError(
                    f"{path}, lines {row} to {reader.line_num}: a quote opens a cell there that does not end well ({e}); "
                    f"a cell may hold at most {csv.field_size_limit():,} characters"
                ) from e
            yield row, [], f"the quotes or the length of a cell are wrong: {e}"
            continue
        if cells:
            yield row, cells, None


def _json_lines(text: str, path: Path) -> tuple[list[str], list[Record]]:
    """Column names in the order of their appearance, and a record a line. Only a line feed ends
    one: JSON may hold U+2028.
    """
    names, records = {}, []
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line, object_pairs_hook=_once, parse_constant=str)
        except (ValueError, RecursionError) as e:
            records.append(Record(row, broken=f"not JSON: {e}", found=line))
            continue
        if not isinstance(cells, dict):
            records.append(Record(row, broken="not an object of columns and values", found=line))
            continue
        names |= dict.fromkeys(cells)
        records.append(Record(row, cells))
    if not names:
        raise CasesError(
            f"{path} has no line that is a JSON object; line {records[0].row} is {records[0].broken}"
            if records
            else f"{path} is empty"
        )
    return list(names), records


def _once(pairs: list[tuple[str, object]]) -> dict:
    cells = dict(pairs)
    if len(cells) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"the name {next(n for n in names if names.count(n) > 1)!r} stands in it twice"
        )
    return cells


def _parquet(path: Path, max_bytes: int) -> Table:
    try:
        with pq.ParquetFile(path) as file:
            groups = range(file.metadata.num_row_groups)
            check_size(
                path, sum(file.metadata.row_group(i).total_byte_size for i in groups), max_bytes
            )
            rows = file.read().to_pylist()
            names = file.schema_arrow.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
        raise CasesError(
            f"{path} is not a Parquet file that can be read: {str(e).splitlines()[0]}"
        ) from e
    return Table(names, [Record(row, cells) for row, cells in enumerate(rows, start=1)], None)
