"""Policies as tables: the rows of the editor, what an edit makes, what differs, and which
certificate goes with a policy.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.counts.joint import REVIEW_ALL, JointCounts, JointCumulative
from core.decision.certificate.claims import Certificate
from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.policy import Policy
from core.report import policies
from core.report.policies import (
    ProofObstacle,
    certificate_of_draft,
    certificate_void_reasons,
    consequence_frame,
    edited_policy,
    editor_rows,
    own_rules,
    proof_obstacle,
    threshold_differences,
)
from tests.joints import CLASSES, SEGMENTS, TERMS, cases, cumulative

# Segment A: right at 0.9 (x), wrong at 0.8 (y); segment B: wrong at 0.7 (x), right at 0.95 (y), and
# one without a label at 0.9.
CASES = cumulative(
    [
        ("A", "x", "right", 0.9, 0.0),
        ("A", "y", "wrong", 0.8, 0.0),
        ("B", "x", "wrong", 0.7, 0.0),
        ("B", "y", "right", 0.95, 0.0),
        ("B", "y", "unlabelled", 0.9, 0.0),
    ]
)
TODAY = date(2026, 7, 1)
ORIGIN = ("a" * 64, "line")


def found(table: pd.DataFrame) -> dict:
    """(segment, predicted) -> labelled, errors of each row."""
    return {
        (row.segment, row.predicted): (row.labelled, row.errors)
        for row in table.itertuples(index=False)
    }


def test_each_row_has_its_own_n_and_errors():
    table = editor_rows(CASES, Policy(0.7))
    assert list(table["kind"]) == ["segment"] * 2 + ["class"] * 2
    assert found(table) == {
        ("A", ""): (2, 1),
        ("B", ""): (2, 1),
        ("", "x"): (2, 1),
        ("", "y"): (2, 1),
    }
    assert list(table["cases"]) == [2, 3, 2, 3]
    assert list(table["leakage"]) == [0.5] * 4
    assert table["own"].isna().all()
    assert not table["review_all"].any()


def test_a_row_shows_the_whole_policy_at_work():
    """A's own threshold of 0.85 stops its error; the class y, whose error that was, shows it."""
    table = editor_rows(CASES, Policy(0.7, by_segment={"A": 0.85}, by_class={"x": REVIEW_ALL}))
    assert found(table) == {
        ("A", ""): (2, 0),
        ("B", ""): (2, 0),
        ("", "x"): (2, 0),
        ("", "y"): (2, 0),
    }
    assert table.set_index(["segment", "predicted"]).loc[("A", ""), "own"] == 0.85
    assert list(table["review_all"]) == [False, False, True, False]


def test_cells_and_unknown_names_of_a_policy_have_rows_and_stay_where_they_are_listed():
    policy = Policy(0.7, by_class={"z": 0.5}, by_segment={"C": 0.4}, by_cell={("A", "y"): 0.9})
    table = editor_rows(CASES, policy)
    assert [tuple(row) for row in table[["kind", "segment", "predicted"]].to_numpy()] == [
        ("segment", "A", ""),
        ("segment", "B", ""),
        ("segment", "C", ""),
        ("class", "", "x"),
        ("class", "", "y"),
        ("class", "", "z"),
        ("cell", "A", "y"),
    ]
    assert list(table.loc[[2, 5], "cases"]) == [0, 0]
    assert np.isnan(table.loc[2, "leakage"])
    kept = editor_rows(CASES, Policy(0.7), policy)
    assert kept[["kind", "segment", "predicted"]].equals(table[["kind", "segment", "predicted"]])
    assert kept["own"].isna().all()


