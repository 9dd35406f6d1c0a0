"""Files of cases on the command line: the reading options, the verb `check`, bad rows.

Knows no format: core.cases reads the file.
"""

import argparse
import sys
from pathlib import Path

from core.cases.table import ORDERS
from core.cli.tables import terminal_json
from core.cli.verbs import add_verb
from core.errors import CasesError, SettingsError
from core.files import write_atomic
from core.progress import is_job, is_main_process
from core.settings import Settings

# A file with a wrong column has a problem in every row; the terminal shows the first of them.
SHOWN_PROBLEMS = 20


def add_check(verbs) -> None:
    """Add the verb `check`."""
    verb = add_verb(verbs, "check", _check, "print how a file of cases is read; score nothing")
    cases_options(verb)
    verb.add_argument("--json", action="store_true", help="one JSON object with stable keys")


def cases_options(verb: argparse.ArgumentParser, several: bool = False) -> None:
    """Add the file's argument and its reading options to a verb; `several`: one or more files."""
    verb.add_argument(
        "cases",
        type=_case_place if several else Path,
        nargs="+" if several else None,
        help="CSV, TSV or other delimited text, JSON, JSON Lines, Parquet, XLSX or XLSM"
        + (", or URLs of such files (s3://...)" if several else ""),
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
        help="column of the text if options are in other columns",
    )
    verb.add_argument(
        "--option-columns",
        metavar="A=NAME,B=NAME",
        help="columns of a question's options (default for a choice model: those named A, B, ..., "
        "option A, ...)",
    )
    _reading_options(verb)
    verb.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="use the good rows; the bad ones are written to CASES.problems.csv",
    )


def _case_place(written: str):
    from core.pipeline.remote_files import case_place  # pandas

    return case_place(written)


def _reading_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of core.cases.table.ReadingOptions; each defaults to the file's evidence."""
    group = verb.add_argument_group("how the file is read (default: by its own evidence)")
    group.add_argument(
        "--sheet", metavar="NAME", help="sheet of a workbook (default: its first visible one)"
    )
    group.add_argument(
        "--encoding", metavar="NAME", help="utf-8, cp932, euc_jp, cp1252, utf-16, ..."
    )
    group.add_argument(
        "--delimiter", metavar="NAME", help="comma, semicolon, tab, pipe or one character"
    )
    group.add_argument(
        "--quoting",
        choices=["auto", "minimal", "none"],
        default="auto",
        help="none: quotes are part of the text; minimal: they enclose cells",
    )
    group.add_argument(
        "--header-row",
        type=int,
        metavar="N",
        help="number of the header's line, or of its row in the sheet",
    )
    group.add_argument(
        "--hidden-rows", action="store_true", help="read a sheet's hidden and filtered rows too"
    )
    group.add_argument("--decimal", choices=["point", "comma"], help="decimal sign of the values")
    group.add_argument("--date-order", choices=ORDERS, help="order in dates such as 1/2/2024")
    group.add_argument(
        "--timezone",
        metavar="NAME",
        help="time zone of times without one, such as Asia/Tokyo; other times are converted to it",
    )


def rare_labels_option(verb: argparse.ArgumentParser) -> None:
    """Add the option for labels with few training cases."""
    verb.add_argument(
        "--rare-labels",
        choices=["keep", "drop", "merge", "refuse"],
        default="keep",
        help="labels with fewer than 5 cases: keep them (default), leave their cases out, merge "
        "them into 'other', or refuse the file; the output names all of them",
    )


def read_arguments(arguments, settings: Settings, choice: bool = False):
    """Return the file's core.cases.read.Cases, without bad rows if the user skips them.

    choice: look for columns of options. Prints notices and problems to standard error. Raises
    CasesError for bad rows that the user does not skip.
    """
    cases = _read(arguments, settings, choice)
    print_notices(cases.notices)
    if not arguments.skip_bad_rows:
        _print_problems(cases)
        cases.require_clean()
    elif cases.problems:
        from core.export import csv_bytes  # imported here: pandas

        report = arguments.cases.with_name(arguments.cases.name + ".problems.csv")
        write_atomic(report, csv_bytes(cases.problem_table(problem_text)))
        n, good = len(cases.problems), len(cases.frame)
        _print_sentence("cases.skipped_rows", n=n, report=str(report), good=good)
    return cases


def _read(arguments, settings: Settings, choice: bool):
    from core.cases.columns import ColumnNames
    from core.cases.read import read_cases
    from core.cases.table import ReadingOptions
    from core.pipeline.remote_files import read_remote
    from core.pipeline.uploads import check_kept_file

    names = ("text", "case_id", "segment", "label", "occurred_at", "value")
    columns = {name: getattr(arguments, f"{name}_column") for name in names}
    if columns["text"] and arguments.question_column:
        raise SettingsError("cases.two_text_options")
    columns["text"] = columns["text"] or arguments.question_column
    column_names = ColumnNames(**columns, options=_option_columns(arguments.option_columns, choice))
    reading = (
        *("sheet", "encoding", "delimiter", "quoting", "header_row", "hidden_rows"),
        *("decimal", "date_order", "timezone"),
    )
    options = ReadingOptions(**{name: getattr(arguments, name) for name in reading})
    options = options.with_timezone(settings.timezone)
    if not isinstance(arguments.cases, Path):
        return read_remote(settings, arguments.cases, column_names, options)
    # An upload was checked in a sandbox, whose result is used in place of a second reading.
    checked = check_kept_file(settings, arguments.cases, column_names, options)
    return checked if checked is not None else read_cases(arguments.cases, column_names, options)


