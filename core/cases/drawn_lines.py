"""The lines of a text table, and what programs write around its rows and into its cells.

Databases draw rules (-----+-----), count rows ("(2 rows)"), write \\N for NULL, and a backslash
before a line end within a cell. Knows cells, not files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.cases.headers import count_cells
from core.cases.table import Notice, notices_of_rows

NULL_MARK = "\\N"
# The line that text tables draw below their header, and databases around their rows too.
_RULE = re.compile(r"\s*:?[-=+]{2,}:?\s*")
_LONG_RULE = re.compile(r"---|===")
_ROW_COUNT = re.compile(
    r"\(?[\d,]+ (?:rows?|record\(s\))(?: (?:affected|selected)| in set.*)?\)?\.?", re.IGNORECASE
)
_ESCAPED_END = re.compile(r"(?<!\\)(?:\\\\)*\\$")  # an odd number of backslashes
_END_OF_COPY = "\\."  # PostgreSQL's last line
_BARE_NULL = re.compile(r"(?<![^,;|\t\n])\\N(?=[,;|\t\r\n]|$)")


@dataclass(frozen=True)
class Line:
    """A record of the file: its first and last line, its cells, and the reason if it is broken."""

    row: int
    end: int
    cells: list[str]
    broken: Notice | None = None


def is_drawn(cells: Sequence[str], is_first: bool, columns: int) -> bool:
    """Return whether a row is a rule or a count of rows, and no record.

    is_first: whether it is right below the header, where a rule may be short. columns: of the
    header; a file of one column may hold any text.
    """
    written = [cell for cell in cells if cell.strip()]
    if columns > 1 and written == [_END_OF_COPY]:
        return True
    if written and all(map(_RULE.fullmatch, written)):
        return is_first or (columns > 1 and any(map(_LONG_RULE.search, written)))
    return columns > 1 and len(written) == 1 and bool(_ROW_COUNT.fullmatch(written[0].strip()))


def keep_null_marks(line: str) -> str:
    """Return a line in which a backslash escapes the next character, with its \\N cells kept."""
    return _BARE_NULL.sub(r"\\\\N", line)


def join_split_lines(lines: list[Line], width: int) -> tuple[list[Line], tuple[Notice, ...]]:
    """Return the rows with those joined that a backslash at a line's end parts, and a notice.

    Both parts together have `width` cells; a path that ends in a backslash has all of its row.
    """
    joined: list[Line] = []
    rows = []
    for line in lines:
        last = joined[-1] if joined else None
        if last is None or not _goes_on(last, line, width):
            joined.append(line)
            continue
        middle = f"{last.cells[-1][:-1]}\n{line.cells[0]}"
        joined[-1] = Line(last.row, line.end, [*last.cells[:-1], middle, *line.cells[1:]])
        rows.append(last.row)
    return joined, notices_of_rows("cases.joined_lines", sorted(set(rows)))


def _goes_on(last: Line, line: Line, width: int) -> bool:
    # All of its row is there where the last cell has it: then the next line is a part of that cell.
    cells = len(last.cells) + len(line.cells) - 1
    fits = cells == width if len(line.cells) == 1 else cells <= width
    return (
        fits
        and width > 1
        and not (last.broken or line.broken)
        and bool(_ESCAPED_END.search(last.cells[-1]))
    )


def without_drawn(names: list[str], below: list[Line]) -> tuple[list[Line], list[Notice]]:
    """Return the rows below the header without what programs draw, and notices of what is left
    out."""
    columns = sum(map(bool, names))
    drawn = {
        line.row
        for i, line in enumerate(below)
        if is_drawn(line.cells, is_first=i == 0, columns=columns)
    }
    below = [line for line in below if line.row not in drawn]
    nulls = [line.row for line in below if NULL_MARK in line.cells]
    notices = [
        *notices_of_rows("cases.drawn_line", sorted(drawn)),
        *notices_of_rows("cases.null_marks", nulls),
    ]
    blank = [i for i, name in enumerate(names) if not name]
    rows = [
        line.row
        for line in below
        if blank and count_cells([line.cells[i] for i in blank if i < len(line.cells)])
    ]
    return below, [*notices, *notices_of_rows("cases.unnamed_cells", rows)]
