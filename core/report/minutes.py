"""Build the minutes of a meeting as a document: scenarios side by side, differences, assumptions,
decisions, the proof of concept.

The sentences are those of the page, from core.report.phrases. The minutes add the facts for a later
audit: run ids, hashes, versions, author and time, and which figures are assumed, measured or
synthetic. Returns a core.report.document.ReportDocument.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from core.decision.meeting.scenario import COLUMN_NAMES
from core.decision.staffing.headcount import FullTime
from core.report import phrases
from core.report.bar_charts import measure_chart
from core.report.decision_page import decision_section
from core.report.document import (
    BarChart,
    DocumentSection,
    DocumentTable,
    ReportDocument,
    TableCell,
    text_cell,
)
from core.report.meeting import COMPARED, SCENARIO_MEASURES, ScenarioColumn, scenario_differences
from core.report.phrases import ReportWords
from core.report.poc import TrialReport, trial_sentences, trial_width_chart
from core.store.meetings import MeetingDecision

# The name that benchmarks/synthetic.py gives to a dataset and model of synthetic predictions.
MADE_UP = "synthetic"


def minutes_document(
    words: ReportWords,
    columns: Sequence[ScenarioColumn],
    log: Sequence[MeetingDecision],
    poc: TrialReport | None,
    by: str,
    exported_at: datetime,
    full_time: FullTime | None = None,
    zone: tzinfo = UTC,
) -> ReportDocument:
    """Return the minutes: the decision first, then the evidence, hashes last.

    words: the words of the document's language.
    columns: the scenarios of the meeting, at least one.
    log: the decisions, the oldest first.
    poc: the proof of concept; None leaves it out.
    by: the author of the export; "" if unknown.
    exported_at: the time of the export, with a time zone.
    full_time: the work of one person at the desk; None leaves out the people.
    zone: the time zone of every time in the document.
    """
    # One zone for every time: a reader must not compare clocks of different places.
    exported_at, zone_name = (
        exported_at.astimezone(zone),
        exported_at.astimezone(zone).tzname() or "",
    )
    columns = [
        replace(
            column,
            frozen=replace(column.frozen, frozen_at=column.frozen.frozen_at.astimezone(zone)),
        )
        for column in columns
    ]
    log = [replace(entry, decided_at=entry.decided_at.astimezone(zone)) for entry in log]
    who = by or words("minutes.nobody")
    sections = [
        decision_section(words, columns, log, full_time),
        _figures(words, columns),
        *(_scenario(words, scenario_column) for scenario_column in columns),
        _differences(words, columns),
        _assumptions(words, columns),
        _log(words, log),
        *([_poc(words, poc)] if poc else []),
        _provenance(words, columns),
    ]
    made_line = words("minutes.made", at=words.time(exported_at), zone=zone_name, by=who)
    return ReportDocument(
        words.language,
        words("minutes.title"),
        made_line,
        tuple(sections),
        _notes(words, columns, made_line),
    )


def comparison_charts(
    words: ReportWords, columns: Sequence[ScenarioColumn]
) -> tuple[BarChart, ...]:
    """Return one chart a measure, a bar a scenario; money only in the currency of the first."""
    currency = columns[0].used.currency
    charts = []
    for measure in COMPARED:
        compared = [
            c for c in columns if measure != "money_per_month" or c.used.currency == currency
        ]
        names, estimates = [c.name for c in compared], [c.measure(measure) for c in compared]
        chart = measure_chart(words, measure, names, estimates, currency)
        charts.append(replace(chart, options=tuple(map(COLUMN_NAMES.index, names))))
    return tuple(charts)


def _figures(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    sentences = [
        words(
            "minutes.scenario", name=column.name, about=phrases.scenario_summary(words, column.used)
        )
        for column in columns
    ]
    changed = [
        words("meeting.changed", name=column.name) for column in columns if not column.unchanged
    ]
    return DocumentSection(
        words("meeting_compare"), (*sentences, *changed), comparison_charts(words, columns)
    )


def _scenario(words: ReportWords, column: ScenarioColumn) -> DocumentSection:
    heads = (
        words("minutes.measure"),
        words("minutes.value"),
        *(words(f"minutes.{end}") for end in ("low", "high")),
        "n",
    )
    rows = [_measure(words, column, measure) for measure in SCENARIO_MEASURES]
    frozen = words(
        "minutes.frozen",
        name=column.name,
        version=words.number(column.frozen.version, 0),
        at=words.time(column.frozen.frozen_at),
        zone=column.frozen.frozen_at.tzname() or "",
        by=column.frozen.author,
    )
    table = DocumentTable(
        (*heads, words("minutes.basis")), tuple(rows), (3, 1.7, 1.7, 1.7, 1.1, 3.2)
    )
    title = words("minutes.scenario", name=column.name, about=phrases.rule_text(words, column.used))
    return DocumentSection(
        title, (frozen, phrases.scenario_summary(words, column.used)), tables=(table,)
    )


def _measure(words: ReportWords, column: ScenarioColumn, measure: str) -> tuple[TableCell, ...]:
    estimate, currency = column.measure(measure), column.used.currency
    write = phrases.measure_form(words, measure, estimate.bounds, currency)
    cells = [
        TableCell(
            write(bound), bound, phrases.number_pattern(words, measure, write(bound), currency)
        )
        for bound in estimate.bounds
    ]
    n = TableCell(words.number(estimate.n, 0), estimate.n, "#,##0")
    why = phrases.missing_reason(words, column, measure) or phrases.evidence_basis(
        words, measure, estimate.n
    )
    return text_cell(phrases.measure_label(words, measure)), *cells, n, text_cell(why)


def _differences(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    sentences = []
    for difference in scenario_differences(columns):
        currency = columns[0].used.currency
        sentences.append(words("meeting.difference", name=difference.name, base=difference.base))
        sentences += [
            "\u00b7 " + phrases.difference_sentence(words, difference, measure, currency)
            for measure in difference.measures
        ]
        if not difference.same_cases:
            sentences.append(
                words("meeting.other_cases", name=difference.name, base=difference.base)
            )
    return DocumentSection(
        words("meeting_differences"),
        (*(sentences or [words("meeting.one")]), words("meeting.difference.note")),
    )


def _assumptions(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    keys = ("scenario.head", "assumption", "value", "frozen.head", "source")
    heads = tuple(words(f"minutes.{key}") for key in keys)
    rows = _merged(row for column in columns for row in _assumed(words, column))
    note = words("minutes.assumptions.note")
    return DocumentSection(
        words("meeting.assumptions"),
        (note,),
        tables=(DocumentTable(heads, tuple(rows), (1.2, 3.2, 2, 2, 3)),),
    )


def _merged(rows: Iterable[tuple[TableCell, ...]]) -> list[tuple[TableCell, ...]]:
    """Return the rows with those that differ only in their first cell, a scenario's name, as one."""
    names: dict[tuple[TableCell, ...], list[str]] = {}
    for name, *rest in rows:
        names.setdefault(tuple(rest), []).append(name.text)
    return [(text_cell(", ".join(of)), *rest) for rest, of in names.items()]


