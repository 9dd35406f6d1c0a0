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
confidence: "the first threshold with m accepted" says that the stricter one had fewer, so there are
fewer very sure cases among the accepted than chance would give, and the errors are no longer
binomial with the population's risk. So a twentieth of the cases, drawn by chance, is a pilot: it
says at which thresholds SHARES of the cases are accepted, and tests nothing (the split fixed
sequence of the paper, with confidence in the place of labels). Each of these starts has an equal
part of the level, and what passes hands its level on, so that one start too strict to pass does not
cost the certificate (risk_control.fallback).

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
    SELECTIVE_RISK: "exact binomial, fallback strict to loose from 1/16, 1/8 and 1/4 of a pilot, Bonferroni over segments",
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

    confidence [n] in [0, 1]; right [n]: true or 1, false or 0, and NaN or None where no label is
    known: these are left out and counted, which is sound only where labels are missing for reasons
    that have nothing to do with being right. epistemic [n] in nats, needed with a limit. Raises
    NonFiniteError for a score that is no number, and SettingsError for lengths that differ, for
    values out of range, and for the same confidence everywhere, since no threshold can tell such
    cases apart.
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
    """`certify` for every segment found in `segment` [n], sorted; Bonferroni, so delta is the
    chance of any wrong certificate.

    A segment's leakage is its wrong accepted / its own cases.
    """
    confidence, right, segment = np.asarray(confidence), np.asarray(right), np.asarray(segment)
    # first all of them: one segment may well have a single confidence
    _checked(confidence, right, promise, epistemic)
    if len(segment) != len(confidence):
        raise ShapeError("decision.certify_segments", segments=len(segment), cases=len(confidence))
    names = sorted(set(segment.tolist()))
    found = {}
    for name in names:
        own = segment == name
        cases = _checked(
            confidence[own],
            right[own],
            promise,
            None if epistemic is None else np.asarray(epistemic)[own],
            False,
        )
        found[name] = _certify(cases, promise, origin, name, len(names), seed)
    return found


def start_weights(pilot_score: np.ndarray, measure: str, level: float) -> np.ndarray:
    """What each threshold of GRID may spend, [G], adding up to `level`. Takes no label, so none can
    choose where to begin.
    """
    weights = np.zeros(len(TESTED_THRESHOLDS))
    if measure == LEAKAGE or not len(pilot_score):
        weights[0] = level
        return weights
    share = _at_least(pilot_score) / len(pilot_score)
    for wanted in START_SHARES:
        reached = np.flatnonzero(share >= wanted)
        weights[reached[0] if len(reached) else -1] += level / len(START_SHARES)
    return weights


def _checked(
    confidence, right, promise: RiskPromise, epistemic, refuse_constant: bool = True
) -> _Cases:
    confidence, right = finite(confidence, "confidence"), np.asarray(right, dtype=np.float64)
    unlabelled = np.isnan(right)
    _check_lengths("right", right, confidence)
    if ((confidence < 0) | (confidence > 1)).any():
        raise SettingsError("decision.certify_confidence")
    if not np.isin(finite(right[~unlabelled], "right"), (0, 1)).all():
        raise SettingsError("decision.certify_right")
    kept = confidence[~unlabelled]
    if refuse_constant and len(kept) > 1 and kept.min() == kept.max():
        raise SettingsError("decision.constant_confidence", confidence=kept[0], n=len(kept))
    score, parts = kept, [kept, right[~unlabelled]]
    if promise.epistemic_limit is not None:
        if epistemic is None:
            raise SettingsError("decision.certify_epistemic", limit=promise.epistemic_limit)
        epistemic = finite(epistemic, "epistemic")
        _check_lengths("epistemic", epistemic, confidence)
        parts.append(epistemic[~unlabelled])
        score = np.where(parts[-1] <= promise.epistemic_limit, kept, -1.0)
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
    # that nothing leaks where nothing is accepted is true, and no use
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
    promise: RiskPromise, evidence: CertificateEvidence, tested: int, accepted, errors, among, p
) -> NotCertified:
    low = (accepted > 0) & (errors < promise.target * among)
    near = np.flatnonzero(low if low.any() else accepted > 0)
    at = int(near[p[near] == p[near].min()][-1]) if len(near) else None
    counts = (0, 0) if at is None else (int(accepted[at]), int(errors[at]))
    # The level that a first pass needs, where nothing has handed any on.
    level = evidence.level / (1 if promise.measure == LEAKAGE else len(START_SHARES))
    without = cases_without_error(promise.target, level)
    at_rate = None if at is None else cases_needed(errors[at] / among[at], promise.target, level)
    # Labels of which one counts: the pilot's do not, nor, for selective risk, those that are not
    # accepted.
    counted = 1.0 if at is None else among[at] / evidence.labelled
    more = [
        None if need is None else max(0, math.ceil(need / counted) - evidence.labelled)
        for need in (without, at_rate)
    ]
    return NotCertified(
        promise=promise,
        evidence=evidence,
        reason=RISK_TOO_HIGH if at is not None and not low.any() else NOT_ENOUGH_DATA,
        threshold=None if at is None else float(TESTED_THRESHOLDS[at]),
        tested=tested,
        accepted=counts[0],
        errors=counts[1],
        needed_without_error=without,
        more_without_error=more[0],
        needed_at_rate=at_rate,
        more_at_rate=more[1],
    )


def _at_least(score: np.ndarray) -> np.ndarray:
    """How many are >= each threshold of GRID, [G]."""
    return len(score) - np.searchsorted(np.sort(score), TESTED_THRESHOLDS, side="left")
