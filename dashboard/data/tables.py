"""The tables and the chart of the page 'Data and runs'.

Results of core.cases, core.report.run_selection and core.pipeline in, tables and a figure out.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.cases.table import RowProblem
from dashboard.components.charts import MARKS, SLOTS, bars, finish, left_titles, letters
from dashboard.components.tables import ScreenTable
from dashboard.data import words as data_words
from dashboard.i18n import DASH, Words

HASH_SHOWN = 12  # characters of a hash that fit a column
# field -> keys of its values
_NAMED = {"kind": "run_kind.", "model_kind": "kind.", "role": "role.", "state": "run_state."}
_HASHES = ("model_hash", "inputs_hash")


def file_problem_table(words: Words, problems: Sequence[RowProblem]) -> ScreenTable:
    """Return problems of core.cases.read.Cases, one a row, in the file's order.

    Each message is in the reader's language.
    """
    rows = [
        {
            words("problems.row"): problem.row,
            words("problems.column"): words(
                "field.row" if problem.column == "-" else f"field.{problem.column}"
            ),
            words("problems.value"): problem.value,
            words("problems.message"): words.sentence(problem.code, **problem.values),
        }
        for problem in problems
    ]
    return ScreenTable(pd.DataFrame(rows), {})


def run_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return the table of report.run_selection.run_frame, with display names and short hashes."""
    table = frame.assign(
        created_at=frame["created_at"].map(words.time),
        **{
            # the default binds this key; a closure would see the last one
            column: frame[column].map(lambda name, key=key: words(f"{key}{name}"))
            for column, key in _NAMED.items()
        },
        **{name: frame[name].str[:HASH_SHOWN] for name in _HASHES},
    )
    heads = {name: words(f"runs.{name}") for name in frame.columns}
    formats = {
        heads["cases"]: "localized",
        heads["duration_s"]: "%.1f",
        heads["seconds_per_case"]: "%.4f",
    }
    return ScreenTable(table.rename(columns=heads), formats)


def run_difference_table(
    words: Words, frame: pd.DataFrame, names: Mapping[str, str]
) -> ScreenTable:
    """Return the table of report.run_selection.run_differences; settings keep their own names.

    names: run id -> display name.
    """
    rows = []
    for name, *values in frame.itertuples(index=False):
        field = name if "." in name else words(f"runs.{name}")
        rows.append([field, *(_value(words, name, value) for value in values)])
    return ScreenTable(
        pd.DataFrame(
            rows,
            columns=[words("differences.name"), *(names[run_id] for run_id in frame.columns[1:])],
        ),
        {},
    )


def _value(words: Words, name: str, value: str | None) -> str:
    if value is None:
        return DASH
    return (
        value[:HASH_SHOWN]
        if name in _HASHES
        else words(f"{_NAMED[name]}{value}")
        if name in _NAMED
        else value
    )


def run_measure_table(words: Words, frame: pd.DataFrame, names: Mapping[str, str]) -> ScreenTable:
    """Return the table of report.run_selection.measure_frame."""
    value = words("compare.value")
    heads = {"run_id": words("run"), "measure": words("compare.measure"), "value": value}
    heads |= {end: words(f"column.{end}", of=value) for end in ("low", "high")} | {"n": "n"}
    table = frame.assign(
        run_id=frame["run_id"].map(names),
        measure=frame["measure"].map(lambda name: words(f"compare.{name}")),
    )
    return ScreenTable(
        table.rename(columns=heads), {heads[name]: "%.3f" for name in ("value", "low", "high")}
    )


def file_size_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return the table of pipeline.workspace.sizes, with a last row for the total."""
    rows = [
        (
            words(f"folder.{row.folder}"),
            int(row.files),
            data_words.size_text(words, row.bytes),
            int(row.bytes),
        )
        for row in frame.itertuples()
    ]
    total = int(frame["bytes"].sum())
    rows.append(
        (words("folder.all"), int(frame["files"].sum()), data_words.size_text(words, total), total)
    )
    return ScreenTable(
        pd.DataFrame(
            rows, columns=[words(f"sizes.{head}") for head in ("folder", "files", "size", "bytes")]
        ),
        {},
    )


def library_version_table(words: Words, versions: Mapping[str, str]) -> ScreenTable:
    """Return the table of pipeline.workspace.versions."""
    names = {"schema": words("versions.schema"), "python": "Python"}
    rows = [(names.get(name, name), version) for name, version in versions.items()]
    return ScreenTable(
        pd.DataFrame(rows, columns=[words("versions.name"), words("versions.version")]), {}
    )


def run_comparison_chart(
    frame: pd.DataFrame, runs: Mapping[str, tuple[str, str]], words: Mapping[str, str]
) -> go.Figure:
    """Return each measure of each run with its interval, side by side; runs from top to bottom.

    frame: columns of report.run_selection.measure_frame. runs: run id -> (name in lines, model
    kind). words: measures, separators.
    """
    measures = list(dict.fromkeys(frame["measure"]))
    titles = [words[name] for name in measures]
    figure = make_subplots(
        rows=1,
        cols=len(measures),
        shared_yaxes=True,
        horizontal_spacing=0.05,
        subplot_titles=titles,
    )
    # Plotly stacks categories upwards
    order = list(reversed(list(runs)))
    for col, measure in enumerate(measures, start=1):
        rows = frame[frame["measure"] == measure].set_index("run_id")
        for run_id in order:
            name, kind = runs[run_id]
            run_rows = rows.loc[[run_id]]
            figure.add_scatter(
                x=run_rows["value"],
                y=[letters(name).replace("\n", "<br>")],
                mode="markers",
                marker={"color": SLOTS[kind], "symbol": MARKS[kind], "size": 11},
                error_x=bars(run_rows["value"], run_rows["low"], run_rows["high"], SLOTS[kind]),
                hovertemplate=f"%{{x:.3f}}, n = {int(run_rows['n'].iloc[0]):,}<extra>{letters(words[measure])}</extra>",
                cliponaxis=False,
                showlegend=False,
                row=1,
                col=col,
            )
    # "~" trims zeros: no more decimals than the ticks need
    figure.update_xaxes(rangemode="tozero", nticks=5, tickformat="~%")
    figure.update_yaxes(automargin=True, type="category", showgrid=True)
    return left_titles(finish(figure, 110 + 70 * len(runs), words))
