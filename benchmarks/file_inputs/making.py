"""How the inputs of benchmarks.files are made and what is expected of each. Knows file formats, not
how they are read.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

Expected = Mapping[
    str, object
]  # column of ours -> what a case has; a date by the beginning of its ISO form

Change = Callable[[openpyxl.Workbook], None]  # of a workbook before it is saved


@dataclass(frozen=True)
class Input:
    """A file and what is right: its cases (the columns that are named), codes that must be told, or
    a refusal.

    options: of core.cases.table.ReadingOptions; columns: of core.cases.columns.ColumnNames.
    refusals: codes, without "cases.", that are a clear answer too. works: whether people expect the
    file to be read.
    """

    name: str
    content: bytes
    cases: Sequence[Expected] = ()
    told: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    works: bool = True
    options: Mapping[str, object] = field(default_factory=dict)
    columns: Mapping[str, object] = field(default_factory=dict)


def refused(name: str, content: bytes, *codes: str, **more) -> Input:
    """Return a file that people do not expect to be read, and the codes that refuse it clearly."""
    return Input(name, content, refusals=codes, works=False, **more)


def text_file(*lines: str, encoding: str = "utf-8", end: str = "\n") -> bytes:
    """Return the lines as bytes."""
    return (end.join(lines) + end).encode(encoding)


def expect(column: str, *values: object) -> list[Expected]:
    """Return one expectation a case, of one column."""
    return [{column: value} for value in values]


def column_file(name: str, header: str, column: str, pairs: Mapping[str, object], **more) -> Input:
    """Return a file of one column of cells: `pairs` are a cell and what it is read as."""
    lines = [f"{i};text {i};{cell}" for i, cell in enumerate(pairs, 1)]
    content = text_file(f"id;text;{header}", *lines)
    return Input(name, content, expect(column, *pairs.values()), **more)


def quoted_csv(
    rows: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8"
) -> bytes:
    """Return rows as the csv module writes them."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def json_lines(*objects: object) -> bytes:
    """Return JSON Lines."""
    return "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects).encode()


def parquet(columns: Mapping[str, object]) -> bytes:
    """Return a Parquet file of columns: lists or Arrow arrays."""
    out = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), out)
    return out.getvalue()


def workbook(
    rows: Sequence[Sequence[object]],
    change: Change | None = None,
    edits: Sequence[tuple[str, str, str]] = (),
) -> bytes:
    """Return an XLSX file of one sheet; `change` alters it before it is saved, `edits` (part, old,
    new) its XML after.
    """
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    if change is not None:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return edit_parts(out.getvalue(), edits) if edits else out.getvalue()


def merge_cells(*ranges: str) -> Change:
    """Return the change that merges ranges of the first sheet."""

    def change(book: openpyxl.Workbook) -> None:
        for cells in ranges:
            book.active.merge_cells(cells)

    return change


def hide_row(row: int) -> Change:
    """Return the change that hides a row of the first sheet."""

    def change(book: openpyxl.Workbook) -> None:
        book.active.row_dimensions[row].hidden = True

    return change


def hide_column(letter: str) -> Change:
    """Return the change that hides a column of the first sheet."""

    def change(book: openpyxl.Workbook) -> None:
        book.active.column_dimensions[letter].hidden = True

    return change


def format_column(column: int, *formats: str) -> Change:
    """Return the change that gives the cells of a column, below the header, number formats."""

    def change(book: openpyxl.Workbook) -> None:
        for row, number_format in enumerate(formats, start=2):
            book.active.cell(row=row, column=column).number_format = number_format

    return change


def edit_parts(content: bytes, edits: Sequence[tuple[str, str, str]]) -> bytes:
    """Return a workbook with texts of its XML replaced; the part "*" is every part. Raises
    ValueError if one is absent.
    """
    parts = zip_parts(content)
    for part, old, new in edits:
        names = list(parts) if part == "*" else [part]
        if not any(old.encode() in parts[name] for name in names):
            raise ValueError(f"{part} has no {old!r}")
        for name in names:
            parts[name] = parts[name].replace(old.encode(), new.encode())
    return zip_file(parts)


def zip_parts(content: bytes) -> dict[str, bytes]:
    """Return {name: content} of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_file(parts: Mapping[str, bytes]) -> bytes:
    """Return an archive of {name: content}."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


STRICT = [
    (
        "*",
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
    ),
    (
        "*",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "http://purl.oclc.org/ooxml/officeDocument/relationships",
    ),
]

NOON = datetime(2024, 2, 14, 12)

TWO_ROWS = [["id", "text", "label"], [1, "bearing hot", "B"], [2, "relay dead", "R"]]
TWO_TEXTS = expect("text", "bearing hot", "relay dead")
TWO_LABELLED = [{"text": "bearing hot", "label": "B"}, {"text": "relay dead", "label": "R"}]
