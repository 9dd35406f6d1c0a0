"""The minutes of a meeting as a document: scenarios side by side, differences, assumptions,
decisions, the proof of concept.

Says what the page says, through core.report.phrases, and adds what an auditor asks a year later:
run ids, hashes, versions, who made it and when, what is assumed, what is measured, and what is made
up. Returns a core.report.document.Document.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from core.decision.staffing.headcount import FullTime
from core.report import phrases
from core.report.decision_page import decision_section
from core.report.document import (
    BarChart,
    DocumentSection,
    DocumentTable,
    ReportDocument,
    TableCell,
    text_cell,
)
from core.report.meeting import COMPARED, MEASURES, ScenarioColumn, scenario_differences
from core.report.phrases import ReportWords
from core.report.poc import TrialReport, trial_sentences, trial_width_chart
from core.store.meetings import MeetingDecision

# what benchmarks/synthetic.py calls a dataset and model of made-up predictions
MADE_UP = "synthetic"


def minutes_document(
    words: ReportWords,
    columns: Sequence[ScenarioColumn],
    log: Sequence[MeetingDecision],
    poc: TrialReport | None,
    by: str,
    at: datetime,
    full_time: FullTime | None = None,
    zone: tzinfo = UTC,
) -> ReportDocument:
    """Return the minutes: the decision first, then the evidence, hashes last.

    by: who exports them, "" where no name is known; at: the time; full_time: what one person at the
    desk does, None for a decision page without people; zone: of every time in the document.
    """
    at, zone_name = at.astimezone(zone), at.astimezone(zone).tzname() or ""
    columns = [
        replace(column, frozen=replace(column.frozen, at=column.frozen.at.astimezone(zone)))
        for column in columns
    ]
    log = [replace(entry, at=entry.at.astimezone(zone)) for entry in log]
    who = by or words("minutes.nobody")
    sections = [
        decision_section(words, columns, log, full_time),
        _figures(words, columns),
        *(_scenario(words, one) for one in columns),
        _differences(words, columns),
        _assumptions(words, columns),
        _log(words, log),
        *([_poc(words, poc)] if poc else []),
        _provenance(words, columns),
    ]
    made = words("minutes.made", at=words.time(at), zone=zone_name, by=who)
    return ReportDocument(
        words.language, words("minutes.title"), made, tuple(sections), _notes(words, columns, made)
    )


def comparison_charts(
    words: ReportWords, columns: Sequence[ScenarioColumn]
) -> tuple[BarChart, ...]:
    """One chart a measure, a bar a scenario; money only of scenarios in the first one's currency."""
    currency = columns[0].used.currency
    charts = []
    for measure in COMPARED:
        kept = [c for c in columns if measure != "money_per_month" or c.used.currency == currency]
        found = [one.measure(measure) for one in kept]
        texts = tuple(phrases.measure_text(words, measure, one.value, currency) for one in found)
        ends = (tuple(getattr(one, end) for one in found) for end in ("value", "low", "high"))
        pattern = phrases.number_pattern(words, measure, texts[0], currency)
        charts.append(
            BarChart(
                phrases.measure_label(words, measure),
                tuple(c.name for c in kept),
                *ends,
                texts,
                pattern,
            )
        )
    return tuple(charts)


