"""Draws, estimates and plans of audits against values derived by hand and closed forms."""

import hashlib
import hmac

import numpy as np
import pandas as pd
import pytest

from core.decision.audits.draws import audit_numbers, checked_audit_share
from core.decision.audits.estimate import (
    summarise_audits,
    uniform_sample,
)
from core.decision.audits.planner import plan_audits
from core.errors import SettingsError
from core.stats.exact_bounds import finite_population_interval

# --- draws


def test_the_number_of_a_case_is_its_keyed_hash_and_depends_on_run_and_secret():
    digest = hmac.new(b"key", b"run|case", hashlib.sha256).digest()
    expected = int.from_bytes(digest[:8]) / 2**64
    assert audit_numbers(b"key", "run", ["case"])[0] == pytest.approx(expected, abs=2**-53)
    several = {
        float(audit_numbers(secret, run, ["case"])[0])
        for secret in (b"key", b"other")
        for run in ("run", "run2")
    }
    assert len(several) == 4


def test_the_numbers_are_uniform_and_a_larger_share_contains_the_smaller_draw():
    u = audit_numbers(b"key", "run", [f"c{i}" for i in range(20_000)])
    assert 0 <= u.min() < u.max() < 1
    # 4 standard errors of a share of 0.1 among 20,000
    assert np.mean(u < 0.1) == pytest.approx(0.1, abs=4 * (0.09 / 20_000) ** 0.5)
    assert set(np.flatnonzero(u < 0.1)) <= set(np.flatnonzero(u < 0.2))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(SettingsError, match="is not above 0 and at most 1"):
        checked_audit_share(share)


# --- estimates


def frame(u, verdict, pi=0.5, decision="accepted", audit=True):
    n = len(u)
    verdicts = pd.Series(verdict, dtype=object)
    return pd.DataFrame(
        {
            "case_id": [f"c{i}" for i in range(n)],
            "decision": decision,
            "u": u,
            "inclusion_probability": np.where(np.isnan(u), np.nan, pi),
            "verdict": verdicts,
            "audit": pd.Series(
                [audit if isinstance(v, str) else None for v in verdict], dtype=object
            ),
        }
    )


def test_the_sample_ends_at_the_last_answer_and_an_unanswered_audit_counts_as_the_worst():
    nothing = np.nan
    cases = frame(
        np.array([0.3, 0.1, 0.2, 0.4, nothing, nothing]),
        ["wrong", "right", None, None, None, "wrong"],
    )
    cases = pd.concat([cases, frame(np.full(6, nothing), [None] * 6, decision="review")])
    assert uniform_sample(cases[:6])["u"].tolist() == [0.1, 0.2, 0.3]
    summary = summarise_audits(cases)
    assert (summary.cases, summary.accepted, summary.coverage) == (12, 6, 0.5)
    assert (summary.drawn, summary.sample, summary.wrong, summary.missing) == (4, 3, 1, 1)
    assert summary.risk.value == 0.5
    assert summary.risk.low == finite_population_interval(1, 3, 6).low
    assert summary.risk.high == finite_population_interval(2, 3, 6).high
    assert summary.leakage.high == pytest.approx(0.5 * summary.risk.high)
    assert summary.anytime_risk.high >= summary.risk.high


def test_unsure_counts_as_no_answer_and_a_complaint_is_no_audit():
    summary = summarise_audits(frame(np.array([0.1, 0.2]), ["unsure", "right"]))
    assert (summary.sample, summary.missing) == (2, 1)
    complaint = summarise_audits(frame(np.array([0.1, 0.2]), ["wrong", "wrong"], audit=False))
    assert (complaint.sample, complaint.wrong) == (0, 0)
    assert complaint.risk.value is None


def test_the_sample_of_unequal_probabilities_is_what_the_least_of_them_would_draw():
    cases = frame(np.array([0.05, 0.15, 0.3]), ["right", "right", "wrong"])
    cases["inclusion_probability"] = [0.2, 0.5, 0.5]
    assert uniform_sample(cases)["u"].tolist() == [0.05, 0.15]


def test_no_case_has_no_figure():
    summary = summarise_audits(frame(np.array([]), []))
    assert summary.coverage is None
    assert (summary.risk.low, summary.leakage.high) == (None, None)


# --- plans


@pytest.mark.parametrize(
    ("target", "fixed", "anytime", "fixed_half", "anytime_half"),
    [
        (0.01, 299, 377, 773, 2384),
        (0.02, 149, 188, 386, 1189),
        (0.05, 59, 74, 153, 472),
        (0.10, 29, 36, 76, 218),
    ],
)
def test_audits_until_a_target_is_proved(target, fixed, anytime, fixed_half, anytime_half):
    # without an error: (1 - target)^n <= 0.05
    assert fixed == int(np.ceil(np.log(0.05) / np.log1p(-target)))
    assert plan_audits(target).audits == fixed
    assert plan_audits(target, anytime=True).audits == anytime
    half = plan_audits(target, rate=target / 2)
    assert (half.audits, half.errors) == (fixed_half, 3)
    assert (
        0.4 < half.chance < 0.5
    )  # a plan for the expected errors succeeds about every second time
    assert plan_audits(target, rate=target / 2, anytime=True).audits == anytime_half


def test_a_plan_goes_on_from_the_audits_so_far_and_ends_with_the_population():
    whole = plan_audits(0.05, wrong=1, audited=30)
    assert plan_audits(0.05, wrong=1, audited=31).audits == whole.audits - 1
    assert plan_audits(0.05, audited=59).audits == 0
    # 2 of 40 are 5%: more than 2 wrong ones are refused once C(37, n) / C(40, n) <= 0.05
    few = plan_audits(0.05, population=40)
    assert few.audits == 25
    assert (15 * 14 * 13) / (40 * 39 * 38) <= 0.05 < (16 * 15 * 14) / (40 * 39 * 38)
    assert plan_audits(0.05, wrong=3, audited=10, population=40).audits is None


def test_at_a_coverage_of_a_tenth_a_leakage_of_five_per_cent_needs_few_audits():
    # 146 of 1,411 accepted, a third of them wrong: the risk may reach 0.05 / 0.1035 = 48%
    plan = plan_audits(0.05 * 1411 / 146, rate=49 / 146, population=146)
    assert plan.audits is not None
    assert plan.audits < 40


def test_a_plan_without_a_target_is_refused():
    with pytest.raises(SettingsError, match="do not make a plan"):
        plan_audits(0.0)
