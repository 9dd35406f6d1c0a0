"""The share of errors among accepted cases, from their audits, with an interval that holds.

Permanent random numbers nest, so the cases of the smallest numbers are a simple random sample of the
accepted ones, up to the last answered one: its interval is exact.

Leakage = coverage * risk, and coverage is known exactly. An audit in the sample without an answer
counts as right in the lower bound and as wrong in the upper one. Pure: frames of
core.store.audits in, figures out.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.stats.exact_bounds import anytime_interval, finite_population_interval
from core.types import Interval


@dataclass(frozen=True)
class AuditSummary:
    """Audited accepted cases of a version, and the risk and leakage that follow.

    drawn: audits drawn among the accepted. sample: those that count, in the order of their numbers
    up to the last answered one. wrong, missing: of the sample. Intervals are of the accepted cases
    (risk) and of all cases (leakage); `anytime` ones may be looked at after every answer and are
    about the process that gives the cases.
    """

    cases: int
    accepted: int
    drawn: int
    sample: int
    wrong: int
    missing: int  # in the sample without a clear answer
    risk: Interval
    leakage: Interval
    anytime_risk: Interval
    anytime_leakage: Interval

    @property
    def coverage(self) -> float | None:
        """Return the exact share of accepted cases; None without a case."""
        return self.accepted / self.cases if self.cases else None


def audit_answers(cases: pd.DataFrame) -> NDArray[np.float64]:
    """Return 1 for wrong, 0 for right, NaN without a clear answer, [n].

    cases: a frame of core.store.audits.Audits.audited_cases. Only answers given as audits count: a
    complaint about an accepted case is no random draw.
    """
    clear = cases["verdict"].map({"right": 0.0, "wrong": 1.0}).to_numpy(dtype=np.float64)
    audit = cases["audit"].fillna(False).to_numpy(dtype=bool)
    return np.where(audit & cases["u"].notna().to_numpy(), clear, np.nan)


def summarise_audits(
    cases: pd.DataFrame, level: float = 0.95, counts: tuple[int, int] | None = None
) -> AuditSummary:
    """Return what the audits say of the accepted cases of a version.

    cases: a frame of core.store.audits.Audits: audited_cases, or examined_cases with `counts`.
    level: of the intervals. counts: how many cases are decided and how many accepted; None counts
    the frame's.
    """
    accepted = cases[cases["decision"] == "accepted"]
    sample = uniform_sample(accepted)
    answers = audit_answers(sample)
    wrong, missing = int(np.nansum(answers)), int(np.isnan(answers).sum())
    total, size = counts or (len(cases), len(accepted))
    n = len(sample)
    coverage = size / total if total else 0.0
    share = None if n == missing else wrong / (n - missing)
    risks = [
        Interval(share, best.low, worst.high, n, level)
        for best, worst in (
            [finite_population_interval(e, n, size, level) for e in (wrong, wrong + missing)],
            [anytime_interval(e, n, level) for e in (wrong, wrong + missing)],
        )
    ]
    leakage = [_scaled(risk, coverage) for risk in risks]
    drawn = int(accepted["u"].notna().sum())
    return AuditSummary(
        total, size, drawn, n, wrong, missing, risks[0], leakage[0], risks[1], leakage[1]
    )


def uniform_sample(accepted: pd.DataFrame) -> pd.DataFrame:
    """Return the drawn cases that are a simple random sample, in the order of their numbers.

    accepted: rows of Audits.audited_cases. These are the cases whose number is below the least
    inclusion probability, up to the last one with an answer: where to stop then does not depend on
    what the later cases are.
    """
    drawn = accepted[accepted["u"].notna()].sort_values(["u", "case_id"])
    drawn = drawn[drawn["u"] < drawn["inclusion_probability"].min()]
    answered = np.flatnonzero(drawn["verdict"].notna() & drawn["audit"].fillna(False))
    return drawn.iloc[: answered[-1] + 1 if len(answered) else 0]


def _scaled(risk: Interval, coverage: float) -> Interval:
    if risk.low is None or risk.high is None:
        return Interval(None, None, None, risk.n, risk.level)
    value = None if risk.value is None else coverage * risk.value
    return Interval(value, coverage * risk.low, coverage * risk.high, risk.n, risk.level)
