"""The charts of the page 'Decide', each with its table. Figures: core.decision and core.report.

The first two charts hold nothing that depends on the threshold in use; otherwise Streamlit would
redraw them at every move and lose their zoom. dashboard.decide.live draws the point in use over
them and handles clicks on their curves. The next two hold every threshold, and the browser draws
that of the handle.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import plotly.graph_objects as go

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.thresholds import consequence, daily_money
from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.daily_money import OptionCurve
from core.report import frames
from dashboard.components import charts, panels, sentences, tables
from dashboard.decide import controls as decide_controls
from dashboard.decide import mark_charts
from dashboard.decide.live import drawn
from dashboard.decide.mark_charts import CHEAPEST_MARK, Mark
from dashboard.session import cache
from dashboard.session.address import BY_CLASS
from dashboard.session.cache import cached_result
from dashboard.session.context import RunContext


def risk(context: RunContext, marks: Sequence[Mark], sentences: list[str]) -> None:
    """Draw selective risk against coverage, with the marked points.

    marks: the points. sentences: sentences about points, for the note.
    """
    words, choices = context.words, context.choices
    labelled = consequence.threshold_consequence(
        # threshold 0 accepts every case, so this counts all labels; the costs do not matter for it
        context.curve(context.kind, choices.segment),
        0.0,
        CostModel(1.0),
        choices.unseen,
    ).labelled
    if not labelled:
        panels.empty_panel("risk_coverage", words, "needs_labels")
        return
    figure, curves = risk_figure(context, marks)
    note = [words.markdown("risk_coverage.note", n=words.number(labelled, 0)), *sentences]
    panels.chart_panel(
        "risk_coverage",
        words,
        figure,
        cached_result(tables.risk_coverage_table, words, curves, context.names),
        "  \n".join(note),
    )


def risk_figure(context: RunContext, marks: Sequence[Mark]) -> tuple[go.Figure, pd.DataFrame]:
    """Return the chart of selective risk against coverage, and its frame."""
    words, choices = context.words, context.choices
    of_models = {kind: context.curve(kind, choices.segment) for kind in context.same}
    curves = cached_result(frames.risk_coverage_frame, of_models, choices.unseen)
    texts = words.chart_words("axis.coverage", "axis.risk", "now", "band", "threshold")
    texts["coincide"] = words.pattern("risk_coverage.coincide")
    figure = cached_result(
        _risk, curves, context.names, texts, *(mark for mark in marks if mark.kind != CHEAPEST_MARK)
    )
    return figure, curves


def thresholds(
    context: RunContext, costed: pd.DataFrame, cheapest: float | None, marks: Sequence[Mark]
) -> None:
    """Draw reviews, leakage and money against the threshold, with the marked points.

    context: run and choices. costed: daily_money.cost_curve. cheapest: threshold with the least
    money, None if unknown. marks: the points.
    """
    words, currency = context.words, context.choices.currency
    figure, curve = thresholds_figure(context, costed, marks)
    note = "" if cheapest is None else sentences.cheapest(words, curve, cheapest, currency)
    panels.chart_panel(
        "thresholds",
        words,
        figure,
        cached_result(tables.threshold_table, words, curve, currency),
        note,
    )


def thresholds_figure(
    context: RunContext, costed: pd.DataFrame, marks: Sequence[Mark]
) -> tuple[go.Figure, pd.DataFrame]:
    """Return the chart of reviews, leakage and money against the threshold, and its frame.

    costed: daily_money.cost_curve.
    """
    words, currency = context.words, context.choices.currency
    curve = cached_result(frames.threshold_frame, costed)
    texts = words.chart_words("axis.reviews", "axis.leakage", "axis.money", "threshold")
    size, signs = words.chart_money(currency, curve["money"].max())
    drawn_marks = [_in_unit(mark, size) for mark in marks]
    figure = cached_result(_thresholds, curve, size, texts | signs, *drawn_marks)
    return figure, curve


def _in_unit(mark: Mark, size: float) -> Mark:
    """Return the point with its money in a unit of that size."""
    money = mark.figures["money"]
    if money is None:
        return mark
    return replace(mark, figures={**mark.figures, "money": money / size})


def _risk(curves: pd.DataFrame, names: dict[str, str], words: dict[str, str], *marks: Mark):
    """Return the figure, cached for the same points.

    Nothing in it depends on the threshold in use, so the cache always serves it during moves.
    """
    return mark_charts.on_risk(charts.risk_coverage_figure(curves, names, None, words), marks)


def _thresholds(curve: pd.DataFrame, size: float, words: dict[str, str], *marks: Mark):
    """Return the figure, cached as that of `_risk` is; its money in a unit of `size`."""
    ends = ["money", "money_low", "money_high"]
    drawn_curve = curve.assign(**{end: curve[end] / size for end in ends})
    return mark_charts.on_thresholds(charts.against_threshold(drawn_curve, words), marks)


def options_panel(context: RunContext) -> None:
    """Draw money a month of each option, at the threshold in use."""
    words, currency = context.words, context.choices.currency
    # `same` begins with the chosen model; reversed, it comes last, at the bottom of the chart
    kinds = tuple(reversed(context.same))
    of_models = {kind: context.curve(kind, context.choices.segment) for kind in kinds}
    seconds = {kind: context.seconds(kind) for kind in kinds}
    per_day, unseen = context.per_day(context.choices.segment), context.choices.unseen
    models = {kind: CostModel(per_day, context.costs, seconds[kind]) for kind in kinds}
    curves = cached_result(_option_curves, of_models, models, unseen)
    names = tuple(sentences.option_name(words, curve, context.same) for curve in curves)
    data = cached_result(drawn.options_chart, words, curves, names, currency)

    def table() -> tables.ScreenTable:
        return tables.option_table(
            words, frames.option_frame(_options(context, per_day)).assign(name=names), currency
        )

    note = sentences.options_note(words, curves, context.same)
    panels.component_panel(
        "options", words, partial(drawn.live_chart, "options", data), table, note
    )


def _option_curves(
    of_models: dict[str, AcceptanceCurve], cost_models: dict[str, CostModel], unseen: bool
) -> tuple[OptionCurve, ...]:
    """Return the money curves of people alone, and of each model with people."""
    terms = next(iter(cost_models.values()))
    human = daily_money.constant_option(
        daily_money.all_human_option(terms.cases_per_day, terms.costs)
    )
    models = (
        daily_money.option_curve(k, counts, cost_models[k], unseen)
        for k, counts in of_models.items()
    )
    return human, *models


def _options(context: RunContext, per_day: float) -> list[daily_money.OptionMoney]:
    """Return money a day of each option at the threshold in use, for the table."""
    choices, options = context.choices, [daily_money.all_human_option(per_day, context.costs)]
    for kind in reversed(context.same):
        consequence_at = consequence.threshold_consequence(
            context.curve(kind, choices.segment),
            choices.t,
            CostModel(per_day, context.costs, context.seconds(kind)),
            choices.unseen,
        )
        options.append(daily_money.option_money(kind, consequence_at))
    return options


def parts_panel(context: RunContext) -> None:
    """Draw review rate and leakage of each segment, or predicted class, at the threshold in use."""
    words, choices = context.words, context.choices
    by_class = choices.by == BY_CLASS
    counts = (
        cached_result(_classes, cache.histogram(context.run_id), context.segment)
        if by_class
        else context.curve(context.kind)
    )
    data = cached_result(
        drawn.parts_chart, words, cached_result(frames.part_curves, counts, choices.unseen)
    )

    def table() -> tables.ScreenTable:
        per_day = context.per_day(choices.segment) if by_class else context.per_day()
        head = words("column.predicted_class" if by_class else "column.segment")
        miss = context.costs.reviewer_miss
        frame = frames.segment_frame(counts, choices.t, per_day, choices.unseen, miss)
        return tables.segment_table(words, frame, head)

    draw, note = partial(drawn.live_chart, "segments", data), words(f"parts.{choices.by}")
    panels.component_panel(
        "segments", words, draw, table, note, lambda: decide_controls.split(words)
    )


def _classes(histogram: Histogram, segment: str | None) -> AcceptanceCurve:
    """Return the counts of a segment, or of all, with predicted classes in place of segments."""
    return AcceptanceCurve(
        (histogram if segment is None else histogram.select(segments=(segment,))).by_class()
    )
