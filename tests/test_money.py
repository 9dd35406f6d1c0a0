"""Money of a scenario: by hand, against numpy-financial, at the limits, and as doubt moves it."""

import numpy as np
import numpy_financial as npf
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.money.appraisal import (
    BASELINE,
    NO_SIGN_CHANGE,
    NOT_WITHIN_HORIZON,
    SEVERAL_SIGN_CHANGES,
    PaybackTime,
    ReturnRate,
    appraise_options,
    internal_rate,
    likely_values,
    net_present_values,
    payback_month,
)
from core.decision.money.breakeven import (
    ALWAYS_PAYS,
    NEVER_PAYS,
    NO_EFFECT,
    RISK_UNKNOWN,
    break_even_value,
    paying_thresholds,
    threshold_values,
)
from core.decision.money.cashflow import OPTION_NAMES, STUDENT_REVIEW, present_value, ramp_up_shares
from core.decision.money.scenario import INPUT_UNITS, assumed_quantity
from core.decision.money.sensitivity import monte_carlo_npv, pert_draws, tornado_bars
from core.errors import NonFiniteError, SettingsError
from tests.scenarios import PLAIN, certain_quantity, doubtful, plain

COSTS = [name for name, unit in INPUT_UNITS.items() if "currency" in unit]


def by_name(scenario):
    return {a.option: a for a in appraise_options(scenario)}


def test_four_options_by_hand():
    # human 1,000; teacher 100 reviews + 90 escapes at 2; student 300 escapes at 2; with review 200
    # reviews + 80 escapes at 2
    found = by_name(plain())
    assert tuple(found) == OPTION_NAMES
    assert [sum(a.monthly.values()) for a in found.values()] == pytest.approx([1000, 280, 600, 360])
    assert [a.escapes_per_month for a in found.values()] == pytest.approx([0, 90, 300, 80])
    assert [a.hours_freed_per_month for a in found.values()] == pytest.approx([0, 900, 1000, 800])
    assert [sum(a.once.values()) for a in found.values()] == [0, 3200, 3200, 3200]
    # 640 a month for 12 months less 3,200, and back after 5 months; no interest in it
    best = found[STUDENT_REVIEW]
    assert best.npv == pytest.approx(12 * 640 - 3200)
    assert best.payback.months == pytest.approx(5)
    assert best.cumulative[:3] == pytest.approx((-3200, -2560, -1920))
    assert best.cost_present == pytest.approx(12 * 360 + 3200)


def test_discounting_by_hand():
    # 21 % a year is 10 % a half-year: 6 months on, an amount is worth 1 / 1.1 of itself
    flows = np.zeros((13, 1))
    flows[0], flows[6], flows[12] = -100, 55, 60.5
    assert present_value(flows, np.array([0.21]))[0] == pytest.approx(-100 + 50 + 50)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=61), st.floats(0, 2))
def test_present_value_is_numpy_financials(flows, rate):
    expected = npf.npv((1 + rate) ** (1 / 12) - 1, flows)
    assert present_value(np.array(flows)[:, None], np.array([rate]))[0] == pytest.approx(
        expected, rel=1e-9, abs=1e-6
    )


def test_internal_rate_by_hand():
    # 100 becomes 121 in 2 months: 10 % a month
    assert internal_rate(np.array([-100, 0, 121])).annual == pytest.approx(1.1**12 - 1)
    assert internal_rate(np.array([-100, 0, 64])).annual == pytest.approx(0.8**12 - 1)


@given(st.floats(1, 1e6), st.lists(st.floats(0.3, 3), min_size=1, max_size=60))
def test_at_the_internal_rate_the_value_is_zero(once, later):
    flows = once * np.array([-1, *later])
    month = (1 + internal_rate(flows).annual) ** (1 / 12)
    parts = flows / month ** np.arange(len(flows))
    assert abs(parts.sum()) <= 1e-6 * np.abs(parts).sum()


