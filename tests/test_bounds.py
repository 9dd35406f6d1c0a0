"""Wilson's interval against the textbook, against scipy, and at its ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.errors import SettingsError
from core.stats.bounds import wilson, wilson_arrays
from core.types import Interval

COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_is_scipys(counts, level):
    k, n = counts
    oracle = binomtest(k, n).proportion_ci(level, method="wilson")
    found = wilson(k, n, level)
    assert (found.value, found.n, found.level) == (k / n, n, level)
    np.testing.assert_allclose((found.low, found.high), (oracle.low, oracle.high), atol=1e-12)


def test_no_error_in_ten_leaves_z_squared_over_n_plus_z_squared():
    # p = 0: centre + half = (z^2/2n + z^2/2n) / (1 + z^2/n) = z^2 / (n + z^2)
    z2 = 1.959963984540054**2
    found = wilson(0, 10)
    assert found.low == 0.0
    assert found.high == pytest.approx(z2 / (10 + z2), rel=1e-12)


def test_half_is_symmetric_and_hand_derived():
    z2 = 1.959963984540054**2  # p = 1/2: half = z / (2 sqrt(n + z^2))
    found = wilson(50, 100)
    assert found.high - 0.5 == pytest.approx(np.sqrt(z2) / (2 * np.sqrt(100 + z2)), rel=1e-12)
    assert 0.5 - found.low == pytest.approx(found.high - 0.5, rel=1e-12)


@given(COUNTS)
def test_an_interval_lies_in_zero_to_one_holds_its_value_and_mirrors(counts):
    k, n = counts
    found, mirrored = wilson(k, n), wilson(n - k, n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-12)
    assert mirrored.high == pytest.approx(1 - found.low, abs=1e-12)


def test_the_ends_are_exact():
    assert wilson(0, 7).low == 0.0
    assert wilson(7, 7).high == 1.0


def test_nothing_gives_no_figure():
    assert wilson(0, 0) == Interval(None, None, None, 0)
    low, high = wilson_arrays(np.array([0, 1]), np.array([0, 2]))
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()


@given(st.lists(COUNTS, min_size=1, max_size=8))
def test_arrays_are_the_single_values(pairs):
    k, n = np.array(pairs).T
    single = [wilson(int(a), int(b)) for a, b in pairs]
    low, high = wilson_arrays(k, n)
    np.testing.assert_array_equal(low, [i.low for i in single])
    np.testing.assert_array_equal(high, [i.high for i in single])


@pytest.mark.parametrize(("errors", "n"), [(-1, 5), (6, 5)])
def test_a_count_that_cannot_be_is_refused(errors, n):
    with pytest.raises(SettingsError, match=f"{errors} of {n} is not a share"):
        wilson(errors, n)
