"""JSON -> records: an object per line, an array of objects, or an object of columns.

An object within an object gives columns by path: {"data": {"text": "x"}} has the column
"data.text". A record's row is its line in JSON Lines, and its number from 1 in an array. Knows no
column's meaning.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from core.cases.columns import ColumnNames, clean_names, names_text
from core.cases.encodings import Decoded
from core.cases.table import Notice, Record, Table
from core.errors import CasesError

DEPTH = 6  # objects within objects that become columns
# Who speaks in a chat with a model, by its field "role" or "from".
_SPEAKERS = ("user", "assistant", "system", "model", "human", "gpt", "developer", "tool")
_TURNS = ({"role", "content"}, {"from", "value"}, {"role", "parts"})  # with no other field
_WRAPPERS = ("data", "cases", "records", "rows", "items", "results")


def read_json(decoded: Decoded, path: Path, requested: ColumnNames) -> Table:
    """Return the table of a JSON text; `requested` names the columns that tell a record.

    Raises CasesError if no record is an object, or if two levels of objects could be the cases.
    """
    text = decoded.text
    if text.startswith("\x1e"):  # JSON text sequences begin each value with it
        text = text.replace("\x1e", "")
    if text.lstrip()[:1] == "[" or path.suffix.lower() == ".json":
        value = _single_value(text, path)
        if value is not None:
            return _table(decoded, "json", _numbered_values(value, path, requested), path)
    records = list(_line_records(text))
    # A line that is no record: the text may hold objects over several lines, or commas after them.
    if any(record.broken for record in records):
        values = _value_stream(text)
        if values:
            return _table(decoded, "json", _numbered_values(values, path, requested), path)
    value = _single_value(text, path) if len(records) == 1 else None
    if isinstance(value, dict) and not names_text(flatten_object(value), requested):
        records = _numbered_values(value, path, requested)
    return _table(decoded, "jsonl", records, path)


def is_json(text: str) -> bool:
    """Return whether a text of another name is JSON: its first line, or all of it, is objects."""
    start = text.lstrip()
    if start[:1] not in ("{", "["):
        return False
    value = _single_value(start.split("\n", 1)[0]) or _single_value(start)
    return isinstance(value, dict) or _is_list_of(value, dict)


def flatten_object(cells: dict, prefix: str = "", depth: int = DEPTH) -> dict[str, object]:
    """Return an object's values by path: {"a": {"b": 1}} -> {"a.b": 1}.

    Objects deeper than `depth` stay values; an empty object gives no value.
    """
    flat: dict[str, object] = {}
    for name, value in cells.items():
        value = _plain_value(value)
        if isinstance(value, dict) and depth > 1:
            inner = flatten_object(value, f"{prefix}{name}.", depth - 1)
        else:
            inner = {f"{prefix}{name}": value}
        # {"a.b": 1, "a": {"b": 2}} has two values of one path: neither replaces the other.
        for path, cell in inner.items():
            names = itertools.chain([path], (f"{path} [{n}]" for n in itertools.count(2)))
            flat[next(name for name in names if name not in flat)] = cell
    return flat


def _plain_value(value: object) -> object:
    """Return a value of MongoDB's typed form, {"$date": ...} or {"$oid": ...}, without its type."""
    while isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("$"):
        value = next(iter(value.values()))
    return value


def _single_value(text: str, path: Path | None = None) -> object | None:
    """Return the text's one JSON value; None if it holds none, or several.

    Raises CasesError, if the file's `path` is given, for an object that repeats a name.
    """
    # Brackets nested too deep raise RecursionError.
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_constant)
    except _RepeatedName as e:
        if path is None or text.lstrip()[:1] != "[":
            return None
        raise CasesError("cases.json_name_twice", file=str(path), name=str(e)) from e
    except (ValueError, RecursionError):
        return None


def _numbered_values(value: object, path: Path, requested: ColumnNames) -> list[Record]:
    """Return the records of an array, a wrapped array or an object of columns, numbered from 1.

    Raises CasesError if there are none.
    """
    if isinstance(value, list) and _is_list_of(value, dict) and set(value[0]) in _TURNS:
        _refuse_chat(value, path)
    values = value if isinstance(value, list) else _values_of_object(value, path, requested)
    if not values:
        raise CasesError("cases.no_json_object", file=str(path))
    return [
        Record(row, flatten_object(cells))
        if isinstance(cells, dict)
        else Record(row, broken=Notice("cases.row_no_object"), content=str(cells))
        for row, cells in enumerate(values, start=1)
    ]


