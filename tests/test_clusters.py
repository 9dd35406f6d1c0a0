"""Intervals by bootstrap over days: against known widths, and honest where days are few."""

import numpy as np
import pytest
from hypothesis import given, settings

from core.decision.thresholds.clusters import MIN_CLUSTERS, aurc, cluster_interval, money_per_day
from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.policy import Policy
from core.errors import NonFiniteError, SettingsError
from core.stats import selective
from core.types import Interval
from tests.joints import COARSE, TERMS, cases, columns, cumulative, simple


def days(wrong, cases=10) -> np.ndarray:
    """Counts [C, 2, O] of days on which all `cases` are accepted and wrong[c] of them are wrong."""
    counts = np.zeros((len(wrong), 2, 4))
    counts[:, :, 1] = np.asarray(wrong)[:, None]
    counts[:, :, 0] = cases - counts[:, :, 1]
    return counts


def generator():
    return np.random.default_rng(7)


def test_the_money_is_that_of_the_policy():
    rows = [(0.9, "right"), (0.8, "wrong"), (0.4, "right"), (0.7, "unlabelled")]
    accepted, total = [2 - 1, 1, 0, 1], [2, 1, 0, 1]
    counts = np.array([[accepted, total]] * 12, dtype=float)
    found = cluster_interval(money_per_day(TERMS), counts, generator())
    assert found.value == pytest.approx(
        policy_consequence(simple(*rows), Policy(0.5), TERMS).money_per_day.value
    )
    assert found.low == pytest.approx(found.high)  # days alike leave nothing to doubt
    assert found.n == 12


def test_the_width_is_that_of_the_mean_of_days():
    # a day is all right or all wrong: sd of the mean share 0.5 / sqrt(100) = 0.05
    wrong = np.tile([0, 10], 50)
    found = cluster_interval(money_per_day(TERMS), days(wrong), generator(), draws=4000)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 0.05 * 100 * 150, rel=0.1)
    spread = cluster_interval(money_per_day(TERMS), days([5] * 100), generator())
    # the same share of wrong answers, spread evenly: the day tells
    assert spread.high - spread.low < 1e-6


def test_few_clusters_have_a_value_and_no_interval():
    found = cluster_interval(money_per_day(TERMS), days([1] * (MIN_CLUSTERS - 1)), generator())
    assert (found.low, found.high, found.n) == (None, None, MIN_CLUSTERS - 1)
    assert found.value == pytest.approx(0.5 + 150 * 10)
    assert (
        cluster_interval(money_per_day(TERMS), days([1] * MIN_CLUSTERS), generator()).low
        is not None
    )


def test_nothing_labelled_has_no_value():
    assert cluster_interval(money_per_day(TERMS), np.zeros((20, 2, 4)), generator()) == Interval(
        None, None, None, 20
    )
    assert cluster_interval(aurc, np.zeros((20, 4, 5)), generator()) == Interval(
        None, None, None, 20
    )


def test_the_same_generator_gives_the_same_interval():
    first, again = (
        cluster_interval(money_per_day(TERMS), days([0, 3] * 10), generator()) for _ in range(2)
    )
    assert first == again
    assert first.low < first.value < first.high


@settings(max_examples=40)
@given(cases(COARSE, min_size=1))
def test_the_area_is_that_of_the_cases(rows):
    *_, outcome, confidence, _ = columns(rows)
    known = np.array([o != "unlabelled" for o in outcome])
    right = np.array([o == "right" for o in outcome])
    counts = np.diff(cumulative(rows).accepted[..., -1].sum((0, 1))[:, ::-1], axis=-1)[
        None, :, ::-1
    ]
    found = aurc(counts)[0]
    expected = selective.aurc(confidence[known], right[known])
    assert np.isnan(found) if expected is None else found == pytest.approx(expected)


def test_what_is_not_finite_or_not_measured_is_refused():
    with pytest.raises(NonFiniteError, match="count nan"):
        cluster_interval(aurc, np.full((12, 4, 5), np.nan), generator())
    with pytest.raises(SettingsError, match="measured no time a case"):
        money_per_day(CostModel(100.0, TERMS.costs))
    with pytest.raises(SettingsError, match="4 outcomes on their second axis"):
        aurc(np.zeros((1, 3, 5)))