def _assumed(words: ReportWords, column: ScenarioColumn) -> list[tuple[TableCell, ...]]:
    names = {
        "review": "cost.review",
        "escape": "cost.escape",
        "machine_hour": "cost.machine",
        "cases_per_day": "volume",
    }
    rows = []
    for name, key in names.items():
        current, before = (
            phrases.assumption_text(words, column.used, name),
            phrases.assumption_text(words, column.frozen.scenario, name),
        )
        measured = name == "cases_per_day" and column.used.volume_basis == "measured"
        source = (
            "minutes.edited" if name in column.edited else "measured" if measured else "assumed"
        )
        measure = "reviews_per_day" if name == "cases_per_day" else "money_per_month"
        cell = TableCell(
            current,
            getattr(column.used, name),
            phrases.number_pattern(words, measure, current, column.used.currency),
        )
        rows.append(
            (
                text_cell(column.name),
                text_cell(words(key)),
                cell,
                text_cell(before),
                text_cell(words(source)),
            )
        )
    return rows + _choices(words, column)


def _choices(words: ReportWords, column: ScenarioColumn) -> list[tuple[TableCell, ...]]:
    """Return the rows of the choices and measurements other than amounts. A meeting cannot change
    them, so both columns hold the frozen text.
    """
    seconds = column.record.metrics.get("seconds_per_case")
    unseen = words("minutes.unseen.counted" if column.used.unseen else "minutes.unseen.left_out")
    measured = words("minutes.unknown") if seconds is None else words.number(seconds, figures=3)
    choices = {
        "rule": (phrases.rule_text(words, column.used), "minutes.chosen"),
        "unseen": (unseen, "minutes.chosen"),
    }
    choices |= {
        "seconds": (measured, "measured"),
        "minutes": (f"{column.used.minutes:g}", "assumed"),
        "miss": (words.percent(column.used.reviewer_miss), "assumed"),
        "retraining": (
            words.money(column.used.retraining_per_month, column.used.currency),
            "assumed",
        ),
    }
    return [
        (
            text_cell(column.name),
            text_cell(words(f"minutes.{key}")),
            text_cell(text),
            text_cell(text),
            text_cell(words(source)),
        )
        for key, (text, source) in choices.items()
    ]


