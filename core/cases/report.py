"""The record of a dry run: how a file was read, its first cases, every problem and notice.

`python -m core check --json` prints it; its keys are stable. core.messages makes the sentences.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core.cases.columns import FIELDS, ColumnNames
from core.cases.read import Cases
from core.cases.table import Notice, RowProblem, to_json
from core.errors import CasesError

FIRST = 5  # cases in the record


def check_record(cases: Cases) -> dict:
    """Return the result of reading a file, for JSON; programs rely on exactly these keys.

    columns is {the file's name: ours}, cases the first FIRST. Warnings also tell a likely but not
    certain encoding, and lines that are not rows.
    """
    table = cases.table
    return {
        "format": table.format,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "header_row": table.header_row,
        "columns": column_roles(table.names, cases.columns),
        "rows": cases.rows,
        "cases": first_cases(cases.frame),
        "problems": [_problem_record(problem) for problem in cases.problems],
        "warnings": [notice_record(n) for n in (*cases.notices, *_reading_notices(cases))],
    }


def _reading_notices(cases: Cases) -> list[Notice]:
    """Return notices of a weighed encoding, and of a number of lines that rows do not explain."""
    table, notices = cases.table, []
    if table.encoding_basis == "weighed":
        notices.append(Notice("cases.encoding_weighed", {"encoding": table.encoding}))
    if table.header_row and table.lines and table.lines != table.header_row + cases.rows:
        values = {"lines": table.lines, "header_row": table.header_row, "rows": cases.rows}
        notices.append(Notice("cases.lines_not_rows", values))
    return notices


def refusal_record(error: CasesError, path: Path) -> dict:
    """Return the record of a refused file, with the same keys; its error is the one problem."""
    code = error.code.removeprefix("cases.")
    row, value = error.values.get("row"), error.values.get("value", error.values.get("name", ""))
    problem = {"row": row, "column": error.values.get("column", "-"), "code": code}
    return {
        "format": path.suffix.lower().removeprefix(".") or None,
        "encoding": None,
        "delimiter": None,
        "header_row": None,
        "columns": {},
        "rows": None,
        "cases": [],
        "problems": [problem | {"value": to_json(value)}],
        "warnings": [],
    }


def column_roles(names: Sequence[str], columns: ColumnNames) -> dict[str, str | None]:
    """Return {the file's column: its role}, None for an unused column."""
    roles = {getattr(columns, field): field for field in FIELDS if getattr(columns, field)}
    roles |= dict.fromkeys(columns.options or (), "option")
    return {name: roles.get(name) for name in names if name}


def first_cases(frame: pd.DataFrame) -> list[dict]:
    """Return the first cases in the form in which they are scored, with their rows."""
    return [
        {
            "row": int(case.row),
            "case_id": case.case_id,
            "text": case.text,
            "segment": case.segment,
            "label": case.label,
            "occurred_at": None if pd.isna(case.occurred_at) else case.occurred_at.isoformat(),
            "value": None if pd.isna(case.value) else float(case.value),
        }
        for case in frame.head(FIRST).itertuples(index=False)
    ]


def notice_record(notice: Notice) -> dict:
    """Return a notice for JSON: its code, and its values at the same level."""
    values = {name: _plain(value) for name, value in notice.values.items() if name != "field"}
    return {"code": notice.code.removeprefix("cases.")} | values


def _problem_record(problem: RowProblem) -> dict:
    code = problem.code.removeprefix("cases.")
    # Cut, since a bad cell may hold megabytes.
    return {
        "row": problem.row,
        "column": problem.column,
        "code": code,
        "value": problem.value[:200],
    }


def _plain(value: object) -> object:
    return value.code.removeprefix("cases.") if isinstance(value, Notice) else to_json(value)
