"""The tables of the page 'Monitor': the report's windows, alarms, events and a replay."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.decision.watch.alarms import Alarm
from core.decision.watch.report import WatchReport
from core.pipeline.watch import TimelineEvent
from core.report.watch_text import alarm_texts, diagnosis_matrix
from dashboard.components.sentences import leakage_percent
from dashboard.components.tables import ScreenTable
from dashboard.i18n import DASH, Words

LEAKAGE_FIGURES = ("free", "stable", "audited")


def positioned(report: WatchReport) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the report's windows and levels with a column x: the time, or the case's number."""
    windows, levels = report.windows, report.levels
    if len(windows) and not windows[["start", "end"]].isna().any(axis=None):
        middle = windows["start"] + (windows["end"] - windows["start"]) / 2
        return windows.assign(x=middle), levels.assign(x=levels["at"] if len(levels) else [])
    middle = (windows["first"] + windows["last"]) / 2 + 1 if len(windows) else []
    return windows.assign(x=middle), levels.assign(x=levels["position"] + 1 if len(levels) else [])


def event_points(
    words: Words, report: WatchReport, events: Sequence[TimelineEvent]
) -> pd.DataFrame:
    """Return the timeline's events inside the stream's time: x, kind, text."""
    texts = alarm_texts(report, words.language)
    rows = [
        {
            "x": alarm.stop + 1 if np.isnat(alarm.occurred_at) else alarm.occurred_at,
            "kind": alarm.level,
            "text": f"{text.detector} · {text.cause}",
        }
        for alarm, text in zip(report.alarms, texts, strict=True)
    ]
    first, last = _span(report)
    for event in events:
        moment = pd.Timestamp(event.occurred_at).tz_convert(None)
        if first is not None and last is not None and first <= moment <= last:
            kind = "distil" if event.kind == "distil" else "policy"
            rows.append({"x": moment, "kind": kind, "text": _event_name(words, event)})
    return pd.DataFrame(rows, columns=["x", "kind", "text"])


def window_table(words: Words, report: WatchReport) -> ScreenTable:
    """Return a row a window: its cases and audits, and the three figures of leakage."""
    rows = report.windows
    columns = {
        words("monitor.from"): [
            _day(words, x, n) for x, n in zip(rows["start"], rows["first"], strict=True)
        ],
        words("monitor.to"): [
            _day(words, x, n) for x, n in zip(rows["end"], rows["last"], strict=True)
        ],
        words("column.cases"): rows["n"],
        words("monitor.accepted"): rows["accepted"],
        words("monitor.audits"): rows["audits"],
    }
    formats = {}
    for name in LEAKAGE_FIGURES:
        for end in ("", "_low", "_high"):
            title = words(f"monitor.{name}") + (words(f"monitor.end{end}") if end else "")
            columns[title] = rows[f"{name}{end}"]
            formats[title] = "percent"
    return ScreenTable(pd.DataFrame(columns), formats)


def alarm_table(words: Words, report: WatchReport) -> ScreenTable:
    """Return a row an alarm: when, what, how many cases, the cause, and what to do."""
    texts = alarm_texts(report, words.language)
    rows = [
        {
            words("monitor.at"): _day(words, alarm.occurred_at, alarm.stop),
            words("monitor.level"): text.level,
            words("monitor.detector"): text.detector,
            words("column.cases"): alarm.cases,
            words("monitor.audits"): alarm.audits,
            words("monitor.needed"): round(min(alarm.needed, 1e9)),
            words("monitor.repeats"): alarm.repeats,
            words("monitor.cause"): text.cause,
            words("monitor.todo"): text.action,
        }
        for alarm, text in zip(report.alarms, texts, strict=True)
    ]
    return ScreenTable(pd.DataFrame(rows), {})


def diagnosis_table(words: Words, report: WatchReport) -> pd.DataFrame:
    """Return how alarms are read together: a row a cause, the present one marked."""
    heads = {name: words(f"monitor.sign.{name}") for name in ("mark", "inputs", "audits", "labels")}
    heads |= {"cause": words("monitor.cause"), "remedy": words("monitor.todo")}
    return diagnosis_matrix(report, words.language).rename(columns=heads)


def alarm_place(words: Words, alarm: Alarm) -> str:
    """Return the day of an alarm, or the number of its case where days are unknown."""
    return _day(words, alarm.occurred_at, alarm.stop)


def event_table(words: Words, events: Sequence[TimelineEvent]) -> ScreenTable:
    """Return the steps of policies and the distillations, newest first."""
    rows = [
        {
            words("monitor.at"): words.time(event.occurred_at),
            words("monitor.event"): words(f"monitor.event.{event.kind}"),
            words("monitor.what"): _event_name(words, event),
            words("monitor.author"): event.author or DASH,
        }
        for event in reversed(events)
    ]
    return ScreenTable(pd.DataFrame(rows), {})


def replay_table(words: Words, table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Return a table of core.pipeline.watch_steps.replay_policies as texts, money in `currency`.

    An estimate and its interval share a cell: in cells of their own they would not fit the page.
    """
    columns: dict[str, list[str]] = {}
    for row in table.itertuples():
        amounts = (row.regret, row.regret_low, row.regret_high)
        money = words.money_form(amounts, currency)
        leakage = (row.leakage, row.leakage_low, row.leakage_high)
        cells = {
            "monitor.thresholds": row.name,
            "monitor.replay_coverage": words.percent(row.coverage, 2),
            "monitor.replay_leakage": _ranged(words, [leakage_percent(words, x) for x in leakage]),
            "monitor.named": words.number(row.named, 0),
            "monitor.regret": _ranged(words, [money(x) for x in amounts]),
            "monitor.hindsight": words.number(row.hindsight, 3),
        }
        for head, cell in cells.items():
            columns.setdefault(words(head), []).append(cell)
    return pd.DataFrame(columns)


def _ranged(words: Words, figures: Sequence[str]) -> str:
    """Return an estimate with its low and high end."""
    value, low, high = figures
    return words.text("ranged", value=value, low=low, high=high)


def _event_name(words: Words, event: TimelineEvent) -> str:
    if event.version is None:
        return event.name
    return words.text("monitor.version", name=event.name, version=words.number(event.version, 0))


def _span(report: WatchReport) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    if not len(report.windows):
        return None, None
    first, last = report.windows["start"].iloc[0], report.windows["end"].iloc[-1]
    return (None, None) if pd.isna(first) or pd.isna(last) else (first, last)


def _day(words: Words, moment: object, position: int) -> str:
    """Return the day of a time, or the case's number if it has no time."""
    if pd.isna(moment):
        return words.text("monitor.case_number", n=words.number(position + 1, 0))
    return words.date(pd.Timestamp(moment))
