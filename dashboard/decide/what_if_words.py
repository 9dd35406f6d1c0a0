"""What another mix of cases, or a teacher in between, comes to in words. Pure: results in, cards
and markdown out.
"""

from collections.abc import Callable, Mapping

import pandas as pd

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.consequence import PolicyConsequence
from core.report.what_if import WITH_TEACHER
from core.types import Interval
from dashboard.components.sentences import Card
from dashboard.i18n import Words


def mixed(
    words: Words, before: PolicyConsequence, after: PolicyConsequence, currency: str
) -> list[Card]:
    """Return the figures under the supposed mix, each with its interval, its n, and what it is for
    the mix that was seen.
    """

    def amount(value: float | None) -> str:
        return words.money(value, currency)

    shown: list[tuple[str, str, Callable]] = [
        ("coverage", "coverage", words.percent),
        ("leakage", "leakage", lambda share: words.percent(share, 2)),
        ("risk", "selective_risk", words.percent),
        ("reviews", "reviews_per_day", words.number),
        ("escapes", "escapes_per_day", words.number),
        ("money", "money_per_day", amount),
    ]
    return [
        _card(words, key, getattr(before, name), getattr(after, name), show)
        for key, name, show in shown
    ]


def _card(words: Words, key: str, before: Interval, after: Interval, show: Callable) -> Card:
    lines = [
        words.text("mix.n", n=words.number(after.n, 0)),
        words.text("mix.was", value=show(before.value)),
    ]
    if after.value is not None:
        lines.insert(0, words.text("card.interval", low=show(after.low), high=show(after.high)))
    label = "axis.reviews" if key == "reviews" else f"card.{key}"
    help_key = "card.review.help" if key == "reviews" else f"card.{key}.help"
    return Card(f"mix_{key}", words(label), show(after.value), tuple(lines), words(help_key))


def cascade(words: Words, best: Mapping[str, pd.Series], teacher: str, currency: str) -> str:
    """Return in markdown the cheapest point of each way, whether the teacher pays, and that both
    are optimistic.
    """
    said = [
        words.markdown(
            "cascade.note", teacher=teacher, n=words.number(int(best[WITH_TEACHER]["n"]), 0)
        )
    ]
    for way, row in best.items():
        key = (
            "cascade.best.unused"
            if way == WITH_TEACHER and not row["passes"]
            else f"cascade.best.{way}"
        )
        money = {end: words.money(row[f"total{end}"], currency) for end in ("", "_low", "_high")}
        said.append(
            words.markdown(
                key,
                t=_threshold(words, row["student_threshold"]),
                second=_threshold(words, row["teacher_threshold"]),
                asked=words.percent(row["asked"]),
                reviewed=words.percent(row["reviewed"]),
                money=money[""],
                low=money["_low"],
                high=money["_high"],
            )
        )
    return "  \n".join(said)


def _threshold(words: Words, text: str) -> str:
    return words("ghost.review_all") if text == REVIEW_ALL else words.number(float(text), 3)
