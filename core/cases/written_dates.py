"""One cell -> its written date, under each order of day and month that it allows.

Reads ISO 8601 and similar forms, Japanese, Chinese and Korean dates and eras, months by name in
twenty languages, Excel's serial numbers, and seconds, milliseconds, microseconds or nanoseconds since 1970, each with or
without a time of day. The column chooses the order: core.cases.dates.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache

import pandas as pd

from core.cases.cells import BadCell, CellError, formula_text, is_missing, unpack_cell
from core.cases.columns import visible_name
from core.cases.table import ORDERS

TypedMoment = tuple[datetime, tzinfo | None, bool]  # moment, zone, whether it has a time of day
# Days since 1899-12-30 that count as dates: 1980 to 2119. Lower ones are days of other counts, such
# as 24005, the fifth day of 2024 on mainframes, and 19727, days since 1970.
SERIALS = (29_221, 80_000)
_HUNDRED_YEARS = ("中華民國", "民國", "民国")  # the only eras with years of three digits
# The year before an era's first: 令和1年 is 2019.
_ERAS = {
    "令和": 2018,
    "平成": 1988,
    "昭和": 1925,
    "大正": 1911,
    "明治": 1867,
    "令": 2018,
    "平": 1988,
    "昭": 1925,
    "r": 2018,
    "h": 1988,
    "s": 1925,
    "t": 1911,
    "m": 1867,
    **dict.fromkeys(_HUNDRED_YEARS, 1911),
}
# Only abbreviations with one meaning; EST or IST name several zones.
_ZONES = {"z": 0, "utc": 0, "gmt": 0, "jst": 9, "cet": 1, "cest": 2}
_TIME = re.compile(
    r"""(?:^|[\s,t、]|(?<=日))\s*(?P<half>午前|午後|am|pm)?\s*(?P<hour>\d{1,2})
    (?: :(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?
      | \.(?P<minute_dot>\d{2})(?:\.(?P<second_dot>\d{2})(?:\.\d+)?)?(?=\s*(?:[ap]\.?\s?m|uhr))
      | (?=\s*[ap]\.?\s?m)
      | 時\s*(?:(?P<minute_ja>\d{1,2})分)?\s*(?:(?P<second_ja>\d{1,2})秒)?
      | h(?P<minute_fr>\d{2}) )
    \s*(?P<half_after>[ap]\.?\s?m\.?|午前|午後)?\s*(?:uhr)?\s*
    (?P<zone>z|utc|gmt|jst|cet|cest|(?:utc|gmt)?[+-]\d{2}:?(?:\d{2})?|(?:utc|gmt)[+-]\d(?::\d{2})?)?
    (?:(?<=[+-]\d{4})\ [a-z]{3,4})?\s*(?:\[[\w/+-]+\])?$""",
    re.VERBOSE | re.IGNORECASE,
)
_WEEKDAY = re.compile(
    r"^[月火水木金土日](?:曜日?)?[,、 ]|[(\[][^()\[\]]{1,40}[)\]]"
    r"|星期[一二三四五六日天]|[周週][一二三四五六日]|[월화수목금토일]요일"
    r"|[月火水木金土日]曜日?$|(?<=日)[月火水木金土日](?=\s|$)"
)
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_ERA = re.compile(
    rf"({'|'.join(_ERAS)})\.?\s*(元|\d{{1,3}})\s*[年./-]\s*(\d{{1,2}})\s*[月./-]\s*(\d{{1,2}})\s*日?",
    re.IGNORECASE,
)
_THREE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_MONTH = r"([^\W\d_]{3,14})\.?"
_NAMED = (
    re.compile(
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|\.)?[\s/-]*(?:(?:de|of)\s+)?{_MONTH}[\s/,-]*(?:del?\s+)?(?P<y>\d{{4}}|\d{{2}})"
    ),
    re.compile(rf"{_MONTH}[\s-]*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s,-]+(?P<y>\d{{4}})"),
    re.compile(rf"(?P<y>\d{{4}})[\s./-]+{_MONTH}[\s/-]+(?P<d>\d{{1,2}})"),
)
# The output of date(1) and C's asctime: "jan 31 10:00:00 jst 2024".
_YEAR_LAST = re.compile(
    r"([a-z]{3}\s+\d{1,2})\s+(\d{1,2}:\d{2}:\d{2})\s+(?:([a-z]{3,4})\s+)?(\d{4})"
)
# ISO 8601's weeks and days of the year: 2024-W05-3, 2024-031.
_ISO_WEEK = re.compile(r"(\d{4})-?w(\d{2})-?([1-7])")
_ISO_DAY = re.compile(r"(\d{4})-(\d{3})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[t\s]?(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?)?(z)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
# 5 janvier 2024 à 14h30, 2024-01-05 kl. 14:30
_BEFORE_TIME = re.compile(r"[\s,](?:at?|à|um|a las?|kl\.?|klo|ore|às|о|в)$")
_AFTER_YEAR = re.compile(r"(?<=\d{4})\s?(?:г|р|roku?)\b\.?")  # 5 января 2024 г.
# Web servers part day and time by a colon; .NET writes milliseconds as /Date(1704418200000)/.
_WEB_LOG = re.compile(r"^(\d{1,2}/[a-z]{3}/\d{4}):(?=\d)")
_DB2 = re.compile(r"^(\d{4}-\d\d-\d\d)-(\d\d)\.(\d\d)\.(\d\d(?:\.\d+)?)$")
_FINNISH = re.compile(r"\bkl(?:o|\.)\s*(\d{1,2})\.(\d\d)\b")
_DOT_NET = re.compile(r"^\\?/date\((\d+)(?:[+-]\d{4})?\)\\?/$")
# Korean and simplified Chinese signs of date and time -> their Japanese ones.
_SIGNS_AFTER_DIGITS = str.maketrans("년월일시분초时", "年月日時分秒時")
_DIGIT_AND_SIGN = re.compile(r"\d\s*[년월일시분초时]")
_HALF_DAYS = {"오전": "午前", "오후": "午後", "上午": "午前", "下午": "午後"}
# 二〇二四年一月五日, 令和六年十二月三十一日
_KANJI_NUMBER = re.compile(r"[〇零一二三四五六七八九十]+(?=[年月日時分秒])")
# English last: a later language overrides an earlier one's abbreviation. No month of one of them
# is another month in another; Croatian's listopad is October, and Polish and Czech November.
_CALENDARS = (
    *("el", "bg", "uk", "ru", "tr", "ro", "hu", "sk", "cs", "pl", "fi", "nb", "da", "sv", "nl"),
    *("pt", "it", "es", "fr", "de", "en"),
)
_KANJI_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")


@dataclass(frozen=True)
class WrittenDate:
    """A cell's date under each order that it allows, its time of day and its zone (None: none).

    has_time: whether the cell has a time of day, without which its zone does not matter.
    """

    days: dict[str, date]
    clock: time = time()
    zone: tzinfo | None = None
    has_time: bool = False


def read_date_cell(value: object, epoch_1904: bool) -> WrittenDate | TypedMoment | CellError | None:
    """Return a cell's WrittenDate, or (moment, zone, has_time) if the cell determines the moment.

    Returns None for a missing cell, a CellError for one that is no date.
    """
    try:
        value = unpack_cell(value)
    except CellError as e:
        return e
    if is_missing(value):
        return None
    if isinstance(value, BadCell):
        return CellError(value.code)
    if isinstance(value, datetime):
        return _typed_moment(value)
    if isinstance(value, date):
        return datetime.combine(value, time()), None, False
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return CellError("cases.cell_date")
    try:
        text = value if isinstance(value, str) else _plain_digits(value)
        return _read_text(text, epoch_1904) or CellError("cases.cell_date")
    except (ValueError, OverflowError, TypeError):
        return CellError("cases.cell_date")


def _plain_digits(value: int | float | Decimal) -> str:
    """Return a typed number as digits, a whole one without a point."""
    return str(int(value)) if value == int(value) else f"{float(value):.6f}"


def _typed_moment(moment: datetime) -> TypedMoment:
    if isinstance(moment, pd.Timestamp):
        moment = moment.to_pydatetime(warn=False)
    return moment.replace(tzinfo=None), moment.tzinfo, moment.time() != time()


def _read_text(cell: str, epoch_1904: bool):
    """Return a written date; None for an unknown form.

    Raises ValueError for a day or time that does not exist.
    """
    # Excel marks a text by an apostrophe, which some exports keep.
    text = visible_name(unicodedata.normalize("NFKC", cell).lower()).removeprefix("'")
    text = _in_known_signs(text)
    text = _KANJI_NUMBER.sub(_kanji_digits, formula_text(text).removeprefix("西暦"))
    # Numbers first: 20240131 is compact only because it is no serial number and no count.
    if _NUMBER.fullmatch(text):
        moment = _from_number(text.replace(",", "."), epoch_1904)
        if moment is not None:
            return moment
    if match := _COMPACT.fullmatch(text):
        return _from_compact(match)
    # "mar" is March, and Tuesday in French and Spanish: a weekday only if no month fits.
    named = _WEEKDAY.sub(" ", text).strip()
    return _from_words(named) or _from_words(_without_weekday_name(named))


def _in_known_signs(text: str) -> str:
    """Return a date's text with the signs of other languages and programs as those read here."""
    text = _WEB_LOG.sub(r"\1 ", _DOT_NET.sub(r"\1", text))
    text = _FINNISH.sub(r"klo \1:\2", _DB2.sub(r"\1 \2:\3:\4", text))
    text = _DIGIT_AND_SIGN.sub(lambda match: match[0].translate(_SIGNS_AFTER_DIGITS), text)
    for half, sign in _HALF_DAYS.items():
        text = text.replace(half, sign)
    return _AFTER_YEAR.sub("", text).removeprefix("den ")


def _kanji_digits(match: re.Match) -> str:
    """Return a number in kanji in digits: 二〇二四 as 2024, 三十一 as 31."""
    tens, ten, units = match[0].translate(_KANJI_DIGITS).rpartition("十")
    return f"{tens or 1}{units or 0}" if ten else units


def _from_words(text: str) -> WrittenDate | None:
    """Return the date of a text without a weekday; None for an unknown form."""
    if match := _YEAR_LAST.fullmatch(text):
        text = f"{match[1]} {match[4]} {match[2]} {match[3] or ''}".strip()
    clock, zone, has_time = time(), None, False
    if (match := _TIME.search(text)) and match.start() > 0:
        clock, zone, has_time = _clock(match), _offset(match["zone"]), True
        text = _BEFORE_TIME.sub("", text[: match.start()].rstrip(" ,、"))
    text = re.sub(r"(?<=\d)([./-]) (?=\d)", r"\1", " ".join(text.split())).strip(" ,")
    days = _days(text.removesuffix("."))
    return WrittenDate(days, clock, zone, has_time) if days else None


def _from_number(text: str, epoch_1904: bool) -> tuple[datetime, tzinfo | None, bool] | None:
    """Return the moment of an Excel serial number or of a count since 1970; None if neither."""
    number = float(text)
    if SERIALS[0] <= number <= SERIALS[1]:
        start = datetime(1904, 1, 1) if epoch_1904 else datetime(1899, 12, 30)
        moment = start + timedelta(seconds=round(number * 86_400))
        return moment, None, number % 1 != 0
    digits = len(text.split(".")[0])
    scale = {9: 1, 10: 1, 13: 1e3, 16: 1e6, 19: 1e9}.get(digits)
    if scale is None or text.startswith("0"):  # a telephone number
        return None
    # In integers: a float has no digits left for the microseconds of a count of 19 digits.
    seconds, fraction = divmod(int(text.split(".")[0]), int(scale))
    micro = round(fraction / scale * 1e6) + (round(number % 1 * 1e6) if scale == 1 else 0)
    moment = datetime(1970, 1, 1) + timedelta(seconds=seconds, microseconds=micro)
    # Cases do not occur in the future: 2024010510 is ten o'clock of a day in 2024.
    return None if moment.year > date.today().year + 1 else (moment, UTC, True)


def _from_compact(match: re.Match) -> WrittenDate:
    year, month, day, hour, minute, second, zulu = match.groups()
    clock = time(int(hour or 0), int(minute or 0), int(second or 0))
    days: dict[str, date] = dict.fromkeys(ORDERS, _existing_day(int(year), int(month), int(day)))
    return WrittenDate(days, clock, UTC if zulu else None, hour is not None)


def _days(text: str) -> dict[str, date]:
    """Return the day under each order that the text allows; {} for an unknown form."""
    if match := _YEAR_FIRST.fullmatch(text):
        return dict.fromkeys(ORDERS, _existing_day(*map(int, match.groups())))
    if match := _ERA.fullmatch(text):
        era, year, month, day = match.groups()
        if len(year) > 2 and era not in _HUNDRED_YEARS:
            return {}
        years = 1 if year == "元" else int(year)
        return dict.fromkeys(ORDERS, _existing_day(_ERAS[era] + years, int(month), int(day)))
    if match := _ISO_WEEK.fullmatch(text):
        return dict.fromkeys(ORDERS, date.fromisocalendar(*map(int, match.groups())))
    if match := _ISO_DAY.fullmatch(text):
        return dict.fromkeys(ORDERS, datetime.strptime(text, "%Y-%j").date())
    for form in _NAMED:
        if (match := form.fullmatch(text)) and (month := month_names().get(_bare(_word_of(match)))):
            day = _existing_day(_full_year(match["y"]), month, int(match["d"]))
            return dict.fromkeys(ORDERS, day)
    if match := _THREE.fullmatch(text):
        return _numeric_days(match)
    return {}


def _numeric_days(match: re.Match) -> dict[str, date]:
    """Return the days of 1/2/2024 or 24/1/2 by order.

    With points it is day.month.year, since no language writes the month first with points.
    """
    first, sign, second, last = match.groups()
    a, b, c = int(first), int(second), int(last)
    readings = {"dmy": (_full_year(last), b, a)}
    if sign != ".":
        readings["mdy"] = (_full_year(last), a, b)
    if len(last) == 2:
        readings["ymd"] = (_full_year(first), b, c)
    days = {}
    for order, parts in readings.items():
        try:
            day = date(*parts)
        except ValueError:
            continue
        if len(last) > 2 or day.year <= date.today().year + 1:  # cases do not occur in the future
            days[order] = day
    return days


def _existing_day(year: int, month: int, day: int) -> date:
    """Return the date. Raises ValueError for a day that does not exist."""
    return date(year, month, day)


def _full_year(digits: str) -> int:
    """Return the year; two digits mean 1969 to 2068, as in POSIX."""
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 69 else 1900)


