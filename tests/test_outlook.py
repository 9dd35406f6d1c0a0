"""The outlook over draws: without doubt it is the appraisal, and its paybacks are those of one
column at a time.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.decision.money.appraisal import appraise_options, payback_month
from core.decision.money.cashflow import OPTION_NAMES, STUDENT_REVIEW
from core.decision.money.sensitivity import monte_carlo_npv, option_outlooks, payback_months
from core.errors import SettingsError
from tests.scenarios import doubtful, plain

SEEDED = np.random.default_rng


def test_without_doubt_every_percentile_is_the_likely_value():
    scenario = plain(ramp_months=3)
    for found, one in zip(
        option_outlooks(scenario, SEEDED(1), draws=50), appraise_options(scenario), strict=True
    ):
        assert found.option == one.option
        np.testing.assert_allclose(found.cumulative, np.tile(one.cumulative, (3, 1)))
        assert found.monthly.p90 == pytest.approx(sum(one.monthly.values()))
        assert (
            found.hours_freed.p10
            == found.hours_freed.p90
            == pytest.approx(one.hours_freed_per_month)
        )
        assert found.escapes.p50 == pytest.approx(one.escapes_per_month)


def test_the_payback_of_a_scenario_on_paper():
    """3,200 once; freed 800 h at 1 less 160 of escapes is 640 a month: 5 months."""
    found = {o.option: o for o in option_outlooks(plain(), SEEDED(1), draws=20)}
    assert (
        found[STUDENT_REVIEW].payback.p10 == found[STUDENT_REVIEW].payback.p90 == pytest.approx(5.0)
    )


@given(arrays(np.float64, (7, 5), elements=st.integers(-50, 50).map(float)))
def test_paybacks_are_those_of_each_column(flows):
    whole = payback_months(np.cumsum(flows, axis=0))
    each = [payback_month(flows[:, column]).months for column in range(flows.shape[1])]
    np.testing.assert_allclose(whole, [np.inf if months is None else months for months in each])


def test_the_draws_are_those_of_the_monte_carlo():
    """With a discount rate of 0 the NPV is the cumulative cash at the end, draw by draw."""
    scenario = doubtful(discount_rate=plain().discount_rate)
    npv = monte_carlo_npv(scenario, SEEDED(7), 999).npv
    for found in option_outlooks(scenario, SEEDED(7), 999):
        assert found.cumulative[:, -1] == pytest.approx(
            np.quantile(npv[found.option], (0.1, 0.5, 0.9), method="inverted_cdf")
        )


def test_an_option_that_never_pays_has_no_payback():
    found = {o.option: o for o in option_outlooks(plain(integration=1e9), SEEDED(1), draws=20)}
    assert (found[STUDENT_REVIEW].payback.p10, found[STUDENT_REVIEW].payback.p90) == (None, None)
    assert set(found) == set(OPTION_NAMES)


def test_no_draw_is_refused():
    with pytest.raises(SettingsError, match="draws 0 is not allowed"):
        option_outlooks(plain(), SEEDED(1), draws=0)