def test_where_no_internal_rate_exists_the_reason_is_named():
    assert internal_rate(np.array([1, 2, 0])) == ReturnRate(None, NO_SIGN_CHANGE)
    assert internal_rate(np.zeros(3)) == ReturnRate(None, NO_SIGN_CHANGE)
    assert internal_rate(np.array([-1, 3, -2])) == ReturnRate(None, SEVERAL_SIGN_CHANGES)
    assert by_name(plain())["all_human"].irr == ReturnRate(None, BASELINE)


def test_payback_by_hand():
    assert payback_month(np.array([-100, 40, 40, 40])) == PaybackTime(2.5)
    assert payback_month(np.array([0, 1, 1])) == PaybackTime(0.0)
    # 50 at month 1, -50 at 2, 50 at 3: for good at 2.5
    assert payback_month(np.array([-100, 150, -100, 100])) == PaybackTime(2.5)
    assert payback_month(np.array([-100, 10])) == PaybackTime(None, NOT_WITHIN_HORIZON)


@pytest.mark.parametrize("figure", [internal_rate, payback_month])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_cash_that_is_not_finite_is_refused(figure, bad):
    with pytest.raises(NonFiniteError, match=f"cash {bad} at index 1 is not finite"):
        figure(np.array([-1, bad]))


def test_a_ramp_by_hand():
    # to full use in 2 months: a quarter and three quarters on average, then all
    assert ramp_up_shares(4, np.array([2.0]))[:, 0] == pytest.approx([0.25, 0.75, 1, 1])
    assert ramp_up_shares(3, np.array([0.0]))[:, 0] == pytest.approx([1, 1, 1])
    assert ramp_up_shares(2, np.array([1.5]))[:, 0] == pytest.approx([1 / 3, 11 / 12])
    slow = by_name(plain(ramp_months=2))[STUDENT_REVIEW]
    assert slow.cumulative[1] == pytest.approx(-3200 + 640 / 4)
    # a ramp of r months costs r / 2 months of saving
    assert slow.npv == pytest.approx(11 * 640 - 3200)


def test_once_and_again_by_hand():
    values = {
        "labels": 100,
        "label": 3,
        "machine_hour": 2,
        "teacher_hours": 5,
        "distillation_hours": 7,
        "people_hours": 4,
    }
    again = {"redistillations": 6, "redistillation_labels": 10, "redistillation_people_hours": 1}
    found = by_name(plain(engineer_hour=50, **values, **again))
    assert found["teacher"].once == {
        "labels": 300,
        "machine": 10,
        "people": 200,
        "integration": 3200,
    }
    assert found[STUDENT_REVIEW].once["machine"] == 24
    assert found[STUDENT_REVIEW].monthly["redistillation"] == pytest.approx((24 + 50 + 30) / 2)
    assert found["all_human"].once == {}


def test_inference_audit_and_review_miss_by_hand():
    found = by_name(plain(student_seconds=9, machine_hour=2, audit_share=0.25, reviewer_miss=0.05))[
        STUDENT_REVIEW
    ]
    assert found.monthly["inference"] == pytest.approx(1000 * 9 / 3600 * 2)
    assert found.monthly["audit"] == pytest.approx(800 * 0.25)
    assert found.escapes_per_month == pytest.approx(80 + 200 * 0.05)
    assert found.hours_freed_per_month == pytest.approx(1000 - 200 - 200)


def test_hours_freed_are_money_only_as_far_as_they_leave_the_payroll():
    none, half, all_ = (by_name(plain(cashed_share=share))[STUDENT_REVIEW] for share in (0, 0.5, 1))
    assert (
        none.hours_freed_per_month
        == half.hours_freed_per_month
        == all_.hours_freed_per_month
        == pytest.approx(800)
    )
    assert none.npv == pytest.approx(-12 * 160 - 3200)  # the escapes come, and no wage goes
    assert half.npv == pytest.approx((none.npv + all_.npv) / 2)


def test_zero_volume_leaves_the_one_time_costs():
    for a in appraise_options(plain(cases_per_month=0)):
        assert a.npv == -sum(a.once.values())
        assert a.irr.annual is None


