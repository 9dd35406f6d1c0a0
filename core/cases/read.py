"""Files of cases: read and checked row by row. No row is dropped in silence, and nothing in a text
is interpreted.

How files become records, and what a row's number means, stands in core.cases.formats; how a cell is
read in core.cases.cells.
"""

import csv
import hashlib
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.cases.cells import to_moment, to_number, to_text
from core.cases.columns import ColumnNames, resolve
from core.cases.formats import MAX_BYTES, Record, Table, open_table
from core.cases.prompts import LETTERS, question_text
from core.errors import CasesError

COLUMNS = ("row", "case_id", "text", "segment", "label", "occurred_at", "value")
NO_SEGMENT = "-"
_SHOWN = 20
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one row: where, the value found, and a sentence."""

    row: int  # as a person sees it in the file: core.cases.formats says how rows are numbered
    column: str  # of ours; "-" is the whole row
    value: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.message} (found {self.value[:60]!r})"


@dataclass(frozen=True)
class Cases:
    """A file's good rows and every problem of the others, both in file order.

    frame has COLUMNS: row int64; case_id, text, segment and label as object, with "-" for a missing
    segment and None for a missing label; occurred_at datetime64[us] without zone (NaT where
    missing); value float64 (NaN where missing).
    """

    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    source: str
    encoding: str | None  # "utf-8" or "cp932"; None for Parquet and XLSX
    columns: ColumnNames  # the file's own names
    # sha256 of the good cases: the same for the same cases in another file format
    content_hash: str
    sheet: str | None = None  # of an XLSX file: the one that was read
    other_sheets: tuple[str, ...] = ()  # those that were not

    def require_clean(self) -> "Cases":
        """Return self if no row has a problem; else raise CasesError with the first problems, their
        number and what to do.
        """
        if self.problems:
            first = "\n  ".join(str(p) for p in self.problems[:_SHOWN])
            more = (
                f"\n  and {len(self.problems) - _SHOWN:,} more"
                if len(self.problems) > _SHOWN
                else ""
            )
            raise CasesError(
                f"{self.source}: {_counted(len(self.problems), 'problem')} beside {_counted(len(self.frame), 'good row')}; "
                f"nothing was done. A row's number is {self.row_means}:\n  {first}{more}\n"
                "correct them, or pass --skip-bad-rows to use the good rows and write the others to a report",
                problems=self.problems,
            )
        return self

    @property
    def row_means(self) -> str:
        """What a row's number counts in this file."""
        if self.sheet is not None:
            return f"its row in the sheet {self.sheet!r}"
        return (
            "the record's number from 1"
            if self.encoding is None
            else "the line of the file on which it begins"
        )

    def write_problems(self, path: Path) -> None:
        """Write every problem as CSV (UTF-8 with BOM, for Excel). What a spreadsheet would run gets
        an apostrophe before it.
        """
        with Path(path).open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(["row", "column", "value", "problem"])
            writer.writerows(
                [p.row, _no_formula(p.column), _no_formula(p.value), _no_formula(p.message)]
                for p in self.problems
            )


def read_cases(
    path: Path,
    columns: ColumnNames | None = None,
    max_bytes: int = MAX_BYTES,
    sheet: str | None = None,
) -> Cases:
    """Read and check a file. Raises CasesError where it cannot be read at all; problems of single
    rows are in the result.
    """
    return check(open_table(Path(path), max_bytes, sheet), columns, Path(path))


def check(table: Table, columns: ColumnNames | None, path: Path) -> Cases:
    """The cases of a table that was read from `path`. Raises CasesError where its columns do not
    say which is the text.
    """
    names = resolve(columns or ColumnNames(), table.names)
    if not table.records:
        raise CasesError(f"{path} has a header and no row")
    good, problems = _check(table.records, names)
    frame = _frame([case for _, case in good])
    places = None if names.case_id else [place for place, _ in good]
    found = (frame, tuple(problems), str(path), table.encoding, names, _hash(frame, places))
    return Cases(*found, table.sheet, table.other_sheets)


