"""Which row of a table is its header: the first, unless a later one names the columns and those
above it are titles.

Also fills merged names, so that a header of two rows is the lower one. Knows rows of cells, not
formats.
"""

from collections.abc import Sequence
from pathlib import Path

from core.cases.columns import ColumnNames, clean_names, count_known, names_text
from core.cases.table import Notice
from core.errors import CasesError

SEARCHED = 30  # rows from the top in which a header is looked for

Row = tuple[int, Sequence[object]]  # its number as a person sees it, and its cells


def find_header(
    rows: Sequence[Row], requested: ColumnNames, header_row: int | None, path: Path
) -> tuple[int, tuple[Notice, ...]]:
    """Return the header's place in `rows` (none of them blank) and a notice if rows above it are
    left out.

    A later row than the first is the header only if it names the text's column, the first does not,
    and the rows above have fewer cells. Raises CasesError if `header_row` is no row that has cells.
    """
    if header_row is not None:
        place = next((i for i, (row, _) in enumerate(rows) if row == header_row), None)
        if place is None:
            raise CasesError("cases.no_header_row", file=str(path), row=header_row)
        return place, _left_out(rows, place)
    if names_text(clean_names(rows[0][1]), requested):
        return 0, ()
    for i, (_, cells) in enumerate(rows[:SEARCHED]):
        names = clean_names(cells)
        above = max((count_cells(cells) for _, cells in rows[:i]), default=0)
        if names_text(names, requested) and i and _is_wider(names, requested, above):
            return i, _left_out(rows, i)
    return 0, ()


def _is_wider(names: list[str], requested: ColumnNames, above: int) -> bool:
    """Whether a row that names the text has more cells than the rows above it, or names two of our
    columns.
    """
    return count_cells(names) > above or (
        count_known(names, requested) > 1 and count_cells(names) >= above
    )


def count_cells(cells: Sequence[object]) -> int:
    """Return how many cells of a row are not blank."""
    return sum(cell is not None and str(cell).strip() != "" for cell in cells)


def _left_out(rows: Sequence[Row], place: int) -> tuple[Notice, ...]:
    if not place:
        return ()
    above = [str(row) for row, _ in rows[:place]]
    return (Notice("cases.rows_above_header", {"n": place, "rows": above, "row": rows[place][0]}),)
