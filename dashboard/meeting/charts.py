"""Figures of the meeting page: tidy frames and words in, Plotly figures out.

As pure as dashboard.components.charts.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.components.charts import FIGURE_MARGIN, SLOTS, bars, finish, left_titles

_LOOKS = {"coverage": ("student", "circle"), "reviews_per_day": ("review", "square")}
_LOOKS |= {"escapes_per_month": ("leak", "diamond"), "money_per_month": ("cheapest", "triangle-up")}
_LARGE = 20  # points of type in large writing


def scenario_chart(
    frame: pd.DataFrame, texts: Mapping[tuple[str, str], str], words: Mapping[str, str], large: bool
) -> go.Figure:
    """Return each measure of each scenario with its interval: four panels, scenarios from the top.

    One panel below the other: two in a row leave a phone no room for the ticks.

    frame: columns name, measure, value, low, high; NaN for a missing figure. texts: (name, measure)
    -> formatted value. words: the measures' names, separators, and the signs of money (symbol,
    unit, ticks), whose unit the frame's amounts are in. large: whether to use large type.
    """
    # Plotly stacks categories upwards; dict.fromkeys removes duplicates in order
    names = list(dict.fromkeys(frame["name"]))[::-1]
    titles = [words[measure] for measure in _LOOKS]
    panel, gap = (20 + 70 * len(names), 90) if large else (20 + 46 * len(names), 64)  # pixels
    height = len(titles) * panel + (len(titles) - 1) * gap
    figure = make_subplots(
        rows=len(titles), cols=1, subplot_titles=titles, vertical_spacing=gap / height
    )
    for place, (measure, (slot, mark)) in enumerate(_LOOKS.items()):
        rows = frame[(frame["measure"] == measure) & frame["value"].notna()].iloc[::-1]
        cell = {"row": place + 1, "col": 1}
        figure.add_scatter(
            x=rows["value"],
            y=rows["name"],
            text=[texts[name, measure] for name in rows["name"]],
            mode="markers+text",
            textposition="top center",
            marker={"color": SLOTS[slot], "symbol": mark, "size": 16 if large else 12},
            error_x=bars(rows["value"], rows["low"], rows["high"], SLOTS[slot])
            | {"thickness": 2.5},
            hovertemplate=f"%{{y}}: %{{text}}<extra>{words[measure]}</extra>",
            cliponaxis=False,
            showlegend=False,
            **cell,
        )
        form = {
            "coverage": {"tickformat": ".2~%"},
            "money_per_month": {
                "tickformat": words["ticks"],
                "tickprefix": words["symbol"],
                "ticksuffix": words["unit"],
            },
        }.get(measure, {})
        ticks = 4 if measure == "money_per_month" else 5  # amounts are long
        figure.update_xaxes(rangemode="tozero", nticks=ticks, tickangle=0, **form, **cell)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=names, range=[-0.5, len(names) - 0.3]
    )
    # the margin on the right is for half of the last tick, or of a figure above its mark
    margin = FIGURE_MARGIN | {"r": 40, "b": 40}
    outside = margin["t"] + margin["b"]
    figure = left_titles(finish(figure, height + outside, words, margin=margin))
    if large:
        figure.update_xaxes(tickfont_size=0.8 * _LARGE)
        figure.update_yaxes(tickfont_size=_LARGE)
        figure.update_traces(textfont_size=_LARGE)
        figure.update_annotations(font_size=_LARGE)
    return figure


def trial_width_figure(
    x: Sequence[float],
    y: Sequence[float],
    marks: Sequence[tuple[float, float, str]],
    words: Mapping[str, str],
) -> go.Figure:
    """Return the half width of an interval against labelled cases, with two marked numbers.

    x: numbers of cases. y: half widths, shares. marks: (x, y, label) of the present and the needed
    number. words: x, y, separators.
    """
    figure = go.Figure()
    hover = f"n = %{{x:,.0f}}<br>%{{y:.2%}}<extra>{words['y']}</extra>"
    line = {"line": {"color": SLOTS["student"], "width": 3}, "showlegend": False}
    figure.add_scatter(x=x, y=y, mode="lines", name=words["y"], hovertemplate=hover, **line)
    looks = (("now", "x"), ("cheapest", "circle"))
    for (position, half, label), (slot, mark) in zip(marks, looks, strict=True):
        look = {"color": SLOTS[slot], "symbol": mark, "size": 13}
        figure.add_scatter(
            x=[position], y=[half], mode="markers", name=label, marker=look, hovertemplate=hover
        )
    figure.update_xaxes(title=words["x"], rangemode="tozero", tickformat=",")
    figure.update_yaxes(title=words["y"], rangemode="tozero", tickformat=".2~%")
    return finish(figure, 380, words)
