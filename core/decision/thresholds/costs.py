"""The volume and the unit costs that turn shares into figures a day. Both count as known, so they
widen no interval. Knows no counts but a tally.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.counts.tally import Tally
from core.errors import SettingsError

NO_SECONDS = "no_seconds"  # the run measured no time a case, so the cost of inference is unknown
NO_LABELS = "no_labels"  # no labelled case, so escapes are unknown


@dataclass(frozen=True)
class UnitCosts:
    """Assumed unit costs in `currency`: of one review, of one escape (a wrong answer without a
    review), of one machine hour.
    """

    review: float
    escape: float
    machine_hour: float
    currency: str = "AUD"

    def __post_init__(self) -> None:
        for name in ("review", "escape", "machine_hour"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError("decision.unit_cost", name=name.replace("_", " "), value=value)

    def inference(self, seconds_per_case: float | None) -> float | None:
        """Return the cost of one case's inference from its measured seconds; None if unmeasured.

        Raises SettingsError for a time that is negative or not finite.
        """
        if seconds_per_case is None:
            return None
        if not (math.isfinite(seconds_per_case) and seconds_per_case >= 0):
            raise SettingsError("decision.seconds_per_case", value=seconds_per_case)
        return seconds_per_case / 3600 * self.machine_hour


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
        # Inference costs the same at every threshold, so it changes no comparison of them.
        review = self.costs.review * tally.share("review_rate")
        return self.cases_per_day * (review + self.costs.escape * tally.share("leakage"))


def checked_volume(cases_per_day: float) -> float:
    """Return the volume. Raises SettingsError unless it is a finite number of 0 or more."""
    if not (math.isfinite(cases_per_day) and cases_per_day >= 0):
        raise SettingsError("decision.cases_per_day", value=cases_per_day)
    return cases_per_day
