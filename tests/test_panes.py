"""Layouts of several panels: what plotly.subplots makes of the same panels, to the last field."""

import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from dashboard.components import panes

TITLES = ("one", "two", "three")


def rounded(layout):
    """The layout as plain values; plotly.subplots centres titles, which stand at the left here."""
    found = layout.to_plotly_json()
    found.pop("template", None)
    for note in found["annotations"]:
        note.pop("x")
        note.pop("xanchor")
        note.pop("align", None)
        note["font"] = {"size": 14}
        note["y"] = round(note["y"], 9)
    for axis in (value for name, value in found.items() if "axis" in name):
        axis["domain"] = [round(end, 9) for end in axis["domain"]]
    return found


@pytest.mark.parametrize("count", [1, 2, 3])
def test_stacked_panels_are_those_of_subplots(count):
    titles = TITLES[:count]
    theirs = make_subplots(
        rows=count, cols=1, shared_xaxes=count > 1, vertical_spacing=0.09, subplot_titles=titles
    )
    theirs.update_xaxes(title="t", row=count, col=1)
    theirs.update_yaxes(nticks=5)
    ours = go.Figure(layout=panes.stacked(titles, 0.09, {}, [{"nticks": 5}] * count, "t"))
    assert rounded(ours.layout) == rounded(theirs.layout)


def test_titles_stand_at_the_left_edge_of_their_panel():
    notes = panes.stacked(TITLES[:2], 0.1, {}, [{}, {}], "t")["annotations"]
    assert [(note["x"], note["xanchor"], note["y"]) for note in notes] == [
        (0, "left", 1),
        (0, "left", pytest.approx(0.45)),
    ]


def test_an_upright_line_is_that_of_add_vline():
    figure = make_subplots(rows=2, cols=1)
    for row in (1, 2):
        figure.add_scatter(x=[0], y=[0], row=row, col=1)
    figure.add_vline(x=0.3, line={"width": 2})
    theirs = [shape.to_plotly_json() for shape in figure.layout.shapes]
    assert [panes.upright(0.3, {"width": 2}, index) for index in (0, 1)] == theirs
