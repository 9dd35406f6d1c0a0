"""Tables as files hold them, before columns have roles: records, reading options and limits.

Every reader of a format makes a Table; core.cases.read turns a Table into cases. Imports no reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from core.errors import CasesError

MAX_BYTES = 256 * 2**20  # unpacked; all of a file is held in memory, at about ten times its size
MAX_ROWS = 1_000_000  # records; about the rows of an Excel sheet
MAX_COLUMNS = 500
MAX_CELLS = 25_000_000  # values of a Parquet file; each is an object in memory
MAX_CELL = 10_000_000  # characters, in Parquet bytes

DateOrder = Literal["ymd", "dmy", "mdy"]
ORDERS: tuple[DateOrder, ...] = get_args(DateOrder)
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
SEPARATORS = "\x01\x1c\x1d\x1e\x1f"  # Hive's and ASCII's own, which no text has
NAMED_ROWS = 10  # most rows that a notice names


@dataclass(frozen=True)
class ReadingOptions:
    """A user's options for reading a file; None, "auto" and False leave it to the file's evidence.

    sheet: name of a workbook's sheet. encoding: a Python codec's name. delimiter: a name of
    DELIMITERS or one character. quoting: "none" takes quotes as text. header_row: the number of the
    header's line, or row in a sheet. hidden_rows: read them too. decimal: the decimal sign of the
    values. date_order: of dates such as 1/2/2024. timezone: IANA name; the zone of times that carry
    none, to which the others are converted.
    """

    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: Literal["auto", "minimal", "none"] = "auto"
    header_row: int | None = None
    hidden_rows: bool = False
    decimal: Literal["point", "comma"] | None = None
    date_order: DateOrder | None = None
    timezone: str | None = None

    def with_timezone(self, default: str | None) -> "ReadingOptions":
        """Return these options with `default` as the time zone if they name none."""
        return self if self.timezone or not default else replace(self, timezone=default)


@dataclass(frozen=True)
class Notice:
    """A fact about a file or a record: its sentence's code in core.messages, and its values."""

    code: str
    values: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One record: its cells by column name, or the reason if it is `broken` and its `content`.

    unnamed: cells with content of columns without a name, which are not read.
    """

    row: int
    cells: dict[str, object] = field(default_factory=dict)
    broken: Notice | None = None
    content: str = ""
    unnamed: tuple[object, ...] = ()


@dataclass(frozen=True)
class Table:
    """A file's records as written.

    names: the columns in the file's order; a blank name is no column, and repeats are numbered:
    "Comment [2]". encoding_basis: "given", "marked" (a byte order mark, escapes or valid UTF-8) or
    "weighed" (the likeliest reading). header_row: the line or row of the header; None if the format
    needs none. lines: their number in a text file.
    """

    format: str  # csv, json, jsonl, parquet, xlsx
    names: list[str]
    records: list[Record]
    encoding: str | None = None
    encoding_basis: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    lines: int | None = None
    sheet: str | None = None
    other_sheets: tuple[str, ...] = ()
    epoch_1904: bool = False  # whether a workbook counts days from 1904
    notices: tuple[Notice, ...] = ()

    @property
    def row_unit(self) -> str:
        """The unit of row numbers: "sheet" rows, "line"s of a text file, or "record"s from 1."""
        if self.sheet is not None:
            return "sheet"
        return "line" if self.format in ("csv", "jsonl") else "record"


@dataclass(frozen=True)
class RowProblem:
    """One problem of one row: its place and value, and the reason's code and values."""

    row: int  # as people count in the file; Table.row_unit is the unit
    column: str  # our name; "-" is the whole row
    value: str
    code: str
    values: dict


def check_size(path: Path, size: int, max_bytes: int) -> None:
    """Raise CasesError if `size` bytes, unpacked, are more than `max_bytes`."""
    if size > max_bytes:
        raise CasesError(
            "cases.too_large", file=str(path), size=f"{size:,}", limit=f"{max_bytes:,}"
        )


def check_dimensions(path: Path, rows: int, columns: int) -> None:
    """Raise CasesError if a file has more rows or columns than the limits allow."""
    if rows > MAX_ROWS:
        raise CasesError(
            "cases.too_many_rows", file=str(path), rows=f"{rows:,}", limit=f"{MAX_ROWS:,}"
        )
    if columns > MAX_COLUMNS:
        raise CasesError(
            "cases.too_many_columns",
            file=str(path),
            columns=f"{columns:,}",
            limit=f"{MAX_COLUMNS:,}",
        )


def rare_rows(rows: Sequence[int | str]) -> list[str]:
    """Return the first NAMED_ROWS row numbers as texts, followed by "…" if there are more."""
    return [str(row) for row in rows[:NAMED_ROWS]] + (["…"] if len(rows) > NAMED_ROWS else [])


def notices_of_rows(code: str, rows: Sequence[int]) -> tuple[Notice, ...]:
    """Return a notice of how many rows these are, and of the first; none if there are no rows."""
    return (Notice(code, {"n": len(rows), "rows": rare_rows(rows)}),) if rows else ()


def to_json(value: object) -> object:
    """Return a notice's or an error's value for JSON; a Notice becomes {"code", "values"}."""
    if isinstance(value, Notice):
        return {"code": value.code, "values": to_json(value.values)}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def from_json(value: object) -> Any:
    """Return the value that `to_json` converted, with tuples as lists."""
    if isinstance(value, dict):
        parts = {key: from_json(item) for key, item in value.items()}
        code, values = parts.get("code"), parts.get("values")
        if len(parts) == 2 and isinstance(code, str) and isinstance(values, dict):
            return Notice(code, values)
        return parts
    return [from_json(item) for item in value] if isinstance(value, list) else value
