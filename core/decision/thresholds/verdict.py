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

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.counts.histogram import positions_of
from core.counts.joint import REVIEW_ALL
from core.counts.tally import RiskLimit, Tally, scaled_interval
from core.decision.thresholds.consequence import PolicyConsequence, consequence_of_tally
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy, Threshold
from core.errors import NoCasesError, SettingsError
from core.types import OUTCOMES, Interval

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


@dataclass(frozen=True)
class RouteToPeople:
    """Groups to send to people, and the consequence on cases that did not choose them.

    groups: chosen on all cases; `policy` applies them.
    consequence: of the procedure: every case is judged under the groups that the other folds chose.
    chosen_in: group -> number of folds that chose it.
    """

    groups: tuple[str, ...]
    policy: Policy
    consequence: PolicyConsequence
    chosen_in: dict[str, int]
    folds: int


def policy_verdict(consequence: PolicyConsequence, limit: RiskLimit | None = None) -> PolicyVerdict:
    """Return the verdict on a policy under an optional limit on one of its risks."""
    model = consequence.cost_model
    review_all = model.costs.review * model.cases_per_day
    saving = scaled_interval(consequence.money_per_day, -1.0, review_all)
    saving = replace(saving, low=saving.high, high=saving.low)  # -1 swaps the bounds
    against = _reasons_against(consequence, saving, limit)
    if against:
        return PolicyVerdict(DO_NOT_ADOPT, against, saving)
    conditions = []
    if saving.low is not None and saving.low <= 0:
        conditions.append(SAVING_UNCERTAIN)
    if limit is not None and (_risk(consequence, limit).high or 0.0) > limit.most:
        conditions.append(RISK_UNCERTAIN)
    return PolicyVerdict(ADOPT_WITH_CONDITIONS if conditions else ADOPT, tuple(conditions), saving)


def groups_to_send(
    group: NDArray[np.object_],
    accepted: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    costs: UnitCosts,
) -> tuple[str, ...]:
    """Return the groups whose accepted cases cost less when people review them, sorted by name:
    escape * wrong > review * accepted.

    group: the name of each labelled case's group, [n].
    accepted: whether the policy accepts the case, [n].
    wrong: whether the answer is wrong, [n].
    costs: of a review and of an escape.
    """
    names, position = np.unique(group.astype(str), return_inverse=True)
    reviews = np.bincount(position, accepted, len(names))
    escapes = np.bincount(position, accepted & wrong, len(names))
    worth = costs.escape * escapes > costs.review * reviews
    return tuple(names[worth].tolist())


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


def cross_fitted_route(
    cases: pd.DataFrame,
    policy: Policy,
    by: str,
    cost_model: CostModel,
    folds: int = 5,
    seed: int = 0,
) -> RouteToPeople:
    """Return the answers or segments to send to people, judged on cases that did not choose them.

    cases: columns segment, predicted, outcome, confidence, epistemic, one row a case.
    policy: the policy to improve.
    by: "class" (predicted answers) or "segment".
    cost_model: volume and costs.
    folds: 2 or more; cases fall into them at random.
    seed: of the random folds.

    Raises SettingsError for a grouping or number of folds that is not allowed, NoCasesError for
    fewer labelled cases than folds.
    """
    if folds < 2:
        raise SettingsError("decision.folds", folds=folds)
    send_to_people(policy, by, ())  # raises for another grouping
    outcome = positions_of(OUTCOMES, cases["outcome"])
    labelled = outcome != OUTCOMES.index("unlabelled")
    if labelled.sum() < folds:
        raise NoCasesError("decision.folds_without_cases", n=int(labelled.sum()), folds=folds)
    group = cases["predicted" if by == "class" else "segment"].to_numpy(dtype=object)
    columns = [cases[name] for name in ("segment", "predicted", "confidence", "epistemic")]
    accepted = policy.accepts(*columns)
    wrong = labelled & (outcome != OUTCOMES.index("right"))
    # A permutation modulo folds gives folds of equal size, up to one case.
    fold = np.random.default_rng(seed).permutation(len(cases)) % folds

    def choice(members: NDArray[np.bool_]) -> tuple[str, ...]:
        return groups_to_send(group[members], accepted[members], wrong[members], cost_model.costs)

    chosen_in: dict[str, int] = {}
    # A fold's cases keep their own decisions except for groups that the other folds chose.
    routed = accepted.copy()
    for number in range(folds):
        groups = choice(labelled & (fold != number))
        chosen_in |= {name: chosen_in.get(name, 0) + 1 for name in groups}
        routed &= ~((fold == number) & np.isin(group.astype(str), groups))
    counts = [
        np.bincount(outcome[mask], minlength=len(OUTCOMES)) for mask in (routed, outcome >= 0)
    ]
    groups = choice(labelled)
    improved = send_to_people(policy, by, groups)
    consequence = consequence_of_tally(Tally.of_counts(*counts), improved, cost_model)
    return RouteToPeople(groups, improved, consequence, chosen_in, folds)


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
