"""Meeting: frozen scenarios side by side, shared assumptions, decisions, and minutes to export.

Guard, controls, call, show. All figures come from core.decision and core.report; all words from the
catalogues.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from core.decision.meeting.scenario import MeetingAssumptions
from core.decision.staffing.headcount import FullTime
from core.report import meeting, phrases
from core.report.exports import export_document
from core.report.minutes import minutes_document
from core.report.poc import TrialReport
from core.store.meetings import MeetingDecision, Meetings
from core.types import RunRecord
from dashboard.components import choice_row, controls, panels, shell
from dashboard.i18n import Words, escape_markdown
from dashboard.meeting import charts as meeting_charts
from dashboard.meeting import controls as meeting_controls
from dashboard.meeting import poc as meeting_poc
from dashboard.meeting import words as meeting_words
from dashboard.session import cache, state
from dashboard.session.address import Choices
from dashboard.session.context import RunContext


@dataclass(frozen=True)
class MeetingContext:
    """The page's data: choices, author, scenarios on today's counts, and the log."""

    words: Words
    choices: Choices
    author: str
    columns: list[meeting.ScenarioColumn]
    log: list[MeetingDecision]

    @property
    def currency(self) -> str:
        """Currency of the first scenario, in which money is compared."""
        return self.columns[0].used.currency


def draw_meeting_page() -> None:
    """Draw the page."""
    shell.draw_shell("meeting.title", _page, meeting_controls.large_control)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls; those of the assumptions are above the figures that follow from them
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs)
        choice_row.assumptions_chip(words, runs, record)
        controls.threshold(words)
        author = meeting_controls.author_control(words)
    notes = st.container()
    _freeze(RunContext(words, state.choices(), runs, record), author)
    frozen = cache.cached_query(meeting.frozen_scenarios)
    assumed, board = st.container(), st.container()
    if not frozen:
        board.info(words("meeting.none"), icon=":material/ac_unit:")
    else:
        with assumed:
            _assumptions(words, _columns(frozen, MeetingAssumptions()))
    present = state.present
    columns = _columns(
        frozen, MeetingAssumptions(present.m_review, present.m_escape, present.m_volume)
    )

    # Call and show
    context = MeetingContext(
        words, state.choices(), author, columns, cache.cached_query(meeting.meeting_decisions)
    )
    with notes:
        controls.draw_notices(words)
    with board:
        if columns:
            _board(context)
    _log(context)
    poc = meeting_poc.draw_trial(words, columns) if columns else None
    # again: the plan's widgets are drawn after the first call, and the minutes use their values
    context = MeetingContext(words, state.choices(), author, columns, context.log)
    if columns:
        _exports(context, poc)


def _freeze(view: RunContext, author: str) -> None:
    words, active = view.words, cache.cached_query(meeting.active_thresholds)
    policies = {"view": view.policy} | ({"active": active[1]} if active else {})
    rule_names = {"view": words("meeting.what.view")}
    rule_names |= {"active": words("meeting.what.active", name=active[0])} if active else {}
    with st.container(border=True, key="panel_freeze"):
        st.markdown(
            f"## {words('meeting_freeze')}", help=words("meeting_freeze.help"), anchors=False
        )
        form = meeting_controls.freeze_form(words, rule_names, bool(author))
        rule = phrases.policy_text(words, view.policy)
        st.caption(words("meeting.what.now", rule=rule))
        if form is None:
            return
        name, what = form
        counts = cache.cached_query(meeting.run_counts, view.run_id)
        choices = view.choices
        scenario = meeting.scenario_of(
            name,
            counts,
            policies[what],
            choices.segment,
            choices.unseen,
            choices.volume,
            view.costs,
            choices.minutes,
        )
        frozen = meeting.freeze_scenario(cache.store(), scenario, author)
        text = words("meeting.frozen_as", name=name, version=words.number(frozen.version, 0))
        st.toast(text, icon=":material/ac_unit:")
    # at once: otherwise the watch would rerun the page up to two seconds later, during typing
    st.rerun()


def _columns(
    frozen: list[meeting.FrozenScenario], assumed: MeetingAssumptions
) -> list[meeting.ScenarioColumn]:
    return [
        meeting.scenario_column(
            version, assumed, cache.cached_query(meeting.run_counts, version.scenario.run_id)
        )
        for version in frozen
    ]


def _assumptions(words: Words, columns: list[meeting.ScenarioColumn]) -> None:
    with st.container(border=True, key="panel_assumptions"):
        st.markdown(
            f"## {words('meeting.assumptions')}",
            help=words("meeting.assumptions.help"),
            anchors=False,
        )
        meeting_controls.assumption_controls(words, columns)


def _board(context: MeetingContext) -> None:
    """Draw the scenarios side by side, their chart, and the differences in words."""
    words = context.words
    for warning in meeting_words.scenario_warnings(words, context.columns):
        st.warning(warning, icon=":material/warning:")
    for place, column in zip(st.columns(len(context.columns)), context.columns, strict=True):
        with place.container(border=True, key=f"scenario_{column.name}", height="stretch"):
            _scenario(context, column)
    _compare(context)
    _differences(context)


def _scenario(context: MeetingContext, column: meeting.ScenarioColumn) -> None:
    words = context.words
    st.markdown(f"## {meeting_words.scenario_heading(words, column)}", anchors=False)
    st.caption(meeting_words.scenario_caption(words, column))
    for edit in phrases.assumption_edits(words, column):
        st.badge(escape_markdown(edit), icon=":material/edit:", color="orange")
    for card in meeting_words.scenario_cards(words, column):
        if context.choices.large:
            meeting_controls.large_card(card)
        else:
            st.metric(card.label, escape_markdown(card.value), help=card.help)
            st.caption("  \n".join(map(escape_markdown, card.lines)))


def _compare(context: MeetingContext) -> None:
    words = context.words
    frame = meeting.compare_frame(context.columns)
    # amounts in different currencies must not share an axis
    same_money = [
        column.name for column in context.columns if column.used.currency == context.currency
    ]
    drawn = frame[(frame["measure"] != "money_per_month") | frame["name"].isin(same_money)].copy()
    amounts, ends = drawn["measure"] == "money_per_month", ["value", "low", "high"]
    size, signs = words.chart_money(context.currency, drawn.loc[amounts, "high"].max())
    drawn.loc[amounts, ends] /= size
    chart_texts = (
        words.chart_words(*(f"meeting.measure.{measure}" for measure in meeting.COMPARED)) | signs
    )
    texts = {
        (column.name, m): phrases.measure_text(
            words, m, column.measure(m).value, column.used.currency
        )
        for column in context.columns
        for m in meeting.COMPARED
    }
    figure = meeting_charts.scenario_chart(drawn, texts, chart_texts, context.choices.large)
    panels.chart_panel(
        "meeting_compare",
        words,
        figure,
        meeting_words.scenario_table(words, frame),
        words("meeting_compare.note"),
    )


def _differences(context: MeetingContext) -> None:
    words, differences = context.words, meeting.scenario_differences(context.columns)
    with st.container(border=True, key="panel_differences"):
        st.markdown(f"## {words('meeting_differences')}", anchors=False)
        if not differences:
            st.info(words("meeting.one"))
            return
        for difference in differences:
            st.markdown(meeting_words.difference_lines(words, difference, context.currency))
        st.caption(words("meeting.difference.note"))


def _log(context: MeetingContext) -> None:
    words = context.words
    with st.container(border=True, key="panel_log"):
        st.markdown(f"## {words('meeting_log')}", help=words("meeting_log.help"), anchors=False)
        written = meeting_controls.decision_form(words, context.columns, bool(context.author))
        if written is not None:
            _decide(context, written)
        if context.log:
            panels.grid("rows_log", meeting_words.log_frame(words, context.log))
        else:
            st.caption(words("meeting.log.empty"))


def _decide(context: MeetingContext, written: meeting_controls.TypedDecision) -> None:
    """Store a decision; the form's token makes a second click the same decision."""
    if not (written.decision and written.reason):
        st.warning(context.words("meeting.log.fill"), icon=":material/warning:")
        return
    about = None if written.about is None else context.columns[written.about].frozen.key
    Meetings(cache.store()).add(
        state.token("decision"), written.decision, written.reason, context.author, about
    )
    state.renew("decision")
    st.rerun()


def _exports(context: MeetingContext, poc: TrialReport | None) -> None:
    # a browser may hide its time zone
    words, zone_name = context.words, st.context.timezone or "UTC"

    def make(form: str) -> bytes:
        return export_document(
            minutes_document(
                words,
                context.columns,
                context.log,
                poc,
                context.author,
                datetime.now(UTC),
                FullTime(
                    context.choices.minutes, context.choices.shift, context.choices.busy / 100
                ),
                ZoneInfo(zone_name),
            ),
            form,
        )

    with st.container(border=True, key="panel_export"):
        st.markdown(
            f"## {words('meeting_export')}", help=words("meeting_export.help"), anchors=False
        )
        meeting_controls.export_controls(words, make)
        st.caption(words("meeting_export.note"))
