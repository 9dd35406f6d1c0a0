"""Compute two what-ifs: cost against leakage with and without a teacher between student and person
(core.decision.thresholds.cascade), and a threshold under another share of one kind of case.

Cost is of people and machines: escapes are on the other axis, leakage, and enter only `total`. A
cascade pairs the labelled cases that both runs scored. Draws nothing and opens no store.
"""

import numpy as np
import pandas as pd

from core.counts.joint import JointCounts, JointCumulative
from core.decision.thresholds.cascade import CascadePoint, CascadeSearch, ScoredRun
from core.decision.thresholds.consequence import PolicyConsequence, policy_consequence
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.prevalence import class_weights
from core.errors import SettingsError

CASCADE_COLUMNS = ("case_id", "segment", "outcome", "confidence")
WITH_TEACHER, WITHOUT = "with_teacher", "without"


def cascade_fronts(
    student: pd.DataFrame,
    teacher: pd.DataFrame,
    segment: str | None,
    unseen: bool,
    passes: int,
    seconds: tuple[float, float],
    costs: tuple[float, float, float],
) -> pd.DataFrame:
    """Return one row a point of both Pareto fronts, by rising leakage; empty if no labelled case
    has both scores.

    Columns: way (WITH_TEACHER or WITHOUT), leakage with _low and _high, cost (a case, without
    escapes), total (with them) with _low and _high, passes (0: no teacher), student_threshold,
    teacher_threshold, asked (share sent to the teacher), reviewed (share), n.

    student, teacher: predictions with CASCADE_COLUMNS.
    segment: one segment; None for all.
    unseen: whether cases whose label the model was not trained on count, as wrong.
    passes: N of the teacher.
    seconds: measured a case, of student and teacher.
    costs: of a review, an escape and a machine hour.
    """
    paired = _paired(student, teacher, segment, unseen, passes, seconds)
    if not paired:
        return pd.DataFrame(columns=["way", "leakage", "cost", "total", "n"])
    first, second = paired
    review, escape, machine = costs
    # Escapes at no cost: the front trades leakage itself against cost.
    unit = UnitCosts(review, 0.0, machine)
    ways = {
        WITHOUT: CascadeSearch(first, [], unit),
        WITH_TEACHER: CascadeSearch(first, [second], unit),
    }
    return pd.DataFrame(
        [_row(way, point, escape) for way, cascade in ways.items() for point in cascade.frontier()]
    )


def cheapest_cascade(front: pd.DataFrame, way: str) -> pd.Series:
    """Return the row of the least total of a way; it is optimistic on the cases that chose it.

    Raises SettingsError for a way without rows.
    """
    rows = front[front["way"] == way]
    if not len(rows):
        raise SettingsError("report.no_cascade_way", way=way, allowed=sorted(set(front["way"])))
    return rows.loc[rows["total"].idxmin()]


def _paired(
    student: pd.DataFrame,
    teacher: pd.DataFrame,
    segment: str | None,
    unseen: bool,
    passes: int,
    seconds: tuple[float, float],
) -> list[ScoredRun]:
    counted = student["outcome"].ne("unlabelled") & (student["outcome"].ne("unseen") | unseen)
    rows = student[counted if segment is None else counted & student["segment"].eq(segment)]
    both = rows.merge(teacher, on="case_id", suffixes=("_1", "_2"))
    if not len(both):
        return []
    return [
        ScoredRun(
            n,
            time,
            both[f"confidence_{i}"].to_numpy(),
            np.asarray(both[f"outcome_{i}"].eq("right"), dtype=bool),
        )
        for i, n, time in ((1, 1, seconds[0]), (2, passes, seconds[1]))
    ]


