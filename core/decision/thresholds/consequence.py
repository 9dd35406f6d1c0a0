"""Compute the consequence of a threshold or a policy: workload, risk, escapes and money, each with
its n and a 95% Wilson interval, at one point or as curves over every threshold.

Accept when confidence >= threshold, else review. Cases without a label count in workload and never
in risk: selective risk is wrong accepted / accepted, leakage is wrong accepted / all, both over
labelled cases. `unseen` outcomes are wrong whatever the prediction; `include_unseen=False` leaves
those cases out of every figure, workload too. The interval of money follows from that of leakage
alone. Errors of reviewers are not counted.
"""

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.counts.histogram import THRESHOLDS, AcceptanceCurve, edge_of_threshold
from core.counts.joint import JointCumulative, limit_bin
from core.counts.tally import Leakage, SelectiveRisk, Tally, scaled_interval
from core.decision.thresholds.costs import (
    DAYS_PER_MONTH,
    NO_LABELS,
    NO_SECONDS,
    CostModel,
    checked_volume,
)
from core.decision.thresholds.policy import Policy, Threshold
from core.types import Interval

_SHARES = ("coverage", "review_rate", "selective_risk", "leakage")
# Figure a day -> the share that the volume scales.
_PER_DAY = {"reviews_per_day": "review_rate", "escapes_per_day": "leakage"}
CURVE_MEASURES = (*_SHARES, *_PER_DAY)
_EDGES_PER_STEP = edge_of_threshold(0.001)


@dataclass(frozen=True)
class PolicyConsequence:
    """The consequence of a policy for these cases. Figures a day scale a share and its interval by
    the volume. The counts are whole numbers unless the cases are reweighted.
    """

    policy: Policy
    cost_model: CostModel
    cases: float  # all cases that count
    labelled: float
    accepted: float
    accepted_labelled: float
    wrong_accepted: float
    coverage: Interval  # accepted / cases
    review_rate: Interval  # 1 - coverage
    selective_risk: SelectiveRisk  # wrong accepted / accepted labelled
    leakage: Leakage  # wrong accepted / labelled
    # The mix of cases is hypothetical, not observed. No certificate holds for it: a certificate
    # covers cases drawn as its calibration set was.
    reweighted: bool = False
    reviews_per_day: Interval = field(init=False)
    escapes_per_day: Interval = field(init=False)
    money_per_day: Interval = field(init=False)  # None where `note` says why
    note: str = field(init=False)  # NO_SECONDS or NO_LABELS, else ""

    def __post_init__(self) -> None:
        volume, costs = self.cost_model.cases_per_day, self.cost_model.costs
        reviews = scaled_interval(self.review_rate, volume)
        escapes = scaled_interval(self.leakage, volume)
        running = self.cost_model.running
        note = NO_SECONDS if running is None else NO_LABELS if escapes.value is None else ""
        money = Interval(None, None, None, escapes.n)
        if running is not None and reviews.value is not None:
            # Only leakage is uncertain here: reviews enter as a known share, so the interval of
            # money is that of escapes, shifted.
            fixed = costs.per_move * reviews.value + running
            money = scaled_interval(escapes, costs.escape, fixed)
        for name, value in (
            ("reviews_per_day", reviews),
            ("escapes_per_day", escapes),
            ("money_per_day", money),
            ("note", note),
        ):
            object.__setattr__(self, name, value)  # the dataclass is frozen

    @property
    def threshold(self) -> Threshold:
        """Return the policy's threshold for all."""
        return self.policy.threshold

    @property
    def cases_per_day(self) -> float:
        """Return the volume that scales the figures a day."""
        return self.cost_model.cases_per_day

    @property
    def money_per_month(self) -> Interval:
        """Return the money a month, the unit of every screen and export."""
        return scaled_interval(self.money_per_day, DAYS_PER_MONTH)

    @property
    def slips_per_day(self) -> Interval:
        """Return the wrong answers a day that slip through: escapes, and the reviewers' misses."""
        misses = self.cost_model.costs.reviewer_miss * (self.reviews_per_day.value or 0.0)
        return scaled_interval(self.escapes_per_day, 1.0, misses)

    @property
    def slips_per_month(self) -> Interval:
        """Return the wrong answers a month that slip through, as money: the unit of every screen."""
        return scaled_interval(self.slips_per_day, DAYS_PER_MONTH)


def policy_consequence(
    cumulative: JointCumulative, policy: Policy, cost_model: CostModel
) -> PolicyConsequence:
    """Return the exact consequence of a policy. A segment or class of the policy without cases has
    no effect.
    """
    tally = cumulative.tally(
        policy.steps(cumulative.segments, cumulative.classes), limit_bin(policy.epistemic_limit)
    )
    return consequence_of_tally(tally, policy, cost_model, cumulative.weights is not None)


def threshold_consequence(
    curve: AcceptanceCurve, threshold: float, cost_model: CostModel, include_unseen: bool = True
) -> PolicyConsequence:
    """Return the consequence of one threshold for all cases.

    Raises SettingsError for a threshold that is not a multiple of 0.001 in [0, 1].

    curve: the counts of every threshold.
    threshold: accept when confidence >= it.
    cost_model: volume and costs; CostModel(cases_per_day) if money is not needed.
    include_unseen: whether cases of a label that no model was trained on count.

    >>> from core.counts.histogram import Histogram
    >>> outcome, confidence = ["right", "right", "wrong", "right"], np.array([0.95, 0.9, 0.9, 0.5])
    >>> counts = Histogram.from_predictions(["A"] * 4, ["pump"] * 4, outcome, confidence)
    >>> found = threshold_consequence(AcceptanceCurve(counts), 0.9, CostModel(cases_per_day=100))
    >>> found.coverage.value, round(found.selective_risk.value, 3), found.reviews_per_day.value
    (0.75, 0.333, 25.0)
    """
    step = _step(threshold)
    tally = curve.tally(slice(step, step + 1), include_unseen)
    return consequence_of_tally(
        Tally.of_counts(tally.accepted[0], tally.total), Policy(threshold), cost_model
    )


