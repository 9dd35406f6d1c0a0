"""What the review desk comes to in words: full-time people, waits, the oldest case, broken
promises, the source of arrivals.

Pure: intervals and core.report.people's results in, strings and cards out.
"""

from core.decision.staffing.headcount import FullTime
from core.report.people import DeskResult
from core.types import Interval
from dashboard.components.sentences import Card
from dashboard.i18n import Words


def need(words: Words, reviews: Interval, full_time: FullTime) -> str:
    """Return in markdown how many full-time people so many reviews a day keep busy, with the
    interval and what it rests on.
    """
    if reviews.value is None:
        return words.markdown("people.none")
    ends = {
        end: words.number(full_time.people(getattr(reviews, end)), figures=2)
        for end in ("value", "low", "high")
    }
    each = words.number(full_time.reviews_per_day, figures=2)
    return words.markdown("people.need", n=words.number(reviews.n, 0), each=each, **ends)


def cards(words: Words, desk: DeskResult) -> list[Card]:
    """Return the figures of the desk, each a mean over the replications with its interval."""
    found = desk.staffing

    def share(value: float | None) -> str:
        return words.percent(value, 1)

    def hours(value: float | None) -> str:
        return "–" if value is None else words.text("people.hours", hours=words.number(value))

    shown = [
        ("wait_p50", found.wait_p50, hours),
        ("wait_p95", found.wait_p95, hours),
        ("oldest", found.oldest_p95, hours),
        ("breaches", found.breaches, share),
        ("breaches_week", found.breaches_per_week, words.number),
        ("utilisation", found.utilisation, share),
    ]
    return [_card(words, key, interval, show, desk) for key, interval, show in shown]


def _card(words: Words, key: str, found: Interval, show, desk: DeskResult) -> Card:
    lines = [words.text("people.replications", n=words.number(found.n, 0))]
    if found.low is not None:
        lines.insert(0, words.text("card.interval", low=show(found.low), high=show(found.high)))
    name = words(f"people.{key}", sla=words.number(desk.sla_hours))
    return Card(f"desk_{key}", name, show(found.value), tuple(lines), words(f"people.{key}.help"))


def basis(words: Words, desk: DeskResult) -> str:
    """Return in markdown what was simulated, and whether the arrivals are the run's own or assumed."""
    study = desk.study
    said = words.markdown(
        "people.basis",
        reviewers=words.number(desk.reviewers, 0),
        week=words.number(desk.per_week),
        replications=words.number(study.replications, 0),
        weeks=words.number(study.weeks, 0),
    )
    return said + words.sentence_space + words(f"arrivals.{desk.arrivals}")
