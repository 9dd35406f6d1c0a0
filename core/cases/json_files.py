"""JSON -> records: an object per line, an array of objects, or an object of columns.

An object within an object gives columns by path: {"data": {"text": "x"}} has the column
"data.text". A record's row is its line in JSON Lines, and its number from 1 in an array. Knows no
column's meaning.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from core.cases.columns import clean_names
from core.cases.encodings import Decoded
from core.cases.table import Notice, Record, Table
from core.errors import CasesError

DEPTH = 6  # objects within objects that become columns
_WRAPPERS = ("data", "cases", "records", "rows", "items", "results")


def read_json(decoded: Decoded, path: Path) -> Table:
    """Return the table of a JSON text. Raises CasesError if no record is an object."""
    text = decoded.text
    if text.lstrip()[:1] == "[" or path.suffix.lower() == ".json":
        value = _single_value(text)
        if value is not None:
            return _table(decoded, "json", _numbered_values(value, path), path)
    records = list(_line_records(text))
    # No line is a record by itself: the text may hold objects written over several lines.
    if records and all(record.broken for record in records):
        values = _value_stream(text)
        if values:
            return _table(decoded, "json", _numbered_values(values, path), path)
    return _table(decoded, "jsonl", records, path)


def flatten_object(cells: dict, prefix: str = "", depth: int = DEPTH) -> dict[str, object]:
    """Return an object's values by path: {"a": {"b": 1}} -> {"a.b": 1}.

    Objects deeper than `depth` stay values; an empty object gives no value.
    """
    flat: dict[str, object] = {}
    for name, value in cells.items():
        if isinstance(value, dict) and depth > 1:
            flat |= flatten_object(value, f"{prefix}{name}.", depth - 1)
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _single_value(text: str) -> object | None:
    """Return the text's one JSON value; None if it holds none, or several."""
    # parse_constant=str keeps NaN and Infinity as texts, where json would make floats of them;
    # brackets nested too deep raise RecursionError.
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _numbered_values(value: object, path: Path) -> list[Record]:
    """Return the records of an array, a wrapped array or an object of columns, numbered from 1.

    Raises CasesError if there are none.
    """
    values = value if isinstance(value, list) else _values_of_object(value)
    if not values:
        raise CasesError("cases.no_json_object", file=str(path))
    return [
        Record(row, flatten_object(cells))
        if isinstance(cells, dict)
        else Record(row, broken=Notice("cases.row_no_object"), content=str(cells))
        for row, cells in enumerate(values, start=1)
    ]


def _values_of_object(value: object) -> list:
    """Return the objects of {"data": [...]} or {"text": [...]}; another object is one record.

    pandas' to_json writes a table as {"text": {"0": value, "1": value, ...}}.
    """
    if not isinstance(value, dict):
        return []
    lists = {n: v for n, v in value.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
    wrapped = [n for n in _WRAPPERS if n in lists] or list(lists)
    if len(wrapped) == 1:
        return lists[wrapped[0]]
    columns = list(value.values())
    if columns and all(isinstance(column, list) for column in columns):
        lengths = {len(column) for column in columns}
        if len(lengths) == 1:
            return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if columns and all(isinstance(column, dict) for column in columns):
        keys = list(columns[0])
        if (
            len(columns) > 1
            and all(list(column) == keys for column in columns)
            and keys[:1] == ["0"]
        ):
            return [{name: column[key] for name, column in value.items()} for key in keys]
    return [value]


def _line_records(text: str) -> Iterator[Record]:
    """Yield a record per line. Only a line feed ends a line: JSON strings may hold U+2028."""
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line, object_pairs_hook=_distinct, parse_constant=str)
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
        json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=str),
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


class _RepeatedName(ValueError):
    """An object repeats a name."""


def _distinct(pairs: list[tuple[str, object]]) -> dict:
    # json would keep the last value of a repeated name and drop the others in silence.
    cells = dict(pairs)
    if len(cells) != len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedName(next(n for n in names if names.count(n) > 1))
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