def consequence_of_tally(
    tally: Tally, policy: Policy, cost_model: CostModel, reweighted: bool = False
) -> PolicyConsequence:
    """Return the consequence of a tally of one entry.

    tally: the counts that `policy` accepts, without leading axes.
    policy: the policy that the tally counts.
    cost_model: volume and costs.
    reweighted: whether the cases have the weights of a hypothetical mix.
    """
    return PolicyConsequence(
        policy=policy,
        cost_model=cost_model,
        cases=tally.cases.item(),
        labelled=tally.labelled.item(),
        accepted=tally.accepted.sum(-1).item(),
        accepted_labelled=tally.accepted_labelled.item(),
        wrong_accepted=tally.wrong_accepted.item(),
        coverage=tally.interval("coverage"),
        review_rate=tally.interval("review_rate"),
        selective_risk=cast(SelectiveRisk, tally.interval("selective_risk")),
        leakage=cast(Leakage, tally.interval("leakage")),
        reweighted=reweighted,
    )


def consequence_curve(
    curve: AcceptanceCurve,
    cases_per_day: float,
    include_unseen: bool = True,
    steps: slice = slice(None),
) -> pd.DataFrame:
    """Return the consequence of every threshold 0, 0.001, ..., 1, a row each.

    Columns: threshold, cases, labelled, accepted, accepted_labelled, wrong_accepted, and for each
    of CURVE_MEASURES the value and <measure>_low, <measure>_high; NaN where no case counts.

    curve: the counts of every threshold.
    cases_per_day: the volume; raises SettingsError unless finite and 0 or more.
    include_unseen: whether cases of a label that no model was trained on count.
    steps: which of the 1,001 thresholds.
    """
    # A numpy scalar, because volume may be an array by segment in `_frame`.
    volume = np.float64(checked_volume(cases_per_day))
    return _frame(curve.tally(steps, include_unseen), THRESHOLDS[steps], volume)


def consequence_of_thresholds(tally: Tally, cases_per_day: float) -> pd.DataFrame:
    """Return the rows of `consequence_curve` of a tally of all thresholds, [1001, O]."""
    return _frame(tally, THRESHOLDS, np.float64(checked_volume(cases_per_day)))


def consequence_by_segment(
    curve: AcceptanceCurve, threshold: float, cases_per_day: float, include_unseen: bool = True
) -> pd.DataFrame:
    """Return one row a segment at one threshold: the columns of `consequence_curve` and `segment`.

    curve, cases_per_day, include_unseen: as of `segment_curves`.
    threshold: raises SettingsError unless a multiple of 0.001.
    """
    step = _step(threshold)
    return segment_curves(curve, cases_per_day, include_unseen, slice(step, step + 1))


def segment_curves(
    curve: AcceptanceCurve,
    cases_per_day: float,
    include_unseen: bool = True,
    steps: slice = slice(None),
) -> pd.DataFrame:
    """Return the rows of `consequence_curve` of each segment in turn, with the column `segment`.

    Each segment's volume is its share of the cases that count.

    curve: the counts of every segment and threshold.
    cases_per_day: the volume of all segments together.
    include_unseen: whether cases of a label that no model was trained on count.
    steps: which of the 1,001 thresholds.
    """
    tally, thresholds = curve.segment_tally(steps, include_unseen), THRESHOLDS[steps]
    cases = tally.cases  # [S, 1]
    # max(1, ...) gives a run without cases a volume of 0 in place of NaN.
    volume = checked_volume(cases_per_day) * cases / max(1, cases.sum())
    segments = np.array(curve.histogram.segments, dtype=object)
    return _frame(tally, np.tile(thresholds, len(segments)), volume).assign(
        segment=np.repeat(segments, len(thresholds))
    )


def _step(threshold: float) -> int:
    return edge_of_threshold(threshold) // _EDGES_PER_STEP


def _frame(
    tally: Tally, thresholds: NDArray[np.float64], volume: NDArray[np.float64] | np.float64
) -> pd.DataFrame:
    """Return one row an entry of a tally [..., T, O]; volume broadcasts with [..., T]."""
    shape = tally.accepted.shape[:-1]

    def column(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.broadcast_to(values, shape).ravel()

    columns = {
        "threshold": thresholds,
        "cases": column(tally.cases),
        "labelled": column(tally.labelled),
        "accepted": column(tally.accepted.sum(-1)),
        "accepted_labelled": column(tally.accepted_labelled),
        "wrong_accepted": column(tally.wrong_accepted),
    }
    estimates = {name: tally.estimates(name) for name in _SHARES}
    shares = {name: name for name in _SHARES} | _PER_DAY
    for name, share in shares.items():
        estimate, scale = estimates[share], volume if name in _PER_DAY else np.float64(1.0)
        columns[name] = column(estimate.value * scale)
        columns[f"{name}_low"] = column(estimate.low * scale)
        columns[f"{name}_high"] = column(estimate.high * scale)
    return pd.DataFrame(columns)
