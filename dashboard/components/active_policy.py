"""The active policy on the same cases, and how far the threshold in use is from it, in words.

Pure: consequences and words in, plain text out. A difference of two estimates on the same cases has
no interval of its own: the note says so once, not each card.
"""

from dataclasses import dataclass

from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.types import Interval
from dashboard.i18n import Words, escape_markdown

# of percentage points, as the cards write these shares
DIGITS = {"coverage": 1, "risk": 1, "leakage": 2}
LEVEL_BOUNDS = (
    0.05,
    0.3,
)  # nats: the highest epistemic uncertainty that is low, and that is middle
MARK = "◇"  # the active policy, on the handle and in the cards


@dataclass(frozen=True)
class Ghost:
    """The active policy on the displayed cases: name, version in the store, consequence."""

    name: str
    version: int
    consequence: PolicyConsequence

    @property
    def figures(self) -> dict[str, float | None]:
        """The figures of the policy, from `figures`."""
        return figures(self.consequence, self.consequence.money_per_day)


def figures(result: PolicyConsequence, money: Interval) -> dict[str, float | None]:
    """Return shares, reviews a day, and escapes and money a month, by name of the figure.

    None marks a figure that cannot be estimated.
    """
    return {
        "coverage": result.coverage.value,
        "review": result.reviews_per_day.value,
        "risk": result.selective_risk.value,
        "leakage": result.leakage.value,
        "escapes": result.slips_per_month.value,
        "money": None if money.value is None else money.value * DAYS_PER_MONTH,
    }


def policy_difference(
    words: Words, key: str, value: float | None, before: float | None, currency: str
) -> str:
    """Return how far the card `key` is from the active policy's figure; "" if either is unknown.

    value, before: the figure and the active policy's, None if unknown. currency: of the card
    "money".
    """
    if value is None or before is None:
        return ""
    size = abs(value - before)
    digits = DIGITS.get(key)
    if digits is not None:
        amount, nothing = words.number(100 * size, digits), words.number(0, digits)
    elif key == "money":
        amount, nothing = words.money(size, currency), words.money(0, currency)
    else:
        amount, nothing = words.number(size), words.number(0)
    # compared as written: a difference that rounds to 0 must not read as "0.0 more"
    if amount == nothing or size < 1e-9:
        return f"{MARK} {words.text('ghost.same')}"
    name, way = "points" if digits is not None else key, "more" if value > before else "fewer"
    return f"{MARK} {words.text(f'ghost.{name}.{way}', amount=amount)}"


def uncertainty_level(value: float) -> str:
    """Return "low", "middle" or "high" for an uncertainty, nats."""
    return "low" if value <= LEVEL_BOUNDS[0] else "middle" if value <= LEVEL_BOUNDS[1] else "high"


def level_terms(words: Words) -> str:
    """Return in markdown the unit of uncertainty, nats, and the bounds of the levels."""
    low, middle = (words.number(level) for level in LEVEL_BOUNDS)
    return words("terms.nats", low=low, middle=middle)


def note(words: Words, ghost: Ghost) -> str:
    """Return in markdown the active policy, its thresholds, and the cases behind differences."""
    policy = ghost.consequence.policy
    t = policy.threshold
    text = words.markdown(
        "ghost.note",
        name=ghost.name,
        version=words.number(ghost.version, 0),
        t=words("ghost.review_all") if isinstance(t, str) else words.number(t, 3),
        n=words.number(ghost.consequence.coverage.n, 0),
    )
    rules_count = len(policy.by_class) + len(policy.by_segment) + len(policy.by_cell)
    rules = [words.many("ghost.rules", rules_count)] if rules_count else []
    if policy.epistemic_limit is not None:
        level = words(f"uncertainty.{uncertainty_level(policy.epistemic_limit)}")
        rules.append(words("ghost.epistemic", level=level))
    return words.sentence_space.join([f"{MARK} {text}", *map(escape_markdown, rules)])
