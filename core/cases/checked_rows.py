"""A table's rows -> cases, problems and notices, column by column. Knows no format and no file.

A bad text or id refuses its row. A bad date, value, segment or label leaves its cell empty and is
counted. Cells are read by core.cases.cells, numbers and dates.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import cast

from core.cases.cells import CellError, cell_text, is_cut_id, is_unseen, name_text
from core.cases.columns import ColumnNames
from core.cases.dates import parse_dates
from core.cases.doubtful_cells import doubtful_notices
from core.cases.encodings import is_double_encoded
from core.cases.headers import is_number_cell, is_totals_row, repeats_header
from core.cases.joined_tables import rows_of_other_tables
from core.cases.labels import unify_labels
from core.cases.numbers import (
    all_end_in_dashes,
    currencies_of,
    header_multiple,
    parse_numbers,
)
from core.cases.prompts import LETTERS, question_text
from core.cases.second_headers import second_headers
from core.cases.table import (
    Notice,
    ReadingOptions,
    Record,
    RowProblem,
    Table,
    notices_of_rows,
    rare_rows,
)
from core.errors import CasesError
from core.stats.date_span import robust_span

NO_SEGMENT = "-"
_FIRST_YEAR = 1900  # before it, or in ten years, no cases occur: another calendar counts so
_KANA = re.compile("[\u3041-\u30fe]")


class CheckedRows:
    """A table's rows in our columns: cases, their places in the records, problems and notices."""

    def __init__(self, table: Table, names: ColumnNames, options: ReadingOptions):
        self.names, self.options, self.table = names, options, table
        self.cases: list[dict] = []
        self.places: list[int] = []
        self.problems: list[RowProblem] = []
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
        self.notices += doubtful_notices(table, names, self.cases, records)
        texts = [str(case["text"]) for case in self.cases]
        if len(texts) > 1 and all(map(is_number_cell, texts)):
            self.notices.append(Notice("cases.texts_are_numbers", {"value": texts[0][:60]}))
        twice = [case["row"] for case in self.cases if is_double_encoded(case["text"])]
        self.notices += notices_of_rows("cases.double_encoded", twice)

    def _cell(self, record: Record, column: str) -> object:
        name = getattr(self.names, column)
        return record.cells.get(name) if name else None

    def _check_rows(self) -> None:
        """Collect ids and texts; a row without either, or with another row's id, is a problem."""
        first_row: dict[str, int] = {}
        headers: list[int] = []
        totals: list[int] = []
        described, notices = second_headers(self.table, self.names)
        self.notices += notices
        others = rows_of_other_tables(self.table)
        for place, record in enumerate(self.table.records):
            if place in described:
                continue
            if place in others:
                written = ", ".join(str(c) for c in record.cells.values() if c is not None)
                self.problems.append(
                    RowProblem(record.row, "-", written, "cases.row_other_table", {})
                )
                continue
            if broken := record.broken:
                self.problems.append(
                    RowProblem(record.row, "-", record.content, broken.code, broken.values)
                )
                continue
            if repeats_header(record.cells):
                headers.append(record.row)
                continue
            if is_totals_row(record, self._cell(record, "text")):
                totals.append(record.row)
                continue
            wrong: list[RowProblem] = []
            case_id = f"row-{record.row}"
            if self.names.case_id:
                case_id = self._required(record, "case_id", _case_id, wrong) or ""
            text = self._required(
                record, "text", lambda value, r=record: self._text(r, value), wrong
            )
            taken_by = first_row.setdefault(case_id, record.row)
            if case_id and taken_by != record.row:
                wrong.append(
                    RowProblem(record.row, "case_id", case_id, "cases.same_id", {"row": taken_by})
                )
            self.problems += wrong
            if not wrong:
                self.places.append(place)
                self.cases.append({"row": record.row, "case_id": case_id, "text": text})
        self.notices += notices_of_rows("cases.repeated_headers", headers)
        self.notices += notices_of_rows("cases.totals_rows", totals)

    def _required(self, record: Record, column: str, convert: Callable, wrong: list[RowProblem]):
        value = self._cell(record, column)
        try:
            return convert(value)
        except CellError as e:
            wrong.append(
                RowProblem(
                    record.row, column, str("" if value is None else value), e.code, e.values
                )
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
        years = sorted(moment.year for moment in moments)
        usual = range(_FIRST_YEAR, date.today().year + 11)
        if sum(year not in usual for year in years) * 2 > len(years):
            place = next(i for i, m in enumerate(dates.moments) if isinstance(m, datetime))
            raise CasesError(
                "cases.other_calendar",
                column=self.names.occurred_at,
                row=records[place].row,
                value=str(values[place])[:60],
                first=years[0],
                last=years[-1],
            )
        span = robust_span(moments)
        if span is not None and span.far:
            far = set(span.far)
            rows = [
                r.row
                for r, moment in zip(records, dates.moments, strict=True)
                if isinstance(moment, datetime) and moment in far
            ]
            named = sorted({moment.date().isoformat() for moment in far})
            facts_of_far = {"n": len(rows), "dates": rare_rows(named), "rows": rare_rows(rows)}
            self.notices.append(Notice("cases.far_dates", facts_of_far))

    def _add_values(self, records: list[Record]) -> None:
        values = [self._cell(record, "value") for record in records]
        # Kana, since kanji alone may be Chinese.
        texts = [str(case["text"]) for case in self.cases[:200]]
        japanese = bool(_KANA.search("".join([*texts, *self.table.names])))
        with _naming_column(self.names.value, values, records):
            multiple = self._unit_of_values()
            dashes = japanese and all_end_in_dashes(values)
            numbers = parse_numbers(values, self.options.decimal, japanese, multiple, dashes)
        self._add("value", numbers, records)
        if dashes:
            value = next(str(value) for value in values if value)[:60]
            self.notices.append(
                Notice("cases.dash_ends", {"column": self.names.value, "value": value})
            )
        if multiple != 1:
            facts = {"column": self.names.value, "multiple": f"{multiple:,.0f}"}
            self.notices.append(Notice("cases.multiplied_values", facts))
        currencies = currencies_of(values)
        if len(currencies) > 1:
            self.notices.append(Notice("cases.mixed_currencies", {"currencies": currencies}))

    def _unit_of_values(self) -> float:
        """Return what one unit of the values is, by the column's name or by a title above it."""
        units = [n for n in self.table.notices if n.code == "cases.unit_above_header"]
        multiple = header_multiple(self.names.value or "")
        if multiple != 1 or not units or not self.names.value:
            return multiple
        return header_multiple(f"({units[0].values['unit']})")

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
    if is_unseen(text):
        raise CellError("cases.empty_text")
    return text
