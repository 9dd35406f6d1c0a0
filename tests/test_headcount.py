"""Reviews a day as people and back: by hand, and each the other's inverse."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decision.staffing.headcount import FullTime
from core.errors import SettingsError

positive = st.floats(0.01, 1.0)


def test_a_person_does_the_reviews_that_fit_into_the_hours_of_the_week():
    """5 shifts of 7 hours, half of them for reviews of 3 minutes: 5 * 7 * 0.5 * 20 = 350 a week, 50
    a day.
    """
    one = FullTime(minutes=3, hours=7, share=0.5)
    assert one.reviews_per_day == pytest.approx(50)
    assert one.people(105) == pytest.approx(2.1)
    assert [one.least(reviews) for reviews in (0, 1, 50, 50.1, 100)] == [1, 1, 1, 2, 2]


@given(
    minutes=st.floats(0.1, 600), hours=st.floats(0.1, 16), share=positive, reviews=st.floats(0, 1e6)
)
def test_people_and_reviews_are_each_others_inverse(minutes, hours, share, reviews):
    one = FullTime(minutes, hours, share)
    assert one.people(reviews) * one.reviews_per_day == pytest.approx(reviews)
    assert one.least(reviews) >= one.people(reviews) - 1e-6
    assert FullTime(minutes * 2, hours, share).people(reviews) == pytest.approx(
        2 * one.people(reviews)
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("minutes", 0),
        ("hours", 25),
        ("share", 1.1),
        ("share", math.nan),
        ("shifts", 8),
        ("minutes", math.inf),
    ],
)
def test_work_that_cannot_be_is_named(name, value):
    with pytest.raises(SettingsError, match=f"{name} {value} of full-time work is not allowed"):
        FullTime(**({"minutes": 5, "hours": 7.5, "share": 0.8} | {name: value}))
