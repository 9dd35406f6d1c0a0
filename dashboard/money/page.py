"""Money: the worth of four options, its uncertainty, and the conditions under which it holds.

Guard, controls, call, show. All figures come from core.decision and core.report; all words from the
catalogues.
"""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.decision.money import breakeven, sensitivity
from core.decision.money.appraisal import OptionAppraisal
from core.decision.money.cashflow import OPTION_NAMES, STUDENT
from core.decision.money.scenario import MoneyScenario
from core.decision.thresholds import consequence
from core.errors import SettingsError
from core.report import money
from core.report.money_start import (
    MeasuredRuns,
    default_scenario,
    measured_quantities,
    refresh_measured,
    with_unit_costs,
    with_volume,
)
from core.types import RunRecord
from dashboard.components import choice_row, controls, panels, sentences, shell
from dashboard.i18n import Words
from dashboard.money import charts as money_charts
from dashboard.money import controls as money_controls
from dashboard.money import tables as money_tables
from dashboard.money import words as money_words
from dashboard.session import cache, state
from dashboard.session.address import Choices
from dashboard.session.context import RunContext

BARS = 10  # inputs in the tornado; its table has all


@dataclass(frozen=True)
class MoneyContext:
    """The page's data: choices, measured runs, the scenario and its valuation."""

    words: Words
    choices: Choices
    facts: MeasuredRuns
    scenario: MoneyScenario
    valuation: money.ScenarioValuation
    rows: pd.DataFrame  # report.money.side_by_side

    @property
    def names(self) -> dict[str, str]:
        return money_words.option_names(self.words)

    def scaled(
        self, frame: pd.DataFrame, *columns: str, fitted: pd.DataFrame | None = None
    ) -> tuple[pd.DataFrame, float, dict[str, str]]:
        """Return money_words.axis_amounts in the currency of the choices."""
        return money_words.axis_amounts(self.words, frame, columns, self.choices.currency, fitted)

    @property
    def appraisal(self) -> OptionAppraisal:
        """Appraisal of the option that the charts detail."""
        return self.valuation.appraisals[OPTION_NAMES.index(self.choices.option)]


def draw_money_page() -> None:
    """Draw the page."""
    shell.draw_shell("money.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls; those of the scenario are below the figures that follow from it
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs)
        money_controls.setting_controls(words)
    choices = state.choices()
    controls.draw_notices(words)
    run = RunContext(words, choices, runs, record)
    facts = _facts(run)
    if STUDENT not in facts.same:
        st.info(words("money.needs_student"))
        return
    scenario, followed = _scenario(run, facts)
    if scenario is None:
        st.info(words("money.needs_labels"))
        return

    # Call and show
    valuation = cache.cached_valuation(scenario)
    context = MoneyContext(
        words, choices, facts, scenario, valuation, money.option_comparison(valuation)
    )
    _summary(context, followed)
    _inputs(context)
    state.choices()  # again: the option's widget is drawn after the first call
    _charts(context)


def _facts(run: RunContext) -> MeasuredRuns:
    choices, route = run.choices, run.applied_route
    counts = {kind: run.curve(kind, choices.segment) for kind in run.same}
    of_dataset = [
        record for record in cache.all_runs() if record.run.dataset == run.record.run.dataset
    ]
    return MeasuredRuns(
        run.same,
        counts,
        of_dataset,
        choices.t,
        choices.volume,
        choices.unseen,
        choices.minutes,
        None if route is None or run.kind != STUDENT else route.consequence(choices.t, run.terms),
    )


def _scenario(run: RunContext, facts: MeasuredRuns) -> tuple[MoneyScenario | None, bool]:
    """Return the scenario of the address or a default, and whether measured inputs are refreshed.

    Its unit costs are those of every page. The scenario is None if the address has none and these
    cases measure no risk.
    """
    choices = run.choices
    try:
        quantities = measured_quantities(facts)
    except SettingsError:
        quantities = None
    if choices.money:
        scenario = with_unit_costs(
            MoneyScenario.from_query(choices.money), run.costs, choices.minutes
        )
        measured = (quantities or {}).get("cases_per_month")
        scenario = (
            with_volume(scenario, run.per_day(choices.segment))
            if measured is None
            else scenario.changed(cases_per_month=measured)
        )
        return (
            (scenario, False)
            if quantities is None
            else (refresh_measured(scenario, quantities), True)
        )
    if quantities is None:
        return None, False
    return default_scenario(facts, run.costs), True


