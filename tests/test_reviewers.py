"""Reviewers' errors by hand, and the corrected risk against the closed form."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decision.review.reviewers import (
    ReviewerErrors,
    corrected_leakage,
    corrected_risk,
    corrected_share,
    reviewer_errors,
    shrunk_rates,
)
from core.types import Interval

COLUMNS = ["case_id", "reviewer", "verdict"]
SHARE = st.floats(0, 1)


def test_a_risk_of_two_per_cent_is_seen_as_almost_twice_that_and_corrected_back():
    observed = 0.02 * 1.0 + 0.98 * 0.02
    assert observed == pytest.approx(0.0396)
    assert corrected_share(observed, 0.02, 0.0) == pytest.approx(0.02)


@given(SHARE, st.floats(0, 0.45), st.floats(0, 0.45))
def test_the_correction_inverts_what_the_reviewers_do(risk, a, b):
    assert corrected_share(risk * (1 - b) + (1 - risk) * a, a, b) == pytest.approx(risk, abs=1e-9)


def test_fewer_errors_than_the_reviewers_make_is_no_risk_and_blind_guessing_says_nothing():
    assert corrected_share(0.01, 0.02, 0.1) == 0.0
    assert corrected_share(0.5, 0.5, 0.5) is None


def test_errors_are_counted_on_gold_and_on_settled_cases_by_hand():
    predicted = {"g1": "cab", "g2": "cab", "d": "cab", "s": "cab", "t": "cab"}
    rows = [
        ("g1", "Ito", "wrong"),  # gold says right: a false wrong, later taken back for "right"
        ("g1", "Ito", "right"),
        ("g1", "Abe", "wrong"),  # a false wrong
        ("g2", "Ito", "right"),  # gold says wrong: a false right
        ("g2", "Abe", "unsure"),  # no clear answer counts as none
        ("d", "Ito", "wrong"),  # two against one: wrong is settled, and Mori errs
        ("d", "Abe", "wrong"),
        ("d", "Mori", "right"),
        ("s", "Ito", "right"),  # one person settles nothing
        ("t", "Ito", "right"),  # a tie settles nothing
        ("t", "Abe", "wrong"),
    ]
    verdicts = pd.DataFrame(rows, columns=COLUMNS)
    errors = reviewer_errors(verdicts, predicted, {"g1": "cab", "g2": "boom"})
    table = errors.by_reviewer[["n_right", "called_wrong", "n_wrong", "called_right"]]
    assert table.loc["Ito"].tolist() == [1, 0, 2, 1]
    assert table.loc["Abe"].tolist() == [1, 1, 1, 0]
    assert table.loc["Mori"].tolist() == [0, 0, 1, 1]
    assert (errors.false_wrong.value, errors.false_wrong.n) == (0.5, 2)
    assert (errors.false_right.value, errors.false_right.n) == (0.5, 4)


def test_without_a_known_truth_there_is_no_figure():
    errors = reviewer_errors(pd.DataFrame([("s", "Ito", "right")], columns=COLUMNS), {}, {})
    assert errors.false_wrong.value is None
    risk = corrected_risk(Interval(0.1, 0.05, 0.2, 50), errors)
    assert (risk.value, risk.low, risk.high) == (None, None, None)


def test_reviewers_who_differ_by_chance_share_a_rate_and_others_keep_their_own():
    alike = shrunk_rates([2, 2, 2], [100, 100, 100])
    assert alike == pytest.approx(np.full(3, 6.5 / 301), abs=2e-4)
    few = shrunk_rates([2, 2, 0], [100, 100, 3])
    assert 0.01 < few[2] < 0.03  # three cases without an error prove little
    apart = shrunk_rates([0, 50], [100, 100])
    assert apart[0] < 0.02
    assert apart[1] > 0.45
    assert shrunk_rates([], []).tolist() == []


def test_the_interval_is_the_closed_form_at_the_ends_and_its_level_is_the_union_bound():
    def share(value, low, high, level=0.95):
        return Interval(value, low, high, 100, level)

    errors = ReviewerErrors(share(0.02, 0.01, 0.04), share(0.1, 0.05, 0.2), pd.DataFrame())
    risk = corrected_risk(share(0.06, 0.03, 0.12), errors)
    assert risk.value == pytest.approx(0.04 / 0.88)
    assert risk.low == 0.0  # 3% seen is less than the 4% that reviewers may make
    assert risk.high == pytest.approx(0.11 / 0.79)
    assert risk.level == pytest.approx(0.85)
    exact = ReviewerErrors(share(0.0, 0.0, 0.0, 1.0), share(0.0, 0.0, 0.0, 1.0), pd.DataFrame())
    same = corrected_risk(share(0.06, 0.03, 0.12), exact)
    assert (same.value, same.low, same.high) == pytest.approx((0.06, 0.03, 0.12))
    assert same.level == pytest.approx(0.95)


@given(st.tuples(SHARE, SHARE, SHARE, SHARE, SHARE, SHARE))
def test_a_corrected_interval_contains_its_value_and_stays_a_share(ends):
    def ordered(low, high):
        low, high = sorted((low, high))
        return Interval((low + high) / 2, low, high, 10)

    observed, a, b = (ordered(*ends[i : i + 2]) for i in (0, 2, 4))
    risk = corrected_risk(observed, ReviewerErrors(a, b, pd.DataFrame()))
    assert 0 <= risk.low <= 1
    assert 0 <= risk.high <= 1
    if risk.value is not None and a.high + b.high < 1:
        assert risk.low - 1e-9 <= risk.value <= risk.high + 1e-9


def audited(n: int, wrong: int) -> pd.DataFrame:
    """Twice `n` cases, half of them accepted and audited, of which `wrong` are found wrong."""
    return pd.DataFrame(
        {
            "case_id": [f"c{i}" for i in range(2 * n)],
            "predicted": "cab",
            "decision": ["accepted"] * n + ["review"] * n,
            "u": [*np.linspace(0, 0.9, n), *[np.nan] * n],
            "inclusion_probability": 1.0,
            "verdict": ["wrong"] * wrong + ["right"] * (n - wrong) + [None] * n,
            "audit": [True] * n + [None] * n,
        }
    )


def test_leakage_is_corrected_by_gold_cases_times_the_coverage_and_stays_unknown_without_both():
    # 40 of 1,000 audits are wrong, all accepted cases are audited, reviewers err in 2% of 100
    cases = audited(1000, 40)
    right, wrong = ([f"c{i}" for i in range(first, first + 100)] for first in (1000, 1100))
    said = ["wrong"] * 2 + ["right"] * 98 + ["wrong"] * 100
    verdicts = pd.DataFrame({"case_id": right + wrong, "reviewer": "Ito", "verdict": said})
    gold = dict.fromkeys(right, "cab") | dict.fromkeys(wrong, "boom")
    errors, leakage = corrected_leakage(cases, verdicts, gold)
    assert (errors.false_wrong.value, errors.false_right.value) == (0.02, 0.0)
    assert leakage.value == pytest.approx(0.5 * (0.04 - 0.02) / 0.98)
    assert leakage.low == 0.0
    # every accepted case was audited, so only the reviewers' errors widen
    most = (0.04 - errors.false_wrong.low) / (1 - errors.false_wrong.low - errors.false_right.high)
    assert leakage.high == pytest.approx(0.5 * most)
    assert leakage.level == 0.95
    _, unknown = corrected_leakage(cases, verdicts[:100], gold)
    assert (unknown.value, unknown.low, unknown.high) == (None, None, None)
