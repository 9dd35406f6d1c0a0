"""Certify a threshold from calibration cases that fitted nothing: Learn then Test (arXiv
2110.01052) with exact tests.

The grid is THRESHOLDS, the ones that a policy may have, from strict to loose: a constant, so no
label and no score chose it. Each has the hypothesis "its risk is above the target", an exact
binomial p-value, and is certified when that is rejected.

Leakage. All cases are the denominator, and the wrong accepted among them are Bin(n, leakage(t)).
Errors only grow as t loosens, and p-values with them: the sequence begins at the strictest, and
every threshold that would pass alone passes.

Selective risk. Given how many cases t accepts, they are independent draws of the accepted, and
their errors are Bin(accepted, risk(t)); what is valid given any number accepted is valid. But the
strictest thresholds accept too few to pass at all, so a sequence that began there would stop at
once. Where to begin instead must not be read off the tested cases, not even off their
confidence: "the first threshold with m accepted" implies that the stricter one had fewer, so there
are fewer very sure cases among the accepted than chance would give, and the errors are no longer
binomial with the population's risk. So a twentieth of the cases, drawn by chance, is a pilot: it
says at which thresholds START_SHARES of the cases are accepted, and tests nothing (the split fixed
sequence of the paper, with confidence in the place of labels). Each of these starts has an equal
part of the level, and what passes hands its level on, so that one start too strict to pass does not
cost the certificate (risk_control.reject_in_sequence).

Segments: Bonferroni. Each gets delta / their number, so all their certificates hold together with
confidence 1 - delta. Holm's step-down would hand on the level of a segment only when every
threshold of it passed, which a target worth having prevents.
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
# of all cases, accepted at the starts for selective risk; doubling suits risks of any shape
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
    """Labelled cases, [n] each. `score` is the confidence, or -1 where the epistemic limit forbids
    to accept.
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
    """The loosest threshold whose risk is at most the target with confidence 1 - delta.

    confidence: in [0, 1], [n].
    right: true or 1, false or 0, and NaN or None where no label is known, [n]. Cases without a
    label are left out and counted, which is sound only where labels are missing for reasons that
    have nothing to do with being right.
    promise: the risk, its target and delta.
    origin: the model and process of the cases, and the dates of the certificate.
    epistemic: nats, [n]; required where the promise has an epistemic limit.
    seed: of the draw of the pilot.

    Raises NonFiniteError for a score that is no number, ShapeError for lengths that differ, and
    SettingsError for values out of range and for the same confidence everywhere, since no threshold
    can tell such cases apart.

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
    """`certify_threshold` for every name in `segment` [n], sorted; Bonferroni, so delta is the
    chance of any wrong certificate. A segment's leakage is its wrong accepted / its own cases.

    segment: name of each case's segment, [n]. The other parameters and errors are those of
    `certify_threshold`.
    """
    confidence, right, segment = np.asarray(confidence), np.asarray(right), np.asarray(segment)
    # all cases first, because one segment may have a single confidence
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
    """The level that each threshold of TESTED_THRESHOLDS may spend, [G]; they add up to `level`. No
    label is an input, so none can choose where to begin.
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
        score = np.where(parts[-1] <= promise.epistemic_limit, labelled, -1.0)
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
    # 1. The pilot, drawn by chance, so that the order of a file cannot matter.
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
    # the denominator of the risk
    among = np.full_like(accepted, len(score)) if leakage else accepted
    p = p_values(errors, among, promise.target)
    # where nothing is accepted nothing leaks: true, and useless
    rejected = reject_in_sequence(p, weights) & (accepted > 0)
    if not rejected.any():
        return _not_certified(
            promise, CertificateEvidence(*basis), len(score), accepted, errors, among, p
        )

    # 3. The loosest that passed, and the unbroken run above it that passed with it.
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


def _not_certified(
    promise: RiskPromise,
    evidence: CertificateEvidence,
    tested: int,
    accepted: np.ndarray,
    errors: np.ndarray,
    among: np.ndarray,
    p: np.ndarray,
) -> NotCertified:
    low = (accepted > 0) & (errors < promise.target * among)
    near = np.flatnonzero(low if low.any() else accepted > 0)
    nearest = int(near[p[near] == p[near].min()][-1]) if len(near) else None
    counts = (0, 0) if nearest is None else (int(accepted[nearest]), int(errors[nearest]))
    # The level that a first pass needs, where nothing has handed any on.
    level = evidence.level / (1 if promise.measure == LEAKAGE else len(START_SHARES))
    without = cases_without_error(promise.target, level)
    at_rate = (
        None
        if nearest is None
        else cases_needed(errors[nearest] / among[nearest], promise.target, level)
    )
    # Labels of which one counts: the pilot's do not, nor, for selective risk, those that are not
    # accepted.
    counted = 1.0 if nearest is None else float(among[nearest] / evidence.labelled)

    def missing(need: int) -> int:
        return max(0, math.ceil(need / counted) - evidence.labelled)

    return NotCertified(
        promise=promise,
        evidence=evidence,
        reason=RISK_TOO_HIGH if nearest is not None and not low.any() else NOT_ENOUGH_DATA,
        threshold=None if nearest is None else float(TESTED_THRESHOLDS[nearest]),
        tested=tested,
        accepted=counts[0],
        errors=counts[1],
        needed_without_error=without,
        more_without_error=missing(without),
        needed_at_rate=at_rate,
        more_at_rate=None if at_rate is None else missing(at_rate),
    )


def _at_least(score: np.ndarray) -> np.ndarray:
    """How many are >= each threshold of TESTED_THRESHOLDS, [G]."""
    return len(score) - np.searchsorted(np.sort(score), TESTED_THRESHOLDS, side="left")
