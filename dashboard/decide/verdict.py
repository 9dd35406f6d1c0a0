"""The verdict on a threshold against reviewing every case, with its sentence and three tiles.

Where a threshold is no clear yes, but sending some answers or segments to people makes it a better
one, the verdict names them: "yes, but not these 4 answers". Pure: counts, money and words in, plain
text out. `describe_thresholds` writes the texts of all 1,001 steps of the handle, so the browser
writes none itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd

from core.counts.tally import scaled_interval
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.route import RouteToPeople
from core.decision.thresholds.verdict import (
    ADOPT,
    ADOPT_WITH_CONDITIONS,
    DO_NOT_ADOPT,
    MONEY_UNKNOWN,
    break_even_escape,
    judge_saving,
)
from core.types import Interval
from dashboard.components import active_policy
from dashboard.i18n import DASH, Words

UNKNOWN = "unknown"  # labels or times are missing
BUT = "but"  # no clear yes, unless some groups go to people
VERDICT_KINDS = (ADOPT, ADOPT_WITH_CONDITIONS, DO_NOT_ADOPT, UNKNOWN, BUT)
NAMED_GROUPS = 4  # groups that a sentence names; it counts the others
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
    miss: float = 0.0  # share of the reviews that leave a wrong answer
    escape: float | None = None  # cost of an escape; None gives no break-even
    untrained: float = 0.0  # share of the labelled cases whose label the model did not learn


@dataclass(frozen=True)
class Routed:
    """The groups that a threshold sends to people, and the consequence on other cases."""

    by: str  # "class" or "segment"
    names: tuple[str, ...]
    outcome: Outcome
    applied: bool  # whether the reader has taken the route, so that all figures are its own


@dataclass(frozen=True)
class Tile:
    """A figure, the lines below it, and its difference from the active policy ("" without one)."""

    value: str
    lines: tuple[str, ...]
    ghost: str = ""


@dataclass(frozen=True)
class Description:
    """The page's texts for one threshold."""

    verdict: str  # one of VERDICT_KINDS
    sentence: str
    tiles: tuple[Tile, ...]  # in the order of TILES
    word: str = ""  # of the verdict, if it is not the word of its kind


def verdict_of(outcome: Outcome, review_all: float) -> str:
    """Return the verdict on one threshold; UNKNOWN where missing money is all that is against it.

    review_all: money a day.
    """
    saving = scaled_interval(outcome.money, -1.0, review_all)
    verdict = judge_saving(outcome.accepted, outcome.risk, saving)
    return UNKNOWN if verdict.reasons == (MONEY_UNKNOWN,) else verdict.decision


def improves(outcome: Outcome, routed: Routed | None, review_all: float) -> bool:
    """Return whether sending the groups to people makes the verdict a clear yes.

    review_all: money a day.
    """
    if routed is None or routed.applied or not routed.names:
        return False
    before, after = (verdict_of(o, review_all) for o in (outcome, routed.outcome))
    return before in (DO_NOT_ADOPT, ADOPT_WITH_CONDITIONS) and after == ADOPT


def describe(
    words: Words, outcome: Outcome, against: AgainstReview, routed: Routed | None = None
) -> Description:
    """Return the page's texts for one threshold.

    words: the catalogue. outcome: of the threshold, or of the route that the reader has taken.
    against: the references. routed: the route at this threshold, None without labels.
    """
    verdict, word = verdict_of(outcome, against.review_all), ""
    sentence = _sentence(words, verdict, outcome, against)
    if routed is not None and improves(outcome, routed, against.review_all):
        verdict, word = BUT, words.many(f"verdict.but.{routed.by}", len(routed.names))
        sentence = _route_sentence(words, routed, against)
    elif routed is not None and routed.applied and routed.names:
        names = group_names(words, routed.names)
        sentence += words.sentence_space + words.text(f"verdict.sent.{routed.by}", names=names)
    human_slips = against.miss * outcome.cases_per_day * DAYS_PER_MONTH
    delta = words.text("tile.escapes.delta", n=words.number(human_slips))
    tiles: tuple[Tile, ...] = (
        _reviews(words, outcome, against),
        _tile(words, _slips(outcome, against), words.number, delta),
        _money(words, outcome, against),
    )
    if against.policy is not None:
        slips = _slips(outcome, against).value
        figures = (outcome.reviews, _a_month(slips), _a_month(outcome.money.value))
        ghosts = (
            active_policy.policy_difference(words, key, figure, before, against.currency)
            for key, figure, before in zip(TILES, figures, against.policy, strict=True)
        )
        tiles = tuple(replace(t, ghost=ghost) for t, ghost in zip(tiles, ghosts, strict=True))
    return Description(verdict, sentence, tiles, word)


def group_names(words: Words, names: Sequence[str]) -> str:
    """Return the first NAMED_GROUPS names of groups in one text, and the number of the others."""
    texts = [name or words("segment.all") for name in names[:NAMED_GROUPS]]
    if len(names) > NAMED_GROUPS:
        texts.append(words.many("route.more", len(names) - NAMED_GROUPS))
    return words.comma.join(texts)


def _slips(outcome: Outcome, against: AgainstReview) -> Interval:
    """Return the wrong answers a day that slip through, with those that reviewers miss."""
    return scaled_interval(outcome.escapes, 1.0, against.miss * outcome.reviews)


