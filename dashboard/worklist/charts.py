"""The figure of the page 'Worklist': decided cases by reason.

Pure, under the rules of dashboard.components.charts.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.components.charts import FIGURE_MARGIN, SLOTS, finish, letters


def by_reason(
    counts: pd.DataFrame, names: Mapping[str, str], words: Mapping[str, str]
) -> go.Figure:
    """Return cases by reason, a bar each, most first.

    counts: columns decision, reason, n. names: reason -> its name. words: cases, separators.
    """
    figure = go.Figure()
    rows = counts[::-1]  # Plotly draws the first at the bottom
    slots = {"accepted": SLOTS["student"]}
    colours = [slots.get(decision, SLOTS["review"]) for decision in rows["decision"]]
    label = {"text": rows["n"], "texttemplate": "%{x:,}", "textposition": "auto"}
    figure.add_bar(
        x=rows["n"],
        y=[letters(names.get(reason, reason)) for reason in rows["reason"]],
        orientation="h",
        marker={"color": colours},
        **label,
        hovertemplate=f"%{{y}}: %{{x:,}}<extra>{letters(words['cases'])}</extra>",
        showlegend=False,
    )
    figure.update_xaxes(rangemode="tozero", title={"text": words["cases"]}, tickformat=",d")
    figure.update_yaxes(automargin=True, type="category")
    margin = FIGURE_MARGIN | {"t": 8}  # there is no legend
    return finish(figure, 70 + 44 * len(rows), words, margin=margin)