def _log(words: ReportWords, log: Sequence[MeetingDecision]) -> DocumentSection:
    if not log:
        return DocumentSection(words("meeting_log"), (words("meeting.log.empty"),))
    heads = (
        words("minutes.log.at", zone=log[0].decided_at.tzname() or ""),
        *(words(f"meeting.log.{name}") for name in ("author", "decision", "reason", "scenario")),
    )
    rows = tuple(tuple(text_cell(part) for part in log_row(words, decision)) for decision in log)
    return DocumentSection(
        words("meeting_log"), tables=(DocumentTable(heads, rows, (1.7, 1.6, 3.4, 3.4, 1.4)),)
    )


def log_row(words: ReportWords, entry: MeetingDecision) -> tuple[str, ...]:
    """Return a line of the decision log: time, author, decision, reason, and the scenario's name
    and version.
    """
    about = words("meeting.log.none")
    if entry.scenario is not None:
        name = entry.scenario.removeprefix("meeting ")
        about = words("meeting.version", name=name, version=words.number(entry.scenario_version, 0))
    return words.time(entry.decided_at), entry.author, entry.decision, entry.reason, about


def _poc(words: ReportWords, poc: TrialReport) -> DocumentSection:
    basis, needs = trial_sentences(words, poc)
    chart = trial_width_chart(words, poc)
    paragraphs = (*basis, *(f"\u00b7 {need}" for need in needs), words("poc.measure"))
    return DocumentSection(words("meeting_poc"), paragraphs, (chart,) if chart else ())


def _provenance(words: ReportWords, columns: Sequence[ScenarioColumn]) -> DocumentSection:
    heads = words("minutes.scenario.head"), words("minutes.item"), words("minutes.value")
    rows = []
    for column in columns:
        frozen, run = column.used, column.record.run
        state = words("minutes.same") if column.unchanged else words("minutes.other")
        versions = ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))
        facts = {
            "run": frozen.run_id,
            "model": run.model,
            "model_hash": frozen.model_hash,
            "dataset": frozen.dataset,
        }
        facts |= {
            "inputs_hash": frozen.inputs_hash,
            "data_version": frozen.data_version,
            "state": state,
        }
        facts["versions"] = versions or words("minutes.unknown")
        # A reader must know of made-up data, and needs no line that says there are none.
        if MADE_UP in (run.dataset, run.model):
            facts["made_up"] = words("minutes.made_up.yes")
        rows += [
            (text_cell(column.name), text_cell(words(f"minutes.{key}")), text_cell(text))
            for key, text in facts.items()
        ]
    return DocumentSection(
        words("minutes.provenance"),
        (words("minutes.method"),),
        tables=(DocumentTable(heads, tuple(_merged(rows)), (1.2, 2.2, 7.7)),),
    )


def _notes(
    words: ReportWords, columns: Sequence[ScenarioColumn], origin_line: str
) -> tuple[str, ...]:
    lines = [origin_line]
    for column in columns:
        hashes = {
            name: getattr(column.used, name)
            for name in ("run_id", "model_hash", "inputs_hash", "data_version")
        }
        lines.append(
            words(
                "minutes.note",
                name=column.name,
                version=words.number(column.frozen.version, 0),
                **hashes,
            )
        )
    return tuple(lines)
