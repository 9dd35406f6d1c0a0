"""Words, numbers, money and dates in the reader's language.

Knows the catalogues `ja.po` and `en.po` (read at run time, nothing to compile) and Babel's locales. Does not know Streamlit
or what the words are for. A key that a catalogue lacks raises KeyError: tests/test_catalogues.py finds it before a reader does.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)

from core.messages import error_text

FOLDER = Path(__file__).resolve().parent
LANGUAGES = {"ja": "日本語", "en": "English"}  # code -> its own name
CURRENCIES = ("AUD", "JPY", "USD", "EUR")
NONE = "–"  # shown where there is nothing to estimate from

# Characters that Streamlit's markdown reads as markup: emphasis, links, HTML, LaTeX, directives, tables, headings, lists.
_MARKUP = str.maketrans({c: "\\" + c for c in "\\`*_{}[]()<>#+-.!|~$:&^="})


def plain(text: str) -> str:
    """Return `text` so that Streamlit's markdown shows it letter by letter: no HTML, LaTeX, link or emphasis."""
    return " ".join(str(text).split()).translate(_MARKUP)


# Between a number and its Japanese counter, where a line may not end; a word joiner goes there.
_COUNTED = re.compile(r"(?<=[\d%])(?=[件日秒回])")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return {key: words} of `<language>.po`; keys without words are left out."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file, locale=language) if message.id and message.string}


@dataclass(frozen=True)
class Words:
    """The words and formats of one language: `words("decide.title")`, `words.percent(0.31)`."""

    language: str

    def __call__(self, key: str, **values: str) -> str:
        """Return the words under `key` with {names} filled in. Values are strings that are formatted already."""
        return catalogue(self.language)[key].format(**values)

    def markdown(self, key: str, **values: str) -> str:
        """The same for markdown: the words may hold markup, the values are shown letter by letter."""
        return self.text(key, **{name: plain(value) for name, value in values.items()})

    def text(self, key: str, **values: str) -> str:
        """The same for what is shown letter by letter anyway; in Japanese, no line ends between a number and its counter."""
        text = self(key, **values)
        return _COUNTED.sub("\u2060", text) if self.language == "ja" else text

    def why(self, error: Exception) -> str:
        """Return the sentence of an error of the core in the reader's language, its kind before it."""
        return self(f"error.{type(error).__name__}", sentence=error_text(error, self.language))

    def of(self, *keys: str) -> dict[str, str]:
        """Return the words under `keys` by the last part of each key, and the decimal signs: what a chart writes."""
        return {key.split(".")[-1]: self(key) for key in keys} | {"separators": self.separators}

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return "" if self.language == "ja" else " "

    @property
    def comma(self) -> str:
        """What stands between the items of a list that may hold commas themselves."""
        return "、" if self.language == "ja" else "; "

    def number(self, value: float | None, digits: int | None = None, figures: int = 2) -> str:
        """Return `value` with `digits` decimals, or with enough of them for so many significant figures."""
        if value is None:
            return NONE
        places = _places(value, figures) if digits is None else digits
        return format_decimal(value, format="#,##0" + ("." + "0" * places if places else ""), locale=self.language)

    def percent(self, value: float | None, digits: int = 1) -> str:
        """Return the share `value` (0..1) as a percentage."""
        return NONE if value is None else format_percent(value, format=f"#,##0.{'0' * digits}%", locale=self.language)

    def money(self, value: float | None, currency: str) -> str:
        """Return an amount; amounts under 1,000 have the currency's decimals, larger ones none."""
        if value is None:
            return NONE
        digits = get_currency_precision(currency) if abs(value) < 1000 else 0
        pattern = "¤#,##0" + ("." + "0" * digits if digits else "")
        return format_currency(value, currency, format=pattern, locale=self.language, currency_digits=False)

    def money_in_short(self, value: float, currency: str) -> str:
        """Return an amount; from a hundred million on in the language's short form, 1.26億 or 126M."""
        if abs(value) < 1e8:
            return self.money(value, currency)
        return format_compact_currency(value, currency, locale=self.language, fraction_digits=2)

    def date(self, value: datetime) -> str:
        """Return the day of `value`."""
        return format_date(value, "yyyy/MM/dd" if self.language == "ja" else "d MMM y", locale=self.language)

    def time(self, value: datetime) -> str:
        """Return day and time of `value`, to the minute."""
        return format_datetime(value, "yyyy/MM/dd HH:mm" if self.language == "ja" else "d MMM y, HH:mm", locale=self.language)

    def precision(self, currency: str) -> int:
        """Return the decimals of the currency's amounts."""
        return get_currency_precision(currency)

    def symbol(self, currency: str) -> str:
        """Return the currency's sign, for an axis."""
        return get_currency_symbol(currency, locale=self.language)

    @property
    def separators(self) -> str:
        """Decimal and group signs together, as Plotly's layout.separators wants them."""
        return get_decimal_symbol(self.language) + get_group_symbol(self.language)


def _places(value: float, figures: int) -> int:
    """Decimals that show so many significant figures; for 2 of them 12.3 -> 0, 1.23 -> 1, 0.0123 -> 3; at most 6."""
    size, places = abs(value), 0
    while size and size < 10 ** (figures - 1) and places < 6:
        size, places = size * 10, places + 1
    return places
