"""The texts of the tabs of the page 'Decide': limits, review desk, mix of cases, cascade.

Pure: words and results of core in, markdown and cards out. Knows no Streamlit.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import pandas as pd

from core.counts.joint import REVIEW_ALL
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.solver import (
    CAPACITY_LIMIT,
    RISK_LIMIT,
    InfeasibleLimits,
    ShadowPrice,
    SolvedPlan,
)
from core.report.people import DeskResult
from core.report.what_if import WITH_TEACHER
from core.types import Interval
from dashboard.components.sentences import Card, leakage_percent
from dashboard.i18n import Words, escape_markdown

# --- limits on risk and reviews

_BINDS = {
    (): "neither",
    (RISK_LIMIT,): "risk",
    (CAPACITY_LIMIT,): "capacity",
    (RISK_LIMIT, CAPACITY_LIMIT): "both",
}


def limit_answer(
    words: Words, result: PolicyConsequence | SolvedPlan | InfeasibleLimits, measure: str
) -> str:
    """Return the result of the limits. `measure`: the displayed risk, leakage or selective_risk."""
    if isinstance(result, InfeasibleLimits):
        nearest = words.markdown("limits.nearest", point=_point(words, result.nearest, measure))
        return words(f"limits.infeasible.{result.reason}") + words.sentence_space + nearest
    if isinstance(result, SolvedPlan):
        binding = words(f"limits.binds.{_BINDS[result.binding]}")
        return (
            escape_markdown(_point(words, result.point, measure)) + words.sentence_space + binding
        )
    return escape_markdown(_point(words, result, measure))


def review_worth(words: Words, price: ShadowPrice, currency: str) -> str:
    """Return the worth of one more review a day; "" if it is unknown."""
    if price.unlocks:
        return words("limits.unlocks")
    if price.worth_per_day is None:
        return ""
    if price.worth_per_day <= 0:
        return words("limits.worthless")
    worth = words.money(price.worth_per_day * DAYS_PER_MONTH, currency)
    return words.markdown("limits.worth", money=worth, n=words.number(price.n, 0))


def limit_point(result: PolicyConsequence | SolvedPlan | InfeasibleLimits) -> PolicyConsequence:
    """Return the point of an answer: the solution, or the nearest one to infeasible limits."""
    return (
        result.point
        if isinstance(result, SolvedPlan)
        else result.nearest
        if isinstance(result, InfeasibleLimits)
        else result
    )


def _point(words: Words, point: PolicyConsequence, measure: str) -> str:
    """Return threshold, risk with its interval and n, and reviews a day of a point."""
    risk = getattr(point, measure)
    values = {
        "t": words.number(cast(float, point.policy.threshold), 3),  # the solver's are numbers
        "measure": words(f"measure.{measure}"),
        "reviews": words.number(point.reviews_per_day.value),
    }
    if risk.value is None:
        return words.text("limits.point_unknown", **values)
    share = {
        name: words.percent(getattr(risk, end), 2)
        for name, end in (("risk", "value"), ("low", "low"), ("high", "high"))
    }
    return words.text("limits.point", n=words.number(risk.n, 0), **share, **values)


# --- people at the desk


def people_need(words: Words, reviews: Interval, full_time: FullTime) -> str:
    """Return in markdown the full-time people that the reviews keep busy, with the interval.

    reviews: a day. full_time: one person's work.
    """
    if reviews.value is None:
        return words.markdown("people.none")
    ends = {
        end: words.number(full_time.people(getattr(reviews, end)), figures=2)
        for end in ("value", "low", "high")
    }
    per_person = words.number(full_time.reviews_per_day, figures=2)
    return words.markdown("people.need", n=words.number(reviews.n, 0), each=per_person, **ends)


def desk_cards(words: Words, desk: DeskResult) -> list[Card]:
    """Return the figures of the desk, each a mean over replications with its interval."""
    result = desk.staffing

    def share(value: float | None) -> str:
        return words.percent(value, 1)

    def hours(value: float | None) -> str:
        return "–" if value is None else words.text("people.hours", hours=words.number(value))

    figures = [
        ("wait_p50", result.wait_p50, hours),
        ("wait_p95", result.wait_p95, hours),
        ("oldest", result.oldest_p95, hours),
        ("breaches", result.breaches, share),
        ("breaches_week", result.breaches_per_week, words.number),
        ("utilisation", result.utilisation, share),
    ]
    return [_desk_card(words, key, interval, show, desk) for key, interval, show in figures]


def _desk_card(words: Words, key: str, result: Interval, show, desk: DeskResult) -> Card:
    lines = [words.text("people.replications", n=words.number(result.n, 0))]
    if result.low is not None:
        lines.insert(0, words.text("card.interval", low=show(result.low), high=show(result.high)))
    name = words(f"people.{key}", sla=words.number(desk.sla_hours))
    return Card(f"desk_{key}", name, show(result.value), tuple(lines), words(f"people.{key}.help"))


def desk_answer(words: Words, desk: DeskResult, least: int) -> str:
    """Return in markdown whether the simulated people keep the due time.

    desk: the simulated desk. least: people whose hours are enough.
    """
    late = desk.staffing.breaches
    texts = {
        "n": words.number(desk.reviewers, 0),
        "least": words.number(least, 0),
        "sla": words.number(desk.sla_hours),
        "late": words.percent(late.value, 1),
    }
    promise_key = "people.keeps.more" if desk.reviewers > least else "people.keeps"
    return words.markdown(promise_key if desk.keeps_promise else "people.late", **texts)


def desk_basis(words: Words, desk: DeskResult) -> str:
    """Return in markdown the simulated setting, and whether the arrivals are the run's own."""
    study = desk.study
    values = words.markdown(
        "people.basis",
        reviewers=words.number(desk.reviewers, 0),
        week=words.number(desk.per_week),
        replications=words.number(study.replications, 0),
        weeks=words.number(study.weeks, 0),
    )
    return values + words.sentence_space + words(f"arrivals.{desk.arrivals}")


