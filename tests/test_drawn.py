"""What the charts that follow the handle are given: every figure at every threshold, in few bytes,
and names as they are.
"""

import base64

import numpy as np
import pytest

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.thresholds.costs import DAYS_PER_MONTH, CostModel, UnitCosts
from core.decision.thresholds.daily_money import (
    MONEY_PARTS,
    all_human_option,
    constant_option,
    option_curve,
)
from core.report.frames import PART_SHARES, part_curves
from dashboard.decide.live import drawn
from dashboard.i18n import LANGUAGE_NAMES, Words

WORDS = Words("en")
COSTS = UnitCosts(review=4, escape=120, machine_hour=0.5)
EVIL = "<b>x</b> & $y$ %{x}"


def counted(
    segments: int, outcomes=("right", "wrong", "unseen", "unlabelled"), cases: int = 40_000
) -> AcceptanceCurve:
    random = np.random.default_rng(0)
    names = [f"{EVIL}{i}" for i in range(segments)]
    segment, outcome = random.choice(names, cases), random.choice(outcomes, cases)
    return AcceptanceCurve(
        Histogram.from_predictions(segment, ["x"] * cases, outcome, random.random(cases))
    )


def unpacked(row: dict, columns, kind: str) -> dict[str, np.ndarray]:
    return dict(
        zip(
            columns,
            np.frombuffer(base64.b64decode(row["values"]), kind).reshape(len(columns), -1),
            strict=True,
        )
    )


def test_options_come_to_the_last_bit_and_people_alone_once():
    counts = counted(2)
    curves = (
        constant_option(all_human_option(50, COSTS)),
        option_curve("student", counts, CostModel(50, COSTS, 0.36)),
    )
    data = drawn.options_chart(WORDS, curves, ("People", EVIL), "JPY")
    assert [(row["name"], row["n"]) for row in data["rows"]] == [("People", 0), (EVIL, curves[1].n)]
    assert (data["currency"], data["columns"]) == ({"code": "JPY", "digits": 0}, MONEY_PARTS)
    for row, curve, size in zip(data["rows"], curves, (1, 1001), strict=True):
        for name, values in unpacked(row, MONEY_PARTS, "<f8").items():
            assert len(values) == size
            np.testing.assert_array_equal(values, curve.money[name] * DAYS_PER_MONTH)


def test_shares_of_parts_are_at_most_half_a_step_off_and_none_is_made_up():
    curves = part_curves(counted(3))
    data = drawn.parts_chart(WORDS, curves)
    assert data["panels"] == ["review", "leakage"]
    for i, row in enumerate(data["rows"]):
        assert (row["name"], row["cases"], row["labelled"]) == (
            curves.names[i],
            curves.cases[i],
            curves.labelled[i],
        )
        for name, levels in unpacked(row, PART_SHARES, "<u2").items():
            np.testing.assert_allclose(
                levels / drawn.PACKED_STEPS,
                curves.shares[name][i],
                rtol=0,
                atol=0.5000001 / drawn.PACKED_STEPS,
            )


def test_without_labels_there_is_no_panel_of_leakage():
    data = drawn.parts_chart(WORDS, part_curves(counted(1, outcomes=("unlabelled",))))
    assert data["panels"] == ["review"]
    assert (unpacked(data["rows"][0], PART_SHARES, "<u2")["leakage"] == drawn.PACKED_UNKNOWN).all()


@pytest.mark.parametrize(("parts", "most"), [(15, 250_000), (30, 500_000)])
def test_many_parts_are_few_bytes(parts, most):
    data = drawn.parts_chart(WORDS, part_curves(counted(parts)))
    assert len(data["rows"]) == parts
    assert sum(len(row["values"]) for row in data["rows"]) < most


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_each_row_makes_the_chart_higher_and_nothing_else_does(language):
    heights = [
        drawn.parts_chart(Words(language), part_curves(counted(parts)))["height"]
        for parts in (1, 2, 3)
    ]
    assert heights[1] - heights[0] == heights[2] - heights[1] > 0
