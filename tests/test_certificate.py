"""A certificate keeps its word on simulated sets, says what it rests on, is voided by name; a
refusal says what it takes.
"""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.certificate import Population, alone_passes, covered_from, measure
from core.decision.certificate.certify import (
    TESTED_THRESHOLDS,
    certify_segments,
    certify_threshold,
    start_weights,
)
from core.decision.certificate.claims import (
    CERTIFIABLE_RISKS,
    LEAKAGE,
    NOT_ENOUGH_DATA,
    RISK_TOO_HIGH,
    SELECTIVE_RISK,
    VOID_REASONS,
    Certificate,
    CertificateOrigin,
    CertificateUse,
    NotCertified,
    RiskPromise,
    void_reasons,
)
from core.errors import NonFiniteError, SettingsError
from core.stats.risk_control import p_values

ORIGIN = CertificateOrigin("m" * 64, "line-1", date(2026, 1, 1), date(2026, 6, 30))
RISK = RiskPromise(SELECTIVE_RISK, 0.1)
LEAK = RiskPromise(LEAKAGE, 0.1)


def cases(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated: a case is right with probability confidence, which is uniform on [0, 1]. Risk at
    t: (1 - t) / 2.
    """
    generator = np.random.default_rng(seed)
    confidence = generator.random(n)
    return confidence, generator.random(n) < confidence


# --- the guarantee


@pytest.mark.parametrize(
    ("promise", "truth"), [(RISK, lambda t: (1 - t) / 2), (LEAK, lambda t: (1 - t) ** 2 / 2)]
)
def test_a_false_certificate_is_as_rare_as_delta_says(promise, truth):
    promise = replace(promise, target=0.2)
    found = [certify_threshold(*cases(1500, seed), promise, ORIGIN) for seed in range(400)]
    given_out = [c for c in found if isinstance(c, Certificate)]
    false = sum(truth(c.threshold) > promise.target for c in given_out)
    assert len(given_out) > 380
    assert false / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_choosing_where_to_begin_from_the_labels_would_be_seen():
    """Confidence says nothing here and every threshold's risk is 0.101 > 0.1: each certificate is
    false.

    Whoever picks the most promising threshold by its labels and tests it at delta is wrong several
    times as often as promised on these very sets; so this test goes red where the start, the grid
    or the threshold is chosen that way.
    """
    ours, peeking = 0, 0
    for seed in range(400):
        generator = np.random.default_rng(seed)
        confidence, right = generator.random(600), generator.random(600) >= 0.101
        ours += isinstance(certify_threshold(confidence, right, RISK, ORIGIN), Certificate)
        accepted, errors = (
            (x[:, None] >= TESTED_THRESHOLDS[::10]).sum(0) for x in (confidence, confidence[~right])
        )
        peeking += (p_values(errors, accepted, 0.1) <= 0.05).any()
    assert ours / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert peeking / 400 > 0.15


def test_labels_cannot_move_the_grid_or_the_starts():
    confidence, right = cases(500)
    for labels in (right, ~right, np.ones(500, dtype=bool)):
        found = certify_threshold(confidence, labels, RISK, ORIGIN)
        threshold = found.threshold if isinstance(found, Certificate) else TESTED_THRESHOLDS[0]
        assert threshold in TESTED_THRESHOLDS
        assert found.evidence.pilot == 25
    weights = start_weights(np.linspace(0, 1, 101), SELECTIVE_RISK, 0.06)
    # Of 0, 0.01, ..., 1 a sixteenth is 6.3 cases, an eighth 12.6, a quarter 25.25: the 7th, 13th
    # and 26th from the top.
    np.testing.assert_allclose(TESTED_THRESHOLDS[weights > 0], [0.94, 0.88, 0.75])
    np.testing.assert_allclose(weights[weights > 0], 0.02)


def test_the_pilot_tests_nothing():
    confidence, right = cases(1000)
    found = certify_threshold(confidence, right, RISK, ORIGIN)
    pilot = np.random.default_rng(0).permutation(1000)[:50]
    flipped = right.copy()
    flipped[pilot] = ~flipped[pilot]
    again = certify_threshold(confidence, flipped, RISK, ORIGIN)
    assert (found.threshold, found.accepted, found.errors) == (
        again.threshold,
        again.accepted,
        again.errors,
    )
    assert found.tested == 950


# --- what it says


@pytest.mark.parametrize("promise", [RISK, LEAK])
def test_its_counts_are_those_of_its_threshold(promise):
    confidence, right = cases(2000)
    found = certify_threshold(confidence, right, promise, ORIGIN)
    pilot = 100 if promise is RISK else 0
    tested = np.random.default_rng(0).permutation(2000)[pilot:]
    accepted = confidence[tested] >= found.threshold
    assert (found.tested, found.accepted) == (2000 - pilot, accepted.sum())
    assert found.errors == (accepted & ~right[tested]).sum()
    among = found.tested if promise is LEAK else found.accepted
    assert found.p_value == p_values(np.array([found.errors]), np.array([among]), 0.1)[0]
    assert found.p_value <= 0.05


def test_leakage_certifies_every_threshold_that_would_pass_alone():
    confidence, right = cases(400)
    found = certify_threshold(confidence, right, LEAK, ORIGIN)
    passing = [
        t
        for t in TESTED_THRESHOLDS
        if p_values(((confidence >= t) & ~right).sum(), np.array(400), 0.1) <= 0.05
    ]
    assert found.threshold == min(passing)


@settings(max_examples=25)
@given(
    st.integers(0, 1000),
    st.sampled_from(CERTIFIABLE_RISKS),
    st.floats(0.05, 0.4),
    st.floats(0.01, 0.2),
)
def test_a_laxer_promise_never_certifies_less(seed, kind, target, delta):
    confidence, right = cases(300, seed)

    def loosest(a, d):
        found = certify_threshold(confidence, right, RiskPromise(kind, a, d), ORIGIN)
        return found.threshold if isinstance(found, Certificate) else np.inf

    assert loosest(target + 0.05, delta) <= loosest(target, delta)
    assert loosest(target, delta + 0.05) <= loosest(target, delta)


def test_json_gives_the_same_certificate_back():
    found = certify_threshold(
        *cases(2000), replace(LEAK, epistemic_limit=0.5), ORIGIN, epistemic=np.linspace(0, 1, 2000)
    )
    assert Certificate.from_json(found.to_json()) == found
    assert json.loads(found.to_json())["origin"]["issued_on"] == "2026-01-01"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "origin": {}, "promise": {}}']
)
def test_text_that_is_no_certificate_is_refused(text):
    with pytest.raises(SettingsError, match="no certificate"):
        Certificate.from_json(text)


def test_another_format_is_refused():
    text = (
        certify_threshold(*cases(2000), RISK, ORIGIN)
        .to_json()
        .replace('"format": 1', '"format": 2')
    )
    with pytest.raises(SettingsError, match="not of format 1"):
        Certificate.from_json(text)


def test_the_data_hash_is_of_the_labelled_cases():
    confidence, right = cases(2000)
    one = certify_threshold(confidence, right, RISK, ORIGIN).evidence
    unlabelled = certify_threshold(
        np.append(confidence, 0.3), np.append(right.astype(object), None), RISK, ORIGIN
    ).evidence
    other = certify_threshold(confidence, np.append(right[:-1], ~right[-1]), RISK, ORIGIN).evidence
    assert one.data_hash == unlabelled.data_hash != other.data_hash
    assert (one.unlabelled, unlabelled.unlabelled) == (0, 1)
    assert unlabelled.labelled == 2000


def test_cases_above_the_epistemic_limit_are_never_accepted():
    confidence, right = cases(2000)
    epistemic = np.where(right, 0.1, 2.0)
    found = certify_threshold(
        confidence, right, replace(LEAK, epistemic_limit=0.1), ORIGIN, epistemic
    )
    assert (found.threshold, found.errors, found.accepted) == (0.0, 0, right.sum())


# --- what voids it

GIVEN = certify_threshold(*cases(2000), RISK, ORIGIN)
FINE = CertificateUse(date(2026, 6, 30), "m" * 64, "line-1", GIVEN.threshold)


def test_it_counts_where_nothing_changed():
    assert void_reasons(GIVEN, FINE) == ()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"model_hash": "n" * 64}, "another model"),
        ({"process": "line-2"}, "another process"),
        ({"segment": "A"}, "another segment"),
        ({"threshold": round(GIVEN.threshold - 0.001, 3)}, "another policy"),
        ({"epistemic_limit": 0.1}, "another policy"),
        ({"other_rules": True}, "another policy"),
        ({"drifted": True}, "drift"),
        ({"reweighted": True}, "reweighted"),
        ({"on": date(2026, 7, 1)}, "expired"),
    ],
)
def test_each_change_voids_it_by_name(change, name):
    assert void_reasons(GIVEN, replace(FINE, **change)) == (name,)
    assert name in VOID_REASONS


def test_several_reasons_are_all_named():
    assert void_reasons(GIVEN, replace(FINE, drifted=True, model_hash="")) == (
        "another model",
        "drift",
    )


def test_a_policy_may_move_within_what_was_tested():
    between = round((GIVEN.threshold + GIVEN.strictest) / 2, 3)
    assert GIVEN.covers(between)
    assert GIVEN.covers(GIVEN.strictest)
    assert not GIVEN.covers(between + 0.0005)  # no threshold of the grid
    # stricter, and for selective risk that proves nothing
    assert not GIVEN.covers(round(GIVEN.strictest + 0.001, 3))
    assert not GIVEN.covers(float("nan"))
    leakage = certify_threshold(*cases(2000), LEAK, ORIGIN)
    assert leakage.covers(1.0)
    assert not leakage.covers(leakage.threshold - 0.001)


# --- segments


def test_segments_share_delta():
    confidence, right = cases(3000)
    segment = np.array(["A", "B", "B"] * 1000)
    found = certify_segments(confidence, right, segment, LEAK, ORIGIN)
    assert list(found) == ["A", "B"]
    for name, one in found.items():
        assert (one.evidence.segment, one.evidence.family, one.evidence.level) == (name, 2, 0.025)
        own = segment == name
        alone = certify_threshold(confidence[own], right[own], replace(LEAK, delta=0.025), ORIGIN)
        assert (one.threshold, one.accepted, one.errors) == (
            alone.threshold,
            alone.accepted,
            alone.errors,
        )
        assert one.p_value <= 0.025


def test_any_false_certificate_among_segments_is_as_rare_as_delta_says():
    """Eight segments whose risk is above the target at every threshold: any certificate of any of
    them is false.
    """
    segment = np.repeat(np.arange(8).astype(str), 100)
    false = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        confidence, right = generator.random(800), generator.random(800) >= 0.101
        found = certify_segments(
            confidence, right, segment, RiskPromise(SELECTIVE_RISK, 0.1, 0.1), ORIGIN
        )
        false += any(isinstance(c, Certificate) for c in found.values())
    assert false / 200 <= 0.1 + 3 * (0.1 * 0.9 / 200) ** 0.5


def test_one_segment_with_a_single_confidence_does_not_cost_the_others_theirs():
    confidence, right = cases(1000)
    found = certify_segments(
        np.append(confidence, [0.5, 0.5]),
        np.append(right, [True, True]),
        ["A"] * 1000 + ["B"] * 2,
        LEAK,
        ORIGIN,
    )
    assert isinstance(found["A"], Certificate)
    assert found["B"].reason == NOT_ENOUGH_DATA


# --- no certificate


def test_too_few_labels_say_how_many_more():
    # 40 cases, none wrong, leakage: ln 0.05 / ln 0.95 = 58.4, so 59 are needed and 19 are missing,
    # at the rate seen (0) too.
    found = certify_threshold(
        np.linspace(0.5, 1, 40), np.ones(40), RiskPromise(LEAKAGE, 0.05), ORIGIN
    )
    assert isinstance(found, NotCertified)
    assert (found.reason, found.needed_without_error, found.more_without_error) == (
        NOT_ENOUGH_DATA,
        59,
        19,
    )
    assert (found.needed_at_rate, found.more_at_rate) == (59, 19)
    enough = certify_threshold(
        np.linspace(0.5, 1, 59), np.ones(59), RiskPromise(LEAKAGE, 0.05), ORIGIN
    )
    assert isinstance(enough, Certificate)


def test_selective_risk_counts_the_labels_that_are_not_accepted_and_the_pilot():
    # Of 40 cases 2 are the pilot; a start has 0.05 / 3: ln(1/60) / ln 0.95 = 79.8. The surer one of
    # the pilot has 0.846, which 12 of the 38 others reach: 80 / (12 / 40) = 266.7. That all 38 are
    # right does not help: no test begins at a looser threshold.
    found = certify_threshold(
        np.linspace(0.5, 1, 40), np.ones(40), RiskPromise(SELECTIVE_RISK, 0.05), ORIGIN
    )
    assert (found.evidence.pilot, found.needed_without_error) == (2, 80)
    assert (found.threshold, found.accepted, found.errors) == (0.846, 12, 0)
    assert found.more_without_error == 227


def test_a_threshold_that_passes_alone_after_a_start_that_fails_is_not_what_is_missing():
    """281 cases without an error: 80 of them would do, if a sequence began where 80 are accepted."""
    confidence, promise = np.linspace(0.5, 1, 281), RiskPromise(SELECTIVE_RISK, 0.05)
    results = [
        certify_threshold(confidence, np.ones(281), promise, ORIGIN, seed=seed)
        for seed in range(20)
    ]
    refused = [found for found in results if isinstance(found, NotCertified)]
    assert refused
    for found in refused:
        assert found.accepted < found.needed_without_error == 80
        assert found.more_without_error > 0


def test_no_case_at_all_is_not_enough():
    for promise in (RISK, LEAK):
        found = certify_threshold(np.array([]), np.array([]), promise, ORIGIN)
        assert (found.reason, found.threshold, found.tested, found.more_at_rate) == (
            NOT_ENOUGH_DATA,
            None,
            0,
            None,
        )
        assert found.more_without_error == found.needed_without_error > 0


def test_only_unlabelled_cases_are_not_enough_and_counted():
    found = certify_threshold([0.1, 0.9], [None, np.nan], RISK, ORIGIN)
    assert (found.reason, found.evidence.labelled, found.evidence.unlabelled) == (
        NOT_ENOUGH_DATA,
        0,
        2,
    )


def test_all_wrong_is_a_risk_too_high_that_no_labels_mend():
    found = certify_threshold(cases(500)[0], np.zeros(500), RISK, ORIGIN)
    assert (found.reason, found.needed_at_rate, found.more_at_rate) == (RISK_TOO_HIGH, None, None)
    assert found.errors == found.accepted > 0


def test_all_right_is_certified_at_every_threshold():
    for promise in (RISK, LEAK):
        found = certify_threshold(cases(500)[0], np.ones(500), promise, ORIGIN)
        assert (found.threshold, found.errors, found.accepted) == (0.0, 0, found.tested)


def test_that_nothing_leaks_where_nothing_is_accepted_is_no_certificate():
    found = certify_threshold(
        cases(500)[0], np.ones(500), replace(LEAK, epistemic_limit=0.0), ORIGIN, np.ones(500)
    )
    assert (found.reason, found.accepted, found.threshold) == (NOT_ENOUGH_DATA, 0, None)


# --- what is refused


def test_constant_scores_are_refused():
    with pytest.raises(SettingsError, match="Confidence is 0.7 for all 300 labelled cases"):
        certify_threshold(np.full(300, 0.7), np.ones(300), RISK, ORIGIN)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_number_are_refused_even_without_a_label(bad):
    with pytest.raises(NonFiniteError, match="confidence .* at index 1"):
        certify_threshold([0.2, bad, 0.4], [1, None, 0], RISK, ORIGIN)
    with pytest.raises(NonFiniteError, match="epistemic .* at index 0"):
        certify_threshold(
            [0.2, 0.3], [1, 0], replace(RISK, epistemic_limit=1.0), ORIGIN, epistemic=[bad, 0.1]
        )


@pytest.mark.parametrize(
    ("confidence", "right", "message"),
    [
        ([0.2, 1.1], [1, 0], "outside"),
        ([0.2, 0.3], [1], "right has 1 value"),
        ([0.2, 0.3], [1, 0.5], "not 0, 1 or missing"),
    ],
)
def test_values_that_cannot_be_are_refused(confidence, right, message):
    with pytest.raises(SettingsError, match=message):
        certify_threshold(confidence, right, RISK, ORIGIN)


def test_a_limit_without_epistemic_is_refused():
    with pytest.raises(SettingsError, match="the cases have no epistemic uncertainty"):
        certify_threshold([0.2, 0.3], [1, 0], replace(RISK, epistemic_limit=1.0), ORIGIN)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"measure": "risk"}, "Risk 'risk' is not one of"),
        ({"target": 0.0}, "target 0.0"),
        ({"target": float("nan")}, "target nan"),
        ({"delta": 1.0}, "delta 1.0"),
        ({"epistemic_limit": float("inf")}, "epistemic_limit inf"),
    ],
)
def test_promises_that_cannot_be_kept_are_refused(fields, message):
    with pytest.raises(SettingsError, match=message):
        replace(RISK, **fields)


def test_an_end_before_the_beginning_is_refused():
    with pytest.raises(SettingsError, match="before issued_on"):
        replace(ORIGIN, expires_on=date(2025, 12, 31))


# --- the benchmark


def test_the_benchmarks_oracle_and_truth_are_brute_force():
    generator = np.random.default_rng(1)
    confidence = np.sort(generator.integers(0, 30, 200) / 30)[::-1]
    right = generator.random(200) < confidence
    people = Population("made", confidence, right)
    for kind in CERTIFIABLE_RISKS:
        among = {
            t: 200 if kind == LEAKAGE else max(1, (confidence >= t).sum())
            for t in [*TESTED_THRESHOLDS, *confidence]
        }
        risk = {t: ((confidence >= t) & ~right).sum() / among[t] for t in among}
        coverage, truth = people.truth(kind)
        np.testing.assert_array_equal(truth, [risk[t] for t in TESTED_THRESHOLDS])
        np.testing.assert_array_equal(
            coverage, [(confidence >= t).mean() for t in TESTED_THRESHOLDS]
        )
        assert people.oracle(kind, 0.15) == max(
            ((confidence >= t).mean() for t in confidence if risk[t] <= 0.15), default=0.0
        )


def test_the_benchmark_reports_every_target_and_its_worst():
    confidence = (np.arange(2000)[::-1] + 0.5) / 2000
    result = measure(
        [Population("made", confidence, np.random.default_rng(0).random(2000) < confidence)],
        sets=10,
        n=1500,
    )
    assert len(result["targets"]) == 6
    assert result["violation_rate"] == max(r["violation_rate"] for r in result["targets"])
    assert result["coverage_over_oracle"] == min(
        r["coverage_over_oracle"] for r in result["targets"] if r["oracle_accepts"] != "quarter"
    )
    for row in result["targets"]:
        assert 0 < row["best_start_over_oracle"] <= row["alone_over_oracle"]


def test_what_each_start_certifies_is_the_coverage_before_its_first_failure():
    coverage = np.linspace(0, 1, len(TESTED_THRESHOLDS))
    passes = np.zeros(len(TESTED_THRESHOLDS), dtype=bool)
    # starts 3 to 5 go on to 5, start 8 stays there, every other fails at once
    passes[[3, 4, 5, 8]] = True
    expected = np.zeros(len(TESTED_THRESHOLDS))
    expected[[3, 4, 5]], expected[8] = coverage[5], coverage[8]
    np.testing.assert_array_equal(covered_from(passes, coverage), expected)
    np.testing.assert_array_equal(
        covered_from(np.ones_like(passes), coverage), np.ones(len(TESTED_THRESHOLDS))
    )


def test_a_threshold_passes_alone_from_the_number_of_cases_that_delta_needs():
    # 58 right cases have 0.95^58 = 0.0510 > 0.05, and 59 have 0.0485; the 60th of 60 is wrong and
    # undoes it.
    confidence = np.repeat([0.9, 0.8, 0.7], [58, 1, 1])
    passes = alone_passes(confidence, np.arange(60) < 59, RiskPromise(SELECTIVE_RISK, 0.05))
    assert [passes[t == TESTED_THRESHOLDS].item() for t in (0.95, 0.9, 0.8, 0.75, 0.7)] == [
        False,
        False,
        True,
        True,
        False,
    ]
