"""What a consequence says in words: the sentence at the top, the cards, and the warnings.

Pure: words, consequences and money in, strings out. What comes from cases is escaped for markdown here. It does not know
Streamlit, nor how a consequence was computed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.decision.economics import Option
from core.decision.whatif import Consequence
from core.types import Interval, RunRecord
from dashboard.i18n import Words, plain

FEW = 30  # labelled cases under which an interval is too wide to decide on


@dataclass(frozen=True)
class Card:
    """One figure: what it is, its value, its 95% interval, what it rests on, and what it means."""

    key: str
    label: str
    value: str
    interval: str
    basis: str
    help: str


def headline(words: Words, found: Consequence, cases_per_day: float) -> str:
    """Return the one sentence, in markdown, that says what the threshold does."""
    people = {"reviews": words.number(found.reviews_per_day.value), "volume": words.number(cases_per_day)}
    if not found.accepted:
        return words.markdown("headline.none", **people)
    start = words.markdown("headline.accept", coverage=words.percent(found.coverage.value, 0), **people)
    return start + words.gap + _escapes(words, found)


def _escapes(words: Words, found: Consequence) -> str:
    """Return the half of the sentence that speaks of wrong answers."""
    escapes = found.escapes_per_day
    if escapes.value is None:
        return words.markdown("headline.unlabelled")
    if escapes.value == 0:
        return words.markdown("headline.clean", n=words.number(escapes.n, 0), high=words.number(escapes.high))
    bounds = {"low": words.number(escapes.low), "high": words.number(escapes.high)}
    return words.markdown(
        "headline.escapes", escapes=words.number(escapes.value), often=frequency(words, found.leakage.value), **bounds
    )


def frequency(words: Words, share: float) -> str:
    """Return a share as a natural frequency, such as "3 in 1,000": the smallest power of ten that gives at least 3."""
    per = 10
    while share * per < 2.95 and per < 100_000:
        per *= 10
    return words("frequency", count=words.number(share * per, 0), per=words.number(per, 0))


def cards(words: Words, found: Consequence, total: Interval, currency: str) -> list[Card]:
    """Return the six figures of the screen, each with its n and 95% interval. `total` is money a day."""

    def fine(share: float | None) -> str:
        return words.percent(share, 2)

    def amount(value: float | None) -> str:
        return words.money(value, currency)

    return [
        _card(words, "coverage", found.coverage, words.percent, "basis.cases"),
        _card(words, "review", found.review_rate, words.percent, "basis.cases", found.reviews_per_day),
        _card(words, "risk", found.selective_risk, words.percent, "basis.accepted"),
        _card(words, "leakage", found.leakage, fine, "basis.labelled"),
        _card(words, "escapes", found.escapes_per_day, words.number, "basis.labelled"),
        _card(words, "money", total, amount, "basis.labelled"),
    ]


def _card(
    words: Words, key: str, found: Interval, show: Callable[[float | None], str], basis: str, per_day: Interval | None = None
) -> Card:
    """Lay out one interval; `per_day` is said beside the value."""
    value = plain(show(found.value))
    if per_day is not None and per_day.value is not None:
        value += " " + words.markdown("card.per_day", count=words.number(per_day.value))
    interval = words.markdown("card.interval", low=show(found.low), high=show(found.high)) if found.value is not None else ""
    rests_on = words.markdown(basis, n=words.number(found.n, 0))
    return Card(key, words(f"card.{key}"), value, interval, rests_on, words(f"card.{key}.help"))


def warnings(words: Words, record: RunRecord, found: Consequence) -> list[str]:
    """Return what a reader must know before trusting the figures: a run that is not done, too few labelled cases."""
    said = []
    if record.state == "running":
        said.append(_so_far(words, record))
    if record.state == "failed":
        said.append(words.markdown("warning.failed", run=record.run.run_id, cases=words.number(record.cases, 0)))
    labelled = found.leakage.n
    if labelled == 0:
        said.append(words("warning.unlabelled"))
    elif labelled < FEW:
        said.append(words.markdown("warning.few", n=words.number(labelled, 0), few=words.number(FEW, 0)))
    return said


def _so_far(words: Words, record: RunRecord) -> str:
    """Say how far a running scoring has come; runs name their number of cases in settings, when it is known."""
    cases, total = words.number(record.cases, 0), record.run.settings.get("cases")
    if isinstance(total, int):
        return words.markdown("warning.running", run=record.run.run_id, cases=cases, total=words.number(total, 0))
    return words.markdown("warning.running_unknown", run=record.run.run_id, cases=cases)


def model_name(words: Words, record: RunRecord) -> str:
    """Return what a reader calls the model of a run: the student, the teacher with its passes, the point estimate."""
    return words(f"model.{record.run.model_kind}", passes=words.number(record.run.samples, 0))


def run_name(words: Words, record: RunRecord) -> str:
    """Return a run as one line of a list: cases, model, when."""
    run = record.run
    return f"{run.dataset} · {words('role.' + run.role)} · {model_name(words, record)} · {words.time(run.created_at)}"


def options_note(words: Words, options: list[Option]) -> list[str]:
    """Return, in markdown, why an option has no figure."""
    return [words.markdown("options.missing", name=option.name, why=option.note) for option in options if option.note]
