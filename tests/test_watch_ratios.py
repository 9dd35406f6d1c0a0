"""Likelihood ratios: means under no change, hand values, and the selection that they must survive."""

import numpy as np
import pytest

from core.decision.watch.ratios import (
    audit_log_ratios,
    bin_edges,
    class_log_ratios,
    residual_log_ratios,
    risk_alternatives,
    tilt_log_ratios,
)
from core.errors import SettingsError


def test_equal_probabilities_give_the_bernoulli_ratio():
    """Risk 0.2 against m = 0.1: wrong 2, right 0.8 / 0.9."""
    column = risk_alternatives(0.1).tolist().index(0.2)
    ratios = np.exp(audit_log_ratios([True, False], [0.3, 0.3], 0.1))[:, column]
    assert ratios == pytest.approx([2, 0.8 / 0.9])


def test_unequal_probabilities_keep_the_mean_at_one():
    """Cases of two kinds, drawn with 0.8 and 0.2: weighted, the audits' mean ratio is that of all
    accepted cases; unweighted it is not.
    """
    # kind A: risk 0.3, pi 0.8; kind B: risk 0.1, pi 0.2; half each: risk 0.2 in all
    share = np.array([0.8, 0.2]) / 1.0  # of the audits, by kind
    means = []
    for weights in ([0.8, 0.2], [0.2, 0.2]):
        mean = 0.0
        for kind, risk in ((0, 0.3), (1, 0.1)):
            ratios = np.exp(audit_log_ratios([True, False], [weights[kind]] * 2, 0.2, 0.2))
            mean = mean + share[kind] * (risk * ratios[0] + (1 - risk) * ratios[1])
        means.append(mean)
    assert means[0] == pytest.approx(1)
    assert (means[1] > 1.05).any()


def test_a_residual_of_zero_mean_is_no_evidence():
    for p in (0.0, 0.3, 1.0):
        ratios = np.exp(residual_log_ratios([True, False], [p, p], [1, 1]))
        assert p * ratios[0] + (1 - p) * ratios[1] == pytest.approx(1)
    assert np.isfinite(residual_log_ratios([False], [1.0], [1.0])).all()


def test_classes_and_bins_have_mean_one_under_the_prediction():
    """Whatever the past: the sum over the next class of prediction times ratio is 1."""
    past, reference = [0, 2, 2, 1, 2, 0], np.array([5.0, 3, 9])
    counts = reference + 0.5 + np.bincount(past, minlength=3)
    prediction = counts / counts.sum()
    for make in (class_log_ratios, tilt_log_ratios):
        following = [np.exp(make([*past, k], reference)[-1]) for k in range(3)]
        assert prediction @ np.array(following) == pytest.approx(1)


def test_cases_of_a_day_do_not_predict_each_other():
    """With its own day each case is judged by the past; equal cases of one day all the same."""
    ratios = class_log_ratios([1, 1, 1, 1], [10, 10], days=[1, 1, 2, 2])
    assert ratios[0] == pytest.approx(ratios[1])
    assert ratios[2] == pytest.approx(ratios[3])
    assert (ratios[2] > ratios[0]).all()


def test_a_shift_is_found_and_a_stable_stream_is_not():
    random = np.random.default_rng(0)
    reference = np.array([500, 300, 200])
    stable = random.choice(3, 600, p=[0.5, 0.3, 0.2])
    shifted = random.choice(3, 600, p=[0.2, 0.3, 0.5])
    for make in (class_log_ratios, tilt_log_ratios):
        assert make(shifted, reference).sum(0).max() > 50
        assert make(stable, reference).sum(0).max() < 8


def test_edges_cut_the_reference_into_equal_parts_without_repeats():
    assert bin_edges(np.arange(100), 4) == pytest.approx([24.75, 49.5, 74.25])
    assert bin_edges([0.5] * 20).tolist() == [0.5]


def test_what_is_not_allowed_is_refused():
    with pytest.raises(SettingsError, match="risk limit of 0"):
        audit_log_ratios([True], [1.0], 0)
    with pytest.raises(SettingsError, match="inclusion probability 0"):
        audit_log_ratios([True], [0.0], 0.1)
    with pytest.raises(SettingsError, match="least one is 0.5"):
        audit_log_ratios([True], [0.3], 0.1, floor=0.5)
