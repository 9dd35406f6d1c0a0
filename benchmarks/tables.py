"""A benchmark's summary as Markdown, and as one chart: what each method costs a case and what it is
worth. No models.
"""

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from benchmarks.must_reach import Summary
from benchmarks.scoring import METRICS

QUALITY = ("accuracy", "nll", "brier", "aurc", "coverage_at_5", "coverage_at_2", "error_auroc")
CALIBRATION = (
    "ece",
    "ece_floor",
    "adaptive_ece",
    "squared_error",
    "temperature_left",
    "ece_rescaled",
)
UNCERTAINTY = (
    "ood_auroc_total",
    "ood_auroc_epistemic",
    "mi_spearman",
    "mi_spearman_ood",
    "mi_mae",
    "mi_mae_ood",
    "aleatoric_spearman",
    "aleatoric_mae",
)
COST = ("train_s", "passes", "ms_per_case")
CHARTED = ("nll", "ece", "coverage_at_5", "ood_auroc_total")
COLOURS = {"one pass": "#5c6b7a", "teacher": "#c26a1b", "student": "#1f6f5c"}


def markdown(summary: Summary, metrics: Sequence[str]) -> str:
    """A row a method, a column a metric: mean [95% interval]; a dash where there is no figure."""
    head = (
        "| method | "
        + " | ".join(METRICS[m][0] + {1: " ↑", -1: " ↓", 0: ""}[METRICS[m][1]] for m in metrics)
        + " |"
    )
    rows = [
        f"| {name} | " + " | ".join(cell(values[m], m) for m in metrics) + " |"
        for name, values in summary.items()
    ]
    return "\n".join([head, "| --- |" + " ---: |" * len(metrics), *rows])


def cell(value: dict, metric: str) -> str:
    """0.123 [0.120, 0.126]; costs with fewer digits and without an interval."""
    if value["value"] is None:
        return "–"
    if metric in COST:
        return f"{value['value']:.2f}" if metric == "ms_per_case" else f"{value['value']:.0f}"
    interval = "" if value["low"] is None else f" [{value['low']:.3f}, {value['high']:.3f}]"
    return f"{value['value']:.3f}{interval}"


def lines_markdown(rows: Sequence[dict]) -> str:
    """must_reach.check's rows as a table."""
    words = {True: "reached", False: "NOT reached", None: "no figure"}
    head = ["| must reach | student | bound | |", "| --- | ---: | ---: | --- |"]
    number = [
        "–" if x is None else f"{x:.3f}" for row in rows for x in (row["student"], row["bound"])
    ]
    return "\n".join(
        head
        + [
            f"| {r['line']} | {number[2 * i]} | {number[2 * i + 1]} | {words[r['reached']]} |"
            for i, r in enumerate(rows)
        ]
    )


def chart(summary: Summary, path: Path) -> None:
    """Four metrics over the measured cost of a case, a point a method with its interval: an HTML
    file that needs no network.
    """
    figure, named = make_subplots(2, 2, subplot_titles=[METRICS[m][0] for m in CHARTED]), set()
    for i, metric in enumerate(CHARTED):
        for name, values in summary.items():
            if values[metric]["value"] is not None:
                point = _point(name, values, metric)
                figure.add_trace(
                    point.update(showlegend=point.name not in named), row=i // 2 + 1, col=i % 2 + 1
                )
                named.add(point.name)
    figure.update_xaxes(type="log", title="ms a case")
    figure.update_layout(title="Worth and cost of a case", height=900, template="plotly_white")
    figure.write_html(path, include_plotlyjs=True)


def _point(name: str, values: dict, metric: str) -> go.Scatter:
    value, cost = values[metric], values["ms_per_case"]["value"]
    kind = (
        "student"
        if name.endswith("student")
        else "teacher"
        if values["passes"]["value"] > 1
        else "one pass"
    )
    error = None
    if value["low"] is not None:
        upper, lower = value["high"] - value["value"], value["value"] - value["low"]
        error = {"type": "data", "symmetric": False, "array": [upper], "arrayminus": [lower]}
    return go.Scatter(
        x=[cost],
        y=[value["value"]],
        error_y=error,
        mode="markers+text",
        text=[name],
        textposition="middle right",
        cliponaxis=False,
        marker={"color": COLOURS[kind], "size": 9},
        name=kind,
        legendgroup=kind,
    )
