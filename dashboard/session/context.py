"""The context of a page about one run: choices, run, sibling and calibration runs, volume.

Every page about a run receives one RunContext. Draws nothing; reads counts through the cache.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

from core.counts.histogram import AcceptanceCurve
from core.decision.money.scenario import MoneyScenario
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.route import RouteToPeople, route_to_people
from core.decision.thresholds.volume import VOLUME_UNKNOWN, measured_cases_per_day
from core.errors import NoCasesError
from core.report import run_selection
from core.report.money_start import (
    costs_with_retraining,
    retraining_per_month,
    with_unit_costs,
)
from core.report.what_if import UNTRAINED
from core.types import OUTCOMES, RunRecord
from dashboard.i18n import Words
from dashboard.session import cache
from dashboard.session.address import ALL, BY_CLASS, BY_SEGMENT, Choices


@dataclass(frozen=True)
class RunContext:
    """The run of a page and what follows from it. `runs`: every scoring run, newest first."""

    words: Words
    choices: Choices
    runs: list[RunRecord]
    record: RunRecord  # the chosen run

    # cached_property writes to __dict__, which a frozen dataclass does not prevent

    @cached_property
    def same(self) -> dict[str, RunRecord]:
        """Model kind -> run of the same cases, the chosen one first."""
        return run_selection.same_cases(self.runs, self.record)

    @cached_property
    def calibration(self) -> dict[str, RunRecord]:
        """Model kind -> finished calibration run of that model, all on the same cases."""
        return run_selection.calibration_of(self.runs, self.same)

    @property
    def own_calibration(self) -> RunRecord | None:
        """The calibration run of the chosen run's model."""
        return self.calibration.get(self.kind)

    @property
    def run_id(self) -> str:
        """Id of the chosen run."""
        return self.record.run.run_id

    @property
    def kind(self) -> str:
        """Model kind of the chosen run."""
        return self.record.run.model_kind

    @property
    def segment(self) -> str | None:
        """The chosen segment, None for all."""
        return self.choices.segment or None

    @property
    def model(self) -> str:
        """Display name of the chosen run's model."""
        return model_name(self.words, self.record)

    @property
    def names(self) -> dict[str, str]:
        """Model kind -> its display name."""
        return {kind: model_name(self.words, record) for kind, record in self.same.items()}

    @property
    def dated_volume(self) -> float | None:
        """Cases a day of the whole run from its dates, None where it has none."""
        return measured_cases_per_day(self.record)

    @property
    def measured(self) -> bool:
        """Whether the volume is measured from the run's dates."""
        return self.choices.volume is None and self.dated_volume is not None

    @property
    def volume(self) -> float:
        """Cases a day of the whole run: typed, measured, or VOLUME_UNKNOWN."""
        # not `or`: a typed volume of 0 is a choice
        candidates = (self.choices.volume, self.dated_volume, VOLUME_UNKNOWN)
        return next(value for value in candidates if value is not None)

    @cached_property
    def costs(self) -> UnitCosts:
        """Assumed costs of a case and of retraining, the same on every page."""
        choices = self.choices
        people = (choices.miss / 100, choices.audit / 100, choices.cashed / 100)
        costs = UnitCosts(
            choices.review, choices.escape, choices.machine, choices.currency, *people
        )
        if choices.money:
            scenario = MoneyScenario.from_query(choices.money)
            monthly = retraining_per_month(with_unit_costs(scenario, costs, choices.minutes))
            return replace(costs, retraining_per_month=monthly)
        dataset = self.record.run.dataset
        return costs_with_retraining(costs, cache.all_runs(), dataset, choices.minutes)

    @cached_property
    def routes(self) -> list[RouteToPeople]:
        """Answers, and segments, to send to people at every threshold; empty without labels."""
        histogram = self.curve(self.kind, self.choices.segment).histogram
        by = (self.choices.route,) if self.choices.route else (BY_CLASS, BY_SEGMENT)
        try:
            return [
                cache.cached_result(
                    route_to_people, histogram, name, self.costs, self.choices.unseen
                )
                for name in by
                if len(histogram.segments) > 1 or name != BY_SEGMENT
            ]
        except NoCasesError:
            return []

    @cached_property
    def route(self) -> RouteToPeople | None:
        """The one of `routes` in use, or the cheaper one at the threshold in use; None without one."""
        # unknown money decides nothing
        return min(self.routes, key=self._cost_of_route, default=None)

    def _cost_of_route(self, route: RouteToPeople) -> float:
        money = route.consequence(self.choices.t, self.terms).money_per_day.value
        return math.inf if money is None else money

    @property
    def applied_route(self) -> RouteToPeople | None:
        """The route, if the reader has taken it."""
        return self.route if self.choices.route else None

    @property
    def policy(self) -> Policy:
        """The policy in use: the threshold, with the groups that the reader sends to people."""
        route, t = self.applied_route, self.choices.t
        return Policy(t) if route is None else route.policy(t)

    @property
    def full_time(self) -> FullTime:
        """Work of one full-time reviewer: minutes a review, hours a shift, busy share."""
        # percent on the screen and in the address, a share in core
        return FullTime(self.choices.minutes, self.choices.shift, self.choices.busy / 100)

    @property
    def terms(self) -> CostModel:
        """Volume of the chosen segment, unit costs and measured seconds of the chosen run."""
        return CostModel(self.per_day(self.choices.segment), self.costs, self.seconds(self.kind))

    def curve(self, kind: str, segment: str = ALL) -> AcceptanceCurve:
        """Return the acceptance counts of a model kind's run at every threshold."""
        return cache.cumulative(self.same[kind].run.run_id, segment)

    def per_day(self, segment: str = ALL) -> float:
        """Return the counted cases a day of a segment, or of all.

        The run's volume times the segment's share of the run's cases.
        """
        # threshold 0 accepts every case, so this counts them all
        totals = self.curve(self.kind, segment).accepted[:, 0]
        untrained = 0 if self.choices.unseen else totals[OUTCOMES.index("unseen")]
        # a run that has just begun has no cases
        return self.volume * int(totals.sum() - untrained) / max(1, self.record.cases)

    def seconds(self, kind: str) -> float | None:
        """Return the measured seconds a case of a model kind, None if not measured."""
        return self.same[kind].metrics.get("seconds_per_case")

    def kind_name(self, kind: str) -> str:
        """Return the display name of a label, or of all labels that the model was not trained on."""
        return self.words("mix.untrained") if kind == UNTRAINED else kind


def model_name(words: Words, record: RunRecord) -> str:
    """Return the display name of a run's model; a teacher's holds its number of passes."""
    return words(f"model.{record.run.model_kind}", passes=words.number(record.run.samples, 0))
