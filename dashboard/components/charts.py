"""Figures of the screens: tidy frames and words in, Plotly figures out.

No Streamlit, no session, no catalogue: every text of a chart is an argument. No colour either:
SLOTS are names of theme.chartCategoricalColors in dashboard/.streamlit/config.toml, which
Streamlit's page fills in for light and dark. Words that come from cases (segments, classes) go
through `letters`, since Plotly interprets a few HTML tags in any text.
"""

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from dashboard.components import panes
from dashboard.components.coinciding import coinciding_curves

# Streamlit's placeholders: its page replaces "#00000n" in a figure by the theme's n-th categorical
# colour.
_SLOT = [f"#{i:06d}" for i in range(1, 11)]
SLOTS = {
    "student": _SLOT[0],
    "teacher": _SLOT[1],
    "point": _SLOT[2],
    "inference": _SLOT[3],
    "leak": _SLOT[4],
    "review": _SLOT[5],
    "temperature": _SLOT[6],
    "cheapest": _SLOT[7],
    "now": _SLOT[8],
    "neutral": _SLOT[9],
}
SLOTS["linear"] = SLOTS["neutral"]  # the plain rival is the reference of the others
# Dashes and signs besides colours: for print, and for readers who cannot tell the colours apart.
DASHES = {
    "student": "solid",
    "teacher": "dash",
    "point": "dot",
    "linear": "longdash",
    "temperature": "dashdot",
}
MARKS = {
    "student": "circle",
    "teacher": "diamond",
    "point": "square",
    "linear": "x",
    "temperature": "triangle-up",
}
# column, slot, tick format
_PANELS = (("reviews", "review", ""), ("leakage", "leak", ".2~%"), ("money", "student", ""))
LEGEND = {
    "orientation": "h",
    "yanchor": "bottom",
    "y": 1.02,
    "xanchor": "left",
    "x": 0,
    "traceorder": "normal",
}
FIGURE_MARGIN = {"l": 8, "r": 12, "t": 48, "b": 8}
LEAST_ACCEPTED = 30  # labelled accepted cases below which a risk is not drawn
_BAND = "2E"  # alpha of an interval's band, hex after a slot
_FAINT = "16"  # of further bands, which overlap it


def letters(text: str) -> str:
    """Return `text` so that Plotly shows it literally, also within a hover template."""
    plain = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("%{", "%&#123;")  # a template fills in %{x}


def risk_coverage_figure(
    curves: pd.DataFrame,
    names: Mapping[str, str],
    point: Mapping[str, float | None] | None,
    words: Mapping[str, str],
    banded: Collection[str] = (),
) -> go.Figure:
    """Return selective risk against coverage, one line a model, and the point in use.

    curves: columns model_kind, threshold, coverage, risk, low, high (shares; NaN if nothing is
    accepted), first model first. names: kind -> legend text. point: coverage, risk of the point in
    use; None if the page draws it over the chart (dashboard.decide.live). words: coverage, risk,
    now, band, threshold, coincide, separators. banded: kinds whose interval is drawn too; the first
    model's always is.
    """
    figure = go.Figure()
    # A risk of a few accepted cases jumps between 0 and 100%: noise, not a curve.
    curves = curves[curves["n"] >= LEAST_ACCEPTED]
    # a chart that compares the intervals of models keeps each of them
    names = dict(names) if banded else coinciding_curves(curves, names, words["coincide"])
    main = next(iter(names))
    for kind, name in names.items():
        rows = curves[(curves["model_kind"] == kind) & curves["risk"].notna()]
        if kind == main:
            band(figure, rows["coverage"], rows["low"], rows["high"], SLOTS[kind], words["band"])
        elif kind in banded:
            band(figure, rows["coverage"], rows["low"], rows["high"], SLOTS[kind], None, _FAINT)
        hover = (
            f"{words['threshold']} %{{customdata:.3f}}<br>{words['coverage']} %{{x:.1%}}<br>"
            f"{words['risk']} %{{y:.1%}}"
        )
        line = {"color": SLOTS[kind], "dash": DASHES[kind], "width": 3 if kind == main else 2}
        figure.add_scatter(
            x=rows["coverage"],
            y=rows["risk"],
            customdata=rows["threshold"],
            # dashboard.decide.live finds its curves by their meta; without one, clicks are ignored
            meta="risk" if kind == main else None,
            name=name,
            mode="lines",
            line=line,
            hovertemplate=hover + f"<extra>{name}</extra>",
        )
    coverage, risk = (None, None) if point is None else (point["coverage"], point["risk"])
    if coverage is not None and risk is not None:
        _point(figure, coverage, risk, words["now"])
    # slightly beyond 1, where the clip would halve the line's end
    across = {"title": {"text": words["coverage"]}, "tickformat": ".2~%", "range": [0, 1.01]}
    # With few accepted cases the risk jumps up to 100%, which would flatten the rest of the curve.
    top = _top(curves[curves["coverage"] >= 0.03], "risk")
    up = {"title": {"text": words["risk"]}, "tickformat": ".2~%", "range": [0, top]}
    # on a phone, a legend of every model takes a line each
    return finish(figure, 384 if banded else 284, words, xaxis=across, yaxis=up)