def _row(way: str, point: CascadePoint, escape: float) -> dict:
    leakage, (cost, _, _) = point.leakage, point.cost_per_case.estimate
    value, low, high = leakage.estimate
    return {
        "way": way,
        "leakage": value,
        "leakage_low": low,
        "leakage_high": high,
        "cost": cost,
        "total": cost + escape * value,
        "total_low": cost + escape * low,
        "total_high": cost + escape * high,
        "passes": point.passes,
        "student_threshold": str(point.student_threshold),
        "teacher_threshold": str(point.teacher_threshold),
        "asked": point.sent_to_teacher.value,
        "reviewed": point.reviewed.value,
        "n": leakage.n,
    }


MIX_COLUMNS = ("segment", "label", "outcome", "confidence", "epistemic")
UNTRAINED = "*untrained*"  # the kind of all labels that the model was not trained on
SHARE_STEPS = 21  # the number of shares of a curve, 0 to 1


def counts_by_label(
    table: pd.DataFrame, segment: str | None, unseen: bool
) -> JointCumulative | None:
    """Return counts of the labelled cases by kind, of one segment or all; None without two kinds.
    Callers share the counts and must not change them.
    """
    counted = table["outcome"].ne("unlabelled") & (table["outcome"].ne("unseen") | unseen)
    rows = table[counted if segment is None else counted & table["segment"].eq(segment)]
    kind = rows["label"].astype(str).mask(rows["outcome"].eq("unseen"), UNTRAINED)
    if kind.nunique() < 2:
        return None
    # The true label takes the place of the predicted class, so that `class_weights` shifts labels.
    no_segment = [""] * len(rows)
    return JointCumulative(
        JointCounts.from_predictions(
            no_segment, kind, rows["outcome"], rows["confidence"], rows["epistemic"]
        )
    )


def label_shares(counts: JointCumulative) -> dict[str, float]:
    """Return {kind: its share of the cases}, the most frequent first."""
    cases = counts.total.sum((0, 2), dtype=np.float64)
    order = np.argsort(-cases, kind="stable")
    return {counts.classes[i]: float(cases[i] / cases.sum()) for i in order}


def policy_at_share(counts: JointCumulative, kind: str, share: float) -> JointCumulative:
    """Return the counts reweighted so that `kind` is this share of the cases and the others keep
    their proportions. Raises SettingsError for a share outside [0, 1] or an unknown kind.
    """
    if not 0 <= share <= 1:
        raise SettingsError("report.share_outside", share=share, kind=kind)
    shares = label_shares(counts)
    if kind not in shares:
        raise SettingsError("report.unknown_kind", kind=kind, allowed=list(shares))
    others = 1 - shares[kind]
    return class_weights(
        counts,
        {
            name: share if name == kind else (1 - share) * part / others
            for name, part in shares.items()
        },
    )


def consequences_at_share(
    counts: JointCumulative, threshold: float, kind: str, share: float, terms: CostModel
) -> tuple[PolicyConsequence, ...]:
    """Return the consequence of a threshold for the observed mix, and with `kind` at this share.

    counts: of `counts_by_label`.
    threshold: a multiple of 0.001.
    kind, share: as of `policy_at_share`.
    terms: volume and costs.
    """
    policy = Policy(threshold)
    return tuple(
        policy_consequence(mix, policy, terms)
        for mix in (counts, policy_at_share(counts, kind, share))
    )


def share_curve(
    counts: JointCumulative, threshold: float, kind: str, terms: CostModel
) -> pd.DataFrame:
    """Return one row a share of `kind`, SHARE_STEPS from 0 to 1: share, review and leakage, each
    also with _low and _high, and n.
    """
    rows: list[dict[str, float | None]] = []
    for share in np.linspace(0, 1, SHARE_STEPS):
        consequence = policy_consequence(
            policy_at_share(counts, kind, float(share)), Policy(threshold), terms
        )
        row: dict[str, float | None] = {"share": float(share), "n": consequence.leakage.n}
        for name, risk in (("review", consequence.review_rate), ("leakage", consequence.leakage)):
            row |= {name: risk.value, f"{name}_low": risk.low, f"{name}_high": risk.high}
        rows.append(row)
    return pd.DataFrame(rows)
