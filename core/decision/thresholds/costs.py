"""The volume and the unit costs that turn shares into figures a day. Both count as known, so they
widen no interval. Every page prices a case by these rules, so that the same scenario costs the same
on all of them. Knows no counts but a tally.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.counts.tally import Tally
from core.errors import SettingsError

NO_SECONDS = "no_seconds"  # the run measured no time a case, so the cost of inference is unknown
NO_LABELS = "no_labels"  # no labelled case, so escapes are unknown
DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class UnitCosts:
    """Assumed unit costs in `currency`: of one review, of one escape (a wrong answer without a
    review), of one machine hour, and of retraining a month.

    The shares describe people: reviews that leave a wrong answer, accepted cases that a person
    checks afterwards, and freed hours that leave the payroll.
    """

    review: float
    escape: float
    machine_hour: float
    currency: str = "AUD"
    reviewer_miss: float = 0.0
    audit_share: float = 0.0
    cashed_share: float = 1.0
    retraining_per_month: float = 0.0

    def __post_init__(self) -> None:
        for name in ("review", "escape", "machine_hour", "retraining_per_month"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError("decision.unit_cost", name=name.replace("_", " "), value=value)
        for name in ("reviewer_miss", "audit_share", "cashed_share"):
            value = getattr(self, name)
            if not 0 <= value <= 1:  # False for NaN too
                raise SettingsError("decision.cost_share", name=name.replace("_", " "), value=value)

    @property
    def per_review(self) -> float:
        """Return the cost of a reviewed case: the review, and the wrong answers that it leaves."""
        return self.review + self.reviewer_miss * self.escape

    @property
    def per_acceptance(self) -> float:
        """Return the people's cost of an accepted case: its audit, and the freed time that stays
        paid.
        """
        return self.review * (self.audit_share + (1 - self.audit_share) * (1 - self.cashed_share))

    @property
    def per_move(self) -> float:
        """Return the cost of reviewing a case in place of accepting it, without its escape."""
        return self.per_review - self.per_acceptance

    def inference(self, seconds_per_case: float | None) -> float | None:
        """Return the cost of one case's inference from its measured seconds; None if unmeasured.

        Raises SettingsError for a time that is negative or not finite.
        """
        if seconds_per_case is None:
            return None
        if not (math.isfinite(seconds_per_case) and seconds_per_case >= 0):
            raise SettingsError("decision.seconds_per_case", value=seconds_per_case)
        return seconds_per_case / 3600 * self.machine_hour


# Unit costs that a screen begins with: assumptions, for the reader to replace by own figures. An
# amount means nothing in another currency, so each has its own.
DEFAULT_COSTS = {
    costs.currency: costs
    for costs in (
        UnitCosts(4.0, 120.0, 0.5, "AUD"),
        UnitCosts(500.0, 30_000.0, 50.0, "JPY"),
        UnitCosts(3.0, 80.0, 0.35, "USD"),
        UnitCosts(3.0, 180.0, 0.3, "EUR"),
    )
}
FREE = UnitCosts(review=0.0, escape=0.0, machine_hour=0.0)


@dataclass(frozen=True)
class CostModel:
    """The volume, the unit costs and the measured seconds of a case; None makes money unknown."""

    cases_per_day: float
    costs: UnitCosts = FREE
    seconds_per_case: float | None = None

    def __post_init__(self) -> None:
        checked_volume(self.cases_per_day)
        self.costs.inference(self.seconds_per_case)  # raises for a negative or infinite time

    def handling(self, tally: Tally) -> NDArray[np.float64]:
        """Return the expected money a day of reviews and escapes, without inference, [...]; NaN
        without labels.
        """
        # Inference and retraining cost the same at every threshold: they change no comparison.
        people = self.costs.per_acceptance + self.costs.per_move * tally.share("review_rate")
        return self.cases_per_day * (people + self.costs.escape * tally.share("leakage"))

    @property
    def review_all(self) -> float:
        """Return the money a day of reviewing every case without a model."""
        return self.costs.per_review * self.cases_per_day

    @property
    def running(self) -> float | None:
        """Return the money a day that no threshold changes: inference, retraining and the people's
        cost of accepting every case; None without measured seconds.
        """
        inference = self.costs.inference(self.seconds_per_case)
        if inference is None:
            return None
        a_case = inference + self.costs.per_acceptance
        return a_case * self.cases_per_day + self.costs.retraining_per_month / DAYS_PER_MONTH


def checked_volume(cases_per_day: float) -> float:
    """Return the volume. Raises SettingsError unless it is a finite number of 0 or more."""
    if not (math.isfinite(cases_per_day) and cases_per_day >= 0):
        raise SettingsError("decision.cases_per_day", value=cases_per_day)
    return cases_per_day