def against_threshold(curve: pd.DataFrame, words: Mapping[str, str]) -> go.Figure:
    """Return reviews a day, leakage and money a month against the threshold, in panels over one axis.

    A panel without any figure is left out. curve: columns threshold, then reviews, leakage, money,
    each also with _low and _high; NaN if it cannot be estimated. words: reviews, leakage, money,
    threshold, separators, and the signs of money.
    """
    panels = [panel for panel in _PANELS if curve[panel[0]].notna().any()]
    figure, axes = go.Figure(), []
    for place, (column, slot, form) in enumerate(panels):
        prefix, unit, amount = money_signs(words, is_money := column == "money")
        value = f"{prefix}%{{y:{'.1%' if form else amount}}}{unit}"
        placed = panes.place(place)
        band(
            figure,
            curve["threshold"],
            curve[f"{column}_low"],
            curve[f"{column}_high"],
            SLOTS[slot],
            None,
            **placed,
        )
        figure.add_scatter(
            x=curve["threshold"],
            y=curve[column],
            customdata=curve["threshold"],
            meta=column,
            mode="lines",
            line={"color": SLOTS[slot], "width": 2.5},
            showlegend=False,
            hovertemplate=(
                f"{words['threshold']} %{{x:.3f}}<br>{value}<extra>{words[column]}</extra>"
            ),
            **placed,
        )
        written = words["ticks"] if is_money else form
        ticks = {"tickformat": written, "tickprefix": prefix, "ticksuffix": unit}
        axes.append(ticks | {"rangemode": "tozero", "nticks": 5})
    titles = [words[column] for column, _, _ in panels]
    across = {"range": [0, 1], "tickformat": ".1f"}
    layout = panes.stacked(titles, 0.09, across, axes, words["threshold"])
    height = 115 + 116 * len(panels)
    layout["legend"] = LEGEND | {"y": 1 + 36 / height}  # above the first panel's title
    return finish(figure, height, words, **layout, margin=FIGURE_MARGIN | {"t": 72})


def money_signs(words: Mapping[str, str], is_money: bool) -> tuple[str, str, str]:
    """Return the signs before and after a figure and its format, if it is money, else of numbers."""
    return (words["symbol"], words["unit"], words["amount"]) if is_money else ("", "", ",.2f")


def band(
    figure: go.Figure,
    x: Sequence,
    low: Sequence,
    high: Sequence,
    colour: str,
    name: str | None,
    alpha: str = _BAND,
    **place: object,
) -> None:
    """Fill the area between `low` and `high`, and name it in the legend if it has a name.

    x, low, high: equally long. colour: a slot. name: legend text, None for no entry. alpha: two hex
    digits, appended to the colour. place: axes or subplot of the traces.
    """
    # "tonexty" fills to the trace before it, so `high` comes first and nothing may come between
    edge = {"x": x, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(y=high, showlegend=False, **edge, **place)
    fill = {"fill": "tonexty", "fillcolor": colour + alpha, "name": name or ""}
    figure.add_scatter(y=low, showlegend=bool(name), **fill, **edge, **place)


def _point(figure: go.Figure, x: float, y: float, name: str) -> None:
    """Mark the point in use, above all lines."""
    mark = {"color": SLOTS["now"], "size": 14, "symbol": "x", "line": {"width": 0}}
    hover = f"%{{x:.1%}}, %{{y:.1%}}<extra>{name}</extra>"
    figure.add_scatter(
        # unclipped: on an axis, half of the sign would be cut off
        x=[x],
        y=[y],
        mode="markers",
        name=name,
        marker=mark,
        hovertemplate=hover,
        cliponaxis=False,
    )


def bars(value: pd.Series, low: pd.Series, high: pd.Series, colour: str) -> dict:
    """Return Plotly's error bars from `low` to `high` around `value`."""
    return {
        "type": "data",
        "symmetric": False,
        "array": high - value,
        "arrayminus": value - low,
        "color": colour,
        "thickness": 1.5,
    }


def _top(curves: pd.DataFrame, column: str) -> float:
    """Return the upper end of an axis of shares: slightly above the largest value, 5% to 102%."""
    most = curves[column].max()
    return 1.0 if pd.isna(most) else float(min(1.02, max(0.05, most * 1.15)))


def left_titles(figure: go.Figure) -> go.Figure:
    """Move panel titles to each panel's left edge, where reading starts; return the figure."""
    for note in figure.layout.annotations:
        # make_subplots does not link a title to its panel: match them by the panel's middle
        axis = next(a for a in figure.select_xaxes() if abs(sum(a.domain) / 2 - note.x) < 1e-6)
        note.update(x=axis.domain[0], xanchor="left", align="left", font={"size": 14})
    return figure


def finish(figure: go.Figure, height: int, words: Mapping[str, str], **layout: object) -> go.Figure:
    """Set size, margins, legend and decimal signs; return the figure.

    No title: the page writes it. height: pixels. words: separators. layout: further settings such
    as axes. Plotly validates a layout again at each update, so all of it is set at once.
    """
    usual = {
        "height": height,
        "margin": FIGURE_MARGIN,
        "legend": LEGEND,
        "separators": words["separators"],
        "hovermode": "closest",
    }
    # Streamlit's page passes each chart to Plotly twice, as equal but not identical arrays: an
    # equal revision tells Plotly that nothing changed, which saves the second drawing. New data
    # arrive in a new chart, which has no revision yet.
    usual["datarevision"] = 1
    return figure.update_layout(usual | layout, overwrite=True)
