"""Reading of a file of cases: checks row by row, drops no row in silence and interprets no text.

Only a bad text or id refuses a row. An unreadable date, value, segment or label leaves its cell
empty and is counted. core.cases.formats turns files into records and numbers their rows;
core.cases.cells, numbers and dates read the cells.
"""

import csv
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from core.cases.cells import CellError, cell_text, is_cut_id, name_text
from core.cases.columns import ColumnNames, resolve_columns
from core.cases.dates import parse_dates
from core.cases.formats import open_table
from core.cases.headers import repeats_header
from core.cases.labels import unify_labels
from core.cases.numbers import currencies_of, parse_numbers
from core.cases.prompts import LETTERS, question_text
from core.cases.table import (
    MAX_BYTES,
    Notice,
    ReadingOptions,
    Record,
    Table,
    notices_of_rows,
    rare_rows,
)
from core.errors import CasesError
from core.stats.date_span import robust_span

CASE_COLUMNS = ("row", "case_id", "text", "segment", "label", "occurred_at", "value")
NO_SEGMENT = "-"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_KANA = re.compile("[\u3041-\u30fe]")


@dataclass(frozen=True)
class Problem:
    """One problem of one row: its place and value, and the reason's code and values."""

    row: int  # as people count in the file; core.cases.table.Table.row_unit is the unit
    column: str  # our name; "-" is the whole row
    value: str
    code: str
    values: dict


@dataclass(frozen=True)
class Cases:
    """A file's good rows, the problems of the others, both in file order, and the file's notices.

    frame has CASE_COLUMNS: row int64; case_id, text, segment and label as object, with "-" for a
    missing segment and None for a missing label; occurred_at datetime64[us] without zone (NaT if
    missing); value float64 (NaN if missing). table is the file's, without its records.
    """

    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    notices: tuple[Notice, ...]
    source: str
    table: Table
    rows: int  # records of the file, good and bad
    columns: ColumnNames  # the file's own names
    content_hash: (
        str  # sha256 of the good cases: the same for the same cases in another file format
    )

    @property
    def encoding(self) -> str | None:
        """The codec of a text file; None for Parquet and sheets."""
        return self.table.encoding

    @property
    def sheet(self) -> str | None:
        """The sheet that was read; None for other formats."""
        return self.table.sheet

    @property
    def other_sheets(self) -> tuple[str, ...]:
        """The workbook's sheets that were not read."""
        return self.table.other_sheets

    def require_clean(self) -> "Cases":
        """Return self if no row has a problem; else raise CasesError with all of them."""
        if self.problems:
            raise CasesError(
                "cases.bad_rows",
                file=self.source,
                n=len(self.problems),
                good=len(self.frame),
                unit=Notice(f"cases.row_unit_{self.table.row_unit}", {"sheet": self.sheet}),
                problems=self.problems,
            )
        return self

    def write_problems(self, path: Path, sentence: Callable[[Problem], str]) -> None:
        """Write every problem as CSV (UTF-8 with BOM, for Excel); `sentence` gives its reason.

        A cell that a spreadsheet would run as a formula gets an apostrophe in front.
        """
        # backslashreplace: a bad cell may hold a lone surrogate, which UTF-8 cannot encode.
        with Path(path).open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(["row", "column", "value", "problem"])
            for p in self.problems:
                writer.writerow([p.row, *map(_no_formula, (p.column, p.value, sentence(p)))])


def read_cases(
    path: Path,
    columns: ColumnNames | None = None,
    options: ReadingOptions | None = None,
    max_bytes: int = MAX_BYTES,
) -> Cases:
    """Read and check a file; problems of single rows are in the result.

    columns: the file's own names; None recognises them. options: the user's; None is all by the
    file's own evidence. max_bytes: limit of the unpacked size. Raises CasesError if the file has no
    reading, or two.
    """
    path, options = Path(path), options or ReadingOptions()
    return check_table(open_table(path, options, columns, max_bytes), columns, path, options)


def check_table(
    table: Table, columns: ColumnNames | None, path: Path, options: ReadingOptions | None = None
) -> Cases:
    """Return the cases of a table that was read from `path`.

    columns, options: as in `read_cases`. Raises CasesError if no column is recognised as the text,
    if the table has no rows, or if a column of dates or values has two readings.
    """
    names = _resolved(table, columns or ColumnNames())
    if not table.records:
        raise CasesError("cases.no_rows", file=str(path))
    checked = _CheckedRows(table, names, options or ReadingOptions())
    frame = _frame(checked.cases)
    hashed = _hash(frame, None if names.case_id else checked.places)
    return Cases(
        frame,
        tuple(checked.problems),
        (*table.notices, *checked.notices),
        str(path),
        replace(table, records=[]),
        len(table.records),
        names,
        hashed,
    )


