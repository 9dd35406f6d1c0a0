"""One cell -> a text, a number, a moment; or ValueError with the reason. Knows nothing of files and
rows.

Full-width digits and signs count as the plain ones, as Japanese forms write both. A text itself is
never changed.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pandas as pd

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
)
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_TIMES = (
    "",
    " %H:%M",
    " %H:%M:%S",
    "%H:%M",
    "%H:%M:%S",
    "%H時%M分",
    " %H時%M分",
    "%H時%M分%S秒",
    " %H時%M分%S秒",
)
_FORMS = tuple(
    day + time for day in _DAYS for time in _TIMES if time[:1] in ("", " ") or day.endswith("日")
)


@dataclass(frozen=True)
class BadCell:
    """A cell of which the file itself says that it has no value: what stands there, and why that is
    none.
    """

    found: str
    why: str

    def __str__(self) -> str:
        return self.found


def to_text(value: object) -> str:
    """A cell as text. Missing (None, a Parquet column's NaN) is ""; numbers and dates are as Python
    writes them.
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, BadCell):
        raise ValueError(value.why)
    if isinstance(value, bytes | list | tuple | dict | set):
        raise ValueError(f"not a text but a {type(value).__name__}")
    text = value if isinstance(value, str) else str(value)
    if "\x00" in text:
        raise ValueError("it holds a NUL character")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("it holds half of a character (a lone surrogate)")
    return text


def to_number(cell: str) -> float | None:
    """'1,234.5' -> 1234.5 (commas only between thousands); blank -> None."""
    cell = unicodedata.normalize("NFKC", cell).strip().replace("\N{MINUS SIGN}", "-")
    if not cell:
        return None
    if not _NUMBER.fullmatch(cell) or not math.isfinite(number := float(cell.replace(",", ""))):
        raise ValueError("not a finite number: write it as 1234.5 or 1,234.5")
    return number


def to_moment(value: object) -> datetime | None:
    """A moment without time zone, to the microsecond; one that has a zone is brought to UTC. Blank
    -> None.
    """
    if value is None or value is pd.NaT or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, BadCell):
        raise ValueError(value.why)
    try:
        moment = (
            value
            if isinstance(value, datetime)
            else _parse(value.isoformat() if isinstance(value, date) else str(value))
        )
        if isinstance(moment, pd.Timestamp):
            moment = moment.to_pydatetime(warn=False)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError) as e:
        raise ValueError(
            "not a date: write it as 2024-01-31, 2024/01/31 or 2024年1月31日, with a time behind it if there is one"
        ) from e


def _parse(cell: str) -> datetime:
    cell = unicodedata.normalize("NFKC", cell).strip()
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        for form in _FORMS:
            try:
                return datetime.strptime(cell, form)
            except ValueError:
                continue
        raise
