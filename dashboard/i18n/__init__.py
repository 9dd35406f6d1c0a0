"""Words, numbers, money and dates in the reader's language.

Knows the catalogues `<language>/<page>.po` (read at run time, nothing to compile) and Babel's
locales. Does not know Streamlit or the use of a text. A key that a catalogue lacks raises KeyError;
tests/test_catalogues.py compares the catalogues with the code.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from core.messages import (
    ControlNames,
    error_text,
    fill_blanks,
    plural_form,
    read_catalogues,
    sentence,
)
from core.messages.figures import DASH, FigureFormat

__all__ = [  # what pages take from here, so that they need one import
    "CURRENCIES",
    "DASH",
    "WORDS_FOLDER",
    "LANGUAGE_NAMES",
    "Words",
    "catalogue",
    "escape_markdown",
]

WORDS_FOLDER = Path(__file__).resolve().parent
LANGUAGE_NAMES = {"ja": "日本語", "en": "English"}  # code -> its own name
CURRENCIES = ("AUD", "JPY", "USD", "EUR")

# Option of the command line -> key of the field's name on a page
_FIELDS = {
    **{
        name.replace("_", "-"): f"reading.{name}"
        for name in (
            *("encoding", "delimiter", "quoting", "header_row", "hidden_rows", "decimal"),
            *("date_order", "timezone"),
        )
    },
    **{
        f"{name.replace('_', '-')}-column": f"field.{name}"
        for name in ("text", "case_id", "segment", "label", "occurred_at", "value")
    },
    **{"sheet": "upload.sheet", "rare-labels": "rare", "truncate": "start.truncate"},
}

# Characters that Streamlit's markdown reads as markup: emphasis, links, HTML, LaTeX, directives,
# tables, headings, lists.
_MARKUP = str.maketrans({c: "\\" + c for c in "\\`*_{}[]()<>#+-.!|~$:&^="})

# Positions where GitHub's markdown detects a bare address, even after a backslash: an invisible
# word joiner there prevents the link.
_ADDRESSES = re.compile(r"(?<=http)(?=s?:)|(?<=https)(?=:)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)


def escape_markdown(text: str) -> str:
    """Return `text` so that Streamlit's markdown shows it literally.

    Disables HTML, LaTeX, links and emphasis, and joins lines.
    """
    # Lines are joined: a line break could begin a heading or a list.
    unlinked = _ADDRESSES.sub("\u2060", " ".join(str(text).split()))
    return unlinked.translate(_MARKUP)


# In a number with its Japanese counter or unit: a word joiner there keeps both on one line.
_COUNTED = re.compile(r"(?<=[\d%])(?=[件日秒回人円万億])|(?<=[万億])(?=円)")


@cache
def catalogue(language: str) -> dict[str, str | tuple[str, ...]]:
    """Return {key: words, or their plural forms} of `<language>/*.po`."""
    return read_catalogues(WORDS_FOLDER, language)


@cache
def field_names(language: str) -> ControlNames:
    """Return the screen's names of what the command line calls options, in quotes."""
    quoted = "「{}」" if language == "ja" else "“{}”"
    names = catalogue(language)
    return ControlNames({option: quoted.format(names[key]) for option, key in _FIELDS.items()})


@dataclass(frozen=True)
class Words(FigureFormat):
    """The words and formats of one language: `words("decide.title")`, `words.percent(0.31)`.

    zone: IANA name of the reader's time zone, in which times are written; None leaves theirs.
    """

    zone: str | None = None

    def __call__(self, key: str, **values: str) -> str:
        """Return the words under `key` with {names} filled in. Values are formatted strings."""
        pattern = catalogue(self.language)[key]
        if not isinstance(pattern, str):
            raise KeyError(key)  # words with plural forms: see `many`
        return fill_blanks(self.language, pattern, values)

    def pattern(self, key: str) -> str:
        """Return the words under `key` with their blanks, for a chart that fills them in."""
        return str(catalogue(self.language)[key])

    def many(self, key: str, n: float, **values: str) -> str:
        """Return the words under `key` in the plural form of `n`, with {n} and {names} filled in."""
        form = catalogue(self.language)[key][plural_form(self.language, n)]
        return fill_blanks(self.language, form, {"n": self.number(n, 0)} | values)

    def markdown(self, key: str, **values: str) -> str:
        """Return the words for markdown: words may hold markup, values are shown literally."""
        return self.text(key, **{name: escape_markdown(value) for name, value in values.items()})

    def text(self, key: str, **values: str) -> str:
        """Return the words for a place that shows text literally.

        In Japanese, a line never breaks between a number and its counter.
        """
        text = self(key, **values)
        return _COUNTED.sub("\u2060", text) if self.language == "ja" else text

    def error_text(self, error: Exception) -> str:
        """Return an error's sentence in the reader's language, with the names of our fields."""
        return error_text(error, self.language, field_names(self.language))

    def sentence(self, code: str, **values: object) -> str:
        """Return core's sentence of a notice or of a problem, with the names of our fields."""
        return sentence(self.language, code, field_names(self.language), **values)

    def chart_words(self, *keys: str) -> dict[str, str]:
        """Return the words under `keys` by the last part of each key, and a chart's separators."""
        return {key.split(".")[-1]: self(key) for key in keys} | {"separators": self.separators}

    @property
    def sentence_space(self) -> str:
        """Text between two sentences."""
        return "" if self.language == "ja" else " "

    @property
    def comma(self) -> str:
        """Separator of list items that may hold commas themselves."""
        return "、" if self.language == "ja" else "; "

    def chart_money(self, currency: str, most: float) -> tuple[float, dict[str, str]]:
        """Return the unit of a chart's amounts, and the signs of an amount in that unit.

        currency: ISO 4217. most: the largest amount, NaN if none is known. The unit is an amount of the currency, by
        which the chart's amounts are divided: 10,000 for 万円. Signs: symbol before a number, unit
        after it, Plotly's formats amount (on hover) and ticks.
        """
        size, name = self.axis_unit(currency, 0.0 if most != most else most)
        if self.writes_yen(currency):
            # three figures, as in a sentence; no SI letters, in which no Japanese reader counts
            amount = ",.0f" if size == 1 else ",.3~r"
            return size, {"symbol": "", "unit": name, "amount": amount, "ticks": ",~f"}
        amount = ",.2f" if self.precision(currency) else ",.0f"
        return size, {"symbol": self.symbol(currency), "unit": "", "amount": amount, "ticks": ","}

    def date(self, value: date) -> str:
        """Return the day of `value`."""
        return format_date(
            value, "yyyy/MM/dd" if self.language == "ja" else "d MMM y", locale=self.language
        )

    def time(self, value: datetime) -> str:
        """Return day and time of `value`, to the minute, in the reader's zone."""
        if self.zone is not None and value.tzinfo is not None:
            value = value.astimezone(ZoneInfo(self.zone))
        return format_datetime(
            value,
            "yyyy/MM/dd HH:mm" if self.language == "ja" else "d MMM y, HH:mm",
            locale=self.language,
        )
