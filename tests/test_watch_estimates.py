"""The estimate without labels, replays and proposals: hand values, exact intervals, limit cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.policy import Policy
from core.decision.watch.adapt import (
    KEEP,
    LOOSER,
    NO_AUDITS,
    NO_SAVING,
    PROVED,
    STRICTER,
    TOO_SMALL,
    WITHIN_TARGET,
    AdaptSettings,
    bounded_gain,
    fallback_shift,
    propose_threshold,
    shifted_policy,
    threshold_shifts,
)
from core.decision.watch.labelfree import (
    fit_recalibration,
    label_free_leakage,
    stable_risk_leakage,
)
from core.decision.watch.replay import (
    DecidedCases,
    error_bounds,
    replayed_leakage,
    threshold_regret,
)
from core.errors import SettingsError, ShapeError
from core.stats.bounds import wilson
from core.stats.exact_bounds import finite_population_interval
from core.types import Interval


def decided(wrong, drawn, pi, expected=0.0, day=None, missing=False) -> DecidedCases:
    """Cases from short lists; a number stands for all."""
    n = len(wrong)
    return DecidedCases(
        np.array(wrong, dtype=bool),
        np.broadcast_to(np.array(drawn, dtype=bool), n),
        np.broadcast_to(np.array(pi, dtype=float), n),
        np.broadcast_to(np.array(expected, dtype=float), n),
        np.arange(n) if day is None else np.array(day),
        np.broadcast_to(np.array(missing, dtype=bool), n),
    )


# --- without labels


def test_recalibration_is_the_pooled_share_by_hand():
    """Confidence 0.2 is right in 4 of 20, 0.6 in 12 of 20, 0.9 in 8 of 20: the last two violate the
    order and are pooled to 20 of 40.
    """
    confidence = np.repeat([0.2, 0.6, 0.9], 20)
    right = np.concatenate([np.arange(20) < k for k in (4, 12, 8)])
    fitted = fit_recalibration(confidence, right)
    assert fitted.wrong_share([0.2, 0.6, 0.9, 0.1, 1.0]) == pytest.approx([0.8, 0.5, 0.5, 0.8, 0.5])
    assert fitted.wrong_share([0.4]) == pytest.approx([0.65])


def test_a_reference_without_enough_labels_carries_nothing():
    with pytest.raises(SettingsError, match="49 labelled reference cases"):
        fit_recalibration(np.full(49, 0.5), np.ones(49))


def test_on_the_reference_itself_the_estimate_is_its_leakage():
    random = np.random.default_rng(0)
    confidence = random.random(400)
    right = random.random(400) < confidence
    fitted = fit_recalibration(confidence, right)
    estimate = label_free_leakage(fitted, confidence, confidence >= 0)
    assert estimate.value == pytest.approx((~right).mean())
    assert estimate.low < estimate.value < estimate.high


def test_the_rival_is_risk_times_coverage():
    rival = stable_risk_leakage(wilson(10, 100), 100, np.arange(40) < 10)
    assert rival.value == pytest.approx(0.1 * 0.25)
    nothing = stable_risk_leakage(wilson(10, 100), 100, np.zeros(40, bool))
    assert nothing.estimate == (0, 0, 0)
    assert stable_risk_leakage(wilson(0, 0), 0, np.ones(3, bool)).value is None
    assert stable_risk_leakage(wilson(1, 10), 10, np.zeros(0, bool)).value is None


# --- replay


def test_reviewed_cases_are_known_and_audited_ones_are_sampled():
    """Two reviewed wrong cases are certain; four accepted ones with pi 0.5, two drawn, none wrong."""
    cases = decided([1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 0.5, 0.5, 0.5, 0.5])
    high = 4 * finite_population_interval(0, 2, 4).high
    assert error_bounds(cases) == (2, 2 + high)
    leakage = replayed_leakage(cases, np.ones(6, bool))
    assert leakage.value == pytest.approx(2 / 6)
    assert replayed_leakage(cases, np.zeros(6, bool)).estimate == (0, 0, 0)


def test_a_due_verdict_that_is_missing_is_the_worst_case_in_each_bound():
    missing = decided([0], [0], [1.0])
    assert error_bounds(missing) == (0, 1)
    audited = decided([0, 0], [1, 0], [0.5, 0.5], missing=[0, 1])
    assert error_bounds(audited) == (0, 1)  # the whole stratum was drawn; one answer is missing


def test_the_estimate_is_unbiased_over_draws():
    """All four outcomes of two draws with pi 0.4, weighted: the mean is the truth."""
    mean = 0.0
    for first in (0, 1):
        for second in (0, 1):
            chance = np.prod([0.4 if drawn else 0.6 for drawn in (first, second)])
            cases = decided([1, 0], [first, second], 0.4, expected=[0.3, 0.2])
            mean += chance * cases.escapes().sum()
    assert mean == pytest.approx(1.0)


@given(st.integers(0, 10_000))
def test_intervals_hold_for_another_policy(seed):
    """The bounds at level 0.999 hold the truth of a looser policy in a drawn population."""
    random = np.random.default_rng(seed)
    n = 200
    confidence = random.random(n)
    wrong = random.random(n) > confidence
    pi = np.where(confidence >= 0.7, 0.3, 1.0)
    drawn = random.random(n) < pi
    cases = decided(wrong, drawn, pi, expected=1 - confidence)
    looser = confidence >= 0.5
    leakage = replayed_leakage(cases, looser, 0.999999)
    assert leakage.low <= (wrong & looser).mean() <= leakage.high


def test_regret_is_judged_on_other_days():
    """On odd days everything above 0.5 is right, on even days wrong: each half's best threshold is
    the other half's worst, and reviewing all is what hindsight cannot beat.
    """
    confidence = np.full(8, 0.9)
    wrong = np.array([1, 0] * 4, dtype=bool)  # day 0 wrong, day 1 right, ...
    cases = decided(wrong, True, 1.0)
    regret = threshold_regret(cases, confidence, np.zeros(8, bool), 4.0, 120.0, [0.0, 0.95])
    assert regret.thresholds == (0.0, 0.95)
    # even days are judged by the odd days' 0.0: 120 each; odd days by 0.95: 4 each; in force 4 each
    assert regret.per_case.value == pytest.approx(4 - (120 + 4) / 2)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ShapeError, match="do not fit 2 steps"):
        DecidedCases(*(np.zeros(2),) * 5, np.zeros(3))


# --- proposals

CHOSEN = AdaptSettings(target=0.05, gain=0.02)


def test_steps_by_hand():
    """An escape moves by g (1 - a) = 0.019, all else by -g a = -0.001; pi 0.5 doubles the escape."""
    shifts = threshold_shifts([0.1, 0.1, -0.1], [1, 0, 1], [1, 1, 1], [1, 1, 1], CHOSEN)
    assert shifts == pytest.approx([0, 0.019, 0.018, 0.017])
    doubled = threshold_shifts([0.1], [1], [1], [0.5], CHOSEN)
    assert doubled[-1] == pytest.approx(0.02 * (1 / 0.5 - 0.05))


def test_a_step_is_bounded_whatever_the_probability():
    assert bounded_gain(0.05, 0.1) == pytest.approx(0.01)
    jump = threshold_shifts([0.1], [1], [1], [0.1], AdaptSettings(0.05, gain=1.0))
    assert jump[-1] <= 0.1
    ends = threshold_shifts([0.9] * 50, [1] * 50, [1] * 50, [1] * 50, CHOSEN, (-0.1, 0.1))
    assert ends.max() == 0.1


def interval(low, high, value=None) -> Interval:
    return Interval((low + high) / 2 if value is None else value, low, high, 100)


@pytest.mark.parametrize(
    ("shift", "leakage", "looser", "saving", "direction", "reason"),
    [
        (0.03, interval(0.06, 0.1), interval(0, 1), 0, STRICTER, PROVED),
        (0.03, interval(0.04, 0.1), interval(0, 1), 0, KEEP, WITHIN_TARGET),
        (-0.03, interval(0.0, 0.03), interval(0.01, 0.04), 1, LOOSER, PROVED),
        (-0.03, interval(0.0, 0.03), interval(0.01, 0.06), 1, KEEP, WITHIN_TARGET),
        (-0.03, interval(0.0, 0.03), interval(0.01, 0.04), 0, KEEP, NO_SAVING),
        (-0.005, interval(0.0, 0.03), interval(0.01, 0.04), 1, KEEP, TOO_SMALL),
        (0.03, Interval(None, None, None, 0), interval(0, 1), 1, KEEP, NO_AUDITS),
    ],
)
def test_nothing_is_proposed_unless_audits_show_it(
    shift, leakage, looser, saving, direction, reason
):
    proposal = propose_threshold(shift, leakage, looser, saving, CHOSEN)
    assert (proposal.direction, proposal.reason) == (direction, reason)
    assert proposal.automatic == (direction == STRICTER)
    assert (proposal.shift == 0) == (direction == KEEP)


def test_a_moved_policy_moves_every_number_and_no_rule():
    policy = Policy(0.9, {"boom": REVIEW_ALL, "cab": 0.99}, {"A": 0.5}, {("A", "cab"): 0.005}, 0.5)
    moved = shifted_policy(policy, 0.02)
    assert (moved.threshold, moved.by_class) == (0.92, {"boom": REVIEW_ALL, "cab": 1.0})
    assert (moved.by_segment, moved.epistemic_limit) == ({"A": 0.52}, 0.5)
    assert shifted_policy(policy, -0.02).by_cell == {("A", "cab"): 0.0}


def test_the_fallback_meets_the_target_at_the_inflated_risk():
    """Four cases, risk 0.1 each, doubled: 0.05 of all allows one accepted case (0.2 / 4)."""
    margin = [0.0, 0.1, 0.2, 0.3]
    assert fallback_shift(margin, [0.1] * 4, 0.05, 2.0) == pytest.approx(0.201)
    assert fallback_shift(margin, [0.1] * 4, 0.1, 0.5) == 0
    assert fallback_shift(margin, [1.0] * 4, 0.05, 9.0) is None


@pytest.mark.parametrize("values", [{"target": 0}, {"target": 0.1, "gain": -1}])
def test_settings_that_are_not_allowed_are_refused(values):
    with pytest.raises(SettingsError, match="not allowed"):
        AdaptSettings(**values)