def _resolved(table: Table, columns: ColumnNames) -> ColumnNames:
    """Return the file's columns; if a sheet has no text, the error names the other sheets."""
    try:
        return resolve_columns(columns, table.names)
    except CasesError as e:
        if e.code == "cases.no_text_column" and table.other_sheets:
            sheets = [repr(name) for name in table.other_sheets]
            raise CasesError(
                "cases.no_text_in_sheet", sheet=table.sheet, sheets=sheets, **e.values
            ) from e
        raise


class _CheckedRows:
    """A table's rows in our columns: cases, their places in the records, problems and notices."""

    def __init__(self, table: Table, names: ColumnNames, options: ReadingOptions):
        self.names, self.options, self.table = names, options, table
        self.cases: list[dict] = []
        self.places: list[int] = []
        self.problems: list[Problem] = []
        self.notices: list[Notice] = []
        # The rows first: every other column has one value per good row.
        self._check_rows()
        records = [table.records[place] for place in self.places]
        self._add(
            "segment", [_or_error(name_text, self._cell(r, "segment")) for r in records], records
        )
        self._add(
            "label", [_or_error(self._label, self._cell(r, "label")) for r in records], records
        )
        self._add_dates(records)
        self._add_values(records)
        self._unify()
        self._warn_of_ids(records)

    def _cell(self, record: Record, column: str) -> object:
        name = getattr(self.names, column)
        return record.cells.get(name) if name else None

    def _check_rows(self) -> None:
        """Collect ids and texts; a row without either, or with another row's id, is a problem."""
        first_row: dict[str, int] = {}
        headers: list[int] = []
        for place, record in enumerate(self.table.records):
            if broken := record.broken:
                self.problems.append(
                    Problem(record.row, "-", record.content, broken.code, broken.values)
                )
                continue
            if repeats_header(record.cells):
                headers.append(record.row)
                continue
            wrong: list[Problem] = []
            case_id = f"row-{record.row}"
            if self.names.case_id:
                case_id = self._required(record, "case_id", _case_id, wrong) or ""
            text = self._required(
                record, "text", lambda value, r=record: self._text(r, value), wrong
            )
            taken_by = first_row.setdefault(case_id, record.row)
            if case_id and taken_by != record.row:
                wrong.append(
                    Problem(record.row, "case_id", case_id, "cases.same_id", {"row": taken_by})
                )
            self.problems += wrong
            if not wrong:
                self.places.append(place)
                self.cases.append({"row": record.row, "case_id": case_id, "text": text})
        self.notices += notices_of_rows("cases.repeated_headers", headers)

    def _required(self, record: Record, column: str, convert: Callable, wrong: list[Problem]):
        value = self._cell(record, column)
        try:
            return convert(value)
        except CellError as e:
            wrong.append(
                Problem(record.row, column, str("" if value is None else value), e.code, e.values)
            )
            return None

    def _text(self, record: Record, value: object) -> str:
        if not self.names.options:
            return _case_text(value)
        options = [cell_text(record.cells.get(name)) for name in self.names.options]
        return question_text(cell_text(value), options)

    def _label(self, value: object) -> str | None:
        """Return a label; a question's is a letter, since an index could start at 0 or 1."""
        if not self.names.options:
            return name_text(value) or None
        letter = unicodedata.normalize("NFKC", cell_text(value)).strip().upper()
        letters = LETTERS[: len(self.names.options)]
        if letter and letter not in letters:
            raise CellError("cases.cell_letter", letters=list(letters))
        return letter or None

    def _add(self, column: str, values: list, records: list[Record]) -> None:
        """Put a column into the cases; CellErrors leave cells empty and count by their reason."""
        errors: dict[str, list[tuple[Record, CellError]]] = {}
        empty = {"segment": NO_SEGMENT, "value": float("nan")}.get(column)
        for case, value, record in zip(self.cases, values, records, strict=True):
            if isinstance(value, CellError):
                errors.setdefault(value.code, []).append((record, value))
                value = None
            case[column] = empty if value is None or value == "" else value
        for code, bad in errors.items():
            record, error = bad[0]
            values_of_notice = {
                "column": column,
                "field": Notice(f"cases.field_{column}"),
                "n": len(bad),
                "rows": rare_rows([r.row for r, _ in bad]),
                "value": str(self._cell(record, column))[:60],
                "reason": Notice(code, error.values),
            }
            self.notices.append(Notice("cases.cells_left_empty", values_of_notice))

    def _add_dates(self, records: list[Record]) -> None:
        values = [self._cell(record, "occurred_at") for record in records]
        with _naming_column(self.names.occurred_at, values, records):
            dates = parse_dates(
                values, self.options.date_order, self.options.timezone, self.table.epoch_1904
            )
        self._add("occurred_at", dates.moments, records)
        self.notices += dates.notices
        moments = [moment for moment in dates.moments if isinstance(moment, datetime)]
        span = robust_span(moments)
        if span is not None and span.far:
            far = set(span.far)
            rows = [
                r.row
                for r, moment in zip(records, dates.moments, strict=True)
                if isinstance(moment, datetime) and moment in far
            ]
            named = sorted({moment.date().isoformat() for moment in far})
            facts = {"n": len(rows), "dates": rare_rows(named), "rows": rare_rows(rows)}
            self.notices.append(Notice("cases.far_dates", facts))

    def _add_values(self, records: list[Record]) -> None:
        values = [self._cell(record, "value") for record in records]
        # Kana, since kanji alone may be Chinese.
        texts = [str(case["text"]) for case in self.cases[:200]]
        japanese = bool(_KANA.search("".join([*texts, *self.table.names])))
        with _naming_column(self.names.value, values, records):
            numbers = parse_numbers(values, self.options.decimal, japanese)
        self._add("value", numbers, records)
        currencies = currencies_of(values)
        if len(currencies) > 1:
            self.notices.append(Notice("cases.mixed_currencies", {"currencies": currencies}))

    def _unify(self) -> None:
        """Give labels of one normal form one spelling."""
        spelling = unify_labels(case["label"] for case in self.cases)
        if not spelling:
            return
        n = 0
        for case in self.cases:
            if case["label"] in spelling:
                case["label"], n = spelling[case["label"]], n + 1
        pairs = [f"{label!r} = {best!r}" for label, best in list(spelling.items())[:10]]
        self.notices.append(Notice("cases.labels_unified", {"n": n, "labels": pairs}))

    def _warn_of_ids(self, records: list[Record]) -> None:
        """Add a notice of the ids that a spreadsheet has cut to 15 digits or to an exponent."""
        cut = [
            record.row
            for record, case in zip(records, self.cases, strict=True)
            if self.names.case_id and is_cut_id(self._cell(record, "case_id"), case["case_id"])
        ]
        self.notices += notices_of_rows("cases.cut_ids", cut)


