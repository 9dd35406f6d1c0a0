"""The number of audits after which "the risk is at most the target" is proved.

A plan is exact about what it assumes: the bound that core.stats.exact_bounds gives for that many
audits, with the share of errors that the plan supposes among those still to come. Pure.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr
from scipy.stats import hypergeom

from core.decision.audits.estimate import AuditSummary
from core.errors import SettingsError
from core.stats.exact_bounds import anytime_evidence

# What further audits can show, see audit_outlook.
FEW_ACCEPTED, MISSED, NEVER, PLANNED = "few", "missed", "never", "more"
MOST_AUDITS = 100_000  # further audits; a need beyond it is answered with None


@dataclass(frozen=True)
class AuditPlan:
    """The number of further audits that a claim needs, and of errors that it allows among them.

    audits: None if even MOST_AUDITS audits, or all cases, are too few. chance: the probability
    that no more than `errors` of them are wrong if they are wrong at the supposed rate.
    """

    audits: int | None
    errors: int
    chance: float


def plan_audits(
    target: float,
    rate: float = 0.0,
    audited: int = 0,
    wrong: int = 0,
    population: int | None = None,
    alpha: float = 0.05,
    anytime: bool = False,
) -> AuditPlan:
    """Return the fewest further audits after which "risk <= target" holds at level 1 - alpha.

    target: in (0, 1). rate: the share of the further audits that is wrong, rounded down; 0 plans
    without any error. audited, wrong: audits so far, and the wrong ones among them. population:
    accepted cases in all, None for many. anytime: plan with the bound that may be looked at after
    every audit. Raises SettingsError for a target or rate outside its range.

    >>> plan_audits(0.05).audits, plan_audits(0.05, anytime=True).audits
    (59, 74)
    """
    if not 0 < target < 1 or not 0 <= rate < 1:
        raise SettingsError("decision.audit_target", target=target, rate=rate)
    further = np.arange(0 if audited else 1, MOST_AUDITS + 1)
    if population is not None:
        further = further[further <= population - audited]
    # A product such as 0.005 * 200 may fall just below a whole number.
    errors = np.floor(rate * further + 1e-9).astype(np.int64)
    passes = _passes(wrong + errors, audited + further, target, population, alpha, anytime)
    first = np.flatnonzero(passes)
    if not len(first):
        return AuditPlan(None, 0, 0.0)
    n, k = int(further[first[0]]), int(errors[first[0]])
    return AuditPlan(n, k, float(bdtr(k, n, rate)) if n and rate else 1.0)


def audit_outlook(summary: AuditSummary, target: float) -> tuple[str, AuditPlan | None]:
    """Return what further audits can show about "leakage <= target", in [0, 1): a code and a plan.

    FEW_ACCEPTED: too few cases are accepted for more leakage. MISSED: the audits show more leakage
    already. NEVER: not even all audits would show it. PLANNED: those of the plan, without an error,
    show it. Audits without a clear answer count as wrong.
    """
    coverage = summary.coverage or 0.0
    if coverage <= target:
        return FEW_ACCEPTED, None
    if summary.leakage.low is not None and summary.leakage.low > target:
        return MISSED, None
    plan = plan_audits(
        target / coverage,
        audited=summary.sample,
        wrong=summary.wrong + summary.missing,
        population=summary.accepted,
    )
    return (NEVER, None) if plan.audits is None else (PLANNED, plan)


def _passes(
    errors: NDArray[np.int64],
    n: NDArray[np.int64],
    target: float,
    population: int | None,
    alpha: float,
    anytime: bool,
) -> NDArray[np.bool_]:
    """Return whether the one-sided bound of each (errors, n) is at most the target."""
    if anytime:
        # Above the target's own share the evidence points the other way.
        return (errors < target * n) & (anytime_evidence(errors, n, target) >= math.log(1 / alpha))
    if population is None:
        return bdtr(errors, n, target) <= alpha
    least_bad = math.floor(target * population + 1e-9) + 1  # the least number above the target
    if least_bad > population:
        return np.ones(len(n), dtype=bool)
    return hypergeom.cdf(errors, population, least_bad, n) <= alpha
