"""The verdict on a threshold against reviewing every case, with its sentence and three tiles.

Pure: counts, money and words in, plain text out. `describe_thresholds` writes the texts of all
1,001 steps of the handle, so the browser writes none itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.solver import DAYS_PER_MONTH
from core.decision.thresholds.verdict import MOSTLY_WRONG_RISK
from core.types import Interval
from dashboard.components import active_policy
from dashboard.i18n import DASH, Words

ADOPT, CONDITIONS, REJECT, UNKNOWN = "adopt", "conditions", "reject", "unknown"
TILES = ("review", "escapes", "money")


@dataclass(frozen=True)
class Outcome:
    """The consequence of one threshold, a day."""

    accepted: int  # cases
    cases_per_day: float
    coverage: float | None
    risk: float | None  # wrong share of the accepted
    reviews: float
    escapes: Interval
    money: Interval


@dataclass(frozen=True)
class AgainstReview:
    """The references of a threshold: reviewing every case, and the active policy."""

    review_all: float  # money a day of reviewing every case
    full_time: FullTime
    currency: str
    # figures of the active policy in the order of TILES, as active_policy.figures gives them
    policy: tuple[float | None, ...] | None = None


@dataclass(frozen=True)
class Tile:
    """A figure, the lines below it, and its difference from the active policy ("" without one)."""

    value: str
    lines: tuple[str, ...]
    ghost: str = ""


@dataclass(frozen=True)
class Description:
    """The page's texts for one threshold."""

    verdict: str  # ADOPT, CONDITIONS, REJECT or UNKNOWN
    sentence: str
    tiles: tuple[Tile, ...]  # in the order of TILES


def verdict_of(outcome: Outcome, review_all: float) -> str:
    """Return the verdict on one threshold.

    ADOPT: the whole interval of money lies below reviewing every case. CONDITIONS: only the
    estimate does. REJECT: it does not, nothing is accepted, or the accepted are mostly wrong.
    UNKNOWN: labels or times are missing. These are the rules of
    core.decision.thresholds.verdict.policy_verdict, on one row of a curve. review_all: money a day.
    """
    # Cheap is not enough: with a low price of an escape, a model that is mostly wrong would save
    # money.
    mostly_wrong = outcome.risk is not None and outcome.risk >= MOSTLY_WRONG_RISK
    if not outcome.accepted or mostly_wrong:
        return REJECT
    if outcome.money.value is None:
        return UNKNOWN
    if outcome.money.value >= review_all:
        return REJECT
    return ADOPT if outcome.money.high < review_all else CONDITIONS


def describe(words: Words, outcome: Outcome, against: AgainstReview) -> Description:
    """Return the page's texts for one threshold."""
    verdict = verdict_of(outcome, against.review_all)
    tiles = (
        _reviews(words, outcome, against),
        _tile(words, outcome.escapes, words.number, words.text("tile.escapes.delta")),
        _money(words, outcome, against),
    )
    if against.policy is not None:
        figures = (outcome.reviews, _a_month(outcome.escapes.value), _a_month(outcome.money.value))
        ghosts = (
            active_policy.policy_difference(words, key, figure, before, against.currency)
            for key, figure, before in zip(TILES, figures, against.policy, strict=True)
        )
        tiles = tuple(replace(t, ghost=ghost) for t, ghost in zip(tiles, ghosts, strict=True))
    return Description(verdict, _sentence(words, verdict, outcome, against), tiles)


def _a_month(a_day: float | None) -> float | None:
    return None if a_day is None else a_day * DAYS_PER_MONTH


def _sentence(words: Words, verdict: str, outcome: Outcome, against: AgainstReview) -> str:
    people, review_all = _people(words, outcome.reviews, against), against.review_all
    reviews = words.number(outcome.reviews)
    if not outcome.accepted:
        return words.text("verdict.none", reviews=reviews, people=people)
    work = words.text(
        "verdict.work", coverage=words.percent(outcome.coverage, 0), reviews=reviews, people=people
    )
    if verdict == UNKNOWN:
        reason = "verdict.unlabelled" if outcome.escapes.value is None else "verdict.no_time"
        return work + words.sentence_space + words.text(reason)

    # rejected although it saves money, or before money was considered: the risk is the reason
    if verdict == REJECT and (outcome.money.value is None or outcome.money.value < review_all):
        wrong = words.percent(outcome.risk, 0)
        return work + words.sentence_space + words.text("verdict.mostly_wrong", risk=wrong)

    def a_month(a_day: float) -> str:
        return words.money(abs(a_day - review_all) * DAYS_PER_MONTH, against.currency)

    return (
        work
        + words.sentence_space
        + words.text(
            f"verdict.{verdict}.money",
            money=a_month(outcome.money.value),
            low=a_month(outcome.money.low),
            high=a_month(outcome.money.high),
        )
    )


def _people(words: Words, reviews_per_day: float, against: AgainstReview) -> str:
    count = against.full_time.least(reviews_per_day) if reviews_per_day > 0 else 0
    return words.many("people.count", count)


def _reviews(words: Words, outcome: Outcome, against: AgainstReview) -> Tile:
    reviews = outcome.reviews
    fewer = words.number(outcome.cases_per_day - reviews)
    return Tile(
        words.number(reviews),
        (_people(words, reviews, against), words.text("tile.review.delta", n=fewer)),
    )


def _money(words: Words, outcome: Outcome, against: AgainstReview) -> Tile:
    money = outcome.money

    def show(value: float | None) -> str:
        return words.money(value, against.currency)

    if money.value is None:
        return Tile(DASH, ())
    change = (money.value - against.review_all) * DAYS_PER_MONTH
    # compared as written: a change that rounds to 0 has no direction
    if show(abs(change)) == show(0):
        delta = words.text("tile.money.same")
    else:
        key = "tile.money.more" if change > 0 else "tile.money.less"
        delta = words.text(key, money=show(abs(change)))
    return _tile(words, money, show, delta)


def _tile(words: Words, outcome: Interval, show: Callable[[float | None], str], delta: str) -> Tile:
    """Return a tile a month from a figure a day: value, interval, `delta`; a dash if unknown."""
    if outcome.value is None:
        return Tile(DASH, ())
    value, low, high = (show(_a_month(end)) for end in (outcome.value, outcome.low, outcome.high))
    return Tile(value, (words.text("card.interval", low=low, high=high), delta))


def describe_thresholds(
    words: Words, costed: pd.DataFrame, cases_per_day: float, against: AgainstReview
) -> list[Description]:
    """Return `describe` of every threshold 0, 0.001, ..., 1.

    words: the catalogue. costed: daily_money.cost_curve, with NaN for unknown figures.
    cases_per_day: of the segment. against: the references.
    """
    # Plain lists of the columns: reading 1,001 rows cell by cell from the frame is far slower. A
    # NaN is unequal to itself.
    columns = {
        name: [None if value != value else value for value in costed[name].tolist()]
        for name in costed.columns
    }

    def interval(name: str, i: int) -> Interval:
        ends = (columns[f"{name}{end}"][i] for end in ("", "_low", "_high"))
        return Interval(*ends, columns["labelled"][i])

    return [
        describe(
            words,
            Outcome(
                accepted=columns["accepted"][i],
                cases_per_day=cases_per_day,
                coverage=columns["coverage"][i],
                risk=columns["selective_risk"][i],
                reviews=columns["reviews_per_day"][i],
                escapes=interval("escapes_per_day", i),
                money=interval("money", i),
            ),
            against,
        )
        for i in range(len(costed))
    ]
