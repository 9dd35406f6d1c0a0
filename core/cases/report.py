"""The record of a dry run: how a file was read, its first cases, every problem and notice.

`python -m core check --json` prints it; its keys are stable. core.messages makes the sentences.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core.cases.columns import FIELDS, ColumnNames
from core.cases.read import Cases, Problem
from core.cases.table import Notice, Table, to_json
from core.errors import CasesError

FIRST = 5  # cases in the record


def check_record(cases: Cases) -> dict:
    """Return the result of reading a file, for JSON.

    Keys: format, encoding, delimiter, header_row, columns ({the file's name: ours}), rows, cases
    (the first FIRST), problems, warnings, and usable: whether `score` and `train` accept the file.
    """
    table = cases.table
    return _table_record(table) | {
        "columns": column_roles(table.names, cases.columns),
        "rows": cases.rows,
        "good_rows": len(cases.frame),
        "cases": first_cases(cases.frame),
        "problems": [_problem_record(problem) for problem in cases.problems],
        "warnings": [notice_record(notice) for notice in cases.notices],
        "usable": not cases.problems and not cases.frame.empty,
        "error": None,
    }


def refusal_record(error: CasesError, path: Path) -> dict:
    """Return the record of a refused file, with the same keys; its error is the one problem."""
    values = to_json(error.values)
    code = error.code.removeprefix("cases.")
    row, value = error.values.get("row"), error.values.get("value", error.values.get("name", ""))
    problem = {"row": row, "column": error.values.get("column", "-"), "code": code, "value": value}
    return _table_record(None) | {
        "format": path.suffix.lower().removeprefix(".") or None,
        "columns": {},
        "rows": None,
        "good_rows": None,
        "cases": [],
        "problems": [problem],
        "warnings": [],
        "usable": False,
        "error": {"code": code, "message": str(error), "values": values},
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


def _problem_record(problem: Problem) -> dict:
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


def _table_record(table: Table | None) -> dict:
    names = (
        "format",
        "encoding",
        "encoding_basis",
        "delimiter",
        "header_row",
        "lines",
        "sheet",
        "other_sheets",
    )
    return {name: None if table is None else to_json(getattr(table, name)) for name in names}