# --- another mix, and a teacher in between


def mix_cards(
    words: Words, before: PolicyConsequence, after: PolicyConsequence, currency: str
) -> list[Card]:
    """Return the figures under the supposed mix, each with interval, n and its measured value.

    words: the catalogue. before, after: consequences under the measured and the supposed mix.
    currency: of the money.
    """
    write = words.money_form(
        (before.money_per_month.value, *after.money_per_month.bounds), currency
    )
    figures: list[tuple[str, str, Callable]] = [
        ("coverage", "coverage", words.percent),
        ("leakage", "leakage", partial(leakage_percent, words)),
        ("risk", "selective_risk", words.percent),
        ("reviews", "reviews_per_day", words.number),
        ("escapes", "slips_per_month", words.number),
        ("money", "money_per_month", write),
    ]
    return [
        _mix_card(words, key, getattr(before, name), getattr(after, name), show)
        for key, name, show in figures
    ]


def _mix_card(words: Words, key: str, before: Interval, after: Interval, show: Callable) -> Card:
    lines = [
        words.text("mix.n", n=words.number(after.n, 0)),
        words.text("mix.was", value=show(before.value)),
    ]
    if after.value is not None:
        lines.insert(0, words.text("card.interval", low=show(after.low), high=show(after.high)))
    label = "axis.reviews" if key == "reviews" else f"card.{key}"
    help_key = "card.review.help" if key == "reviews" else f"card.{key}.help"
    return Card(f"mix_{key}", words(label), show(after.value), tuple(lines), words(help_key))


def cascade_note(words: Words, best: Mapping[str, pd.Series], teacher: str, currency: str) -> str:
    """Return in markdown each way's cheapest point, and whether the teacher pays.

    words: the catalogue. best: way -> row of its cheapest point; optimistic, since the same cases
    chose it. teacher: display name. currency: of the money.
    """
    values = [
        words.markdown(
            "cascade.note", teacher=teacher, n=words.number(int(best[WITH_TEACHER]["n"]), 0)
        )
    ]
    for way, row in best.items():
        key = (
            "cascade.best.unused"
            # the search may find that the cheapest cascade never calls the teacher
            if way == WITH_TEACHER and not row["passes"]
            else f"cascade.best.{way}"
        )
        totals = {end: row[f"total{end}"] for end in ("", "_low", "_high")}
        write = words.money_form(totals.values(), currency)
        money = {end: write(total) for end, total in totals.items()}
        values.append(
            words.markdown(
                key,
                t=_cascade_threshold(words, row["student_threshold"]),
                second=_cascade_threshold(words, row["teacher_threshold"]),
                asked=words.percent(row["asked"]),
                reviewed=words.percent(row["reviewed"]),
                money=money[""],
                low=money["_low"],
                high=money["_high"],
            )
        )
    return "  \n".join(values)


def _cascade_threshold(words: Words, text: str) -> str:
    return words("ghost.review_all") if text == REVIEW_ALL else words.number(float(text), 3)
