"""Evidence: calibration, comparison of models, change over time, certificate, spread of one pass.

Guard, controls, call, show. All figures come from core.report.evidence and core.report.frames; all
words from the catalogues. Each panel draws its own controls: their values are known before they are
drawn (dashboard.session.state.take_in_address).
"""

from dataclasses import dataclass, replace
from functools import partial

import pandas as pd
import streamlit as st

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.certificate.claims import SELECTIVE_RISK, Certificate
from core.decision.thresholds import consequence
from core.decision.thresholds.costs import CostModel
from core.errors import SettingsError
from core.report import evidence, frames
from core.types import OUTCOMES, RunRecord
from dashboard.components import (
    certificate_words,
    charts,
    choice_row,
    controls,
    panels,
    sentences,
    shell,
    tables,
)
from dashboard.components.active_policy import level_terms
from dashboard.evidence import charts as evidence_charts
from dashboard.i18n import Words, escape_markdown
from dashboard.session import cache, state
from dashboard.session.context import RunContext

# key, among the model kinds, of the point estimate at its fitted temperature
TEMPERED_KIND = "temperature"
PLAIN = "linear"  # the model kind that is the reference of the others
BEFORE = (0, 0)  # key of the calibration period; the others are (year, half)


@dataclass(frozen=True)
class EvidenceContext(RunContext):
    """The run of the page, with the point estimate at its fitted temperature."""

    scaled: Histogram | None = None  # counts of the point estimate at its temperature, all segments
    temperature: str = ""  # what it was fitted on, or why there is none
    temperature_terms: tuple[str, ...] = ()  # about the temperature, in nats

    def counts(self) -> dict[str, Histogram]:
        """Return the counts of each model in the chosen segment, and of temperature scaling."""
        curves = {
            kind: self.picked(cache.histogram(record.run.run_id))
            for kind, record in self.same.items()
        }
        return curves if self.scaled is None else curves | {TEMPERED_KIND: self.picked(self.scaled)}

    def picked(self, counts: Histogram) -> Histogram:
        """Return the counts of the chosen segment, empty if it has none."""
        if self.segment is None:
            return counts
        return counts.select(segments=(self.segment,) if self.segment in counts.segments else ())

    def curve_names(self) -> dict[str, str]:
        """Return model kind -> display name, with that of temperature scaling."""
        scaled = {} if self.scaled is None else {TEMPERED_KIND: self.words("model.temperature")}
        return self.names | scaled


