"""The figure of the page 'Data and runs': runs side by side, a panel a measure. Pure, under the
rules of dashboard.components.charts.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.components.charts import MARKS, SLOTS, bars, finish, left_titles, letters


def compare(
    frame: pd.DataFrame, runs: Mapping[str, tuple[str, str]], words: Mapping[str, str]
) -> go.Figure:
    """Each measure of each run with its interval, side by side; runs from top to bottom.

    frame: columns of report.comparison.measure_frame. runs: run id -> (name in lines, model kind).
    words: measures, separators.
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
    order = list(reversed(runs))
    for col, measure in enumerate(measures, start=1):
        rows = frame[frame["measure"] == measure].set_index("run_id")
        for run_id in order:
            name, kind = runs[run_id]
            found = rows.loc[[run_id]]
            figure.add_scatter(
                x=found["value"],
                y=[letters(name).replace("\n", "<br>")],
                mode="markers",
                marker={"color": SLOTS[kind], "symbol": MARKS[kind], "size": 11},
                error_x=bars(found["value"], found["low"], found["high"], SLOTS[kind]),
                hovertemplate=f"%{{x:.3f}}, n = {int(found['n'].iloc[0]):,}<extra>{letters(words[measure])}</extra>",
                cliponaxis=False,
                showlegend=False,
                row=1,
                col=col,
            )
    # no more decimals than the ticks need
    figure.update_xaxes(rangemode="tozero", nticks=5, tickformat="~%")
    figure.update_yaxes(automargin=True, type="category", showgrid=True)
    return left_titles(finish(figure, 110 + 70 * len(runs), words))
