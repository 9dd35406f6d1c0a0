"""Files of cases on the command line: the options that name columns, and what happens to bad rows."""

import argparse
import sys
from pathlib import Path

from core.errors import SettingsError


def cases_options(verb: argparse.ArgumentParser) -> None:
    """Add the file and the options on how it is read."""
    verb.add_argument("cases", type=Path, help="CSV, TSV, JSONL (UTF-8 or CP932), Parquet or XLSX")
    verb.add_argument(
        "--sheet", metavar="NAME", help="sheet of an XLSX file (default: its first visible one)"
    )
    for column in ("text", "case-id", "segment", "label", "occurred-at", "value"):
        verb.add_argument(
            f"--{column}-column",
            metavar="NAME",
            help=f'column of the {column.replace("-", " ")} (default: found by its name; "": none)',
        )
    verb.add_argument(
        "--question-column",
        metavar="NAME",
        help="the text's column, where options stand in other columns",
    )
    verb.add_argument(
        "--option-columns",
        metavar="A=NAME,B=NAME",
        help="columns of a question's options (default for a choice model: those named A, B, ..., option A, ...)",
    )
    verb.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="use the good rows; the bad ones are written to CASES.problems.csv",
    )


def read(arguments, choice: bool = False):
    """The file's core.cases.read.Cases, without its bad rows where the user said so; `choice` looks
    for columns of options.

    Raises CasesError, with every problem, where there are bad rows and nobody said to skip them.
    """
    from core.cases.columns import ColumnNames
    from core.cases.read import read_cases

    names = ("text", "case_id", "segment", "label", "occurred_at", "value")
    given = {n: getattr(arguments, f"{n}_column") for n in names}
    if given["text"] and arguments.question_column:
        raise SettingsError(
            "--text-column and --question-column name the same column: give one of them"
        )
    given["text"] = given["text"] or arguments.question_column
    columns = ColumnNames(**given, options=_option_columns(arguments.option_columns, choice))
    cases = read_cases(arguments.cases, columns, sheet=arguments.sheet)
    if cases.other_sheets:
        print(
            f"read sheet {cases.sheet!r}, not {', '.join(map(repr, cases.other_sheets))}",
            file=sys.stderr,
        )
    if not arguments.skip_bad_rows:
        cases.require_clean()
    elif cases.problems:
        report = arguments.cases.with_name(arguments.cases.name + ".problems.csv")
        cases.write_problems(report)
        print(
            f"{len(cases.problems)} problems are left out and written to {report}; {len(cases.frame)} good rows are used",
            file=sys.stderr,
        )
    return cases


def _option_columns(given: str | None, choice: bool) -> tuple[str, ...] | None:
    """The columns of "A=x,B=y", in the letters' order; not given, a choice model's are found by
    name. Raises SettingsError.
    """
    from core.cases.prompts import LETTERS

    if given is None:
        return () if choice else None
    pairs = dict(part.partition("=")[::2] for part in given.split(","))
    letters = tuple(letter.strip().upper() for letter in pairs)
    if letters != LETTERS[: len(letters)] or len(letters) < 2 or not all(pairs.values()):
        raise SettingsError(
            f"--option-columns {given!r} is not allowed: write A=NAME,B=NAME,..., every letter from A on"
        )
    return tuple(name.strip() for name in pairs.values())
