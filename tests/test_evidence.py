"""What speaks for a model, from tables small enough to count by hand, and against the raw cases
where they are many.
"""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.certificate.claims import LEAKAGE, SELECTIVE_RISK, Certificate, NotCertified
from core.errors import SettingsError
from core.report import evidence
from core.stats.bounds import wilson
from core.stats.calibration import reliability
from core.stats.calibration_bias import calibration_error
from tests.stores import LABELS, make_rows

TODAY = date(2026, 1, 5)
ORIGIN = ("a" * 64, "work-orders")


def table(*cases: tuple) -> pd.DataFrame:
    """Cases of (outcome, confidence, day), all of segment A, answered among x and y; the label is
    x.
    """
    rows = [
        {
            "case_id": f"c{i}",
            "segment": "A",
            "outcome": outcome,
            "confidence": confidence,
            "occurred_at": day,
            "label": "x",
        }
        for i, (outcome, confidence, day) in enumerate(cases)
    ]
    found = pd.DataFrame(
        rows, columns=["case_id", "segment", "outcome", "confidence", "occurred_at", "label"]
    )
    found["occurred_at"] = pd.to_datetime(found["occurred_at"])
    found["probabilities"] = [[c, 1 - c] if o == "right" else [1 - c, c] for o, c, _ in cases]
    return found


def calibration(right: int, wrong: int, unseen: int = 0, unlabelled: int = 0) -> pd.DataFrame:
    """Right answers are sure, at 0.90 to 0.99; the others are not, at 0.40 to 0.49."""
    day, cases = "2008-01-01", []
    for outcome, n, low in (
        ("right", right, 0.9),
        ("wrong", wrong, 0.4),
        ("unseen", unseen, 0.4),
        ("unlabelled", unlabelled, 0.4),
    ):
        cases += [(outcome, low + 0.01 * (i % 10), day) for i in range(n)]
    return table(*cases)


def test_trust_compares_confidence_with_accuracy_on_the_same_cases():
    """0.9 right twice, 0.8 wrong, 0.6 untrained: 3.2 / 4 sure and 2 / 4 right; without the last 2.6
    / 3 and 2 / 3.
    """
    counts = Histogram.from_predictions(
        ["A"] * 5,
        ["x"] * 5,
        ["right", "right", "wrong", "unseen", "unlabelled"],
        np.array([0.9, 0.9, 0.8, 0.6, 0.1]),
    )
    found = evidence.calibration_summary(counts)
    assert (found.confidence, found.accuracy) == (pytest.approx(0.8), wilson(2, 4))
    without = evidence.calibration_summary(counts, unseen=False)
    assert (without.confidence, without.accuracy) == (pytest.approx(2.6 / 3), wilson(2, 3))


def test_trust_without_a_label_is_none():
    counts = Histogram.from_predictions(["A"], ["x"], ["unlabelled"], np.array([0.5]))
    found = evidence.calibration_summary(counts)
    assert (found.confidence, found.accuracy.value, found.ece.value) == (None, None, None)


def test_trust_of_many_cases_is_that_of_the_raw_ones():
    rows = make_rows(900)
    counts = Histogram.from_predictions(
        rows["segment"], rows["predicted"], rows["outcome"], rows["confidence"].to_numpy()
    )
    found, right = evidence.calibration_summary(counts), rows["outcome"] == "right"
    assert found.confidence == pytest.approx(rows["confidence"].mean())
    assert found.accuracy.value == pytest.approx(right.mean())
    assert found.ece.value == pytest.approx(
        calibration_error(
            reliability(rows["confidence"].to_numpy(), right.to_numpy())
        ).debiased.value
    )


def test_the_temperature_leaves_untrained_and_missing_labels_out():
    """Right 3 times in 4 at 0.9: T = 2, as in test_temperature; the other two have no say."""
    cases = table(
        *[("right", 0.9, None)] * 3,
        ("wrong", 0.9, None),
        ("unseen", 0.9, None),
        ("unlabelled", 0.9, None),
    )
    found = evidence.fitted_temperature(cases, ("x", "y"))
    assert (found.value.value, found.value.n) == (pytest.approx(2, abs=1e-5), 4)


