"""Figures of the page 'Ten inspectors or one': the votes, and their mean with the student's answer.

Tidy frames and words in, Plotly figures out, under the rules of dashboard.components.charts: no
Streamlit, no catalogue, no colour of its own.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.components.charts import SLOTS, finish, letters

# Colour and pattern of the label with most votes, the next, the third, and of all others. Only four,
# which can be told apart; each bar also has its label.
_PLACES = (("cheapest", ""), ("temperature", "/"), ("review", "x"), ("neutral", "."))
# drawn over the solid colour; the pattern alone would leave thin stripes of it
_PATTERN = {"fillmode": "overlay", "solidity": 0.15}
_MANY = 30  # with more inspectors, rows are thin and have no text
# letters of a label at a bar or an axis; hover and table hold the full label
_LETTERS = 28


def vote_chart(frame: pd.DataFrame, words: Mapping[str, str]) -> go.Figure:
    """Return one bar an inspector: its confidence in its label, written next to the bar.

    frame: report.inspectors.vote_frame and name, the inspector's display name; rows from top to
    bottom. words: sure, others, separators.
    """
    figure, n = go.Figure(), len(frame)
    # labels beyond the third share the last look
    frame = frame.assign(row=range(n), group=frame["place"].clip(upper=len(_PLACES) - 1))
    for group, rows in frame.groupby("group"):
        slot, pattern = _PLACES[group]
        labels = [letters(label) for label in rows["label"]]
        texts = [
            f"{_short(label)}  {sure:.0%}"
            for label, sure in zip(rows["label"], rows["probability"], strict=True)
        ]
        title = words["others"] if rows["label"].nunique() > 1 else _short(rows["label"].iloc[0])
        figure.add_bar(
            y=rows["row"],
            x=rows["probability"],
            orientation="h",
            name=f"{title}: {len(rows)}",
            marker={
                "color": SLOTS[slot],
                "pattern": {"shape": pattern, **_PATTERN},
                "line": {"width": 0},
            },
            text=texts if n <= _MANY else None,
            textposition="outside",
            cliponaxis=False,
            customdata=list(zip(rows["name"], labels, strict=True)),
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} %{x:.1%}<extra></extra>",
        )
    ticks = (
        {"tickvals": list(frame["row"]), "ticktext": list(frame["name"])}
        if n <= _MANY
        else {"showticklabels": False}
    )
    figure.update_yaxes(
        autorange="reversed", automargin=True, showgrid=False, zeroline=False, **ticks
    )
    figure.update_xaxes(
        # beyond 1 is room for the text after a full bar
        title=words["sure"],
        range=[0, 1.3],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        tickformat=".0%",
    )
    figure.update_layout(bargap=0.35, showlegend=True)
    return finish(figure, 120 + (30 if n <= _MANY else 9) * n, words)


def answer_chart(frame: pd.DataFrame, words: Mapping[str, str]) -> go.Figure:
    """Return the mean of the votes and the student's answer, two bars a label.

    A thin line spans the least to the most confident inspector. frame: report.inspectors.bar_frame.
    words: teacher, student, probability, range, separators.
    """
    figure, rows = go.Figure(), pd.Series(range(len(frame)), dtype=float)
    both = frame["student"].notna().any()
    for name, pattern, shift in (("teacher", "/", -0.2), ("student", "", 0.2))[: 1 + both]:
        place = rows + (shift if both else 0)
        end = frame["high"] if name == "teacher" else frame[name]
        figure.add_bar(
            y=place,
            x=frame[name],
            width=0.36,
            orientation="h",
            name=words[name],
            marker={
                "color": SLOTS[name],
                "pattern": {"shape": pattern, **_PATTERN},
                "line": {"width": 0},
            },
            customdata=[letters(label) for label in frame["label"]],
            hovertemplate=f"%{{customdata}} %{{x:.1%}}<extra>{words[name]}</extra>",
        )
        _written(figure, end, place, frame[name])
    _ranges(figure, frame, rows - (0.2 if both else 0), words["range"])
    names = [_short(label) for label in frame["label"]]
    figure.update_yaxes(
        autorange="reversed",
        automargin=True,
        showgrid=False,
        zeroline=False,
        tickvals=rows,
        ticktext=names,
    )
    figure.update_xaxes(
        # the range leaves room for the value after a full bar
        title=words["probability"],
        range=[0, 1.12],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        tickformat=".0%",
    )
    return finish(figure, 130 + 56 * len(frame), words)


def _ranges(figure: go.Figure, frame: pd.DataFrame, place: pd.Series, name: str) -> None:
    """Draw a line from the least to the most confident inspector for each label."""
    x: list[float | None] = []
    y: list[float | None] = []
    for low, high, row in zip(frame["low"], frame["high"], place, strict=True):
        # None interrupts the line, so a single trace draws all labels with one legend entry
        x, y = [*x, low, high, None], [*y, row, row, None]
    line = {"color": SLOTS["now"], "width": 1.5}
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=name,
        line=line,
        marker={"symbol": "line-ns-open", "size": 9},
        hoverinfo="skip",
    )


def _written(figure: go.Figure, end: pd.Series, place: pd.Series, value: pd.Series) -> None:
    """Write the value after the end of each bar."""
    texts = [f"{share:.0%}" for share in value]
    style = {
        "mode": "text",
        "textposition": "middle right",
        "showlegend": False,
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    figure.add_scatter(x=end + 0.005, y=place, text=texts, **style)


def _short(label: str) -> str:
    """Return a label that Plotly shows literally, cut if it is long."""
    return letters(label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…")
