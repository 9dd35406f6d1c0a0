"""Decide: the verdict on a threshold, its handle, and its meaning in people, escapes and money.

Controls, context, results. All figures come from core.decision and core.report; all words from the
catalogues. Below the handle are tabs, of which only the open one is drawn: thresholds (curves and
starts), causes (curves.parts_panel, starts), people, what_if, terms.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import cast

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.counts.tally import LeakageLimit
from core.decision.thresholds import consequence, daily_money
from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.route import RouteToPeople
from core.decision.thresholds.solver import ThresholdSolver, preset_faults, preset_thresholds
from core.decision.thresholds.verdict import ADOPT
from core.types import OUTCOMES, RunRecord
from dashboard.components import choice_row, controls, sentences, shell
from dashboard.components.active_policy import Ghost
from dashboard.decide import (
    actions,
    curves,
    live,
    people,
    points,
    route,
    starts,
    terms,
    tour,
    what_if,
)
from dashboard.decide import controls as decide_controls
from dashboard.decide.mark_charts import CAPACITY_MARK, CERTIFIED_MARK, Mark
from dashboard.decide.mark_charts import CHEAPEST_MARK as CHEAPEST_MARK
from dashboard.decide.verdict import (
    TILES,
    AgainstReview,
    Outcome,
    RouteCurve,
    Routed,
    improves,
    outcomes_of,
    verdict_of,
)
from dashboard.i18n import Words
from dashboard.session import cache, state
from dashboard.session.address import ALL, BY_COST, BY_HAND, BY_LEAKAGE, BY_PEOPLE
from dashboard.session.cache import cached_result
from dashboard.session.context import RunContext

TABS = ("thresholds", "options", "causes", "people", "conditions", "terms")


def draw_decide_page() -> None:
    """Draw the page."""
    # First in the document, so that the keyboard reaches the slider before the controls above it;
    # dashboard/page.css shows it below them.
    lead = st.container(key="lead")
    shell.draw_shell("decide.title", partial(_page, lead), tour.draw_tour)


def _page(lead: DeltaGenerator, words: Words, runs: list[RunRecord]) -> None:
    # above the controls, but filled after them, when the consequence is known
    notes = st.container(key="notes")
    record = _choices(words, runs)
    goal_changed = state.take(decide_controls.GOAL_CHANGED, bool)
    if goal_changed:
        # A goal is about the threshold alone: groups that go to people would add to its reviews.
        state.set_value("route", ALL)
    view = DecideContext(RunContext(words, state.choices(), runs, record))
    # Only a change of the goal moves the threshold: otherwise the handle could not leave it.
    if goal_changed and (t := view.goal_threshold()) is not None:
        state.set_value("t", t)
        view = DecideContext(RunContext(words, state.choices(), runs, record))
    with notes:
        controls.draw_notices(words)
        for warning in sentences.warnings(words, record, view.consequence):
            st.warning(warning, icon=":material/warning:")
    if not view.consequence.cases:
        st.info(words("headline.empty"))
        return
    with lead:
        view.draw_handle()
        view.draw_actions()
    view.draw_tabs()


def _choices(words: Words, runs: list[RunRecord]) -> RunRecord:
    """Draw the row above the verdict: data, assumptions, goal. Return the run."""
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs)
        choice_row.assumptions_chip(words, runs, record)
        decide_controls.goal(words)
    return record


class DecideContext:
    """Data that the parts of the page share for one run and its choices, computed at first use."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.words, self.choices, self.terms = context.words, context.choices, context.terms
        self.counts = context.curve(context.kind, self.choices.segment)
        route = context.applied_route
        self.consequence = (
            consequence.threshold_consequence(
                self.counts, self.choices.t, self.terms, self.choices.unseen
            )
            if route is None
            else route.consequence(self.choices.t, self.terms)
        )

    @cached_property
    def costed(self) -> pd.DataFrame:
        """Consequences and money a day at every threshold; unmeasured seconds count as 0."""
        if self.context.applied_route is not None:
            return self.routed
        return cached_result(daily_money.cost_curve, self.counts, self.terms, self.choices.unseen)

    @cached_property
    def routed(self) -> pd.DataFrame:
        """The same with the groups of the route sent to people; needs a route."""
        return cached_result(
            route.priced_route, cast(RouteToPeople, self.context.route), self.terms
        )

    @cached_property
    def solver(self) -> ThresholdSolver:
        """The solver on the joint counts; lazy, since the handle does not need their slow reading."""
        choices = self.choices
        counts = cache.joint(self.context.run_id, choices.segment, choices.unseen)
        return ThresholdSolver(counts, self.terms)

    @cached_property
    def policy(self) -> tuple[Ghost | None, str]:
        """The active policy on these cases, and the sentence about it."""
        return points.active(self.context)

    def goal_threshold(self) -> float | None:
        """Return the threshold of the goal, None if it is unreachable or chosen by hand."""
        goal = self.choices.goal
        if goal == BY_COST:
            return daily_money.cheapest_threshold(self.costed)
        if goal == BY_PEOPLE:
            capacity = self.choices.goal_people * self.context.full_time.reviews_per_day
            answer = self.solver.at_capacity(capacity)
        elif goal == BY_LEAKAGE:
            # dividing a percentage leaves a rounding error, which would decide a case exactly at
            # the limit
            limit = LeakageLimit(round(self.choices.goal_leakage / 100, 12))
            answer = self.solver.at_risk(limit)
        else:
            return None
        if not isinstance(answer, PolicyConsequence):
            return None
        return cast(float, answer.policy.threshold)

    def handle_contents(self) -> dict[str, object]:
        """Return the texts of the handle and the tiles; without measured times, no money."""
        ghost, currency = self.policy[0], self.choices.currency
        against = AgainstReview(
            self.terms.review_all,
            self.context.full_time,
            currency,
            None if ghost is None else tuple(ghost.figures[key] for key in TILES),
            self.context.costs.reviewer_miss,
            self.context.costs.escape,
            self._untrained_share(),
        )
        to_people = self.context.route
        return cached_result(
            _handle_contents,
            # without the reader's time zone, which no text of it needs: readers share the result
            replace(self.words, zone=None),
            self.costed,
            self.timed,
            self.terms.cases_per_day,
            against,
            live.policy_mark(self.words, ghost),
            to_people,
            None if to_people is None else self.routed,
            self.context.applied_route is not None,
        )

    def _untrained_share(self) -> float:
        """Return the share of labelled cases whose label the model did not learn, if they count."""
        totals = dict(zip(OUTCOMES, self.counts.accepted[:, 0].tolist(), strict=True))
        labelled = sum(totals.values()) - totals["unlabelled"]
        return totals["unseen"] / labelled if labelled and self.choices.unseen else 0.0

    def draw_handle(self) -> None:
        """Draw the verdict, the handle and the tiles."""
        live.handle(self.choices.t, self.handle_contents())

    def fill_caches(self) -> None:
        """Compute what the page shows on opening; the caches keep it for the first reader."""
        self.handle_contents()
        marks, _, _ = self.marks()
        curves.risk_figure(self.context, marks)
        curves.thresholds_figure(self.context, self.costed, marks)

    def draw_actions(self) -> None:
        """Draw the route to a yes, if one exists, and the actions on the policy in use."""
        with st.container(horizontal=True, vertical_alignment="center", key="actions"):
            if self.context.route is not None and self._route_improves():
                route.draw_route_button(self.context, self.context.route, "verdict")
            elif self.way is not None:
                route.draw_way_button(self.words, self.way)
            actions.draw_actions(self.context)
        with st.container(horizontal=True, vertical_alignment="center", key="basis"):
            self._draw_goal()

    @cached_property
    def way(self) -> route.WayToYes | None:
        """What would make the verdict a yes, if it is none and the groups of no route make it one."""
        here = self._outcome_in(self.costed)
        if not self.timed or verdict_of(here, self.terms.review_all) == ADOPT:
            return None
        return route.find_way(self.context)

    def _route_improves(self) -> bool:
        context = self.context
        if context.route is None or context.applied_route is not None:
            return context.applied_route is not None
        groups = context.route.groups(self.choices.t)
        routed = Routed(context.route.by, groups, self._outcome_in(self.routed), applied=False)
        before = self._outcome_in(self.costed)
        return self.timed and improves(before, routed, self.terms.review_all)

    def _outcome_in(self, costed: pd.DataFrame) -> Outcome:
        """Return the consequence of the threshold in use by a table of all thresholds."""
        row = costed.iloc[[round(1000 * self.choices.t)]]
        return outcomes_of(row, self.terms.cases_per_day)[0]

    @property
    def timed(self) -> bool:
        """Whether the run measured its seconds a case; without them, money is unknown."""
        return self.terms.seconds_per_case is not None

    def _draw_goal(self) -> None:
        """Draw the goal's threshold if it differs from the handle's, and the number of labels."""
        words, basis = self.words, self.words.many("basis.count", self.consequence.labelled)
        if self.choices.goal == BY_HAND:
            st.caption(basis)
            return
        t = self.goal_threshold()
        if t is None:
            st.caption(words("goal.unreachable") + words.sentence_space + basis)
        elif t == self.choices.t:
            st.caption(basis)
        else:
            label = words("limits.use", t=words.number(t, 3))
            st.button(label, key="use_goal", on_click=state.set_value, args=("t", t))
            st.caption(words("goal.differs") + words.sentence_space + basis)

    def draw_tabs(self) -> None:
        """Draw the tabs; the closed ones stay empty."""
        names = [self.words(f"tab.{name}") for name in TABS]
        draws: tuple[Callable[[], None], ...] = (
            self._thresholds,
            partial(curves.options_panel, self.context),
            self._causes,
            partial(people.desk, self.context, self.consequence),
            partial(what_if.draw_what_if, self.context),
            partial(terms.draw_terms, self.context, self.consequence, self.policy[1]),
        )
        for tab, draw in zip(st.tabs(names, key="tab", on_change="rerun"), draws, strict=True):
            if tab.open:
                with tab:
                    draw()

    def marks(self) -> tuple[list[Mark], float | None, list[str]]:
        """Return the marked points, the cheapest threshold, and the sentences about points."""
        certified = points.certified(self.context)
        capacity = points.capacity(self.context, lambda: self.solver)
        threshold_of = {
            CERTIFIED_MARK: certified.threshold,
            CAPACITY_MARK: capacity.threshold,
            CHEAPEST_MARK: daily_money.cheapest_threshold(self.costed),
        }
        marks = points.marks(self.context, self.policy[0], threshold_of)
        return marks, threshold_of[CHEAPEST_MARK], [certified.sentence, capacity.sentence]

    def _thresholds(self) -> None:
        presets = preset_thresholds(self.solver)
        decide_controls.presets(self.words, presets, preset_faults(self.solver, presets))
        marks, cheapest, sentences_of_points = self.marks()
        st.caption(self.words("points.click"))
        left, right = st.columns(2)
        with left:
            curves.risk(self.context, marks, sentences_of_points)
            starts.draw_limits(self.words, self.choices, self.solver)
        with right:
            curves.thresholds(self.context, self.costed, cheapest, marks)

    def _causes(self) -> None:
        curves.parts_panel(self.context)
        route.draw_route(self.context, self.way)
        starts.compared(self.context, preset_thresholds(self.solver), self.policy[0])


def _handle_contents(
    words: Words,
    costed: pd.DataFrame,
    timed: bool,
    cases_per_day: float,
    against: AgainstReview,
    mark: dict[str, object],
    route: RouteToPeople | None,
    routed: pd.DataFrame | None,
    applied: bool,
) -> dict[str, object]:
    """Return live.contents, without money if the run measured no times."""
    unknown = {} if timed else dict.fromkeys(("money", "money_low", "money_high"), np.nan)
    curve = None
    if route is not None and routed is not None:
        curve = RouteCurve(route, routed.assign(**unknown), applied)
    return live.contents(words, costed.assign(**unknown), cases_per_day, against, mark, curve)