def _values_of_object(value: object, path: Path, requested: ColumnNames) -> list:
    """Return the objects of {"data": [...]}, at any depth, or of pandas' forms of a table.

    Those are {"text": [value, ...]}, {"text": {"0": value, ...}}, {"0": {"text": value}, ...} and
    {"columns": [...], "data": [[value, ...], ...]}. Another object is one record.
    """
    if not isinstance(value, dict):
        return []
    columns = list(value.values())
    names, rows = value.get("columns", []), value.get("data", [])
    if _is_list_of(names, str) and _is_list_of(rows, list):
        records = [dict(zip(names, cells, strict=False)) for cells in rows]
        return _with_index(records, value.get("index"))
    plain = all(isinstance(column, list) and not _is_list_of(column, dict) for column in columns)
    if columns and plain and len({len(column) for column in columns}) == 1:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if columns and all(isinstance(column, dict) for column in columns):
        keys = max(map(list, columns), key=len)  # a column may lack the keys of its empty cells
        named = bool(names_text(value, requested))
        is_table = all(list(column) == keys for column in columns) or (
            named and all(k.isdecimal() for k in keys) and all(set(c) <= set(keys) for c in columns)
        )
        if is_table and (keys[:1] == ["0"] or (keys and named)):
            records = [{name: column.get(key) for name, column in value.items()} for key in keys]
            return _with_index(records, keys)
        numbered = all(key.isdecimal() for key in value)
        if numbered and (is_table or list(value) == [str(i) for i in range(len(value))]):
            return _with_index(columns, list(value))
    lists = list(_lists_of_objects(value))
    if len(lists) == 1:
        _refuse_chat(lists[0], path)
        _refuse_two_levels(value, lists[0], path, requested)
        return lists[0]
    return [value]


def _with_index(records: list[dict], index: object) -> list[dict]:
    """Return the records with a column "index" of their names, unless those only count them."""
    if not isinstance(index, list) or len(index) != len(records):
        return records
    counted = [str(place) for place in range(len(records))]
    if list(map(str, index)) == counted or any("index" in record for record in records):
        return records
    return [{"index": name} | record for name, record in zip(index, records, strict=True)]


def _refuse_chat(turns: list, path: Path) -> None:
    """Raise CasesError if the objects of a list are turns of one chat, and no cases."""
    if all(isinstance(turn, dict) and _is_turn(turn) for turn in turns):
        raise CasesError("cases.json_chat", file=str(path), n=len(turns))


def _is_turn(value: dict) -> bool:
    speaker = value.get("role") or value.get("from")
    return speaker in _SPEAKERS and not {"content", "value", "parts"}.isdisjoint(value)


def _refuse_two_levels(value: dict, inner: list, path: Path, requested: ColumnNames) -> None:
    """Raise CasesError if both an object and the objects of its list have a text."""
    plain = [name for name, cell in value.items() if not isinstance(cell, list | dict)]
    text = next((name for name in plain if names_text([name], requested)), None)
    if text and names_text(flatten_object(inner[0]), requested):
        raise CasesError("cases.json_two_levels", file=str(path), name=text, n=len(inner))


def _lists_of_objects(value: dict, depth: int = DEPTH) -> Iterator[list]:
    """Yield the lists of objects in an object; of several at its top, those with a usual name."""
    lists = {name: v for name, v in value.items() if _is_list_of(v, dict)}
    usual = {name: v for name, v in lists.items() if name in _WRAPPERS}
    yield from (usual or lists).values()
    if not lists and depth > 1:
        for inner in value.values():
            if isinstance(inner, dict):
                yield from _lists_of_objects(inner, depth - 1)


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], kind)


def _line_records(text: str) -> Iterator[Record]:
    """Yield a record per line. Only a line feed ends a line: JSON strings may hold U+2028."""
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line, object_pairs_hook=_distinct, parse_constant=_constant)
        except (ValueError, RecursionError) as e:
            code = "cases.row_name_twice" if isinstance(e, _RepeatedName) else "cases.row_no_json"
            values = {"name": str(e)} if isinstance(e, _RepeatedName) else {}
            yield Record(row, broken=Notice(code, values), content=line)
            continue
        if isinstance(cells, dict):
            yield Record(row, flatten_object(cells))
        else:
            yield Record(row, broken=Notice("cases.row_no_object"), content=line)


def _value_stream(text: str) -> list:
    """Return the objects of a text that holds them one after another; [] for any other text."""
    decoder, values, place = (
        json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_constant),
        [],
        0,
    )
    while place < len(text):
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place == len(text):
            break
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return []
        values.append(value)
    return values if all(isinstance(value, dict) for value in values) else []


def _constant(name: str) -> str | None:
    """Return the value of NaN, Infinity or -Infinity; libraries write NaN for no value."""
    return None if name == "NaN" else name


class _RepeatedName(ValueError):
    """An object repeats a name."""


def _distinct(pairs: list[tuple[str, object]]) -> dict:
    # json would keep the last value of a repeated name and drop the others in silence. Truth values
    # stay as written: Python would write True.
    cells = {n: str(v).lower() if isinstance(v, bool) else v for n, v in pairs}
    if len(cells) != len(pairs):
        names = Counter(name for name, _ in pairs)  # an object may have a million names
        raise _RepeatedName(next(name for name, n in names.items() if n > 1))
    return cells


def _table(decoded: Decoded, format_name: str, records: list[Record], path: Path) -> Table:
    """Return the table of the records, with cleaned names in the order of their appearance."""
    keys = dict.fromkeys(name for record in records for name in record.cells)
    if not keys:
        raise CasesError("cases.no_json_object", file=str(path))
    names = clean_names(keys)
    renamed = {key: name for key, name in zip(keys, names, strict=True) if key != name}
    if renamed:
        records = [
            Record(r.row, {renamed.get(k, k): v for k, v in r.cells.items()}, r.broken, r.content)
            for r in records
        ]
    return Table(
        format_name,
        names,
        records,
        decoded.encoding,
        decoded.basis,
        lines=len(decoded.text.splitlines()),
        notices=decoded.notices,
    )
