"""Charts of the section 'What if' on the page 'Decide': another mix of cases, and a cascade.

The cascade puts a teacher between student and person. Pure, as dashboard.components.charts is:
frames and words in, figures out, colours only as SLOTS.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.components.charts import SLOTS, band, finish, left_titles

# slot, dash, sign
_WAYS = {"with_teacher": ("teacher", "solid", "diamond"), "without": ("student", "dash", "circle")}


def mix_chart(
    curve: pd.DataFrame, measured: float, supposed: float, words: Mapping[str, str]
) -> go.Figure:
    """Return review rate and leakage against the share of one label, with both shares marked.

    curve: columns share, review, leakage, each of the last two with _low and _high. measured,
    supposed: shares, 0..1. words: review, leakage, share, seen, supposed,
    separators.
    """
    # leakage needs labels and may be unknown at every share
    panels = [p for p in (("review", "review"), ("leakage", "leak")) if curve[p[0]].notna().any()]
    titles = [words[column] for column, _ in panels]
    figure = make_subplots(rows=1, cols=len(panels), horizontal_spacing=0.14, subplot_titles=titles)
    for col, (column, slot) in enumerate(panels, start=1):
        band(
            figure,
            curve["share"],
            curve[f"{column}_low"],
            curve[f"{column}_high"],
            SLOTS[slot],
            None,
            row=1,
            col=col,
        )
        line = {"color": SLOTS[slot], "width": 2.5}
        hover = f"{words['share']} %{{x:.0%}}<br>%{{y:.1%}}<extra>{words[column]}</extra>"
        place = {"row": 1, "col": col, "showlegend": False}
        figure.add_scatter(
            x=curve["share"], y=curve[column], mode="lines", line=line, hovertemplate=hover, **place
        )
    for name, x, dash in (("seen", measured, "dot"), ("supposed", supposed, "solid")):
        line = {"color": SLOTS["now"], "width": 2, "dash": dash}
        figure.add_vline(x=x, line=line)
        figure.add_scatter(
            # an empty trace, because add_vline makes a shape, which has no entry in the legend
            x=[None],
            y=[None],
            mode="lines",
            name=words[name],
            line=line,
            row=1,
            col=1,
        )
    figure.update_xaxes(tickformat=".2~%", range=[0, 1], nticks=4)
    figure.update_yaxes(tickformat=".2~%", rangemode="tozero", nticks=6)
    finish(figure, 340, words).update_layout(legend_y=1.12, margin_t=80, margin_b=48)
    # one title below both panels: on a phone two would lie on each other
    below = {"x": 0.5, "y": 0, "xref": "paper", "yref": "paper", "yshift": -24, "yanchor": "top"}
    return left_titles(figure).add_annotation(text=words["share"], showarrow=False, **below)


def cascade(
    fronts: pd.DataFrame, best: Mapping[str, Mapping[str, float]], words: Mapping[str, str]
) -> go.Figure:
    """Return money a case for people and machines against leakage, with each way's cheapest point.

    fronts: columns of core.report.what_if.cascade_fronts. best: way -> leakage and cost of its
    cheapest point. words: with_teacher, without, best, leakage, cost, separators,
    and the signs of money.
    """
    figure = go.Figure()
    for way, (slot, dash, sign) in _WAYS.items():
        rows = fronts[fronts["way"] == way]
        figure.add_scatter(
            x=rows["leakage"],
            y=rows["cost"],
            mode="lines",
            name=words[way],
            line={"color": SLOTS[slot], "dash": dash, "width": 2.5},
            hovertemplate=(
                f"{words['leakage']} %{{x:.1%}}<br>{words['symbol']}%{{y:{words['amount']}}}{words['unit']}"
                f"<extra>{words[way]}</extra>"
            ),
        )
        figure.add_scatter(
            x=[best[way]["leakage"]],
            y=[best[way]["cost"]],
            mode="markers",
            name=f"{words['best']} ({words[way]})",
            marker={"color": SLOTS[slot], "symbol": sign, "size": 13},
            cliponaxis=False,
            hovertemplate=f"%{{x:.1%}}<br>{words['symbol']}%{{y:{words['amount']}}}{words['unit']}<extra>{words['best']}</extra>",
        )
    figure.update_xaxes(title=words["leakage"], tickformat=".2~%", rangemode="tozero")
    signs = {"tickprefix": words["symbol"], "ticksuffix": words["unit"]}
    signs["tickformat"] = words["ticks"]
    figure.update_yaxes(title=words["cost"], rangemode="tozero", **signs)
    return finish(figure, 400, words)
