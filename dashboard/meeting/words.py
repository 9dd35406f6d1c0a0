"""The texts of a meeting's scenarios on the screen, in the words of the exports.

Pure: words and results of core.report.meeting in; typed text is escaped for markdown here. No
Streamlit.
"""

from collections.abc import Sequence

import pandas as pd

from core.report import phrases
from core.report.meeting import COMPARED, SCENARIO_MEASURES, ScenarioColumn, ScenarioDifference
from core.report.minutes import log_row
from core.store.meetings import MeetingDecision
from dashboard.components.sentences import Card
from dashboard.components.tables import ScreenTable
from dashboard.i18n import Words, escape_markdown

_SHARES = ("coverage", "selective_risk", "leakage")


def scenario_cards(words: Words, column: ScenarioColumn) -> list[Card]:
    """Return a scenario's figures, each with interval and n, or why it is missing."""
    return [_card(words, column, measure) for measure in COMPARED]


def _card(words: Words, column: ScenarioColumn, measure: str) -> Card:
    estimate, currency = column.measure(measure), column.used.currency
    lines = [
        phrases.missing_reason(words, column, measure)
        or phrases.interval_text(words, measure, estimate, currency)
    ]
    lines.append(phrases.evidence_basis(words, measure, estimate.n))
    value = phrases.measure_form(words, measure, estimate.bounds, currency)(estimate.value)
    label = phrases.measure_label(words, measure)
    return Card(
        f"{column.name}_{measure}",
        label,
        value,
        tuple(lines),
        words(f"meeting.measure.{measure}.help"),
    )


def scenario_heading(words: Words, column: ScenarioColumn) -> str:
    """Return in markdown a scenario's name and version."""
    texts = {"name": column.name, "version": words.number(column.frozen.version, 0)}
    return words.markdown("meeting.version", **texts)


def scenario_caption(words: Words, column: ScenarioColumn) -> str:
    """Return in markdown a scenario's summary, and who froze it when."""
    by = words("meeting.frozen", by=column.frozen.author, at=words.time(column.frozen.frozen_at))
    return (
        f"{escape_markdown(phrases.scenario_summary(words, column.used))}  \n{escape_markdown(by)}"
    )


def scenario_warnings(words: Words, columns: Sequence[ScenarioColumn]) -> list[str]:
    """Return warnings before a comparison: changed data, another currency."""
    texts = [
        words.markdown("meeting.changed", name=column.name)
        for column in columns
        if not column.unchanged
    ]
    others = [
        column.name for column in columns[1:] if column.used.currency != columns[0].used.currency
    ]
    if others:
        texts.append(words.markdown("meeting.other_currency", names=words.comma.join(others)))
    return texts


def difference_lines(words: Words, difference: ScenarioDifference, currency: str) -> str:
    """Return in markdown one scenario against the first: sentences under a heading."""
    lines = [
        f"**{words.markdown('meeting.difference', name=difference.name, base=difference.base)}**",
        "",
    ]
    lines += [
        f"- {escape_markdown(phrases.difference_sentence(words, difference, measure, currency))}"
        for measure in difference.measures
    ]
    if not difference.same_cases:
        lines += [
            "",
            words.markdown("meeting.other_cases", name=difference.name, base=difference.base),
        ]
    return "\n".join(lines)


def scenario_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return core.report.meeting.compare_frame as one row a scenario, with interval and n."""
    head = words("minutes.scenario.head")
    rows = {head: list(dict.fromkeys(frame["name"]))}
    formats: dict[str, str] = {}
    for measure in SCENARIO_MEASURES:
        measure_rows, name = (
            frame[frame["measure"] == measure],
            phrases.measure_label(words, measure),
        )
        ends = {
            "value": name,
            **{end: words(f"column.{end}", of=name) for end in ("low", "high")},
            "n": f"{name}: n",
        }
        rows |= {title: measure_rows[end].to_list() for end, title in ends.items()}
        form = "percent" if measure in _SHARES else "localized"
        formats |= {ends[end]: form for end in ("value", "low", "high")}
    return ScreenTable(pd.DataFrame(rows), formats)


def log_frame(words: Words, entries: Sequence[MeetingDecision]) -> pd.DataFrame:
    """Return the decision log, the newest first, as text that the grid shows literally."""
    heads = [
        words(f"meeting.log.{name}") for name in ("at", "author", "decision", "reason", "scenario")
    ]
    return pd.DataFrame([log_row(words, entry) for entry in reversed(entries)], columns=heads)
