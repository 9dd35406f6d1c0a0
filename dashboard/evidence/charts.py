"""Figures of the page 'Evidence': calibration, change over time, spreads, a certificate.

Tidy frames and words in, Plotly figures out, under the rules of dashboard.components.charts: no
Streamlit, no catalogue, no colour of its own.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.components.charts import DASHES, MARKS, SLOTS, band, bars, finish, left_titles

_MEASURES = (
    ("accuracy", "student", "circle"),
    ("ece", "inference", "diamond"),
    ("coverage", "review", "square"),
    ("risk", "leak", "triangle-up"),
)
_FAINT = "38"  # alpha of a cell of one case, hex after a slot


def reliability_chart(
    frame: pd.DataFrame, titles: Mapping[str, str], words: Mapping[str, str]
) -> go.Figure:
    """Return accuracy against mean confidence of each bin, with Wilson bars, a panel a model.

    Separate panels, since in a single one the bars hide each other. frame: columns of
    report.frames.reliability_frame. titles: kind -> panel title. words: confidence, accuracy,
    perfect, cases, separators.
    """
    columns = min(2, len(titles))
    rows = -(-len(titles) // columns)  # rounded up
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        subplot_titles=list(titles.values()),
        horizontal_spacing=0.06,
        vertical_spacing=0.4 / rows,
    )
    for place, kind in enumerate(titles):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        diagonal = {"color": SLOTS["neutral"], "dash": "longdash"}
        _line(figure, [0, 1], [0, 1], words["perfect"], diagonal, showlegend=not place, **cell)
        bins = frame[(frame["model_kind"] == kind) & (frame["n"] > 0)]
        figure.add_scatter(
            x=bins["confidence"],
            y=bins["accuracy"],
            customdata=bins["n"],
            mode="lines+markers",
            line={"color": SLOTS[kind], "dash": DASHES[kind], "width": 1.5},
            marker={"color": SLOTS[kind], "symbol": MARKS[kind], "size": 8},
            error_y=bars(bins["accuracy"], bins["low"], bins["high"], SLOTS[kind]),
            hovertemplate=f"{words['confidence']} %{{x:.1%}}<br>{words['accuracy']} %{{y:.1%}}<br>"
            f"{words['cases']} %{{customdata:,}}<extra></extra>",
            showlegend=False,
            **cell,
        )
        figure.update_xaxes(title=words["confidence"], **cell)
    figure.update_xaxes(tickformat=".2~%", range=[0, 1.01])
    figure.update_yaxes(tickformat=".2~%", range=[0, 1.02])
    figure.update_yaxes(title=words["accuracy"], col=1)
    # the legend's place is a share of the height, so the height comes first
    height = 120 + 300 * rows
    # above the panels' titles
    finish(figure, height, words).update_layout(legend_y=1 + 52 / height, margin_t=94)
    return left_titles(figure)


def shift_chart(
    frame: pd.DataFrame, names: Sequence[str], before: bool, words: Mapping[str, str]
) -> go.Figure:
    """Return accuracy, ECE, coverage and selective risk by period, with intervals, in four panels.

    frame: columns of report.evidence.shift_frame. names: label of each period. before: whether the
    first row is the calibration period, drawn hollow with a line across. words: accuracy, ece,
    coverage, risk, cases, separators.
    """
    titles = [words[name] for name, _, _ in _MEASURES]
    figure = make_subplots(
        rows=len(titles), cols=1, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.07
    )
    for row, (name, slot, mark) in enumerate(_MEASURES, start=1):
        cell = {"row": row, "col": 1}
        value, form = frame[name], "" if name == "ece" else ".1%"
        marks = [f"{mark}-open"] * before + [mark] * (len(frame) - before)
        figure.add_scatter(
            x=list(names),
            y=value,
            customdata=frame["labelled"],
            mode="markers",
            marker={
                "color": SLOTS[slot],
                "size": 11,
                "symbol": marks,
                "line": {"width": 2, "color": SLOTS[slot]},
            },
            error_y=bars(value, frame[f"{name}_low"], frame[f"{name}_high"], SLOTS[slot]),
            hovertemplate=f"%{{x}}<br>%{{y:{form or '.3f'}}}<br>{words['cases']} %{{customdata:,}}<extra>{words[name]}</extra>",
            showlegend=False,
            **cell,
        )
        if before and pd.notna(value.iloc[0]):
            figure.add_hline(
                y=value.iloc[0],
                line={"color": SLOTS["neutral"], "dash": "dot", "width": 1.5},
                **cell,
            )
        figure.update_yaxes(rangemode="tozero", tickformat=".2~%" if form else "", nticks=5, **cell)
    figure.update_xaxes(type="category")
    return left_titles(finish(figure, 680, words))


def spread_chart(parts: Mapping[str, pd.DataFrame], words: Mapping[str, str]) -> go.Figure:
    """Return the student's spread against the teacher's on the same cases, a panel a part.

    The stronger the colour, the more cases. parts: part -> columns student_low, student_high,
    teacher_low, teacher_high (nats), n; occupied cells of one square grid. words: the parts' names,
    student, teacher, cases, perfect, separators.
    """
    titles = [words[part] for part in parts]
    figure = make_subplots(rows=1, cols=len(parts), subplot_titles=titles, horizontal_spacing=0.1)
    for col, cells in enumerate(parts.values(), start=1):
        top = float(max(cells["student_high"].max(), cells["teacher_high"].max()))
        cell = {"row": 1, "col": col}
        figure.add_trace(_density(cells, SLOTS[("student", "teacher")[col % 2]], words), **cell)
        diagonal, ends = {"color": SLOTS["neutral"], "dash": "longdash"}, [0, top]
        # one legend entry for all panels
        _line(figure, ends, ends, words["perfect"], diagonal, showlegend=col == 1, **cell)
        # the same range on both axes, so that the diagonal is where both agree
        axis = {"range": ends, "nticks": 6, **cell}
        figure.update_xaxes(title=words["student"], **axis)
        figure.update_yaxes(title=words["teacher"], **axis)
    finish(figure, 470, words).update_layout(legend_y=1.1, margin_t=76)  # above the panels' titles
    return left_titles(figure)


def _density(cells: pd.DataFrame, slot: str, words: Mapping[str, str]) -> go.Heatmap:
    """Return the counts on the grid as a heatmap, shaded by their logarithm.

    Most cells hold few cases, which a linear scale would hide.
    """
    step = float((cells["student_high"] - cells["student_low"]).iloc[0])
    # rint, not int: an edge is a multiple of the step up to rounding
    i, j = (np.rint(cells[f"{kind}_low"] / step).astype(int) for kind in ("student", "teacher"))
    side = int(max(i.max(), j.max())) + 1
    n = np.full((side, side), np.nan)  # [teacher, student]; NaN is not drawn
    n[j, i] = cells["n"]
    middle = (np.arange(side) + 0.5) * step
    return go.Heatmap(
        x=middle,
        y=middle,
        # a single case has the logarithm 0, the faint end of the scale
        z=np.log(n),
        customdata=n,
        colorscale=[[0, slot + _FAINT], [1, slot]],
        showscale=False,
        hoverongaps=False,
        hovertemplate=f"{words['student']} %{{x:.3f}}<br>{words['teacher']} %{{y:.3f}}<br>"
        f"{words['cases']} %{{customdata:,}}<extra></extra>",
    )


def certificate_chart(
    frame: pd.DataFrame, target: float, threshold: float | None, words: Mapping[str, str]
) -> go.Figure:
    """Return the risk of each threshold on calibration cases, with target and certified threshold.

    frame: columns threshold, risk, low, high (shares). target: a share. threshold: the loosest
    certified one, None if nothing is certified. words: threshold, risk, target, certified, band,
    separators.
    """
    figure = go.Figure()
    band(figure, frame["threshold"], frame["low"], frame["high"], SLOTS["leak"], words["band"])
    figure.add_scatter(
        x=frame["threshold"],
        y=frame["risk"],
        mode="lines",
        name=words["risk"],
        line={"color": SLOTS["leak"], "width": 2.5},
        hovertemplate=f"{words['threshold']} %{{x:.3f}}<br>%{{y:.1%}}<extra>{words['risk']}</extra>",
    )
    _line(figure, [0, 1], [target, target], words["target"], {"color": SLOTS["now"], "width": 2})
    # the target stays in the lower half, or the risk above it could not be read
    top = min(1.0, max(2.2 * target, 1.15 * float(frame["risk"].max())))
    if threshold is not None:
        dashed = {"color": SLOTS["cheapest"], "width": 2.5, "dash": "dash"}
        _line(figure, [threshold, threshold], [0, top], words["certified"], dashed)
    figure.update_xaxes(title=words["threshold"], range=[0, 1], tickformat=".1f")
    figure.update_yaxes(title=words["risk"], range=[0, top], tickformat=".2~%", nticks=7)
    return finish(figure, 380, words)


def _line(
    figure: go.Figure,
    x: list[float],
    y: list[float],
    name: str,
    line: Mapping[str, object],
    **place,
) -> None:
    """Draw a straight line with an entry in the legend; place: row, col, showlegend."""
    figure.add_scatter(
        x=x, y=y, mode="lines", name=name, line=dict(line), hoverinfo="skip", **place
    )
