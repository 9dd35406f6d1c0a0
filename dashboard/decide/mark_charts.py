"""Points of interest on the curves of the page 'Decide', each with its own sign and name.

Pure, as dashboard.components.charts is. The point in use is not among them: it moves with the
handle, and dashboard.decide.live draws it. Names take as many rows as necessary so that none covers
another. A click on a sign sets its threshold (customdata), as a click on a curve does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.components import panes
from dashboard.components.charts import SLOTS, letters

ACTIVE_MARK, CERTIFIED_MARK, CAPACITY_MARK, CHEAPEST_MARK = (
    "active",
    "certified",
    "capacity",
    "cheapest",
)
_SIGNS = {
    ACTIVE_MARK: ("diamond-open", SLOTS["now"]),
    CERTIFIED_MARK: ("star", SLOTS["cheapest"]),
    CAPACITY_MARK: ("triangle-up", SLOTS["review"]),
    CHEAPEST_MARK: ("square-open", SLOTS["inference"]),
}
_LABEL_SHARE = 0.17  # of an axis's width that a name takes at most
_TOP_SHARE = 0.45  # the same of the names above the panels, where a phone's axis is 200 px wide
_ROW = 17  # px of a row of names


@dataclass(frozen=True)
class Mark:
    """One point: its kind, threshold, name and figures.

    figures: coverage, risk, reviews, leakage, money; None if unknown.
    """

    kind: str  # one of the four above
    threshold: float
    name: str
    figures: Mapping[str, float | None]

    def __hash__(self) -> int:
        """Hash all but the figures, which are a dict.

        Equality compares them too, so dashboard.session.cache still tells points apart.
        """
        return hash((self.kind, self.threshold, self.name))


def on_risk(figure: go.Figure, marks: Sequence[Mark]) -> go.Figure:
    """Add the points to charts.risk_coverage_figure, without those whose risk is unknown."""
    drawable = [
        (mark, x, y)
        for mark in marks
        if (x := mark.figures["coverage"]) is not None and (y := mark.figures["risk"]) is not None
    ]
    places = rows_of([x for _, x, _ in drawable])
    for (mark, x, y), row in zip(drawable, places, strict=True):
        _sign(figure, mark, x, y, f"%{{x:.1%}}, %{{y:.1%}}<br>{mark.threshold:.3f}")
        name = _name(mark) | {
            "x": x,
            "y": y,
            "ax": -18 if x > 0.2 else 18,
            "ay": -30 - _ROW * row,
            "xanchor": "right" if x > 0.2 else "left",
        }
        figure.add_annotation(
            showarrow=True, arrowhead=0, arrowwidth=1, arrowcolor=_SIGNS[mark.kind][1], **name
        )
    return figure


def on_thresholds(figure: go.Figure, marks: Sequence[Mark]) -> go.Figure:
    """Add the points to every panel of charts.against_threshold.

    A vertical line crosses all panels; the names are above the top one.
    """
    places = rows_of([mark.threshold for mark in marks], _TOP_SHARE)
    curves = [trace for trace in figure.data if trace.meta]
    panels, lines = sum(1 for _ in figure.select_yaxes()), list(figure.layout.shapes)
    for mark, row in zip(marks, places, strict=True):
        line = {"color": _SIGNS[mark.kind][1], "width": 1.5, "dash": "dot"}
        lines += [panes.upright(mark.threshold, line, place) for place in range(panels)]
        for trace in curves:
            value = mark.figures[trace.meta]
            if value is not None:
                axes = {"xaxis": trace.xaxis, "yaxis": trace.yaxis}
                _sign(figure, mark, mark.threshold, value, "%{x:.3f}<br>%{y:,.3~r}", **axes)
        # a centred name at either end of the axis would leave the figure
        edge = {
            "xanchor": "left"
            if mark.threshold < 0.1
            else "right"
            if mark.threshold > 0.9
            else "center"
        }
        figure.add_annotation(
            x=mark.threshold,
            xref="x",
            y=1,
            yref="paper",
            yshift=32 + _ROW * row,
            showarrow=False,
            **_name(mark),
            **edge,
        )
    # The figure grows by the rows of names, so the panels keep their height.
    top = 30 + _ROW * (1 + max(places, default=-1))
    grown = top + 16 - figure.layout.margin.t
    return figure.update_layout(
        shapes=lines, margin_t=top + 16, height=figure.layout.height + grown
    )


def rows_of(places: Sequence[float], share: float = _LABEL_SHARE) -> list[int]:
    """Return the row of each name, 0 first: each takes the first row with enough room.

    places: positions of the names, as shares of the axis. share: distance of two names in one row.
    """
    taken: list[float] = []  # the last place of each row
    rows = [0] * len(places)
    for i in sorted(range(len(places)), key=lambda i: places[i]):
        free = next(
            (row for row, last in enumerate(taken) if places[i] - last >= share), len(taken)
        )
        taken[free : free + 1] = [places[i]]
        rows[i] = free
    return rows


def _sign(figure: go.Figure, mark: Mark, x: float, y: float, hover: str, **axes: str) -> None:
    symbol, colour = _SIGNS[mark.kind]
    figure.add_scatter(
        x=[x],
        y=[y],
        customdata=[mark.threshold],
        meta="mark",
        mode="markers",
        name=mark.name,
        showlegend=False,
        cliponaxis=False,
        marker={
            "symbol": symbol,
            "color": colour,
            "size": 13,
            "line": {"width": 2, "color": colour},
        },
        hovertemplate=f"{hover}<extra>{letters(mark.name)}</extra>",
        **axes,
    )


def _name(mark: Mark) -> dict:
    return {
        "text": f"{letters(mark.name)} {mark.threshold:.3f}",
        "font": {"size": 12, "color": _SIGNS[mark.kind][1]},
    }