def test_a_segment_without_a_name_is_one_segment():
    columns = (["", "A"], ["x", "x"], ["wrong", "right"], np.array([0.9, 0.9]), np.zeros(2))
    counts = JointCumulative(JointCounts.from_predictions(*columns))
    table = editor_rows(counts, Policy(0.5))
    assert list(table["segment"]) == ["", "A", ""]
    assert list(table["errors"]) == [1, 0, 1]
    assert edited_policy(Policy(0.5), table, {0: {"own": 0.9}})[0] == Policy(
        0.5, by_segment={"": 0.9}
    )


@given(
    cases(),
    st.dictionaries(st.sampled_from(SEGMENTS), st.sampled_from([0.0, 0.5, 0.9, REVIEW_ALL])),
)
def test_segments_add_up_to_the_whole_policy(made, by_segment):
    counts, policy = cumulative(made), Policy(0.4, by_segment=by_segment)
    table, whole = editor_rows(counts, policy), policy_consequence(counts, policy, TERMS)
    for kind in ("segment", "class"):
        part = table[table["kind"] == kind]
        assert part["labelled"].sum() == whole.leakage.n
        if whole.leakage.n:
            assert part["errors"].sum() / whole.leakage.n == pytest.approx(whole.leakage.value)


BASE = Policy(0.7, {"x": 0.6}, {"B": REVIEW_ALL}, {("A", "y"): 0.9})
TABLE = editor_rows(CASES, BASE)  # A, B, x, y, (A, y)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ({}, BASE),
        (
            {0: {"own": 0.8}},
            Policy(0.7, {"x": 0.6}, {"A": 0.8, "B": REVIEW_ALL}, {("A", "y"): 0.9}),
        ),
        ({1: {"own": 0.8}}, BASE),  # everything of it goes to people, whatever its threshold
        (
            {1: {"own": 0.8, "review_all": False}},
            Policy(0.7, {"x": 0.6}, {"B": 0.8}, {("A", "y"): 0.9}),
        ),
        ({1: {"review_all": False}}, Policy(0.7, {"x": 0.6}, {}, {("A", "y"): 0.9})),
        ({2: {"own": None}}, Policy(0.7, {}, {"B": REVIEW_ALL}, {("A", "y"): 0.9})),
        (
            {2: {"review_all": True}},
            Policy(0.7, {"x": REVIEW_ALL}, {"B": REVIEW_ALL}, {("A", "y"): 0.9}),
        ),
        ({4: {"own": 0.9004}}, BASE),  # a number is rounded to the steps that there are
        ({4: {"own": None}}, Policy(0.7, {"x": 0.6}, {"B": REVIEW_ALL})),
        (
            {3: {"own": 1}, 4: {"own": 0}},
            Policy(0.7, {"x": 0.6, "y": 1.0}, {"B": REVIEW_ALL}, {("A", "y"): 0.0}),
        ),
    ],
)
def test_what_is_typed_into_a_row_becomes_its_threshold(edits, expected):
    made, refused = edited_policy(BASE, TABLE, edits)
    assert made == expected
    assert refused == ()


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), float("inf")])
def test_what_is_no_threshold_is_named_and_the_other_rows_are_taken(value):
    made, refused = edited_policy(BASE, TABLE, {0: {"own": value}, 3: {"own": 0.5}})
    assert made == Policy(0.7, {"x": 0.6, "y": 0.5}, {"B": REVIEW_ALL}, {("A", "y"): 0.9})
    assert [position for position, _ in refused] == [0]


def test_differences_name_what_only_one_of_two_sets():
    after = Policy(0.75, {"x": 0.6, "y": 0.5}, {}, {("A", "y"): 0.95}, epistemic_limit=0.1)
    assert [tuple(row) for row in threshold_differences(BASE, after).to_numpy()] == [
        ("all", "", "", 0.7, 0.75),
        ("epistemic", "", "", None, 0.1),
        ("segment", "B", "", REVIEW_ALL, None),
        ("class", "", "y", None, 0.5),
        ("cell", "A", "y", 0.9, 0.95),
    ]
    assert threshold_differences(BASE, BASE).empty


