"""What limits on risk and reviews come to, in words: the point that keeps them, which binds, what one more review is worth.

Pure: words and core.decision.handles' answers in, markdown out. It does not know Streamlit, nor where the limits came from.
"""

from core.decision.handles import CAPACITY, RISK, Infeasible, Plan, ShadowPrice
from core.decision.policy import PolicyConsequence
from dashboard.i18n import Words, plain

_BINDS = {(): "neither", (RISK,): "risk", (CAPACITY,): "capacity", (RISK, CAPACITY): "both"}


def answer(words: Words, found: PolicyConsequence | Plan | Infeasible, measure: str) -> str:
    """Return what the limits come to. `measure` is the risk that is shown: leakage or selective_risk."""
    if isinstance(found, Infeasible):
        nearest = words.markdown("limits.nearest", point=_point(words, found.nearest, measure))
        return words(f"limits.infeasible.{found.reason}") + words.gap + nearest
    if isinstance(found, Plan):
        binding = words(f"limits.binds.{_BINDS[found.binding]}")
        return plain(_point(words, found.point, measure)) + words.gap + binding
    return plain(_point(words, found, measure))


def worth(words: Words, price: ShadowPrice, currency: str) -> str:
    """Return what one more review a day is worth; empty where nothing can be said of it."""
    if price.unlocks:
        return words("limits.unlocks")
    if price.worth_per_day is None:
        return ""
    if price.worth_per_day <= 0:
        return words("limits.worthless")
    return words.markdown("limits.worth", money=words.money(price.worth_per_day, currency), n=words.number(price.n, 0))


def point_of(found: PolicyConsequence | Plan | Infeasible) -> PolicyConsequence:
    """Return the point that an answer speaks of: the one found, or the nearest that keeps a limit."""
    return found.point if isinstance(found, Plan) else found.nearest if isinstance(found, Infeasible) else found


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
    share = {name: words.percent(getattr(risk, end), 2) for name, end in (("risk", "value"), ("low", "low"), ("high", "high"))}
    return words.text("limits.point", n=words.number(risk.n, 0), **share, **said)
