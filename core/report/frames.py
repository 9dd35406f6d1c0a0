"""Build tidy frames for charts and tables. Knows counts and consequences; draws nothing and chooses
no words.

Columns ending in _low and _high are the bounds of a 95% interval; NaN means that no case counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.counts.histogram import CONFIDENCE_BINS as FINE
from core.counts.histogram import THRESHOLDS, AcceptanceCurve, Histogram
from core.decision.thresholds.consequence import (
    consequence_by_segment,
    consequence_curve,
    segment_curves,
)
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.daily_money import OptionMoney
from core.stats.calibration import ECE_BINS, Bin, reliability_from_counts
from core.stats.calibration_bias import calibration_error

PART_SHARES = tuple(
    f"{name}{end}" for name in ("review", "leakage") for end in ("", "_low", "_high")
)
_RIGHT, _WRONG = 0, 1  # core.types.OUTCOMES


def risk_coverage_frame(
    models: Mapping[str, AcceptanceCurve], include_unseen: bool = True
) -> pd.DataFrame:
    """Return one row a model and threshold: model_kind, threshold, coverage, risk, low, high (of
    the risk), n (accepted, labelled).
    """
    frames = []
    for kind, cumulative in models.items():
        table = consequence_curve(cumulative, 1.0, include_unseen)
        frames.append(
            pd.DataFrame(
                {
                    "model_kind": kind,
                    "threshold": table["threshold"],
                    "coverage": table["coverage"],
                    "risk": table["selective_risk"],
                    "low": table["selective_risk_low"],
                    "high": table["selective_risk_high"],
                    "n": table["accepted_labelled"],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def threshold_frame(costed: pd.DataFrame) -> pd.DataFrame:
    """Return threshold, and reviews (a day), leakage and money (a month), each with _low and _high,
    of a `daily_money.cost_curve`.
    """
    names = {"reviews": "reviews_per_day", "leakage": "leakage", "money": "money"}
    columns = {
        f"{new}{s}": costed[f"{old}{s}"] * (DAYS_PER_MONTH if new == "money" else 1.0)
        for new, old in names.items()
        for s in ("", "_low", "_high")
    }
    return pd.DataFrame({"threshold": costed["threshold"], **columns})


def segment_frame(
    cumulative: AcceptanceCurve,
    threshold: float,
    cases_per_day: float,
    include_unseen: bool = True,
    miss: float = 0.0,
) -> pd.DataFrame:
    """Return one row a segment, most cases first: segment, cases, labelled, review and leakage
    (shares) with bounds, reviews_per_day, escapes_per_month.

    cumulative: the counts of every threshold.
    threshold: a multiple of 0.001.
    cases_per_day: the volume of all segments together.
    include_unseen: whether cases of a label that no model was trained on count.
    miss: the share of reviews in which a wrong answer stays, 0..1; it escapes too.
    """
    table = consequence_by_segment(cumulative, threshold, cases_per_day, include_unseen)
    slips = table["escapes_per_day"] + miss * table["reviews_per_day"]
    amounts = {
        "reviews_per_day": table["reviews_per_day"],
        "escapes_per_month": DAYS_PER_MONTH * slips,
    }
    return _segments(table.assign(**amounts), tuple(amounts))


@dataclass(frozen=True)
class PartCurves:
    """`segment_frame` at every threshold 0, 0.001, ..., 1, for segments with a case."""

    names: tuple[str, ...]
    cases: tuple[int, ...]
    labelled: tuple[int, ...]
    # PART_SHARES: [S, 1001]; NaN where no case counts.
    shares: dict[str, np.ndarray]


def part_curves(cumulative: AcceptanceCurve, include_unseen: bool = True) -> PartCurves:
    """Return the review rate and leakage of each segment at every threshold, most cases first."""
    table = _segments(segment_curves(cumulative, 1.0, include_unseen))
    table = table[table["cases"] > 0]
    first = table.iloc[:: len(THRESHOLDS)]
    shares = {name: table[name].to_numpy().reshape(-1, len(THRESHOLDS)) for name in PART_SHARES}
    return PartCurves(
        tuple(first["segment"]),
        tuple(first["cases"].tolist()),
        tuple(first["labelled"].tolist()),
        shares,
    )


def _segments(table: pd.DataFrame, amounts: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the counts and shares of `segment_frame` and the columns `amounts`, most cases first."""
    # `part_curves` reshapes the rows by segment. A stable sort keeps a segment's rows in order of
    # threshold; segments of equal size stay in order too.
    shares = {
        f"{new}{s}": table[f"{old}{s}"]
        for new, old in (("review", "review_rate"), ("leakage", "leakage"))
        for s in ("", "_low", "_high")
    }
    columns = table[["segment", "cases", "labelled", *amounts]]
    return columns.assign(**shares).sort_values(
        "cases", ascending=False, kind="stable", ignore_index=True
    )


