"""Another mix of cases: weights by hand, against copied cases, and what they do to intervals and
certificates.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.prevalence import class_weights
from core.errors import NonFiniteError, SettingsError
from tests.joints import TERMS, cases, columns, cumulative
from tests.label_shift import label_weights, shifted_consequence

# Segment A: 3 of 4 right, B: 1 of 2 right; all accepted.
ROWS = [("A", "x", o, 0.9, 0.0) for o in ("right", "right", "right", "wrong")]
ROWS += [("B", "y", o, 0.9, 0.0) for o in ("right", "wrong")]
NAMES = ["segment", "predicted", "outcome", "confidence", "epistemic"]


def test_a_mix_by_hand():
    found = policy_consequence(
        class_weights(cumulative(ROWS), {"x": 1, "y": 1}), Policy(0.5), TERMS
    )
    assert found.leakage.value == pytest.approx((1 / 4 + 1 / 2) / 2)
    # Weights 3/4 four times and 3/2 twice: (3 + 3)^2 / (4 * 9/16 + 2 * 9/4) = 36 / 6.75 = 5.33
    assert found.leakage.n == 5
    assert found.reweighted


def test_the_mix_that_was_seen_changes_no_figure():
    whole = cumulative(ROWS)
    shifted = class_weights(whole, {"x": 4, "y": 2})
    found, plain = (policy_consequence(w, Policy(0.5), TERMS) for w in (shifted, whole))
    assert found.leakage == plain.leakage
    assert found.money_per_day == plain.money_per_day


def test_a_class_that_no_longer_comes_takes_its_errors_with_it():
    found = policy_consequence(
        class_weights(cumulative(ROWS), {"x": 1, "y": 0}), Policy(0.5), TERMS
    )
    assert (found.leakage.value, found.leakage.n) == (1 / 4, 4)


@settings(max_examples=30)
@given(cases(min_size=1), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_whole_weights_count_as_copied_cases_with_wider_intervals(rows, a, b, step):
    weighted = cumulative(rows).reweighted(np.array([[a, a], [b, b]], dtype=float))
    copied = cumulative([row for row in rows for _ in range(a if row[0] == "A" else b)])
    found, expected = (
        policy_consequence(w, Policy(step / 1000), TERMS) for w in (weighted, copied)
    )
    for name in ("coverage", "leakage", "selective_risk", "escapes_per_day", "money_per_day"):
        one, other = getattr(found, name), getattr(expected, name)
        assert one.value == pytest.approx(other.value)
        assert one.n <= min(other.n, len(rows))


def test_a_label_shift_by_hand():
    weights = label_weights(["x", "x", "x", "y"], {"x": 0.5, "y": 0.5})
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2])
    table = pd.DataFrame(ROWS[:4], columns=NAMES)  # the one wrong case is the only y
    found = shifted_consequence(Policy(0.5), table, weights, TERMS)
    assert found.leakage.value == pytest.approx(1 / 2)
    assert found.leakage.n == 3  # 16 / (3 * 4/9 + 4) = 3
    assert found.reweighted


@settings(max_examples=30)
@given(cases(min_size=1), st.integers(0, 1000))
def test_equal_weights_on_cases_are_the_counts(rows, step):
    table = pd.DataFrame(dict(zip(NAMES, columns(rows), strict=True)))
    found = shifted_consequence(Policy(step / 1000), table, np.ones(len(rows)), TERMS)
    expected = policy_consequence(cumulative(rows), Policy(step / 1000), TERMS)
    for name in ("coverage", "leakage", "selective_risk", "money_per_day"):
        assert getattr(found, name) == getattr(expected, name)


def test_what_cannot_be_a_mix_is_refused():
    whole = cumulative(ROWS[:4])
    with pytest.raises(SettingsError, match="y has no case to give weight to"):
        class_weights(whole, {"x": 1, "y": 1})
    with pytest.raises(SettingsError, match="Shares are given for x, and the cases have x, y"):
        class_weights(whole, {"x": 1})
    with pytest.raises(SettingsError, match="at least one must be above 0"):
        class_weights(whole, {"x": 0, "y": 0})
    for bad in (np.nan, np.inf):
        with pytest.raises(NonFiniteError, match="share"):
            class_weights(whole, {"x": bad, "y": 0})
