"""Monitor: whether a line's stream has changed since its policy was chosen, and what to do.

Guard, controls, call, show. core.pipeline.watch reads the stream and core.decision.watch computes
the report. Two buttons change something: one records alarms of harm, which voids the certificate of
their policy, and one saves the proposed threshold as a version that a person must approve.
"""

import pandas as pd
import streamlit as st

from core.decision.thresholds.policy import Policy
from core.decision.watch.adapt import KEEP, shifted_policy
from core.decision.watch.report import WatchReport, WatchSettings
from core.errors import KakushinError
from core.pipeline.watch import (
    WatchedPolicy,
    policy_to_watch,
    timeline_events,
    watch_run,
)
from core.pipeline.watch_steps import add_proposed_policy, record_alarms, replay_policies
from core.report.watch_text import (
    alarm_texts,
    diagnosis_text,
    headline_text,
    note_texts,
    proposal_text,
)
from core.store.entries import MAX_NAME, PolicyVersion
from core.store.store import Store
from core.store.watch_events import WatchEvents
from core.types import RunRecord
from dashboard.components import choice_row, controls, panels, shell
from dashboard.i18n import Words, escape_markdown
from dashboard.monitor import charts as monitor_charts
from dashboard.monitor import tables as monitor_tables
from dashboard.monitor import words as monitor_words
from dashboard.session import cache, state
from dashboard.session.address import ALL, FALSE_ALARM_RATES, REHEARSALS

_DONE, _FAILED = "monitor_done", "monitor_failed"  # keys of the outcome of the last click
REPLAYED = (-0.1, -0.05, 0.05, 0.1)  # shifts of the thresholds that are replayed


