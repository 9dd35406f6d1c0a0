"""Words, numbers, money and dates in the reader's language.

Knows the catalogues `<language>/<page>.po` (read at run time, nothing to compile) and Babel's
locales. Does not know Streamlit or the use of a text. A key that a catalogue lacks raises KeyError;
tests/test_catalogues.py compares the catalogues with the code.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_compact_currency,
    get_currency_precision,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)

from core.messages import error_text, fill_blanks, plural_form, read_catalogues

FOLDER = Path(__file__).resolve().parent
LANGUAGES = {"ja": "日本語", "en": "English"}  # code -> its own name
CURRENCIES = ("AUD", "JPY", "USD", "EUR")
DASH = "–"  # for a figure that cannot be estimated

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


# Between a number and its Japanese counter: a word joiner there keeps both on one line.
_COUNTED = re.compile(r"(?<=[\d%])(?=[件日秒回])")


@cache
def catalogue(language: str) -> dict[str, str | tuple[str, ...]]:
    """Return {key: words, or their plural forms} of `<language>/*.po`."""
    return read_catalogues(FOLDER, language)


@dataclass(frozen=True)
class Words:
    """The words and formats of one language: `words("decide.title")`, `words.percent(0.31)`.

    zone: IANA name of the reader's time zone, in which times are written; None leaves theirs.
    """

    language: str
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
        """Return an error's sentence in the reader's language."""
        return error_text(error, self.language)

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

    def number(self, value: float | None, digits: int | None = None, figures: int = 2) -> str:
        """Return `value` with `digits` decimals.

        None for `digits` takes as many decimals as `figures` significant figures need.
        """
        if value is None:
            return DASH
        places = _places(value, figures) if digits is None else digits
        return self._with_signs(f"{_decimal(value):,.{places}f}")

    def percent(self, value: float | None, digits: int = 1) -> str:
        """Return the share `value` (0..1) as a percentage."""
        return DASH if value is None else self._with_signs(f"{_decimal(value):,.{digits}%}")

    def money(self, value: float | None, currency: str) -> str:
        """Return an amount; amounts under 1,000 have the currency's decimals, larger ones none.

        Yen in Japanese are written as 30,000円, 931万円, 1.26億円.
        """
        if value is None:
            return DASH
        if self._writes_yen(currency):
            return _yen(value)
        digits = get_currency_precision(currency) if abs(value) < 1000 else 0
        # the minus goes before the symbol: -$5, not $-5
        sign, amount = "-" if value < 0 else "", f"{abs(_decimal(value)):,.{digits}f}"
        return f"{sign}{self.symbol(currency)}{self._with_signs(amount)}"

    def _writes_yen(self, currency: str) -> bool:
        return currency == "JPY" and self.language == "ja"

    def currency_unit(self, currency: str) -> str:
        """Return the name of a currency as the unit of a column or an axis."""
        return "円" if self._writes_yen(currency) else currency

    def chart_money(self, currency: str) -> dict[str, str]:
        """Return the signs before and after an amount in a chart, and Plotly's format of it."""
        decimals = ",.2f" if get_currency_precision(currency) else ",.0f"
        if self._writes_yen(currency):
            return {"symbol": "", "unit": "円", "amount": decimals}
        return {"symbol": self.symbol(currency), "unit": "", "amount": decimals}

    def money_pattern(self, currency: str, digits: int) -> str:
        """Return the spreadsheet's format of an amount with `digits` decimals."""
        form = "#,##0" + ("." + "0" * digits if digits else "")
        if self._writes_yen(currency):
            return '#,##0"円"'
        return f'"{self.symbol(currency)}"{form}'

    def _with_signs(self, text: str) -> str:
        """Return `text` with the language's decimal and group signs instead of "." and ","."""
        # not Babel's format_decimal: it takes 20 microseconds a number, and a page writes ten thousand
        decimal, group = tuple(self.separators)
        if (decimal, group) == (".", ","):
            return text
        return text.translate({ord("."): decimal, ord(","): group})

    def money_in_short(self, value: float, currency: str) -> str:
        """Return an amount; from a hundred million in short form: 1.26億円, 126M."""
        if abs(value) < 1e8 or self._writes_yen(currency):
            return self.money(value, currency)
        return format_compact_currency(value, currency, locale=self.language, fraction_digits=2)

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

    def precision(self, currency: str) -> int:
        """Return the decimals of the currency's amounts."""
        return get_currency_precision(currency)

    def symbol(self, currency: str) -> str:
        """Return the currency's sign."""
        return _symbol(currency, self.language)

    @property
    def separators(self) -> str:
        """Decimal and group signs in one string, the form of Plotly's layout.separators."""
        return _separators(self.language)


def _decimal(value: float) -> Decimal:
    """Return `value` as the decimal that it prints as.

    So 12.345 lies exactly half way and rounds to even, as Babel rounds.
    """
    return Decimal(str(value))


def _yen(value: float) -> str:
    """Return yen in Japanese, from 100,000 to three figures in 万円, then in 億円."""
    size, sign = abs(value), "-" if value < 0 else ""
    if size < 99_999.5:
        amount = f"{size:,.0f}円"
        return amount if amount == "0円" else sign + amount
    for unit, name in ((1e4, "万円"), (1e8, "億円")):
        figure = size / unit
        digits = 2 if figure < 9.995 else 1 if figure < 99.95 else 0
        # the larger unit, unless the rounded figure stays below 10,000
        if round(figure) < 10_000 or name == "億円":
            break
    return f"{sign}{figure:,.{digits}f}{name}"


# Babel looks up locale data at each call; these values never change.
@cache
def _separators(language: str) -> str:
    return get_decimal_symbol(language) + get_group_symbol(language)


@cache
def _symbol(currency: str, language: str) -> str:
    return get_currency_symbol(currency, locale=language)


def _places(value: float, figures: int) -> int:
    """Return the decimals that show `figures` significant figures, at most 6.

    With 2 figures: 12.3 -> 0, 1.23 -> 1, 0.0123 -> 3.
    """
    size, places = abs(value), 0
    while size and size < 10 ** (figures - 1) and places < 6:
        size, places = size * 10, places + 1
    return places
