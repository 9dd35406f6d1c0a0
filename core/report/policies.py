"""Show policies as tables: a row a segment, class or cell to edit, the differences of two versions,
and the certificate of a policy.

Pure: cumulative counts, policies and predictions in, frames and small results out. Draws nothing,
chooses no words, and opens no store: CERTIFICATE_COLUMNS lists the columns that
`certificate_of_draft` reads.
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

CERTIFICATE_COLUMNS = ("outcome", "confidence", "epistemic")
POLICY_MEASURES = ("coverage", "reviews_per_day", "selective_risk", "leakage", "money_per_month")
SEGMENT_ROW, CLASS_ROW, CELL_ROW = "segment", "class", "cell"  # the kinds of separate thresholds
# Obstacles to a certificate that need no look at any case.
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
    """The reason why a policy has no certificate: one of the codes above, and the nearest result if
    a test ran.
    """

    reason: str
    nearest: Certificate | NotCertified | None = None
    sentence: str = ""  # of REFUSED


def editor_rows(
    cumulative: JointCumulative, policy: Policy, stored: Policy | None = None
) -> pd.DataFrame:
    """Return one row a segment, then one a predicted class, then one a cell with a separate
    threshold in `stored`.

    Columns: kind, segment, predicted ("" if the row covers all of them), own (its threshold, NaN
    without one or if all its cases go to review), review_all, cases, labelled, errors (wrong
    accepted), and leakage (errors / labelled) with low and high, NaN without a label. Counts are
    those of the whole policy, so segments with separate thresholds change the counts of a class.
    `stored` (None: the policy) adds names to those of the cases, so that a row keeps its place
    during an edit.
    """
    # Counted once for the whole policy; each row then sums a block of the cells.
    steps = policy.steps(cumulative.segments, cumulative.classes)
    accepted, total = cumulative.cells(steps, limit_bin(policy.epistemic_limit)), cumulative.total
    rows = []
    for kind, segment, predicted in _names(cumulative, policy if stored is None else stored):
        segments = [kind == CLASS_ROW or name == segment for name in cumulative.segments]
        classes = [kind == SEGMENT_ROW or name == predicted for name in cumulative.classes]
        counts = _counts(accepted[np.ix_(segments, classes)], total[np.ix_(segments, classes)])
        rows.append((kind, segment, predicted, *_own(policy, kind, segment, predicted), *counts))
    return pd.DataFrame(rows, columns=_ROW_COLUMNS)


def edited_policy(
    policy: Policy, table: pd.DataFrame, edits: Mapping[int, Mapping]
) -> tuple[Policy, tuple[tuple[int, object], ...]]:
    """Return the policy with the edits of rows of `editor_rows`, and (row, value) of each invalid
    threshold.

    edits: row position -> {"own": threshold or None, "review_all": whether all its cases go to
    review; it overrides a threshold}. A row with an empty threshold follows the one for all; an
    invalid threshold leaves its row unchanged.
    """
    changed: dict[str, dict] = {
        SEGMENT_ROW: dict(policy.by_segment),
        CLASS_ROW: dict(policy.by_class),
        CELL_ROW: dict(policy.by_cell),
    }
    refused = []
    for position, edit in edits.items():
        kind, segment, predicted = table.loc[int(position), ["kind", "segment", "predicted"]]
        own_thresholds = changed[kind]
        name = {SEGMENT_ROW: segment, CLASS_ROW: predicted, CELL_ROW: (segment, predicted)}[kind]
        try:
            threshold = _wanted(edit, own_thresholds.get(name))
        except SettingsError:
            # One invalid row must not discard the valid edits of the others.
            refused.append((int(position), edit.get("own")))
            continue
        own_thresholds.pop(name, None) if threshold is None else own_thresholds.update(
            {name: threshold}
        )
    return replace(
        policy,
        by_segment=changed[SEGMENT_ROW],
        by_class=changed[CLASS_ROW],
        by_cell=changed[CELL_ROW],
    ), tuple(refused)


def own_rules(policy: Policy) -> bool:
    """Return whether a class, a segment or a cell has a separate threshold."""
    return bool(policy.by_class or policy.by_segment or policy.by_cell)


def threshold_differences(before: Policy, after: Policy) -> pd.DataFrame:
    """Return the different settings of two policies: kind, segment, predicted, before, after; None
    if a policy has no such setting.

    kind is "all" for the threshold for all, "epistemic" for the limit in nats, else as in
    `editor_rows`.
    """
    differences = []
    limits = ("epistemic", before.epistemic_limit, after.epistemic_limit)
    for kind, old, new in (("all", before.threshold, after.threshold), limits):
        if old != new:
            differences.append((kind, "", "", old, new))
    for kind, field in (
        (SEGMENT_ROW, "by_segment"),
        (CLASS_ROW, "by_class"),
        (CELL_ROW, "by_cell"),
    ):
        old, new = getattr(before, field), getattr(after, field)
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                pair = {SEGMENT_ROW: (name, ""), CLASS_ROW: ("", name), CELL_ROW: name}[kind]
                differences.append((kind, *pair, old.get(name), new.get(name)))
    return pd.DataFrame(
        differences, columns=["kind", "segment", "predicted", "before", "after"], dtype=object
    )


def consequence_frame(consequences: Mapping[str, PolicyConsequence]) -> pd.DataFrame:
    """Return one row a version and measure of POLICY_MEASURES: version, measure, value, low, high,
    n; None if unknown.
    """
    rows = [
        {"version": name, "measure": measure}
        | {
            field: getattr(getattr(means, measure), field)
            for field in ("value", "low", "high", "n")
        }
        for name, means in consequences.items()
        for measure in POLICY_MEASURES
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
    """Return the certificate that covers one threshold for all under this limit, or its obstacle.

    Cases whose label no model was trained on count as wrong, because they also arrive in operation.

    table: calibration cases with CERTIFICATE_COLUMNS.
    threshold: of the draft.
    epistemic_limit: of the draft, nats; None for no limit.
    promise: measure, target, delta.
    origin: model hash, process.
    today: the date of issue; the certificate is valid for VALID_DAYS.
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
    """Return why no calibration cases can certify this policy; None if one threshold decides."""
    if own_rules(policy):
        return ProofObstacle(OWN_RULES)
    return ProofObstacle(ALL_REVIEWED) if policy.threshold == REVIEW_ALL else None


