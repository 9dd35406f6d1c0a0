"""What a terminal gets: tables with columns as wide as their widest cell, and JSON. Knows no store."""

import json
from collections.abc import Callable, Sequence

from core.messages import shown_text


def terminal_json(
    content: object, indent: int | None = None, default: Callable[[object], str] | None = None
) -> str:
    """Return the content as JSON in readable letters that a terminal shows and does not obey.

    default: writes a value that JSON does not know; None raises TypeError for it.
    """
    text = json.dumps(content, ensure_ascii=False, indent=indent, default=default)
    return shown_text(text, allowed="\n")


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of texts, the first of which is the head, in aligned columns."""
    rows = [[shown_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
