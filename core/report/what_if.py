"""Cost against leakage with and without the teacher in between: student -> N-pass teacher -> person
(core.decision.thresholds.cascade).

Cost here is of people and machines: what an escape costs is the other axis, leakage, and is added
only in `total`. Takes the predictions of both runs, pairs the labelled cases that both scored, and
gives the two fronts as one frame.
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
    """One row a point of both Pareto fronts, from the least leakage on.

    Columns: way (WITH_TEACHER or WITHOUT), leakage with _low and _high, cost (a case, without
    escapes), total (with them) with _low and _high, passes (0: the teacher is never asked),
    student_threshold, teacher_threshold, asked, reviewed (shares), n.
    seconds: measured a case of student and teacher; costs: review, escape, machine hour. Empty
    where no labelled case was scored by both.
    """
    first, second = _paired(student, teacher, segment, unseen, passes, seconds)
    if first is None:
        return pd.DataFrame(columns=["way", "leakage", "cost", "total", "n"])
    review, escape, machine = costs
    unit = UnitCosts(review, 0.0, machine)
    ways = {
        WITHOUT: CascadeSearch(first, [], unit),
        WITH_TEACHER: CascadeSearch(first, [second], unit),
    }
    return pd.DataFrame(
        [_row(way, point, escape) for way, cascade in ways.items() for point in cascade.frontier()]
    )


def cheapest_cascade(front: pd.DataFrame, way: str) -> pd.Series:
    """The row of the least total of a way: best on the very cases it is shown on. Raises
    SettingsError where there is none.
    """
    rows = front[front["way"] == way]
    if not len(rows):
        raise SettingsError("report.no_cascade_way", way=way, allowed=sorted(set(front["way"])))
    return rows.loc[rows["total"].idxmin()]


def _paired(
    student, teacher, segment, unseen, passes, seconds
) -> tuple[ScoredRun | None, ScoredRun | None]:
    counted = student["outcome"].ne("unlabelled") & (student["outcome"].ne("unseen") | unseen)
    rows = student[counted if segment is None else counted & student["segment"].eq(segment)]
    both = rows.merge(teacher, on="case_id", suffixes=("_1", "_2"))
    if not len(both):
        return None, None
    return tuple(
        ScoredRun(
            n,
            time,
            both[f"confidence_{i}"].to_numpy(),
            np.asarray(both[f"outcome_{i}"].eq("right"), dtype=bool),
        )
        for i, n, time in ((1, 1, seconds[0]), (2, passes, seconds[1]))
    )


def _row(way: str, point: CascadePoint, escape: float) -> dict:
    leakage, cost = point.leakage, point.cost_per_case.value
    return {
        "way": way,
        "leakage": leakage.value,
        "leakage_low": leakage.low,
        "leakage_high": leakage.high,
        "cost": cost,
        "total": cost + escape * leakage.value,
        "total_low": cost + escape * leakage.low,
        "total_high": cost + escape * leakage.high,
        "passes": point.passes,
        "student_threshold": str(point.student_threshold),
        "teacher_threshold": str(point.teacher_threshold),
        "asked": point.sent_to_teacher.value,
        "reviewed": point.reviewed.value,
        "n": leakage.n,
    }


MIX_COLUMNS = ("segment", "label", "outcome", "confidence", "epistemic")
UNTRAINED = "*untrained*"  # the kind of all labels that the model was not trained on
SHARE_STEPS = 21  # shares that a curve shows, 0 to 1


def counts_by_label(
    table: pd.DataFrame, segment: str | None, unseen: bool
) -> JointCumulative | None:
    """Counts of the labelled cases by kind, of one segment or all, shared: never change them. None
    without two kinds.
    """
    counted = table["outcome"].ne("unlabelled") & (table["outcome"].ne("unseen") | unseen)
    rows = table[counted if segment is None else counted & table["segment"].eq(segment)]
    kind = rows["label"].astype(str).mask(rows["outcome"].eq("unseen"), UNTRAINED)
    if kind.nunique() < 2:
        return None
    no_segment = [""] * len(rows)
    return JointCumulative(
        JointCounts.from_predictions(
            no_segment, kind, rows["outcome"], rows["confidence"], rows["epistemic"]
        )
    )


def label_shares(counts: JointCumulative) -> dict[str, float]:
    """{kind: its share of the cases}, the most frequent first."""
    cases = counts.total.sum((0, 2), dtype=np.float64)
    order = np.argsort(-cases, kind="stable")
    return {counts.classes[i]: float(cases[i] / cases.sum()) for i in order}


def policy_at_share(counts: JointCumulative, kind: str, share: float) -> JointCumulative:
    """The counts as if `kind` were this share of the cases, the others in proportion as they are.
    Raises SettingsError.
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
    """What a threshold means for the mix that was seen, and with `kind` at this share."""
    policy = Policy(threshold)
    return tuple(
        policy_consequence(mix, policy, terms)
        for mix in (counts, policy_at_share(counts, kind, share))
    )


def share_curve(
    counts: JointCumulative, threshold: float, kind: str, terms: CostModel
) -> pd.DataFrame:
    """One row a share of `kind`, STEPS from 0 to 1: share, then review and leakage, each also with
    _low and _high, and n.
    """
    rows = []
    for share in np.linspace(0, 1, SHARE_STEPS):
        consequence = policy_consequence(
            policy_at_share(counts, kind, float(share)), Policy(threshold), terms
        )
        row = {"share": float(share), "n": consequence.leakage.n}
        for name, risk in (("review", consequence.review_rate), ("leakage", consequence.leakage)):
            row |= {name: risk.value, f"{name}_low": risk.low, f"{name}_high": risk.high}
        rows.append(row)
    return pd.DataFrame(rows)
