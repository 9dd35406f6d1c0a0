"""The route to a yes: which segments or answers to send to people, and the verdict after that.

The groups are chosen on some cases and evaluated on others (core.decision.thresholds.route). The
tab names them; the buttons below the verdict take the route and leave it. Where they make no yes,
`find_way` looks for one at another threshold, or at another cost of an escape.
"""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.counts.tally import scaled_interval
from core.decision.thresholds import daily_money
from core.decision.thresholds.adoption import (
    AdoptableEscape,
    adoptable_escape,
    cheapest_adoptable,
)
from core.decision.thresholds.consequence import consequence_of_thresholds
from core.decision.thresholds.costs import DAYS_PER_MONTH, CostModel
from core.decision.thresholds.route import RouteToPeople
from core.decision.thresholds.verdict import DO_NOT_ADOPT, policy_verdict
from dashboard.components import panels
from dashboard.decide.verdict import group_names
from dashboard.i18n import Words
from dashboard.session import state
from dashboard.session.address import ALL, BY_HAND
from dashboard.session.cache import cached_result
from dashboard.session.context import RunContext


@dataclass(frozen=True)
class WayToYes:
    """What would make the verdict a yes: a threshold, with the groups of `by` sent to people ("":
    none); or, where no threshold is one, a lower cost of an escape.
    """

    threshold: float
    by: str = ALL
    groups: tuple[str, ...] = ()
    escape: AdoptableEscape | None = None


def find_way(context: RunContext) -> WayToYes | None:
    """Return the cheapest threshold that is a yes, with or without groups sent to people; else the
    cost of an escape at which one is, without groups. None if there is neither.
    """
    counts, unseen = context.curve(context.kind, context.choices.segment), context.choices.unseen
    plain = cached_result(daily_money.cost_curve, counts, context.terms, unseen)
    ways: list[tuple[float, WayToYes]] = []
    if cheapest := cached_result(cheapest_adoptable, plain, context.terms):
        threshold, money = cheapest
        ways.append((money, WayToYes(threshold)))
    for route in context.routes:
        priced = cached_result(priced_route, route, context.terms)
        if cheapest := cached_result(cheapest_adoptable, priced, context.terms):
            threshold, money = cheapest
            ways.append((money, WayToYes(threshold, route.by, route.groups(threshold))))
    if ways:
        # the first of equals: without groups, if they change nothing
        return min(ways, key=lambda way: way[0])[1]
    escape = cached_result(adoptable_escape, plain, context.terms)
    return None if escape is None else WayToYes(escape.threshold, escape=escape)


def priced_route(route: RouteToPeople, terms: CostModel) -> pd.DataFrame:
    """Return the figures and the money of a route at every threshold."""
    table = consequence_of_thresholds(route.tally, terms.cases_per_day)
    return daily_money.priced_thresholds(table, terms)


def draw_route(context: RunContext, way: WayToYes | None) -> None:
    """Draw the groups to send to people, the verdict on cases that did not choose them, and the way
    to a yes where that verdict is none.
    """
    words, route = context.words, context.route
    with panels.panel("route", words):
        if route is None:
            st.info(words("route.no_labels"))
            return
        groups = route.groups(context.choices.t)
        if groups:
            _verdict(context, route, groups)
        else:
            st.markdown(words("route.none"))
        if way is not None:
            _way(context, way)


def _verdict(context: RunContext, route: RouteToPeople, groups: tuple[str, ...]) -> None:
    words, applied = context.words, context.applied_route is not None
    verdict = policy_verdict(route.consequence(context.choices.t, context.terms))
    is_no = verdict.decision == DO_NOT_ADOPT
    named = {
        "groups": group_names(words, groups),
        "verdict": words(f"verdict.{verdict.decision}"),
    }
    text = words.markdown("route.stays" if is_no else "route.groups", **named)
    saving = verdict.saving_per_day
    if saving.value is not None and not is_no:
        a_month = scaled_interval(saving, DAYS_PER_MONTH)
        write = words.money_form(a_month.bounds, context.choices.currency)
        amounts = {end: write(getattr(a_month, end)) for end in ("value", "low", "high")}
        text += words.sentence_space + words.markdown("route.saving", **amounts)
    st.markdown(text)
    st.caption(words.many("route.basis", route.folds, labelled=words.number(saving.n, 0)))
    if applied or not is_no:
        draw_route_button(context, route, "tab")


def _way(context: RunContext, way: WayToYes) -> None:
    words = context.words
    if way.escape is not None:
        st.markdown(_escape_sentence(context, way.escape))
        return
    place = {"t": words.number(way.threshold, 3), "groups": group_names(words, way.groups)}
    st.markdown(words.markdown("way.groups" if way.groups else "way.threshold", **place))
    st.caption(words("way.basis"))


def _escape_sentence(context: RunContext, escape: AdoptableEscape) -> str:
    """Return the sentence on the cost of an escape at which a threshold would be a yes."""
    words, choices = context.words, context.choices
    write = words.money_form((escape.cost, choices.escape), choices.currency)
    return words.markdown(
        "way.escape",
        t=words.number(escape.threshold, 3),
        coverage=words.percent(escape.coverage, 0),
        most=write(escape.cost),
        cost=write(choices.escape),
    )


def way_label(words: Words, way: WayToYes) -> str:
    """Return what a click on the way to a yes does: the threshold, and how many groups it sends."""
    t = words.number(way.threshold, 3)
    if way.groups:
        return words.many(f"way.take.{way.by}", len(way.groups), t=t)
    return words("way.take", t=t)


def draw_way_button(words: Words, way: WayToYes) -> None:
    """Draw the button that goes to the threshold of a yes; none where only a cost makes one."""
    if way.escape is None:
        st.button(
            way_label(words, way),
            key="way_verdict",
            type="primary",
            icon=":material/route:",
            on_click=_take_way,
            args=(way,),
            help=words("way.basis"),
        )


def _take_way(way: WayToYes) -> None:
    # by hand: a goal would offer its own threshold instead
    for name, value in (("t", way.threshold), ("route", way.by), ("goal", BY_HAND)):
        state.set_value(name, value)


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
