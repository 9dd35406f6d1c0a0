"""Tables as files for other programs: CSV, XLSX, Parquet and JSON Lines, with one writer each.

A spreadsheet runs a cell that begins like a formula, even behind blanks or in full width. In CSV
and XLSX, such a cell or heading gets an apostrophe in front. Knows no table's meaning.
"""

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, time
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import SettingsError
from core.files import write_atomic

FORMULA_SIGNS = ("=", "+", "-", "@")
XLSX_ROWS, XLSX_CHARACTERS = 1_048_576, 32_767  # what a sheet and a cell of a workbook hold
# XML 1.0 allows none of these, and openpyxl raises at the first of them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def guard_cell(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; returns non-text unchanged."""
    if not isinstance(cell, str):
        return cell
    # Programs strip control characters, blanks and full width before they look for a sign.
    bare = unicodedata.normalize("NFKC", cell).lstrip()
    while bare and unicodedata.category(bare[0]) in ("Cc", "Cf", "Zs"):
        bare = bare[1:].lstrip()
    # Some programs also skip a leading tab or carriage return (OWASP, CSV injection).
    risky = bare.startswith(FORMULA_SIGNS) or cell.startswith(("\t", "\r"))
    return f"'{cell}" if risky else cell


def guard_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its text cells and headings guarded."""
    text = frame.select_dtypes(include=["object", "string", "category"]).columns
    guarded = {name: frame[name].astype(object).map(guard_cell) for name in text}
    return frame.assign(**guarded).rename(columns=guard_cell)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return CSV in UTF-8 with a byte-order mark, which Excel needs to read Japanese.

    A lone surrogate, which a bad cell may hold and UTF-8 cannot encode, is written as its escape.
    """
    text = guard_table(frame).to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8-sig", errors="backslashreplace")


def xlsx_bytes(frame: pd.DataFrame) -> bytes:
    """Return a workbook of one sheet; text that exceeds a cell's limit is cut.

    Raises SettingsError for more rows than a sheet holds.
    """
    from openpyxl import Workbook  # imported here: it takes 150 ms, for this format only

    if len(frame) + 1 > XLSX_ROWS:
        raise SettingsError("export.too_many_rows", n=len(frame), limit=XLSX_ROWS - 1)
    book = Workbook(write_only=True)  # streams rows: a normal workbook keeps an object per cell
    sheet = book.create_sheet("decisions")
    for row in workbook_rows(frame):
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return Parquet with the columns' own types."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def json_lines_bytes(frame: pd.DataFrame) -> bytes:
    """Return one JSON object a line, UTF-8; a missing value is null, a time is ISO 8601."""
    table = frame.astype(object)
    rows = table.where(table.notna(), None).to_dict("records")
    lines = [
        json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain_value) for row in rows
    ]
    return "".join(f"{line}\n" for line in lines).encode()


WRITERS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    ".csv": csv_bytes,
    ".xlsx": xlsx_bytes,
    ".parquet": parquet_bytes,
    ".jsonl": json_lines_bytes,
}


def checked_ending(path: Path, *endings: str) -> str:
    """Return the path's ending in lower case: a table's, or one of `endings`.

    Call it before a large table is read. Raises SettingsError for another ending.
    """
    ending, allowed = path.suffix.lower(), [*WRITERS, *endings]
    if ending not in allowed:
        raise SettingsError("export.other_ending", file=str(path), endings=allowed)
    return ending


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write the frame in the format that the file's ending names, whole or not at all.

    Raises SettingsError for another ending, and for a file that cannot be written.
    """
    write_export(path, WRITERS[checked_ending(path)](frame))


def write_export(path: Path, content: bytes) -> None:
    """Write a file for another program, whole or not at all.

    Raises SettingsError for a file that cannot be written.
    """
    try:
        write_atomic(path, content)
    except OSError as e:
        raise SettingsError(
            "export.not_written", file=str(path), reason=e.strerror or str(e)
        ) from e


def workbook_rows(frame: pd.DataFrame) -> Iterator[list]:
    """Yield the heads and the rows of a frame, guarded, as a workbook can hold them; None for none."""
    guarded = guard_table(frame).astype(object)
    guarded = guarded.where(guarded.notna(), None)
    for row in (list(guarded.columns), *guarded.itertuples(index=False, name=None)):
        yield [workbook_cell(cell) for cell in row]


def workbook_cell(cell: object) -> object:
    """Return a cell that a workbook can hold: text printable and cut, numbers Python's own."""
    if isinstance(cell, str):
        return _UNPRINTABLE.sub("\ufffd", cell)[:XLSX_CHARACTERS]
    return cell.item() if isinstance(cell, np.generic) else cell


def _plain_value(value: object) -> object:
    """Return a numpy scalar as Python's own, a time as ISO 8601; json.dumps calls it."""
    if isinstance(value, date | time | pd.Timedelta):
        return value.isoformat()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)
