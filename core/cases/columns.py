"""Roles of a file's columns: given by name, or recognised by common names in five languages.

Names decide, never the cells. Two columns that could both be the text, the date, ... are an error
that names the option to use. Also cleans a header's names: removes invisible characters and numbers
repeated names. Knows no cells.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from core.cases.prompts import LETTERS
from core.cases.table import Notice
from core.errors import CasesError

# Names are compared in the form of `_plain`. The first of each list is our own name: a file that has
# it means it, whatever its other columns.
COMMON_NAMES = {
    "text": (
        "text", "casetext", "description", "shorttext", "originalshorttext", "longtext",
        "shortdescription", "body", "message", "content", "question", "summary", "subject",
        "本文", "内容", "テキスト", "作業内容", "不具合内容", "問い合わせ内容",
        "お問い合わせ内容", "件名", "説明", "現象", "beschreibung", "kurztext", "langtext",
        "texte", "libellé", "texto", "descripción",
    ),
    "case_id": (
        "caseid", "id", "ticketid", "ticket", "ordernumber", "orderno", "orderid", "number", "no",
        "案件番号", "番号", "管理番号", "伝票番号", "受付番号", "指図番号", "issuekey", "nummer",
        "nr", "auftragsnummer", "numéro", "número",
    ),
    "segment": (
        "segment", "line", "queue", "asset", "equipment", "product", "machine", "plant", "ライン",
        "設備", "号機", "製品", "部署", "工場", "工程", "機種", "anlage", "maschine",
        "équipement", "equipo",
    ),
    "label": (
        "label", "class", "category", "target", "functionallocation", "funclocation", "ラベル",
        "分類", "区分", "カテゴリ", "カテゴリー", "正解", "正解ラベル", "機能場所", "kategorie",
        "klasse", "catégorie", "categoría",
    ),
    "occurred_at": (
        "occurredat", "date", "datetime", "timestamp", "createdat", "created", "startdate",
        "bscstartdate", "orderdate", "日付", "日時", "発生日", "発生日時", "受付日", "受付日時",
        "作業日", "登録日", "datum", "fecha",
    ),
    "value": (
        "value", "cost", "costs", "amount", "price", "totalcost", "金額", "費用", "価格",
        "コスト", "損失額", "修理費", "kosten", "betrag", "coût", "montant", "costo", "coste",
        "importe",
    ),
}  # fmt: skip
# Names that count only in a file without a common name of the same column.
RARER_NAMES = {
    "text": (
        "details", "problemdescription", "issuedescription", "faultdescription", "症状", "故障内容",
        "詳細", "描述", "问题描述", "내용", "설명", "описание", "popis", "açıklama", "opis",
        "descrição", "descrizione", "omschrijving",
    ),
    "case_id": (
        "casenumber", "caseno", "ticketnumber", "ticketno", "incidentnumber", "requestid",
        "notificationnumber", "レコード番号", "チケット番号", "問い合わせ番号",
        "お問い合わせ番号",
    ),
    "occurred_at": (
        "createddate", "creationdate", "datecreated", "createdon", "syscreatedon",
        "openedat", "openeddate", "dateopened", "reportedat", "reporteddate", "receivedat",
        "作成日", "作成日時", "登録日時", "起票日", "起票日時", "受信日時", "報告日", "erstelltam",
        "angelegtam", "datedecréation", "fechadecreación",
    ),
}  # fmt: skip

_OPTION = (
    "{}",
    "option{}",
    "choice{}",
    "選択肢{}",
)  # forms of an option column's name, {} its letter
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff\x00-\x08\x0e-\x1f\x7f]")
REPEAT = re.compile(r" \[\d+\]$")  # the number that tells repeated names apart
_UNIT = re.compile(r"[(\[（［【].*[)\]）］】]$")  # "金額（円）", "cost [EUR]"


@dataclass(frozen=True)
class ColumnNames:
    """A file's own names of our columns.

    None: not given or absent. "": no column, even if one could be recognised. options: the columns
    of a multiple-choice question's options, A's first; `text` is then the question's column. None:
    the file has no options; (): they are recognised by name.
    """

    text: str | None = None
    case_id: str | None = None
    segment: str | None = None
    label: str | None = None
    occurred_at: str | None = None
    value: str | None = None
    options: tuple[str, ...] | None = None


FIELDS = tuple(f.name for f in fields(ColumnNames) if f.name != "options")


def column_option(field: str) -> str:
    """Return the command line's option that names the column of `field`."""
    if field == "options":
        return "--option-columns"
    return f"--{field.replace('_', '-')}-column"


def visible_name(cell: object) -> str:
    """Return a cell as a name: without invisible characters, with single spaces, none around."""
    return " ".join(_INVISIBLE.sub("", str("" if cell is None else cell)).split())


