"""Points on the curves: each its own sign, beside its name, and no name over another."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.components import charts
from dashboard.decide import charts as decide_charts
from dashboard.decide import mark_charts
from dashboard.decide.mark_charts import (
    ACTIVE_MARK,
    CAPACITY_MARK,
    CERTIFIED_MARK,
    CHEAPEST_MARK,
    Mark,
    on_risk,
    on_thresholds,
    rows_of,
)
from dashboard.i18n import Words
from tests.figures import risk_coverage, thresholds

FIGURES = {"coverage": 0.5, "risk": 0.2, "reviews": 1.0, "leakage": 0.1, "money": None}
MARKS = [
    Mark(kind, 0.5, f"<b>{kind}</b>", FIGURES)
    for kind in (ACTIVE_MARK, CERTIFIED_MARK, CAPACITY_MARK, CHEAPEST_MARK)
]


def added(figure) -> list:
    return [trace for trace in figure.data if trace.meta == "mark"]


def test_every_point_has_a_sign_of_its_own_and_its_name_beside_it():
    figure = on_risk(risk_coverage(), MARKS)
    assert len({trace.marker.symbol for trace in added(figure)}) == len(MARKS)
    assert [note.text for note in figure.layout.annotations] == [
        f"&lt;b&gt;{mark.kind}&lt;/b&gt; 0.500" for mark in MARKS
    ]
    # all at one place, so one above the other
    assert len({note.ay for note in figure.layout.annotations}) == len(MARKS)


def test_a_panel_without_the_figure_has_the_line_and_no_sign():
    figure = on_thresholds(thresholds(), MARKS)
    # reviews and leakage; money is not known
    assert {trace.yaxis for trace in added(figure)} == {"y", "y2"}
    assert len(figure.layout.shapes) >= 3 * len(MARKS)
    assert all(trace.customdata[0] == 0.5 for trace in added(figure))


def test_an_unknown_risk_is_no_point():
    assert not added(
        on_risk(risk_coverage(), [Mark(ACTIVE_MARK, 0.5, "a", FIGURES | {"risk": None})])
    )


def test_no_point_leaves_the_chart_as_it_is():
    assert len(on_thresholds(thresholds(), []).data) == len(thresholds().data)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_names_of_one_row_are_apart(places):
    rows = rows_of(places, 0.2)
    for row in set(rows):
        beside = sorted(place for place, own in zip(places, rows, strict=True) if own == row)
        assert all(b - a >= 0.2 for a, b in zip(beside, beside[1:], strict=False))


def test_names_that_are_apart_share_the_first_row():
    assert rows_of([0.9, 0.1, 0.5, 0.55], 0.17) == [0, 0, 0, 1]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_colour_is_a_slot_of_the_theme(lang):
    words = Words(lang)
    mixed = pd.DataFrame(
        {"share": [0.0, 1.0], "n": 5}
        | {f"{n}{e}": 0.5 for n in ("review", "leakage") for e in ("", "_low", "_high")}
    )
    fronts = pd.DataFrame({"way": ["with_teacher", "without"], "leakage": 0.1, "cost": 1.0})
    best = {way: {"leakage": 0.1, "cost": 1.0} for way in fronts["way"]}
    said = words.chart_words("card.review", "card.leakage", "mix.share", "mix.seen", "mix.supposed")
    named = (
        words.chart_words(
            "cascade.with_teacher",
            "cascade.without",
            "cascade.best",
            "axis.leakage",
            "cascade.cost",
        )
        | words.chart_money("AUD", 1.0)[1]
    )
    figures = [on_risk(risk_coverage(), MARKS), on_thresholds(thresholds(), MARKS)]
    figures += [
        decide_charts.mix_chart(mixed, 0.2, 0.4, said),
        decide_charts.cascade(fronts, best, named),
    ]
    for figure in figures:
        figure.layout.template = None
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b", figure.to_json())
        assert found
        assert {colour[:7] for colour in found} <= set(charts.SLOTS.values())


def test_signs_differ_in_colour_too():
    assert len({colour for _, colour in mark_charts._SIGNS.values()}) == len(mark_charts._SIGNS)