def _summary(context: MoneyContext, followed: bool) -> None:
    words, months, currency = context.words, context.scenario.months, context.choices.currency
    record = context.facts.same[STUDENT]
    for warning in sentences.warnings(words, record, context.facts.at(STUDENT, context.choices.t)):
        st.warning(warning, icon=":material/warning:")
    if not followed:
        st.warning(words("money.not_followed"), icon=":material/warning:")
    with st.container(border=True, key="headline"):
        st.markdown(
            f"## {money_words.money_headline(words, context.rows, months, currency)}", anchors=False
        )
    panels.draw_cards(money_words.money_cards(words, context.rows, months, currency), in_a_row=2)
    st.caption(money_words.cards_note(words, context.rows, context.valuation.drawn.draws))


def _inputs(context: MoneyContext) -> None:
    words = context.words
    frame = money.input_frame(context.scenario)
    with st.container(border=True, key="panel_inputs"):
        st.markdown(f"## {words('money.inputs')}", help=words("money.inputs.help"), anchors=False)
        counts = frame["basis"].value_counts()
        texts = {
            basis: words.number(int(counts.get(basis, 0)), 0) for basis in ("measured", "assumed")
        }
        st.caption(words.markdown("money.inputs.count", **texts))
        share = controls.counted_share(context.facts.same[STUDENT])
        money_controls.input_controls(words, context.scenario, share)
        panels.rows(
            "inputs", words, money_tables.input_table(words, frame, context.choices.currency)
        )
    money_controls.option_control(words, OPTION_NAMES[1:])


def _charts(context: MoneyContext) -> None:
    """Draw the charts one below the other."""
    _running(context)
    _cash(context)
    _monte_carlo(context)
    _tornado(context)
    _break_even(context)
    _thresholds(context)


def _running(context: MoneyContext) -> None:
    words, currency = context.words, context.choices.currency
    amounts = (*money.COST_PARTS, "monthly", "monthly_p10", "monthly_p90")
    drawn, _, signs = context.scaled(context.rows, *amounts)
    texts = words.chart_words(*(f"money.part.{part}" for part in money.COST_PARTS), "money.monthly")
    figure = money_charts.running_cost_chart(drawn, context.names, texts | signs)
    panels.chart_panel(
        "running",
        words,
        figure,
        money_tables.money_option_table(words, context.rows, currency),
        words("running.note"),
    )


def _cash(context: MoneyContext) -> None:
    words, frame, option = (
        context.words,
        money.cash_frame(context.valuation),
        context.choices.option,
    )
    texts = words.chart_words(
        "money.month", "money.cash", "money.human", "cash.band", "cash.payback"
    )
    texts |= {"payback_month": str(context.appraisal.payback.months or "")}
    drawn, _, signs = context.scaled(
        frame, "cash", "p10", "p50", "p90", fitted=frame[frame["option"] == option]
    )
    figure = money_charts.cash_chart(drawn, context.names, option, texts | signs)
    note = words.markdown("cash.note", option=context.names[option])
    panels.chart_panel(
        "cash", words, figure, money_tables.cash_table(words, frame, context.choices.currency), note
    )


def _monte_carlo(context: MoneyContext) -> None:
    words, option, currency = context.words, context.choices.option, context.choices.currency
    frame = money.npv_histogram_frame(context.valuation.drawn.npv[option])
    spread = context.valuation.drawn.spreads[OPTION_NAMES.index(option)]
    marks = {name: getattr(spread, name) for name in ("p10", "p50", "p90")}
    written = money_words.money_texts(words, [*marks.values()], currency)
    amounts = dict(zip(marks, written, strict=True))
    texts = words.chart_words(
        "money.npv", "monte_carlo.draws", "monte_carlo.loss", "monte_carlo.gain"
    )
    texts |= {name: f"{name.upper()} {amount}" for name, amount in amounts.items()}
    drawn, size, signs = context.scaled(frame, "low", "high")
    places = {name: value / size for name, value in marks.items()}
    chance = spread.chance_positive
    shares = {name: words.percent(getattr(chance, name)) for name in ("value", "low", "high")}
    basis = {"option": context.names[option], "n": words.number(chance.n, 0)}
    note = words.markdown("monte_carlo.note", **basis, **amounts, **shares)
    table = money_tables.draw_table(words, frame, currency)
    panels.chart_panel(
        "monte_carlo",
        words,
        money_charts.npv_histogram_chart(drawn, places, texts | signs),
        table,
        note,
    )