def clean_names(header: Iterable[object]) -> list[str]:
    """Return a header's names without invisible characters; repeats are numbered: "Comment [2]"."""
    names = [visible_name(cell) for cell in header]
    repeated = {name for name, n in Counter(names).items() if n > 1 and name}
    numbers: Counter = Counter()
    for i, name in enumerate(names):
        if name in repeated:
            numbers[name] += 1
            names[i] = f"{name} [{numbers[name]}]"
    return names


def count_known(names: Iterable[str], requested: ColumnNames) -> int:
    """Return how many of our columns a row names as a header, by `requested` or by known names."""
    plain = {_plain(name) for name in names}
    named = {f: getattr(requested, f) for f in FIELDS}
    return sum(
        _plain(name) in plain if name else name is None and bool(plain & set(COMMON_NAMES[field]))
        for field, name in named.items()
    )


def names_text(names: Iterable[str], requested: ColumnNames) -> bool:
    """Return whether a row names the text's column as a header: the requested or a known name."""
    plain = {_plain(name) for name in names}
    return (
        _plain(requested.text) in plain
        if requested.text
        else not plain.isdisjoint(COMMON_NAMES["text"] + RARER_NAMES["text"])
    )


def resolve_columns(requested: ColumnNames, names: list[str]) -> ColumnNames:
    """Complete `requested` from a file's columns `names`; blank names are no columns.

    Raises CasesError if a requested name is absent, if two columns fit one of ours, or if no column
    is recognised as the text.
    """
    names = _named(names)
    options = _options(requested.options, names)
    columns = {
        field: _requested_column(field, getattr(requested, field), names) for field in FIELDS
    }
    # A requested column has its role: recognition must not give it a second one.
    free = [n for n in names if n not in columns.values() and n not in (options or ())]
    columns |= {
        field: _known(field, free, names) for field, name in columns.items() if name is None
    }
    if not columns["text"]:
        raise CasesError("cases.no_text_column", columns=_listed(names))
    return ColumnNames(**{field: name or None for field, name in columns.items()}, options=options)


def suggest_columns(names: list[str]) -> dict[str, str | None]:
    """Return {our field: the column recognised by name}; None if no column fits, or several do."""
    names = _named(names)
    suggested: dict[str, str | None] = {}
    for field in COMMON_NAMES:
        try:
            free = [name for name in names if name not in suggested.values()]
            suggested[field] = _known(field, free, names)
        except CasesError:
            suggested[field] = None
    return suggested


def _named(names: list[str]) -> list[str]:
    return [name for name in names if name.strip()]


def _options(requested: tuple[str, ...] | None, names: list[str]) -> tuple[str, ...] | None:
    """Return the option columns: the requested ones, or those named after A, B, ...; () if none."""
    if requested:
        return tuple(_requested_column("options", name, names) or "" for name in requested)
    if requested is None:
        return None
    columns = []
    for letter in LETTERS:
        forms = {form.format(letter.casefold()) for form in _OPTION}
        candidates = [name for name in names if _plain(name) in forms]
        if len(candidates) > 1:
            raise CasesError("cases.options_unclear", candidates=_listed(candidates), letter=letter)
        if not candidates:
            break
        columns.append(candidates[0])
    # A single column "A" is no question: a choice has two options at least.
    return tuple(columns) if len(columns) > 1 else ()


def _requested_column(field: str, name: str | None, names: list[str]) -> str | None:
    """Return the file's spelling of a requested name: exact, else the only one with its plain form.

    Raises CasesError if no name, or more than one, has that form.
    """
    if not name or name in names:
        return name
    alike = [n for n in names if _plain(n) == _plain(name)]
    if len(alike) == 1:
        return alike[0]
    raise CasesError(
        "cases.no_such_column", name=name, option=column_option(field), columns=_listed(names)
    )


def _known(field: str, free: list[str], names: list[str]) -> str | None:
    common = COMMON_NAMES[field]
    # Exact names before names with a unit, common ones before rarer ones, and our own name before
    # all synonyms.
    candidates = (
        [name for name in free if _plain(name) in common]
        or [name for name in free if _plain(_UNIT.sub("", name)) in common]
        or [name for name in free if _plain(name) in RARER_NAMES.get(field, ())]
    )
    candidates = [name for name in candidates if _plain(name) == common[0]] or candidates
    if len(candidates) > 1:
        raise CasesError(
            "cases.column_unclear",
            candidates=_listed(candidates),
            field=Notice(f"cases.field_{field}"),
            option=column_option(field),
            columns=_listed(names),
        )
    return candidates[0] if candidates else None


def _plain(name: str) -> str:
    """Return a name in lower case, without full width, spaces, "_-.*:" and a repeat's number."""
    name = unicodedata.normalize("NFKC", REPEAT.sub("", name)).casefold()
    return "".join(c for c in name if not c.isspace() and c not in "_-.*:")


def _listed(names: Iterable[str]) -> list[str]:
    names = list(names)
    return [repr(n[:60]) for n in names[:20]] + (["…"] if len(names) > 20 else [])