def _clock(match: re.Match) -> time:
    hour = int(match["hour"])
    minute = int(
        match["minute"] or match["minute_ja"] or match["minute_fr"] or match["minute_dot"] or 0
    )
    second = int(match["second"] or match["second_ja"] or match["second_dot"] or 0)
    half = re.sub(r"[.\s]", "", match["half"] or match["half_after"] or "")
    # "13:00 pm" contradicts itself: it is no time, not one o'clock.
    if half and hour > 12:
        raise ValueError(half)
    if half in ("pm", "午後") and hour < 12:
        hour += 12
    elif half in ("am", "午前") and hour == 12:
        hour = 0
    micro = int((match["fraction"] or "0")[:6].ljust(6, "0"))
    return time(hour, minute, second, micro)


def _offset(zone: str | None) -> tzinfo | None:
    if not zone:
        return None
    if zone in _ZONES:
        return timezone(timedelta(hours=_ZONES[zone]))
    digits = re.sub(r"\D", "", zone)
    hours = digits[: 2 - len(digits) % 2]  # 0530 and 05, but also 530 and 5
    delta = timedelta(hours=int(hours), minutes=int(digits[len(hours) :] or 0))
    return timezone(-delta if "-" in zone else delta)


def _word_of(match: re.Match) -> str:
    return next(group for group in match.groups() if group and not group.isdigit())


