"""The tab 'People' of the page 'Decide': reviewers that a day's reviews need, and waiting times.

All figures come from core.decision.staffing.headcount and core.report.people. The simulation takes
up to a second, so it waits for a button.
"""

import streamlit as st

from core.decision.thresholds.consequence import PolicyConsequence
from core.report import people
from dashboard.components import panels
from dashboard.decide import controls as decide_controls
from dashboard.decide.words import desk_answer, desk_basis, desk_cards, people_need
from dashboard.session import cache, state
from dashboard.session.address import BY_PEOPLE, Choices
from dashboard.session.context import RunContext

SIMULATED_KEY = "desk_asked"  # arguments of the last simulation; other choices need another press


def desk(context: RunContext, consequence: PolicyConsequence) -> None:
    """Draw one person's work, the full-time people that the reviews need, and the simulation.

    The simulation of the chosen number of people starts with a button.
    """
    with panels.panel("people", context.words):
        decide_controls.work(context.words, asks_reviewers=context.choices.goal != BY_PEOPLE)
        _simulation(context, consequence)


def reviewers_of(choices: Choices) -> int | None:
    """Return the people that the reader has at the desk; None looks for enough.

    A reader who chooses the threshold by people has said how many.
    """
    if choices.goal == BY_PEOPLE:
        return max(1, round(choices.goal_people))
    return choices.reviewers


def _simulation(context: RunContext, consequence: PolicyConsequence) -> None:
    words, choices, full_time = context.words, context.choices, context.full_time
    st.markdown(people_need(words, consequence.reviews_per_day, full_time))
    reviews = consequence.reviews_per_day.value
    if not reviews:
        st.info(words("people.none"))
        return
    reviewers, least = reviewers_of(choices), full_time.least(reviews)
    # plain values: they are the key of the cached result, and tell whether a choice has changed
    study = (
        choices.t,
        context.segment,
        choices.unseen,
        reviews,
        # a route sends other cases than the threshold alone, so their real weeks do not apply
        context.measured and context.applied_route is None,
        *(() if reviewers is None else (reviewers,)),
        (full_time.minutes, full_time.hours, full_time.share),
        choices.sla,
    )
    n = words.number(least if reviewers is None else reviewers, 0)
    label = words("people.simulate", n=n, t=words.number(choices.t, 3))
    st.button(
        label,
        key="simulate",
        icon=":material/groups:",
        on_click=state.set_value,
        args=(SIMULATED_KEY, (context.run_id, *study)),
    )
    # figures of other choices must not remain on the screen as if they were of these
    if state.held_or_none(SIMULATED_KEY, tuple) != (context.run_id, *study):
        st.caption(words("people.lazy"))
        return
    with st.spinner(words("people.running")):
        simulate = people.smallest_desk if reviewers is None else people.simulated_desk
        desk = cache.cached_from_predictions(
            simulate, people.DESK_COLUMNS, (context.run_id,), *study
        )
    st.markdown(desk_answer(words, desk, least))
    panels.draw_cards(desk_cards(words, desk))
    if desk.staffing.note:
        st.warning(words("people.overloaded"), icon=":material/hourglass_top:")
    st.caption(desk_basis(words, desk))