def draw_monitor_page() -> None:
    """Draw the page."""
    shell.draw_shell("monitor.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs, segments=False)
        choice_row.assumptions_chip(words, runs, record, segments=False)
        _draw_handles(words)
    run_id = record.run.run_id
    controls.draw_notices(words)
    choices = state.choices()
    rehearsal = choices.rehearse / 100 if choices.rehearse else None
    if not record.cases:
        st.info(words("monitor.no_cases"), icon=":material/inbox:")
        return

    # Call
    settings = WatchSettings(
        every=float(choices.every), review=choices.review, escape=choices.escape
    )
    watched, report = cache.cached_query(_report, run_id, choices.t, settings, rehearsal)
    events = cache.cached_query(timeline_events, run_id)

    # Show
    if rehearsal is not None:
        st.info(
            words("monitor.rehearsed", share=words.percent(rehearsal, 0)), icon=":material/science:"
        )
    if watched.version is None:
        st.caption(words("monitor.no_policy"))
    _draw_state(words, report)
    st.caption(monitor_words.basis_line(words, watched, report))
    panels.draw_cards(monitor_words.monitor_cards(words, report))
    _draw_timeline(words, report, events)
    _draw_alarms(words, run_id, watched, report, rehearsal)
    _draw_proposal(words, run_id, watched, report)
    _draw_replay(words, run_id, choices.t, watched, settings, rehearsal, report)
    if events:
        panels.listing("monitor_events", words, monitor_tables.event_table(words, events))
    state.choices()  # again: some widgets of choices are drawn only now


def _watched_policy(store: Store, run_id: str, threshold: float) -> WatchedPolicy:
    """Return the run's policy, or a threshold that is no policy yet where it has none."""
    return policy_to_watch(store, run_id) or WatchedPolicy(Policy(threshold))


def _report(
    store: Store, run_id: str, threshold: float, settings: WatchSettings, rehearsal: float | None
) -> tuple[WatchedPolicy, WatchReport]:
    watched = _watched_policy(store, run_id, threshold)
    return watched, watch_run(store, run_id, watched, settings, rehearsal)


def _recorded(version: PolicyVersion) -> bool:
    """Return whether an alarm of harm about the version is open."""
    return cache.cached_query(_is_void, version.name, version.version)


def _is_void(store: Store, name: str, version: int) -> bool:
    return WatchEvents(store).open_harm(name, version) is not None


def _draw_handles(words: Words) -> None:
    """Draw the rate of false alarms and the rehearsal."""
    rates: dict[object, str] = {
        n: words.text("monitor.every_n", n=words.number(n, 0)) for n in FALSE_ALARM_RATES
    }
    hint = words("monitor.every.help")
    controls.select(words("monitor.every"), rates, "every", help=hint, width=220)
    shares: dict[object, str] = {
        n: words.text("monitor.rehearse_n", share=words.percent(n / 100, 0)) for n in REHEARSALS
    }
    shares[0] = words("monitor.rehearse_no")
    hint = words("monitor.rehearse.help")
    controls.select(words("monitor.rehearse"), shares, "rehearse", help=hint, width=220)


def _draw_state(words: Words, report: WatchReport) -> None:
    """Draw the state in one sentence, and why parts are empty."""
    text = escape_markdown(headline_text(report, words.language))
    if report.harmed:
        st.error(text, icon=":material/warning:")
    elif report.alarms:
        st.warning(text, icon=":material/visibility:")
    elif report.audits:
        st.success(text, icon=":material/check_circle:")
    else:
        st.info(text, icon=":material/info:")
    for note in note_texts(report, words.language):
        st.caption(escape_markdown(note))


def _draw_timeline(words: Words, report: WatchReport, events: list) -> None:
    windows, levels = monitor_tables.positioned(report)
    named = {
        name: words(f"monitor.detector.{name}")
        for name in ("class", "confidence", "risk", "residual")
    }
    figure = monitor_charts.timeline(
        windows,
        levels,
        monitor_tables.event_points(words, report, events),
        words.chart_words(
            *("monitor.leakage", "monitor.free", "monitor.stable", "monitor.audited"),
            *("monitor.band", "monitor.level", "monitor.limit", "monitor.events", "monitor.time"),
            "monitor.order",
            *("monitor.audits", "monitor.harm", "monitor.notice", "monitor.policy"),
            "monitor.distil",
        ),
        named,
        report.withdrawn,
    )
    panels.chart_panel(
        "monitor_timeline",
        words,
        figure,
        monitor_tables.window_table(words, report),
        words("monitor.levels_note"),
    )


def _draw_alarms(
    words: Words,
    run_id: str,
    watched: WatchedPolicy,
    report: WatchReport,
    rehearsal: float | None,
) -> None:
    """Draw what the alarms mean, each with its cause, and the button that records harm."""
    if not report.alarms:
        return
    with panels.panel("monitor_alarms", words):
        cause, remedy = map(escape_markdown, diagnosis_text(report, words.language))
        st.markdown(f":material/stethoscope: **{cause}**  \n{remedy}")
        for alarm, text in zip(report.alarms, alarm_texts(report, words.language), strict=True):
            mark = ":material/warning:" if alarm.level == "harm" else ":material/visibility:"
            place = monitor_tables.alarm_place(words, alarm)
            title, cause, action = map(
                escape_markdown,
                (f"{place} · {text.level} · {text.detector}", text.cause, text.action),
            )
            st.markdown(f"{mark} **{title}**  \n{cause}  \n{action}")
        if watched.version is not None and _recorded(watched.version):
            st.caption(words("monitor.is_void"))
        elif report.harmed and rehearsal is None and watched.version is not None:
            st.button(
                words("monitor.record"),
                key="monitor_record",
                on_click=_record,
                args=(run_id, watched, report),
                help=words("monitor.record.help"),
                icon=":material/gpp_bad:",
            )
        panels.rows("monitor_alarm_rows", words, monitor_tables.alarm_table(words, report))
        panels.lazy_expander(
            "monitor_diagnosis",
            words("monitor.diagnosis"),
            lambda: panels.grid(
                "rows_monitor_diagnosis", monitor_tables.diagnosis_table(words, report)
            ),
        )


def _draw_proposal(words: Words, run_id: str, watched: WatchedPolicy, report: WatchReport) -> None:
    """Draw the proposal, and the form that saves it as a version."""
    with panels.panel("monitor_proposal", words):
        st.markdown(escape_markdown(proposal_text(report.proposal, words.language)))
        _draw_outcome(words)
        if report.proposal.direction == KEEP:
            return
        if watched.version is None:
            st.caption(words("monitor.save_first"))
            return
        author = st.text_input(
            words("monitor.author"), max_chars=MAX_NAME, key="monitor_author", width=320
        )
        st.button(
            words("monitor.save"),
            key="monitor_save",
            disabled=not author,
            on_click=_save,
            args=(run_id, watched, report, author, words.language),
            icon=":material/edit_note:",
        )


def _draw_replay(
    words: Words,
    run_id: str,
    t: float,
    watched: WatchedPolicy,
    settings: WatchSettings,
    rehearsal: float | None,
    report: WatchReport,
) -> None:
    """Draw what looser and stricter thresholds would have done from a day on."""
    if not report.audits:
        panels.empty_panel("monitor_replay", words, "monitor.replay_no_audits")
        return
    starts: dict[str, str] = {ALL: words("monitor.since_first")}
    for start in report.windows["start"].iloc[1:].dropna():
        starts[str(start.date())] = words.date(start)
    state.clamp_choice("since", list(starts), ALL)
    with panels.panel("monitor_replay", words):
        since = controls.select(words("monitor.since"), starts, "since", width=320) or None
        table = cache.cached_query(_replayed, run_id, t, settings, since, rehearsal)
        labels = [monitor_words.watched_name(words, watched)] + [
            words.text("monitor.moved", shift=f"{float(name):+.2f}".replace("-", "−"))
            for name in table["name"][1:]
        ]
        currency = state.choices().currency
        rows = monitor_tables.replay_table(words, table.assign(name=labels), currency)
        panels.grid("rows_monitor_replay", rows)
        st.caption(words("monitor.replay_note"))


def _replayed(
    store: Store,
    run_id: str,
    threshold: float,
    settings: WatchSettings,
    since: str | None,
    rehearsal: float | None,
) -> pd.DataFrame:
    watched = _watched_policy(store, run_id, threshold)
    others = {str(shift): shifted_policy(watched.policy, shift) for shift in REPLAYED}
    return replay_policies(store, run_id, watched, others, settings, since, rehearsal)


def _draw_outcome(words: Words) -> None:
    failed, done = state.take(_FAILED, KakushinError), state.take(_DONE, str)
    if isinstance(failed, KakushinError):
        st.error(
            words.markdown("problem", sentence=words.error_text(failed)), icon=":material/error:"
        )
    if done:
        st.success(words(f"monitor.done.{done}"), icon=":material/check:")


def _record(run_id: str, watched: WatchedPolicy, report: WatchReport) -> None:
    """Record the alarms of harm; a callback. A second click records nothing again."""
    try:
        record_alarms(cache.store(), run_id, watched, report)
        state.set_value(_DONE, "recorded")
    except KakushinError as error:
        state.set_value(_FAILED, error)


def _save(
    run_id: str, watched: WatchedPolicy, report: WatchReport, author: str, language: str
) -> None:
    """Save the proposal as a version of the policy; a callback."""
    reason = proposal_text(report.proposal, language)[:MAX_NAME]
    try:
        add_proposed_policy(cache.store(), run_id, watched, report.proposal.shift, author, reason)
        state.set_value(_DONE, "saved")
    except KakushinError as error:
        state.set_value(_FAILED, error)
