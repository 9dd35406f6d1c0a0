"""Read small files of every kind and compare with what is right: `python -m benchmarks.files`.

    python -m benchmarks.files [--mutations 2000] [--show]

Prints JSON: how many inputs are right, refused_clearly (a code with a sentence in both languages),
wrong (another value than the file's) and silent_loss (a row or a value is missing without a
notice), of all and of those that people expect to work; and the same of mutations of good files. An
input's name is its file's.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from benchmarks.file_inputs.cell_inputs import DATES, NUMBERS
from benchmarks.file_inputs.codepage_inputs import CODEPAGES
from benchmarks.file_inputs.date_inputs import AMOUNTS, CALENDARS
from benchmarks.file_inputs.document_inputs import DOCUMENTS
from benchmarks.file_inputs.encoding_inputs import ENCODINGS
from benchmarks.file_inputs.header_inputs import HEADS
from benchmarks.file_inputs.layout_inputs import LAYOUTS
from benchmarks.file_inputs.making import Expected, Input
from benchmarks.file_inputs.mutations import try_mutations
from benchmarks.file_inputs.sheet_inputs import SHEETS
from benchmarks.file_inputs.text_inputs import DELIMITED, HEADERS, ROWS
from benchmarks.file_inputs.tool_inputs import (
    TOOL_AMOUNTS,
    TOOL_DATES,
    TOOL_DOCUMENTS,
    TOOL_ENCODINGS,
    TOOL_ROWS,
)
from benchmarks.file_inputs.typed_inputs import TYPED
from benchmarks.file_inputs.workbook_inputs import WORKBOOKS
from benchmarks.file_inputs.world_inputs import DATABASES, TABLES, WORLD_AMOUNTS, WORLD_DATES
from core.cases.columns import ColumnNames
from core.cases.read import Cases, read_cases
from core.cases.table import ReadingOptions
from core.errors import CasesError
from core.messages import LANGUAGES, MESSAGES_FOLDER, read_catalogues

KINDS = {
    "encodings": [*ENCODINGS, *CODEPAGES, *TOOL_ENCODINGS],
    "delimited": [*DELIMITED, *LAYOUTS],
    "headers": [*HEADERS, *HEADS],
    "rows": [*ROWS, *TABLES, *TOOL_ROWS],
    "dates": [*DATES, *CALENDARS, *WORLD_DATES, *TOOL_DATES],
    "numbers": [*NUMBERS, *AMOUNTS, *WORLD_AMOUNTS, *TOOL_AMOUNTS],
    "sheets": [*SHEETS, *WORKBOOKS],
    "typed": [*TYPED, *DOCUMENTS, *DATABASES, *TOOL_DOCUMENTS],
}


@dataclass(frozen=True)
class Result:
    """How one input came out: "right", "refused_clearly", "wrong" or "silent_loss", and what was
    seen.
    """

    name: str
    outcome: str
    works: bool
    detail: str


def inputs_in_turn() -> list[Input]:
    """Return all inputs, one of each kind after another."""
    turns = zip_longest(*KINDS.values())
    return [entry for turn in turns for entry in turn if entry is not None]


def judge_input(entry: Input, folder: Path) -> Result:
    """Return how reading the input comes out."""
    path = folder / entry.name
    path.write_bytes(entry.content)
    try:
        cases = read_cases(path, ColumnNames(**entry.columns), ReadingOptions(**entry.options))
    except CasesError as e:
        outcome = (
            "refused_clearly"
            if _is_clear(e) and (entry.cases or _code(e.code) in entry.refusals)
            else "wrong"
        )
        return Result(entry.name, outcome, entry.works, e.code)
    if not entry.cases and cases.frame.empty:  # every row is refused, by a problem of its own
        clear = {_code(problem.code) for problem in cases.problems} <= set(entry.refusals)
        outcome = "refused_clearly" if clear else "wrong"
        return Result(entry.name, outcome, entry.works, str(cases.problems[:1]))
    if not entry.cases:
        return Result(entry.name, "wrong", entry.works, f"read: {cases.frame['text'].tolist()}")
    codes = {_code(notice.code) for notice in cases.notices} | {
        _code(p.code) for p in cases.problems
    }
    different = _differences(cases, entry.cases)
    if different:
        outcome = "silent_loss" if different.startswith("lost") and not codes else "wrong"
        return Result(entry.name, outcome, entry.works, different)
    untold = set(entry.told) - codes
    return Result(
        entry.name,
        "silent_loss" if untold else "right",
        entry.works,
        f"untold: {sorted(untold)}" if untold else "",
    )


def _is_clear(error: CasesError) -> bool:
    """Whether both languages have the error's sentence, and no exception's name is in it."""
    known = all(error.code in read_catalogues(MESSAGES_FOLDER, language) for language in LANGUAGES)
    return known and "Error" not in str(error).replace("MemoryError", "")


def _code(code: str) -> str:
    return code.removeprefix("cases.")


def _differences(cases: Cases, expected: list[Expected]) -> str:
    """The first difference between the cases and what is expected; "" if there is none."""
    if len(cases.frame) != len(expected):
        return f"lost: {len(cases.frame)} cases of {len(expected)}: {cases.frame['text'].tolist()}"
    for case, wanted_case in zip(cases.frame.to_dict("records"), expected, strict=True):
        for column, value in wanted_case.items():
            if not _is_same(case[column], value):
                return f"row {case['row']}, {column}: {case[column]!r} is not {value!r}"
    return ""


def _is_same(cell: object, value: object) -> bool:
    """Whether a cell is as expected: a date begins so, a number is as near as floats are."""
    if value is None or pd.isna(cell):
        return value is None and (cell is None or pd.isna(cell))
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat().startswith(str(value))
    if isinstance(cell, float):
        return abs(cell - float(value)) <= 1e-9 * max(1.0, abs(cell))
    return cell == value


def summarise(results: list[Result]) -> dict:
    """Return the counts of outcomes, and the share of right ones among those that people expect to
    work.
    """
    counts = Counter(result.outcome for result in results)
    works = [result for result in results if result.works]
    right = sum(result.outcome == "right" for result in works)
    names = ("right", "refused_clearly", "wrong", "silent_loss")
    return {"inputs": len(results), **{name: counts[name] for name in names}} | {
        "expected_to_work": len(works),
        "right_of_those": round(right / max(1, len(works)), 3),
        "not_right": [
            [r.name, r.outcome, r.detail] for r in results if r.outcome in ("wrong", "silent_loss")
        ],
    }


def main() -> int:
    """Print the record; return 1 if anything is wrong or lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--mutations", type=int, default=2000, help="mutations of good files (default: 2000)"
    )
    parser.add_argument("--show", action="store_true", help="name every input's outcome")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [judge_input(entry, Path(folder)) for entry in inputs_in_turn()]
        mutations = try_mutations(Path(folder), arguments.mutations)
    record = summarise(results) | {"mutations": mutations}
    if arguments.show:
        record["outcomes"] = {result.name: result.outcome for result in results}
    print(json.dumps(record, ensure_ascii=False, indent=2))
    bad = record["wrong"] + record["silent_loss"] + mutations["wrong"] + mutations["unclear"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