def test_zero_costs_are_zero_money():
    for a in appraise_options(plain(**dict.fromkeys(COSTS, 0.0))):
        assert (a.npv, a.cost_present, set(a.cumulative)) == (0, 0, {0})


def test_without_errors_nothing_escapes():
    free = plain(student_selective_risk=0, student_error=0, teacher_selective_risk=0)
    assert [a.escapes_per_month for a in appraise_options(free)] == [0, 0, 0, 0]


@given(
    st.dictionaries(st.sampled_from(COSTS), st.just(0.0) | st.floats(1e-6, 1e4)),
    st.integers(-20, 20),
)
def test_money_scales_with_its_costs_to_the_last_bit(costs, power):
    """A factor of 2^k changes exponents alone: every product, sum and quotient of scaled amounts
    rounds as that of the amounts does, so the error's bound is 0. The least cost keeps all of them
    far from underflow, where that would end.
    """
    base = (
        PLAIN
        | {
            "labels": 10,
            "machine_hour": 3,
            "teacher_hours": 2,
            "redistillations": 1,
            "discount_rate": 0.1,
        }
        | costs
    )
    scaled = base | {name: base[name] * 2.0**power for name in COSTS}
    for before, after in zip(
        appraise_options(plain(**base)), appraise_options(plain(**scaled)), strict=True
    ):
        assert after.npv == before.npv * 2.0**power
        assert after.cost_present == before.cost_present * 2.0**power


def test_the_tornado_starts_from_the_likely_values_and_is_sorted():
    scenario = doubtful()
    bars = tornado_bars(scenario, STUDENT_REVIEW)
    npv = by_name(scenario)[STUDENT_REVIEW].npv
    assert {bar.base for bar in bars} == {npv}
    assert {bar.name for bar in bars} == set(INPUT_UNITS)
    assert [bar.swing for bar in bars] == sorted((bar.swing for bar in bars), reverse=True)


def test_a_bar_is_the_appraisal_at_its_own_ends():
    scenario = doubtful(escape=assumed_quantity(1, 2, 7, "currency/case"))
    bar = next(bar for bar in tornado_bars(scenario, STUDENT_REVIEW) if bar.name == "escape")
    ends = [
        by_name(scenario.changed(escape=certain_quantity(x, "currency/case")))[STUDENT_REVIEW].npv
        for x in (1, 7)
    ]
    assert [bar.at_low, bar.at_high] == ends
    assert bar.unit == "AUD/case"


@settings(max_examples=30)
@given(
    st.fixed_dictionaries(
        {name: st.floats(0, 1 if unit == "share" else 1e4) for name, unit in INPUT_UNITS.items()}
    )
)
def test_without_doubt_every_draw_is_the_point(values):
    scenario = plain(**values)
    found = monte_carlo_npv(scenario, np.random.default_rng(0), draws=37)
    for spread, a in zip(found.spreads, appraise_options(scenario), strict=True):
        assert (spread.p10, spread.p50, spread.p90) == (a.npv, a.npv, a.npv)
        assert spread.chance_positive.value == float(a.npv > 0)
        assert spread.standard_error == 0


def test_draws_are_pert():
    draws = pert_draws(assumed_quantity(1, 2, 9, "hours"), np.random.default_rng(0), 200_000)
    assert (draws.min() >= 1, draws.max() <= 9) == (True, True)
    mean = (1 + 4 * 2 + 9) / 6
    variance = (mean - 1) * (9 - mean) / 7  # of a beta with shapes that add up to 6, stretched
    assert draws.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / len(draws)))
    assert draws.var() == pytest.approx(variance, rel=0.02)


def test_the_share_of_draws_above_zero_has_its_standard_error():
    found = monte_carlo_npv(doubtful(), np.random.default_rng(1), 1000)
    for spread in found.spreads:
        positive = (found.npv[spread.option] > 0).mean()
        assert (spread.chance_positive.value, spread.chance_positive.n) == (positive, 1000)
        assert spread.standard_error == pytest.approx(np.sqrt(positive * (1 - positive) / 1000))
        assert spread.p10 <= spread.p50 <= spread.p90
    assert 0 < found.spreads[3].chance_positive.value < 1


