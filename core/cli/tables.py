"""What a terminal gets: tables with columns as wide as their widest cell, and JSON. Knows no store."""

import json
import re
from collections.abc import Callable, Sequence

# Characters that JSON leaves as they are and a terminal obeys: C1 controls, and those that turn the
# direction of writing, by which a text can look like another.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def terminal_json(
    content: object, indent: int | None = None, default: Callable[[object], str] | None = None
) -> str:
    """Return the content as JSON in readable letters that a terminal shows and does not obey.

    default: writes a value that JSON does not know; None raises TypeError for it.
    """
    text = json.dumps(content, ensure_ascii=False, indent=indent, default=default)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of texts, the first of which is the head, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
