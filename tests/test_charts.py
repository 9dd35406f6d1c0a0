"""Charts: pure and coloured by the theme alone."""

import html
import re

import numpy as np
import pandas as pd
import pytest

from dashboard.components import charts
from tests import figures
from tests.figures import NAMES, WORDS, risk_coverage, thresholds

ALL = [risk_coverage, thresholds]


@pytest.mark.parametrize("draw", ALL)
def test_every_colour_is_a_slot_of_the_theme(draw):
    figure = draw().update_layout(template=None)
    slots = set(charts.SLOTS.values())
    found = re.findall(r"#[0-9a-fA-F]{3,8}\b", figure.to_json())
    assert found
    assert {colour[:7] for colour in found} <= slots
    assert "rgb" not in figure.to_json()


def test_models_differ_in_dash_and_mark_and_not_in_colour_alone():
    lines = [trace for trace in risk_coverage().data if trace.name in NAMES.values()]
    assert len({trace.line.dash for trace in lines}) == len(NAMES)
    assert len(set(charts.MARKS.values())) == len(charts.MARKS)


def test_thresholds_without_cases_are_not_drawn():
    assert [len(trace.x) for trace in risk_coverage().data if trace.name == "S"] == [2]


def test_a_point_without_a_risk_is_left_out():
    assert WORDS("now") in {trace.name for trace in risk_coverage().data}
    assert WORDS("now") not in {trace.name for trace in risk_coverage(risk=None).data}


def test_a_panel_without_figures_is_left_out():
    assert [note.text for note in thresholds().layout.annotations] == [
        WORDS(f"axis.{name}") for name in ("reviews", "leakage", "money")
    ]
    assert WORDS("axis.money") not in [
        note.text for note in thresholds(money=np.nan).layout.annotations
    ]


def test_a_revision_says_that_a_chart_handed_over_twice_is_the_same():
    assert all(draw().layout.datarevision == 1 for draw in ALL)


def curve(kind: str, risks: list[float], n: list[int]) -> pd.DataFrame:
    rows = {"threshold": [0.0, 0.5, 0.9], "coverage": [1.0, 0.5, 0.1], "risk": risks, "n": n}
    ends = {"low": np.array(risks) - 0.01, "high": np.array(risks) + 0.01}
    return pd.DataFrame(rows | ends).assign(model_kind=kind)


def drawn(*curves: pd.DataFrame):
    words = figures.SEPARATED | figures.WORDS.chart_words(
        "axis.coverage", "axis.risk", "now", "band", "threshold"
    )
    figure = charts.risk_coverage_figure(pd.concat(curves), figures.NAMES, None, words)
    return {trace.name: list(trace.x) for trace in figure.data if trace.hovertemplate}


def test_curves_that_coincide_become_one_with_the_difference_named():
    n = [100] * 3
    same = drawn(
        curve("student", [0.3, 0.2, 0.1], n),
        curve("teacher", [0.304, 0.2, 0.1], n),
        curve("point", [0.4, 0.2, 0.1], n),
    )
    assert list(same) == ["S =<br>T (0.4)", "P"]


def test_a_risk_of_few_accepted_cases_is_not_drawn():
    n = [100, 30, 29]
    apart = drawn(
        curve("student", [0.3, 0.2, 1.0], n),
        curve("teacher", [0.5, 0.2, 0.0], n),
        curve("point", [0.4, 0.3, 0.1], n),
    )
    assert apart == {"S": [1.0, 0.5], "T": [1.0, 0.5], "P": [1.0, 0.5]}


@pytest.mark.parametrize("text", ["<b>a</b>", "%{x}", "50%{customdata[0]} &lt;", "{{7*7}}"])
def test_plotly_shows_a_name_as_it_is_also_in_a_hover_template(text):
    assert html.unescape(charts.letters(text)) == text  # Plotly knows the entities of HTML
    assert not re.search(r"[<>]|%\{", charts.letters(text))
