"""Rows of a file of verdicts -> checked verdicts on a run's cases, or why a row is refused."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path

from core.cases.cells import CellError, name_text
from core.cases.formats import open_table
from core.cases.table import Notice, Record, Table
from core.errors import CasesError, KakushinError
from core.export import guard_cell
from core.messages import LANGUAGES, sentence
from core.pipeline.label_studio import VerdictRow, read_label_studio
from core.store.entries import VERDICTS, ReviewVerdict

VERDICT_WORDS = tuple(verdict for verdict in VERDICTS if verdict != "withdrawn")
# Columns of a review sheet, each with the sentence `pipeline.sheet.<column>` for a head.
SHEET_COLUMNS = ("case_id", "text", "segment", "predicted", "verdict", "label", "reviewer")
_COLUMNS = ("case_id", "verdict", "label", "reviewer", "at", "seconds", "predicted")


def read_verdict_rows(path: Path) -> list[VerdictRow]:
    """Return the answers in a file, unchecked.

    path: a table with case_id and verdict or label, or a .json of Label Studio. Raises CasesError
    for a file without a reading or without these columns.
    """
    if path.suffix.lower() == ".json" and path.is_file():
        return read_label_studio(path)
    return table_verdicts(open_table(path), path)


def table_verdicts(table: Table, path: Path) -> list[VerdictRow]:
    """Return the answers in the table of a file, unchecked; raises as read_verdict_rows does."""
    names: dict[str, str] = {}  # our column -> the table's; the first of several counts
    for name in table.names:
        if column := verdict_heads().get(name.strip().lower()):
            names.setdefault(column, name)
    if "case_id" not in names or not {"verdict", "label"} & set(names):
        raise CasesError("pipeline.no_verdict_columns", file=str(path), columns=table.names)
    return [_row_of(record, names) for record in table.records]


@cache
def verdict_heads() -> dict[str, str]:
    """Return {head in lower case: our column}: our names, and a sheet's in both languages."""
    sheets = {
        sheet_head(language, column).lower(): column
        for language in LANGUAGES
        for column in SHEET_COLUMNS
        if column in _COLUMNS
    }
    return sheets | {column: column for column in _COLUMNS}


def sheet_head(language: str, column: str) -> str:
    """Return the head of a review sheet's column in a language."""
    return sentence(language, f"pipeline.sheet.{column}")


def verdict_word(language: str, verdict: str) -> str:
    """Return one of VERDICT_WORDS as a sheet in a language has it."""
    return sentence(language, f"pipeline.sheet.{verdict}")


@cache
def hidden_answer(language: str) -> str:
    """Return what a sheet has in place of the model's answer on a case that is judged blind."""
    return sentence(language, "pipeline.sheet.hidden")


@cache
def _verdict_words() -> dict[str, str]:
    """Return {word in lower case: verdict}: our words, and a sheet's in both languages."""
    words = {verdict_word(x, word).lower(): word for x in LANGUAGES for word in VERDICT_WORDS}
    return words | {word: word for word in VERDICT_WORDS}


def check_verdict_rows(
    rows: Sequence[VerdictRow],
    run_id: str,
    predicted: Mapping[str, str],
    reviewer: str,
    zone: tzinfo = UTC,
) -> list[ReviewVerdict | Notice]:
    """Return a verdict for each row, or a Notice that says what is wrong with the row.

    rows: the answers, [n]. run_id: the run that they are about. predicted: the predicted label of
    each of its cases, "" where the model gave no answer. reviewer: who answered the rows that name
    no person. zone: of times that carry none. One person may answer a case once in a file.
    """
    arrived = datetime.now(zone)
    first_row: dict[tuple[str, str], int] = {}
    checked: list[ReviewVerdict | Notice] = []
    for row in rows:
        try:
            verdict = _verdict_of(row, run_id, predicted, reviewer, arrived)
            key = (verdict.case_id, verdict.reviewer)
            if key in first_row:
                values = {"case": key[0], "reviewer": key[1], "row": first_row[key]}
                raise CellError("pipeline.verdict_twice", **values)
            first_row[key] = row.row
            checked.append(verdict)
        except (CellError, KakushinError) as e:
            checked.append(row_problem(row, Notice(e.code, e.values)))
    return checked


