"""Which column of a stranger's file is which: given by name, or found by the names people use, in English and Japanese."""

from dataclasses import dataclass, fields, replace

from core.errors import CasesError

# Names are compared in lower case without spaces, '_', '-' and '.'. The first name of a list that a file has wins.
KNOWN = {
    "text": (
        "text", "casetext", "description", "shorttext", "originalshorttext", "longtext", "body", "message", "content", "question", "本文", "内容",
        "テキスト", "作業内容", "不具合内容", "件名", "説明",
    ),
    "case_id": ("caseid", "id", "ticketid", "ticket", "ordernumber", "orderno", "number", "no", "案件番号", "番号", "管理番号", "伝票番号", "受付番号"),
    "segment": ("segment", "line", "queue", "asset", "product", "machine", "plant", "ライン", "設備", "号機", "製品", "部署", "工場"),
    "label": ("label", "class", "category", "target", "functionallocation", "funclocation", "ラベル", "分類", "区分", "カテゴリ", "正解"),
    "occurred_at": ("occurredat", "date", "datetime", "timestamp", "createdat", "created", "startdate", "bscstartdate", "日付", "日時", "発生日", "発生日時", "受付日"),
    "value": ("value", "cost", "amount", "price", "金額", "費用", "価格", "コスト"),
}  # fmt: skip


@dataclass(frozen=True)
class ColumnNames:
    """A file's own names of our columns; None is not given, or not there."""

    text: str | None = None
    case_id: str | None = None
    segment: str | None = None
    label: str | None = None
    occurred_at: str | None = None
    value: str | None = None


def resolve(given: ColumnNames, found: list[str]) -> ColumnNames:
    """Complete `given` from the columns that a file has. Raises CasesError where a given name is not there, or no text is found."""
    doubled = next((name for i, name in enumerate(found) if name in found[:i]), None)
    if doubled is not None:
        raise CasesError(f"column {doubled!r} stands twice in the header: rename one of them")
    for field in fields(ColumnNames):
        name = getattr(given, field.name)
        if name is not None and name not in found:
            raise CasesError(f"no column {name!r} (asked for as the {_words(field.name)}): the file has {_listed(found)}")
    taken = {getattr(given, f.name) for f in fields(ColumnNames)}
    plain = {}
    for name in found:
        plain.setdefault(_plain(name), name)
    for field in fields(ColumnNames):
        if getattr(given, field.name) is None:
            name = next((plain[k] for k in KNOWN[field.name] if plain.get(k) not in (None, *taken)), None)
            given = replace(given, **{field.name: name})
            taken.add(name)
    if given.text is None:
        raise CasesError(f"no column is known to be the text: name it with --text-column; the file has {_listed(found)}")
    return given


def _plain(name: str) -> str:
    return "".join(c for c in name.strip().lower() if c not in " _-.")


def _words(field: str) -> str:
    return field.replace("_", " ")


def _listed(names: list[str]) -> str:
    return ", ".join(repr(n) for n in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