def certificate_void_reasons(
    certificate: Certificate, policy: Policy, model_hash: str, process: str, today: date
) -> tuple[str, ...]:
    """Return the names of all causes that void a policy's certificate for this model and process.
    This does not check drift, and no screen may say that it does.

    certificate: of the policy.
    policy: the policy in use.
    model_hash, process: of the cases in use.
    today: the date of use.
    """
    # 1.0 is only a placeholder: `other_rules` already voids a policy that reviews everything.
    none_but_one = policy.threshold if isinstance(policy.threshold, float) else 1.0
    use = CertificateUse(
        today,
        model_hash,
        process,
        none_but_one,
        policy.epistemic_limit,
        other_rules=proof_obstacle(policy) is not None or policy.novelty_limit is not None,
    )
    return void_reasons(certificate, use)


def _names(cumulative: JointCumulative, policy: Policy) -> list[tuple[str, str, str]]:
    """Return (kind, segment, predicted) of each row."""
    segments = dict.fromkeys([*cumulative.segments, *policy.by_segment])
    classes = dict.fromkeys([*cumulative.classes, *policy.by_class])
    of_one = [(SEGMENT_ROW, segment, "") for segment in segments] + [
        (CLASS_ROW, "", predicted) for predicted in classes
    ]
    return of_one + [(CELL_ROW, *pair) for pair in policy.by_cell]


def _own(policy: Policy, kind: str, segment: str, predicted: str) -> tuple[float | str, bool]:
    thresholds = {
        SEGMENT_ROW: policy.by_segment.get(segment),
        CLASS_ROW: policy.by_class.get(predicted),
        CELL_ROW: policy.by_cell.get((segment, predicted)),
    }[kind]
    return (
        math.nan if thresholds is None or thresholds == REVIEW_ALL else thresholds
    ), thresholds == REVIEW_ALL


def _counts(accepted: np.ndarray, total: np.ndarray) -> tuple:
    """Return cases, labelled, errors, leakage, low, high of cells [s, k, O]."""
    tally = Tally.of_cells(accepted, total)
    leakage = tally.interval("leakage")
    shares = (math.nan if x is None else x for x in (leakage.value, leakage.low, leakage.high))
    return int(tally.cases), int(tally.labelled), int(tally.wrong_accepted), *shares


def _wanted(edit: Mapping, threshold: Threshold | None) -> Threshold | None:
    """Return the threshold of a row after an edit, None for no separate one. Raises SettingsError
    for an invalid threshold.
    """
    if edit.get("review_all", threshold == REVIEW_ALL):
        return REVIEW_ALL
    own_threshold = edit.get("own", None if threshold == REVIEW_ALL else threshold)
    return (
        None
        if own_threshold is None
        else threshold_at(step_of_threshold(round(float(own_threshold), 3)))
    )
