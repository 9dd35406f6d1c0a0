"""The route to a yes: which segments or classes to send to people, and the verdict after that.

The groups are chosen on some cases and evaluated on others (core.decision.thresholds.verdict).
Reads predictions, which is slow, so only an open tab draws it.
"""

import pandas as pd
import streamlit as st

from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import DAYS_PER_MONTH
from core.decision.thresholds.verdict import RouteToPeople, cross_fitted_route, policy_verdict
from core.errors import NoCasesError
from dashboard.components import panels
from dashboard.session import cache
from dashboard.session.context import RunContext

COLUMNS = ("segment", "predicted", "outcome", "confidence", "epistemic")
NAMED = 8  # groups that the sentence names; it counts the rest


def draw_route(context: RunContext) -> None:
    """Draw the groups to send to people, and the verdict on cases that did not choose them."""
    words, choices = context.words, context.choices
    with panels.panel("route", words):
        try:
            route = cache.cached_from_predictions(
                find_route,
                COLUMNS,
                (context.run_id,),
                choices.t,
                choices.by,
                context.terms,
                context.segment,
                choices.unseen,
            )
        except NoCasesError as error:
            st.info(words.error_text(error))
            return
        if not route.groups:
            st.markdown(words("route.none"))
            return
        verdict = policy_verdict(route.consequence)
        names = list(route.groups[:NAMED])
        # a policy may name hundreds of groups
        if len(route.groups) > NAMED:
            names.append(words.many("route.more", len(route.groups) - NAMED))
        text = words.markdown(
            "route.groups",
            groups=words.comma.join(name or words("segment.all") for name in names),
            verdict=words(f"route.{verdict.decision}"),
        )
        saving = verdict.saving_per_day
        if saving.value is not None:
            amounts = {
                end: words.money(getattr(saving, end) * DAYS_PER_MONTH, choices.currency)
                for end in ("value", "low", "high")
            }
            text += words.sentence_space + words.markdown("route.saving", **amounts)
        st.markdown(text)
        st.caption(words.many("route.basis", route.folds, labelled=words.number(saving.n, 0)))


def find_route(
    cases: pd.DataFrame,
    threshold: float,
    by: str,
    terms: CostModel,
    segment: str | None,
    unseen: bool,
) -> RouteToPeople:
    """Return the route at one threshold. Raises NoCasesError.

    cases: COLUMNS, one row a case. by: "class" or "segment". terms: volume and costs. segment: None
    for all. unseen: whether cases whose label the model was not trained on count.
    """
    counted = cases["outcome"].ne("unseen") | unseen
    if segment is not None:
        counted &= cases["segment"].eq(segment)
    return cross_fitted_route(cases[counted], Policy(threshold), by, terms)
