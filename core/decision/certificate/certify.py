"""Certify a threshold from calibration cases that fitted nothing: Learn then Test (arXiv
2110.01052) with exact tests.

The grid is THRESHOLDS, all the thresholds of a policy, from strict to loose. It is a constant, so
no label and no score chose it. Each threshold has the hypothesis "its risk is above the target" and
an exact binomial p-value, and is certified if the test rejects the hypothesis.

Leakage. All cases are the denominator, and the wrong accepted cases are Bin(n, leakage(t)). Errors
and p-values only grow as t loosens: the sequence begins at the strictest threshold, and every
threshold that passes alone passes in the sequence.

Selective risk. Given the number of cases that t accepts, they are independent draws of the accepted
population, and their errors are Bin(accepted, risk(t)); a test that is valid given every number
accepted is valid. But the strictest thresholds accept too few cases to pass, so a sequence that
begins there stops at once. The tested cases must not choose the start, not even by their
confidence: "the first threshold with m accepted" implies that the stricter one had fewer, so the
accepted contain fewer very sure cases than chance gives, and their errors are no longer binomial
with the population's risk. A random twentieth of the cases is therefore a pilot: it finds the
thresholds that accept START_SHARES of the cases, and no test uses it (the split fixed sequence of
the paper, with confidence in place of labels). Each start has an equal part of the level, and a
threshold that passes hands its level on, so one start that is too strict to pass does not cost the
certificate (risk_control.reject_in_sequence).

Segments: Bonferroni. Each segment gets delta / number of segments, so all certificates hold
together with confidence 1 - delta. Holm's step-down hands on the level of a segment only if every
threshold of it passes, which any useful target prevents.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from core.counts.histogram import THRESHOLDS
from core.decision.certificate.claims import (
    LEAKAGE,
    NOT_ENOUGH_DATA,
    RISK_TOO_HIGH,
    SELECTIVE_RISK,
    Certificate,
    CertificateEvidence,
    CertificateOrigin,
    NotCertified,
    RiskPromise,
)
from core.errors import SettingsError, ShapeError
from core.stats.checks import finite
from core.stats.risk_control import cases_needed, cases_without_error, p_values, reject_in_sequence

TESTED_THRESHOLDS = THRESHOLDS[::-1]  # [G], strict to loose
# Shares of all cases that the starts for selective risk accept. Each doubles the one before, so
# that some start suits a steep risk and some a flat one.
START_SHARES = (1 / 16, 1 / 8, 1 / 4)
PILOT_SHARE = 1 / 20
TEST_METHODS = {
    SELECTIVE_RISK: (
        "exact binomial, fallback strict to loose from 1/16, 1/8 and 1/4 of a pilot, "
        "Bonferroni over segments"
    ),
    LEAKAGE: "exact binomial, fixed sequence strict to loose, Bonferroni over segments",
}


@dataclass(frozen=True)
class _Cases:
    """Labelled cases, [n] each. `score` is the confidence, or -1 if the epistemic limit sends the
    case to review.
    """

    score: np.ndarray
    wrong: np.ndarray
    unlabelled: int
    data_hash: str


def certify_threshold(
    confidence: np.ndarray,
    right: np.ndarray,
    promise: RiskPromise,
    origin: CertificateOrigin,
    epistemic: np.ndarray | None = None,
    seed: int = 0,
) -> Certificate | NotCertified:
    """Return the loosest threshold whose risk is at most the target with confidence 1 - delta.

    confidence: in [0, 1], [n].
    right: true or 1, false or 0, and NaN or None without a label, [n]. Cases without a label are
    left out and counted, which is sound only if labels are missing independently of correctness.
    promise: the risk, its target and delta.
    origin: the model and process of the cases, and the dates of the certificate.
    epistemic: nats, [n]; required if the promise has an epistemic limit, else None.
    seed: of the draw of the pilot.

    Raises NonFiniteError for a score that is not finite, ShapeError for lengths that differ, and
    SettingsError for values out of range or one confidence for all cases, because no threshold
    separates such cases.

    >>> from datetime import date
    >>> rng = np.random.default_rng(0)
    >>> confidence = rng.random(2000)
    >>> right = rng.random(2000) < confidence  # calibrated
    >>> promise = RiskPromise("selective_risk", target=0.1)
    >>> origin = CertificateOrigin("0" * 64, "line-1", date(2026, 1, 1), date(2026, 12, 31))
    >>> certificate = certify_threshold(confidence, right, promise, origin)
    >>> 0.8 < certificate.threshold < 0.9  # an oracle, which knows the risk, accepts from 0.8 on
    True
    """
    cases = _checked(confidence, right, promise, epistemic)
    return _certify(cases, promise, origin, None, 1, seed)


def certify_segments(
    confidence: np.ndarray,
    right: np.ndarray,
    segment: np.ndarray,
    promise: RiskPromise,
    origin: CertificateOrigin,
    epistemic: np.ndarray | None = None,
    seed: int = 0,
) -> dict[str, Certificate | NotCertified]:
    """Return {segment: result of `certify_threshold`}, sorted by name. With Bonferroni, delta is
    the chance of any wrong certificate. A segment's leakage is its wrong accepted / its own cases.

    segment: the name of each case's segment, [n].

    The other parameters and errors are those of `certify_threshold`.
    """
    confidence, right, segment = np.asarray(confidence), np.asarray(right), np.asarray(segment)
    # The check for one confidence runs over all cases, because a single segment may have one.
    _checked(confidence, right, promise, epistemic)
    if len(segment) != len(confidence):
        raise ShapeError("decision.certify_segments", segments=len(segment), cases=len(confidence))
    names = sorted(set(segment.tolist()))
    certificates = {}
    for name in names:
        inside = segment == name
        cases = _checked(
            confidence[inside],
            right[inside],
            promise,
            None if epistemic is None else np.asarray(epistemic)[inside],
            False,
        )
        certificates[name] = _certify(cases, promise, origin, name, len(names), seed)
    return certificates


def start_weights(pilot_score: np.ndarray, measure: str, level: float) -> np.ndarray:
    """Return the level of each threshold of TESTED_THRESHOLDS, [G]; the levels sum to `level`. No
    label is an input, so labels cannot choose the start.
    """
    weights = np.zeros(len(TESTED_THRESHOLDS))
    if measure == LEAKAGE or not len(pilot_score):
        weights[0] = level
        return weights
    share = _at_least(pilot_score) / len(pilot_score)
    for start in START_SHARES:
        reached = np.flatnonzero(share >= start)
        weights[reached[0] if len(reached) else -1] += level / len(START_SHARES)
    return weights


def _checked(
    confidence: np.ndarray,
    right: np.ndarray,
    promise: RiskPromise,
    epistemic: np.ndarray | None,
    refuse_constant: bool = True,
) -> _Cases:
    confidence, right = finite(confidence, "confidence"), np.asarray(right, dtype=np.float64)
    unlabelled = np.isnan(right)
    _check_lengths("right", right, confidence)
    if ((confidence < 0) | (confidence > 1)).any():
        raise SettingsError("decision.certify_confidence")
    if not np.isin(finite(right[~unlabelled], "right"), (0, 1)).all():
        raise SettingsError("decision.certify_right")
    labelled = confidence[~unlabelled]
    if refuse_constant and len(labelled) > 1 and labelled.min() == labelled.max():
        raise SettingsError("decision.constant_confidence", confidence=labelled[0], n=len(labelled))
    score, parts = labelled, [labelled, right[~unlabelled]]
    if promise.epistemic_limit is not None:
        if epistemic is None:
            raise SettingsError("decision.certify_epistemic", limit=promise.epistemic_limit)
        epistemic = finite(epistemic, "epistemic")
        _check_lengths("epistemic", epistemic, confidence)
        parts.append(epistemic[~unlabelled])
        # -1 is below every threshold, so the tests need no second condition.
        score = np.where(parts[-1] <= promise.epistemic_limit, labelled, -1.0)
    # "<f8" fixes the byte order, so the hash is the same on every machine.
    digest = hashlib.sha256(b"".join(part.astype("<f8").tobytes() for part in parts)).hexdigest()
    return _Cases(score, right[~unlabelled] == 0, int(unlabelled.sum()), digest)


def _check_lengths(name: str, values: np.ndarray, confidence: np.ndarray) -> None:
    if len(values) != len(confidence):
        raise ShapeError(
            "decision.certify_lengths", name=name, n=len(values), cases=len(confidence)
        )


def _certify(
    cases: _Cases,
    promise: RiskPromise,
    origin: CertificateOrigin,
    segment: str | None,
    family: int,
    seed: int,
) -> Certificate | NotCertified:
    # 1. A random pilot, because the order of a file may carry information.
    n, leakage = len(cases.score), promise.measure == LEAKAGE
    pilot = 0 if leakage else -(-n // round(1 / PILOT_SHARE))  # rounded up
    order = np.random.default_rng(seed).permutation(n)
    score, wrong = cases.score[order[pilot:]], cases.wrong[order[pilot:]]
    level = promise.delta / family
    weights = start_weights(cases.score[order[:pilot]], promise.measure, level)
    basis = (
        segment,
        family,
        level,
        n,
        cases.unlabelled,
        pilot,
        seed,
        cases.data_hash,
        TEST_METHODS[promise.measure],
    )

    # 2. The tests.
    accepted, errors = _at_least(score), _at_least(score[wrong])
    # The denominator of the risk.
    among = np.full_like(accepted, len(score)) if leakage else accepted
    p = p_values(errors, among, promise.target)
    # A threshold that accepts nothing leaks nothing: it passes, and is useless.
    rejected = reject_in_sequence(p, weights) & (accepted > 0)
    if not rejected.any():
        starts = np.ones_like(rejected) if leakage else weights > 0
        tests = _Tests(len(score), accepted, errors, among, p, starts)
        return _not_certified(promise, CertificateEvidence(*basis), tests)

    # 3. The loosest threshold that passed, and the unbroken run of stricter ones that passed.
    last = int(np.flatnonzero(rejected)[-1])
    first = int(np.flatnonzero(~rejected[:last])[-1]) + 1 if not rejected[:last].all() else 0
    counts = (len(score), int(accepted[last]), int(errors[last]), float(p[last]))
    return Certificate(
        promise,
        origin,
        CertificateEvidence(*basis),
        float(TESTED_THRESHOLDS[last]),
        float(TESTED_THRESHOLDS[first]),
        *counts,
    )


@dataclass(frozen=True)
class _Tests:
    """The tests at each threshold of TESTED_THRESHOLDS, [G] each but `tested`, a number of cases.

    among: the denominator of the risk. starts: where a sequence of tests may begin.
    """

    tested: int
    accepted: np.ndarray
    errors: np.ndarray
    among: np.ndarray
    p: np.ndarray
    starts: np.ndarray


def _not_certified(
    promise: RiskPromise, evidence: CertificateEvidence, tests: _Tests
) -> NotCertified:
    accepted, errors, among, p = tests.accepted, tests.errors, tests.among, tests.p
    low = (accepted > 0) & (errors < promise.target * among)
    # A looser threshold may have passed alone: it is tested only after a start has passed.
    near = next(
        (np.flatnonzero(which) for which in (low & tests.starts, low, accepted > 0) if which.any()),
        np.array([], dtype=int),
    )
    nearest = int(near[p[near] == p[near].min()][-1]) if len(near) else None
    counts = (0, 0) if nearest is None else (int(accepted[nearest]), int(errors[nearest]))
    # The level of a first pass, before any threshold has handed its level on.
    level = evidence.level / (1 if promise.measure == LEAKAGE else len(START_SHARES))
    without = cases_without_error(promise.target, level)
    at_rate = (
        None
        if nearest is None
        else cases_needed(errors[nearest] / among[nearest], promise.target, level)
    )
    # The share of labels that reach the test: the pilot's do not, nor, for selective risk, those
    # of cases that are not accepted.
    counted = 1.0 if nearest is None else float(among[nearest] / evidence.labelled)

    def missing(need: int) -> int:
        return max(0, math.ceil(need / counted) - evidence.labelled)

    return NotCertified(
        promise=promise,
        evidence=evidence,
        reason=RISK_TOO_HIGH if nearest is not None and not low.any() else NOT_ENOUGH_DATA,
        threshold=None if nearest is None else float(TESTED_THRESHOLDS[nearest]),
        tested=tests.tested,
        accepted=counts[0],
        errors=counts[1],
        needed_without_error=without,
        more_without_error=missing(without),
        needed_at_rate=at_rate,
        more_at_rate=None if at_rate is None else missing(at_rate),
    )


def _at_least(score: np.ndarray) -> np.ndarray:
    """Return the number of scores >= each threshold of TESTED_THRESHOLDS, [G]."""
    return len(score) - np.searchsorted(np.sort(score), TESTED_THRESHOLDS, side="left")
