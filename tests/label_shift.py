"""Label shift case by case, as an oracle: w(y) = q(y) / p(y) (Saerens et al. 2002).

The screens compute it from counts (core.report.what_if); here each labelled case has its weight.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.counts.histogram import positions_of
from core.counts.tally import Tally
from core.decision.thresholds.consequence import PolicyConsequence, consequence_of_tally
from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.policy import Policy
from core.types import OUTCOMES


def label_weights(labels: Sequence[str], shares: Mapping[str, float]) -> np.ndarray:
    """Return the weight [n] of each case under these shares of the true classes."""
    names, where, counts = np.unique(list(labels), return_inverse=True, return_counts=True)
    target = np.array([shares[name] for name in names])
    return (target / target.sum() * len(where) / counts)[where]


def shifted_consequence(
    policy: Policy, cases: pd.DataFrame, weights: np.ndarray, terms: CostModel
) -> PolicyConsequence:
    """Return the consequence of a policy on weighted cases, one row a case."""
    columns = (cases[name] for name in ("segment", "predicted", "confidence", "epistemic"))
    accepted = policy.accepts(*columns)
    outcome = positions_of(OUTCOMES, cases["outcome"])
    sums = (
        np.bincount(outcome, w * part, len(OUTCOMES))
        for w in (weights, weights**2)
        for part in (accepted, np.ones(len(cases)))
    )
    return consequence_of_tally(Tally(*sums), policy, terms, reweighted=True)