def draw_evidence_page() -> None:
    """Draw the page."""
    shell.draw_shell("evidence.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs)
    context = EvidenceContext(words, state.choices(), runs, record)

    # Call and show
    _headline(context)
    _rival(context)
    with st.spinner(words("evidence.reading")):
        context = _with_temperature(context)
    _curves(context)
    _shift(context)
    _certificate(context)
    spread_terms = _spreads(context)
    terms = [level_terms(words), *context.temperature_terms, *spread_terms]
    draw_terms = partial(st.markdown, "  \n".join(terms))
    panels.lazy_expander("ev_terms", words("tab.terms"), draw_terms, ":material/menu_book:")


def _headline(context: EvidenceContext) -> None:
    words, choices = context.words, context.choices
    counts = cache.cumulative(context.record.run.run_id, choices.segment)
    controls.draw_notices(words)
    for warning in sentences.warnings(
        words,
        context.record,
        consequence.threshold_consequence(counts, choices.t, CostModel(1.0), choices.unseen),
    ):
        st.warning(warning, icon=":material/warning:")
    summary = evidence.calibration_summary(counts.histogram, choices.unseen)
    with st.container(border=True, key="headline"):
        texts = certificate_words.calibration_headline(
            words, context.model, summary, _untrained(counts), choices.unseen
        )
        st.markdown(f"## {texts}", anchors=False)


def _rival(context: EvidenceContext) -> None:
    """Draw whether the model is worth more than the plainest one, or how to train that one."""
    words, rival = context.words, context.same.get(PLAIN)
    if context.record.run.model_kind == PLAIN:
        return
    if rival is None:
        st.caption(words("rival.none"))
        return
    verdict = cache.cached_from_predictions(
        evidence.rival_verdict,
        evidence.EVIDENCE_COLUMNS["rival"],
        (context.record.run.run_id, rival.run.run_id),
        context.record.run.labels,
        context.model,
        context.names[PLAIN],
    )
    if verdict.nll.value is not None:
        text = escape_markdown(verdict.sentence(words.language))
        (st.warning if verdict.winner == "rival" else st.info)(text, icon=":material/balance:")


def _with_temperature(context: EvidenceContext) -> EvidenceContext:
    """Return the context with the point estimate's temperature, or the reason for its absence.

    The temperature is fitted on the calibration run and applied to these cases: fitting it on the
    cases that it is judged on would flatter it.
    """
    words, point, fitted_on = (
        context.words,
        context.same.get("point"),
        context.calibration.get("point"),
    )
    if point is None or fitted_on is None:
        return replace(
            context,
            temperature=words("temperature.no_point" if point is None else "temperature.no_run"),
        )
    try:
        columns, labels = evidence.EVIDENCE_COLUMNS["temperature"], fitted_on.run.labels
        temperature = cache.cached_from_predictions(
            evidence.fitted_temperature, columns, (fitted_on.run.run_id,), labels
        )
    except SettingsError as error:
        return replace(
            context,
            temperature=words.markdown("temperature.no_fit", sentence=words.error_text(error)),
        )
    columns = evidence.EVIDENCE_COLUMNS["scaled_counts"]
    counts = cache.cached_from_predictions(
        evidence.scaled_counts, columns, (point.run.run_id,), temperature.value.value
    )
    return replace(
        context,
        scaled=counts,
        temperature=certificate_words.temperature_sentence(words, temperature, fitted_on, point),
        temperature_terms=(certificate_words.temperature_terms(words, temperature),),
    )


def _curves(context: EvidenceContext) -> None:
    """Draw reliability, and risk against coverage, of all models on the same cases."""
    words, unseen, counts, names = (
        context.words,
        context.choices.unseen,
        context.counts(),
        context.curve_names(),
    )
    trusted = {kind: evidence.calibration_summary(curve, unseen) for kind, curve in counts.items()}
    n = max(curve.accuracy.n for curve in trusted.values())
    if not n:
        for key in ("ev_reliability", "ev_risk"):
            panels.empty_panel(key, words, "needs_labels")
        return
    sources = certificate_words.source_runs(words, n, context.same.values())

    bins, _ = frames.reliability_frame(counts, unseen)
    titles = {
        kind: certificate_words.ece_panel_title(words, names[kind], curve.ece)
        for kind, curve in trusted.items()
    }
    texts = words.chart_words(
        "axis.confidence", "axis.accuracy", "calibration.perfect", "column.cases"
    )
    figure = evidence_charts.reliability_chart(bins, titles, texts)
    note = "  \n".join([words("ev_reliability.note"), context.temperature, sources])
    panels.chart_panel(
        "ev_reliability", words, figure, tables.reliability_table(words, bins, names), note
    )

    cumulative = {kind: AcceptanceCurve(curve) for kind, curve in counts.items()}
    curves = frames.risk_coverage_frame(cumulative, unseen)
    curve = consequence.threshold_consequence(
        cumulative[context.record.run.model_kind], context.choices.t, CostModel(1.0), unseen
    )
    in_use = {"coverage": curve.coverage.value, "risk": curve.selective_risk.value}
    texts = words.chart_words("axis.coverage", "axis.risk", "now", "band", "threshold")
    texts["coincide"] = words.pattern("risk_coverage.coincide")
    figure = charts.risk_coverage_figure(curves, names, in_use, texts, banded=tuple(names))
    panels.chart_panel(
        "ev_risk",
        words,
        figure,
        tables.risk_coverage_table(words, curves, names),
        f"{words('ev_risk.note')}  \n{sources}",
    )


def _shift(context: EvidenceContext) -> None:
    words, choices, run_id = context.words, context.choices, context.record.run.run_id

    def above() -> None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            controls.threshold(words)
            controls.period(words)

    with st.spinner(words("evidence.reading")):
        periods = cache.cached_from_predictions(
            evidence.by_period, evidence.EVIDENCE_COLUMNS["by_period"], (run_id,), choices.period
        )
    before, records = context.own_calibration, [context.record]
    # the page may be about the calibration run itself, which is no earlier period
    if before is not None and before.run.run_id != run_id:
        periods, records = (
            # first, since the chart draws periods in this order
            {BEFORE: cache.histogram(before.run.run_id)} | periods,
            [before, context.record],
        )
    picked = {period: context.picked(counts) for period, counts in periods.items()}
    table = evidence.shift_frame(picked, choices.t, choices.unseen)
    names = pd.Series(
        [certificate_words.period_name(words, *period) for period in picked], dtype=object
    )
    # a period with few labels has an interval too wide to compare
    enough = table["labelled"] >= sentences.LEAST_LABELLED
    # the calibration period alone shows no change
    if not enough[table["year"] > 0].any():
        panels.empty_panel("ev_shift", words, "shift.nothing", above)
        return
    drawn = table[enough].reset_index(drop=True)
    labels = [
        f"{name}<br>n = {words.number(n, 0)}"
        for name, n in zip(names[enough], drawn["labelled"], strict=True)
    ]
    texts = words.chart_words("shift.accuracy", "shift.ece", "shift.coverage", "shift.risk") | {
        "cases": words("column.labelled")
    }
    begins = bool(drawn["year"].iloc[0] == 0)  # with the calibration period
    figure = evidence_charts.shift_chart(drawn, labels, begins, texts)
    small = dict(zip(names[~enough], table.loc[~enough, "labelled"], strict=True))
    note = [
        words.markdown("ev_shift.note", model=context.model),
        words("ev_shift.before") if begins else "",
        certificate_words.excluded_periods(words, small, sentences.LEAST_LABELLED),
        certificate_words.source_runs(words, int(table["labelled"].sum()), records),
    ]
    panels.chart_panel(
        "ev_shift",
        words,
        figure,
        tables.shift_table(words, table, list(names)),
        "  \n".join(filter(None, note)),
        above,
    )


def _certificate(context: EvidenceContext) -> None:
    words, choices, record = context.words, context.choices, context.own_calibration
    if record is None:
        panels.empty_panel(
            "ev_certificate", words, "certificate.no_run", lambda: controls.promise(words)
        )
        return
    counts = AcceptanceCurve(context.picked(cache.histogram(record.run.run_id)))
    curve = evidence.certificate_frame(counts, choices.measure, choices.unseen)
    if not len(curve):
        panels.empty_panel(
            "ev_certificate", words, "certificate.no_labels", lambda: controls.promise(words)
        )
        return
    try:
        certificate = cache.certificate(record.run, choices, context.segment)
    except SettingsError as error:
        sentence = words.error_text(error)
        panels.empty_panel(
            "ev_certificate", words, "certificate.refused", lambda: _refused(words, sentence)
        )
        return

    def above() -> None:
        controls.promise(words)
        box, icon = (
            (st.success, "verified")
            if isinstance(certificate, Certificate)
            else (st.warning, "block")
        )
        box(certificate_words.certificate_sentence(words, certificate), icon=f":material/{icon}:")

    texts = words.chart_words("threshold", "band", "certificate.target", "certificate.certified")
    texts["risk"] = words("axis.risk" if choices.measure == SELECTIVE_RISK else "axis.leakage")
    threshold = certificate.threshold if isinstance(certificate, Certificate) else None
    figure = evidence_charts.certificate_chart(curve, choices.target, threshold, texts)
    note = "  \n".join(
        certificate_words.certificate_basis(
            words, certificate, record, context.model, _untrained(counts), choices.unseen
        )
    )
    panels.chart_panel(
        "ev_certificate",
        words,
        figure,
        tables.certificate_table(words, curve, choices.measure),
        note,
        above,
    )


def _refused(words: Words, sentence: str) -> None:
    controls.promise(words)
    st.warning(words.markdown("certificate.because", sentence=sentence), icon=":material/block:")


def _spreads(context: EvidenceContext) -> list[str]:
    """Draw the student's uncertainty against the teacher's; return the differences in nats."""
    words = context.words
    student, teacher = (context.same.get(kind) for kind in ("student", "teacher"))
    if student is None or teacher is None:
        panels.empty_panel("ev_spread", words, "spread.missing")
        return []
    with st.spinner(words("evidence.reading")):
        ids = (student.run.run_id, teacher.run.run_id)
        agreement = cache.cached_from_predictions(
            evidence.spread_agreement, evidence.EVIDENCE_COLUMNS["spreads"], ids, context.segment
        )
    n = agreement["epistemic"].error.n
    # a correlation needs two cases
    if n < 2:
        panels.empty_panel("ev_spread", words, "spread.missing")
        return []
    names = {part: words(f"spread.{part}") for part in evidence.SPREADS}
    texts = names | {"student": words("spread.student"), "teacher": words("spread.teacher")}
    figure = evidence_charts.spread_chart(
        {part: spread.cells for part, spread in agreement.items()},
        texts | words.chart_words("column.cases", "spread.perfect"),
    )
    cells = pd.concat(
        [spread.cells.assign(part=names[part]) for part, spread in agreement.items()],
        ignore_index=True,
    )
    note = [
        certificate_words.spread_sentence(words, part, spread) for part, spread in agreement.items()
    ]
    note.append(words.markdown("ev_spread.note", passes=words.number(teacher.run.samples, 0)))
    note.append(certificate_words.source_runs(words, n, [student, teacher], "spread.sources"))
    panels.chart_panel(
        "ev_spread", words, figure, tables.spread_table(words, cells), "  \n".join(note)
    )
    return [
        certificate_words.spread_terms(words, part, spread) for part, spread in agreement.items()
    ]


def _untrained(counts: AcceptanceCurve) -> int:
    """Return the number of cases whose label the model was not trained on."""
    return int(counts.accepted[OUTCOMES.index("unseen"), 0])