def test_a_calibration_without_a_trained_label_has_no_temperature():
    with pytest.raises(SettingsError, match="0 cases to fit a temperature on"):
        evidence.fitted_temperature(table(("unseen", 0.9, None)), ("x", "y"))


def test_scaled_counts_keep_every_outcome_and_move_the_confidence():
    """0.9 at T = 2 is sqrt(9) / (1 + sqrt(9)) = 0.75: accepted at 0.75 and not above."""
    counts = evidence.scaled_counts(
        table(("right", 0.9, None), ("wrong", 0.9, None), ("unseen", 0.9, None)), 2.0
    )
    accepted = AcceptanceCurve(counts).accepted
    assert accepted[:, 700].tolist() == [1, 1, 1, 0]
    assert accepted[:, 760].sum() == 0


def test_temperature_1_gives_the_counts_of_the_run():
    rows = make_rows(400)
    counts = evidence.scaled_counts(rows, 1.0)
    # Probabilities are stored as float32, so a confidence may differ in the seventh decimal from
    # the stored one.
    stored = Histogram.from_predictions(
        rows["segment"], rows["predicted"], rows["outcome"], rows["confidence"].to_numpy()
    )
    assert evidence.calibration_summary(counts).confidence == pytest.approx(
        evidence.calibration_summary(stored).confidence, abs=1e-6
    )
    assert counts.counts.sum((0, 1, 3)).tolist() == stored.counts.sum((0, 1, 3)).tolist()


DATED = table(
    ("right", 0.9, "2009-06-30"),
    ("wrong", 0.9, "2009-07-01"),
    ("right", 0.3, "2011-12-31"),
    ("unseen", 0.9, None),
)


@pytest.mark.parametrize(
    ("period", "names"),
    [("year", [(2009, 0), (2011, 0)]), ("half", [(2009, 1), (2009, 2), (2011, 2)])],
)
def test_periods_come_in_order_without_empty_ones_and_without_undated_cases(period, names):
    found = evidence.by_period(DATED, period)
    assert list(found) == names
    assert sum(counts.cases for counts in found.values()) == 3


def test_no_dates_give_no_period():
    assert evidence.by_period(table(("right", 0.9, None)), "year") == {}
    assert evidence.shift_frame({}, 0.8).empty


def test_a_period_is_counted_at_the_threshold():
    """2009 at 0.8: both accepted, one of them wrong. 2011: right, and not accepted, so there is no
    selective risk.
    """
    frame = evidence.shift_frame(evidence.by_period(DATED, "year"), 0.8)
    assert frame["year"].tolist() == [2009, 2011]
    assert frame["accuracy"].tolist() == [0.5, 1.0]
    assert frame["coverage"].tolist() == [1.0, 0.0]
    assert frame["risk"].tolist() == [0.5, pytest.approx(np.nan, nan_ok=True)]
    half = wilson(1, 2)
    assert (
        frame.loc[0, ["accuracy_low", "accuracy_high", "risk_low", "risk_high"]].tolist()
        == [half.low, half.high] * 2
    )
    assert (frame["ece"] <= [0.4, 0.7]).all()
    assert (frame["ece_low"] == 0).all()  # one or two cases show no miscalibration


def test_periods_of_the_raw_cases_add_up_to_the_run():
    rows = make_rows(700)
    whole = Histogram.from_predictions(
        rows["segment"], [""] * len(rows), rows["outcome"], rows["confidence"].to_numpy()
    )
    found = list(evidence.by_period(rows, "half").values())
    assert np.array_equal(sum(counts.counts for counts in found), whole.counts)


def test_a_student_that_repeats_its_teacher_lies_on_the_diagonal():
    rows = make_rows(300)
    found = evidence.spread_agreement(rows, rows)
    for spread in found.values():
        assert (spread.spearman.value, spread.error.value) == (pytest.approx(1), 0)
        assert spread.cells["n"].sum() == 300
        assert (spread.cells["student_low"] == spread.cells["teacher_low"]).all()


def test_spreads_are_paired_by_case_and_not_by_row():
    student, teacher = make_rows(200), make_rows(200, model_kind="teacher")
    shuffled = evidence.spread_agreement(student, teacher.sample(frac=1, random_state=0))
    assert (
        shuffled["epistemic"].error
        == evidence.spread_agreement(student, teacher)["epistemic"].error
    )
    fewer = evidence.spread_agreement(student, teacher.iloc[:50])
    assert fewer["aleatoric"].spearman.n == 50
    in_a = evidence.spread_agreement(student, teacher, "A")
    assert in_a["epistemic"].error.n == (student["segment"] == "A").sum()


