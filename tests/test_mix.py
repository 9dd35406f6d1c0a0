"""Another mix of cases: by hand, and the same as weights of single cases."""

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.errors import SettingsError
from core.report import what_if
from core.types import OUTCOMES
from tests.label_shift import label_weights, shifted_consequence

TERMS = CostModel(100.0, UnitCosts(1, 10, 0), 0.0)
# At 0.8: all 6 "easy" accepted and right; of 4 "hard" 2 are accepted, 1 of them wrong.
CASES = pd.DataFrame(
    [("easy", "right", 0.9)] * 6
    + [
        ("hard", "right", 0.85),
        ("hard", "wrong", 0.9),
        ("hard", "right", 0.3),
        ("hard", "wrong", 0.2),
    ],
    columns=["label", "outcome", "confidence"],
).assign(segment="A", epistemic=0.1)


def test_a_share_moves_every_figure_as_by_hand():
    """With 80% hard: accepted 0.2 + 0.8 / 2 = 0.6 of all; leakage 0.8 / 4 = 0.2; so 40 reviews and
    20 escapes of 100 a day.
    """
    counts = what_if.counts_by_label(CASES, None, True)
    assert what_if.label_shares(counts) == {"easy": 0.6, "hard": 0.4}
    before, after = what_if.consequences_at_share(counts, 0.8, "hard", 0.8, TERMS)
    assert (before.coverage.value, before.leakage.value) == (pytest.approx(0.8), pytest.approx(0.1))
    assert (after.coverage.value, after.leakage.value) == (pytest.approx(0.6), pytest.approx(0.2))
    assert (after.reviews_per_day.value, after.escapes_per_day.value) == (
        pytest.approx(40),
        pytest.approx(20),
    )
    assert after.money_per_day.value == pytest.approx(40 + 200)
    assert (before.reweighted, after.reweighted) == (False, True)
    assert after.leakage.n < before.leakage.n == 10  # Kish's effective number


def test_the_share_that_was_seen_changes_no_figure():
    counts = what_if.counts_by_label(CASES, None, True)
    before, after = what_if.consequences_at_share(counts, 0.8, "hard", 0.4, TERMS)
    assert after.leakage.value == pytest.approx(before.leakage.value)
    assert after.leakage.n == before.leakage.n


def test_a_curve_runs_from_none_to_all_of_a_kind():
    curve = what_if.share_curve(what_if.counts_by_label(CASES, None, True), 0.8, "hard", TERMS)
    assert (curve["share"].iloc[0], curve["share"].iloc[-1], len(curve)) == (
        0,
        1,
        what_if.SHARE_STEPS,
    )
    assert curve["leakage"].iloc[[0, -1]].tolist() == [0, pytest.approx(0.25)]
    assert curve["n"].iloc[[0, -1]].tolist() == [6, 4]
    assert curve["leakage"].is_monotonic_increasing


def test_untrained_labels_are_one_kind_and_unlabelled_cases_none():
    more = pd.DataFrame(
        {
            "label": ["new", "newer", None],
            "outcome": ["unseen", "unseen", "unlabelled"],
            "confidence": 0.9,
        }
    )
    table = pd.concat([CASES, more.assign(segment="A", epistemic=0.1)])
    assert what_if.label_shares(what_if.counts_by_label(table, None, True)) == {
        "easy": 0.5,
        "hard": pytest.approx(1 / 3),
        what_if.UNTRAINED: pytest.approx(1 / 6),
    }
    assert set(what_if.label_shares(what_if.counts_by_label(table, None, False))) == {
        "easy",
        "hard",
    }
    assert what_if.counts_by_label(table, "B", True) is None
    assert what_if.counts_by_label(CASES.head(6), None, True) is None


@pytest.mark.parametrize(
    ("kind", "share", "fact"),
    [("hard", 1.1, "The share 1.1 of 'hard'"), ("other", 0.5, "'other' is not one of")],
)
def test_what_cannot_be_asked_is_named(kind, share, fact):
    with pytest.raises(SettingsError, match=fact):
        what_if.policy_at_share(what_if.counts_by_label(CASES, None, True), kind, share)


case = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(["right", "wrong"]),
    st.integers(0, 1000).map(lambda step: step / 1000),
)


@given(st.lists(case, min_size=2, max_size=20), st.floats(0, 1), st.integers(0, 1000))
@example([("a", "right", 0.001), ("b", "right", 0.0)], 5e-324, 1)  # a weight whose square is 0
def test_it_is_the_weighting_of_single_cases(found, share, step):
    table = pd.DataFrame(found, columns=["label", "outcome", "confidence"]).assign(
        segment="A", epistemic=0.1
    )
    counts = what_if.counts_by_label(table, None, True)
    if counts is None:
        assert table["label"].nunique() < 2
        return
    kind, policy, seen = counts.classes[0], Policy(step / 1000), what_if.label_shares(counts)
    target = {
        name: share if name == kind else (1 - share) * part / (1 - seen[kind])
        for name, part in seen.items()
    }
    single = table.assign(predicted="x", outcome=pd.Categorical(table["outcome"], OUTCOMES))
    expected = shifted_consequence(policy, single, label_weights(table["label"], target), TERMS)
    after = what_if.consequences_at_share(counts, step / 1000, kind, share, TERMS)[1]
    for measure in ("coverage", "leakage", "selective_risk"):
        one, other = getattr(after, measure), getattr(expected, measure)
        assert (one.value is None) == (other.value is None)
        if one.value is not None:
            assert one.value == pytest.approx(other.value, abs=1e-9)