def _check(
    records: list[Record], names: ColumnNames
) -> tuple[list[tuple[int, dict]], list[Problem]]:
    """-> (place among the file's records, case) of the good ones, and all problems."""
    good, problems, first_row = [], [], {}
    for place, record in enumerate(records):
        if record.broken:
            problems.append(Problem(record.row, "-", record.found, record.broken))
            continue
        case, wrong = _case(record, names)
        earlier = first_row.setdefault(case["case_id"], record.row)
        if case["case_id"] and earlier != record.row:
            wrong.append(
                Problem(
                    record.row, "case_id", case["case_id"], f"row {earlier} has the same case id"
                )
            )
        problems += wrong
        if not wrong:
            good.append((place, case))
    return good, problems


def _case(record: Record, names: ColumnNames) -> tuple[dict, list[Problem]]:
    """One record in our columns, and what is wrong with it; a wrong cell is None."""
    wrong: list[Problem] = []

    def text(value: object) -> str:
        return (
            _choice_text(value, [record.cells.get(name) for name in names.options])
            if names.options
            else _case_text(value)
        )

    def label(value: object) -> str | None:
        return (
            _letter(value, len(names.options)) if names.options else to_text(value).strip() or None
        )

    def cell(column: str, convert: Callable[[object], object]) -> object:
        name = getattr(names, column)
        value = record.cells.get(name) if name else None
        try:
            return convert(value)
        except ValueError as e:
            wrong.append(Problem(record.row, column, str(value), str(e)))
            return None

    case = {
        "row": record.row,
        "case_id": cell("case_id", _case_id) if names.case_id else f"row-{record.row}",
        "text": cell("text", text),
        "segment": cell("segment", lambda value: to_text(value).strip() or NO_SEGMENT),
        "label": cell("label", label),
        "occurred_at": cell("occurred_at", to_moment),
        "value": cell("value", lambda value: to_number(to_text(value))),
    }
    return case, wrong


def _case_id(value: object) -> str:
    if not (case_id := to_text(value).strip()):
        raise ValueError("the case id is empty")
    return case_id


def _case_text(value: object) -> str:
    text = to_text(value)
    if not text.strip():
        raise ValueError("the text is empty")
    return text


def _choice_text(question: object, options: list[object]) -> str:
    return question_text(to_text(question), [to_text(option) for option in options])


def _letter(value: object, options: int) -> str | None:
    """The right option's letter, in either case; an index is refused, since nobody knows whether it
    starts at 0 or 1.
    """
    letter = unicodedata.normalize("NFKC", to_text(value)).strip().upper()
    if letter and letter not in LETTERS[:options]:
        raise ValueError(f"not one of the letters {', '.join(LETTERS[:options])} of the options")
    return letter or None


def _frame(cases: list[dict]) -> pd.DataFrame:
    kinds = {"row": np.int64, "occurred_at": "datetime64[us]", "value": np.float64}
    return pd.DataFrame(
        {
            name: pd.Series([case[name] for case in cases], dtype=kinds.get(name, object))
            for name in COLUMNS
        }
    )


def _hash(frame: pd.DataFrame, places: list[int] | None) -> str:
    """sha256 of one JSON array a case, in file order. A made-up case id differs between formats:
    the place stands for it.
    """
    digest = hashlib.sha256()
    for i, case in enumerate(frame[list(COLUMNS[1:])].itertuples(index=False)):
        names = [case.case_id if places is None else places[i], case.text, case.segment, case.label]
        moment = None if pd.isna(case.occurred_at) else case.occurred_at.isoformat()
        value = None if np.isnan(case.value) else case.value + 0.0  # -0.0 is 0.0
        digest.update(json.dumps([*names, moment, value], ensure_ascii=False).encode())
    return digest.hexdigest()


def _no_formula(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