def _route_sentence(words: Words, routed: Routed, against: AgainstReview) -> str:
    outcome = routed.outcome
    verdict = verdict_of(outcome, against.review_all)
    names = group_names(words, routed.names)
    first = words.text(f"verdict.route.{routed.by}", names=names)
    return first + words.sentence_space + _sentence(words, verdict, outcome, against)


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
    if verdict == DO_NOT_ADOPT and (
        outcome.money.value is None or outcome.money.value < review_all
    ):
        wrong = words.percent(outcome.risk, 0)
        parts = [*_untrained(words, against), work, words.text("verdict.mostly_wrong", risk=wrong)]
        return words.sentence_space.join(parts)

    # money is known here: the two returns above have the other cases
    saved = [
        abs(cast(float, a_day) - review_all) * DAYS_PER_MONTH for a_day in outcome.money.bounds
    ]
    # the sentence on a rejection names no interval
    named = saved[:1] if verdict == DO_NOT_ADOPT else saved
    money, low, high = map(words.money_form(named, against.currency), saved)
    parts = [work, words.text(f"verdict.{verdict}.money", money=money, low=low, high=high)]
    if verdict == DO_NOT_ADOPT:
        parts = [*_untrained(words, against), *parts, *_break_even(words, outcome, against)]
    return words.sentence_space.join(parts)


def _untrained(words: Words, against: AgainstReview) -> list[str]:
    """Return the sentence on labels that the model did not learn, if they are at least 1%."""
    if against.untrained < 0.01:
        return []
    return [words.text("verdict.reject.untrained", share=words.percent(against.untrained, 0))]


def _break_even(words: Words, outcome: Outcome, against: AgainstReview) -> list[str]:
    """Return the sentence on the cost of an escape below which the threshold pays, if one exists."""
    if against.escape is None:
        return []
    more_money = cast(float, outcome.money.value) - against.review_all
    reviews_saved = outcome.cases_per_day - outcome.reviews
    more_escapes = cast(float, outcome.escapes.value) - against.miss * reviews_saved
    cost = break_even_escape(more_money, more_escapes, against.escape)
    if cost is None:
        return []
    most, price = map(words.money_form([cost], against.currency), (cost, against.escape))
    return [words.text("verdict.reject.break_even", most=most, cost=price)]


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
    if money.value is None:
        return Tile(DASH, ())

    def show(value: float | None) -> str:
        return words.money(value, against.currency)

    change = (money.value - against.review_all) * DAYS_PER_MONTH
    # compared as written: a change that rounds to 0 has no direction
    if show(abs(change)) == show(0):
        delta = words.text("tile.money.same")
    else:
        key = "tile.money.more" if change > 0 else "tile.money.less"
        delta = words.text(key, money=show(abs(change)))
    write = words.money_form(map(_a_month, money.bounds), against.currency)
    return _tile(words, money, write, delta)


def _tile(words: Words, outcome: Interval, show: Callable[[float | None], str], delta: str) -> Tile:
    """Return a tile a month from a figure a day: value, interval, `delta`; a dash if unknown."""
    if outcome.value is None:
        return Tile(DASH, ())
    value, low, high = (show(_a_month(end)) for end in (outcome.value, outcome.low, outcome.high))
    return Tile(value, (words.text("card.interval", low=low, high=high), delta))


@dataclass(frozen=True, eq=False)
class RouteCurve:
    """A route with its figures at every threshold: columns of daily_money.cost_curve."""

    route: RouteToPeople
    costed: pd.DataFrame
    applied: bool


def describe_thresholds(
    words: Words,
    costed: pd.DataFrame,
    cases_per_day: float,
    against: AgainstReview,
    curve: RouteCurve | None = None,
) -> list[Description]:
    """Return `describe` of every threshold 0, 0.001, ..., 1.

    words: the catalogue. costed: daily_money.cost_curve, with NaN for unknown figures; of the route
    if it is applied. cases_per_day: of the segment. against: the references. curve: the route, None
    without labels.
    """
    outcomes = outcomes_of(costed, cases_per_day)
    if curve is None:
        return [describe(words, outcome, against) for outcome in outcomes]
    names = [tuple(np.array(curve.route.names)[sent]) for sent in curve.route.worth]
    routed = outcomes if curve.applied else outcomes_of(curve.costed, cases_per_day)
    return [
        describe(words, outcome, against, Routed(curve.route.by, groups, after, curve.applied))
        for outcome, groups, after in zip(outcomes, names, routed, strict=True)
    ]


def outcomes_of(costed: pd.DataFrame, cases_per_day: float) -> list[Outcome]:
    """Return the outcome of every row of a daily_money.cost_curve."""
    # Plain lists of the columns: reading 1,001 rows cell by cell from the frame is far slower. A
    # NaN is unequal to itself.
    columns: dict[str, list[Any]] = {
        name: [None if value != value else value for value in costed[name].tolist()]
        for name in costed.columns
    }

    def interval(name: str, i: int) -> Interval:
        value, low, high = (columns[f"{name}{end}"][i] for end in ("", "_low", "_high"))
        return Interval(value, low, high, columns["labelled"][i])

    return [
        Outcome(
            accepted=columns["accepted"][i],
            cases_per_day=cases_per_day,
            coverage=columns["coverage"][i],
            risk=columns["selective_risk"][i],
            reviews=columns["reviews_per_day"][i],
            escapes=interval("escapes_per_day", i),
            money=interval("money", i),
        )
        for i in range(len(costed))
    ]
