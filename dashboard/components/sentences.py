"""Consequences in words: cards, warnings, and the names of runs and options.

Pure: words, consequences and money in, strings out. Text from cases is escaped for markdown here;
cards are plain text. Knows neither Streamlit nor how a consequence was computed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.daily_money import ALL_HUMAN, OptionCurve, OptionMoney
from core.decision.thresholds.volume import run_volume
from core.types import Interval, RunRecord
from dashboard.i18n import Words
from dashboard.session.context import model_name

LEAST_LABELLED = 30  # labelled cases under which an interval is too wide to decide on


@dataclass(frozen=True)
class Card:
    """One figure as plain text: name, value, lines below it (interval, n), and its meaning."""

    key: str
    label: str
    value: str
    lines: tuple[str, ...]
    help: str


def frequency(words: Words, share: float) -> str:
    """Return a share as a natural frequency, such as "3 in 1,000".

    The base is the smallest power of ten that gives at least 3.
    """
    per = 10
    # not 3: 2.95 would be written as 3 anyway. The bound ends the loop for a share near 0.
    while share * per < 2.95 and per < 100_000:
        per *= 10
    return words("frequency", count=words.number(share * per, 0), per=words.number(per, 0))


def leakage_percent(words: Words, share: float | None) -> str:
    """Return a leakage to a hundredth of a percent; it is small beside the shares on a page."""
    return words.percent(share, 2)


def consequence_cards(
    words: Words, result: PolicyConsequence, total: Interval, currency: str
) -> list[Card]:
    """Return six cards, each with its n and 95% interval.

    words: the catalogue. result: the consequence. total: money a month. currency: of `total`.
    """

    return [
        _card(
            words,
            "coverage",
            result.coverage,
            words.percent,
            "basis.cases",
            _often(words, result.coverage),
        ),
        _card(
            words,
            "review",
            result.review_rate,
            words.percent,
            "basis.cases",
            _a_day(words, result.reviews_per_day),
        ),
        _card(
            words,
            "risk",
            result.selective_risk,
            words.percent,
            "basis.accepted",
            _often(words, result.selective_risk),
        ),
        _card(
            words,
            "leakage",
            result.leakage,
            partial(leakage_percent, words),
            "basis.labelled",
            _often(words, result.leakage),
        ),
        _card(words, "escapes", result.slips_per_month, words.number, "basis.labelled"),
        _card(words, "money", total, words.money_form(total.bounds, currency), "basis.labelled"),
    ]


def _card(
    words: Words,
    key: str,
    result: Interval,
    show: Callable[[float | None], str],
    basis: str,
    first: str | None = None,
) -> Card:
    """Return the card of one interval; `first` says the same in another unit, above it."""
    lines = [words.text(basis, n=words.number(result.n, 0))]
    if result.value is not None:
        lines.insert(0, words.text("card.interval", low=show(result.low), high=show(result.high)))
    return Card(
        key,
        words(f"card.{key}"),
        show(result.value),
        tuple(filter(None, (first, *lines))),
        words(f"card.{key}.help"),
    )


def _often(words: Words, share: Interval) -> str | None:
    """Return a share as a frequency; None for 0 and None, which no frequency expresses."""
    return words.text("card.often", often=frequency(words, share.value)) if share.value else None


def _a_day(words: Words, result: Interval) -> str | None:
    if result.value is None:
        return None
    count, low, high = (words.number(value, figures=3) for value in result.estimate)
    return words.text("card.per_day", count=count, low=low, high=high)


def warnings(words: Words, record: RunRecord, result: PolicyConsequence) -> list[str]:
    """Return warnings about the figures: an unfinished run, too few labelled cases."""
    texts = []
    if record.state == "running":
        texts.append(_so_far(words, record))
    elif record.state == "failed":
        texts.append(
            words.markdown(
                "warning.failed", run=record.run.run_id, cases=words.number(record.cases, 0)
            )
        )
    # without any label the risks are dashes, which need no warning
    if 0 < result.labelled < LEAST_LABELLED:
        texts.append(
            words.markdown(
                "warning.few",
                n=words.number(result.labelled, 0),
                few=words.number(LEAST_LABELLED, 0),
            )
        )
    return texts


def _so_far(words: Words, record: RunRecord) -> str:
    """Return how far a running scoring is; its settings hold the total if it is known."""
    cases, total = words.number(record.cases, 0), record.run.settings.get("cases")
    if isinstance(total, int):
        return words.markdown(
            "warning.running", run=record.run.run_id, cases=cases, total=words.number(total, 0)
        )
    return words.markdown("warning.running_unknown", run=record.run.run_id, cases=cases)


def run_name(words: Words, record: RunRecord) -> str:
    """Return a run as one line of a list: the data first, then the model, as on the data chip.

    Lists are narrow, and cut what comes last.
    """
    return " · ".join(run_parts(words, record))


def run_parts(words: Words, record: RunRecord) -> tuple[str, str, str, str]:
    """Return a run's data, model, role and time, in words."""
    run = record.run
    kind, role = words(f"kind.{run.model_kind}"), words(f"role.{run.role}")
    return run.dataset, kind, role, words.time(run.created_at)


def policy_version_name(words: Words, name: str, version: int) -> str:
    """Return the display name of a policy's version, as plain text."""
    return words("policy.version", name=name, version=str(version))


def run_cases(words: Words, record: RunRecord) -> str:
    """Return in markdown the cases of a run: name, number and dates."""
    values = {
        "dataset": record.run.dataset,
        "role": words("role." + record.run.role),
        "cases": words.number(record.cases, 0),
    }
    dates = run_volume(record)
    if dates is None:
        return words.markdown("run.cases", **values)
    return words.markdown(
        "run.cases_dated", first=words.date(dates.first), last=words.date(dates.last), **values
    )


def option_name(
    words: Words, option: OptionMoney | OptionCurve, records: Mapping[str, RunRecord]
) -> str:
    """Return the display name of an option."""
    if option.name == ALL_HUMAN:
        return words("option.human")
    return words("option.model", model=model_name(words, records[option.name]))


def options_note(
    words: Words, options: Sequence[OptionMoney | OptionCurve], records: Mapping[str, RunRecord]
) -> str:
    """Return in markdown which inputs are measured or assumed, and why an option has no figure."""
    missing = [
        words.markdown(
            "options.missing",
            name=option_name(words, option, records),
            why=words(f"why.{option.note}"),
        )
        for option in options
        if option.note
    ]
    return "  \n".join([words("options.note"), *missing])


def cheapest(words: Words, curve: pd.DataFrame, threshold: float, currency: str) -> str:
    """Return in markdown the cheapest threshold of `curve`, and why it is optimistic.

    curve: report.frames.threshold_frame. threshold: the cheapest. currency: of its money.
    """
    # nearest, not equal: both are multiples of 0.001 in floating point
    money = curve.loc[(curve["threshold"] - threshold).abs().idxmin(), "money"]
    return words.markdown(
        "thresholds.cheapest",
        t=words.number(threshold, 3),
        money=words.money(float(money), currency),
    )
