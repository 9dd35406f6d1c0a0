"""XLSX -> records, by openpyxl. What Excel saved is read: nothing is computed, no macro or link is
followed.

- One sheet is read: the first visible one, or the one that is named. The result says which, and
  which were not.
- A formula counts as the value that Excel saved with it. Where none was saved, and where a cell is
  an error such as #N/A, the cell is a BadCell: a problem of its row where the column is used, and
  nothing where it is not.
- The header is the first row that is not blank; rows keep their number in the sheet; blank rows are
  no records.
- A ZIP file says how large each file in it unpacks to, and Python's zipfile reads no more than
  that: the sum is held against the limit before anything is unpacked.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from core.cases.cells import BadCell
from core.cases.formats import MAX_COLUMNS, MAX_ROWS, Record, Table, check_size
from core.errors import CasesError

_NO_RESULT = "a formula without a saved result: open the file in Excel and save it, or put the value in its place"
_ERROR = "an error of the spreadsheet, not a value: correct its formula"

_TEXT = ("s", "str")  # openpyxl's data_type of a shared text, and of a formula's


def read_xlsx(path: Path, max_bytes: int, sheet: str | None = None) -> Table:
    """Read one sheet. Raises CasesError where the file or the sheet cannot be read, or is too
    large.
    """
    _check_zip(path, max_bytes)
    try:
        visible, hidden = _sheets(path)
        name = _chosen(path, visible, hidden, sheet)
        rows = _rows(path, name)
    except CasesError:
        raise
    except (
        Exception
    ) as e:  # openpyxl raises whatever a broken file leads it to: KeyError, ValueError, ParseError
        raise CasesError(
            f"{path} is not an XLSX file that can be read: {type(e).__name__}: {e}"
        ) from e
    if not rows:
        raise CasesError(f"sheet {name!r} of {path} is empty; {_listed(visible)}")
    (_, header), *rest = rows
    names = ["" if cell is None else str(cell).strip() for cell in header]
    records = [_record(row, names, cells) for row, cells in rest]
    return Table(
        names, records, None, name, tuple(other for other in visible + hidden if other != name)
    )


def _check_zip(path: Path, max_bytes: int) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            check_size(path, sum(info.file_size for info in file.infolist()), max_bytes)
    except (zipfile.BadZipFile, OSError) as e:
        raise CasesError(
            f"{path} is not an XLSX file: it may be damaged, protected by a password, or an older .xls; save it as .xlsx "
            "without a password"
        ) from e


def _sheets(path: Path) -> tuple[list[str], list[str]]:
    """Names of the worksheets that a reader sees, and of those that are hidden; sheets that are
    charts are neither.
    """
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        sheets = [sheet for sheet in book.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
        visible = [sheet.title for sheet in sheets if sheet.sheet_state == "visible"]
        return visible, [sheet.title for sheet in sheets if sheet.title not in visible]
    finally:
        book.close()


def _chosen(path: Path, visible: list[str], hidden: list[str], sheet: str | None) -> str:
    if sheet is not None and sheet not in visible + hidden:
        raise CasesError(f"{path} has no sheet {sheet!r}; {_listed(visible + hidden)}")
    if sheet is None and not visible:
        raise CasesError(f"{path} has no sheet that is visible; {_listed(hidden)}")
    return visible[0] if sheet is None else sheet


def _rows(path: Path, name: str) -> list[tuple[int, list]]:
    """(row in the sheet, cells without the blank ones at its end), for the rows that are not blank.

    Values come from one pass. Whether an empty cell is a formula without a result is told by a
    second, which reads formulas.
    """
    rows = dict(_pass(path, name, data_only=True))
    for row, cells in _pass(path, name, data_only=False):
        for column, cell in enumerate(cells):
            if isinstance(cell, BadCell):  # in this pass: a formula
                values = rows[row]
                values += [None] * (column + 1 - len(values))
                if values[column] is None:
                    values[column] = BadCell(cell.found, _NO_RESULT)
    return [
        (row, cells) for row, cells in rows.items() if any(cell not in (None, "") for cell in cells)
    ]


def _pass(path: Path, name: str, data_only: bool) -> Iterator[tuple[int, list]]:
    """Every row of a sheet as Python values; a cell that is an error, or without `data_only` a
    formula, is a BadCell.
    """
    book = openpyxl.load_workbook(path, read_only=True, data_only=data_only)
    try:
        sheet = book[name]
        sheet.reset_dimensions()  # the size that a file states of itself is often wrong
        for row, cells in enumerate(sheet.iter_rows(), start=1):
            if row > MAX_ROWS + 1 or len(cells) > MAX_COLUMNS:
                raise CasesError(
                    f"sheet {name!r} of {path} has a cell in row {row:,}, column {len(cells):,}: {MAX_ROWS:,} rows under the "
                    f"header and {MAX_COLUMNS:,} columns are allowed; delete what stands far from the table"
                )
            yield row, _values(cells)
    finally:
        book.close()


def _values(cells) -> list:
    values = [_value(cell) for cell in cells]
    while values and values[-1] is None:
        values.pop()
    return values


def _value(cell):
    """One cell's value; yes and no as Excel writes them into a CSV file. A formula whose result is
    no text at all is "".
    """
    if cell.data_type == "e":
        return BadCell(str(cell.value), _ERROR)
    if cell.data_type == "f":
        return BadCell(str(cell.value), _NO_RESULT)
    if isinstance(cell.value, bool):
        return str(cell.value).upper()
    return "" if cell.value is None and cell.data_type in _TEXT else cell.value


def _record(row: int, names: list[str], cells: list) -> Record:
    """A row by column name; cells under no name are no column's. A row that ends early has no value
    in its last columns.
    """
    padded = cells + [None] * (len(names) - len(cells))
    return Record(row, {name: cell for name, cell in zip(names, padded, strict=False) if name})


def _listed(names: list[str]) -> str:
    return "the file has " + ", ".join(repr(name) for name in names[:20])
