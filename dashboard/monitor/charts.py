"""The timeline of the page 'Monitor': leakage, levels of the detectors, and events over time.

Pure, under the rules of dashboard.components.charts.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.components import panes
from dashboard.components.charts import FIGURE_MARGIN, LEGEND, SLOTS, band, bars, finish, letters

# detector -> slot, dash; the two of harm are solid
_DETECTORS = {
    "class": ("review", "dot"),
    "confidence": ("inference", "dash"),
    "risk": ("leak", "solid"),
    "residual": ("temperature", "solid"),
}
_EVENT_MARKS = {
    "harm": ("leak", "x"),
    "notice": ("review", "triangle-up"),
    "policy": ("student", "diamond"),
    "distil": ("point", "square"),
}
TIMELINE_HEIGHT = 680  # pixels
# Numbers only: Plotly knows the names of months in English alone.
_DATE_TICKS = [
    {"dtickrange": [None, "M1"], "value": "%Y-%m-%d"},
    {"dtickrange": ["M1", None], "value": "%Y-%m"},
]


def timeline(
    windows: pd.DataFrame,
    levels: pd.DataFrame,
    events: pd.DataFrame,
    words: Mapping[str, str],
    detectors: Mapping[str, str],
    withdrawn: bool,
) -> go.Figure:
    """Return the one timeline: leakage with bands, drift levels as a share of the alarm, events.

    windows: columns x, n, audits, and free, stable, audited, each also with _low and _high; NaN
    where unknown. levels: detector, x, level. events: x, kind ("harm", "notice", "policy",
    "distil"), text. words: leakage, free, stable, audited, band, level, limit, events, time, order,
    audits, harm, notice, policy, distil, separators. detectors: detector -> its name. withdrawn:
    draws the estimate without labels faintly.
    """
    figure = go.Figure()
    _draw_leakage(figure, windows, words, withdrawn)
    _draw_levels(figure, levels, detectors, words)
    _draw_events(figure, events, words)
    shapes = [
        panes.upright(
            row.x, {"color": SLOTS[_EVENT_MARKS[row.kind][0]], "width": 1, "dash": "dot"}, place
        )
        for row in events.itertuples()
        if row.kind in ("harm", "notice")
        for place in (0, 1)
    ]
    axes = [
        {"tickformat": ".3~%", "rangemode": "tozero", "nticks": 5},
        {"tickformat": ".2~%", "rangemode": "tozero", "nticks": 4},
        # All names, also on a phone, where Plotly would leave out every second one.
        {
            **{"type": "category", "automargin": True, "categoryarray": _event_names(words)[::-1]},
            **{"tickmode": "array", "tickvals": _event_names(words)},
        },
    ]
    titles = [words["leakage"], words["level"], words["events"]]
    # Without its type, an axis whose first values are empty counts as numbers, and dates vanish.
    dated = pd.api.types.is_datetime64_any_dtype(windows["x"])
    across = {"type": "date", "tickformatstops": _DATE_TICKS} if dated else {"type": "linear"}
    layout = panes.stacked(titles, 0.1, across, axes, words["time" if dated else "order"])
    for place, ends in enumerate(([0.56, 1], [0.26, 0.46], [0, 0.16])):
        layout[f"yaxis{'' if place == 0 else place + 1}"]["domain"] = ends
        layout["annotations"][place]["y"] = ends[1]
    legend = LEGEND | {"y": 1 + 36 / TIMELINE_HEIGHT}
    return finish(
        figure,
        TIMELINE_HEIGHT,
        words,
        **layout,
        shapes=shapes,
        legend=legend,
        margin=FIGURE_MARGIN | {"t": 84},
    )


def _draw_leakage(
    figure: go.Figure, windows: pd.DataFrame, words: Mapping[str, str], withdrawn: bool
) -> None:
    place = panes.place(0)
    free, x = windows["free"].notna(), windows["x"]
    if free.any():
        colour = SLOTS["neutral"] if withdrawn else SLOTS["student"]
        band(
            figure,
            x[free],
            windows["free_low"][free],
            windows["free_high"][free],
            colour,
            words["band"],
            **place,
        )
        _line(figure, windows[free], "free", words, colour, "dash" if withdrawn else "solid")
    if windows["stable"].notna().any():
        _line(figure, windows, "stable", words, SLOTS["neutral"], "dot")
    rows = windows[windows["audited"].notna() & (windows["audits"] > 0)]
    figure.add_scatter(
        x=rows["x"],
        y=rows["audited"],
        customdata=rows["audits"],
        mode="markers",
        name=words["audited"],
        marker={"color": SLOTS["leak"], "size": 9},
        error_y=bars(rows["audited"], rows["audited_low"], rows["audited_high"], SLOTS["leak"]),
        hovertemplate=f"%{{y:.2%}}<br>{words['audits']} %{{customdata:,}}<extra>{words['audited']}</extra>",
        **place,
    )


def _line(
    figure: go.Figure,
    windows: pd.DataFrame,
    column: str,
    words: Mapping[str, str],
    colour: str,
    dash: str,
) -> None:
    figure.add_scatter(
        x=windows["x"],
        y=windows[column],
        mode="lines+markers",
        marker={"size": 5},
        name=words[column],
        line={"color": colour, "dash": dash, "width": 2},
        hovertemplate=f"%{{y:.2%}}<extra>{words[column]}</extra>",
        **panes.place(0),
    )


def _draw_levels(
    figure: go.Figure,
    levels: pd.DataFrame,
    detectors: Mapping[str, str],
    words: Mapping[str, str],
) -> None:
    place = panes.place(1)
    for name, (slot, dash) in _DETECTORS.items():
        rows = levels[levels["detector"] == name] if len(levels) else levels
        if not len(rows):
            continue
        figure.add_scatter(
            x=rows["x"],
            y=rows["level"],
            mode="lines",
            name=detectors[name],
            line={"color": SLOTS[slot], "dash": dash, "width": 1.5},
            hovertemplate=f"%{{y:.0%}}<extra>{detectors[name]}</extra>",
            **place,
        )
    if len(levels):
        figure.add_scatter(
            x=[levels["x"].min(), levels["x"].max()],
            y=[1, 1],
            mode="lines",
            name=words["limit"],
            line={"color": SLOTS["now"], "width": 1},
            hoverinfo="skip",
            **place,
        )


def _draw_events(figure: go.Figure, events: pd.DataFrame, words: Mapping[str, str]) -> None:
    place = panes.place(2)
    # All rows are drawn, also without an event: a row that comes and goes would move the others.
    for kind, (slot, symbol) in _EVENT_MARKS.items():
        rows = events[events["kind"] == kind]
        figure.add_scatter(
            x=rows["x"] if len(rows) else [None],
            y=[words[kind]] * max(1, len(rows)),
            customdata=[letters(text) for text in rows["text"]],
            mode="markers",
            showlegend=False,
            marker={"color": SLOTS[slot], "symbol": symbol, "size": 11},
            hovertemplate="%{customdata}<extra></extra>",
            **place,
        )


def _event_names(words: Mapping[str, str]) -> list[str]:
    return [words[kind] for kind in _EVENT_MARKS]
