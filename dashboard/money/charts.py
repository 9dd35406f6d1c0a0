"""Figures of the money page: tidy frames of core.report.money and words in, Plotly figures out.

As pure as dashboard.components.charts, whose colour slots it uses. Names of options and inputs are
arguments. The frames' amounts are in the unit of the axis; the signs of money are those of
dashboard.money.words.axis_amounts: currency (the unit's name), separators, amount, ticks.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.components.charts import SLOTS, finish

# Hatchings besides colours: for print, and for readers who cannot tell the colours apart.
_PARTS = (  # running cost, colour slot, hatching
    ("review", "review", ""),
    ("audit", "point", "\\"),
    ("inference", "inference", "x"),
    ("escapes", "leak", "/"),
    ("kept_hours", "neutral", "."),
    ("redistillation", "cheapest", "-"),
)
_LINES = {
    "teacher": ("teacher", "dash"),
    "student": ("point", "dot"),
    "student_review": ("student", "solid"),
}
_BAND = "2E"  # alpha of a band, hex after a slot
_TEXT_AT_A_BAR = 76  # px, the widest amount beside the end of a bar


def running_cost_chart(
    frame: pd.DataFrame, names: Mapping[str, str], words: Mapping[str, str]
) -> go.Figure:
    """Return running costs a month, a bar of its parts for each option, with P10 to P90 of the
    total.

    frame: report.money.option_comparison. names: option -> its name. words: the parts, monthly,
    signs of money.
    """
    figure, rows = go.Figure(), frame.iloc[::-1]
    labels = [names[option] for option in rows["option"]]
    for part, slot, hatching in _PARTS:
        mark = {
            "color": SLOTS[slot],
            "pattern": {"shape": hatching, "solidity": 0.25},
            "line": {"width": 0},
        }
        hover = (
            f"%{{y}}<br>%{{x:{words['amount']}}} {words['currency']}<extra>{words[part]}</extra>"
        )
        figure.add_bar(
            y=labels,
            x=rows[part],
            name=words[part],
            orientation="h",
            marker=mark,
            hovertemplate=hover,
        )
    figure.add_scatter(
        y=labels,
        x=rows["monthly"],
        mode="markers",
        name=words["monthly"],
        marker={"color": SLOTS["now"], "symbol": "line-ns-open", "size": 18, "line": {"width": 2}},
        error_x=_whiskers(rows, "monthly"),
        hovertemplate=f"%{{y}}<br>%{{x:{words['amount']}}} {words['currency']}<extra>{words['monthly']}</extra>",
    )
    figure.update_layout(barmode="stack", bargap=0.45)
    figure.update_xaxes(
        title=_titled(words, "monthly"), tickformat=words["ticks"], rangemode="tozero"
    )
    figure.update_yaxes(automargin=True, type="category")
    return _laid_out(figure, 150 + 60 * len(rows), words)


def cash_chart(
    frame: pd.DataFrame, names: Mapping[str, str], option: str, words: Mapping[str, str]
) -> go.Figure:
    """Return cumulative cash against all human, a line an option, with the payback of `option`.

    The axis and the band from P10 to P90 fit `option`. frame: report.money.cash_frame. names:
    option -> display name. option: the one drawn wide. words: month, cash, band, human, payback,
    signs of money, and payback_month, "" if it never pays back.
    """
    figure = go.Figure()
    option_rows = frame[frame["option"] == option]
    colour = SLOTS[_LINES[option][0]]
    edge = {"x": option_rows["month"], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(y=option_rows["p90"], showlegend=False, **edge)
    figure.add_scatter(
        y=option_rows["p10"], fill="tonexty", fillcolor=colour + _BAND, name=words["band"], **edge
    )
    for drawn, (slot, dash) in _LINES.items():
        rows = frame[frame["option"] == drawn]
        line = {"color": SLOTS[slot], "dash": dash, "width": 3 if drawn == option else 2}
        hover = f"{words['month']} %{{x}}<br>%{{y:{words['amount']}}} {words['currency']}<extra>{names[drawn]}</extra>"
        x, y, name = rows["month"], rows["cash"], names[drawn]
        figure.add_scatter(x=x, y=y, mode="lines", name=name, line=line, hovertemplate=hover)
    _zero(figure, frame["month"].max(), words["human"])
    if words["payback_month"]:
        month = float(words["payback_month"])
        mark = {"color": SLOTS["now"], "size": 13, "symbol": "x"}
        hover = f"%{{x:.0f}}<extra>{words['payback']}</extra>"
        figure.add_scatter(
            x=[month],
            y=[0],
            mode="markers",
            name=words["payback"],
            marker=mark,
            hovertemplate=hover,
        )
    figure.update_xaxes(
        title=words["month"],
        range=[0, frame["month"].max()],
        dtick=6 if frame["month"].max() > 12 else 1,
    )
    low, high = (
        min(0.0, option_rows[["cash", "p10"]].min().min()),
        max(0.0, option_rows[["cash", "p90"]].max().max()),
    )
    # The range fits the chosen option: another one that loses far more would flatten it.
    room = 0.1 * (high - low) or 1.0
    figure.update_yaxes(
        title=_titled(words, "cash"),
        tickformat=words["ticks"],
        automargin=True,
        range=[low - room, high + room],
    )
    return _laid_out(figure, 440, words)


def tornado_chart(frame: pd.DataFrame, words: Mapping[str, str]) -> go.Figure:
    """Return NPV with each input at its own low and high, against the NPV at the likely values.

    frame: label (display name of the input), at_low, at_high, base, at_low_text, at_high_text (the
    NPVs as read on the bars); widest first. words: at_low, at_high, base, npv, currency,
    separators.
    """
    figure, rows = go.Figure(), frame.iloc[::-1]
    base = float(rows["base"].iloc[0])
    for end, slot, hatching in (("at_low", "teacher", "/"), ("at_high", "student", "")):
        figure.add_bar(
            y=rows["label"],
            # a bar starts at its `base`, and its length is relative to it
            x=rows[end] - base,
            base=base,
            customdata=rows[end],
            text=rows[f"{end}_text"],
            # on a hatched bar the text is hard to read; beside it, it reaches into the margin
            textposition="outside",
            cliponaxis=False,
            name=words[end],
            orientation="h",
            marker={
                "color": SLOTS[slot],
                "pattern": {"shape": hatching, "solidity": 0.25},
                "line": {"width": 0},
            },
            hovertemplate=f"%{{y}}<br>%{{customdata:{words['amount']}}} {words['currency']}<extra>{words[end]}</extra>",
        )
    _row_ticks(figure, base, rows["label"], words["base"])
    figure.update_layout(barmode="overlay", bargap=0.65)
    ends = rows[["at_low", "at_high"]]
    across = [float(ends.min().min()), float(ends.max().max())]
    figure.update_xaxes(
        title=_titled(words, "npv"), tickformat=words["ticks"], nticks=5, range=across
    )
    _name_rows(figure, rows["label"], _TEXT_AT_A_BAR)
    # Plotly makes room for bars only, and would cut the texts at their ends.
    sides = {"l": _TEXT_AT_A_BAR, "r": _TEXT_AT_A_BAR}
    return _laid_out(figure, 150 + 46 * len(rows), words).update_layout(margin=sides)


def npv_histogram_chart(
    frame: pd.DataFrame, marks: Mapping[str, float], words: Mapping[str, str]
) -> go.Figure:
    """Return the share of draws by NPV, below and above 0 in two colours, with P10, P50, P90.

    frame: report.money.npv_histogram_frame. marks: p10, p50, p90. words: npv, draws, loss, gain,
    p10, p50, p90, signs of money.
    """
    figure = go.Figure()
    middle, width = (
        (frame["low"] + frame["high"]) / 2,
        # if all draws are equal, the bin has no width and Plotly would not draw it
        (frame["high"] - frame["low"]).clip(lower=1e-9),
    )
    # two traces, one for each side of 0, so that each has a colour and a legend entry
    for name, slot, rows in (("loss", "leak", middle <= 0), ("gain", "student", middle > 0)):
        mark = {"color": SLOTS[slot], "line": {"width": 0}}
        hover = f"%{{x:{words['amount']}}} {words['currency']}<br>%{{y:.1%}}<extra>{words[name]}</extra>"
        traces = {
            "x": middle[rows],
            "y": frame["share"][rows],
            "width": width[rows],
            "name": words[name],
        }
        figure.add_bar(**traces, marker=mark, hovertemplate=hover)
    for name, dash in (("p10", "dot"), ("p50", "solid"), ("p90", "dash")):
        _upright(figure, marks[name], dash, words[name], "now")
    figure.update_layout(bargap=0, barmode="overlay")
    figure.update_xaxes(title=_titled(words, "npv"), tickformat=words["ticks"], nticks=7)
    figure.update_yaxes(title=words["draws"], tickformat=".2~%", rangemode="tozero")
    return _laid_out(figure, 400, words)


def break_even_chart(frame: pd.DataFrame, words: Mapping[str, str]) -> go.Figure:
    """Return each input's break-even and range, as multiples of its likely value, on a log axis.

    frame: label (input and its break-even), low, likely, high, value; likely > 0. words: range,
    value, times, likely, separators.
    """
    figure, rows = go.Figure(), frame.iloc[::-1]
    low, high, value = (rows[name] / rows["likely"] for name in ("low", "high", "value"))
    # a log axis has no 0, so a low of 0 ends at the left edge
    least = min(0.1, float(value[value > 0].min()) / 2)
    low = low.clip(lower=least)
    for i, label in enumerate(rows["label"]):
        line = {"color": SLOTS["neutral"], "width": 9}
        ends = [low.iloc[i], high.iloc[i]]
        figure.add_scatter(
            x=ends,
            y=[label] * 2,
            mode="lines",
            line=line,
            name=words["range"],
            showlegend=i == 0,
            hoverinfo="skip",
        )
    mark = {"color": SLOTS["student"], "size": 13, "symbol": "diamond"}
    figure.add_scatter(
        x=value.clip(lower=least),
        y=rows["label"],
        mode="markers",
        name=words["value"],
        marker=mark,
        hovertemplate=f"%{{y}}<extra>{words['value']}</extra>",
    )
    _row_ticks(figure, 1.0, rows["label"], words["likely"])
    figure.update_xaxes(type="log", title=words["times"], dtick=1, tickformat=",~g", ticksuffix="×")
    figure.update_yaxes(showgrid=True)
    _name_rows(figure, rows["label"])
    return _laid_out(figure, 150 + 46 * len(rows), words)


def npv_threshold_chart(
    frame: pd.DataFrame, threshold: float, best: float | None, words: Mapping[str, str]
) -> go.Figure:
    """Return NPV against the threshold, with the zero line, the present and the best threshold.

    frame: report.money.threshold_npv. threshold: threshold in use. best: None if unknown. words:
    npv, threshold, now, best, human, signs of money.
    """
    figure = go.Figure()
    hover = f"{words['threshold']} %{{x:.3f}}<br>%{{y:{words['amount']}}} {words['currency']}<extra>{words['npv']}</extra>"
    line = {"color": SLOTS["student"], "width": 2.5}
    x, y = frame["threshold"], frame["npv"]
    figure.add_scatter(x=x, y=y, mode="lines", name=words["npv"], line=line, hovertemplate=hover)
    _zero(figure, 1.0, words["human"])
    _upright(figure, threshold, "solid", words["now"], "now")
    if best is not None:
        _upright(figure, best, "dash", words["best"], "cheapest")
    figure.update_xaxes(title=words["threshold"], range=[0, 1], tickformat=".1f")
    figure.update_yaxes(title=_titled(words, "npv"), tickformat=words["ticks"], automargin=True)
    return _laid_out(figure, 380, words)


def _row_ticks(figure: go.Figure, x: float, rows: Iterable[str], name: str) -> None:
    """Mark one value in each row; a line across all rows would cross their names."""
    names = list(rows)
    figure.add_scatter(
        x=[x] * len(names),
        y=names,
        mode="markers",
        name=name,
        marker={
            "symbol": "line-ns",
            "size": 20,
            "line": {"color": SLOTS["now"], "width": 3},
        },
        hoverinfo="skip",
    )


def _name_rows(figure: go.Figure, names: Iterable[str], margin: int = 0) -> None:
    """Write the name of each row above its mark, at the left edge.

    Beside the rows, long names would leave a phone no width for the marks. margin: px between the
    edge and the marks.
    """
    for name in names:
        figure.add_annotation(
            text=name,
            x=0,
            xref="x domain",
            xanchor="left",
            xshift=-margin,
            y=name,
            yanchor="bottom",
            yshift=8,
            showarrow=False,
            align="left",
            font={"size": 12},
        )
    figure.update_yaxes(type="category", showticklabels=False)


def _titled(words: Mapping[str, str], name: str) -> str:
    """Return an axis title with its currency.

    Not as a tick prefix: Plotly writes the sign before the minus of a negative number.
    """
    return f"{words[name]} [{words['currency']}]"


def _whiskers(rows: pd.DataFrame, name: str) -> dict:
    """Return error bars from P10 to P90; the likely value may lie outside them."""
    low, high = rows[name] - rows[f"{name}_p10"], rows[f"{name}_p90"] - rows[name]
    bars = {
        # Plotly would draw a negative length to the other side
        "array": np.maximum(high, 0),
        "arrayminus": np.maximum(low, 0),
        "color": SLOTS["now"],
        "thickness": 1.5,
    }
    return {"type": "data", "symmetric": False} | bars


def _zero(figure: go.Figure, end: float, name: str) -> None:
    """Draw the zero line: all human, the reference of the other options."""
    line = {"color": SLOTS["neutral"], "width": 1.5, "dash": "longdash"}
    figure.add_scatter(x=[0, end], y=[0, 0], mode="lines", name=name, line=line, hoverinfo="skip")


def _upright(figure: go.Figure, x: float, dash: str, name: str, slot: str) -> None:
    """Draw a vertical line, with its name in the legend."""
    line = {"color": SLOTS[slot], "width": 2, "dash": dash}
    figure.add_vline(x=x, line=line)
    figure.add_scatter(x=[None], y=[None], mode="lines", name=name, line=line)


def _laid_out(figure: go.Figure, height: int, words: Mapping[str, str]) -> go.Figure:
    """Finish a figure, with room for the currency above the first panel."""
    return finish(figure, height, words).update_layout(margin_t=56)
