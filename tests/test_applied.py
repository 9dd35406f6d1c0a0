"""A policy on counted rows: by hand, and the same as from cumulative counts for every policy."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from core.counts.joint import REVIEW_ALL, JointCounts, JointCumulative
from core.decision.thresholds import changes
from core.decision.thresholds.consequence import consequence_of_tally, policy_consequence
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.types import OUTCOMES

SEGMENTS, CLASSES = ("A", "B"), ("x", "y")
TERMS = CostModel(10.0, UnitCosts(4, 120, 0.5), 0.36)
COLUMNS = ["segment", "predicted", "outcome", "step", "epistemic_bin", "n"]
# Ten cases. Bin 15 is the last: more epistemic uncertainty than any limit.
ROWS = pd.DataFrame(
    [
        ("A", "x", "right", 900, 0, 3),
        ("A", "y", "wrong", 800, 2, 2),
        ("B", "x", "right", 700, 15, 1),
        ("B", "y", "unlabelled", 1000, 0, 1),
        ("B", "y", "unseen", 500, 0, 3),
    ],
    columns=COLUMNS,
)

thresholds = st.integers(0, 1000).map(lambda step: step / 1000) | st.just(REVIEW_ALL)
policies = st.builds(
    Policy,
    thresholds,
    st.dictionaries(st.sampled_from(CLASSES), thresholds),
    st.dictionaries(st.sampled_from(SEGMENTS), thresholds),
    st.dictionaries(st.tuples(st.sampled_from(SEGMENTS), st.sampled_from(CLASSES)), thresholds),
    st.sampled_from([None, 0.05, 0.5]),
)
rows = st.lists(
    st.tuples(
        st.sampled_from(SEGMENTS),
        st.sampled_from(CLASSES),
        st.sampled_from(OUTCOMES),
        st.integers(0, 1000),
        st.integers(0, 15),
        st.integers(1, 5),
    ),
    max_size=12,
).map(lambda found: pd.DataFrame(found, columns=COLUMNS))


def test_each_row_meets_the_threshold_of_its_own_segment_and_class():
    policy = Policy(0.75, by_class={"y": 0.85}, by_segment={"B": 0.5})
    assert changes.accepted_rows(ROWS, policy).tolist() == [True, False, True, True, True]
    tally = changes.tally_of_rows(ROWS, policy)
    assert dict(zip(OUTCOMES, tally.accepted.tolist(), strict=True)) == {
        "right": 4,
        "wrong": 0,
        "unseen": 3,
        "unlabelled": 1,
    }
    assert tally.cases == 10


def test_an_epistemic_limit_sends_to_review_whatever_the_confidence():
    assert changes.accepted_rows(ROWS, Policy(0.0, epistemic_limit=0.5)).tolist() == [
        True,
        True,
        False,
        True,
        True,
    ]


def test_review_all_accepts_not_even_a_confidence_of_one():
    assert not changes.accepted_rows(ROWS, Policy(REVIEW_ALL)).any()
    assert changes.accepted_rows(ROWS, Policy(1.0)).tolist() == [False, False, False, True, False]


def test_moves_name_both_directions():
    found = changes.changes_by_rows(ROWS, Policy(0.75), Policy(0.95, by_segment={"B": 0.5}))
    assert found.to_review == {"right": 3, "wrong": 2, "unseen": 0, "unlabelled": 0}
    assert found.to_acceptance == {"right": 1, "wrong": 0, "unseen": 3, "unlabelled": 0}


@given(rows, policies, policies)
def test_it_is_what_cumulative_counts_say(table, before, after):
    columns = [table[name] for name in COLUMNS]
    cumulative = JointCumulative(JointCounts.from_rows(SEGMENTS, CLASSES, *columns))
    assert consequence_of_tally(
        changes.tally_of_rows(table, before), before, TERMS, False
    ) == policy_consequence(cumulative, before, TERMS)
    assert changes.changes_by_rows(table, before, after) == changes.decision_changes(
        cumulative, before, after
    )