def _tornado(context: MoneyContext) -> None:
    words, option, currency = context.words, context.choices.option, context.choices.currency
    frame = money.tornado_frame(
        sensitivity.tornado_bars(context.scenario, option), context.scenario
    )
    if frame.empty:
        panels.empty_panel("tornado", words, "tornado.nothing")
        return
    # the frame is sorted, the widest bar first
    widest = frame.head(BARS)
    texts = words.chart_words("tornado.at_low", "tornado.at_high", "tornado.base", "money.npv")
    drawn, _, signs = context.scaled(widest, "at_low", "at_high", "base")
    labels = [
        f"{money_words.input_name(words, name)} · {words(basis)}"
        for name, basis in zip(widest["name"], widest["basis"], strict=True)
    ]
    written = money_words.money_texts(words, [*widest["at_low"], *widest["at_high"]], currency)
    values = {"at_low_text": written[: len(widest)], "at_high_text": written[len(widest) :]}
    figure = money_charts.tornado_chart(drawn.assign(label=labels, **values), texts | signs)
    note = words.markdown("tornado.note", option=context.names[option])
    panels.chart_panel(
        "tornado", words, figure, money_tables.tornado_table(words, frame, currency), note
    )


def _break_even(context: MoneyContext) -> None:
    words, option, currency = context.words, context.choices.option, context.choices.currency
    frame = money.break_even_frame(context.scenario, option)
    reachable = frame[frame["value"].notna() & (frame["likely"] > 0) & (frame["value"] > 0)]
    never = money_words.break_even_reasons(words, frame)
    if reachable.empty:
        panels.empty_panel("break_even", words, "break_even.nothing")
        return
    said_at = [
        money_words.amount_text(words, *pair, currency)
        for pair in zip(reachable["name"], reachable["value"], strict=True)
    ]
    labels = [
        f"{money_words.input_name(words, name)} · {value_text}"
        for name, value_text in zip(reachable["name"], said_at, strict=True)
    ]
    texts = words.chart_words(
        "break_even.range", "break_even.value", "break_even.times", "break_even.likely"
    )
    figure = money_charts.break_even_chart(reachable.assign(label=labels), texts)
    notes = (words.markdown("break_even.note", option=context.names[option]), never)
    note = "  \n".join(filter(None, notes))
    panels.chart_panel(
        "break_even", words, figure, money_tables.break_even_table(words, frame, currency), note
    )


def _thresholds(context: MoneyContext) -> None:
    words, choices = context.words, context.choices
    if choices.option == STUDENT:
        panels.empty_panel("paying", words, "paying.none")
        return
    model = "teacher" if choices.option == "teacher" else STUDENT
    if model not in context.facts.counts:
        panels.empty_panel("paying", words, "paying.missing")
        return
    # 1 case a day: the scenario has a volume of its own, and only the shares are used
    curve = consequence.consequence_curve(context.facts.counts[model], 1.0, choices.unseen)
    frame, pays = (
        money.threshold_npv(context.scenario, curve, choices.option),
        breakeven.paying_thresholds(context.scenario, curve, choices.option),
    )
    texts = words.chart_words("money.npv", "threshold", "now", "paying.best", "money.human")
    drawn, _, signs = context.scaled(frame, "npv")
    figure = money_charts.npv_threshold_chart(drawn, choices.t, pays.best, texts | signs)
    table = money_tables.money_threshold_table(words, frame, choices.currency)
    panels.chart_panel(
        "paying", words, figure, table, money_words.paying_sentence(words, pays, choices.currency)
    )
