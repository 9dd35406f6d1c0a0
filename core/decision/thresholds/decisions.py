"""Decide single cases by a policy, with one reason a case: accepted, or the cause of its review.

Pure: columns of predictions in, decisions out. The decision is `Policy.accepts`, so its counts
agree with every consequence of the same policy; a reason only explains it. Knows no store and no
date.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.policy import Policy

ACCEPTED = "accepted"
AUDIT = "audit"  # accepted, and drawn for a person to judge as well
LOW_CONFIDENCE = "low_confidence"  # the confidence is below the threshold of the case
HIGH_EPISTEMIC = "epistemic"  # confident enough, but the epistemic uncertainty is above the limit
NOVELTY = (
    "novelty"  # the same, but the case is more unlike the training cases than the limit allows
)
CLASS_TO_PEOPLE = "class_to_people"  # a rule sends all cases of the predicted class to people
SEGMENT_TO_PEOPLE = "segment_to_people"  # a rule sends all cases of the segment to people
ALL_TO_PEOPLE = "all_to_people"  # the policy sends every case without a rule of its own to people
# A rule sends the class to people, and the policy's own runs hold no labelled case of the class.
UNLABELLED_CLASS = "unlabelled_class"
POLICY_VOID = "policy_void"  # the policy is not valid for these cases, so none is accepted
FAULT = "fault"  # a value is impossible or the gate failed, so nothing is known of the case
REASONS = (
    ACCEPTED,
    AUDIT,
    LOW_CONFIDENCE,
    HIGH_EPISTEMIC,
    NOVELTY,
    CLASS_TO_PEOPLE,
    SEGMENT_TO_PEOPLE,
    ALL_TO_PEOPLE,
    UNLABELLED_CLASS,
    POLICY_VOID,
    FAULT,
)


@dataclass(frozen=True)
class CaseDecisions:
    """The decision of each case: accepted, [n] of bool, and one of REASONS, [n] of str."""

    accepted: np.ndarray
    reasons: np.ndarray


def decide_cases(
    policy: Policy,
    segments: Sequence[str],
    predicted: Sequence[str],
    confidence: np.ndarray,
    epistemic: np.ndarray,
    labelled_classes: Collection[str] | None = None,
    novelty: np.ndarray | None = None,
) -> CaseDecisions:
    """Return the decisions of a policy on n cases. A case with a non-finite or impossible value
    goes to review as a FAULT.

    policy: a policy that is valid for these cases.
    segments, predicted: names, [n].
    confidence: in [0, 1], [n].
    epistemic: nats, [n].
    labelled_classes: classes with labelled cases in the policy's runs; None if unknown.
    novelty: in [0, 1] or NaN, [n]; None if unknown. Under a novelty limit an unknown one goes to
        review.
    """
    confidence, epistemic = (np.asarray(x, dtype=np.float64) for x in (confidence, epistemic))
    accepted = policy.accepts(segments, predicted, confidence, epistemic, novelty)
    pairs = list(zip(segments, predicted, strict=True))
    reason_of = {pair: _rule_reason(policy, *pair, labelled_classes) for pair in set(pairs)}
    by_rule = np.array([reason_of[pair] for pair in pairs], dtype=object)
    least = np.array(
        [np.inf if reason_of[pair] else policy.threshold_of(*pair) for pair in pairs],
        dtype=np.float64,
    )
    # NaN compares as False, so it is a fault. np.select takes the first condition that holds:
    # a fault goes before a rule, and a rule before a low confidence.
    possible = (confidence >= 0) & (confidence <= 1) & (epistemic >= 0) & (epistemic < np.inf)
    limit = np.inf if policy.epistemic_limit is None else policy.epistemic_limit
    reasons = np.select(
        [accepted, ~possible, by_rule != "", confidence < least, epistemic > limit],
        [ACCEPTED, FAULT, by_rule, LOW_CONFIDENCE, HIGH_EPISTEMIC],
        NOVELTY,
    )
    return CaseDecisions(accepted, reasons.astype(str))


def review_all_cases(n: int, reason: str) -> CaseDecisions:
    """Return the decisions that send n cases to review for one of REASONS."""
    return CaseDecisions(np.zeros(n, dtype=bool), np.full(n, reason))


def _rule_reason(
    policy: Policy, segment: str, predicted: str, labelled_classes: Collection[str] | None
) -> str:
    """Return the reason if a rule sends every case of this segment and class to people, else ""."""
    if policy.threshold_of(segment, predicted) != REVIEW_ALL:
        return ""
    in_cell = (segment, predicted) in policy.by_cell
    if not in_cell and segment in policy.by_segment:
        return SEGMENT_TO_PEOPLE
    if not in_cell and predicted not in policy.by_class:
        return ALL_TO_PEOPLE
    unlabelled = labelled_classes is not None and predicted not in labelled_classes
    return UNLABELLED_CLASS if unlabelled else CLASS_TO_PEOPLE
