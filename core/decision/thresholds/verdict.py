"""Give the verdict on a policy: adopt, adopt with conditions or do not adopt, by its money against
reviewing everything; and improve a policy by sending answers or segments to people.

The verdict reads bounds, not estimates: to adopt, the saving must be above 0 at the lower end of
its 95% interval. Groups to send to people are chosen on some cases and judged on others
(cross-fitting; Stone 1974), because groups that look bad by chance make any choice look good on the
cases that chose it. Knows no
screen: reasons are codes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.counts.joint import REVIEW_ALL
from core.counts.tally import scaled_interval
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
# The reason that makes a condition: more labelled cases would settle it.
SAVING_UNCERTAIN = "saving_uncertain"  # the interval of the saving reaches 0
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


def policy_verdict(consequence: PolicyConsequence) -> PolicyVerdict:
    """Return the verdict on a policy."""
    saving = scaled_interval(consequence.money_per_day, -1.0, consequence.cost_model.review_all)
    return judge_saving(consequence.accepted, consequence.selective_risk.value, saving)


def judge_saving(accepted: float, risk: float | None, saving: Interval) -> PolicyVerdict:
    """Return the verdict on what a policy saves.

    accepted: cases. risk: selective risk, None without labels. saving: money a day against
    reviewing everything.
    """
    against = {
        ACCEPTS_NOTHING: not accepted,
        # Cheap is not enough: with a low price of an escape, a model that is mostly wrong would
        # save money.
        MOSTLY_WRONG: risk is not None and risk >= MOSTLY_WRONG_RISK,
        MONEY_UNKNOWN: saving.value is None,
        COSTS_MORE: bool(accepted) and saving.value is not None and saving.value <= 0,
    }
    reasons = tuple(reason for reason, holds in against.items() if holds)
    if reasons:
        return PolicyVerdict(DO_NOT_ADOPT, reasons, saving)
    if saving.low is not None and saving.low <= 0:
        return PolicyVerdict(ADOPT_WITH_CONDITIONS, (SAVING_UNCERTAIN,), saving)
    return PolicyVerdict(ADOPT, (), saving)


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
