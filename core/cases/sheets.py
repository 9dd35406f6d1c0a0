"""One sheet's rows -> a table: its header, hidden rows, merged cells and cells without a column.

Knows no file: core.cases.xlsx reads the sheet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from core.cases.columns import ColumnNames, clean_names, names_text
from core.cases.headers import count_cells, find_header, unnamed_cells
from core.cases.table import Notice, ReadingOptions, Record, Table, notices_of_rows
from core.errors import CasesError


@dataclass
class Sheet:
    """One sheet: its rows of cells, hidden rows and columns, merged ranges (c1, r1, c2, r2)."""

    rows: dict[int, list] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)  # from 0
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def make_table(
    path: Path,
    sheet: Sheet,
    names_of_sheets: Sequence[str],
    options: ReadingOptions,
    requested: ColumnNames,
) -> Table:
    """Return the table of a sheet: its header, its rows that count, notices of the others.

    path: names the file in errors. names_of_sheets: the workbook's, this sheet's first. options:
    the user's. requested: the columns by which a header is recognised. Raises CasesError for an
    empty sheet.
    """
    name, *others = names_of_sheets
    counted = [
        (row, cells)
        for row, cells in sheet.rows.items()
        if options.hidden_rows or row not in sheet.hidden
    ]
    rows: list[tuple[int, list]] = [(row, cells) for row, cells in counted if count_cells(cells)]
    if not rows:
        raise CasesError(
            "cases.empty_sheet", file=str(path), sheet=name, sheets=list_names(names_of_sheets)
        )
    place, notices = find_header(rows, requested, options.header_row, path)
    if options.header_row is None and (second := _second_header(sheet, rows, place, requested)):
        place, notices = find_header(rows, requested, rows[place + 1][0], path)
        rows[place] = (rows[place][0], second)
    header_row, header = rows[place]
    names = clean_names(header)
    below = rows[place + 1 :]
    filled = _fill_merged(sheet, header_row, dict(below))
    hidden = [
        row
        for row in sorted(sheet.hidden)
        if row > header_row and count_cells(sheet.rows.get(row, []))
    ]
    if not options.hidden_rows:
        notices += notices_of_rows("cases.hidden_rows", hidden)
    if others:
        values = {"sheet": name, "sheets": list_names(others)}
        notices += (Notice("cases.other_sheets", values),)
    columns = [names[i] for i in sorted(sheet.hidden_columns) if i < len(names) and names[i]]
    if columns:
        notices += (Notice("cases.hidden_columns", {"n": len(columns), "columns": columns}),)
    notices += _notices_of_cells(sheet, names, below)
    notices += notices_of_rows("cases.merged_cells", filled)
    return Table(
        "xlsx",
        names,
        [_record(row, names, cells) for row, cells in below],
        header_row=header_row,
        sheet=name,
        other_sheets=tuple(others),
        notices=notices,
    )


def list_names(names: Iterable[str]) -> list[str]:
    """Return the first 20 names of sheets, quoted."""
    return [repr(name) for name in islice(names, 20)]


def _second_header(
    sheet: Sheet, rows: list[tuple[int, list]], place: int, requested: ColumnNames
) -> list | None:
    """Return the header's second row if the first merges cells over columns; None if it has none.

    A name merged over both rows counts in the second. The second row must name the text's column.
    """
    number = rows[place][0]
    merged = [m for m in sheet.merged if m[1] == number]
    if len(rows) <= place + 2 or not any(c2 > c1 and r2 == r1 for c1, r1, c2, r2 in merged):
        return None
    cells = list(rows[place + 1][1])
    for column, _, _, last in merged:
        if last > number and column <= len(rows[place][1]):
            cells += [None] * (column - len(cells))
            cells[column - 1] = cells[column - 1] or rows[place][1][column - 1]
    return cells if names_text(clean_names(cells), requested) else None


def _notices_of_cells(
    sheet: Sheet, names: list[str], below: list[tuple[int, list]]
) -> tuple[Notice, ...]:
    """Return notices of cells that no column has: under no name, or merged into another column."""
    numbers = {row for row, _ in below}
    across = sorted(
        r1
        for c1, r1, c2, _ in sheet.merged
        if r1 in numbers and sum(map(bool, names[c1 - 1 : c2])) > 1
    )
    unnamed = [
        row
        for row, cells in below
        if count_cells([c for i, c in enumerate(cells) if i >= len(names) or not names[i]])
    ]
    merged = notices_of_rows("cases.merged_across", across)
    return merged + notices_of_rows("cases.unnamed_cells", unnamed)


def _fill_merged(sheet: Sheet, header_row: int, below: dict[int, list]) -> list[int]:
    """Copy each cell merged over rows below the header into all of its rows; return those rows."""
    filled: set[int] = set()
    lowest = max(below, default=0)
    # Excel stores the value in the top left cell only, and leaves the others empty.
    for column, first, _, last in dict.fromkeys(sheet.merged):
        top = sheet.rows.get(first, [])
        if (
            first <= header_row
            or last == first
            or len(top) < column
            or top[column - 1] in (None, "")
        ):
            continue
        for row in range(first + 1, min(last, lowest) + 1):
            cells = below.get(row)
            if cells is None:
                continue
            cells += [None] * (column - len(cells))
            if cells[column - 1] in (None, ""):
                cells[column - 1] = top[column - 1]
                filled.add(row)
    return sorted(filled)


def _record(row: int, names: list[str], cells: list) -> Record:
    """Return a row by column name; cells under no name are dropped, missing last ones are None."""
    # Excel leaves blank cells at the end of a row out of the file.
    padded = cells + [None] * (len(names) - len(cells))
    named = {name: cell for name, cell in zip(names, padded, strict=False) if name}
    return Record(row, named, unnamed=unnamed_cells(names, padded))
