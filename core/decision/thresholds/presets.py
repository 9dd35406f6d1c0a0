"""Four starting points for a threshold, each defined by what it promises on the cases at hand, and
not by a number.

- safe: the fewest reviews that keep leakage at SAFE_LEAKAGE or less, there and at every stricter
  threshold;
- balanced: the least expected money of reviews and escapes;
- lean: the fewest reviews that cost no more than reviewing every case does;
- shadow: threshold 1, the strictest there is: the model runs beside people, and only a confidence
  of exactly 1 is accepted.

Read off the very cases that they are shown on, so they are optimistic; a certificate is another
matter.
"""

import numpy as np

from core.counts.histogram import THRESHOLDS
from core.counts.joint import limit_bin
from core.counts.tally import LeakageLimit
from core.decision.thresholds.policy import PolicyConsequence
from core.decision.thresholds.solver import SolvedPlan, ThresholdSolver

SAFE, BALANCED, LEAN, SHADOW = "safe", "balanced", "lean", "shadow"
PRESETS = (SAFE, BALANCED, LEAN, SHADOW)
SAFE_LEAKAGE = 0.01


def preset_thresholds(handles: ThresholdSolver) -> dict[str, float]:
    """The threshold of each preset, in the order of PRESETS; one that no threshold fulfils, or no
    label tells, is left out.
    """
    safe, balanced = handles.at_risk(LeakageLimit(SAFE_LEAKAGE)), handles.solve()
    found = {
        SAFE: safe.policy.threshold if isinstance(safe, PolicyConsequence) else None,
        BALANCED: balanced.point.policy.threshold if isinstance(balanced, SolvedPlan) else None,
        LEAN: _lean(handles),
        SHADOW: 1.0,
    }
    return {name: threshold for name, threshold in found.items() if threshold is not None}


def _lean(handles: ThresholdSolver) -> float | None:
    """The loosest threshold whose money a day is at most review * cases a day; None where money is
    unknown or never is.
    """
    terms = handles.terms
    money = terms.handling(handles.cumulative.curve(limit_bin(handles.epistemic_limit)))[
        : len(THRESHOLDS)
    ]
    # NaN compares False
    pays = np.flatnonzero(money <= terms.cases_per_day * terms.costs.review * (1 + 1e-12))
    return float(THRESHOLDS[pays[0]]) if len(pays) else None
