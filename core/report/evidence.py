"""Compute the evidence for a model: calibration, temperature scaling, change over time, the
uncertainty against the teacher's, a certificate.

Predictions of a run in, small results out: counts, frames, intervals. Counts keep no predicted
class, so that a run of many periods stays small. Cases whose label was not trained on are wrong
answers, or left out of every figure with `unseen` False; temperature scaling is fitted without
them, because the model gives their label no probability. Does not draw, choose words, or open the
store: EVIDENCE_COLUMNS lists the columns that each function reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.certificate.certify import certify_segments, certify_threshold
from core.decision.certificate.claims import (
    Certificate,
    CertificateOrigin,
    NotCertified,
    RiskPromise,
)
from core.decision.thresholds.consequence import consequence_curve, threshold_consequence
from core.decision.thresholds.costs import CostModel
from core.report.frames import reliability_bins
from core.stats.agreement import mean_absolute_error, rank_correlation
from core.stats.bounds import wilson
from core.stats.calibration_bias import calibration_error
from core.stats.temperature import Temperature, at_temperature, fit_temperature
from core.stats.verdict import PairedVerdict, judge_pair
from core.types import Interval

PERIODS = ("year", "half")
SPREADS = ("epistemic", "aleatoric")
CELLS = 40  # a side of the grid that counts pairs of uncertainties
VALID_DAYS = 90  # validity of a certificate issued today: an assumption, and displayed as one
EVIDENCE_COLUMNS = {
    "by_period": ("segment", "outcome", "confidence", "occurred_at"),
    "temperature": ("label", "outcome", "probabilities"),
    "scaled_counts": ("segment", "outcome", "probabilities"),
    "spreads": ("case_id", "segment", "epistemic", "aleatoric"),
    "certificate": ("segment", "outcome", "confidence"),
    "rival": ("case_id", "label", "outcome", "probabilities"),
}


@dataclass(frozen=True)
class CalibrationSummary:
    """Mean confidence and accuracy of a model over the same `accuracy.n` labelled cases."""

    confidence: float | None  # the mean; None without a case
    accuracy: Interval
    ece: Interval  # debiased: the calibration error without the part that chance explains


@dataclass(frozen=True)
class SpreadAgreement:
    """One part of the uncertainty of the same cases, in nats, by the student in one pass and by the
    teacher's samples.
    """

    # student_low, student_high, teacher_low, teacher_high, n: occupied cells of the grid
    cells: pd.DataFrame
    spearman: Interval
    error: Interval  # mean absolute difference, nats


def calibration_summary(counts: Histogram, unseen: bool = True) -> CalibrationSummary:
    """Return the mean confidence, accuracy and calibration error of a run's counts."""
    bins = reliability_bins(counts, unseen)
    n = sum(b.n for b in bins)
    right = sum(round(b.n * b.point[1]) for b in bins if b.n)
    confidence = sum(b.n * b.point[0] for b in bins if b.n) / n if n else None
    return CalibrationSummary(confidence, wilson(right, n), calibration_error(bins).debiased)


def rival_verdict(
    ours: pd.DataFrame, theirs: pd.DataFrame, labels: tuple[str, ...], model: str, rival: str
) -> PairedVerdict:
    """Return the verdict of two models on the cases of both runs.

    ours, theirs: predictions with EVIDENCE_COLUMNS["rival"].
    labels: the labels of both runs, in the order of their probabilities; other cases are left out.
    model, rival: the names of the two models.
    """
    columns = list(EVIDENCE_COLUMNS["rival"])
    both = ours[columns].merge(theirs[columns], on="case_id", suffixes=("", "_rival"))
    both = both[both["outcome"].isin(["right", "wrong"])]
    position = {label: i for i, label in enumerate(labels)}
    labelled = np.array([position[label] for label in both["label"]], dtype=int)
    if both.empty:
        empty = np.zeros((0, len(labels)))
        return judge_pair(model, empty, rival, empty, labelled)
    p, q = (
        np.stack(both[name].to_numpy()).astype(float)
        for name in ("probabilities", "probabilities_rival")
    )
    return judge_pair(
        model, p / p.sum(1, keepdims=True), rival, q / q.sum(1, keepdims=True), labelled
    )


def fitted_temperature(calibration: pd.DataFrame, labels: tuple[str, ...]) -> Temperature:
    """Return the temperature fitted on the calibration cases with a label in `labels`, the run's
    order. Raises SettingsError.
    """
    labelled = calibration[calibration["outcome"].isin(["right", "wrong"])]
    position = {label: i for i, label in enumerate(labels)}
    # Not "unseen": the model gives their label no probability, so no likelihood exists.
    return fit_temperature(
        _stacked(labelled), np.array([position[label] for label in labelled["label"]], dtype=int)
    )


def scaled_counts(table: pd.DataFrame, value: float) -> Histogram:
    """Return the counts of a run's cases with their confidence at temperature `value`; answers and
    outcomes do not change.
    """
    # float64 rounding can put the largest probability a hair above 1, which has no bin.
    confidence = at_temperature(_stacked(table), value).max(1) if len(table) else np.zeros(0)
    return _counts(table["segment"], table["outcome"], np.minimum(confidence, 1.0))


def by_period(table: pd.DataFrame, period: str) -> dict[tuple[int, int], Histogram]:
    """Return {(year, half): counts} in order of time; half is 0 for whole years, else 1 or 2. Cases
    without a date are left out.
    """
    dated = table[table["occurred_at"].notna()]
    when = dated["occurred_at"].dt
    # A constant half for years lets one grouping serve both periods.
    half = (when.month > 6) + 1 if period == "half" else pd.Series(0, index=dated.index)
    groups = dated.groupby([when.year.rename("year"), half.rename("half")], sort=True)
    names = sorted(set(table["segment"]))
    return {
        (int(year), int(part)): _counts(rows["segment"], rows["outcome"], rows["confidence"], names)
        for (year, part), rows in groups
    }


