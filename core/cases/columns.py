"""Which column of a stranger's file is which: given by name, or found by the names people use, in
English and Japanese.

Nothing is guessed from what the cells hold. Two columns that could both be the text, the date, ...
are an error that names the option to use.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields

from core.cases.prompts import LETTERS
from core.errors import CasesError

# Names are compared as `_plain` leaves them. The first of each list is our own name: a file that
# has it means it.
KNOWN = {
    "text": (
        "text", "casetext", "description", "shorttext", "originalshorttext", "longtext", "shortdescription", "body",
        "message", "content", "question", "summary", "subject", "本文", "内容", "テキスト", "作業内容", "不具合内容",
        "問い合わせ内容", "お問い合わせ内容", "件名", "説明", "現象",
    ),
    "case_id": (
        "caseid", "id", "ticketid", "ticket", "ordernumber", "orderno", "orderid", "number", "no", "案件番号",
        "番号", "管理番号", "伝票番号", "受付番号", "指図番号",
    ),
    "segment": (
        "segment", "line", "queue", "asset", "equipment", "product", "machine", "plant", "ライン", "設備", "号機",
        "製品", "部署", "工場", "工程", "機種",
    ),
    "label": (
        "label", "class", "category", "target", "functionallocation", "funclocation", "ラベル", "分類", "区分",
        "カテゴリ", "カテゴリー", "正解", "正解ラベル", "機能場所",
    ),
    "occurred_at": (
        "occurredat", "date", "datetime", "timestamp", "createdat", "created", "startdate", "bscstartdate",
        "orderdate", "日付", "日時", "発生日", "発生日時", "受付日", "受付日時", "作業日", "登録日",
    ),
    "value": (
        "value", "cost", "costs", "amount", "price", "totalcost", "金額", "費用", "価格", "コスト", "損失額",
        "修理費",
    ),
}  # fmt: skip


_OPTION = (
    "{}",
    "option{}",
    "choice{}",
    "選択肢{}",
)  # forms of an option column's name, {} its letter


@dataclass(frozen=True)
class ColumnNames:
    """A file's own names of our columns; None is not given, or not there. "" is none of them,
    though one may be known by name.

    `options` are the columns of a multiple-choice question's options, A's first; `text` is then the
    question's. None: the file has no options; (): they are to be found by name.
    """

    text: str | None = None
    case_id: str | None = None
    segment: str | None = None
    label: str | None = None
    occurred_at: str | None = None
    value: str | None = None
    options: tuple[str, ...] | None = None


def option(field: str) -> str:
    """The command line's option that names the column of `field`."""
    if field == "options":
        return "--option-columns"
    return f"--{field.replace('_', '-')}-column"


def resolve(given: ColumnNames, found: list[str]) -> ColumnNames:
    """Complete `given` from the columns that a file has (`found`; blank names are no columns).

    Raises CasesError where a given name is not there, two columns could be the same one of ours, or
    none is known as the text.
    """
    found = _named(found)
    doubled = next((name for i, name in enumerate(found) if name in found[:i]), None)
    if doubled is not None:
        raise CasesError(f"column {doubled!r} stands twice in the header: rename one of them")
    options = _options(given.options, found)
    names = {
        f.name: _given(f.name, getattr(given, f.name), found)
        for f in fields(ColumnNames)
        if f.name != "options"
    }
    free = [name for name in found if name not in names.values() and name not in (options or ())]
    names |= {field: _known(field, free, found) for field, name in names.items() if name is None}
    if not names["text"]:
        raise CasesError(
            f"no column is known to be the text: name it with --text-column; the file has {_listed(found)}{_separator(found)}"
        )
    return ColumnNames(**{field: name or None for field, name in names.items()}, options=options)


def suggest(found: list[str]) -> dict[str, str | None]:
    """{field of ours: the column that is known to be it by its name}; None where none is, or
    several could be.
    """
    found, suggested = _named(found), {}
    for field in KNOWN:
        try:
            suggested[field] = _known(
                field, [name for name in found if name not in suggested.values()], found
            )
        except CasesError:
            suggested[field] = None
    return suggested


def _named(found: list[str]) -> list[str]:
    return [name for name in found if name.strip()]


def _options(given: tuple[str, ...] | None, found: list[str]) -> tuple[str, ...] | None:
    """The option columns, those given or those that are named after the letters A, B, ...; () where
    none is.
    """
    if given:
        return tuple(_given("options", name, found) for name in given)
    if given is None:
        return None
    named = []
    for letter in LETTERS:
        known = {form.format(letter.casefold()) for form in _OPTION}
        candidates = [name for name in found if _plain(name) in known]
        if len(candidates) > 1:
            raise CasesError(
                f"columns {_listed(candidates, ' and ')} could each be option {letter}: choose with --option-columns"
            )
        if not candidates:
            break
        named.append(candidates[0])
    return tuple(named) if len(named) > 1 else ()


def _given(field: str, name: str | None, found: list[str]) -> str | None:
    """The file's spelling of a name that the user gave: exact, else the only one that differs in
    case, width or spaces.
    """
    if not name or name in found:
        return name
    alike = [other for other in found if _plain(other) == _plain(name)]
    if len(alike) == 1:
        return alike[0]
    raise CasesError(
        f"no column {name!r} (given with {option(field)}): the file has {_listed(found)}{_separator(found)}"
    )


def _known(field: str, free: list[str], found: list[str]) -> str | None:
    candidates = [name for name in free if _plain(name) in KNOWN[field]]
    candidates = [name for name in candidates if _plain(name) == KNOWN[field][0]] or candidates
    if len(candidates) > 1:
        raise CasesError(
            f"columns {_listed(candidates, ' and ')} could each be the {field.replace('_', ' ')}: "
            f"choose one with {option(field)}; the file has {_listed(found)}"
        )
    return candidates[0] if candidates else None


def _plain(name: str) -> str:
    """Lower case, without full-width forms, spaces, '_', '-' and '.'."""
    return "".join(
        c
        for c in unicodedata.normalize("NFKC", name).casefold()
        if not c.isspace() and c not in "_-."
    )


def _listed(names: Iterable[str], between: str = ", ") -> str:
    names = list(names)
    return between.join(repr(n[:60]) for n in names[:20]) + (
        f" and {len(names) - 20} more" if len(names) > 20 else ""
    )


def _separator(found: list[str]) -> str:
    """A hint where the whole header was read as one column."""
    if len(found) == 1 and any(c in found[0] for c in ";\t|,"):
        return ". That is one column: cells are separated by commas in .csv and by tabs in .tsv"
    return ""
