"""The sentences of the page 'Monitor', in markdown. Pure: results and words in, text out."""

from core.decision.watch.report import WatchReport
from core.pipeline.watch import WatchedPolicy
from core.types import Interval
from dashboard.components.sentences import Card, leakage_percent
from dashboard.i18n import Words


def watched_name(words: Words, watched: WatchedPolicy) -> str:
    """Return the policy that the page watches, as plain text."""
    if watched.version is None:
        return words.text("monitor.threshold", t=words.number(float(watched.policy.threshold), 3))
    version = words.number(watched.version.version, 0)
    return words.text("monitor.version", name=watched.version.name, version=version)


def basis_line(words: Words, watched: WatchedPolicy, report: WatchReport) -> str:
    """Return what is watched, against what, and with which rate of false alarms."""
    key = "monitor.basis" if report.risk_limit is not None else "monitor.basis_unlimited"
    return words.markdown(
        key,
        policy=watched_name(words, watched),
        reference=words.number(report.reference_risk.n, 0),
        limit=words.percent(report.risk_limit),
        every=words.number(report.every, 0),
    )


def monitor_cards(words: Words, report: WatchReport) -> list[Card]:
    """Return cards of the leakage by audits, without labels, and by the reference's risk."""
    figures = {"audited": report.audited, "free": report.free, "stable": report.stable}
    lines = {
        "audited": words.many("monitor.card.audits", report.audits),
        "free": words("monitor.card.withdrawn" if report.withdrawn else "monitor.card.no_labels"),
        "stable": words("monitor.card.rival"),
    }
    return [
        Card(
            key=f"monitor_{name}",
            label=words(f"monitor.{name}"),
            value=leakage_percent(words, interval.value),
            help=words(f"monitor.{name}.help"),
            lines=tuple(filter(None, (_bounds(words, interval), lines[name]))),
        )
        for name, interval in figures.items()
    ]


def _bounds(words: Words, interval: Interval) -> str:
    if interval.value is None:
        return ""
    low, high = (leakage_percent(words, end) for end in interval.estimate[1:])
    return words.text("card.interval", low=low, high=high)
