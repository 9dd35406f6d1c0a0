"""What a threshold means: coverage, reviews, risk and leakage, each with its n and a 95% Wilson
interval.

Accept when confidence >= threshold, else review. Cases without a label count in workload and never
in risk: selective risk is wrong accepted / accepted, leakage is wrong accepted / all, both over
labelled cases. `unseen` outcomes are wrong whatever was predicted; without them
(`include_unseen=False`) those cases are left out of everything, workload too.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from core.counts.histogram import THRESHOLDS, AcceptanceCurve, edge_of_threshold
from core.errors import SettingsError
from core.stats.bounds import wilson_arrays
from core.types import OUTCOMES, Interval

_RIGHT, _WRONG, _UNSEEN, _UNLABELLED = range(len(OUTCOMES))
MEASURES = (
    "coverage",
    "review_rate",
    "selective_risk",
    "leakage",
    "reviews_per_day",
    "escapes_per_day",
)


@dataclass(frozen=True)
class Consequence:
    """What one threshold means for these cases. Per-day figures scale a share and its interval by
    cases_per_day, taken as known.
    """

    threshold: float
    cases: int  # all cases that count
    labelled: int
    accepted: int
    accepted_labelled: int
    wrong_accepted: int
    cases_per_day: float
    coverage: Interval  # accepted / cases
    review_rate: Interval  # 1 - coverage
    selective_risk: Interval  # wrong accepted / accepted labelled
    leakage: Interval  # wrong accepted / labelled
    reviews_per_day: Interval
    escapes_per_day: Interval


def threshold_consequence(
    cumulative: AcceptanceCurve, threshold: float, cases_per_day: float, include_unseen: bool = True
) -> Consequence:
    """What accepting at `threshold` means. Raises SettingsError for a threshold that is no multiple
    of 0.001.
    """
    step = edge_of_threshold(threshold) // (edge_of_threshold(0.001) or 1)
    row = consequence_curve(cumulative, cases_per_day, include_unseen, slice(step, step + 1)).iloc[
        0
    ]
    counts = {f.name: int(row[f.name]) for f in fields(Consequence) if f.type is int}
    n = {
        "coverage": "cases",
        "review_rate": "cases",
        "reviews_per_day": "cases",
        "selective_risk": "accepted_labelled",
    }
    estimates = {m: _interval(row, m, int(row[n.get(m, "labelled")])) for m in MEASURES}
    return Consequence(
        threshold=float(row["threshold"]), cases_per_day=cases_per_day, **counts, **estimates
    )


def consequence_curve(
    cumulative: AcceptanceCurve,
    cases_per_day: float,
    include_unseen: bool = True,
    steps: slice = slice(None),
) -> pd.DataFrame:
    """The same for every threshold 0, 0.001, ..., 1 (or those of `steps`), a row each.

    Columns: threshold, cases, labelled, accepted, accepted_labelled, wrong_accepted, and for each
    of MEASURES the value and <measure>_low, <measure>_high; NaN where there is nothing to estimate
    from.
    """
    if not (np.isfinite(cases_per_day) and cases_per_day >= 0):
        raise SettingsError(
            f"cases_per_day {cases_per_day} is not allowed: use a finite number of 0 or more"
        )
    return _frame(
        cumulative.accepted[:, steps],
        THRESHOLDS[steps],
        cumulative.accepted[:, :1],
        cases_per_day,
        include_unseen,
    )


def consequence_by_segment(
    cumulative: AcceptanceCurve, threshold: float, cases_per_day: float, include_unseen: bool = True
) -> pd.DataFrame:
    """One row a segment at one threshold, the columns of `curve` and `segment`. Each segment's
    volume is its share of the cases.
    """
    step = edge_of_threshold(threshold) // edge_of_threshold(0.001)
    return segment_curves(cumulative, cases_per_day, include_unseen, slice(step, step + 1))


def segment_curves(
    cumulative: AcceptanceCurve,
    cases_per_day: float,
    include_unseen: bool = True,
    steps: slice = slice(None),
) -> pd.DataFrame:
    """`curve` of each segment, one below the other, and `segment`: a row a segment and threshold,
    thresholds together.
    """
    accepted, thresholds = cumulative.by_segment[:, :, steps], THRESHOLDS[steps]  # [S, O, T]
    totals = cumulative.by_segment[:, :, 0]  # [S, O]
    counted = totals.sum(1) - (0 if include_unseen else totals[:, _UNSEEN])
    volume = cases_per_day * counted / max(1, counted.sum())
    size = len(thresholds)
    rows = accepted.swapaxes(0, 1).reshape(len(OUTCOMES), -1)  # [O, S * T]
    of_all, per_day = totals.T.repeat(size, axis=1), volume.repeat(size)
    table = _frame(rows, np.tile(thresholds, len(totals)), of_all, per_day, include_unseen)
    return table.assign(
        segment=np.repeat(np.array(cumulative.histogram.segments, dtype=object), size)
    )


def _frame(
    accepted: np.ndarray,
    thresholds: np.ndarray,
    total: np.ndarray,
    per_day: float | np.ndarray,
    include_unseen: bool,
) -> pd.DataFrame:
    """accepted [O, R], thresholds [R], total [O, R] or [O, 1], per_day [R] or one -> R rows with
    the columns of `curve`.
    """
    keep = np.array([True, True, include_unseen, True])[:, None]
    accepted, total = accepted * keep, total * keep
    wrong = accepted[_WRONG] + accepted[_UNSEEN]
    all_accepted = accepted.sum(0)
    accepted_labelled = all_accepted - accepted[_UNLABELLED]
    cases = np.broadcast_to(total.sum(0), all_accepted.shape)
    labelled = cases - total[_UNLABELLED]
    columns = {
        "threshold": thresholds,
        "cases": cases,
        "labelled": labelled,
        "accepted": all_accepted,
        "accepted_labelled": accepted_labelled,
        "wrong_accepted": wrong,
    }
    shares = {
        "coverage": (all_accepted, cases, 1.0),
        "review_rate": (cases - all_accepted, cases, 1.0),
        "selective_risk": (wrong, accepted_labelled, 1.0),
        "leakage": (wrong, labelled, 1.0),
        "reviews_per_day": (cases - all_accepted, cases, per_day),
        "escapes_per_day": (wrong, labelled, per_day),
    }
    for name, (count, n, scale) in shares.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            columns[name] = count / n * scale
        columns[f"{name}_low"], columns[f"{name}_high"] = (
            bound * scale for bound in wilson_arrays(count, n)
        )
    return pd.DataFrame(columns)


def _interval(row: pd.Series, measure: str, n: int) -> Interval:
    values = (row[measure], row[f"{measure}_low"], row[f"{measure}_high"])
    return Interval(*((None if np.isnan(v) else float(v)) for v in values), n)
