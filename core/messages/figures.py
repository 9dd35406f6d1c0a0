"""Numbers, shares and amounts of money in the reader's language: one form for every output.

Screens, reports, exports and the terminal write a figure through `FigureFormat`. Knows Babel's
locales and no sentence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

DASH = "–"  # for a figure that cannot be estimated
# size, name, and the least amount of a sentence that the unit suits
_YEN_UNITS = ((1.0, "円", 0), (1e4, "万円", 1_000), (1e8, "億円", 99_995_000))
_SHORT = 1e8  # the least amount in short form


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

        Yen in Japanese are written as 500円, 3万円, 931万円, 1.26億円. Several amounts of one sentence
        go through `money_form`, which gives them one form.
        """
        return self.money_form([value], currency)(value)

    def money_in_short(self, value: float | None, currency: str) -> str:
        """Return an amount; from a hundred million in short form: 1.26億円, 126M."""
        return self.money_form([value], currency, in_short=True)(value)

    def money_form(
        self, amounts: Iterable[float | None], currency: str, in_short: bool = False
    ) -> Callable[[float | None], str]:
        """Return the function that writes each of these amounts in the form of the largest.

        amounts: those of one sentence; None for one that is unknown.
        currency: ISO 4217.
        in_short: whether a hundred million or more is 126M instead of 126,000,000.

        >>> [*map(FigureFormat("ja").money_form((45_274, 2_200_000), "JPY"), (45_274, 2_200_000))]
        ['4.53万円', '220万円']
        """
        sizes = [abs(amount) for amount in amounts if amount] or [0.0]
        least, most = min(sizes), max(sizes)
        if self.writes_yen(currency):
            unit, name = _yen_unit(least, most)
            return lambda value: DASH if value is None else _yen(value, unit, name)
        # The short form writes 5,000 as 5K, so a range that begins there stays in full.
        short = in_short and most >= _SHORT and least >= _SHORT / 100
        digits = self.precision(currency) if most < 1000 else 0
        return lambda value: self._amount(value, currency, digits, short)

    def _amount(self, value: float | None, currency: str, digits: int, short: bool) -> str:
        if value is None:
            return DASH
        if short:
            from babel.numbers import format_compact_currency

            return format_compact_currency(value, currency, locale=self.language, fraction_digits=2)
        amount = f"{abs(_decimal(value)):,.{digits}f}"
        # the minus goes before the symbol: -$5, not $-5; and 0 has none
        sign = "-" if value < 0 and amount.strip("0.") else ""
        return f"{sign}{self.symbol(currency)}{self._with_signs(amount)}"

    def axis_unit(self, currency: str, most: float) -> tuple[float, str]:
        """Return the size and the name of the unit in which an axis counts amounts up to `most`.

        >>> FigureFormat("ja").axis_unit("JPY", 9_310_000)
        (10000.0, '万円')
        """
        # a fifth of it: about the step of the ticks, which are written in the unit
        return _yen_unit(most / 5, most) if self.writes_yen(currency) else (1.0, currency)

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


def _yen_unit(least: float, most: float) -> tuple[float, str]:
    """Return the size and name of the unit for amounts of `least` to `most` yen in Japanese.

    The unit of the largest: 万円 from 100,000, or from 10,000 if the least is as large; 億円 from
    9,999.5万円 on. A smaller one if the least is too little for it, since 0.00億円 says nothing.
    """
    place = 0 if least < 9_999.5 and most < 99_999.5 else 1 if round(most / 1e4) < 10_000 else 2
    while round(least) < _YEN_UNITS[place][2]:
        place -= 1
    size, name, _ = _YEN_UNITS[place]
    return size, name


def _yen(value: float, unit: float, name: str) -> str:
    """Return yen in Japanese, in a unit to three figures, or fewer if those are exact: 3万円."""
    figure, sign = abs(value) / unit, "-" if value < 0 else ""
    digits = 0 if unit == 1 or figure >= 99.95 else 1 if figure >= 9.995 else 2
    while digits and round(figure, digits - 1) == figure:
        digits -= 1
    amount = f"{figure:,.{digits}f}{name}" if value else "0円"
    return amount if amount == "0円" else sign + amount


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
