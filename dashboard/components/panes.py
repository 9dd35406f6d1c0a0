"""Layouts of several panels in one figure, as plain dicts: axes, titles, and vertical lines.

plotly.subplots and a figure's update methods validate the layout again at every call, which took
half of a page's rerun; a layout that is passed once is validated once. Shares are those of the
figure's inside, 0 to 1. Draws nothing, knows no colour.
"""

from collections.abc import Mapping, Sequence


def place(index: int) -> dict[str, str]:
    """Return the axes of a trace in the panel `index`."""
    return {"xaxis": f"x{_number(index)}", "yaxis": f"y{_number(index)}"}


def stacked(
    titles: Sequence[str], gap: float, x: Mapping, y: Sequence[Mapping], title: str
) -> dict:
    """Return the layout of panels one below the other, the first on top, over one x axis.

    titles: one a panel. gap: share between two panels. x: settings of every x axis. y: settings of
    each panel's y axis. title: of the x axis, written below the last panel.
    """
    last, ends = len(titles) - 1, _cut(len(titles), gap)[::-1]
    layout: dict = {"annotations": []}
    for index, text in enumerate(titles):
        below = (
            {"title": {"text": title}}
            if index == last
            else {"matches": place(last)["xaxis"], "showticklabels": False}
        )
        layout |= _axes(
            index, {"domain": [0, 1]} | below | dict(x), {"domain": ends[index]} | dict(y[index])
        )
        layout["annotations"].append(_title(text, ends[index][1]))
    return layout


def upright(x: float, line: Mapping[str, object], index: int) -> dict:
    """Return a vertical line at `x` from bottom to top of the panel `index`."""
    axes = place(index)
    ends = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1}
    return ends | {"xref": axes["xaxis"], "yref": f"{axes['yaxis']} domain", "line": dict(line)}


def _cut(parts: int, gap: float) -> list[list[float]]:
    """Return both ends of `parts` equal parts of 0 to 1, with a gap between neighbours."""
    size = (1 - gap * (parts - 1)) / parts
    # rounding may exceed 1, which Plotly refuses as a domain
    return [[part * (size + gap), min(1, part * (size + gap) + size)] for part in range(parts)]


def _axes(index: int, x: dict, y: dict) -> dict:
    """Return the two axes of a panel under their names in a layout."""
    axes, number = place(index), _number(index)
    return {
        f"xaxis{number}": {"anchor": axes["yaxis"]} | x,
        f"yaxis{number}": {"anchor": axes["xaxis"]} | y,
    }


def _title(text: str, top: float) -> dict:
    """Return a panel's title at its left edge, where reading starts."""
    where = {
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": top,
        "yref": "paper",
        "yanchor": "bottom",
        "align": "left",
    }
    return where | {"text": text, "showarrow": False, "font": {"size": 14}}


def _number(index: int) -> str:
    """Return the suffix of an axis name: Plotly numbers axes from 2; the first has no number."""
    return str(index + 1) if index else ""
