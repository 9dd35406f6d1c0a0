"""A policy: thresholds for all, by predicted class, by segment and by both, with a limit on
epistemic uncertainty.

One threshold decides a case, the most specific that names it: that of its (segment, class), else of
its segment, else of its class, else the one for all. A segment goes before a class because a
segment (a line, a queue) has a manager who answers for it; who wants a class stricter within a
segment names both. A single winner, and not the strictest of several, keeps it traceable which
number let a case pass. Versions, authors and reasons are the store's; the policy here is what the
gate applies.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from core.counts.joint import (
    REVIEW_ALL,
    JointCumulative,
    limit_bin,
    step_of_threshold,
    threshold_at,
)
from core.counts.tally import Leakage, SelectiveRisk, Tally, scaled_interval
from core.decision.thresholds.daily_money import NO_LABELS, NO_SECONDS, UnitCosts
from core.errors import SettingsError
from core.types import Interval

Threshold = float | str  # a multiple of 0.001 from 0 to 1, or joint.REVIEW_ALL
_FIELDS = ("threshold", "by_class", "by_segment", "by_cell", "epistemic_limit")


@dataclass(frozen=True)
class Policy:
    """Accept when confidence >= the case's threshold and epistemic <= epistemic_limit (nats, None
    for no limit).
    """

    threshold: Threshold
    by_class: Mapping[str, Threshold] = field(default_factory=dict)
    by_segment: Mapping[str, Threshold] = field(default_factory=dict)
    # (segment, predicted class)
    by_cell: Mapping[tuple[str, str], Threshold] = field(default_factory=dict)
    epistemic_limit: float | None = None

    def __post_init__(self):
        limit_bin(self.epistemic_limit)
        object.__setattr__(self, "threshold", threshold_at(step_of_threshold(self.threshold)))
        # 0.1 + 0.2 becomes 0.3, so equal policies are equal
        for name in ("by_class", "by_segment", "by_cell"):
            checked = {
                key: threshold_at(step_of_threshold(value))
                for key, value in getattr(self, name).items()
            }
            object.__setattr__(self, name, checked)

    def steps(self, segments: tuple[str, ...], classes: tuple[str, ...]) -> np.ndarray:
        """The threshold step of each cell, [S, K]."""
        return np.array(
            [[step_of_threshold(self.threshold_of(s, k)) for k in classes] for s in segments]
        ).reshape(len(segments), len(classes))

    def threshold_of(self, segment: str, predicted: str) -> Threshold:
        """The one threshold that decides a case of this segment and predicted class."""
        by_class = self.by_class.get(predicted, self.threshold)
        return self.by_cell.get((segment, predicted), self.by_segment.get(segment, by_class))

    def accepts(self, segment, predicted, confidence, epistemic) -> np.ndarray:
        """The gate: whether each case is accepted, [n] each. A value that is not finite, or
        impossible, goes to review.
        """
        confidence, epistemic = (np.asarray(x, dtype=np.float64) for x in (confidence, epistemic))
        pairs = list(zip(segment, predicted, strict=True))
        of_pair = {pair: self.threshold_of(*pair) for pair in set(pairs)}
        # REVIEW_ALL compares as infinity: no confidence reaches it.
        least = np.array(
            [math.inf if isinstance(of_pair[p], str) else of_pair[p] for p in pairs],
            dtype=np.float64,
        )
        most = math.inf if self.epistemic_limit is None else self.epistemic_limit
        possible = (confidence <= 1) & (epistemic >= 0) & (epistemic < math.inf)  # False for NaN
        return possible & (confidence >= least) & (epistemic <= most)

    def to_dict(self) -> dict:
        """Plain values that JSON can hold; `from_dict` is its inverse."""
        cells = [{"segment": s, "class": k, "threshold": t} for (s, k), t in self.by_cell.items()]
        return {**asdict(self), "by_cell": cells}

    @classmethod
    def from_dict(cls, values: Mapping) -> "Policy":
        """Rebuild a policy. Raises SettingsError for a missing or unknown name, another type or a
        threshold not allowed.
        """
        if not isinstance(values, Mapping) or set(values) != set(_FIELDS):
            found = ", ".join(map(str, values)) if isinstance(values, Mapping) else repr(values)
            raise SettingsError(
                f"a policy has the names {', '.join(_FIELDS)}, and these are {found}"
            )
        for name in ("by_class", "by_segment"):
            if not isinstance(values[name], Mapping):
                raise SettingsError(
                    f"{name} {values[name]!r} of a policy is not a mapping from a name to a threshold"
                )
        try:
            cells = {(row["segment"], row["class"]): row["threshold"] for row in values["by_cell"]}
        except (TypeError, KeyError) as e:
            raise SettingsError(
                f"by_cell {values['by_cell']!r} is not a list of segment, class and threshold"
            ) from e
        thresholds = (
            values["threshold"],
            *values["by_class"].values(),
            *values["by_segment"].values(),
            *cells.values(),
        )
        limit = values["epistemic_limit"]
        for value in (*thresholds, *(() if limit is None else (limit,))):
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise SettingsError(f"{value!r} in a policy is neither a number nor {REVIEW_ALL!r}")
        return cls(**{**values, "by_cell": cells})


@dataclass(frozen=True)
class CostModel:
    """What turns shares into figures a day: the volume and the unit costs, all taken as known.

    seconds_per_case is the measured compute of one case, None where nothing was measured.
    """

    cases_per_day: float
    costs: UnitCosts
    seconds_per_case: float | None = None

    def __post_init__(self):
        if not (math.isfinite(self.cases_per_day) and self.cases_per_day >= 0):
            raise SettingsError(
                f"cases_per_day {self.cases_per_day} is not allowed: use a finite number of 0 or more"
            )
        self.costs.inference(self.seconds_per_case)  # refuses a time that cannot be

    def handling(self, tally: Tally) -> np.ndarray:
        """Expected money a day of reviews and escapes, without inference, [...]: linear in both
        costs. NaN without labels.
        """
        review = self.costs.review * tally.share("review_rate")
        return self.cases_per_day * (review + self.costs.escape * tally.share("leakage"))


@dataclass(frozen=True)
class PolicyConsequence:
    """What a policy means for these cases. Figures a day scale a share and its interval by the
    volume.
    """

    policy: Policy
    cases_per_day: float
    coverage: Interval
    review_rate: Interval
    selective_risk: SelectiveRisk  # of the accepted cases
    leakage: Leakage  # of all cases
    reviews_per_day: Interval
    escapes_per_day: Interval
    # its interval is that of leakage alone; core.decision.thresholds.clusters has the wider one by
    # day or segment
    money_per_day: Interval
    note: str  # NO_SECONDS or NO_LABELS where money_per_day is None, else ""
    reweighted: bool  # the mix of cases is supposed, not seen

    @property
    def certificates_hold(self) -> bool:
        """A certificate speaks of cases drawn as its calibration set was; under a supposed mix it
        says nothing.
        """
        return not self.reweighted


def policy_consequence(
    cumulative: JointCumulative, policy: Policy, terms: CostModel
) -> PolicyConsequence:
    """What applying `policy` means, exact for every policy. A segment or class of the policy
    without cases has no effect.
    """
    tally = cumulative.tally(
        policy.steps(cumulative.segments, cumulative.classes), limit_bin(policy.epistemic_limit)
    )
    return consequence_of_tally(tally, policy, terms, cumulative.weights is not None)


def consequence_of_tally(
    tally: Tally, policy: Policy, terms: CostModel, reweighted: bool
) -> PolicyConsequence:
    """The figures of a tally of one entry, counted under `policy`."""
    shares = {
        name: tally.interval(name)
        for name in ("coverage", "review_rate", "selective_risk", "leakage")
    }
    volume = terms.cases_per_day
    return PolicyConsequence(
        policy,
        volume,
        **shares,
        reviews_per_day=scaled_interval(shares["review_rate"], volume),
        escapes_per_day=scaled_interval(shares["leakage"], volume),
        **_money(shares["review_rate"], shares["leakage"], terms),
        reweighted=reweighted,
    )


def _money(review_rate: Interval, leakage: Leakage, terms: CostModel) -> dict:
    inference = terms.costs.inference(terms.seconds_per_case)
    if inference is None or leakage.value is None:
        note = NO_SECONDS if inference is None else NO_LABELS
        return {"money_per_day": Interval(None, None, None, leakage.n), "note": note}
    fixed = terms.cases_per_day * (inference + terms.costs.review * review_rate.value)
    return {
        "money_per_day": scaled_interval(leakage, terms.cases_per_day * terms.costs.escape, fixed),
        "note": "",
    }
