"""What if one kind of case came more often? Label shift: p(x | y) stays, p(y) is another (Saerens
et al. 2002).

The counts of core.counts.joint with TRUE labels in the place of predicted classes: their class
weights are label weights then, q(y) / p(y). That is right for one threshold and one limit for all,
which ask nothing of the predicted class. Labels that the model was not trained on are one kind.
Cases without a label have no kind, and are left out.
"""

import numpy as np
import pandas as pd

from core.counts.joint import JointCounts, JointCumulative
from core.decision.thresholds.policy import CostModel, Policy, PolicyConsequence, policy_consequence
from core.decision.thresholds.prevalence import class_weights
from core.errors import SettingsError

COLUMNS = ("segment", "label", "outcome", "confidence", "epistemic")
UNTRAINED = "*untrained*"  # the kind of all labels that the model was not trained on
STEPS = 21  # shares that a curve shows, 0 to 1


def by_label(table: pd.DataFrame, segment: str | None, unseen: bool) -> JointCumulative | None:
    """Counts of the labelled cases by kind, of one segment or all, shared: never change them. None
    without two kinds.
    """
    kept = table["outcome"].ne("unlabelled") & (table["outcome"].ne("unseen") | unseen)
    rows = table[kept if segment is None else kept & table["segment"].eq(segment)]
    kind = rows["label"].astype(str).mask(rows["outcome"].eq("unseen"), UNTRAINED)
    if kind.nunique() < 2:
        return None
    one = [""] * len(rows)
    return JointCumulative(
        JointCounts.from_predictions(
            one, kind, rows["outcome"], rows["confidence"], rows["epistemic"]
        )
    )


def shares(counts: JointCumulative) -> dict[str, float]:
    """{kind: its share of the cases}, the most frequent first."""
    cases = counts.total.sum((0, 2), dtype=np.float64)
    order = np.argsort(-cases, kind="stable")
    return {counts.classes[i]: float(cases[i] / cases.sum()) for i in order}


def with_share(counts: JointCumulative, kind: str, share: float) -> JointCumulative:
    """The counts as if `kind` were this share of the cases, the others in proportion as they are.
    Raises SettingsError.
    """
    if not 0 <= share <= 1:
        raise SettingsError(f"share {share} of {kind!r} is not allowed: use 0 to 1")
    seen = shares(counts)
    if kind not in seen:
        raise SettingsError(f"{kind!r} is not one of {', '.join(map(repr, seen))}")
    others = 1 - seen[kind]
    return class_weights(
        counts,
        {
            name: share if name == kind else (1 - share) * part / others
            for name, part in seen.items()
        },
    )


def consequences(
    counts: JointCumulative, threshold: float, kind: str, share: float, terms: CostModel
) -> tuple[PolicyConsequence, ...]:
    """What a threshold means for the mix that was seen, and with `kind` at this share."""
    policy = Policy(threshold)
    return tuple(
        policy_consequence(mix, policy, terms) for mix in (counts, with_share(counts, kind, share))
    )


def curve(counts: JointCumulative, threshold: float, kind: str, terms: CostModel) -> pd.DataFrame:
    """One row a share of `kind`, STEPS from 0 to 1: share, then review and leakage, each also with
    _low and _high, and n.
    """
    rows = []
    for share in np.linspace(0, 1, STEPS):
        found = policy_consequence(with_share(counts, kind, float(share)), Policy(threshold), terms)
        row = {"share": float(share), "n": found.leakage.n}
        for name, risk in (("review", found.review_rate), ("leakage", found.leakage)):
            row |= {name: risk.value, f"{name}_low": risk.low, f"{name}_high": risk.high}
        rows.append(row)
    return pd.DataFrame(rows)
