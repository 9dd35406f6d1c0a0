"""Cells that are read as they are written, though they may mean something else: what to look at.

A row with nothing but a text may be a heading, "NA" may be no label, a blank may go on with the
cell above. Neither reading is certain, so the file's own stands, and a notice names the cells.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import groupby

from core.cases.cells import is_missing
from core.cases.columns import ColumnNames
from core.cases.table import Notice, Record, Table, rare_rows

_NOTHING_WORDS = (
    "null (null) <null> none nan nat na n/a n.a. nil undefined - -- --- — – \\n #n/a #ref! #value! "
    "#name? #div/0! #null! #num! #error! (blank) (空白) (空) 空白 該当なし 該当無し なし 無し 未入力 未設定 "
    '〃 同上 同左 々 " ditto #spill! #calc! #field! #getting_data loading...'
)
_NOTHING = frozenset(_NOTHING_WORDS.split())
_MARKS = re.compile(r"[?？]{2,}(?:\s[?？]+)*")  # what is left of characters that an encoding lacks
# A heading or a note by its own form: "■ライン1", "【第1工場】", "Group: Line A", "注）税抜".
_HEADING = re.compile(
    r"[■□◆◇●▼▲★※【＜#=*]|(?:group|section|filters? applied|applied filters|note)\b|(?:注|備考|以上$)"
    r"|.*[:：]$",
    re.IGNORECASE,
)
# Characters written as codes, which a model reads as codes: &eacute; &#12509; \\u30dd =?UTF-8?B?...?= %E3%83%9D
_ESCAPED = re.compile(
    r"&(?:#\d{2,7}|#x[0-9a-fA-F]{2,6}|[a-zA-Z]{2,8});|\\u[0-9a-fA-F]{4}|=\?[\w-]+\?[bBqQ]\?"
    r"|(?:%[89A-Fa-f][0-9A-Fa-f]){3}|(?:=[89A-F][0-9A-F]){3}"
)
# Who speaks in a chat's table of messages, and which of them is a model.
_SPEAKER_COLUMNS = {"role", "from", "speaker", "sender", "author", "author.role"}
_MODELS = {"assistant", "model", "gpt", "bot", "ai"}
_SPEAKERS = _MODELS | {"user", "human", "customer", "system", "developer", "tool"}
_MANY_BLANKS = 3  # one of so many rows is blank, where cells seem to go on below


def doubtful_notices(
    table: Table, names: ColumnNames, cases: Sequence[dict], records: Sequence[Record]
) -> list[Notice]:
    """Return the notices of doubtful cells; `records` are those of the `cases`."""
    notices = _lone_texts(table, names, cases, records)
    for field in ("text", "label", "segment", "case_id"):
        column = getattr(names, field)
        if not column:
            continue
        if field != "case_id":
            notices += _cells_like_nothing(field, column, cases)
        typed = [record.row for record in records if isinstance(record.cells.get(column), date)]
        if 0 < len(typed) < len(records):
            first = next(c for c in cases if c["row"] == typed[0])
            notices.append(_notice("dates_among_texts", field, column, typed, str(first[field])))
    escaped = [
        case
        for case in cases
        if any(sign in case["text"] for sign in "&\\=%") and _ESCAPED.search(case["text"])
    ]
    if escaped:
        code = _ESCAPED.search(escaped[0]["text"])
        rows = [case["row"] for case in escaped]
        notices.append(_notice("escaped_texts", "text", names.text, rows, code[0] if code else ""))
    return notices + _blanks_below(names, cases) + _model_messages(table, cases, records)


def _notice(code: str, field: str, column: str | None, rows: Sequence[int], value: str) -> Notice:
    facts = {
        "column": column,
        "field": Notice(f"cases.field_{field}"),
        "n": len(rows),
        "rows": rare_rows(rows),
        "value": value[:60],
    }
    return Notice(f"cases.{code}", facts)


def _lone_texts(
    table: Table, names: ColumnNames, cases: Sequence[dict], records: Sequence[Record]
) -> list[Notice]:
    """Return a notice of rows with no cell but the text, where most rows have others."""
    others = [name for name in table.names if name and name != names.text]
    lone = [
        case
        for case, record in zip(cases, records, strict=True)
        if all(is_missing(record.cells.get(name)) for name in others)
    ]
    # A file of texts and labels may have many texts without a label.
    if len(others) == 1 and len(lone) * 3 > len(cases):
        lone = [case for case in lone if _HEADING.match(case["text"].strip())]
    if not lone or not others or len(lone) * 2 >= len(cases):
        return []
    rows = [case["row"] for case in lone]
    return [_notice("lone_texts", "text", names.text, rows, lone[0]["text"])]


def _cells_like_nothing(field: str, column: str, cases: Sequence[dict]) -> list[Notice]:
    counts = Counter(case[field] for case in cases if case[field] is not None)
    doubtful = {value for value in counts if _is_like_nothing(value)}
    if field == "segment":
        doubtful.discard("-")  # our own sign of no segment
    rows = [case["row"] for case in cases if case[field] in doubtful]
    if not rows:
        return []
    value = next(case[field] for case in cases if case[field] in doubtful)
    return [_notice("cells_like_nothing", field, column, rows, value)]


def _is_like_nothing(value: str) -> bool:
    if len(value) > 60:
        return False
    text = unicodedata.normalize("NFKC", value).strip().casefold()
    return text in _NOTHING or bool(_MARKS.fullmatch(value.strip()))


def _blanks_below(names: ColumnNames, cases: Sequence[dict]) -> list[Notice]:
    """Return a notice of segments that are blank below another, as where merged cells were."""
    segments = [case["segment"] for case in cases]
    runs = [value for value, _ in groupby(s for s in segments if s != "-")]
    blank = [case["row"] for case in cases if case["segment"] == "-"]
    if not runs or segments[0] == "-" or len(set(runs)) < len(runs) or len(runs) < 2:
        return []
    if len(blank) * _MANY_BLANKS < len(cases):
        return []
    return [_notice("blanks_below", "segment", names.segment, blank, runs[0])]


def _model_messages(table: Table, cases: Sequence[dict], records: Sequence[Record]) -> list[Notice]:
    """Return a notice of rows that a model wrote, where each row is a message of a chat."""
    for column in (name for name in table.names if name.casefold() in _SPEAKER_COLUMNS):
        speakers = [str(record.cells.get(column)).strip().casefold() for record in records]
        rows = [
            case["row"] for case, speaker in zip(cases, speakers, strict=True) if speaker in _MODELS
        ]
        if rows and _SPEAKERS.issuperset(speakers):
            value = next(speaker for speaker in speakers if speaker in _MODELS)
            return [_notice("model_messages", "text", column, rows, value)]
    return []
