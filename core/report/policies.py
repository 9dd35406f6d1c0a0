"""Policies as tables: a row a segment, class or cell to edit, what two versions change, and the
certificate that goes with one.

Pure: cumulative counts, policies and predictions in, frames and small results out. Draws nothing,
chooses no words, and opens no store: COLUMNS says what `proof` reads.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from core.counts.joint import (
    REVIEW_ALL,
    JointCumulative,
    limit_bin,
    step_of_threshold,
    threshold_at,
)
from core.counts.tally import Tally
from core.decision.certificate.certify import certify_threshold
from core.decision.certificate.claims import (
    Certificate,
    CertificateOrigin,
    CertificateUse,
    NotCertified,
    RiskPromise,
    void_reasons,
)
from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.policy import Policy, Threshold
from core.errors import SettingsError
from core.report.evidence import VALID_DAYS

COLUMNS = ("outcome", "confidence", "epistemic")
MEASURES = ("coverage", "reviews_per_day", "selective_risk", "leakage", "money_per_day")
SEGMENT, CLASS, CELL = "segment", "class", "cell"  # what a threshold of its own may be for
# why there is no certificate, before any case is looked at
OWN_RULES, ALL_REVIEWED = "own_rules", "all_reviewed"
NO_RUN, REFUSED, NOT_CERTIFIED, NOT_COVERED = "no_run", "refused", "not_certified", "not_covered"
_ROW_COLUMNS = [
    "kind",
    "segment",
    "predicted",
    "own",
    "review_all",
    "cases",
    "labelled",
    "errors",
    "leakage",
    "low",
    "high",
]


@dataclass(frozen=True)
class ProofObstacle:
    """Why a policy has no certificate: one of the reasons above, and what was found where something
    was tested.
    """

    reason: str
    nearest: Certificate | NotCertified | None = None
    sentence: str = ""  # of REFUSED


def editor_rows(
    cumulative: JointCumulative, policy: Policy, listed: Policy | None = None
) -> pd.DataFrame:
    """One row a segment, then one a predicted class, then one a cell that has a threshold of its
    own in `listed`.

    Columns: kind, segment, predicted ("" where the row is for all of them), own (its threshold, NaN
    where it has none or everything goes to review), review_all, cases, labelled, errors (wrong
    accepted), and leakage (errors / labelled) with low and high, NaN without a label. Counts are
    those of the whole policy, so a class shows what segments with a threshold of their own leave of
    it. `listed` (None: the policy) says which names there are beside those of the cases, so that a
    row stays where it is while it is edited.
    """
    steps = policy.steps(cumulative.segments, cumulative.classes)
    accepted, total = cumulative.cells(steps, limit_bin(policy.epistemic_limit)), cumulative.total
    rows = []
    for kind, segment, predicted in _names(cumulative, policy if listed is None else listed):
        segments = [kind == CLASS or name == segment for name in cumulative.segments]
        classes = [kind == SEGMENT or name == predicted for name in cumulative.classes]
        counts = _counts(accepted[np.ix_(segments, classes)], total[np.ix_(segments, classes)])
        rows.append((kind, segment, predicted, *_own(policy, kind, segment, predicted), *counts))
    return pd.DataFrame(rows, columns=_ROW_COLUMNS)


def edited_policy(
    policy: Policy, table: pd.DataFrame, edits: Mapping[int, Mapping]
) -> tuple[Policy, tuple[tuple[int, object], ...]]:
    """The policy with what was typed into rows of `rows(..., policy)`, and (row, value) of what is
    no threshold.

    edits: row position -> {"own": threshold or None, "review_all": whether everything goes to
    review, which goes before a threshold}. An emptied threshold makes the row follow the one for
    all; a refused one leaves the row as it was.
    """
    changed = {
        SEGMENT: dict(policy.by_segment),
        CLASS: dict(policy.by_class),
        CELL: dict(policy.by_cell),
    }
    refused = []
    for position, edit in edits.items():
        kind, segment, predicted = table.loc[int(position), ["kind", "segment", "predicted"]]
        own_thresholds = changed[kind]
        name = {SEGMENT: segment, CLASS: predicted, CELL: (segment, predicted)}[kind]
        try:
            threshold = _wanted(edit, own_thresholds.get(name))
        except SettingsError:
            refused.append((int(position), edit.get("own")))
            continue
        own_thresholds.pop(name, None) if threshold is None else own_thresholds.update(
            {name: threshold}
        )
    return replace(
        policy, by_segment=changed[SEGMENT], by_class=changed[CLASS], by_cell=changed[CELL]
    ), tuple(refused)


def own_rules(policy: Policy) -> bool:
    """Whether a class, a segment or a cell has a threshold of its own."""
    return bool(policy.by_class or policy.by_segment or policy.by_cell)


def threshold_differences(before: Policy, after: Policy) -> pd.DataFrame:
    """What two policies set differently: kind, segment, predicted, before, after; None where one
    sets nothing.

    kind is "all" for the one threshold for all, "epistemic" for the limit in nats, else as in
    `rows`.
    """
    differences = []
    limits = ("epistemic", before.epistemic_limit, after.epistemic_limit)
    for kind, old, new in (("all", before.threshold, after.threshold), limits):
        if old != new:
            differences.append((kind, "", "", old, new))
    for kind, field in ((SEGMENT, "by_segment"), (CLASS, "by_class"), (CELL, "by_cell")):
        old, new = getattr(before, field), getattr(after, field)
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                pair = {SEGMENT: (name, ""), CLASS: ("", name), CELL: name}[kind]
                differences.append((kind, *pair, old.get(name), new.get(name)))
    return pd.DataFrame(
        differences, columns=["kind", "segment", "predicted", "before", "after"], dtype=object
    )


def consequence_frame(found: Mapping[str, PolicyConsequence]) -> pd.DataFrame:
    """One row a version and measure of MEASURES: version, measure, value, low, high, n; None where
    nothing is known.
    """
    rows = [
        {"version": name, "measure": measure}
        | {
            field: getattr(getattr(means, measure), field)
            for field in ("value", "low", "high", "n")
        }
        for name, means in found.items()
        for measure in MEASURES
    ]
    return pd.DataFrame(rows, columns=["version", "measure", "value", "low", "high", "n"])


def certificate_of_draft(
    table: pd.DataFrame,
    threshold: float,
    epistemic_limit: float | None,
    promise: tuple[str, float, float],
    origin: tuple[str, str],
    today: date,
) -> Certificate | ProofObstacle:
    """The certificate that covers one threshold for all under this limit, or why there is none.

    table: calibration cases with COLUMNS; promise: measure, target, delta; origin: model hash,
    process. Cases whose label no model was trained on count as wrong: they come in operation too.
    """
    right = (
        (table["outcome"] == "right")
        .astype(float)
        .mask(table["outcome"] == "unlabelled")
        .to_numpy()
    )
    issued = CertificateOrigin(*origin, today, today + timedelta(days=VALID_DAYS))
    confidence, epistemic = table["confidence"].to_numpy(), table["epistemic"].to_numpy()
    try:
        certificate = certify_threshold(
            confidence, right, RiskPromise(*promise, epistemic_limit), issued, epistemic
        )
    except SettingsError as error:
        return ProofObstacle(REFUSED, None, str(error))
    if not isinstance(certificate, Certificate):
        return ProofObstacle(NOT_CERTIFIED, certificate)
    return certificate if certificate.covers(threshold) else ProofObstacle(NOT_COVERED, certificate)


def proof_obstacle(policy: Policy) -> ProofObstacle | None:
    """Why no calibration case could certify this policy; None where one threshold decides."""
    if own_rules(policy):
        return ProofObstacle(OWN_RULES)
    return ProofObstacle(ALL_REVIEWED) if policy.threshold == REVIEW_ALL else None


def certificate_void_reasons(
    certificate: Certificate, policy: Policy, model_hash: str, process: str, today: date
) -> tuple[str, ...]:
    """Names of all that voids a policy's certificate for this model and process; drift is not
    looked at here, and no screen may say that it was.
    """
    none_but_one = policy.threshold if isinstance(policy.threshold, float) else 1.0
    use = CertificateUse(
        today,
        model_hash,
        process,
        none_but_one,
        policy.epistemic_limit,
        other_rules=proof_obstacle(policy) is not None,
    )
    return void_reasons(certificate, use)


def _names(cumulative: JointCumulative, listed: Policy) -> list[tuple[str, str, str]]:
    """(kind, segment, predicted) of each row."""
    segments = dict.fromkeys([*cumulative.segments, *listed.by_segment])
    classes = dict.fromkeys([*cumulative.classes, *listed.by_class])
    of_one = [(SEGMENT, segment, "") for segment in segments] + [
        (CLASS, "", predicted) for predicted in classes
    ]
    return of_one + [(CELL, *pair) for pair in listed.by_cell]


def _own(policy: Policy, kind: str, segment: str, predicted: str) -> tuple[float, bool]:
    thresholds = {
        SEGMENT: policy.by_segment.get(segment),
        CLASS: policy.by_class.get(predicted),
        CELL: policy.by_cell.get((segment, predicted)),
    }[kind]
    return (
        math.nan if thresholds is None or thresholds == REVIEW_ALL else thresholds
    ), thresholds == REVIEW_ALL


def _counts(accepted: np.ndarray, total: np.ndarray) -> tuple:
    """cases, labelled, errors, leakage, low, high of cells [s, k, O]."""
    tally = Tally.of_cells(accepted, total)
    leakage = tally.interval("leakage")
    shares = (math.nan if x is None else x for x in (leakage.value, leakage.low, leakage.high))
    return int(tally.cases), int(tally.labelled), int(tally.wrong_accepted), *shares


def _wanted(edit: Mapping, now: Threshold | None) -> Threshold | None:
    """What a row is to have after an edit, None for nothing of its own. Raises SettingsError for
    what is no threshold.
    """
    if edit.get("review_all", now == REVIEW_ALL):
        return REVIEW_ALL
    own_threshold = edit.get("own", None if now == REVIEW_ALL else now)
    return (
        None
        if own_threshold is None
        else threshold_at(step_of_threshold(round(float(own_threshold), 3)))
    )
