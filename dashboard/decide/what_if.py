"""The tab of other conditions of the page 'Decide': another mix of cases, and a teacher between
student and person.

It reads predictions. All figures come from core.report.what_if.
"""

import streamlit as st

from core.report import what_if
from dashboard.components import controls, panels, tables
from dashboard.decide import charts as decide_charts
from dashboard.decide.words import cascade_note, mix_cards
from dashboard.session import cache, state
from dashboard.session.context import RunContext, model_name


def draw(shown: RunContext) -> None:
    """Draw both questions."""
    with st.spinner(shown.words("evidence.reading")):
        _mix(shown)
        _cascade(shown)


def _mix(shown: RunContext) -> None:
    """One kind of case comes more or less often: what the threshold in use then means, and that no
    certificate holds.
    """
    words, chosen = shown.words, shown.chosen
    counts = cache.cached_from_predictions(
        what_if.counts_by_label, what_if.MIX_COLUMNS, (shown.run_id,), shown.segment, chosen.unseen
    )
    if counts is None:
        panels.empty_panel("mix", words, "mix.missing")
        return
    seen = what_if.label_shares(counts)
    kind = state.clamp_choice("mix", list(seen), next(iter(seen)))
    share = seen[kind] if chosen.share is None else chosen.share / 100
    before, after = what_if.consequences_at_share(counts, chosen.t, kind, share, shown.terms)
    curve = what_if.share_curve(counts, chosen.t, kind, shown.terms)

    def above() -> None:
        controls.mix(words, {name: shown.kind_name(name) for name in seen}, seen[kind])
        if share != seen[kind]:
            st.warning(words("mix.certificate"), icon=":material/gpp_maybe:")
        panels.cards(mix_cards(words, before, after, chosen.currency))

    said = words.chart_words("card.review", "card.leakage", "mix.share", "mix.seen", "mix.supposed")
    figure = decide_charts.mix(curve, seen[kind], share, said)
    note = words.markdown(
        "mix.note", kind=shown.kind_name(kind), n=words.number(before.leakage.n, 0)
    )
    panels.chart("mix", words, figure, tables.share_table(words, curve), note, above)


def _cascade(shown: RunContext) -> None:
    """Student, then the teacher for what it is not sure of, then a person: from both runs of the
    same cases.
    """
    words, chosen = shown.words, shown.chosen
    missing = _missing(shown)
    if missing:
        panels.empty_panel("cascade", words, missing)
        return
    student, teacher = shown.same["student"], shown.same["teacher"]
    ids, seconds = (
        (student.run.run_id, teacher.run.run_id),
        (shown.seconds("student"), shown.seconds("teacher")),
    )
    costs = (chosen.review, chosen.escape, chosen.machine)
    fronts = cache.cached_from_predictions(
        what_if.cascade_fronts,
        what_if.CASCADE_COLUMNS,
        ids,
        shown.segment,
        chosen.unseen,
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
    said = words.chart_words(
        "cascade.with_teacher", "cascade.without", "cascade.best", "axis.leakage", "cascade.cost"
    )
    figure = decide_charts.cascade(fronts, best, said | {"symbol": words.symbol(chosen.currency)})
    note = cascade_note(words, best, model_name(words, teacher), chosen.currency)
    panels.chart(
        "cascade", words, figure, tables.cascade_table(words, fronts, chosen.currency), note
    )


def _missing(shown: RunContext) -> str:
    """The key of what keeps the cascade from being drawn; empty where nothing does."""
    if not {"student", "teacher"} <= set(shown.same):
        return "spread.missing"
    if shown.seconds("student") is None or shown.seconds("teacher") is None:
        return "cascade.no_seconds"
    return ""