def row_problem(row: VerdictRow, reason: Notice) -> Notice:
    """Return the problem of a row, with the row's number."""
    return Notice("pipeline.verdict_row", {"row": row.row, "reason": reason})


def _row_of(record: Record, names: Mapping[str, str]) -> VerdictRow:
    """Return a record's cells, or a row with the problem of the first bad one."""
    if record.broken:
        return VerdictRow(record.row, "", problem=record.broken)
    try:
        cells = [name_text(record.cells.get(names.get(column, ""))) for column in _COLUMNS]
    except CellError as e:
        return VerdictRow(record.row, "", problem=Notice(e.code, e.values))
    case_id, verdict, label, reviewer, moment, seconds, predicted = cells
    # Who does not know the model's answer cannot say whether it is right: the label says it. An
    # error about both would tell the answer.
    is_hidden = predicted in {hidden_answer(language) for language in LANGUAGES}
    if is_hidden and _verdict_words().get(verdict.lower()) in ("right", "wrong"):
        if not label:
            problem = Notice("pipeline.verdict_hidden", {"value": verdict})
            return VerdictRow(record.row, case_id, problem=problem)
        verdict = ""
    return VerdictRow(record.row, case_id, verdict, label, reviewer, moment, seconds, is_hidden)


def _verdict_of(
    row: VerdictRow, run_id: str, predicted: Mapping[str, str], reviewer: str, arrived: datetime
) -> ReviewVerdict:
    """Return the row's verdict. Raises CellError or SettingsError for the first thing wrong.

    arrived: the present moment, in the zone of times that carry none.
    """
    if row.problem is not None:
        raise CellError(row.problem.code, **row.problem.values)
    # An id that really begins with an apostrophe comes before one that our export has guarded.
    case_id = row.case_id if row.case_id in predicted else without_guard(row.case_id)
    if not case_id:
        raise CellError("cases.empty_id")
    if case_id not in predicted:
        raise CellError("pipeline.verdict_no_case", case=case_id, run=run_id)
    label = without_guard(row.label) or None
    moment = _moment(row.moment, arrived.tzinfo) if row.moment else arrived
    if moment > arrived:
        raise CellError("pipeline.verdict_time", value=row.moment)
    return ReviewVerdict(
        *(run_id, case_id, _word(row.verdict, label, predicted[case_id])),
        *(without_guard(row.reviewer) or reviewer, moment, label),
        source="import",
        blind=row.blind,
        seconds=_seconds(row.seconds),
    )


def _word(written: str, label: str | None, predicted: str) -> str:
    """Return the verdict, that of the label if the row has no other. Raises CellError."""
    verdict = _verdict_words().get(written.lower())
    if written and verdict is None:
        raise CellError("pipeline.verdict_word", value=written, allowed=list(_verdict_words()))
    if not predicted and verdict != "unsure" and (label is None or verdict == "right"):
        raise CellError("pipeline.verdict_no_answer", verdict=written)
    fits = "right" if label == predicted else "wrong"
    if label is not None and verdict not in (None, fits):
        raise CellError("pipeline.verdict_label", verdict=written, label=label, predicted=predicted)
    return verdict or fits


def without_guard(text: str) -> str:
    """Return a cell without the apostrophe that core.export puts before a formula."""
    guarded = text.startswith("'") and guard_cell(text[1:]) == text
    return text[1:] if guarded else text


def _moment(text: str, zone: tzinfo | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise CellError("pipeline.verdict_time", value=text) from e
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text) if text else None
    except ValueError as e:
        raise CellError("pipeline.verdict_seconds", value=text) from e
    return seconds if seconds is None or math.isfinite(seconds) else None