def _check(arguments, settings: Settings) -> int:
    """Print how the file is read; return 0 if it can be used, else the exit code of CasesError."""
    from core.cases.report import check_record, refusal_record

    try:
        cases = _read(arguments, settings, choice=False)
    except CasesError as e:  # JSON goes to standard output even then; main prints the sentence
        if arguments.json:
            print(terminal_json(refusal_record(e, arguments.cases), 2))
        raise
    record = check_record(cases)
    if arguments.json:
        print(terminal_json(record, 2))
    else:
        _print_report(cases, record)
    # As `score` and `train` accept the file.
    usable = len(cases.frame) and (arguments.skip_bad_rows or not cases.problems)
    return 0 if usable else CasesError.exit_code


def _print_report(cases, record: dict) -> None:
    from core.messages import reader_language, sentence

    language = reader_language()
    table = cases.table
    print(
        sentence(
            language,
            "cases.check_title",
            file=cases.source,
            format=record["format"],
            rows=cases.rows,
            good=len(cases.frame),
        )
    )
    if table.encoding:
        basis = sentence(language, f"cases.basis_{table.encoding_basis}")
        values = {"encoding": table.encoding, "basis": basis, "lines": table.lines}
        print(sentence(language, "cases.check_text", **values))
    if table.delimiter:
        values = {"delimiter": repr(table.delimiter), "row": table.header_row}
        print(sentence(language, "cases.check_delimiter", **values))
    if table.sheet:
        values = {"sheet": table.sheet, "row": table.header_row}
        print(sentence(language, "cases.check_sheet", **values))
    used = [f"{name} → {role}" for name, role in record["columns"].items() if role]
    print(sentence(language, "cases.check_columns", columns=used))
    if unused := [name for name, role in record["columns"].items() if not role]:
        print(sentence(language, "cases.check_unused", columns=unused[:20]))
    print(sentence(language, "cases.check_cases"))
    for case in record["cases"]:
        print("  " + terminal_json(case))
    if cases.notices:
        print(sentence(language, "cases.check_notices", n=len(cases.notices)))
        for notice in cases.notices:
            print("  " + sentence(language, notice.code, **notice.values))
    if cases.problems:
        print(sentence(language, "cases.check_problems", n=len(cases.problems)))
        for problem in cases.problems:
            print("  " + problem_text(problem))
    elif not cases.notices:
        print(sentence(language, "cases.check_clean"))


def print_notices(notices) -> None:
    """Print notices (core.cases.table.Notice) to standard error, one sentence per line.

    Of several processes the main one prints them.
    """
    for notice in notices if is_main_process() else ():
        # A job's log stays in the workspace and is shown on screens: it quotes no cell.
        hidden = {"value": "…"} if is_job() and "value" in notice.values else {}
        _print_sentence(notice.code, **notice.values | hidden)


def _print_problems(cases) -> None:
    for problem in cases.problems[:SHOWN_PROBLEMS]:
        print(problem_text(problem, with_value=not is_job()), file=sys.stderr)
    if len(cases.problems) > SHOWN_PROBLEMS:
        _print_sentence("cases.more_problems", n=len(cases.problems) - SHOWN_PROBLEMS)


def problem_text(problem, with_value: bool = True) -> str:
    """Return the line of a core.cases.read.RowProblem in the reader's language.

    with_value: whether it quotes the beginning of the cell.
    """
    from core.cases.table import Notice
    from core.messages import reader_language, sentence

    field = Notice("cases.field_" + ("row" if problem.column == "-" else problem.column))
    reason = Notice(problem.code, problem.values)
    values = {"row": problem.row, "field": field, "reason": reason, "value": problem.value[:60]}
    code = "cases.problem_line" if with_value else "cases.problem_place"
    return sentence(reader_language(), code, **values)


def _print_sentence(code: str, **values: object) -> None:
    from core.messages import reader_language, sentence

    print(sentence(reader_language(), code, **values), file=sys.stderr)


def _option_columns(text: str | None, choice: bool) -> tuple[str, ...] | None:
    """Return the columns of "A=x,B=y", in the letters' order.

    Without a text: () for a choice model, whose columns are found by name, else None. Raises
    SettingsError.
    """
    from core.cases.prompts import LETTERS

    if text is None:
        return () if choice else None
    pairs = dict(part.partition("=")[::2] for part in text.split(","))
    letters = tuple(letter.strip().upper() for letter in pairs)
    if letters != LETTERS[: len(letters)] or len(letters) < 2 or not all(pairs.values()):
        raise SettingsError("cases.option_columns", value=text)
    return tuple(name.strip() for name in pairs.values())
