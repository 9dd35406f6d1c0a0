"""One cell -> its text, or the reason why it has none. Knows no files, rows or columns.

Columns of numbers and dates are parsed as a whole: core.cases.numbers, core.cases.dates. A text is
never changed.
"""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

# Exports write ="0000123" so that Excel keeps the zeros.
_FORMULA_TEXT = re.compile(r'="([^"]*)"')

_MARKS = "\ufeff\u200b\u200e\u200f\u2060"
# Blanks, and characters without width or ink, which forms and chats leave in an empty box.
_UNSEEN = re.compile(
    r"[\s\u00ad\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe0f\ufeff\uffa0]*"
)
_EXPONENT = re.compile(r"\d(?:[.,]\d+)?E\+\d+")


@dataclass(frozen=True)
class BadCell:
    """A cell that its file marks as having no value: its content, and the code of the reason."""

    content: str
    code: str

    def __str__(self) -> str:
        return self.content


class CellError(ValueError):
    """A cell that does not fit its column's type; `code` and `values` as in core.errors."""

    def __init__(self, code: str, **values: object):
        super().__init__(code)
        self.code = code
        self.values = values


def unpack_cell(value: object) -> object:
    """Return the content of a typed container: bytes as text, a list of one as its element.

    An empty list or object is None. Raises CellError for bytes that are no text, and for several
    values.
    """
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as e:
            raise CellError("cases.cell_bytes") from e
    if hasattr(value, "tolist") and not isinstance(value, str):  # numpy's arrays and scalars
        value = value.tolist()
    if isinstance(value, list | tuple):
        if len(value) > 1:
            raise CellError("cases.cell_several", n=len(value))
        return unpack_cell(value[0]) if value else None
    if isinstance(value, dict):
        if value:
            raise CellError("cases.cell_object", names=list(map(str, value))[:5])
        return None
    return value


def is_missing(value: object) -> bool:
    """Return whether a cell has no value: None, NaN, NaT or blanks."""
    # By identity: a comparison with NA gives NA, whose truth value raises.
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    return (isinstance(value, float) and math.isnan(value)) or (
        isinstance(value, str) and not value.strip()
    )


def is_unseen(text: str) -> bool:
    """Return whether a text shows nothing."""
    return _UNSEEN.fullmatch(text) is not None


def cell_text(value: object) -> str:
    """Return a cell as text, "" if it is missing; a whole number has no ".0", a day no time.

    Raises CellError for a cell that its file marks as bad, for containers of several values, and
    for texts that cannot be stored.
    """
    value = unpack_cell(value)
    if isinstance(value, BadCell):
        raise CellError(value.code)
    if not isinstance(value, str):
        return "" if is_missing(value) else _written(value)
    if "\x00" in value:
        raise CellError("cases.cell_nul")
    if any("\ud800" <= c <= "\udfff" for c in value):  # a lone surrogate has no UTF-8 form
        raise CellError("cases.cell_half_character")
    return value


def name_text(value: object) -> str:
    """Return an id, a label or a segment without blanks and marks around it; ="007" becomes 007."""
    # Joined files leave a byte order mark before the first cell of each part.
    text = cell_text(value).strip().strip(_MARKS).strip()
    return formula_text(text)


def formula_text(text: str) -> str:
    """Return what a formula of one constant text shows, ="007" -> 007; any other text as it is."""
    match = _FORMULA_TEXT.fullmatch(text)
    return match[1].strip() if match else text


def is_cut_id(value: object, case_id: str) -> bool:
    """Return whether a spreadsheet has cut an id: a long number, or 1.23E+11 as it displayed it."""
    long_number = isinstance(value, float) and abs(value) >= 1e15
    return long_number or bool(_EXPONENT.fullmatch(case_id.upper()))


def _written(value: object) -> str:
    """Return a number, a moment or a truth value as text."""
    # Integer columns with gaps arrive as floats: 12.0 is the id 12.
    if type(value) is float and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time() and value.tzinfo is None:
        return value.date().isoformat()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return str(value)
