"""Decide: what a threshold means in people, wrong answers and money, and whether confidence can be trusted.

Guard, controls, call, show. All figures come from core.decision and core.report; all words from the catalogues.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.decision import economics, whatif
from core.decision.handles import Handles
from core.decision.histogram import Cumulative
from core.decision.policy import Terms
from core.decision.presets import preset_thresholds
from core.report import frames, selection
from core.types import OUTCOMES, RunRecord
from dashboard import charts, controls, live, panels, sentences, shell, state, tables
from dashboard.address import ALL, Choices
from dashboard.i18n import Words
from dashboard.kept import kept
from dashboard.views import starts

VOLUME_UNKNOWN = 100.0  # cases a day, assumed where the cases have no dates


@dataclass(frozen=True)
class Shown:
    """What the page is about: the choices, the run, the runs of the same cases by model kind, and the volume they stand for."""

    words: Words
    chosen: Choices
    record: RunRecord
    same: dict[str, RunRecord]  # the chosen run first
    volume: float  # cases a day of the whole run

    @property
    def names(self) -> dict[str, str]:
        """Model kind -> what a reader calls it."""
        return {kind: sentences.model_name(self.words, record) for kind, record in self.same.items()}

    @property
    def costs(self) -> economics.UnitCosts:
        chosen = self.chosen
        return economics.UnitCosts(chosen.review, chosen.escape, chosen.machine, chosen.currency)

    def counts(self, kind: str, segment: str = ALL) -> Cumulative:
        """Cumulative counts of the run of a model kind."""
        return state.cumulative(self.same[kind].run.run_id, segment)

    def per_day(self, segment: str = ALL) -> float:
        """Cases a day that count: the run's volume times their share of the run's cases."""
        return (
            self.volume
            * _counted(self.counts(self.record.run.model_kind, segment), self.chosen.unseen)
            / max(1, self.record.cases)
        )

    def seconds(self, kind: str) -> float | None:
        """Measured seconds a case of a model kind."""
        return self.same[kind].metrics.get("seconds_per_case")


def page() -> None:
    """Draw the page."""
    shell.page("decide.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls; notices stand above them, so their place is made first
    top = st.container()
    with st.sidebar:
        controls.data(
            words, selection.listed(runs), lambda run_id: state.histogram(run_id).segments, selection.first(runs).run.run_id
        )
    places = _places(words)
    shown = _shown(words, runs)

    # Call and show
    kind = shown.record.run.model_kind
    counts, per_day = shown.counts(kind, shown.chosen.segment), shown.per_day(shown.chosen.segment)
    found = whatif.consequence(counts, shown.chosen.t, per_day, shown.chosen.unseen)
    with top:
        controls.notices(words)
        for warning in sentences.warnings(words, shown.record, found):
            st.warning(warning, icon=":material/warning:")
    if not found.cases:
        top.info(sentences.headline(words, found))
        return
    costed = kept(economics.cost_curve, counts, per_day, shown.costs, shown.seconds(kind), shown.chosen.unseen)
    _starts(shown, per_day, places)
    with places["handle"]:
        _handle(shown, found, costed)
    with places["charts"]:
        _charts(shown, runs, found, costed)


def _places(words: Words) -> dict:
    """Draw the controls of the page's body, and return the places of what follows from all choices, in reading order."""
    start, number = st.columns([3, 1], vertical_alignment="bottom")
    with number:
        controls.threshold(words)
    handle, limits, charts_below = st.container(), starts.draw_limits(words), st.container()
    return {"start": start, "handle": handle, "limits": limits, "charts": charts_below, "sides": starts.draw_compare(words)}


def _shown(words: Words, runs: list[RunRecord]) -> Shown:
    """Draw the controls that need the run, and gather all choices."""
    run_id = state.chosen("run")
    record = next(record for record in runs if record.run.run_id == run_id)
    same = selection.same_cases(runs, record)
    measured = whatif.cases_per_day(record.cases, record.first_at, record.last_at)
    with st.sidebar:
        controls.costs(words)
        controls.measured(words, list(same.values()), measured, VOLUME_UNKNOWN)
    chosen = state.choices()
    volume = next(v for v in (chosen.volume, measured, VOLUME_UNKNOWN) if v is not None)
    return Shown(words, chosen, record, same, volume)


def _starts(shown: Shown, per_day: float, places: dict) -> None:
    """Show what the presets, the limits and the comparison come to, all on one set of counts."""
    words, chosen, run_id = shown.words, shown.chosen, shown.record.run.run_id
    terms = Terms(per_day, shown.costs, shown.seconds(shown.record.run.model_kind))
    handles = Handles(state.joint(run_id, chosen.segment, chosen.unseen), terms)
    thresholds = preset_thresholds(handles)
    with places["start"]:
        controls.presets(words, thresholds)
    with places["limits"]:
        starts.limits(words, chosen, handles)
    with places["sides"]:
        starts.sides(words, chosen, run_id, state.histogram(run_id), thresholds)