def _figures(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    said = [
        words("minutes.scenario", name=one.name, about=phrases.scenario_summary(words, one.used))
        for one in columns
    ]
    changed = [words("meeting.changed", name=one.name) for one in columns if not one.unchanged]
    return DocumentSection(
        words("meeting_compare"), (*said, *changed), comparison_charts(words, columns)
    )


def _scenario(words: ReportWords, one: ScenarioColumn) -> DocumentSection:
    heads = (
        words("minutes.measure"),
        words("minutes.value"),
        *(words(f"minutes.{end}") for end in ("low", "high")),
        "n",
    )
    rows = [_measure(words, one, measure) for measure in MEASURES]
    frozen = words(
        "minutes.frozen",
        name=one.name,
        version=words.number(one.frozen.version, 0),
        at=words.time(one.frozen.at),
        zone=one.frozen.at.tzname() or "",
        by=one.frozen.author,
    )
    table = DocumentTable(
        (*heads, words("minutes.basis")), tuple(rows), (3, 1.7, 1.7, 1.7, 1.1, 3.2)
    )
    title = words("minutes.scenario", name=one.name, about=phrases.rule_text(words, one.used))
    return DocumentSection(
        title, (frozen, phrases.scenario_summary(words, one.used)), tables=(table,)
    )


def _measure(words: ReportWords, one: ScenarioColumn, measure: str) -> tuple[TableCell, ...]:
    found, currency = one.measure(measure), one.used.currency
    shown = [
        phrases.measure_text(words, measure, getattr(found, end), currency)
        for end in ("value", "low", "high")
    ]
    numbers = [getattr(found, end) for end in ("value", "low", "high")]
    cells = [
        TableCell(said, number, phrases.number_pattern(words, measure, said, currency))
        for said, number in zip(shown, numbers, strict=True)
    ]
    n = TableCell(words.number(found.n, 0), found.n, "#,##0")
    why = phrases.missing_reason(words, one, measure) or phrases.evidence_basis(
        words, measure, found.n
    )
    return text_cell(phrases.measure_label(words, measure)), *cells, n, text_cell(why)


def _differences(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    said = []
    for found in scenario_differences(columns):
        currency = columns[0].used.currency
        said.append(words("meeting.difference", name=found.name, base=found.base))
        said += [
            "\u00b7 " + phrases.difference_sentence(words, found, measure, currency)
            for measure in found.measures
        ]
        if not found.same_cases:
            said.append(words("meeting.other_cases", name=found.name, base=found.base))
    return DocumentSection(
        words("meeting_differences"),
        (*(said or [words("meeting.one")]), words("meeting.difference.note")),
    )


def _assumptions(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    heads = (words("minutes.scenario.head"), words("minutes.assumption"), words("minutes.value"))
    heads = (*heads, words("minutes.frozen.head"), words("minutes.source"))
    rows = [row for one in columns for row in _assumed(words, one)]
    note = words("minutes.assumptions.note")
    return DocumentSection(
        words("meeting.assumptions"),
        (note,),
        tables=(DocumentTable(heads, tuple(rows), (1.2, 3.2, 2, 2, 3)),),
    )


def _assumed(words: ReportWords, one: ScenarioColumn) -> list[tuple[TableCell, ...]]:
    names = {
        "review": "cost.review",
        "escape": "cost.escape",
        "machine_hour": "cost.machine",
        "cases_per_day": "volume",
    }
    rows = []
    for name, key in names.items():
        now, before = (
            phrases.assumption_text(words, one.used, name),
            phrases.assumption_text(words, one.frozen.scenario, name),
        )
        measured = name == "cases_per_day" and one.used.volume_basis == "measured"
        source = "minutes.edited" if name in one.edited else "measured" if measured else "assumed"
        measure = "reviews_per_day" if name == "cases_per_day" else "money_per_month"
        cell = TableCell(
            now,
            getattr(one.used, name),
            phrases.number_pattern(words, measure, now, one.used.currency),
        )
        rows.append(
            (
                text_cell(one.name),
                text_cell(words(key)),
                cell,
                text_cell(before),
                text_cell(words(source)),
            )
        )
    return rows + _choices(words, one)


def _choices(words: ReportWords, one: ScenarioColumn) -> list[tuple[TableCell, ...]]:
    """What was chosen or measured beside the amounts; the meeting cannot change it, so it stands as
    it was frozen.
    """
    seconds = one.record.metrics.get("seconds_per_case")
    unseen = words("minutes.unseen.counted" if one.used.unseen else "minutes.unseen.left_out")
    measured = words("minutes.unknown") if seconds is None else words.number(seconds, figures=3)
    found = {
        "rule": (phrases.rule_text(words, one.used), "minutes.chosen"),
        "unseen": (unseen, "minutes.chosen"),
    }
    found |= {"seconds": (measured, "measured")}
    return [
        (
            text_cell(one.name),
            text_cell(words(f"minutes.{key}")),
            text_cell(said),
            text_cell(said),
            text_cell(words(source)),
        )
        for key, (said, source) in found.items()
    ]


def _log(words: ReportWords, log: Sequence[MeetingDecision]) -> DocumentSection:
    if not log:
        return DocumentSection(words("meeting_log"), (words("meeting.log.empty"),))
    heads = (
        words("minutes.log.at", zone=log[0].at.tzname() or ""),
        *(words(f"meeting.log.{name}") for name in ("author", "decision", "reason", "scenario")),
    )
    rows = tuple(tuple(text_cell(part) for part in log_row(words, one)) for one in log)
    return DocumentSection(
        words("meeting_log"), tables=(DocumentTable(heads, rows, (1.7, 1.6, 3.4, 3.4, 1.4)),)
    )


def log_row(words: ReportWords, one: MeetingDecision) -> tuple[str, ...]:
    """When, who, what, why, and the scenario's name and version: a line of the decision log."""
    about = words("meeting.log.none")
    if one.scenario is not None:
        name = one.scenario.removeprefix("meeting ")
        about = words("meeting.version", name=name, version=words.number(one.scenario_version, 0))
    return words.time(one.at), one.author, one.decision, one.reason, about


def _poc(words: ReportWords, poc: TrialReport) -> DocumentSection:
    known, needs = trial_sentences(words, poc)
    chart = trial_width_chart(words, poc)
    said = (*known, *(f"\u00b7 {one}" for one in needs), words("poc.measure"))
    return DocumentSection(words("meeting_poc"), said, (chart,) if chart else ())


def _provenance(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    heads = words("minutes.scenario.head"), words("minutes.item"), words("minutes.value")
    rows = []
    for one in columns:
        frozen, run = one.used, one.record.run
        state = words("minutes.same") if one.unchanged else words("minutes.other")
        versions = ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))
        found = {
            "run": frozen.run_id,
            "model": run.model,
            "model_hash": frozen.model_hash,
            "dataset": frozen.dataset,
        }
        found |= {
            "inputs_hash": frozen.inputs_hash,
            "data_version": frozen.data_version,
            "state": state,
        }
        found |= {
            "versions": versions or words("minutes.unknown"),
            "made_up": words(f"minutes.made_up.{_made_up(one)}"),
        }
        rows += [
            (text_cell(one.name), text_cell(words(f"minutes.{key}")), text_cell(said))
            for key, said in found.items()
        ]
    return DocumentSection(
        words("minutes.provenance"),
        (words("minutes.method"),),
        tables=(DocumentTable(heads, tuple(rows), (1.2, 2.2, 7.7)),),
    )


def _made_up(one: ScenarioColumn) -> str:
    run = one.record.run
    return "yes" if MADE_UP in (run.dataset, run.model) else "no"


def _notes(words: ReportWords, columns: Sequence[ScenarioColumn], made: str) -> tuple[str, ...]:
    lines = [made]
    for one in columns:
        hashes = {
            name: getattr(one.used, name)
            for name in ("run_id", "model_hash", "inputs_hash", "data_version")
        }
        lines.append(
            words(
                "minutes.note", name=one.name, version=words.number(one.frozen.version, 0), **hashes
            )
        )
    return tuple(lines)
