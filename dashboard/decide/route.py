"""The route to a yes: which segments or answers to send to people, and the verdict after that.

The groups are chosen on some cases and evaluated on others (core.decision.thresholds.route). The
tab names them; the buttons below the verdict take the route and leave it.
"""

import streamlit as st

from core.counts.tally import scaled_interval
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.route import RouteToPeople, route_to_people
from core.decision.thresholds.verdict import policy_verdict
from core.errors import NoCasesError
from dashboard.components import panels
from dashboard.decide.verdict import group_names
from dashboard.session import state
from dashboard.session.address import ALL
from dashboard.session.cache import cached_result
from dashboard.session.context import RunContext


def draw_route(context: RunContext) -> None:
    """Draw the groups to send to people, and the verdict on cases that did not choose them."""
    words, choices = context.words, context.choices
    with panels.panel("route", words):
        try:
            route = cached_result(
                route_to_people,
                context.curve(context.kind, choices.segment).histogram,
                choices.by,
                context.costs,
                choices.unseen,
            )
        except NoCasesError as error:
            st.info(words.error_text(error))
            return
        groups = route.groups(choices.t)
        if not groups:
            st.markdown(words("route.none"))
            return
        _verdict(context, route, groups)
        draw_route_button(context, route, "tab")


def _verdict(context: RunContext, route: RouteToPeople, groups: tuple[str, ...]) -> None:
    words = context.words
    verdict = policy_verdict(route.consequence(context.choices.t, context.terms))
    text = words.markdown(
        "route.groups",
        groups=group_names(words, groups),
        verdict=words(f"verdict.{verdict.decision}"),
    )
    saving = verdict.saving_per_day
    if saving.value is not None:
        a_month = scaled_interval(saving, DAYS_PER_MONTH)
        write = words.money_form(a_month.bounds, context.choices.currency)
        amounts = {end: write(getattr(a_month, end)) for end in ("value", "low", "high")}
        text += words.sentence_space + words.markdown("route.saving", **amounts)
    st.markdown(text)
    st.caption(words.many("route.basis", route.folds, labelled=words.number(saving.n, 0)))


def draw_route_button(context: RunContext, route: RouteToPeople, place: str) -> None:
    """Draw the button that sends the groups to people, or the one that takes them back.

    place: tells the buttons of one page apart.
    """
    words, groups = context.words, route.groups(context.choices.t)
    if context.choices.route == route.by:
        label, target = words("route.leave"), ALL
    else:
        label = words.many(f"route.take.{route.by}", len(groups))
        target = route.by
    st.button(
        label,
        key=f"route_{place}",
        type="primary" if target else "secondary",
        icon=":material/groups:",
        on_click=state.set_value,
        args=("route", target),
        help=words("route.help"),
    )
