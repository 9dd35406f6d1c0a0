"""A money scenario whose every figure can be worked out on paper: nothing in doubt, 1,000 cases a
month, 12 months.
"""

from core.decision.money.scenario import (
    INPUT_UNITS,
    MoneyScenario,
    ScenarioQuantity,
    assumed_quantity,
)

# 60 minutes a review at 1 AUD, so a review is 1 AUD; coverage 0.8, a tenth of the accepted wrong,
# an escape is 2 AUD.
PLAIN = dict.fromkeys(INPUT_UNITS, 0.0) | {
    "cases_per_month": 1000,
    "review_minutes": 60,
    "reviewer_hour": 1,
    "cashed_share": 1,
    "student_coverage": 0.8,
    "student_selective_risk": 0.1,
    "student_error": 0.3,
    "teacher_coverage": 0.9,
    "teacher_selective_risk": 0.1,
    "escape": 2,
    "integration": 3200,
}


def certain_quantity(value: float, unit: str) -> ScenarioQuantity:
    """An assumed quantity without doubt: low = likely = high."""
    return assumed_quantity(value, value, value, unit)


def plain(months: int = 12, **values: float) -> MoneyScenario:
    """PLAIN with some values changed, each known without doubt."""
    return MoneyScenario(
        currency="AUD",
        months=months,
        **{n: certain_quantity(x, INPUT_UNITS[n]) for n, x in (PLAIN | values).items()},
    )


def doubtful(**changes) -> MoneyScenario:
    """PLAIN with every positive input in doubt: 0.5, 1 and 1.25 times its value (shares cut at
    1).
    """
    ranges = {
        name: assumed_quantity(
            x / 2,
            x,
            min(1.0, 1.25 * x) if INPUT_UNITS[name] == "share" else 1.25 * x,
            INPUT_UNITS[name],
        )
        for name, x in PLAIN.items()
    }
    return MoneyScenario(currency="AUD", months=12, **(ranges | changes))
