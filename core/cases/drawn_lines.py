"""What programs write around the rows of a text table, and for a cell without a value.

Databases draw rules (-----+-----), count rows ("(2 rows)") and write \\N for NULL. Knows cells, not
files.
"""

import re
from collections.abc import Sequence

NULL_MARK = "\\N"
# The line that text tables draw below their header, and databases around their rows too.
_RULE = re.compile(r"\s*:?[-=+]{2,}:?\s*")
_LONG_RULE = re.compile(r"---|===")
_ROW_COUNT = re.compile(
    r"\(?[\d,]+ (?:rows?|record\(s\))(?: (?:affected|selected)| in set.*)?\)?\.?", re.IGNORECASE
)
_BARE_NULL = re.compile(r"(?<![^,;|\t\n])\\N(?=[,;|\t\r\n]|$)")


def is_drawn(cells: Sequence[str], is_first: bool, columns: int) -> bool:
    """Return whether a row is a rule or a count of rows, and no record.

    is_first: whether it is right below the header, where a rule may be short. columns: of the
    header; a file of one column may hold any text.
    """
    written = [cell for cell in cells if cell.strip()]
    if written and all(map(_RULE.fullmatch, written)):
        return is_first or (columns > 1 and any(map(_LONG_RULE.search, written)))
    return columns > 1 and len(written) == 1 and bool(_ROW_COUNT.fullmatch(written[0].strip()))


def keep_null_marks(line: str) -> str:
    """Return a line in which a backslash escapes the next character, with its \\N cells kept."""
    return _BARE_NULL.sub(r"\\\\N", line)
