"""The interval of a difference, against published figures, limits and symmetry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stats.bounds import wilson
from core.stats.difference import excludes_zero, interval_difference
from core.types import Interval

counts = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_newcombes_own_example():
    """Newcombe 1998, table II (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339."""
    found = interval_difference(wilson(56, 70), wilson(48, 80))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )
    assert found.n == 70
    assert excludes_zero(found)


@given(counts, counts)
def test_the_other_way_round_is_the_same_interval_mirrored(one, other):
    a, b = wilson(*one), wilson(*other)
    there, back = interval_difference(a, b), interval_difference(b, a)
    assert (there.value, there.low, there.high) == pytest.approx(
        (-back.value, -back.high, -back.low)
    )
    assert there.low <= there.value <= there.high


def test_a_known_value_moves_the_interval_and_does_not_widen_it():
    found = interval_difference(wilson(30, 100), Interval(0.1, 0.1, 0.1, 50))
    a = wilson(30, 100)
    assert (found.low, found.high) == (pytest.approx(a.low - 0.1), pytest.approx(a.high - 0.1))


def test_what_is_unknown_stays_unknown():
    found = interval_difference(wilson(3, 10), wilson(0, 0))
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
    assert not excludes_zero(found)