def _handle(shown: Shown, found: whatif.Consequence, costed: pd.DataFrame) -> None:
    """The live handle; money is left out of it where the run measured no time, as in the cards."""
    words, kind, currency = shown.words, shown.record.run.model_kind, shown.chosen.currency
    money = economics.option(kind, found, shown.costs, shown.seconds(kind))
    known = costed if shown.seconds(kind) is not None else costed.assign(money=np.nan, money_low=np.nan, money_high=np.nan)
    cards = sentences.cards(words, found, money.total_per_day, currency)
    live.handle(words, found, sentences.headline(words, found), cards, known, currency)


def _charts(shown: Shown, runs: list[RunRecord], found: whatif.Consequence, costed: pd.DataFrame) -> None:
    """Show the charts one below the other, so that each keeps its width beside the sidebar of a small screen."""
    _risk(shown, found)
    _thresholds(shown, costed)
    _options(shown)
    _segments(shown)
    _calibration(shown, runs)


def _risk(shown: Shown, found: whatif.Consequence) -> None:
    words = shown.words
    if not found.labelled:
        panels.nothing("risk_coverage", words, "needs_labels")
        return
    of_models = {kind: shown.counts(kind, shown.chosen.segment) for kind in shown.same}
    curves = kept(frames.risk_coverage_frame, of_models, shown.chosen.unseen)
    now = {"coverage": found.coverage.value, "risk": found.selective_risk.value}
    figure = charts.risk_coverage(curves, shown.names, now, words.of("axis.coverage", "axis.risk", "now", "band", "threshold"))
    note = words.markdown("risk_coverage.note", n=words.number(found.labelled, 0))
    panels.chart("risk_coverage", words, figure, kept(tables.risk_coverage, words, curves, shown.names), note)


def _thresholds(shown: Shown, costed: pd.DataFrame) -> None:
    words, chosen = shown.words, shown.chosen
    cheapest = economics.cheapest_threshold(costed)
    curve = kept(frames.threshold_frame, costed)
    said = words.of("axis.reviews", "axis.leakage", "axis.money", "threshold", "now", "cheapest") | {
        "symbol": words.symbol(chosen.currency)
    }
    note = "" if cheapest is None else sentences.cheapest(words, curve, cheapest, chosen.currency)
    panels.chart(
        "thresholds",
        words,
        charts.against_threshold(curve, chosen.t, cheapest, said),
        kept(tables.thresholds, words, curve, chosen.currency),
        note,
    )


def _options(shown: Shown) -> None:
    words, chosen = shown.words, shown.chosen
    per_day = shown.per_day(chosen.segment)
    options = [economics.all_human(per_day, shown.costs)]
    for kind in reversed(shown.same):
        found = whatif.consequence(shown.counts(kind, chosen.segment), chosen.t, per_day, chosen.unseen)
        options.append(economics.option(kind, found, shown.costs, shown.seconds(kind)))
    frame = frames.option_frame(options)
    frame["name"] = [sentences.option_name(words, option, shown.same) for option in options]
    said = words.of("part.review", "part.inference", "part.escapes", "part.total") | {"symbol": words.symbol(chosen.currency)}
    note = sentences.options_note(words, options, shown.same)
    panels.chart("options", words, charts.options(frame, said), tables.options(words, frame, chosen.currency), note)


def _segments(shown: Shown) -> None:
    words, chosen = shown.words, shown.chosen
    counts = shown.counts(shown.record.run.model_kind)
    frame = frames.segment_frame(counts, chosen.t, shown.per_day(), chosen.unseen)
    figure = charts.by_segment(frame, words.of("card.review", "card.leakage"))
    panels.chart("segments", words, figure, tables.segments(words, frame))


def _calibration(shown: Shown, runs: list[RunRecord]) -> None:
    words = shown.words
    found = selection.calibration_of(runs, shown.same)
    if not found:
        panels.nothing("calibration", words, "calibration.missing")
        return
    counts = {kind: state.histogram(record.run.run_id) for kind, record in found.items()}
    frame, errors = kept(frames.reliability_frame, counts)
    names = {
        kind: words("calibration.legend", model=shown.names[kind], ece=words.number(ece, 3), n=words.number(n, 0))
        for kind, (ece, n) in errors.items()
    }
    said = words.of("axis.confidence", "axis.accuracy", "calibration.perfect", "column.cases")
    note = words.markdown("calibration.note", n=words.number(max(n for _, n in errors.values()), 0))
    figure, table = kept(charts.reliability, frame, names, said), kept(tables.reliability, words, frame, shown.names)
    panels.chart("calibration", words, figure, table, note)


def _counted(counts: Cumulative, unseen: bool) -> int:
    """Cases that count: all, or all whose label the model was trained on."""
    by_outcome = pd.Series(counts.accepted[:, 0], index=OUTCOMES)
    return int(by_outcome.sum() if unseen else by_outcome.drop("unseen").sum())