def test_the_generator_decides_the_draws():
    one, same, other = (
        monte_carlo_npv(doubtful(), np.random.default_rng(seed), 50).npv["teacher"]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


def test_break_even_values_by_hand():
    # volume: 0.64 a case for 12 months pays 3,200 at 416.67; escape: 800 - 80 x = 3,200 / 12 at x =
    # 6.67
    volume = break_even_value(plain(), STUDENT_REVIEW, "cases_per_month")
    assert (volume.value, volume.pays_above, volume.unit) == (
        pytest.approx(3200 / 12 / 0.64),
        True,
        "cases/month",
    )
    escape = break_even_value(plain(), STUDENT_REVIEW, "escape")
    assert (escape.value, escape.pays_above) == (pytest.approx((800 - 3200 / 12) / 80), False)


@pytest.mark.parametrize("name", [n for n in INPUT_UNITS if n != "discount_rate"])
def test_at_a_break_even_the_value_is_zero(name):
    found = break_even_value(plain(), STUDENT_REVIEW, name)
    assert (found.value is None) == bool(found.reason)
    if found.value is not None:
        assert by_name(plain(**{name: found.value}))[STUDENT_REVIEW].npv == pytest.approx(
            0, abs=1e-6
        )


def test_a_break_even_that_does_not_exist_has_a_name():
    assert (
        break_even_value(plain(escape=20), STUDENT_REVIEW, "cases_per_month").reason == NEVER_PAYS
    )
    assert (
        break_even_value(plain(student_selective_risk=0), STUDENT_REVIEW, "escape").reason
        == NO_EFFECT
    )
    assert (
        break_even_value(plain(integration=0), STUDENT_REVIEW, "reviewer_miss").reason
        == ALWAYS_PAYS
    )
    with pytest.raises(SettingsError, match="Input 'months' has no break-even"):
        break_even_value(plain(), STUDENT_REVIEW, "months")
    with pytest.raises(
        SettingsError, match="Option 'all_human' is not one of: teacher, student, student_review"
    ):
        break_even_value(plain(), "all_human", "escape")


def curve(coverage, risk) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "threshold": np.linspace(0, 1, len(coverage)),
            "coverage": coverage,
            "selective_risk": risk,
        }
    )


def test_the_thresholds_that_pay_by_hand():
    # saving a case: coverage (1 - 2 risk); it must reach 3,200 / 12,000 = 0.267
    found = paying_thresholds(plain(), curve([1, 0.8, 0.4, 0.2, 0], [0.4, 0.2, 0.1, 0, np.nan]))
    # 0.2, 0.48, 0.32, 0.2, 0
    assert (found.lowest, found.highest, found.gaps) == (0.25, 0.5, False)
    assert (found.best, found.best_npv) == (0.25, pytest.approx(0.48 * 12000 - 3200))


def test_every_threshold_is_the_appraisal_with_its_shares():
    table = curve([1, 0.5], [0.4, 0.2])
    values = [
        by_name(plain(student_coverage=c, student_selective_risk=r))[STUDENT_REVIEW].npv
        for c, r in zip(table["coverage"], table["selective_risk"], strict=True)
    ]
    assert threshold_values(plain(), table, STUDENT_REVIEW).tolist() == pytest.approx(values)


def test_thresholds_that_never_pay_or_are_unknown_are_named():
    assert paying_thresholds(plain(), curve([1, 0.1], [0.5, 0.1])).reason == NEVER_PAYS
    unknown = paying_thresholds(plain(), curve([1, 0.5], [np.nan, np.nan]))
    assert (unknown.reason, unknown.best, unknown.lowest) == (RISK_UNKNOWN, None, None)
    with pytest.raises(SettingsError, match="Option 'student' has no threshold"):
        paying_thresholds(plain(), curve([1], [0]), "student")


def test_all_human_is_worth_exactly_nothing_more_than_itself():
    assert net_present_values(likely_values(doubtful()), 12)["all_human"].tolist() == [0]
