"""A column of written numbers -> floats; the column decides the meaning of commas and points.

"12,500" is 12.5 or 12500: cells with a single reading decide ("0,75", "1,234,567", "12.50"), then
Japanese files, which have no decimal comma, then money, which has no three decimals. If the column
stays ambiguous, the user must name the sign: nothing is guessed. Full-width digits count as plain
ones; ¥1,200, 1,200円, △500, (500) and 500- are money and its minus signs.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.cases.cells import BadCell, CellError, formula_text, is_missing, unpack_cell
from core.errors import CasesError

# Between thousands: plain, no-break and narrow no-break space, and the Swiss apostrophes.
_SPACE = " \u00a0\u202f'\u2019"
_STYLE_FORMS = {
    style: re.compile(
        rf"(?:\d+(?:[{point}]\d*)?|[{point}]\d+)(?:e[+-]?\d+)?"
        rf"|(?!0)\d{{1,3}}(?:(?P<group>[{group}{_SPACE}])\d{{3}})(?:(?P=group)\d{{3}})*(?:[{point}]\d*)?"
        rf"|(?!0)\d{{1,2}}(?:[{group}]\d{{2}})+[{group}]\d{{3}}(?:[{point}]\d*)?",
        re.IGNORECASE,
    )
    for style, point, group in (("point", ".", ","), ("comma", ",", "."))
}
# Minus sign, hyphen, en dash and em dash, which programs write for a minus.
_MINUS = str.maketrans(dict.fromkeys("\u2212\u2010\u2013\u2014", "-"))
_DIRECTIONS = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)  # marks of bidi texts
_CURRENCY = re.compile(
    r"(?:US|A|C|HK|NZ|NT|S|R)?\$|[¥£€₩฿₹₽₺₪₫₴₱]|円|圓|元|원|บาท|руб\.?|грн\.?|лв\.?|ден\.?|р\.|Kč|zł|"
    r"\b(?:JPY|USD|EUR|GBP|CHF|AUD|CAD|NZD|CNY|RMB|TWD|KRW|HKD|SGD|INR|THB|BRL|MXN|ZAR|ILS|TRY|RUB|UAH"
    r"|SEK|NOK|DKK|CZK|PLN|HUF|RON|BGN|Fr\.?|kr\.?|Ft|TL|lei|Kcs)(?![a-z])",
    re.IGNORECASE,
)
_CURRENCY_WITHIN = re.compile(rf"\d\s*(?:{_CURRENCY.pattern})\s*\d", re.IGNORECASE)
_ONE_MARK = {"¥": "JPY", "円": "JPY", "圓": "JPY", "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP"}
_YEN = ("¥", "JPY")
# Japanese amounts state whether tax is included: (税込), (税抜), (税別); receipts end in 円也.
_TAX = re.compile(r"\(税[込抜別]\)$|(?<=円)也$")
_COMPOUND = re.compile(r"(?:([\d,]+)億)?(?:([\d,]+)万)?(?:(\d)千)?(\d[\d,]*)?")
_MULTIPLES = {"億": 1e8, "万": 1e4, "百万": 1e6, "千": 1e3}
# A unit that ends a column's name: 金額（千円・税抜）, Kosten [TEUR], cost (k$), amount (in thousands).
_HEADER_UNIT = re.compile(r"[(\[【〔]([^()\[\]【】〔〕]*)[)\]】〕]$")
_UNIT_SIGNS = re.compile(
    r"円|圓|元|ドル|ユーロ|€|eur(?:os?)?|us\$|\$|usd|dollars?|£|gbp|¥|jpy|yen|chf|cny|руб\.?|zł|pln"
)
_WORD_MULTIPLES = {
    **dict.fromkeys(("k", "000", "000s", "1000", "thousand", "thousands", "tausend"), 1e3),
    **dict.fromkeys(("tsd", "tsd.", "milliers", "miles", "тыс", "тыс.", "tys", "tys."), 1e3),
    **dict.fromkeys(("mio", "mio.", "mln", "mln.", "million", "millions", "млн", "млн."), 1e6),
    **dict.fromkeys(("millionen", "millones", "milhões", "milioni"), 1e6),
    **dict.fromkeys(("mrd", "mrd.", "bn", "billion", "billions"), 1e9),
}
# Of money only: (m) and (t) are also metres and tonnes.
_MONEY_MULTIPLES = {"t": 1e3, "m": 1e6, "mn": 1e6, "mm": 1e6, "千": 1e3, "万": 1e4}
_MONEY_MULTIPLES |= {"百万": 1e6, "億": 1e8, "十億": 1e9}


@dataclass(frozen=True)
class Amount:
    """A cell's digits without sign and currency, its sign, its factor and whether it is money.

    has_unit: whether the cell itself states a currency or a multiple. has_dash: whether a dash ends
    it, which is a minus, or only the end of a Japanese amount.
    """

    digits: str
    sign: float
    is_money: bool
    factor: float
    has_unit: bool
    has_dash: bool = False

    def value(self, style: str) -> float | None:
        """Return the number under a style; None if the digits do not fit it."""
        if not _STYLE_FORMS[style].fullmatch(self.digits):
            return None
        point, group = (".", ",") if style == "point" else (",", ".")
        plain = re.sub(f"[{group}{_SPACE}]", "", self.digits).replace(point, ".")
        number = self.sign * self.factor * float(plain)
        return number if math.isfinite(number) else None


def currencies_of(values: Sequence[object]) -> list[str]:
    """Return the distinct codes or signs of the currencies of written amounts, sorted."""
    marks: set[str] = set()
    for value in values:
        if isinstance(value, str):
            text = unicodedata.normalize("NFKC", value).upper()
            marks |= {_ONE_MARK.get(mark, mark) for mark in _CURRENCY.findall(text)}
    return sorted(marks)


def header_multiple(name: str) -> float:
    """Return what one unit of a column is by its name: 1000 for 金額（千円）, 1 without a unit."""
    match = _HEADER_UNIT.search(unicodedata.normalize("NFKC", name).strip().casefold())
    if match is None:
        return 1.0
    content = re.sub(r"(?<!\d)1[,.' ]?000(?!\d)", "1000", match[1].replace("単位", " "))
    # A price of 1,000 pieces is no amount in thousands.
    content = re.sub(r"(?:\b(?:per|je|pro|par|por)|/)\s*1000\b", "", content)
    is_money = bool(_UNIT_SIGNS.search(content))
    words = [_UNIT_SIGNS.sub("", word) for word in re.split(r"[\s,、・:;/'’×]+", content)]
    words = [word for word in words if word and word not in ("in", "x")]
    for word in words:
        is_sure = is_money or len(words) == 1 or not word[:1].isdigit()
        multiple = _WORD_MULTIPLES.get(word) if is_sure else None
        if multiple := multiple or (_MONEY_MULTIPLES.get(word) if is_money else None):
            return multiple
    return 1.0


def all_end_in_dashes(values: Sequence[object]) -> bool:
    """Return whether each of several amounts ends in a dash: 1,200- as Japanese receipts write.

    Nobody gains in one row what is lost in every other, so there the dash is hardly a minus.
    """
    n = 0
    for value in values:  # up to the first without a dash, which nearly every column begins with
        if is_missing(value):
            continue
        if not isinstance(value, str):
            return False
        text = unicodedata.normalize("NFKC", value).strip().translate(_MINUS)
        if any(map(str.isdigit, text)):
            if not text.endswith("-"):
                return False
            n += 1
    return n > 1


def parse_numbers(
    values: Sequence[object],
    decimal: str | None = None,
    japanese: bool = False,
    multiple: float = 1.0,
    dash_ends: bool = False,
) -> list[float | CellError | None]:
    """Return each cell's number, None for a missing cell, or a CellError for one without a number.

    decimal: "point" or "comma"; None lets the column decide. japanese: whether the file is in
    Japanese. multiple: of cells that state no unit of their own. dash_ends: whether a dash at the end
    is no minus, but only the end of an amount. Raises CasesError with both
    readings of a cell if the decimal sign stays ambiguous.
    """
    cells = [_read_cell(value) for value in values]
    if dash_ends:
        cells = [replace(c, sign=1.0) if isinstance(c, Amount) and c.has_dash else c for c in cells]
    amounts = [cell for cell in cells if isinstance(cell, Amount)]
    try:
        style = decimal or _decide_style(amounts, japanese)
    except CasesError as e:
        digits = e.values["value"]
        e.values["place"] = next(
            i for i, cell in enumerate(cells) if isinstance(cell, Amount) and cell.digits == digits
        )
        raise
    return [_number(cell, style, multiple) for cell in cells]


def _number(
    cell: Amount | float | CellError | None, style: str, multiple: float
) -> float | CellError | None:
    if isinstance(cell, float):
        return cell * multiple
    if not isinstance(cell, Amount):
        return cell
    number = cell.value(style)
    if number is None:
        return CellError("cases.cell_number")
    return number if cell.has_unit else number * multiple


def _read_cell(value: object) -> Amount | float | CellError | None:
    """Return a typed number, the parts of a written one, None if missing, or a CellError."""
    try:
        value = unpack_cell(value)
    except CellError as e:
        return e
    if is_missing(value):
        return None
    if isinstance(value, BadCell):
        return CellError(value.code)
    if isinstance(value, bool):  # float(True) would be 1
        return CellError("cases.cell_number")
    if isinstance(value, str):
        return _split_amount(value) or CellError("cases.cell_number")
    if not isinstance(value, int | float | Decimal):
        return CellError("cases.cell_number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return CellError("cases.cell_number")
    return number if math.isfinite(number) else CellError("cases.cell_number")


def _split_amount(cell: str) -> Amount | None:
    """Return the parts of a written amount; None if the cell holds anything else."""
    # NFKC would make 52 of 5², and 11⁄2 of 1½.
    if any(map(_is_small_digit, cell)):
        return None
    text = _DIRECTIONS.sub("", unicodedata.normalize("NFKC", cell)).strip().translate(_MINUS)
    text = formula_text(text)
    text = text.removeprefix("'")  # Excel's mark of a text
    if text.startswith("\\"):
        text = "¥" + text[1:]  # the sign's place in old Japanese character sets
    text = _TAX.sub("", text).strip()
    # A sign and a code may come together, "US$ 5 USD"; more marks are a text, not an amount.
    plain, marks = _CURRENCY.subn("", text)
    plain = plain.strip()
    if marks > 2 or _CURRENCY_WITHIN.search(text):  # 12€50 is 12.50 to some
        return None
    bracketed = re.fullmatch(r"\((.*)\)", plain)
    sign, plain = (-1.0, bracketed[1].strip()) if bracketed else (1.0, plain)
    has_dash = False
    if plain[:1] in ("-", "+", "△", "▲"):
        sign = sign if bracketed or plain[0] == "+" else -1.0  # (-5) is one minus, not two
        plain = plain[1:].strip()
    elif plain[-1:] == "-" and plain[:-1]:
        plain = plain[:-1].strip()
        if plain[-1:].isdigit() and not text.startswith(_YEN):
            sign, has_dash = -1.0, True
        plain = plain.rstrip(",.")  # "1.200,-" and "¥1,200-" end an amount without cents
    if (total := _compound(plain)) is not None:
        return Amount(total, sign, marks > 0, 1.0, True)
    factor = 1.0
    # Longest first: 百万 also ends in 万.
    for unit, multiple in sorted(_MULTIPLES.items(), key=lambda item: -len(item[0])):
        if plain.endswith(unit):
            plain, factor = plain[: -len(unit)].strip(), multiple
            break
    if not plain or not re.search(r"\d", plain):
        return None
    has_unit = marks > 0 or factor != 1.0
    return Amount(plain, sign, marks > 0 or bool(bracketed), factor, has_unit, has_dash)


def _is_small_digit(c: str) -> bool:
    """Return whether a character is a digit with another meaning: ², ½, ①."""
    return unicodedata.decomposition(c).startswith(("<super>", "<sub>", "<fraction>", "<circle>"))


def _compound(text: str) -> str | None:
    """Return the digits of an amount of several units, 1万2000 or 1億2,000万; None for another."""
    match = _COMPOUND.fullmatch(text)
    if match is None or sum(part is not None for part in match.groups()) < 2:
        return None
    parts = zip(match.groups(default="0"), (10**8, 10**4, 10**3, 1), strict=True)
    return str(sum(int(digits.replace(",", "")) * multiple for digits, multiple in parts))


def _decide_style(amounts: list[Amount], japanese: bool) -> str:
    """Return the decimal sign that the column's cells agree on.

    Raises CasesError if they leave it ambiguous or contradict each other.
    """
    readings = {amount.digits: (amount.value("point"), amount.value("comma")) for amount in amounts}
    only = {
        "point": [
            d for d, (point, comma) in readings.items() if point is not None and comma is None
        ],
        "comma": [
            d for d, (point, comma) in readings.items() if comma is not None and point is None
        ],
    }
    unclear = [
        a for a in amounts if None not in readings[a.digits] and len(set(readings[a.digits])) == 2
    ]
    if only["point"] and only["comma"] and unclear:
        raise _unclear_error(unclear[0])
    if not unclear or bool(only["point"]) != bool(only["comma"]):
        return "comma" if len(only["comma"]) > len(only["point"]) else "point"
    if japanese:
        return "point"
    separators = {re.sub(r"[^.,]", "", a.digits)[-1] for a in unclear if a.is_money}
    if len(separators) == 1:  # money has no three decimals: the separator parts thousands
        return "comma" if separators == {"."} else "point"
    if (style := _style_of_thousands(amounts, unclear)) is not None:
        return style
    raise _unclear_error(unclear[0])


def _style_of_thousands(amounts: list[Amount], unclear: list[Amount]) -> str | None:
    """Return the style in which the separators group thousands; None if that is not clear.

    It is clear if plain numbers have three digits at most and some separated number ends in 0, as
    500 next to 1,200 does: a decimal would not be written with a last 0.
    """
    plain = [a.digits for a in amounts if a.digits.isdigit()]
    separators = {c for a in unclear for c in a.digits if c in ",."}
    if not plain or len(separators) != 1 or any(len(digits) > 3 for digits in plain):
        return None
    if not any(a.digits.endswith("0") for a in unclear):
        return None
    return "point" if separators == {","} else "comma"


def _unclear_error(amount: Amount) -> CasesError:
    return CasesError(
        "cases.decimal_unclear",
        value=amount.digits,
        as_point=f"{amount.value('point'):g}",
        as_comma=f"{amount.value('comma'):g}",
    )