def _bare(name: str) -> str:
    """Return a name without accents and points."""
    decomposed = unicodedata.normalize("NFKD", name.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c) and c != ".")


@cache
def month_names() -> dict[str, int]:
    """Return {name or abbreviation of a month: its number}, in _CALENDARS, without accents."""
    return _calendar_names("months") | {"sept": 9, "set": 9, "marz": 3, "mrz": 3, "maerz": 3}


@cache
def _weekday_names() -> re.Pattern:
    names = sorted(_calendar_names("days"), key=len, reverse=True)
    name = f"(?:{'|'.join(names)})"
    return re.compile(rf"^{name}\.?,?\s+|,?\s+{name}\.?$")


def _calendar_names(kind: str) -> dict[str, int]:
    # Imported here: only columns of dates need it.
    from babel import Locale

    names: dict[str, int] = {}
    for language in _CALENDARS:
        contexts = getattr(Locale.parse(language), kind)
        for context in ("stand-alone", "format"):
            for width in ("abbreviated", "wide"):
                names |= {_bare(name): n for n, name in contexts[context][width].items()}
    return names


def _without_weekday_name(text: str) -> str:
    """Return the text without a weekday's name at an end: "fri, 31 jan 2024", "2024-01-05 fri"."""
    match = _weekday_names().search(_bare_same_length(text))
    return text[: match.start()] + text[match.end() :] if match else text


def _bare_same_length(text: str) -> str:
    """Return the text without accents, one character each, so that positions stay."""
    return "".join(unicodedata.normalize("NFD", c)[0] for c in text)
