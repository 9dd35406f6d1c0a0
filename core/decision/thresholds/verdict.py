"""Give the verdict on a policy: adopt, adopt with conditions or do not adopt, by its money against
reviewing everything; and improve a policy by sending answers or segments to people.

The verdict reads bounds, not estimates: to adopt, the saving must be above 0 at the lower end of
its 95% interval, and the upper end of the risk's interval must be within the risk limit. Groups to
send to people are chosen on some cases and judged on others (cross-fitting; Stone 1974), because
groups that look bad by chance make any choice look good on the cases that chose it. Knows no
screen: reasons are codes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.counts.joint import REVIEW_ALL
from core.counts.tally import RiskLimit, scaled_interval
from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.policy import Policy, Threshold
from core.errors import SettingsError
from core.types import Interval

ADOPT, ADOPT_WITH_CONDITIONS, DO_NOT_ADOPT = "adopt", "adopt_with_conditions", "do_not_adopt"
# Reasons that rule a policy out.
ACCEPTS_NOTHING = "accepts_nothing"
MOSTLY_WRONG = "mostly_wrong"  # at least MOSTLY_WRONG_RISK of the accepted cases are wrong
MONEY_UNKNOWN = "money_unknown"  # no label or no measured time
COSTS_MORE = "costs_more"  # it saves nothing against reviewing everything
RISK_ABOVE_LIMIT = "risk_above_limit"  # the estimate is above the limit
# Reasons that make a condition: more labelled cases would settle them.
SAVING_UNCERTAIN = "saving_uncertain"  # the interval of the saving reaches 0
RISK_UNCERTAIN = "risk_uncertain"  # the interval of the risk reaches past the limit
MOSTLY_WRONG_RISK = 0.4


@dataclass(frozen=True)
class PolicyVerdict:
    """One of ADOPT, ADOPT_WITH_CONDITIONS and DO_NOT_ADOPT, and the reasons unless it is ADOPT.

    saving_per_day: money of reviewing everything minus that of the policy; its interval is that of
    leakage alone.
    """

    decision: str
    reasons: tuple[str, ...]
    saving_per_day: Interval


def break_even_escape(more_money: float, more_escapes: float, escape: float) -> float | None:
    """Return the cost of an escape at which a policy costs as much as reviewing every case.

    more_money, more_escapes: of the policy over reviewing every case, in the same time. escape: the
    cost that `more_money` counts with. None if the policy saves no review or adds no escape.
    """
    if more_escapes <= 0:
        return None
    cost = escape - more_money / more_escapes
    return cost if cost > 0 else None


def policy_verdict(consequence: PolicyConsequence, limit: RiskLimit | None = None) -> PolicyVerdict:
    """Return the verdict on a policy under an optional limit on one of its risks."""
    model = consequence.cost_model
    saving = scaled_interval(consequence.money_per_day, -1.0, model.review_all)
    against = _reasons_against(consequence, saving, limit)
    if against:
        return PolicyVerdict(DO_NOT_ADOPT, against, saving)
    conditions = []
    if saving.low is not None and saving.low <= 0:
        conditions.append(SAVING_UNCERTAIN)
    if limit is not None and (_risk(consequence, limit).high or 0.0) > limit.most:
        conditions.append(RISK_UNCERTAIN)
    return PolicyVerdict(ADOPT_WITH_CONDITIONS if conditions else ADOPT, tuple(conditions), saving)


def send_to_people(policy: Policy, by: str, groups: Iterable[str]) -> Policy:
    """Return the policy with all cases of these groups sent to review, more specific rules too.

    Raises SettingsError unless `by` is "class" or "segment".
    """
    if by not in ("class", "segment"):
        raise SettingsError("decision.grouping", grouping=by, allowed=("class", "segment"))
    people: dict[str, Threshold] = dict.fromkeys(groups, REVIEW_ALL)
    axis = 0 if by == "segment" else 1
    cells = dict(policy.by_cell) | {
        cell: REVIEW_ALL for cell in policy.by_cell if cell[axis] in people
    }
    if by == "segment":
        return replace(policy, by_segment={**policy.by_segment, **people}, by_cell=cells)
    # The rule of a segment goes before that of a class, so each segment with a rule needs a cell.
    cells |= {(segment, name): REVIEW_ALL for segment in policy.by_segment for name in people}
    return replace(policy, by_class={**policy.by_class, **people}, by_cell=cells)


def _reasons_against(
    consequence: PolicyConsequence, saving: Interval, limit: RiskLimit | None
) -> tuple[str, ...]:
    risk = consequence.selective_risk.value
    limited = None if limit is None else _risk(consequence, limit).value
    reasons = {
        ACCEPTS_NOTHING: not consequence.accepted,
        MOSTLY_WRONG: risk is not None and risk >= MOSTLY_WRONG_RISK,
        MONEY_UNKNOWN: saving.value is None,
        COSTS_MORE: bool(consequence.accepted) and saving.value is not None and saving.value <= 0,
        RISK_ABOVE_LIMIT: limit is not None and limited is not None and limited > limit.most,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def _risk(consequence: PolicyConsequence, limit: RiskLimit) -> Interval:
    return consequence.leakage if limit.measure == "leakage" else consequence.selective_risk
