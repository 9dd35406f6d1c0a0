"""Intervals by bootstrap over clusters (days or segments): cases of one day resemble each other, so
whole days are drawn.

Cluster bootstrap with percentile bounds (Davison & Hinkley 1997, section 3.8). Statistics take
drawn counts [R, ...] and give values [R]; n of the interval is the number of CLUSTERS. Fewer than
MIN_CLUSTERS have no interval: resampling five days says little of the sixth.
"""

from collections.abc import Callable

import numpy as np

from core.counts.tally import Tally
from core.decision.thresholds.costs import CostModel
from core.errors import SettingsError, ShapeError
from core.stats.checks import finite
from core.types import OUTCOMES, Interval

MIN_CLUSTERS = 10


def cluster_interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    counts: np.ndarray,
    generator: np.random.Generator,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """`statistic` of all clusters' counts [C, ...] with its percentile interval; bounds are None
    under MIN_CLUSTERS.

    statistic: [R, ...] -> [R], NaN where there is nothing to estimate from; such draws are left
    out.
    """
    counts = finite(counts, "count")
    clusters = len(counts)
    value = float(statistic(counts.sum(0, keepdims=True))[0])
    if np.isnan(value) or clusters < MIN_CLUSTERS:
        return Interval(None if np.isnan(value) else value, None, None, clusters, level)
    # [R, C]
    times = generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws).astype(
        np.float64
    )
    drawn = statistic((times @ counts.reshape(clusters, -1)).reshape(draws, *counts.shape[1:]))
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), clusters, level)


def money_per_day(terms: CostModel) -> Callable[[np.ndarray], np.ndarray]:
    """Statistic of counts [R, 2, O], accepted and all by outcome: expected money a day. Raises
    SettingsError unmeasured.
    """
    inference = terms.costs.inference(terms.seconds_per_case)
    if inference is None:
        raise SettingsError("decision.money_unmeasured")

    def statistic(counts: np.ndarray) -> np.ndarray:
        accepted, total = counts[:, 0], counts[:, 1]
        return (
            terms.handling(Tally(accepted, total, accepted, total))
            + terms.cases_per_day * inference
        )

    return statistic


def aurc(counts: np.ndarray) -> np.ndarray:
    """Area under the risk-coverage curve of counts [R, O, B] by outcome and rising confidence bin,
    labelled cases; [R].

    sum_b n_b / n * (wrong in b and above) / (cases in b and above): core.stats.selective.aurc where
    a bin is one confidence.
    """
    if counts.shape[1] != len(OUTCOMES):
        raise ShapeError("decision.counts_outcomes", shape=counts.shape, outcomes=len(OUTCOMES))
    labelled = counts[:, :3].sum(1)[:, ::-1]  # from the most confident bin down
    wrong = counts[:, 1:3].sum(1)[:, ::-1].cumsum(-1)
    accepted = labelled.cumsum(-1)
    risk = np.divide(wrong, accepted, out=np.zeros(wrong.shape), where=accepted > 0)
    with np.errstate(invalid="ignore"):
        return (labelled * risk).sum(-1) / accepted[:, -1]
