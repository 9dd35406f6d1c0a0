"""Charts: pure, coloured by the theme alone, and deaf to markup in names."""

import re

import numpy as np
import pandas as pd
import pytest

from dashboard import charts
from dashboard.i18n import Words

WORDS = Words("ja")
SEPARATED = {"separators": WORDS.separators, "symbol": "$"}
NAMES = {"student": "S", "teacher": "T", "point": "P"}
EVIL = "<b>x</b> & $y$ %{x}"


def risk_coverage(risk=0.2):
    rows = pd.DataFrame({"threshold": [0.0, 0.5, 1.0], "coverage": [1.0, 0.5, 0.0], "risk": [0.4, risk, np.nan]})
    curves = pd.concat([rows.assign(model_kind=kind, low=rows["risk"] - 0.1, high=rows["risk"] + 0.1) for kind in NAMES])
    return charts.risk_coverage(
        curves,
        NAMES,
        {"coverage": 0.5, "risk": risk},
        SEPARATED | WORDS.of("axis.coverage", "axis.risk", "now", "band", "threshold"),
    )


def thresholds(cheapest=0.5, money=1.0):
    curve = pd.DataFrame({"threshold": [0.0, 0.5, 1.0]})
    curve = curve.assign(**{f"{name}{end}": 1.0 for name in ("reviews", "leakage") for end in ("", "_low", "_high")})
    curve = curve.assign(**{f"money{end}": money for end in ("", "_low", "_high")})
    said = WORDS.of("axis.reviews", "axis.leakage", "axis.money", "threshold", "now", "cheapest")
    return charts.against_threshold(curve, 0.8, cheapest, SEPARATED | said)


def options(total=3.0):
    frame = pd.DataFrame(
        [{"name": EVIL, "review": 1.0, "inference": 1.0, "escapes": None, "total": total, "low": total, "high": total}]
    )
    return charts.options(frame, SEPARATED | WORDS.of("part.review", "part.inference", "part.escapes", "part.total"))


def by_segment(leakage=0.1):
    shares = {
        f"{name}{end}": [value] for name, value in (("review", 0.5), ("leakage", leakage)) for end in ("", "_low", "_high")
    }
    return charts.by_segment(pd.DataFrame({"segment": [EVIL]} | shares), SEPARATED | WORDS.of("card.review", "card.leakage"))


def reliability():
    bins = {"n": [0, 5], "confidence": [np.nan, 0.9], "accuracy": [np.nan, 0.8], "low": [np.nan, 0.4], "high": [np.nan, 0.95]}
    frame = pd.concat([pd.DataFrame(bins).assign(model_kind=kind) for kind in NAMES])
    said = WORDS.of("axis.confidence", "axis.accuracy", "calibration.perfect", "column.cases")
    return charts.reliability(frame, NAMES, SEPARATED | said)


ALL = [risk_coverage, thresholds, options, by_segment, reliability]


@pytest.mark.parametrize("draw", ALL)
def test_every_colour_is_a_slot_of_the_theme(draw):
    figure = draw().update_layout(template=None)
    slots = set(charts.SLOTS.values())
    found = re.findall(r"#[0-9a-fA-F]{3,8}\b", figure.to_json())
    assert found
    assert {colour[:7] for colour in found} <= slots
    assert "rgb" not in figure.to_json()


@pytest.mark.parametrize("draw", [options, by_segment])
def test_names_of_cases_are_letters(draw):
    text = draw().to_json()
    assert "<b>" not in text.replace("\\u003c", "<")
    assert "&amp;" in text.replace("\\u0026", "&")


def test_models_differ_in_dash_and_mark_and_not_in_colour_alone():
    lines = [trace for trace in reliability().data if trace.name in NAMES.values()]
    assert len({trace.line.dash for trace in lines}) == len({trace.marker.symbol for trace in lines}) == len(NAMES)


def test_bins_and_thresholds_without_cases_are_not_drawn():
    assert [len(trace.x) for trace in reliability().data if trace.name == "S"] == [1]
    assert [len(trace.x) for trace in risk_coverage().data if trace.name == "S"] == [2]


def test_a_point_without_a_risk_and_a_cheapest_that_is_unknown_are_left_out():
    assert WORDS("now") not in {trace.name for trace in risk_coverage(risk=None).data}
    assert WORDS("cheapest") not in {trace.name for trace in thresholds(cheapest=None).data}


def test_a_panel_without_figures_is_left_out():
    assert [note.text for note in thresholds().layout.annotations] == [
        WORDS(f"axis.{name}") for name in ("reviews", "leakage", "money")
    ]
    assert WORDS("axis.money") not in [note.text for note in thresholds(money=np.nan).layout.annotations]
    assert [note.text for note in by_segment(leakage=np.nan).layout.annotations] == [WORDS("card.review")]


def test_an_option_without_a_total_keeps_its_parts():
    assert options(total=None).data[0].x[0] == 1.0


def test_a_category_axis_leaves_room_for_its_longest_name_and_leaves_very_long_ones_to_plotly():
    room = {name: charts.by_segment(_parts(name), SEPARATED | WORDS.of("card.review", "card.leakage")) for name in LABELS}
    left = [figure.layout.margin.l for figure in room.values()]
    assert left == sorted(left)
    assert left[1] - left[0] == 65  # ten letters more, 6.5 px each
    assert left[2] - left[1] == 65  # 15 full-width letters are as wide as 30 others
    assert [figure.layout.yaxis.automargin for figure in room.values()] == [False, False, False, True]


LABELS = ("a" * 10, "a" * 20, "検" * 15, "a" * 200)


def _parts(name: str) -> pd.DataFrame:
    shares = {f"{column}{end}": [0.1] for column in ("review", "leakage") for end in ("", "_low", "_high")}
    return pd.DataFrame({"segment": [name]} | shares)


def test_a_revision_says_that_a_chart_handed_over_twice_is_the_same():
    assert all(draw().layout.datarevision == 1 for draw in ALL)
