"""Numbers in a spreadsheet's number format, as the sheet shows them: 123 in 0000000 is 0000123.

Knows the placeholders 0 # ?, the thousands separator, decimals, percent, sections by sign, and
literal text. Knows no dates: core.cases.xlsx converts them.
"""

import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<skip>[_*].)|(?P<mark>[0#?.,%])|(?P<char>.)'
)
# Currency signs, colours and conditions: [$€-407], [Red], [>100].
_BRACKETS = re.compile(r"\[\$([^\]-]*)(?:-[0-9A-Fa-f]+)?\]|\[[^\]]*\]")
_CONDITION = re.compile(r"\[[<>=]")
_QUOTED = re.compile(r'"[^"]*"')
_SCALED = re.compile(r"[0#?],+(?![0#?,])")
_SECTIONS = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
GENERAL = ("", "General", "GENERAL", "@", "0")


class SheetNumber(float):
    """A float from a sheet with `displayed`, its text as the sheet shows it."""

    displayed: str

    def __new__(cls, raw: str, number_format: str = "General") -> "SheetNumber":
        number = super().__new__(cls, raw)
        number.displayed = show_number(Decimal(raw), number_format)
        return number

    def __str__(self) -> str:
        return self.displayed

    def __reduce__(self) -> tuple:
        # __new__ parses a text; a pickled number loses its format and shows plain digits.
        return SheetNumber, (repr(float(self)),)


@dataclass
class _Section:
    """One section of a format: its parts before and after the decimal point, in order."""

    before: list[tuple[str, str]] = field(default_factory=list)  # (kind, character or text)
    after: list[tuple[str, str]] = field(default_factory=list)
    grouped: bool = False
    percent: bool = False

    def digits(self, parts: list[tuple[str, str]]) -> int:
        """Return how many digits `parts` have a place for."""
        return sum(kind == "digit" for kind, _ in parts)


def plain_number(number: Decimal) -> str:
    """Return a number's digits: a whole one without a point, others to 15 significant digits."""
    if number == number.to_integral_value() and abs(number) < Decimal(10) ** 30:
        return str(int(number))
    return f"{float(number):.15g}"


def show_number(number: Decimal, number_format: str) -> str:
    """Return the number as the format shows it; plain digits if the format is not supported."""
    is_plain = number_format in GENERAL or _CONDITION.search(number_format)
    if is_plain or not number.is_finite():
        return plain_number(number)
    sections = _SECTIONS.split(_BRACKETS.sub(lambda m: m[1] or "", number_format))
    negative = number < 0
    code = sections[1] if negative and len(sections) > 1 else sections[0]
    if number == 0 and len(sections) > 2:
        code = sections[2]
    section = _parse_section(code)
    if section is None:
        return plain_number(number)
    sign = "-" if negative and len(sections) == 1 else ""
    return sign + _fill_section(section, abs(number))


def _parse_section(code: str) -> _Section | None:
    """Return the parts of a section; None if unsupported (dates, exponents, fractions, no digits)."""
    section, point = _Section(), False
    for match in _TOKEN.finditer(code):
        parts = section.after if point else section.before
        mark, char = match["mark"], match["char"]
        if mark == ".":
            point = True
        elif mark == ",":
            section.grouped = True
        elif mark == "%":
            section.percent = True
            parts.append(("text", "%"))
        elif mark:
            parts.append(("digit", mark))
        elif char and char.isascii() and (char.isalpha() or char == "/"):
            return None
        elif not match["skip"]:
            parts.append(("text", match["quoted"] or match["escaped"] or char or ""))
    digits = section.digits(section.before) + section.digits(section.after)
    # A comma after the last place divides by 1,000.
    return section if digits and not _SCALED.search(_QUOTED.sub("", code)) else None


def _fill_section(section: _Section, number: Decimal) -> str:
    if section.percent:
        number *= 100
    places = section.digits(section.after)
    # As Excel rounds; the default of Decimal goes to the even digit.
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    integer, _, fraction = f"{rounded:f}".partition(".")
    digits = "" if integer == "0" else integer
    before = _fill_whole(section, digits)
    if not places:
        return before + "".join(text for _, text in section.after)
    after = ""
    for kind, text in section.after:
        after += text if kind == "text" else fraction[len(re.sub(r"\D", "", after)) :][:1]
    optional = sum(mark == "#" for kind, mark in section.after if kind == "digit")
    for _ in range(optional):
        after = after[:-1] if after.endswith("0") else after
    return f"{before}.{after}" if after else before


def _fill_whole(section: _Section, digits: str) -> str:
    """Return the whole part, filled from the right; the leftmost place takes all digits left."""
    places = section.digits(section.before)
    out: list[str] = []
    for kind, mark in reversed(section.before):
        if kind == "text":
            out.append(mark)
            continue
        places -= 1
        taken = digits if places == 0 else digits[-1:]
        digits = digits[: len(digits) - len(taken)]
        out.append(taken or {"0": "0", "?": " "}.get(mark, ""))
    text = "".join(reversed(out))
    return re.sub(r"\d+", lambda m: f"{int(m[0]):,}", text, count=1) if section.grouped else text
