"""Find the route to a yes: the answers or segments to send to people at every threshold, and the
consequence of sending them, on cases that did not choose them.

A group goes to people where its accepted cases cost less when people review them. Groups that look
bad by chance would make any choice look good on the cases that chose it, so each fold of the cases
is judged under the groups that the other folds chose (cross-fitting; Stone 1974). Reads counts, not
cases: every case falls into a fold at random, so the counts of a cell fall into the folds as a
multinomial draw.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.counts.histogram import THRESHOLDS, AcceptanceCurve, Histogram, edge_of_threshold
from core.counts.tally import Tally
from core.decision.thresholds.consequence import PolicyConsequence, consequence_of_tally
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.verdict import send_to_people
from core.errors import NoCasesError, SettingsError
from core.types import OUTCOMES

ROUTE_FOLDS = 5
_RIGHT, _WRONG, _UNSEEN = (OUTCOMES.index(name) for name in ("right", "wrong", "unseen"))
_EDGES_PER_STEP = edge_of_threshold(0.001)


@dataclass(frozen=True)
class RouteAtThreshold:
    """The groups that one threshold sends to people, and the consequence on cases that did not
    choose them.
    """

    groups: tuple[str, ...]
    policy: Policy  # applies the groups
    consequence: PolicyConsequence
    folds: int


@dataclass(frozen=True, eq=False)
class RouteToPeople:
    """The groups to send to people at every threshold 0, 0.001, ..., 1.

    worth: whether a group is worth sending, [1001, G], chosen on all cases.
    tally: of the procedure, [1001, O]: a case is judged under the groups that other folds chose.
    """

    by: str  # "class" (predicted answers) or "segment"
    names: tuple[str, ...]  # [G]
    worth: NDArray[np.bool_]
    tally: Tally
    folds: int

    def groups(self, threshold: float) -> tuple[str, ...]:
        """Return the names of the groups that a threshold sends to people."""
        is_sent = self.worth[edge_of_threshold(threshold) // _EDGES_PER_STEP]
        return tuple(name for name, sent in zip(self.names, is_sent, strict=True) if sent)

    def policy(self, threshold: float) -> Policy:
        """Return the policy of a threshold with its groups sent to people."""
        return send_to_people(Policy(threshold), self.by, self.groups(threshold))

    def consequence(self, threshold: float, cost_model: CostModel) -> PolicyConsequence:
        """Return the consequence of the procedure at a threshold."""
        step = edge_of_threshold(threshold) // _EDGES_PER_STEP
        tally = Tally.of_counts(self.tally.accepted[step], self.tally.total)
        return consequence_of_tally(tally, self.policy(threshold), cost_model)

    def at(self, threshold: float, cost_model: CostModel) -> RouteAtThreshold:
        """Return the route at one threshold."""
        routed = self.consequence(threshold, cost_model)
        return RouteAtThreshold(self.groups(threshold), routed.policy, routed, self.folds)


def route_to_people(
    histogram: Histogram,
    by: str,
    costs: UnitCosts,
    include_unseen: bool = True,
    folds: int = ROUTE_FOLDS,
    seed: int = 0,
) -> RouteToPeople:
    """Return the answers or segments to send to people at every threshold.

    histogram: the counts of the cases.
    by: "class" (predicted answers) or "segment".
    costs: a group is sent if its escapes cost more than its reviews.
    include_unseen: whether cases of a label that no model was trained on count.
    folds: 2 or more.
    seed: of the random folds.

    Raises SettingsError for a grouping or number of folds that is not allowed, NoCasesError for
    fewer labelled cases than folds.
    """
    if folds < 2:
        raise SettingsError("decision.folds", folds=folds)
    send_to_people(Policy(1.0), by, ())  # raises for another grouping
    grouped = histogram.by_class() if by == "class" else histogram
    accepted = AcceptanceCurve(grouped).by_segment.copy()
    if not include_unseen:
        accepted[:, _UNSEEN] = 0
    total = accepted[:, :, 0].sum(0)
    labelled = int(total[[_RIGHT, _WRONG, _UNSEEN]].sum())
    if labelled < folds:
        raise NoCasesError("decision.folds_without_cases", n=labelled, folds=folds)
    # Cases between each threshold and the next, of which most cells are empty.
    steps = accepted - np.concatenate([accepted[..., 1:], np.zeros_like(accepted[..., :1])], -1)
    cells = np.nonzero(steps)
    shares = np.full(folds, 1 / folds)
    of_fold = np.random.default_rng(seed).multinomial(steps[cells], shares)  # [cells, folds]
    routed = np.zeros((len(OUTCOMES), len(THRESHOLDS)), dtype=np.int64)
    for fold in range(folds):
        counts = np.zeros_like(steps)
        counts[cells] = of_fold[:, fold]
        in_fold = counts[..., ::-1].cumsum(-1)[..., ::-1]
        sent = _worth_sending(accepted - in_fold, costs)
        routed += np.where(sent[:, None], 0, in_fold).sum(0)
    worth = _worth_sending(accepted, costs).T
    return RouteToPeople(by, grouped.segments, worth, Tally.of_counts(routed.T, total), folds)


def _worth_sending(accepted: NDArray[np.int64], costs: UnitCosts) -> NDArray[np.bool_]:
    """Return whether each group's accepted cases cost less when people review them, [G, 1001].

    accepted: cases by group, outcome and threshold, [G, O, 1001]; cases without a label tell
    nothing.
    """
    wrong = accepted[:, _WRONG] + accepted[:, _UNSEEN]
    worth: NDArray[np.bool_] = costs.escape * wrong > costs.per_move * (wrong + accepted[:, _RIGHT])
    return worth