def option_frame(options: list[OptionMoney]) -> pd.DataFrame:
    """Return one row an option: name, review, inference, retraining, escapes, total, low, high
    (money a month), n, note.
    """
    frame = pd.DataFrame(
        [
            {
                "name": o.name,
                "review": o.review_per_day,
                "inference": o.inference_per_day,
                "retraining": o.retraining_per_day,
                "escapes": o.escapes_per_day,
                "total": o.total_per_day.value,
                "low": o.total_per_day.low,
                "high": o.total_per_day.high,
                "n": o.total_per_day.n,
                "note": o.note,
            }
            for o in options
        ]
    )
    amounts = ["review", "inference", "retraining", "escapes", "total", "low", "high"]
    # None, where a figure is unknown, becomes NaN
    return frame.assign(**(frame[amounts].astype(float) * DAYS_PER_MONTH))


def reliability_bins(histogram: Histogram, include_unseen: bool = False) -> list[Bin]:
    """Return the 15 bins of a reliability diagram from stored counts, equal to those of the raw
    cases.

    They cover cases whose label the model was trained on and, with `include_unseen`, cases of other
    labels, which are all wrong.
    """
    outcomes_kept = 3 if include_unseen else 2  # core.types.OUTCOMES: right, wrong, unseen
    # [outcomes, FINE]
    counts, sums = (
        a.sum((0, 1))[:outcomes_kept] for a in (histogram.counts, histogram.confidence_sum)
    )
    # Confidence 1.0 has its own fine bin and belongs to the last wide one.
    wide = np.minimum(np.arange(FINE) // ((FINE - 1) // ECE_BINS), ECE_BINS - 1)
    n, confidence = (
        np.bincount(wide, weights=a.sum(0), minlength=ECE_BINS) for a in (counts, sums)
    )
    right = np.bincount(wide, weights=counts[_RIGHT], minlength=ECE_BINS)
    return reliability_from_counts(n.astype(np.int64), right.astype(np.int64), confidence)


def reliability_frame(
    models: Mapping[str, Histogram], include_unseen: bool = False
) -> tuple[pd.DataFrame, dict[str, tuple[float | None, int]]]:
    """Return one row a model and bin (model_kind, bin_low, bin_high, n, confidence, accuracy, low,
    high), and {kind: (debiased ECE, n)}.
    """
    rows, errors = [], {}
    for kind, histogram in models.items():
        bins = reliability_bins(histogram, include_unseen)
        errors[kind] = (calibration_error(bins).debiased.value, sum(b.n for b in bins))
        rows += [
            {
                "model_kind": kind,
                "bin_low": b.low,
                "bin_high": b.high,
                "n": b.n,
                "confidence": b.confidence,
                "accuracy": b.accuracy.value,
                "low": b.accuracy.low,
                "high": b.accuracy.high,
            }
            for b in bins
        ]
    return pd.DataFrame(rows).astype(
        dict.fromkeys(("confidence", "accuracy", "low", "high"), float)
    ), errors


_METRICS = {
    "accuracy": ("accuracy", 3),
    "ece": ("ECE, debiased", 3),
    "ece_plain": ("ECE, plain", 3),
    "nll": ("NLL", 3),
    "brier": ("Brier", 3),
    "aurc": ("AURC", 3),
    "coverage_at_5": ("coverage at 5% risk", 3),
    "error_auroc": ("error AUROC", 3),
    "ood_auroc_total": ("OOD AUROC, total", 3),
    "ood_auroc_epistemic": ("OOD AUROC, epistemic", 3),
}


def metrics_markdown(rows: Mapping[str, dict]) -> str:
    """Return the rows of `evaluate` as a Markdown table: a column a model, a line a metric, each
    with its 95% interval; n is in the name of the line.
    """
    names = list(rows)
    lines = ["| metric (n) | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    lines.append("| passes a case | " + " | ".join(str(rows[n]["passes"]) for n in names) + " |")
    speeds = [rows[n]["seconds_per_case"] for n in names]
    lines.append(
        "| ms a case, measured | "
        + " | ".join("-" if s is None else f"{1000 * s:.2f}" for s in speeds)
        + " |"
    )
    for key, (title, digits) in _METRICS.items():
        cells = [_cell(rows[n][key], digits) for n in names]
        lines.append(f"| {title} ({rows[names[0]][key]['n']}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(metric: dict, digits: int) -> str:
    if metric["value"] is None:
        return "-"
    bounds = (
        ""
        if metric["low"] is None
        else f" ({metric['low']:.{digits}f} to {metric['high']:.{digits}f})"
    )
    return f"{metric['value']:.{digits}f}{bounds}"
