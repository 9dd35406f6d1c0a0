"""The upload of the page 'Data and runs': a file is stored, read, mapped to columns and checked.

Another process reads it (core.pipeline.uploads), which also writes all sentences about the file.
dashboard.data.start draws what a reader can start with it.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, cast

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.errors import CasesError, KakushinError
from core.pipeline import uploads
from core.pipeline.uploads import FIELDS, Cases, Checked, ColumnNames, Notice, Upload, first_cases
from dashboard.components import controls, panels, uploader
from dashboard.data import reading, start
from dashboard.data import tables as data_tables
from dashboard.data import words as data_words
from dashboard.i18n import Words
from dashboard.session import cache, identity, state

SCROLL_PIXELS, SCROLL_FROM = (
    300,
    8,
)  # pixels of a list with at least SCROLL_FROM problems, which scrolls


def draw_upload(words: Words) -> None:
    """Draw the upload and, once a file is uploaded, its content and the possible tasks."""
    upload = _chosen_file(words)
    source = None
    if upload is not None:
        with st.container(border=True, key="panel_file"):
            source = _file(words, upload)
    start.draw_job_starts(words, source)


def _chosen_file(words: Words) -> Upload | None:
    """Draw the uploader and the list of stored files; return the chosen one."""
    with st.container(border=True, key="panel_upload"):
        st.markdown(f"## {words('upload')}", help=words("upload.help"), anchors=False)
        uploader.draw_uploader(words, uploader.KEY, _keep)
        if refused := state.take("refused", KakushinError):
            st.error(
                words.markdown("upload.refused", sentence=words.error_text(refused)),
                icon=":material/error:",
            )
        by_key = {upload.key: upload for upload in uploads.list_uploads(cache.settings())}
        if not by_key:
            st.caption(words("upload.none"))
            return None
        state.clamp_choice("file", [*by_key], None)
        shows = {key: _called(words, upload) for key, upload in by_key.items()}
        label, hint = words("upload.kept"), words("upload.choose")
        key = controls.select(label, shows, "file", index=None, placeholder=hint)
    return by_key.get(key)


def _called(words: Words, upload: Upload) -> str:
    size, arrived = (
        data_words.size_text(words, upload.size),
        words.time(pd.Timestamp(upload.arrived_at)),
    )
    return f"{upload.called} · {size} · {arrived}"


def _keep() -> None:
    """Store the uploaded file and open it; a callback."""
    if (uploaded := state.held_or_none(uploader.KEY, UploadedFile)) is None:
        return
    try:
        person = identity.acting_principal()
        upload = uploads.keep_upload(cache.settings(), uploaded.name, uploaded.getvalue(), person)
        state.set_value("file", upload.key)
    except KakushinError as error:
        # a callback draws above the whole page: the next run shows the error in its place
        state.set_value("refused", error)


def _file(words: Words, upload: Upload) -> start.ReadyCases | None:
    """Draw the file's content; return the cases for a job once their reading is clear, else None."""
    st.markdown(f"## {words.markdown('upload.title', called=upload.called)}", anchors=False)
    options = reading.draw_reading_options(words, upload, cache.settings().timezone)
    try:
        with st.spinner(words("upload.reading")):
            first = cache.checked_upload(upload, None, options)
            options = replace(options, sheet=_sheet(words, upload, first))
            # only a first reading tells the sheets; another sheet needs a second reading
            if options.sheet != first.table.sheet:
                first = cache.checked_upload(upload, None, options)
        _preview(words, first)
        columns = _columns(words, upload, first)
        if not columns.text:
            st.info(words("upload.choose_text"), icon=":material/arrow_upward:")
            return None
        with st.spinner(words("upload.reading")):
            same = _is_found(first, columns)
            checked = first if same else cache.checked_upload(upload, columns, options)
    except CasesError as error:
        _refused(words, upload, error)
        return None
    if checked.cases is None:
        sentence = words.error_text(cast(CasesError, checked.refused))
        st.warning(words.markdown("upload.refused", sentence=sentence), icon=":material/warning:")
        return None
    _counts(words, checked.cases, checked.bad_rows)
    _notices(words, checked.cases.notices)
    _problems(words, checked.cases, checked.bad_rows)
    _first_cases(words, checked.cases)
    return start.ReadyCases(upload, checked, options)


def _refused(words: Words, upload: Upload, error: CasesError) -> None:
    """Draw why the file cannot be read, and the button that reads it again."""
    sentence = words.error_text(error)
    st.error(words.markdown("upload.refused", sentence=sentence), icon=":material/error:")
    st.button(
        words("upload.again"),
        key="read_again",
        on_click=uploads.forget_checks,
        args=(cache.settings(), upload),
    )


