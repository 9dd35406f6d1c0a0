"""Numbers, shares and amounts of money in the reader's language: one form for every output.

Screens, reports, exports and the terminal write a figure through `FigureFormat`. Knows Babel's
locales and no sentence.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

DASH = "–"  # for a figure that cannot be estimated


@dataclass(frozen=True)
class FigureFormat:
    """The formats of one language's figures: `FigureFormat("ja").money(9.3e6, "JPY")`.

    >>> FigureFormat("ja").money(9_310_000, "JPY")
    '931万円'
    >>> FigureFormat("en").percent(0.125)
    '12.5%'
    """

    language: str

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
        if self.writes_yen(currency):
            return _yen(value)
        digits = self.precision(currency) if abs(value) < 1000 else 0
        # the minus goes before the symbol: -$5, not $-5
        sign, amount = "-" if value < 0 else "", f"{abs(_decimal(value)):,.{digits}f}"
        return f"{sign}{self.symbol(currency)}{self._with_signs(amount)}"

    def money_in_short(self, value: float | None, currency: str) -> str:
        """Return an amount; from a hundred million in short form: 1.26億円, 126M."""
        if value is None or abs(value) < 1e8 or self.writes_yen(currency):
            return self.money(value, currency)
        from babel.numbers import format_compact_currency

        return format_compact_currency(value, currency, locale=self.language, fraction_digits=2)

    def writes_yen(self, currency: str) -> bool:
        """Return whether amounts are written in 円 and 万円 instead of with a sign before them."""
        return currency == "JPY" and self.language == "ja"

    def currency_unit(self, currency: str) -> str:
        """Return the name of a currency as the unit of a column or an axis."""
        return "円" if self.writes_yen(currency) else currency

    def money_pattern(self, currency: str, digits: int) -> str:
        """Return the spreadsheet's format of an amount with `digits` decimals."""
        form = "#,##0" + ("." + "0" * digits if digits else "")
        if self.writes_yen(currency):
            return '#,##0"円"'
        return f'"{self.symbol(currency)}"{form}'

    def precision(self, currency: str) -> int:
        """Return the decimals of the currency's amounts."""
        from babel.numbers import get_currency_precision

        return get_currency_precision(currency)

    def symbol(self, currency: str) -> str:
        """Return the currency's sign."""
        return _symbol(currency, self.language)

    @property
    def separators(self) -> str:
        """Decimal and group signs in one string, the form of Plotly's layout.separators."""
        return _separators(self.language)

    def _with_signs(self, text: str) -> str:
        """Return `text` with the language's decimal and group signs instead of "." and ","."""
        # not Babel's format_decimal: it takes 20 microseconds a number, and a page writes ten
        # thousand
        decimal, group = tuple(self.separators)
        if (decimal, group) == (".", ","):
            return text
        return text.translate({ord("."): decimal, ord(","): group})


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
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return get_decimal_symbol(language) + get_group_symbol(language)


@cache
def _symbol(currency: str, language: str) -> str:
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(currency, locale=language)


def _places(value: float, figures: int) -> int:
    """Return the decimals that show `figures` significant figures, at most 6.

    With 2 figures: 12.3 -> 0, 1.23 -> 1, 0.0123 -> 3.
    """
    size, places = abs(value), 0
    while size and size < 10 ** (figures - 1) and places < 6:
        size, places = size * 10, places + 1
    return places
