"""Decide cases, fail-closed: any failure sends the case to review, with its fault.

A batch that the model refuses is scored again case by case, so that one case harms no other. Knows
no log, no HTTP and no store.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.decision.thresholds.decisions import AUDIT, FAULT, POLICY_VOID, review_all_cases
from core.gate.schemas import CaseAnswer, GateCase
from core.pipeline.apply import BoundPolicy
from core.store.parts import SUM_TOLERANCE

# Faults: what kept the gate from accepting. A void policy's fault names what voids it.
MODEL_ERROR, NOT_FINITE, NO_POLICY = "model_error", "not_finite", "no_policy"
STORE_UNAVAILABLE, RULE_ERROR = "store_unavailable", "rule_error"
_logger = logging.getLogger(__name__)


class Scorer(Protocol):
    """A model: probabilities [n, K] and total, aleatoric, epistemic [n] in nats for n texts."""

    def scores(self, texts: Sequence[str]) -> Any: ...


@dataclass(frozen=True)
class CaseScores:
    """The model's scores of one case: probabilities in the order of its labels; nats."""

    probabilities: tuple[float, ...]
    total: float
    aleatoric: float
    epistemic: float
    novelty: float | None


@dataclass(frozen=True)
class DecidedCase:
    """A case, its answer, and the model's scores; None where the model gave none."""

    case: GateCase
    answer: CaseAnswer
    scores: CaseScores | None


@dataclass(frozen=True)
class GateModel:
    """A model that scores, its labels in their order, and the hash of its content."""

    scorer: Scorer
    labels: tuple[str, ...]
    model_hash: str


@dataclass(frozen=True)
class AuditRule:
    """Which accepted cases are audited: those whose number is below the share.

    numbers: case ids -> their permanent random numbers in [0, 1), [n].
    """

    share: float
    numbers: Callable[[Sequence[str]], NDArray[np.float64]]


def decide_batch(
    cases: Sequence[GateCase],
    model: GateModel,
    read_policy: Callable[[], BoundPolicy | None],
    audits: AuditRule | None = None,
) -> list[DecidedCase]:
    """Score and decide the cases, in their order. Never raises for a fault of model, policy or
    store: those cases go to review. audits: None draws none.
    """
    scored = score_cases(cases, model)
    good = {i: scores for i, (scores, _) in enumerate(scored) if scores is not None}
    bound, fault = _policy_in_force(read_policy)
    decided, fault = _decide_scored(
        [cases[i] for i in good], list(good.values()), model.labels, bound, fault
    )
    decision_of = {
        i: (bool(accepted), str(reason))
        for i, accepted, reason in zip(good, decided.accepted, decided.reasons, strict=True)
    }
    decided_at = datetime.now(UTC)
    answered = [
        _decided_case(
            case,
            *scored[i],
            decision_of.get(i, (False, FAULT)),
            bound,
            fault,
            model,
            decided_at,
        )
        for i, case in enumerate(cases)
    ]
    return answered if audits is None else _with_audits(answered, audits)


def _with_audits(decided: list[DecidedCase], audits: AuditRule) -> list[DecidedCase]:
    numbers = audits.numbers([item.case.case_id for item in decided])
    marks = {"reason": AUDIT, "audit_probability": audits.share}
    return [
        replace(item, answer=item.answer.model_copy(update=marks))
        if item.answer.decision == "accepted" and number < audits.share
        else item
        for item, number in zip(decided, numbers, strict=True)
    ]


def score_cases(cases: Sequence[GateCase], model: GateModel) -> list[tuple[CaseScores | None, str]]:
    """Return each case's scores and an empty fault, or None and its fault."""
    try:
        scores = model.scorer.scores([case.text for case in cases])
        return _checked_scores(scores, len(cases), len(model.labels))
    except Exception as e:
        if len(cases) > 1:
            return [score_cases([case], model)[0] for case in cases]
        _log_fault("the model failed on a case", e)
        return [(None, MODEL_ERROR)]