class _naming_column:
    """Context that adds its column, and the row of the cell at fault, to a CasesError."""

    def __init__(self, column: str | None, values: list, records: list[Record]):
        self.column, self.values, self.records = column, values, records

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CasesError):
            place = cast(int | None, error.values.pop("place", None))
            row = None if place is None else self.records[place].row
            error.values.update(column=self.column, row=row)


def _or_error(convert: Callable[[object], object], value: object) -> object:
    try:
        return convert(value)
    except CellError as e:
        return e


def _case_id(value: object) -> str:
    if not (case_id := name_text(value)):
        raise CellError("cases.empty_id")
    return case_id


def _case_text(value: object) -> str:
    text = cell_text(value)
    if not text.strip():
        raise CellError("cases.empty_text")
    return text


def _frame(cases: list[dict]) -> pd.DataFrame:
    kinds = {"row": np.int64, "occurred_at": "datetime64[us]", "value": np.float64}
    return pd.DataFrame(
        {
            name: pd.Series([case[name] for case in cases], dtype=kinds.get(name, object))
            for name in CASE_COLUMNS
        }
    )


def _hash(frame: pd.DataFrame, places: list[int] | None) -> str:
    """Return the sha256 of one JSON array per case, in file order.

    places: replace ids made from row numbers, which differ between formats; None keeps the ids.
    """
    digest = hashlib.sha256()
    for i, case in enumerate(frame[list(CASE_COLUMNS[1:])].itertuples(index=False)):
        names = [case.case_id if places is None else places[i], case.text, case.segment, case.label]
        moment = None if pd.isna(case.occurred_at) else case.occurred_at.isoformat()
        value = None if np.isnan(case.value) else case.value + 0.0  # -0.0 is 0.0
        digest.update(json.dumps([*names, moment, value], ensure_ascii=False).encode())
    return digest.hexdigest()


def _no_formula(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell
