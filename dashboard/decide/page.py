"""Decide: what a threshold means in people, wrong answers and money, and whether confidence can be
trusted.

Guard, controls, call, show. All figures come from core.decision and core.report; all words from the
catalogues. Its parts stand in files of their own: starts (ways to a threshold), people, curves (the
charts) with points, and what_if.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core.decision.thresholds import consequence, daily_money
from core.decision.thresholds.solver import ThresholdSolver, preset_thresholds
from core.report import run_selection
from core.types import RunRecord
from dashboard.components import controls, sentences, shell
from dashboard.components.active_policy import Ghost
from dashboard.decide import curves, live, people, points, starts, tour, what_if
from dashboard.decide.mark_charts import CAPACITY, CERTIFIED, CHEAPEST
from dashboard.i18n import Words
from dashboard.session import cache, state
from dashboard.session.cache import cached_result
from dashboard.session.context import RunContext


def page() -> None:
    """Draw the page."""
    shell.page("decide.title", _page, tour.draw)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls; notices stand above them, so their place is made first
    top = st.container()
    with st.sidebar:
        record = controls.choose_run(words, runs)
    places = _places(words)
    with st.sidebar:
        controls.costs(words)
        controls.measured(words, record, run_selection.same_cases(runs, record).values())
    shown = RunContext(words, state.choices(), runs, record)

    # Call and show
    chosen, terms = shown.chosen, shown.terms
    counts = shown.curve(shown.kind, chosen.segment)
    found = consequence.threshold_consequence(counts, chosen.t, terms, chosen.unseen)
    with top:
        controls.notices(words)
        for warning in sentences.warnings(words, shown.record, found):
            st.warning(warning, icon=":material/warning:")
    if not found.cases:
        top.info(sentences.headline(words, found, shown.full_time))
        return
    costed = cached_result(
        daily_money.cost_curve,
        counts,
        terms,
        chosen.unseen,
    )
    handles = partial(_handles, shown)
    ghost, about = points.active(shown)
    with places["handle"]:
        _handle(shown, found, costed, ghost, about)
    with places["charts"]:  # before what stands above them: the browser draws them meanwhile
        _charts(shown, costed, handles, ghost)
    _starts(shown, handles(), ghost, places)
    with places["people"]:
        people.desk(shown, found)
    what_if.draw(shown)


def _places(words: Words) -> dict:
    """Draw the controls of the page's body, and return the places of what follows from all choices,
    in reading order.
    """
    start, number = st.columns([3, 1], vertical_alignment="bottom")
    with number:
        controls.threshold(words)
    handle, limits = st.container(), starts.draw_limits(words)
    desk, charts = people.draw(words), st.container()
    sides = starts.draw_compare(words)
    return {
        "start": start,
        "handle": handle,
        "limits": limits,
        "people": desk,
        "charts": charts,
        "sides": sides,
    }


def _handles(shown: RunContext) -> ThresholdSolver:
    """Made where they are asked for: the joint counts take longer to read than what the first chart
    needs.
    """
    return ThresholdSolver(
        cache.joint(shown.run_id, shown.chosen.segment, shown.chosen.unseen), shown.terms
    )


def _starts(shown: RunContext, handles: ThresholdSolver, ghost: Ghost | None, places: dict) -> None:
    """Show what the presets, the limits and the comparison come to, all on one set of counts."""
    words, thresholds = shown.words, preset_thresholds(handles)
    with places["start"]:
        controls.presets(words, thresholds)
    with places["limits"]:
        starts.limits(words, shown.chosen, handles)
    with places["sides"]:
        starts.compared(shown, thresholds, ghost)


def _handle(
    shown: RunContext,
    found: consequence.PolicyConsequence,
    costed: pd.DataFrame,
    ghost: Ghost | None,
    about: str,
) -> None:
    """The live handle; money is left out of it where the run measured no time, as in the cards."""
    words, seconds, currency = shown.words, shown.seconds(shown.kind), shown.chosen.currency
    known = (
        costed
        if seconds is not None
        else costed.assign(money=np.nan, money_low=np.nan, money_high=np.nan)
    )
    cards = sentences.cards(
        words, found, found.money_per_day, currency, None if ghost is None else ghost.figures
    )
    headline = sentences.headline(words, found, shown.full_time)
    live.handle(words, found, headline, cards, known, currency, shown.full_time, ghost)
    st.caption(about)


def _charts(
    shown: RunContext,
    costed: pd.DataFrame,
    handles: Callable,
    ghost: Ghost | None,
) -> None:
    """Show the charts one below the other, so that each keeps its width beside the sidebar of a
    small screen.
    """
    certified, capacity = points.certified(shown), points.capacity(shown, handles)
    at = {
        CERTIFIED: certified.threshold,
        CAPACITY: capacity.threshold,
        CHEAPEST: daily_money.cheapest_threshold(costed),
    }
    marks = points.marks(shown, ghost, at)
    curves.risk(shown, marks, [certified.said, capacity.said])
    curves.thresholds(shown, costed, at[CHEAPEST], marks)
    curves.options(shown)
    curves.parts(shown)
    curves.calibration(shown)
