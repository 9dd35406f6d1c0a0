"""Rows right below a header that go on describing its columns: types, units, other names of them.

Programs and templates write them: "int,string,float", "必須,任意", "(-),(分),(円)", "(1),(2),(3)",
an example, a survey's questions. As a case, such a row would be scored in silence. Knows records,
not formats.
"""

import re
import unicodedata
from collections.abc import Sequence

from core.cases.columns import ColumnNames, count_known, names_text, visible_name
from core.cases.table import Notice, Record, Table, rare_rows

_SEARCHED = 3  # rows below the header: a survey has its questions and its codes there
_KIND_WORDS = (  # kinds of columns, in the form of `_word`
    "int int4 int8 int16 int32 int64 integer bigint smallint tinyint long uint8 string str text chr "
    "varchar varchar2 nvarchar nvarchar2 char nchar clob longtext float float32 float64 double dbl "
    "real decimal numeric number num money date datetime datetime2 datetime64 timestamp time "
    "bool boolean bit lgl object category fct uuid guid mandatory required optional notnull "
    "nullable pk fk primarykey foreignkey 文字列 文字列型 文字 文字型 数値 数値型 数字 整数 整数型 小数 日付 日付型 "
    "日時 日時型 時刻 必須 任意 条件付必須 条件付き必須 半角 全角 半角英数 半角英数字 半角数字 全角文字 テキスト "
    "自由記述 選択 選択肢 単一選択 複数選択 真偽 真偽値 pflichtfeld pflicht obligatoire facultatif obligatorio "
    "openendedresponse opencomment response"
)
_UNIT_WORDS = (
    "円 千円 百万円 万円 元 ドル 分 時間 時 秒 日 年月日 件 個 台 本 枚 回 人 名 % yen jpy eur euro usd chf gbp € $ ¥ £ "
    "min h hrs s sec days kg g mm cm m km pcs stk db °c ℃ kw kwh v a hz rpm"
)
_KINDS, _UNITS = frozenset(_KIND_WORDS.split()), frozenset(_UNIT_WORDS.split())
_BRACKETED = re.compile(r"[(\[（［【〔](.*)[)\]）］】〕]")
_DASH = re.compile(r"[-–—ー－/*]*")
_SURVEY = re.compile(r'\{"ImportId":')  # what Qualtrics writes below its questions
_ONE_IS_ENOUGH = ("openendedresponse", "opencomment")  # SurveyMonkey names one column by it
_EXAMPLES = (
    "例",
    "記入例",
    "入力例",
    "example",
    "sample",
    "beispiel",
    "exemple",
    "ejemplo",
)  # as an id
_LENGTH = re.compile(
    r"\s*[(\[][\w, ]*[)\]]$|\d+[字桁]*$"
)  # nvarchar(255), datetime64[ns], 全角20字


def second_headers(table: Table, names: ColumnNames) -> tuple[set[int], tuple[Notice, ...]]:
    """Return the places of the records that go on with the header, and a notice of them.

    names: the file's columns. The last record of a file is always a case.
    """
    places: set[int] = set()
    for place, record in enumerate(table.records[:-1][:_SEARCHED]):
        cells = [visible_name(cell) for cell in record.cells.values()]
        cells = [cell for cell in cells if cell]
        if cells and all(map(_SURVEY.match, cells)):
            places |= set(range(place + 1))
            continue
        text, case_id = (
            visible_name(record.cells.get(name)) if name else ""
            for name in (names.text, names.case_id)
        )
        if len(places) == place and (
            _describes_columns(cells, text)
            or _counts_columns(cells, table, place)
            or _is_of_units(cells, text)
            or _word(case_id) in _EXAMPLES
        ):
            places.add(place)
    if not places:
        return places, ()
    records = [table.records[place] for place in sorted(places)]
    rows = rare_rows([record.row for record in records])
    facts = {"n": len(rows), "rows": rows, "value": _written(records[0])}
    return places, (Notice("cases.second_headers", facts),)


def _written(record: Record) -> str:
    return ", ".join(str(cell) for cell in record.cells.values() if cell is not None)[:60]


def _describes_columns(cells: Sequence[str], text: str) -> bool:
    """Return whether all cells are kinds of columns, or the text's and another are their names."""
    if any(_word(cell) in _ONE_IS_ENOUGH for cell in cells):
        return all(_word(cell) in _KINDS for cell in cells)
    if len(cells) < 2:
        return False
    if all(_word(cell) in _KINDS or _word(_LENGTH.sub("", cell)) in _KINDS for cell in cells):
        return True
    is_named = names_text([text], ColumnNames()) and count_known(cells, ColumnNames()) > 1
    return is_named and not any(map(str.isdigit, "".join(cells)))


def _counts_columns(cells: Sequence[str], table: Table, place: int) -> bool:
    """Return whether a row numbers all columns of three or more: 1, 2, 3 or (1), (2), (3) or A, B, C.

    A next row that begins with 2 goes on counting the cases.
    """
    words = [_word(cell) for cell in cells]
    n = len(words)
    counted = [str(i) for i in range(1, n + 1)], [chr(ord("a") + i) for i in range(min(n, 26))]
    if n < 3 or n != sum(map(bool, table.names)) or words not in counted:
        return False
    following = table.records[place + 1].cells.values()
    return _word(visible_name(next(iter(following), ""))) != words[1]


def _is_of_units(cells: Sequence[str], text: str) -> bool:
    """Return whether a row has a unit, and all its cells are units, dashes or in brackets.

    text: the cell of the text, which has no unit: as one, it would be a case's short text.
    """
    inner = [(_BRACKETED.fullmatch(cell) or [cell, cell])[1].casefold() for cell in cells]
    return (
        len(cells) > 1
        and text.casefold() not in _UNITS
        and any(unit in _UNITS for unit in inner)
        and all(
            unit in _UNITS or _DASH.fullmatch(cell) or _BRACKETED.fullmatch(cell)
            for unit, cell in zip(inner, cells, strict=True)
        )
    )


def _word(cell: str) -> str:
    """Return a cell in small letters, of half width, without signs and blanks."""
    return "".join(c for c in unicodedata.normalize("NFKC", cell).casefold() if c.isalnum())
