"""The cases that wait for people as a sheet to fill in, for reviewers who do not open the page.

A workbook with lists of the allowed answers, or a table. What the page 'Queue' hides, the sheet
hides. `core.pipeline.verdict_files` reads it back, in either language.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from core.export import (
    checked_ending,
    guard_cell,
    workbook_cell,
    workbook_rows,
    write_export,
    write_table,
)
from core.pipeline.review_desk import DeskTerms, last_verdicts, waiting_queue
from core.pipeline.verdict_rows import (
    SHEET_COLUMNS,
    VERDICT_WORDS,
    hidden_answer,
    sheet_head,
    verdict_word,
)
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.unscored import judged_cases

WORKBOOK = ".xlsx"
_WIDTHS = {"text": 60, "segment": 16, "predicted": 24, "label": 24}  # letters; others have 14


def review_sheet(
    store: Store, run_id: str, reviewer: str, terms: DeskTerms, language: str, most: int
) -> pd.DataFrame:
    """Return the cases that wait for a reviewer, in the queue's order, with room for the answers.

    reviewer: a person, whose own answers are left out; their name is in each row. terms: what a
    review is worth, which orders the cases. language: of the heads. most: cases at most. Columns
    are SHEET_COLUMNS under their heads. Raises NotFoundError for an unknown run, or one without
    decisions.
    """
    # the sheet is the day's work: blind cases are mixed in over its whole length
    minutes = max(terms.capacity_minutes, most * terms.minutes)
    queue, _ = waiting_queue(store, run_id, replace(terms, capacity_minutes=minutes))
    last = last_verdicts(store, run_id)
    judged = last[(last["reviewer"] == reviewer) & (last["verdict"] != "withdrawn")]
    waiting = queue.cases[~queue.cases["case_id"].isin(judged["case_id"])].head(most)
    cases = judged_cases(store, run_id, waiting["case_id"].tolist()).set_index("case_id")
    cases = cases.loc[waiting["case_id"]].reset_index()
    answers = cases["predicted"].where(~waiting["blind"].to_numpy(bool), hidden_answer(language))
    sheet = cases.assign(predicted=answers, verdict="", label="", reviewer=reviewer)
    heads = {column: sheet_head(language, column) for column in SHEET_COLUMNS}
    return sheet[list(SHEET_COLUMNS)].rename(columns=heads)


def sheet_workbook(sheet: pd.DataFrame, labels: Sequence[str], language: str) -> bytes:
    """Return a review sheet as a workbook that offers the allowed answers.

    sheet: of review_sheet, in that language. labels: the model's; a reviewer may write another.
    """
    from openpyxl import Workbook  # imported here: it takes 150 ms, for this format only
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    page, lists = book.active, book.create_sheet("lists")
    lists.sheet_state = "hidden"  # a list of more than 255 characters must lie in cells
    for cells in workbook_rows(sheet):
        page.append(cells)
    columns = {name: get_column_letter(i) for i, name in enumerate(SHEET_COLUMNS, start=1)}
    for name, letter in columns.items():
        page.column_dimensions[letter].width = _WIDTHS.get(name, 14)
        page[f"{letter}1"].font = Font(bold=True)
        for (cell,) in page[f"{letter}2:{letter}{page.max_row}"] if len(sheet) else ():
            cell.alignment = Alignment(wrap_text=name == "text", vertical="top")
    page.freeze_panes = "B2"
    words = [verdict_word(language, word) for word in VERDICT_WORDS]
    for place, (name, allowed) in enumerate((("verdict", words), ("label", labels)), start=1):
        letter = get_column_letter(place)
        for row, word in enumerate(allowed, start=1):
            lists[f"{letter}{row}"] = workbook_cell(guard_cell(word))
        if len(sheet) and allowed:
            offered = f"lists!${letter}$1:${letter}${len(allowed)}"
            # a label that the model does not know is an answer too
            rule = DataValidation(type="list", formula1=offered, showErrorMessage=name == "verdict")
            rule.add(f"{columns[name]}2:{columns[name]}{page.max_row}")
            page.add_data_validation(rule)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def export_review_sheet(
    store: Store,
    run_id: str,
    reviewer: str,
    terms: DeskTerms,
    language: str,
    most: int,
    path: Path,
) -> int:
    """Write a review sheet into a file, record it in the audit trail, and return its cases.

    path: a workbook (.xlsx), or a table of another ending of core.export. Other arguments are
    those of review_sheet. Raises SettingsError for another ending and a file that cannot be
    written, NotFoundError as review_sheet does.
    """
    ending = checked_ending(path)
    Reviews(store).record_table_export(run_id, "review_sheet", ending.lstrip("."))
    sheet = review_sheet(store, run_id, reviewer, terms, language, most)
    if ending == WORKBOOK:
        write_export(path, sheet_workbook(sheet, store.run(run_id).run.labels, language))
    else:
        write_table(sheet, path)
    return len(sheet)
