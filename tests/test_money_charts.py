"""Charts of the money page: coloured by the theme alone, and where their marks stand."""

import re

import numpy as np
import pandas as pd
import pytest

from core.decision.money.cashflow import OPTION_NAMES, STUDENT_REVIEW
from core.decision.money.sensitivity import tornado_bars
from core.report import money
from dashboard.i18n import Words
from dashboard.money import charts as money_charts
from dashboard.money import words as money_words
from tests.scenarios import doubtful, plain

WORDS = Words("ja")
NAMES = money_words.option_names(WORDS)
SAID = {"currency": "円", "amount": ",.0f", "ticks": ",~f", "separators": ".,"}
SAID |= {"payback_month": ""}


def cash(payback=""):
    said = SAID | WORDS.chart_words(
        "money.month", "money.cash", "money.human", "cash.band", "cash.payback"
    )
    frame = money.cash_frame(money.value_scenario(doubtful()))
    return money_charts.cash_chart(frame, NAMES, STUDENT_REVIEW, said | {"payback_month": payback})


def monthly():
    said = SAID | WORDS.chart_words(
        *(f"money.part.{part}" for part in money.COST_PARTS), "money.monthly"
    )
    return money_charts.running_cost_chart(
        money.option_comparison(money.value_scenario(doubtful())), NAMES, said
    )


def widest():
    scenario = doubtful()
    frame = money.tornado_frame(tornado_bars(scenario, STUDENT_REVIEW), scenario)
    said = SAID | WORDS.chart_words(
        "tornado.at_low", "tornado.at_high", "tornado.base", "money.npv"
    )
    written = {f"{end}_text": frame[end].map("{:.0f}".format) for end in ("at_low", "at_high")}
    return money_charts.tornado_chart(frame.assign(label=frame["name"], **written), said)


def histogram():
    draws = money.npv_histogram_frame(np.linspace(-1, 3, 401))
    said = SAID | WORDS.chart_words(
        "money.npv", "monte_carlo.draws", "monte_carlo.loss", "monte_carlo.gain"
    )
    marks = {"p10": -0.6, "p50": 1.0, "p90": 2.6}
    return money_charts.npv_histogram_chart(draws, marks, said | {name: name for name in marks})


def even():
    frame = money.break_even_frame(plain(), STUDENT_REVIEW)
    frame = frame[frame["value"].notna() & (frame["likely"] > 0)]
    said = SAID | WORDS.chart_words(
        "break_even.range", "break_even.value", "break_even.times", "break_even.likely"
    )
    return money_charts.break_even_chart(frame.assign(label=frame["name"]), said)


def thresholds():
    frame = pd.DataFrame({"threshold": [0.0, 0.5, 1.0], "npv": [-1.0, np.nan, 2.0]})
    said = SAID | WORDS.chart_words("money.npv", "threshold", "now", "paying.best", "money.human")
    return money_charts.npv_threshold_chart(frame, 0.8, 1.0, said)


@pytest.mark.parametrize("make", [cash, monthly, widest, histogram, even, thresholds])
def test_every_colour_is_a_slot_of_the_theme(make):
    text = make().to_json()
    colours = set(re.findall(r'"(?:fill)?color":\s*"([^"]*)"', text.split('"template"')[0]))
    assert colours
    assert all(re.fullmatch(r"#0000(0[1-9]|10)(2E)?", colour) for colour in colours), colours


def test_the_bars_of_the_tornado_start_at_the_likely_npv():
    """4,480 with all at their likely values (12 * 640 - 3,200); cases at their low, 500, give 12 *
    320 - 3,200 = 640.
    """
    low, high = widest().data[:2]
    assert low.base == high.base == pytest.approx(4480)
    at = list(low.y).index("cases_per_month")
    assert low.base + low.x[at] == pytest.approx(640)
    assert high.base + high.x[at] == pytest.approx(12 * 1.25 * 640 - 3200)


@pytest.mark.parametrize("chart", [widest, even])
def test_names_of_rows_leave_a_phone_its_width_for_the_marks(chart):
    """They are written above the marks of their row, and nothing crosses them."""
    figure = chart()
    assert figure.layout.yaxis.showticklabels is False
    rows = list(figure.data[0].y) if chart is widest else [trace.y[0] for trace in figure.data[:-2]]
    assert [note.text for note in figure.layout.annotations] == rows
    assert not figure.layout.shapes


def test_break_evens_stand_at_their_multiple_of_the_likely_value():
    """3,200 / 12 months / 0.64 a case = 416.7 cases, 0.4167 of 1,000; integration may cost 2.4
    times as much.
    """
    marks = next(trace for trace in even().data if trace.mode == "markers")
    at = dict(zip(marks.y, marks.x, strict=True))
    assert at["cases_per_month"] == pytest.approx(3200 / 12 / 640)
    assert at["integration"] == pytest.approx(12 * 640 / 3200)


def test_the_parts_of_a_bar_add_up_to_the_mark():
    figure = monthly()
    bars = [trace for trace in figure.data if trace.type == "bar"]
    np.testing.assert_allclose(sum(np.asarray(bar.x) for bar in bars), figure.data[-1].x)
    assert len(figure.data[-1].x) == len(OPTION_NAMES)


def test_the_sides_of_zero_have_the_draws_of_their_side():
    loss, gain = histogram().data[:2]
    assert sum(loss.y) == pytest.approx(0.25, abs=0.01)
    assert sum(gain.y) == pytest.approx(0.75, abs=0.01)


def test_the_payback_is_marked_only_where_there_is_one():
    assert [trace.x for trace in cash("5.0").data if trace.mode == "markers"] == [(5.0,)]
    assert not [trace for trace in cash().data if trace.mode == "markers"]


def test_a_japanese_axis_counts_yen_in_ten_thousands():
    """9,310,000 yen are 931万円; the unit suits the largest size, and NaN stays unknown."""
    frame = pd.DataFrame({"npv": [-9_310_000.0, 4_000_000.0, np.nan], "coverage": 0.5})
    drawn, size, signs = money_words.axis_amounts(WORDS, frame, ["npv"], "JPY")
    np.testing.assert_allclose(drawn["npv"], [-931, 400, np.nan])
    assert (size, signs["currency"], signs["ticks"]) == (10_000, "万円", ",~f")
    drawn, size, signs = money_words.axis_amounts(Words("en"), frame, ["npv"], "JPY")
    assert drawn.equals(frame)
    assert (size, signs["currency"]) == (1, "JPY")


def test_amounts_of_a_sentence_have_one_form_and_a_dash_for_the_unknown():
    written = money_words.money_texts(WORDS, [-45_274.0, 2_200_000.0, np.nan], "JPY")
    assert written == ["\u2212\u20604.53万円", "220万円", "–"]