def shift_frame(
    periods: Mapping[tuple, Histogram], threshold: float, unseen: bool = True
) -> pd.DataFrame:
    """Return one row a period: year, half, cases, labelled, and accuracy, ece, coverage and risk
    (selective, at `threshold`), each also with _low and _high; Wilson's interval, and the debiased
    one for ece. NaN where no case counts.
    """
    rows = []
    for (year, half), counts in periods.items():
        period_rows, labelled = (
            threshold_consequence(AcceptanceCurve(counts), threshold, CostModel(1.0), unseen),
            calibration_summary(counts, unseen),
        )
        measures = {
            "accuracy": labelled.accuracy,
            "ece": labelled.ece,
            "coverage": period_rows.coverage,
            "risk": period_rows.selective_risk,
        }
        values = {
            f"{name}{end}": getattr(interval, field)
            for name, interval in measures.items()
            for end, field in (("", "value"), ("_low", "low"), ("_high", "high"))
        }
        rows.append(
            {
                "year": year,
                "half": half,
                "cases": period_rows.cases,
                "labelled": period_rows.labelled,
            }
            | values
        )
    columns = [
        f"{name}{end}"
        for name in ("accuracy", "ece", "coverage", "risk")
        for end in ("", "_low", "_high")
    ]
    return pd.DataFrame(rows, columns=["year", "half", "cases", "labelled", *columns]).astype(
        dict.fromkeys(columns, float)
    )


def spread_agreement(
    student: pd.DataFrame, teacher: pd.DataFrame, segment: str | None = None
) -> dict[str, SpreadAgreement]:
    """Return {part: SpreadAgreement} over the cases that both scored, of one segment or all."""
    rows = student if segment is None else student[student["segment"] == segment]
    both = rows.merge(teacher, on="case_id", suffixes=("_student", "_teacher"))
    agreement = {}
    for part in SPREADS:
        x, y = (both[f"{part}_{kind}"].to_numpy() for kind in ("student", "teacher"))
        agreement[part] = SpreadAgreement(
            spread_density(x, y), rank_correlation(x, y), mean_absolute_error(x, y)
        )
    return agreement


def spread_density(x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Return the pairs [n] counted on a square grid from 0 to the largest of both: the occupied
    cells, with the columns of SpreadAgreement.cells.
    """
    # `or 1.0` keeps the grid from having no width when all values are 0.
    top = max(float(np.max(x, initial=0)), float(np.max(y, initial=0))) or 1.0
    n, edges, _ = np.histogram2d(x, y, bins=CELLS, range=[[0, top], [0, top]])
    i, j = np.nonzero(n)
    columns = {
        "student_low": edges[i],
        "student_high": edges[i + 1],
        "teacher_low": edges[j],
        "teacher_high": edges[j + 1],
    }
    return pd.DataFrame(columns | {"n": n[i, j].astype(int)})


def certificate_result(
    table: pd.DataFrame,
    promise: tuple[str, float, float],
    origin: tuple[str, str],
    today: date,
    segment: str | None = None,
    unseen: bool = True,
) -> Certificate | NotCertified:
    """Return the certificate of the calibration cases, or why they give none.

    A `segment` is certified as one of all segments (Bonferroni), because a reader of one segment
    may look at the next.

    table: calibration cases with EVIDENCE_COLUMNS["certificate"].
    promise: measure, target, delta.
    origin: model hash, process.
    today: the date of issue; the certificate is valid for VALID_DAYS.
    segment: one segment; None for all cases.
    unseen: whether cases whose label the model was not trained on count, as wrong.

    Raises SettingsError if all cases have one confidence, so that no threshold separates them.
    """
    counted = table if unseen else table[table["outcome"] != "unseen"]
    right = (
        (counted["outcome"] == "right")
        .astype(float)
        .mask(counted["outcome"] == "unlabelled")
        .to_numpy()
    )
    confidence, promised = counted["confidence"].to_numpy(), RiskPromise(*promise)
    issued = CertificateOrigin(*origin, today, today + timedelta(days=VALID_DAYS))
    if segment is None:
        return certify_threshold(confidence, right, promised, issued)
    return certify_segments(confidence, right, counted["segment"].to_numpy(), promised, issued)[
        segment
    ]


def certificate_frame(counts: AcceptanceCurve, measure: str, unseen: bool = True) -> pd.DataFrame:
    """Return one row a threshold that accepts labelled cases: threshold, risk (of `measure`), low,
    high, n (its denominator).
    """
    table = consequence_curve(counts, 1.0, unseen)
    n = table["accepted_labelled" if measure == "selective_risk" else "labelled"]
    columns = {"threshold": table["threshold"], "risk": table[measure]}
    columns |= {end: table[f"{measure}_{end}"] for end in ("low", "high")}
    return pd.DataFrame(columns | {"n": n})[table["accepted_labelled"] > 0].reset_index(drop=True)


def _counts(
    segment: pd.Series, outcome: pd.Series, confidence, segments: list[str] | None = None
) -> Histogram:
    """Return counts by segment and outcome, with all predicted classes as one."""
    one_class = [""] * len(segment)
    return Histogram.from_predictions(
        segment, one_class, outcome, np.asarray(confidence), segments, ("",)
    )


def _stacked(table: pd.DataFrame) -> np.ndarray:
    """Return the probabilities [n, K] of float32 lists as float64, with rows that sum to 1."""
    if not len(table):
        return np.zeros((0, 1))
    p = np.stack(table["probabilities"].to_numpy()).astype(np.float64)
    return p / p.sum(1, keepdims=True)
