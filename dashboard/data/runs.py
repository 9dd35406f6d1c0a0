"""The runs of the page 'Data and runs': all runs, a comparison, and the workspace's storage.

Guard, controls, call, show. Figures come from core.report.run_selection, sizes and versions from
core.pipeline.workspace.
"""

import streamlit as st

from core.pipeline import workspace
from core.report import run_selection
from core.types import RunRecord
from dashboard.components import certificate_words, panels, sentences
from dashboard.data import tables as data_charts
from dashboard.data import tables as data_tables
from dashboard.data import words as data_words
from dashboard.i18n import Words
from dashboard.session import cache, state

MOST_COMPARED = 6  # runs in the comparison
LIST_PIXELS = 320  # pixels of the list of runs, before it scrolls


def draw_runs(words: Words) -> None:
    """Draw the comparison, the runs, the storage."""
    runs = cache.all_runs()
    if runs:
        _compare(words, [record for record in runs if record.run.kind == "score"])
        note = words.many("runs.note", len(runs))
        panels.listing(
            "runs",
            words,
            data_tables.run_table(words, run_selection.run_frame(runs)),
            note,
            LIST_PIXELS,
        )
    else:
        st.info(words("runs.none"), icon=":material/inbox:")
    _storage(words)


def _compare(words: Words, scored: list[RunRecord]) -> None:
    by_id = {record.run.run_id: record for record in scored}
    picked = _picked(by_id, scored)
    names = {run_id: sentences.run_name(words, record) for run_id, record in by_id.items()}

    def above() -> None:
        # the choice `compared` decides; the list only shows it
        state.set_value("pick_runs", picked)
        st.multiselect(
            words("compare.runs"),
            list(by_id),
            format_func=names.__getitem__,
            key="pick_runs",
            max_selections=MOST_COMPARED,
            on_change=state.join,
            args=("pick_runs", "compared"),
            placeholder=words("compare.choose"),
        )
        st.toggle(words("unseen"), key="unseen", help=words("unseen.help"))

    if len(picked) < 2:
        panels.empty_panel("runs_compare", words, "compare.two", above)
        return
    counts = {run_id: cache.histogram(run_id) for run_id in picked}
    frame = run_selection.measure_frame(counts, state.present.unseen)
    if frame["value"].isna().all():
        panels.empty_panel("runs_compare", words, "compare.no_labels", above)
        return
    chart_names = {
        run_id: (data_words.chart_name(words, by_id[run_id]), by_id[run_id].run.model_kind)
        for run_id in picked
    }
    texts = words.chart_words(*(f"compare.{name}" for name in run_selection.RUN_MEASURES))
    figure = data_charts.run_comparison_chart(frame, chart_names, texts)
    note = _note(words, [by_id[run_id] for run_id in picked], int(frame["n"].max()))
    panels.chart_panel(
        "runs_compare",
        words,
        figure,
        data_tables.run_measure_table(words, frame, names),
        note,
        above,
    )
    differences = run_selection.run_differences([by_id[run_id] for run_id in picked])
    if differences.empty:
        panels.empty_panel("differences", words, "differences.none")
    else:
        panels.listing(
            "differences", words, data_tables.run_difference_table(words, differences, names)
        )


def _picked(by_id: dict[str, RunRecord], scored: list[RunRecord]) -> list[str]:
    """Return the runs of the address, else the newest models that scored the same cases.

    By default those of the run that opens first, if at least two models scored its cases.
    """
    run_ids = [run_id for run_id in state.present.compared.split(",") if run_id in by_id]
    if run_ids or not scored:
        return run_ids[:MOST_COMPARED]
    groups = [
        run_selection.same_cases(scored, record)
        for record in (run_selection.default_selection(scored), *scored)
    ]
    same = next((group for group in groups if len(group) > 1), groups[0])
    return [record.run.run_id for record in same.values()]


def _note(words: Words, records: list[RunRecord], n: int) -> str:
    """Return the basis of the figures, and whether the runs scored the same cases."""
    same = len({record.run.inputs_hash for record in records}) == 1
    texts = words("compare.same" if same else "compare.other")
    return f"{words('runs_compare.note')}  \n{texts}  \n{certificate_words.source_runs(words, n, records)}"


def _storage(words: Words) -> None:
    settings = cache.settings()
    left, right = st.columns(2)
    with left:
        panels.listing(
            "sizes",
            words,
            data_tables.file_size_table(words, workspace.sizes(settings)),
            words("sizes.note"),
        )
    with right:
        panels.listing(
            "versions",
            words,
            data_tables.library_version_table(words, cache.library_versions()),
            words("versions.note"),
        )
