"""The tab 'People' of the page 'Decide': reviewers that a day's reviews need, and waiting times.

All figures come from core.decision.staffing.headcount and core.report.people. The simulation takes
up to a second, so it waits for a button.
"""

import streamlit as st

from core.decision.thresholds.consequence import PolicyConsequence
from core.report import people
from dashboard.components import controls, panels
from dashboard.decide.words import desk_basis, desk_cards, people_need
from dashboard.session import cache, state
from dashboard.session.context import RunContext

ASKED = "desk_asked"  # arguments of the last simulation; other choices need another press


def desk(context: RunContext, found: PolicyConsequence) -> None:
    """Draw one person's work, the full-time people that the reviews need, and the simulation.

    The simulation of the chosen number of people starts with a button.
    """
    with panels.panel("people", context.words):
        controls.work(context.words)
        _simulation(context, found)


def _simulation(context: RunContext, found: PolicyConsequence) -> None:
    words, choices, full_time = context.words, context.choices, context.full_time
    st.markdown(people_need(words, found.reviews_per_day, full_time))
    reviews = found.reviews_per_day.value
    if not reviews:
        st.info(words("people.none"))
        return
    reviewers = choices.reviewers or full_time.least(reviews)
    # plain values: they are the key of the cached result, and tell whether a choice has changed
    study = (
        choices.t,
        context.segment,
        choices.unseen,
        reviews,
        context.measured,
        reviewers,
        (full_time.minutes, full_time.hours, full_time.share),
        choices.sla,
    )
    label = words("people.simulate", n=words.number(reviewers, 0), t=words.number(choices.t, 3))
    st.button(
        label,
        key="simulate",
        icon=":material/groups:",
        on_click=state.set_value,
        args=(ASKED, (context.run_id, *study)),
    )
    # figures of other choices must not remain on the screen as if they were of these
    if state.held_or_none(ASKED, tuple) != (context.run_id, *study):
        st.caption(words("people.lazy"))
        return
    with st.spinner(words("people.running")):
        desk = cache.cached_from_predictions(
            people.simulated_desk, people.COLUMNS, (context.run_id,), *study
        )
    panels.draw_cards(desk_cards(words, desk))
    if desk.staffing.note:
        st.warning(words("people.overloaded"), icon=":material/hourglass_top:")
    st.caption(desk_basis(words, desk))
