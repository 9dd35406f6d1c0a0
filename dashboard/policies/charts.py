"""Figures of the page 'Policies': two versions side by side, and the history as a timeline.

Tidy frames and words in, Plotly figures out, under the rules of dashboard.components.charts: no
Streamlit, no catalogue, no colour of its own. Text that people typed goes through `letters`.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.components.charts import SLOTS, bars, finish, left_titles, letters, money_signs

_FORMS = {
    "coverage": ".1%",
    "reviews_per_day": ",.3~g",
    "selective_risk": ".1%",
    "leakage": ".1%",
    "money_per_month": ",.2f",
}
_TICKS = {
    "coverage": ".3~%",
    "reviews_per_day": "",
    "selective_risk": ".3~%",
    "leakage": ".3~%",
}
# slot and marker of the version before, and of the one after
_PAIR = (("neutral", "circle"), ("student", "diamond"))
_EVENTS = {
    "propose": ("neutral", "circle"),
    "approve": ("point", "diamond"),
    "activate": ("student", "triangle-right"),
    "undo": ("leak", "x"),
}
_DAY = 86_400_000  # milliseconds between ticks; Plotly writes month names in English, so the ticks have digits
_TIMES = [
    {"dtickrange": [None, _DAY - 1], "value": "%H:%M:%S<br>%Y-%m-%d"},
    {"dtickrange": [_DAY, None], "value": "%Y-%m-%d"},
]
_SPAN = "66"  # alpha of a period in force, hex after a slot


def policy_comparison_chart(
    frame: pd.DataFrame,
    names: Mapping[str, str],
    titles: Mapping[str, str],
    words: Mapping[str, str],
) -> go.Figure:
    """Return each measure of two versions with its interval, one panel a measure.

    A measure without a figure in both versions has no panel. frame: columns of
    report.policies.consequence_frame, the version before first. names: version -> display name.
    titles: measure -> panel title. words: separators, interval, and the signs of money.
    """
    drawable = [
        measure
        for measure in titles
        if frame.loc[frame["measure"] == measure, "value"].notna().any()
    ]
    figure = make_subplots(
        rows=max(1, len(drawable)),
        cols=1,
        subplot_titles=[titles[measure] for measure in drawable],
        # a share of the whole height, which grows with the panels
        vertical_spacing=0.5 / max(1, len(drawable)),
    )
    for row, measure in enumerate(drawable, start=1):
        prefix, unit, amount = money_signs(words, is_money := measure == "money_per_month")
        form = amount if is_money else _FORMS[measure]
        # Plotly stacks categories upwards, so the version before is drawn last to be on top
        for (version, name), (slot, mark) in reversed(
            list(zip(names.items(), _PAIR, strict=False))
        ):
            measure_rows = frame[
                (frame["version"] == version) & (frame["measure"] == measure)
            ].astype({"value": float, "low": float, "high": float})
            figure.add_scatter(
                x=measure_rows["value"],
                y=[letters(name)] * len(measure_rows),
                customdata=measure_rows[["low", "high", "n"]],
                mode="markers",
                marker={"color": SLOTS[slot], "symbol": mark, "size": 11},
                error_x=bars(
                    measure_rows["value"], measure_rows["low"], measure_rows["high"], SLOTS[slot]
                ),
                cliponaxis=False,
                hovertemplate=f"%{{y}}<br>{prefix}%{{x:{form}}}{unit}<br>{words['interval']} {prefix}"
                f"%{{customdata[0]:{form}}}{unit} – {prefix}%{{customdata[1]:{form}}}{unit}"
                "<br>n = %{customdata[2]:,}<extra></extra>",
                showlegend=False,
                row=row,
                col=1,
            )
        figure.update_xaxes(
            # without a format, Plotly writes thousands as "50k"
            tickformat=words["ticks"] if is_money else _TICKS[measure],
            **{"tickprefix": prefix, "ticksuffix": unit, "rangemode": "tozero", "nticks": 6},
            **{"row": row, "col": 1},
        )
    figure.update_yaxes(automargin=True, type="category", range=[-0.6, len(names) - 0.4])
    return left_titles(finish(figure, 60 + 128 * max(1, len(drawable)), words))


def policy_timeline(
    events: pd.DataFrame, spans: pd.DataFrame, names: Mapping[tuple, str], words: Mapping[str, str]
) -> go.Figure:
    """Return events by time and version, and the periods in which each version was in force.

    events: columns of report.policy_history.event_frame. spans: of activation_spans. Times of both
    are in the reader's zone. names: (name, version) -> display name, from top to bottom. words:
    propose, approve, activate, undo, in_force, separators, time (the axis).
    """
    figure = go.Figure()
    for place, span in enumerate(spans.itertuples(index=False)):
        name = letters(names[span.name, span.version])
        figure.add_scatter(
            x=[span.begin, span.end],
            y=[name, name],
            mode="lines",
            line={"color": SLOTS["student"] + _SPAN, "width": 16},
            name=words["in_force"],
            legendgroup="span",
            # one legend entry for all periods
            showlegend=place == 0,
            hovertemplate=f"{name}<br>{words['in_force']}<br>%{{x|%Y-%m-%d %H:%M}}<extra></extra>",
        )
    for event, (slot, mark) in _EVENTS.items():
        rows = events[events["event"] == event]
        if rows.empty:
            continue
        figure.add_scatter(
            x=rows["recorded_at"],
            y=[letters(names[pair]) for pair in zip(rows["name"], rows["version"], strict=True)],
            customdata=[
                [letters(a), letters(r)]
                for a, r in zip(rows["author"], rows["reason"], strict=True)
            ],
            mode="markers",
            name=words[event],
            marker={"color": SLOTS[slot], "symbol": mark, "size": 12},
            hovertemplate="%{y}<br>%{x|%Y-%m-%d %H:%M}<br>%{customdata[0]}: %{customdata[1]}"
            f"<extra>{words[event]}</extra>",
            cliponaxis=False,
        )
    order = [letters(name) for name in names.values()]
    figure.update_xaxes(title=words["time"], tickformatstops=_TIMES, **_distinct_ticks(figure))
    figure.update_yaxes(
        automargin=True, type="category", categoryorder="array", categoryarray=order[::-1]
    )
    return finish(figure, 150 + 44 * len(order), words)


def _distinct_ticks(figure: go.Figure) -> dict[str, object]:
    """Return the range of a time axis that is at least an hour, so that no two ticks read alike.

    Plotly would divide a moment into milliseconds, which the tick's format does not show.
    """
    moments = pd.to_datetime([x for trace in figure.data for x in trace.x])
    if not len(moments):
        return {}
    first, last = moments.min(), moments.max()
    room = max(pd.Timedelta(0), pd.Timedelta(hours=1) - (last - first)) / 2
    margin = 0.03 * (last - first)
    return {"range": [first - room - margin, last + room + margin], "nticks": 6}
