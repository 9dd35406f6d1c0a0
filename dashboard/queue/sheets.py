"""The sheet of the page 'Queue': waiting cases leave as a workbook, and answers come in by a file.

A callback reads the file; what came of it stays on the screen until the next file.
"""

from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.errors import KakushinError
from core.pipeline.review_desk import DeskTerms
from core.pipeline.review_sheets import review_sheet, sheet_workbook
from core.pipeline.verdict_files import VerdictImport, import_uploaded_verdicts
from core.report.exports import EXPORT_FORMATS
from core.types import RunRecord
from dashboard.components import uploader
from dashboard.components.downloads import CASES, Export, draw_download
from dashboard.i18n import Words, escape_markdown
from dashboard.session import cache, state

MOST = 1000  # cases of a sheet
_ANSWERS = f"{uploader.KEY}_answers"  # key of the uploader
_RESULT = "queue_answers_result"  # key of (run, what came of the last file)


def draw_sheets(words: Words, record: RunRecord, reviewer: str, terms: DeskTerms) -> None:
    """Draw the download of the sheet, the upload of answers, and what came of the last file."""
    run_id = record.run.run_id
    with st.container(horizontal=True, key="queue_sheets"):
        draw_download(
            words("queue.sheet"),
            partial(_workbook, record, reviewer, terms, words.language),
            Export(
                "kakushin-review.xlsx",
                EXPORT_FORMATS["xlsx"],
                CASES,
                run_id,
                {"table": "review_sheet"},
            ),
            "queue_sheet",
            help=words("queue.sheet.help"),
        )
        with st.popover(words("queue.answers"), icon=":material/upload_file:", key="queue_answers"):
            st.caption(words("queue.answers.note"))
            uploader.draw_uploader(words, _ANSWERS, _take_in, run_id, reviewer)
    last_run, result = state.held_or_none(_RESULT, tuple) or ("", None)
    if last_run != run_id:
        return
    if isinstance(result, KakushinError):
        sentence = words.markdown("upload.refused", sentence=words.error_text(result))
        st.error(sentence, icon=":material/error:")
    elif isinstance(result, VerdictImport):
        parts = (words.sentence(notice.code, **notice.values) for notice in result.notices())
        sentence = escape_markdown(words.sentence_space.join(parts))
        st.success(sentence, icon=":material/task_alt:")


def _workbook(record: RunRecord, reviewer: str, terms: DeskTerms, language: str) -> bytes:
    sheet = review_sheet(cache.store(), record.run.run_id, reviewer, terms, language, MOST)
    return sheet_workbook(sheet, record.run.labels, language)


def _take_in(run_id: str, reviewer: str) -> None:
    """Add the answers of the uploaded file, all or none; a callback."""
    if (uploaded := state.held_or_none(_ANSWERS, UploadedFile)) is None:
        return
    upload, zone = (uploaded.name, uploaded.getvalue()), cache.settings().timezone
    try:
        result: VerdictImport | KakushinError = import_uploaded_verdicts(
            cache.store(), run_id, upload, reviewer, zone
        )
    except KakushinError as error:
        result = error
    state.set_value(_RESULT, (run_id, result))
