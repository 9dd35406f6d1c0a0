"""Joint counts answer "confidence >= t and epistemic <= limit" as a direct count does."""

import numpy as np
import pytest
from hypothesis import given, settings

from core.counts.histogram import EPISTEMIC_BINS, EPISTEMIC_LIMITS, THRESHOLDS
from core.counts.joint import (
    REVIEW_ALL,
    THRESHOLD_STEPS,
    JointCounts,
    JointCumulative,
    limit_bin,
    step_of_threshold,
    threshold_at,
)
from core.errors import NonFiniteError, SettingsError
from core.types import OUTCOMES
from tests.joints import CLASSES, SEGMENTS, cases, columns, cumulative, joint


@settings(max_examples=50)
@given(cases())
def test_every_threshold_and_every_limit_count_as_directly(rows):
    segment, predicted, outcome, confidence, epistemic = columns(rows)
    found = cumulative(rows).accepted
    enough = confidence[None, :] >= THRESHOLDS[:, None]  # [1001, n]
    sure = epistemic[None, :] <= np.append(EPISTEMIC_LIMITS, np.inf)[:, None]  # [E, n]
    for s, k, o in np.ndindex(2, 2, len(OUTCOMES)):
        cell = [
            x == (SEGMENTS[s], CLASSES[k], OUTCOMES[o])
            for x in zip(segment, predicted, outcome, strict=True)
        ]
        direct = (
            (enough * np.array(cell, dtype=int)) @ sure.T.astype(int)
            if rows
            else np.zeros((1001, EPISTEMIC_BINS))
        )
        np.testing.assert_array_equal(found[s, k, o, :-1], direct)
    assert not found[..., THRESHOLD_STEPS - 1, :].any()  # REVIEW_ALL


@settings(max_examples=20)
@given(cases())
def test_parts_add_up_to_the_whole_and_selections_to_their_sum(rows):
    whole, half = joint(rows), len(rows) // 2
    halves = [joint(part).counts for part in (rows[:half], rows[half:])]
    np.testing.assert_array_equal(halves[0] + halves[1], whole.counts)
    parts = [JointCumulative(whole.select(segments=(s,))).accepted for s in SEGMENTS]
    np.testing.assert_array_equal(np.concatenate(parts), JointCumulative(whole).accepted)
    assert whole.cases == len(rows)
    assert whole.without_unseen().cases == sum(row[2] != "unseen" for row in rows)


def test_rows_of_a_store_are_summed_where_they_belong():
    found = JointCounts.from_rows(
        ("A",), ("x", "y"), "AA", "yy", ["wrong", "wrong"], [900, 900], [3, 3], [2, 5]
    )
    assert (found.counts[0, 1, 1, 900, 3], found.cases, found.counts.dtype) == (7, 7, np.int32)


def test_more_cases_than_32_bits_hold_are_kept_in_64():
    def many(n):
        return JointCounts.from_rows(("A",), ("x",), "A", "x", ["right"], [1000], [0], [n])

    assert many(2**31 - 1).counts.dtype == np.int32
    counts = many(2**31)
    assert (counts.cases, counts.counts.dtype) == (2**31, np.int64)
    assert JointCumulative(counts).accepted[0, 0, 0, 0, -1] == 2**31


def test_a_step_and_its_threshold_are_inverse():
    assert [step_of_threshold(threshold_at(j)) for j in range(THRESHOLD_STEPS)] == list(
        range(THRESHOLD_STEPS)
    )
    assert threshold_at(step_of_threshold(REVIEW_ALL)) == REVIEW_ALL
    assert limit_bin(None) == EPISTEMIC_BINS - 1
    assert limit_bin(0.005) == 0


def test_what_is_no_threshold_limit_or_name_is_refused():
    with pytest.raises(SettingsError, match="'never' is not allowed"):
        step_of_threshold("never")
    with pytest.raises(SettingsError, match="multiple of 0.001"):
        step_of_threshold(0.0005)
    for bad in (0.06, float("nan"), float("inf"), -1):
        with pytest.raises(SettingsError, match="use none or one of 0.005"):
            limit_bin(bad)
    with pytest.raises(SettingsError, match="joint counts have shape"):
        JointCounts(("A",), ("x",), np.zeros((1, 1, 4, 2, 2)))


@pytest.mark.parametrize(
    ("confidence", "epistemic"),
    [(np.nan, 0.1), (np.inf, 0.1), (0.5, np.nan), (0.5, np.inf), (0.5, -1)],
)
def test_values_that_are_not_finite_are_refused(confidence, epistemic):
    with pytest.raises(NonFiniteError, match="at index 0"):
        joint([("A", "x", "right", confidence, epistemic)])


def test_weights_that_cannot_be_are_refused():
    with pytest.raises(NonFiniteError, match="weight nan"):
        cumulative([]).reweighted(np.full((2, 2), np.nan))
    for bad in (np.ones((1, 2)), -np.ones((2, 2))):
        with pytest.raises(SettingsError, match="0 or more for each of 2 segments and 2 classes"):
            cumulative([]).reweighted(bad)
