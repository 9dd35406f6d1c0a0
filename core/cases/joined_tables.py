"""Another table below the first in one file: a summary, or an export in another order of columns.

Its rows are no cases of the first table's columns, and reading them as such would be silent. Knows
records, not formats.
"""

from collections.abc import Sequence

from core.cases.columns import REPEAT, visible_name
from core.cases.headers import is_number_cell, repeats_header
from core.cases.table import Record, Table

_LONGEST_NAME = 60  # characters of a name in a header
_NEAR = 50  # rows above and below a header that decide


def rows_of_other_tables(table: Table) -> set[int]:
    """Return the places of the records below another header, up to the next one of this table.

    A header of another table has all names of this one in another order; or it follows blank rows,
    has no number, and repeats a name of this one, or begins a column of numbers where this table
    has words.
    """
    names = {_plain(name) for name in table.names if name}
    places: set[int] = set()
    inside = False
    for place, record in enumerate(table.records):
        # Nearly no record gets past the first two tests: its other cells are not looked at.
        first = next((c for c in record.cells.values() if c), "")
        if inside:
            inside = not repeats_header(record.cells)
        elif _plain(str(first)) in names or _follows_blank_rows(table, place):
            inside = _is_other_header(table, place, sorted(names))
        if inside:
            places.add(place)
    return places


def _plain(name: str) -> str:
    return REPEAT.sub("", name).strip().casefold()


def _is_other_header(table: Table, place: int, names: Sequence[str]) -> bool:
    cells = {c: visible_name(v).casefold() for c, v in table.records[place].cells.items() if v}
    cells = {column: word for column, word in cells.items() if word}
    words = sorted(cells.values())
    if len(words) < 2 or len(set(words)) < len(words) or max(map(len, words)) > _LONGEST_NAME:
        return False
    if any(map(is_number_cell, words)) or repeats_header(table.records[place].cells):
        return False
    if words == names:
        return True
    if not _follows_blank_rows(table, place):
        return False
    return any(
        word == _plain(column) or _begins_numbers(table, place, column)
        for column, word in cells.items()
    )


def _follows_blank_rows(table: Table, place: int) -> bool:
    """Return whether rows are left out between a record and the one before it."""
    if place == 0 or place >= len(table.records):
        return False
    before = table.records[place - 1]
    gap = table.records[place].row - before.row - 1
    if gap and table.sheet is None:  # a cell of several lines is one row of a sheet
        cells = (before.content, *before.cells.values(), *before.unnamed)
        gap -= sum(max(0, len(str(cell).splitlines()) - 1) for cell in cells if cell)
    return gap > 0


def _begins_numbers(table: Table, place: int, column: str) -> bool:
    """Return whether a column has only numbers right below a place, and only words above it."""
    # In a file with a blank row after every row, blank rows separate no tables.
    if _follows_blank_rows(table, place - 1) or _follows_blank_rows(table, place + 1):
        return False
    end = place + 1
    while end < min(len(table.records), place + _NEAR) and not _follows_blank_rows(table, end):
        end += 1
    above = _words(table.records[max(0, place - _NEAR) : place], column)
    below = _words(table.records[place + 1 : end], column)
    numbers = [is_number_cell(cell) for cell in below]
    return bool(above and numbers) and all(numbers) and not any(map(is_number_cell, above))


def _words(records: Sequence[Record], column: str) -> list[str]:
    cells = (visible_name(record.cells.get(column)) for record in records)
    return [cell for cell in cells if cell]
