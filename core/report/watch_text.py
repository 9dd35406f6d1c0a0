"""The report on a watched stream as sentences and as JSON values, for the page and the verb.

The sentences are in core/messages/<language>/watch.po; this module chooses among them.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from core.decision.watch.adapt import ALARMED, KEEP, ThresholdProposal
from core.decision.watch.alarms import HARM, Alarm
from core.decision.watch.diagnosis import (
    BENIGN,
    LEAST_AUDITS,
    NEW_LABELS,
    QUIET,
    STALE,
    UNNAMED,
    UNPROVED,
)
from core.decision.watch.promotion import Redistillation
from core.decision.watch.report import WatchReport
from core.messages import sentence
from core.types import Interval

# The rules of core.decision.watch.diagnosis: the inputs, the audits and the labels of each cause.
_MATRIX = {
    QUIET: ("same", "quiet", "any"),
    UNPROVED: ("changed", "open", "any"),
    BENIGN: ("changed", "kept", "any"),
    NEW_LABELS: ("any", "harm", "new"),
    STALE: ("any", "harm", "known"),
    UNNAMED: ("any", "harm", "missing"),
}


@dataclass(frozen=True)
class AlarmText:
    """An alarm in words: its level and detector, what was seen, and what to do."""

    level: str
    detector: str
    cause: str
    action: str


def alarm_texts(report: WatchReport, language: str) -> list[AlarmText]:
    """Return the words of each alarm, in the order of time."""
    return [
        AlarmText(
            sentence(language, f"watch.level.{alarm.level}"),
            sentence(language, f"watch.detector.{alarm.detector}"),
            _cause(alarm, language),
            sentence(language, f"watch.action.{alarm.detector}"),
        )
        for alarm in report.alarms
    ]


def diagnosis_text(report: WatchReport, language: str) -> tuple[str, str]:
    """Return the cause of the alarms in a sentence with its figures, and what to do."""
    values = asdict(report.diagnosis) | {"limit": report.risk_limit or 0.0, "least": LEAST_AUDITS}
    cause = report.diagnosis.cause
    return (
        sentence(language, f"watch.diagnosis.{cause}", **values),
        sentence(language, f"watch.remedy.{cause}", least=LEAST_AUDITS),
    )


def diagnosis_matrix(report: WatchReport, language: str) -> pd.DataFrame:
    """Return how alarms are read: a row a cause, the report's own marked.

    Columns: mark, inputs, audits, labels, cause, remedy; all are texts in the reader's language.
    """
    rows = []
    for cause, signs in _MATRIX.items():
        names = zip(("inputs", "audits", "labels"), signs, strict=True)
        row = {name: sentence(language, f"watch.sign.{name}.{sign}") for name, sign in names}
        row["cause"] = sentence(language, f"watch.cause_name.{cause}")
        row["remedy"] = sentence(language, f"watch.remedy.{cause}", least=LEAST_AUDITS)
        rows.append({"mark": "●" if cause == report.diagnosis.cause else "", **row})
    return pd.DataFrame(rows)


def basis_text(report: WatchReport, policy: str, language: str) -> str:
    """Return what is watched, against what and with which rate of false alarms.

    policy: its name and version, or its threshold.
    """
    values = {"policy": policy, "n": report.reference_risk.n, "every": report.every}
    if report.risk_limit is None:
        return sentence(language, "watch.basis_unlimited", **values)
    return sentence(language, "watch.basis", limit=report.risk_limit, **values)


def headline_text(report: WatchReport, language: str) -> str:
    """Return the state of the stream in one sentence."""
    harm = sum(alarm.level == HARM for alarm in report.alarms)
    if harm:
        return sentence(language, "watch.state.harm", n=harm)
    if report.alarms:
        return sentence(language, "watch.state.notice", n=len(report.alarms))
    if not report.audits:
        return sentence(language, "watch.state.inputs_only", n=report.cases)
    return sentence(language, "watch.state.quiet", n=report.audits, cases=report.cases)


def note_texts(report: WatchReport, language: str) -> list[str]:
    """Return why parts of the report are empty or weak."""
    return [sentence(language, f"watch.note.{note}", n=report.audits) for note in report.notes]


def proposal_text(proposal: ThresholdProposal, language: str) -> str:
    """Return the proposal and its reason."""
    if proposal.direction == KEEP:
        return sentence(language, f"watch.keep.{proposal.reason}")
    if proposal.reason == ALARMED:
        key = "watch.propose.review_all" if proposal.shift >= 1 else "watch.propose.fallback"
        return sentence(language, key, shift=proposal.shift)
    return sentence(language, f"watch.propose.{proposal.direction}", shift=abs(proposal.shift))


def share_interval_text(interval: Interval, language: str) -> str:
    """Return a share with its interval, or that it is unknown."""
    if interval.value is None:
        return sentence(language, "watch.unknown")
    value, low, high = interval.estimate
    return sentence(language, "watch.share", value=value, low=low, high=high)


def watch_sentences(report: WatchReport, language: str) -> str:
    """Return the report for a terminal."""
    lines = [headline_text(report, language)]
    values = {
        name: share_interval_text(getattr(report, name), language)
        for name in ("free", "stable", "audited")
    }
    lines += [
        sentence(language, f"watch.figure.{name}", text=text) for name, text in values.items()
    ]
    for alarm, text in zip(report.alarms, alarm_texts(report, language), strict=True):
        day = "" if np.isnat(alarm.occurred_at) else str(alarm.occurred_at.astype("datetime64[D]"))
        lines.append(
            sentence(
                language,
                "watch.alarm",
                level=text.level,
                detector=text.detector,
                at=day or str(alarm.stop + 1),
                cause=text.cause,
                action=text.action,
            )
        )
    if report.alarms:
        cause, remedy = diagnosis_text(report, language)
        lines.append(sentence(language, "watch.diagnosed", cause=cause, remedy=remedy))
    lines.append(proposal_text(report.proposal, language))
    return "\n".join([*lines, *note_texts(report, language)])


def watch_record(report: WatchReport) -> dict:
    """Return the report as JSON values; times as ISO 8601, unknown figures as null."""
    windows = report.windows.astype(object).where(report.windows.notna(), None)
    return {
        "cases": report.cases,
        "accepted": report.accepted,
        "audits": report.audits,
        "every": report.every,
        "risk_limit": report.risk_limit,
        "reference_risk": asdict(report.reference_risk),
        "label_free": asdict(report.free),
        "stable_risk": asdict(report.stable),
        "audited": asdict(report.audited),
        "harmed": report.harmed,
        "diagnosis": asdict(report.diagnosis),
        "withdrawn": report.withdrawn,
        "alarms": [
            asdict(alarm)
            | {"occurred_at": None if np.isnat(alarm.occurred_at) else str(alarm.occurred_at)}
            for alarm in report.alarms
        ],
        "proposal": asdict(report.proposal),
        "windows": windows.to_dict("records"),
        "notes": list(report.notes),
    }


def _cause(alarm: Alarm, language: str) -> str:
    return sentence(
        language,
        f"watch.cause.{alarm.detector}",
        about=alarm.about,
        observed=alarm.observed,
        expected=alarm.expected,
        audits=alarm.audits,
        n=alarm.cases,
        needed=min(alarm.needed, 1e9),
        divergence=alarm.divergence,
    )


def replay_sentences(table: pd.DataFrame, language: str) -> str:
    """Return a table of core.pipeline.watch_steps.replay_policies for a terminal, a line a policy."""
    lines = []
    for row in table.to_dict("records"):
        leakage = Interval(row["leakage"], row["leakage_low"], row["leakage_high"], row["n"])
        values = {name: row[name] for name in ("coverage", "named", "regret")}
        lines.append(
            sentence(
                language,
                "watch.replayed",
                name=row["name"] or sentence(language, "watch.in_force"),
                leakage=share_interval_text(leakage, language),
                low=row["regret_low"],
                high=row["regret_high"],
                **values,
            )
        )
    return "\n".join(lines)


def redistilled_sentences(
    outcome: Redistillation,
    line: tuple[str, str],
    machine_hour: float,
    currency: str,
    language: str,
) -> str:
    """Return the outcome of core.pipeline.redistill for a terminal.

    line: name and run of the line. machine_hour: cost of an hour of the machine. currency: of it
    and of the outcome's saving.
    """
    verdict, cost = outcome.verdict, outcome.seconds / 3600 * machine_hour
    opened = outcome.opened or (sentence(language, "watch.no_label_opened"),)
    values = {"model": outcome.model, "n": outcome.teaching, "cases": verdict.cases}
    lines = [sentence(language, "watch.redistilled", opened=opened, **values)]
    for name, interval in (
        ("old", verdict.against_old),
        ("recalibrated", verdict.against_recalibrated),
        ("accuracy", verdict.old_accuracy),
    ):
        lines.append(
            sentence(language, f"watch.judged.{name}", text=difference_text(interval, language))
        )
    lines.append(
        sentence(language, "watch.judged.unseen", old=verdict.unseen[0], new=verdict.unseen[1])
    )
    names = dict(zip(("old", "recalibrated", "new"), verdict.ece, strict=True))
    lines.append(sentence(language, "watch.judged.ece", **names))
    spent = {"seconds": outcome.seconds, "cost": cost, "saving": outcome.saving}
    if outcome.saving > 0:
        cases = math.ceil(cost / outcome.saving)
        lines.append(sentence(language, "watch.payback", currency=currency, n=cases, **spent))
    else:
        lines.append(sentence(language, "watch.no_payback", currency=currency, **spent))
    if outcome.promoted:
        ends = {"model": outcome.model, "name": line[0], "run": line[1]}
        return "\n".join([*lines, sentence(language, "watch.promoted", **ends)])
    reasons = verdict.failed_checks or ("rehearsal",)
    why = [sentence(language, f"watch.failed.{reason}") for reason in reasons]
    return "\n".join(
        [*lines, sentence(language, "watch.not_promoted", model=outcome.model, reasons=why)]
    )


def rolled_back_sentence(name: str, model: str, language: str) -> str:
    """Return which model is in service again."""
    return sentence(language, "watch.rolled_back", name=name, model=model)


def difference_text(interval: Interval, language: str) -> str:
    """Return a difference with its interval, or that it is unknown."""
    if interval.value is None:
        return sentence(language, "watch.unknown")
    value, low, high = interval.estimate
    return sentence(language, "watch.difference", value=value, low=low, high=high)