def _notices(words: Words, notices: Sequence[Notice]) -> None:
    """Draw notices about the file, a sentence each."""
    for notice in notices:
        st.warning(data_words.notice_text(words, notice), icon=":material/info:")


def _first_cases(words: Words, cases: Cases) -> None:
    """Draw the first cases as a model receives them."""
    if cases.frame.empty:
        return
    st.caption(words("upload.first_cases"))
    heads = {"row": words("problems.row")} | {name: words(f"field.{name}") for name in FIELDS}
    frame = pd.DataFrame(first_cases(cases.frame)).rename(columns=heads)
    # all as text: a column of mixed types has no Arrow type
    panels.grid("first_cases", frame.astype(object).where(frame.notna(), "").astype(str))


def _sheet(words: Words, upload: Upload, first: Checked) -> str | None:
    """Return the sheet to read: the only one, or the chosen one."""
    if not first.table.other_sheets:
        return first.table.sheet
    key = f"sheet_{upload.key[:12]}"
    return st.selectbox(
        words("upload.sheet"),
        [first.table.sheet, *first.table.other_sheets],
        key=key,
        help=words("upload.sheet.help"),
    )


def _preview(words: Words, first: Checked) -> None:
    """Draw the file's first rows, and how it was read."""
    table = first.table
    counts = {"shown": words.number(len(first.preview), 0), "rows": words.number(first.rows, 0)}
    name = (table.encoding or "").upper().replace("_", "-")
    encoding = words("encoding.name", name=name) if name else words("encoding.none")
    if name:
        encoding += f" ({words.sentence(f'cases.basis_{table.encoding_basis}')})"
    caption = words.markdown("upload.preview", encoding=encoding, **counts)
    if table.delimiter:
        values = {"lines": words.number(table.lines, 0), "row": words.number(table.header_row, 0)}
        delimiter = repr(table.delimiter)
        caption += "  \n" + words.markdown("upload.lines", delimiter=delimiter, **values)
    st.caption(caption)
    preview = first.preview.rename_axis(words("problems.row"))
    panels.grid("preview", preview, height=212, hide_index=False)


def _columns(words: Words, upload: Upload, first: Checked) -> ColumnNames:
    """Draw a list for each of our columns, with the columns detected by name; return the mapping."""
    st.markdown(f"**{words('mapping')}**", help=words("mapping.help"))
    columns: dict[str, Any] = {}
    places = st.columns(3) + st.columns(3)
    for place, field in zip(places, FIELDS, strict=True):
        options = ["", *first.names]
        suggestion = first.suggested[field] or ""
        columns[field] = controls.select(
            words(f"field.{field}"),
            {name: name or words("mapping.none") for name in options},
            # a list for each file and sheet, since their columns differ
            f"col_{field}_{upload.key[:12]}_{first.table.sheet or ''}",
            place,
            index=options.index(suggestion) if suggestion in options else 0,
            help=words(f"field.{field}.help"),
        )
    return ColumnNames(**columns)


def _is_found(first: Checked, columns: ColumnNames) -> bool:
    """Return whether the mapping equals the detected one, so that no second reading is needed."""
    return first.cases is not None and all(
        (getattr(first.cases.columns, f) or "") == asdict(columns)[f] for f in FIELDS
    )


def _counts(words: Words, cases: Cases, bad_rows: int) -> None:
    frame = cases.frame
    dated, labelled = frame["occurred_at"].dropna(), int(frame["label"].notna().sum())
    good, bad, labels, dates = st.columns(4)
    good.metric(words("count.good"), words.number(len(frame), 0))
    bad.metric(words("count.bad"), words.number(bad_rows, 0))
    labels.metric(words("count.labelled"), words.number(labelled, 0))
    labels.caption(words("count.classes", n=words.number(frame["label"].nunique(), 0)))
    if len(dated):
        dates.metric(words("count.dated"), words.number(len(dated), 0))
        dates.caption(
            words("count.dates", first=words.date(dated.min()), last=words.date(dated.max()))
        )
    else:
        dates.metric(words("count.dated"), words.number(0, 0))
        dates.caption(words("count.no_dates"))


def _problems(words: Words, cases: Cases, bad_rows: int) -> None:
    if not cases.problems:
        st.success(words("problems.none"), icon=":material/check_circle:")
        return
    values = {
        "problems": words.number(len(cases.problems), 0),
        "rows": words.number(bad_rows, 0),
    }
    means = words(f"row.{cases.table.row_unit}")
    note = words.text("problems.note", means=means, **values)
    height = SCROLL_PIXELS if len(cases.problems) >= SCROLL_FROM else None
    table = data_tables.file_problem_table(words, cases.problems)
    panels.listing("problems", words, table, note, height)