def test_a_grid_counts_every_pair_and_its_edges_too():
    cells = evidence.spread_density(np.array([0.0, 0.0, 4.0]), np.array([0.0, 0.0, 2.0]))
    assert cells["n"].tolist() == [2, 1]
    assert (cells["student_high"].max(), cells["teacher_low"].tolist()) == (
        4.0,
        [0.0, pytest.approx(2.0)],
    )
    assert evidence.spread_density(np.zeros(0), np.zeros(0)).empty
    assert evidence.spread_density(np.zeros(3), np.zeros(3))["n"].tolist() == [3]


def test_what_is_wrong_and_what_is_untrained_both_count_against_a_certificate():
    """Leakage at most 20% of 200: 30 wrong pass, P(Bin(200, 0.2) <= 30) = 0.043, and 40 do not,
    0.54. Ten wrong or untrained answers have each confidence from 0.40 to 0.49, so just above 0.46
    there are 30.
    """
    found = evidence.certificate_result(
        calibration(100, 50, 50), (LEAKAGE, 0.2, 0.05), ORIGIN, TODAY
    )
    assert isinstance(found, Certificate)
    assert (found.threshold, found.p_value) == (
        pytest.approx(0.461),
        pytest.approx(0.043, abs=0.001),
    )
    assert (found.tested, found.errors, found.accepted) == (200, 30, 130)
    assert found.origin.model_hash == "a" * 64
    assert (found.origin.expires_on - TODAY).days == evidence.VALID_DAYS


def test_without_untrained_labels_the_cases_are_fewer():
    cases = calibration(100, 50, 50, unlabelled=7)
    found = evidence.certificate_result(cases, (LEAKAGE, 0.2, 0.05), ORIGIN, TODAY, unseen=False)
    assert (found.tested, found.evidence.unlabelled) == (150, 7)


def test_too_few_cases_say_how_many_more_are_needed():
    found = evidence.certificate_result(
        calibration(20, 2), (SELECTIVE_RISK, 0.05, 0.05), ORIGIN, TODAY
    )
    assert isinstance(found, NotCertified)
    assert found.more_without_error > 0


def test_a_segment_shares_the_level_with_the_others():
    cases = calibration(200, 20).assign(segment=["A", "B"] * 110)
    found = evidence.certificate_result(cases, (LEAKAGE, 0.2, 0.05), ORIGIN, TODAY, segment="A")
    assert (found.evidence.segment, found.evidence.family, found.evidence.level) == ("A", 2, 0.025)
    assert found.tested == 110


def test_one_confidence_for_all_is_refused():
    cases = table(*[("right", 0.9, None)] * 40)
    with pytest.raises(SettingsError, match="no threshold can tell them apart"):
        evidence.certificate_result(cases, (LEAKAGE, 0.2, 0.05), ORIGIN, TODAY)


def test_a_certificates_curve_is_the_risk_where_anything_is_accepted():
    """Accepted from 0.9: 1 wrong of 2, of 4 labelled."""
    outcomes, confidence = (
        ["right", "wrong", "right", "right", "unlabelled"],
        np.array([0.9, 0.9, 0.5, 0.5, 0.95]),
    )
    counts = AcceptanceCurve(Histogram.from_predictions(["A"] * 5, ["x"] * 5, outcomes, confidence))
    for measure, risk, n in ((SELECTIVE_RISK, 1 / 2, 2), (LEAKAGE, 1 / 4, 4)):
        frame = evidence.certificate_frame(counts, measure)
        assert frame["threshold"].max() == 0.9  # above it only the case without a label is accepted
        assert frame.iloc[-1][["risk", "n"]].tolist() == [risk, n]


def test_every_label_of_the_made_up_cases_can_be_placed():
    rows = make_rows(300, model_kind="point")
    found = evidence.fitted_temperature(rows, LABELS)
    assert found.value.low < found.value.value < found.value.high
    assert found.nll_after <= found.nll_before
