"""The tab of other conditions of the page 'Decide': another mix of cases, and a cascade.

The cascade puts a teacher between student and person. Reads predictions, which is slow. All figures
come from core.report.what_if.
"""

import streamlit as st

from core.report import what_if
from dashboard.components import panels, tables
from dashboard.decide import charts as decide_charts
from dashboard.decide import controls as decide_controls
from dashboard.decide.words import cascade_note, mix_cards
from dashboard.session import cache, state
from dashboard.session.context import RunContext, model_name


def draw_what_if(context: RunContext) -> None:
    """Draw both questions."""
    with st.spinner(context.words("evidence.reading")):
        _mix(context)
        _cascade(context)


def _mix(context: RunContext) -> None:
    """Draw the threshold's consequence when one label becomes more or less frequent.

    A certificate does not hold for another mix, and the panel says so.
    """
    words, choices = context.words, context.choices
    counts = cache.cached_from_predictions(
        what_if.counts_by_label,
        what_if.MIX_COLUMNS,
        (context.run_id,),
        context.segment,
        choices.unseen,
    )
    if counts is None:
        panels.empty_panel("mix", words, "mix.missing")
        return
    shares = what_if.label_shares(counts)
    kind = state.clamp_choice("mix", list(shares), next(iter(shares)))
    share = shares[kind] if choices.share is None else choices.share / 100
    before, after = what_if.consequences_at_share(counts, choices.t, kind, share, context.terms)
    curve = what_if.share_curve(counts, choices.t, kind, context.terms)

    def above() -> None:
        decide_controls.mix_control(
            words, {name: context.kind_name(name) for name in shares}, shares[kind]
        )
        if share != shares[kind]:
            st.warning(words("mix.certificate"), icon=":material/gpp_maybe:")
        panels.draw_cards(mix_cards(words, before, after, choices.currency))

    chart_texts = words.chart_words(
        "card.review", "card.leakage", "mix.share", "mix.seen", "mix.supposed"
    )
    figure = decide_charts.mix_chart(curve, shares[kind], share, chart_texts)
    note = words.markdown(
        "mix.note", kind=context.kind_name(kind), n=words.number(before.leakage.n, 0)
    )
    panels.chart_panel("mix", words, figure, tables.share_table(words, curve), note, above)


def _cascade(context: RunContext) -> None:
    """Draw the cascade: student, then the teacher for unsure cases, then a person.

    Needs runs of both models on the same cases.
    """
    words, choices = context.words, context.choices
    missing = _missing(context)
    if missing:
        panels.empty_panel("cascade", words, missing)
        return
    student, teacher = context.same["student"], context.same["teacher"]
    ids, seconds = (
        (student.run.run_id, teacher.run.run_id),
        (context.seconds("student"), context.seconds("teacher")),
    )
    costs = (context.costs.per_move, choices.escape, choices.machine)
    fronts = cache.cached_from_predictions(
        what_if.cascade_fronts,
        what_if.CASCADE_COLUMNS,
        ids,
        context.segment,
        choices.unseen,
        teacher.run.samples,
        seconds,
        costs,
    )
    if not len(fronts):
        panels.empty_panel("cascade", words, "needs_labels")
        return
    best = {
        way: what_if.cheapest_cascade(fronts, way)
        for way in (what_if.WITH_TEACHER, what_if.WITHOUT)
    }
    chart_texts = words.chart_words(
        "cascade.with_teacher", "cascade.without", "cascade.best", "axis.leakage", "cascade.cost"
    )
    # money of one case: too little to be counted in larger units
    _, signs = words.chart_money(choices.currency, 0.0)
    figure = decide_charts.cascade(fronts, best, chart_texts | signs)
    note = cascade_note(words, best, model_name(words, teacher), choices.currency)
    panels.chart_panel(
        "cascade", words, figure, tables.cascade_table(words, fronts, choices.currency), note
    )


def _missing(context: RunContext) -> str:
    """Return the key of the reason why the cascade cannot be drawn; "" if it can."""
    if not {"student", "teacher"} <= set(context.same):
        return "spread.missing"
    if context.seconds("student") is None or context.seconds("teacher") is None:
        return "cascade.no_seconds"
    return ""
