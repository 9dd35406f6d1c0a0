"""The verdict on a threshold against reviewing every case, with its sentence and three tiles.

Pure: counts, money and words in, plain text out. `describe_thresholds` writes what the handle shows
at each of its 1,001 places, so the browser writes nothing itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.consequence import MEASURES, Consequence
from core.decision.thresholds.solver import DAYS_PER_MONTH
from core.types import Interval
from dashboard.components import active_policy
from dashboard.i18n import DASH, Words

ADOPT, CONDITIONS, REJECT, UNKNOWN = "adopt", "conditions", "reject", "unknown"
TILES = ("review", "escapes", "money")
# what the interval of each measure rests on
_BASIS = {
    "coverage": "cases",
    "review_rate": "cases",
    "reviews_per_day": "cases",
    "selective_risk": "accepted_labelled",
}


@dataclass(frozen=True)
class Comparison:
    """What a threshold is held against: reviewing every case, and the active policy."""

    review_all: float  # money a day of reviewing every case
    full_time: FullTime
    currency: str
    # figures of the active policy in the order of TILES, as active_policy.figures gives them
    policy: tuple[float | None, ...] | None = None


@dataclass(frozen=True)
class Tile:
    """A figure, the lines below it, and its difference to the active policy ("" without one)."""

    value: str
    lines: tuple[str, ...]
    ghost: str = ""


@dataclass(frozen=True)
class Description:
    """What the page says of one threshold."""

    verdict: str  # ADOPT, CONDITIONS, REJECT or UNKNOWN
    sentence: str
    tiles: tuple[Tile, ...]  # in the order of TILES


def verdict_of(found: Consequence, money: Interval, review_all: float) -> str:
    """Return ADOPT where the whole interval of money lies below reviewing every case, CONDITIONS
    where only the estimate does, REJECT where it does not, UNKNOWN without labels or times.
    """
    if not found.accepted:
        return REJECT
    if money.value is None:
        return UNKNOWN
    if money.value >= review_all:
        return REJECT
    return ADOPT if money.high < review_all else CONDITIONS


def describe(words: Words, found: Consequence, money: Interval, against: Comparison) -> Description:
    """Return what the page says of one threshold. money: a day, with its 95% interval."""
    verdict = verdict_of(found, money, against.review_all)
    tiles = _reviews(words, found, against), _escapes(words, found), _money(words, money, against)
    if against.policy is not None:
        figures = active_policy.figures(found, money)
        tiles = tuple(
            Tile(
                tile.value,
                tile.lines,
                active_policy.difference(words, key, figures[key], before, against.currency),
            )
            for key, tile, before in zip(TILES, tiles, against.policy, strict=True)
        )
    return Description(verdict, _sentence(words, verdict, found, money, against), tiles)


def _sentence(
    words: Words, verdict: str, found: Consequence, money: Interval, against: Comparison
) -> str:
    people = _people(words, found.reviews_per_day.value, against)
    reviews = words.number(found.reviews_per_day.value)
    if not found.accepted:
        return words.text("verdict.none", reviews=reviews, people=people)
    work = words.text(
        "verdict.work",
        coverage=words.percent(found.coverage.value, 0),
        reviews=reviews,
        people=people,
    )
    if verdict == UNKNOWN:
        reason = "verdict.unlabelled" if found.escapes_per_day.value is None else "verdict.no_time"
        return work + words.sentence_space + words.text(reason)

    def a_month(a_day: float) -> str:
        return words.money(abs(a_day - against.review_all) * DAYS_PER_MONTH, against.currency)

    return (
        work
        + words.sentence_space
        + words.text(
            f"verdict.{verdict}.money",
            money=a_month(money.value),
            low=a_month(money.low),
            high=a_month(money.high),
        )
    )


def _people(words: Words, reviews_per_day: float, against: Comparison) -> str:
    count = against.full_time.least(reviews_per_day) if reviews_per_day > 0 else 0
    return words.many("people.count", count)


def _reviews(words: Words, found: Consequence, against: Comparison) -> Tile:
    reviews = found.reviews_per_day.value
    fewer = words.number(found.cases_per_day - reviews)
    return Tile(
        words.number(reviews),
        (_people(words, reviews, against), words.text("tile.review.delta", n=fewer)),
    )


def _escapes(words: Words, found: Consequence) -> Tile:
    return _tile(
        words, found.escapes_per_day, DAYS_PER_MONTH, words.number, words.text("tile.escapes.delta")
    )


def _money(words: Words, money: Interval, against: Comparison) -> Tile:
    def show(value: float | None) -> str:
        return words.money(value, against.currency)

    if money.value is None:
        return Tile(DASH, ())
    change = (money.value - against.review_all) * DAYS_PER_MONTH
    if show(abs(change)) == show(0):
        delta = words.text("tile.money.same")
    else:
        key = "tile.money.more" if change > 0 else "tile.money.less"
        delta = words.text(key, money=show(abs(change)))
    return _tile(words, money, DAYS_PER_MONTH, show, delta)


def _tile(
    words: Words, found: Interval, times: float, show: Callable[[float | None], str], delta: str
) -> Tile:
    """A figure a month from one a day, its interval, and `delta`; a dash where it is unknown."""
    if found.value is None:
        return Tile(DASH, ())
    low, high = show(found.low * times), show(found.high * times)
    interval = words.text("card.interval", low=low, high=high)
    return Tile(show(found.value * times), (interval, delta))


def describe_thresholds(
    words: Words, costed: pd.DataFrame, cases_per_day: float, against: Comparison
) -> list[Description]:
    """Return `describe` of every threshold 0, 0.001, ..., 1. costed: daily_money.cost_curve, with
    NaN for what is not known.
    """
    columns = {
        name: [None if value != value else value for value in costed[name].tolist()]
        for name in costed.columns
    }
    counts = ("threshold", "cases", "labelled", "accepted", "accepted_labelled", "wrong_accepted")

    def interval(name: str, i: int, n: str) -> Interval:
        ends = (columns[f"{name}{end}"][i] for end in ("", "_low", "_high"))
        return Interval(*ends, columns[n][i])

    return [
        describe(
            words,
            Consequence(
                **{name: columns[name][i] for name in counts},
                cases_per_day=cases_per_day,
                **{name: interval(name, i, _BASIS.get(name, "labelled")) for name in MEASURES},
            ),
            interval("money", i, "labelled"),
            against,
        )
        for i in range(len(costed))
    ]
