"""Reading of a file of cases: checks row by row, drops no row in silence and interprets no text.

Only a bad text or id refuses a row. An unreadable date, value, segment or label leaves its cell
empty and is counted. core.cases.formats turns files into records and numbers their rows;
core.cases.cells, numbers and dates read the cells.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.cases.checked_rows import CheckedRows
from core.cases.columns import ColumnNames, resolve_columns
from core.cases.formats import open_table
from core.cases.table import MAX_BYTES, Notice, ReadingOptions, RowProblem, Table
from core.errors import CasesError

CASE_COLUMNS = ("row", "case_id", "text", "segment", "label", "occurred_at", "value")


@dataclass(frozen=True)
class Cases:
    """A file's good rows, the problems of the others, both in file order, and the file's notices.

    frame has CASE_COLUMNS: row int64; case_id, text, segment and label as object, with "-" for a
    missing segment and None for a missing label; occurred_at datetime64[us] without zone (NaT if
    missing); value float64 (NaN if missing). table is the file's, without its records.
    """

    frame: pd.DataFrame
    problems: tuple[RowProblem, ...]
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

    def problem_table(self, sentence: Callable[[RowProblem], str]) -> pd.DataFrame:
        """Return every problem's row, column, value and reason; `sentence` gives the reason."""
        rows = [(p.row, p.column, p.value, sentence(p)) for p in self.problems]
        return pd.DataFrame(rows, columns=["row", "column", "value", "problem"])


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
    checked = CheckedRows(table, names, options or ReadingOptions())
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