def test_consequences_of_two_versions_lie_below_each_other():
    frame = consequence_frame({"old": policy_consequence(CASES, Policy(0.7), TERMS)})
    assert list(frame["measure"]) == list(policies.POLICY_MEASURES)
    leakage = frame.set_index("measure").loc["leakage"]
    assert (leakage["version"], leakage["value"], leakage["n"]) == ("old", 0.5, 4)


def calibration(n: int = 400, wrong_from: int = 40) -> pd.DataFrame:
    """Cases of falling confidence, the last of them wrong; half of the epistemic uncertainty is
    high.
    """
    confidence = np.linspace(0.999, 0.2, n)
    outcome = np.where(np.arange(n) < n - wrong_from, "right", "wrong")
    return pd.DataFrame(
        {"confidence": confidence, "outcome": outcome, "epistemic": np.tile([0.0, 1.0], n // 2)}
    )


def certified(threshold: float, limit: float | None = None, measure: str = "leakage", **changed):
    table = calibration().assign(**changed)
    return certificate_of_draft(table, threshold, limit, (measure, 0.05, 0.05), ORIGIN, TODAY)


def test_a_certificate_covers_the_threshold_it_goes_with_or_there_is_none():
    made = certified(0.9)
    assert isinstance(made, Certificate)
    assert made.covers(0.9)
    assert made.origin.expires_on == TODAY + timedelta(days=90)
    below = certified(0.0)
    assert (below.reason, below.nearest.threshold) == ("not_covered", made.threshold)
    assert certified(0.9, measure="selective_risk", outcome="wrong").reason == "not_certified"
    refused = certified(0.9, confidence=0.5)
    assert refused.reason == "refused"
    assert "no threshold can tell them apart" in refused.sentence


def test_a_limit_on_epistemic_uncertainty_is_part_of_the_promise():
    made = certified(0.9, 0.5)
    assert made.promise.epistemic_limit == 0.5
    assert made.accepted < certified(0.9).accepted
    assert certificate_void_reasons(made, Policy(0.9, epistemic_limit=0.5), *ORIGIN, TODAY) == ()
    assert certificate_void_reasons(made, Policy(0.9), *ORIGIN, TODAY) == ("another policy",)


def test_cases_that_no_model_was_trained_on_count_as_wrong():
    assert certified(0.9, measure="selective_risk", outcome="unseen").reason == "not_certified"
    unlabelled = calibration()
    unlabelled.loc[::2, "outcome"] = "unlabelled"
    assert (
        certificate_of_draft(
            unlabelled, 0.9, None, ("leakage", 0.05, 0.05), ORIGIN, TODAY
        ).evidence.unlabelled
        == 200
    )


def test_what_voids_a_certificate_of_a_policy_is_named():
    made = certified(0.9)
    assert certificate_void_reasons(made, Policy(0.9), *ORIGIN, TODAY) == ()
    assert certificate_void_reasons(
        made, Policy(0.9), "b" * 64, "other", TODAY + timedelta(days=91)
    ) == (
        "another model",
        "another process",
        "expired",
    )
    strict = Policy(0.9, novelty_limit=0.99)
    for other in (Policy(0.9, by_segment={"A": 0.95}), Policy(0.0), Policy(REVIEW_ALL), strict):
        assert certificate_void_reasons(made, other, *ORIGIN, TODAY) == ("another policy",)


def test_policies_that_no_case_could_certify():
    assert proof_obstacle(Policy(0.5)) is None
    assert proof_obstacle(Policy(REVIEW_ALL)) == ProofObstacle("all_reviewed")
    for policy in (
        Policy(0.5, {"x": 0.6}),
        Policy(0.5, {}, {"A": 0.6}),
        Policy(0.5, {}, {}, {("A", CLASSES[0]): 0.6}),
    ):
        assert own_rules(policy)
        assert proof_obstacle(policy) == ProofObstacle("own_rules")
