"""Compute the costs of four options on the same volume, once and a month, and their cash by month.

Cash is the saving against all human.

  all_human        people answer every case
  teacher          the N-pass teacher answers; people review its uncertain answers
  student          the student answers everything, without review
  student_review   the student answers; people review its uncertain answers

A month at full use:
  inference = cases * seconds / 3600 * machine hour
  review = reviewed * minutes / 60 * reviewer hour
  audit = accepted * audit share * minutes / 60 * reviewer hour
  escapes = (accepted * selective risk + reviewed * reviewer miss) * escape
  kept hours = hours freed * (1 - cashed share) * reviewer hour: freed, but still on the payroll
  re-distillation = a year's re-distillations / 12 * (machine + engineers + labels)
An audit finds an escape too late to undo it. Everything is element by element over draws [D], so
one scenario and ten thousand take the same code.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.decision.thresholds.daily_money import ALL_HUMAN

TEACHER, STUDENT, STUDENT_REVIEW = "teacher", "student", "student_review"
OPTION_NAMES = (ALL_HUMAN, TEACHER, STUDENT, STUDENT_REVIEW)
# input -> its value in each draw, [D] or anything that broadcasts with it
InputValues = Mapping[str, np.ndarray]
Amount = np.ndarray | np.float64


@dataclass(frozen=True, eq=False)
class OptionCosts:
    """One option's costs, [D] each. Hours freed are hours; no amount of money contains them."""

    once: dict[str, np.ndarray]  # labels, machine, people, integration: currency, at month 0
    # inference, review, audit, escapes, kept_hours: currency/month at full use
    monthly: dict[str, np.ndarray]
    redistillation: Amount  # currency/month, from the first month on
    # people's hours/month at full use, against all human; negative where the option needs more
    hours_freed: np.ndarray
    escapes: np.ndarray  # wrong answers/month at full use

    @property
    def once_total(self) -> Amount:
        """Return the sum of the one-time costs, [D]."""
        return sum(self.once.values(), np.float64(0))

    @property
    def monthly_total(self) -> Amount:
        """Return the sum of the running costs a month at full use, without re-distillation, [D]."""
        return sum(self.monthly.values(), np.float64(0))


def option_costs(v: InputValues) -> dict[str, OptionCosts]:
    """Return the costs of the four options, by name."""
    # A student needs its teacher first, so its hours include those of the teacher.
    teacher_once = _once(v, v["teacher_hours"])
    student_once = _once(v, v["teacher_hours"] + v["distillation_hours"])
    teacher_again = retraining_cost(v, v["teacher_hours"])
    student_again = retraining_cost(v, v["teacher_hours"] + v["distillation_hours"])
    return {
        ALL_HUMAN: _running(v, 0.0, 0.0, 0.0, {}, np.float64(0)),
        TEACHER: _running(
            v,
            v["teacher_coverage"],
            v["teacher_selective_risk"],
            v["teacher_seconds"],
            teacher_once,
            teacher_again,
        ),
        STUDENT: _running(
            v, 1.0, v["student_error"], v["student_seconds"], student_once, student_again
        ),
        STUDENT_REVIEW: _running(
            v,
            v["student_coverage"],
            v["student_selective_risk"],
            v["student_seconds"],
            student_once,
            student_again,
        ),
    }


def ramp_up_shares(months: int, ramp_months: np.ndarray) -> np.ndarray:
    """Return the share of the cases that goes through the option, [months, D]: a straight line to
    1, averaged over each month.

    The line is min(1, t / r) with the integral t^2 / 2r up to r and t - r/2 after; r = 0 is full
    use at once.
    """
    r = np.asarray(ramp_months, dtype=np.float64)
    t = np.arange(months + 1, dtype=np.float64).reshape(-1, *(1,) * r.ndim)
    # np.where evaluates both branches, so r = 0 must not reach the division.
    safe = np.where(r > 0, r, 1.0)
    return np.diff(np.where(t < r, t**2 / (2 * safe), t - r / 2), axis=0)


def cash_by_month(option: OptionCosts, human: OptionCosts, share: np.ndarray) -> np.ndarray:
    """Return the cash against all human, [months + 1, D], month 0 first; share [months, D] is that
    of `ramp_up_shares`.

    cash_0 = -once; cash_m = share_m (human a month - option a month) - re-distillation.
    """
    saved = human.monthly_total - option.monthly_total
    later = share * saved - option.redistillation
    return np.concatenate([np.broadcast_to(-option.once_total, later[:1].shape), later])


def present_value(flows: np.ndarray, annual_rate: np.ndarray) -> np.ndarray:
    """Return NPV = sum_m flows_m / (1 + annual rate)^(m / 12), [months + 1, D] -> [D].

    numpy-financial's npv takes one rate for all columns, but each draw has another rate; a test
    compares the two.
    """
    # Horner's rule needs no [months, D] array of discount factors.
    month = (1 + np.asarray(annual_rate, dtype=np.float64)) ** (1 / 12)
    total = flows[-1]
    for flow in flows[-2::-1]:
        total = total / month + flow
    return total


def _once(v: InputValues, machine_hours: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "labels": v["labels"] * v["label"],
        "machine": machine_hours * v["machine_hour"],
        "people": v["people_hours"] * v["engineer_hour"],
        "integration": v["integration"],
    }


def retraining_cost(v: InputValues, machine_hours: Amount) -> Amount:
    """Return the cost of retraining a month, [D]. machine_hours: of one retraining, [D]."""
    people = v["redistillation_people_hours"] * v["engineer_hour"]
    per_time = machine_hours * v["machine_hour"] + people + v["redistillation_labels"] * v["label"]
    return v["redistillations"] / 12 * per_time


def _running(
    v: InputValues,
    coverage: np.ndarray | float,
    risk: np.ndarray | float,
    seconds: np.ndarray | float,
    once: dict[str, np.ndarray],
    redistillation: Amount,
) -> OptionCosts:
    cases, hours_per_case = v["cases_per_month"], v["review_minutes"] / 60
    accepted = cases * coverage
    reviewed = cases - accepted
    audited = accepted * v["audit_share"]
    freed = (cases - reviewed - audited) * hours_per_case
    escapes = accepted * risk + reviewed * v["reviewer_miss"]
    monthly = {
        "inference": cases * seconds / 3600 * v["machine_hour"],
        "review": reviewed * hours_per_case * v["reviewer_hour"],
        "audit": audited * hours_per_case * v["reviewer_hour"],
        "escapes": escapes * v["escape"],
        "kept_hours": np.maximum(freed, 0) * (1 - v["cashed_share"]) * v["reviewer_hour"],
    }
    return OptionCosts(once, monthly, redistillation, freed, escapes)