def _log_fault(what: str, error: Exception) -> None:
    """Log what failed, the kind of the error and its place.

    Without the error's message, which may quote a case's text.
    """
    place = traceback.extract_tb(error.__traceback__)[-1]
    _logger.error("%s: %s at %s:%s", what, type(error).__name__, place.filename, place.lineno)


def _checked_scores(scores: Any, cases: int, classes: int) -> list[tuple[CaseScores | None, str]]:
    p = np.asarray(scores.probabilities, dtype=np.float64)
    spread = np.array([scores.total, scores.aleatoric, scores.epistemic], dtype=np.float64)
    if p.shape != (cases, classes) or spread.shape != (3, cases):
        return [(None, NOT_FINITE)] * cases
    # NaN compares as false
    possible = (p >= 0).all(1) & (np.abs(p.sum(1) - 1) <= SUM_TOLERANCE)
    possible &= (np.isfinite(spread) & (spread >= 0)).all(0)
    novelty = [None] * cases if scores.novelty is None else np.asarray(scores.novelty).tolist()
    rows = zip(possible.tolist(), p.tolist(), *spread.tolist(), novelty, strict=True)
    return [
        (CaseScores(tuple(row), total, aleatoric, epistemic, _share_or_none(share)), "")
        if good
        else (None, NOT_FINITE)
        for good, row, total, aleatoric, epistemic, share in rows
    ]


def _share_or_none(share: float | None) -> float | None:
    return share if share is not None and 0 <= share <= 1 else None


def _policy_in_force(
    read_policy: Callable[[], BoundPolicy | None],
) -> tuple[BoundPolicy | None, str]:
    """The policy, or None and what keeps it from being known; a void one with what voids it."""
    try:
        bound = read_policy()
    except Exception as e:
        _log_fault("the policy in force cannot be read", e)
        return None, STORE_UNAVAILABLE
    if bound is None:
        return None, NO_POLICY
    return bound, ", ".join(bound.void)


def _decide_scored(
    cases: Sequence[GateCase],
    scores: Sequence[CaseScores],
    labels: tuple[str, ...],
    bound: BoundPolicy | None,
    fault: str,
):
    if bound is None:
        reason = POLICY_VOID if fault == NO_POLICY else FAULT
        return review_all_cases(len(cases), reason), fault
    best = [int(np.argmax(score.probabilities)) for score in scores]
    try:
        decided = bound.decide(
            [case.segment for case in cases],
            [labels[k] for k in best],
            np.array([score.probabilities[k] for score, k in zip(scores, best, strict=True)]),
            np.array([score.epistemic for score in scores]),
            np.array([np.nan if s.novelty is None else s.novelty for s in scores]),
        )
    except Exception as e:
        _log_fault("the rule failed", e)
        return review_all_cases(len(cases), FAULT), RULE_ERROR
    return decided, fault


def _decided_case(
    case: GateCase,
    scores: CaseScores | None,
    score_fault: str,
    decision: tuple[bool, str],
    bound: BoundPolicy | None,
    policy_fault: str,
    model: GateModel,
    decided_at: datetime,
) -> DecidedCase:
    accepted, reason = decision
    k = None if scores is None else int(np.argmax(scores.probabilities))
    answer = CaseAnswer(
        case_id=case.case_id,
        label=None if k is None else model.labels[k],
        confidence=None if scores is None or k is None else scores.probabilities[k],
        aleatoric=None if scores is None else scores.aleatoric,
        epistemic=None if scores is None else scores.epistemic,
        decision="accepted" if accepted else "review",
        reason=reason,
        fault=score_fault or policy_fault,
        policy=None if bound is None else bound.version.name,
        policy_version=None if bound is None else bound.version.version,
        certificate=None if bound is None else bound.certificate,
        model_hash=model.model_hash,
        decided_at=decided_at,
    )
    return DecidedCase(case, answer, scores)
