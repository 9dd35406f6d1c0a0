"""What limits on risk and reviews come to, in words: the point that keeps them, which binds, what
one more review is worth.

Pure: words and core.decision.thresholds.solver' answers in, markdown out. It does not know
Streamlit, nor where the limits came from.
"""

from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.solver import (
    CAPACITY,
    RISK,
    InfeasibleLimits,
    ShadowPrice,
    SolvedPlan,
)
from dashboard.i18n import Words, escape_markdown

_BINDS = {(): "neither", (RISK,): "risk", (CAPACITY,): "capacity", (RISK, CAPACITY): "both"}


def answer(
    words: Words, found: PolicyConsequence | SolvedPlan | InfeasibleLimits, measure: str
) -> str:
    """Return what the limits come to. `measure` is the risk that is shown: leakage or
    selective_risk.
    """
    if isinstance(found, InfeasibleLimits):
        nearest = words.markdown("limits.nearest", point=_point(words, found.nearest, measure))
        return words(f"limits.infeasible.{found.reason}") + words.sentence_space + nearest
    if isinstance(found, SolvedPlan):
        binding = words(f"limits.binds.{_BINDS[found.binding]}")
        return escape_markdown(_point(words, found.point, measure)) + words.sentence_space + binding
    return escape_markdown(_point(words, found, measure))


def worth(words: Words, price: ShadowPrice, currency: str) -> str:
    """Return what one more review a day is worth; empty where nothing can be said of it."""
    if price.unlocks:
        return words("limits.unlocks")
    if price.worth_per_day is None:
        return ""
    if price.worth_per_day <= 0:
        return words("limits.worthless")
    return words.markdown(
        "limits.worth", money=words.money(price.worth_per_day, currency), n=words.number(price.n, 0)
    )


def point_of(found: PolicyConsequence | SolvedPlan | InfeasibleLimits) -> PolicyConsequence:
    """Return the point that an answer speaks of: the one found, or the nearest that keeps a limit."""
    return (
        found.point
        if isinstance(found, SolvedPlan)
        else found.nearest
        if isinstance(found, InfeasibleLimits)
        else found
    )


def _point(words: Words, point: PolicyConsequence, measure: str) -> str:
    """Return threshold, risk with its interval and n, and reviews a day of a point."""
    risk = getattr(point, measure)
    said = {
        "t": words.number(point.policy.threshold, 3),
        "measure": words(f"measure.{measure}"),
        "reviews": words.number(point.reviews_per_day.value),
    }
    if risk.value is None:
        return words.text("limits.point_unknown", **said)
    share = {
        name: words.percent(getattr(risk, end), 2)
        for name, end in (("risk", "value"), ("low", "low"), ("high", "high"))
    }
    return words.text("limits.point", n=words.number(risk.n, 0), **share, **said)
