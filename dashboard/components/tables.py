"""The table under each chart: the chart's frame with translated headings and number formats.

Frames in, (frame, formats) out; formats are Streamlit's names, "percent" for shares. Does not use
Streamlit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from dashboard.i18n import Words


@dataclass(frozen=True)
class ScreenTable:
    """Rows for the screen and for CSV.

    formats: heading -> Streamlit's number format; columns without one are text or counts.
    """

    rows: pd.DataFrame
    formats: dict[str, str]


def risk_coverage_table(
    words: Words, curves: pd.DataFrame, names: Mapping[str, str]
) -> ScreenTable:
    """Return the table of report.frames.risk_coverage_frame."""
    risk = words("axis.risk")
    heads = {
        "model_kind": words("column.model"),
        "threshold": words("threshold"),
        "coverage": words("axis.coverage"),
        "risk": risk,
    }
    return _table(
        curves.replace({"model_kind": dict(names)}),
        heads | _bounds(words, risk, "") | {"n": "n"},
        "coverage risk low high",
    )


def threshold_table(words: Words, curve: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.frames.threshold_frame."""
    heads = {"threshold": words("threshold")}
    titles = {
        "reviews": words("axis.reviews"),
        "leakage": words("card.leakage"),
        "money": f"{words('axis.money')} [{currency}]",
    }
    for name, title in titles.items():
        heads |= {name: title} | _bounds(words, title, f"{name}_")
    return _table(curve, heads, "leakage leakage_low leakage_high")


def option_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.frames.option_frame; names are display names."""
    total = f"{words('column.total')} [{currency}]"
    heads = {"name": words("column.option")}
    heads |= {
        part: f"{words('part.' + part)} [{currency}]"
        for part in ("review", "inference", "retraining", "escapes")
    }
    return _table(frame, heads | {"total": total} | _bounds(words, total, "") | {"n": "n"}, "")


def segment_table(words: Words, frame: pd.DataFrame, head: str) -> ScreenTable:
    """Return the table of report.frames.segment_frame; head: heading of its parts."""
    heads = {"segment": head, "cases": words("column.cases"), "labelled": words("column.labelled")}
    for name in ("review", "leakage"):
        heads |= {name: words(f"card.{name}")} | _bounds(words, words(f"card.{name}"), f"{name}_")
    heads |= {"reviews_per_day": words("axis.reviews"), "escapes_per_month": words("card.escapes")}
    return _table(frame, heads, "review review_low review_high leakage leakage_low leakage_high")


def reliability_table(words: Words, frame: pd.DataFrame, names: Mapping[str, str]) -> ScreenTable:
    """Return the table of report.frames.reliability_frame."""
    accuracy = words("axis.accuracy")
    heads = {"model_kind": words("column.model")} | _bounds(words, words("column.bin"), "bin_")
    heads |= {"n": "n", "confidence": words("axis.confidence"), "accuracy": accuracy} | _bounds(
        words, accuracy, ""
    )
    return _table(
        frame.replace({"model_kind": dict(names)}),
        heads,
        "bin_low bin_high confidence accuracy low high",
    )


def share_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return the table of report.what_if.share_curve."""
    heads = {"share": words("mix.share")}
    for name in ("review", "leakage"):
        heads |= {name: words(f"card.{name}")} | _bounds(words, words(f"card.{name}"), f"{name}_")
    return _table(
        frame,
        heads | {"n": "n"},
        "share review review_low review_high leakage leakage_low leakage_high",
    )


def cascade_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.what_if.cascade_fronts."""
    leakage, total = words("card.leakage"), f"{words('column.total')} [{currency}]"
    heads = {"way": words("column.option"), "leakage": leakage} | _bounds(
        words, leakage, "leakage_"
    )
    heads |= {"cost": f"{words('cascade.cost')} [{currency}]", "total": total} | _bounds(
        words, total, "total_"
    )
    heads |= {
        name: words(f"cascade.{name}")
        for name in ("student_threshold", "teacher_threshold", "asked", "reviewed")
    }
    ways = {way: words(f"cascade.{way}") for way in set(frame["way"])}
    return _table(
        frame.replace({"way": ways}),
        heads | {"n": "n"},
        "leakage leakage_low leakage_high asked reviewed",
    )


def shift_table(words: Words, frame: pd.DataFrame, names: list[str]) -> ScreenTable:
    """Return the table of report.evidence.shift_frame; names: display names of the periods."""
    heads = {
        "period": words("period"),
        "cases": words("column.cases"),
        "labelled": words("column.labelled"),
    }
    for name in ("accuracy", "ece", "coverage", "risk"):
        heads |= {name: words(f"shift.{name}")} | _bounds(words, words(f"shift.{name}"), f"{name}_")
    shares = " ".join(
        f"{name}{end}" for name in ("accuracy", "coverage", "risk") for end in ("", "_low", "_high")
    )
    return _table(frame.assign(period=names), heads, shares)


def spread_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return the table of report.evidence.SpreadAgreement.cells, with a column of the part."""
    heads = {"part": words("column.part")}
    for kind in ("student", "teacher"):
        heads |= _bounds(words, words(f"kind.{kind}"), f"{kind}_")
    return _table(frame, heads | {"n": words("column.cases")}, "")


def certificate_table(words: Words, frame: pd.DataFrame, measure: str) -> ScreenTable:
    """Return the table of report.evidence.certificate_frame."""
    risk = words(f"measure.{measure}")
    heads = {"threshold": words("threshold"), "risk": risk} | _bounds(words, risk, "") | {"n": "n"}
    return _table(frame, heads, "risk low high")


def vote_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return the table of report.inspectors.vote_frame."""
    heads = {
        "inspector": words("in_votes.inspector"),
        "label": words("column.predicted"),
        "probability": words("column.confidence"),
    }
    return _table(frame, heads, "probability")


def answer_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return the table of report.inspectors.bar_frame."""
    heads = {
        "label": words("column.predicted"),
        "votes": words("in_bars.votes"),
        "teacher": words("in_bars.teacher"),
    }
    heads |= {
        "low": words("in_bars.low"),
        "high": words("in_bars.high"),
        "student": words("kind.student"),
    }
    return _table(frame, heads, "teacher low high student")


def _bounds(words: Words, measure: str, prefix: str) -> dict[str, str]:
    """Return the headings of the two ends of an interval."""
    return {f"{prefix}{end}": words(f"column.{end}", of=measure) for end in ("low", "high")}


def _table(frame: pd.DataFrame, heads: Mapping[str, str], shares: str) -> ScreenTable:
    """Return the columns of `heads`, renamed.

    Columns of `shares`, separated by spaces, are written as percentages, other fractions as
    numbers.
    """
    rows = frame[list(heads)]
    formats = {
        # four digits for the screen; the CSV holds the full numbers
        column: "%.4g"
        for column in rows.columns
        if pd.api.types.is_float_dtype(rows[column])
    }
    formats |= dict.fromkeys(shares.split(), "percent") | (
        {"threshold": "%.3f"} if "threshold" in heads else {}
    )
    return ScreenTable(
        rows.rename(columns=dict(heads)), {heads[column]: form for column, form in formats.items()}
    )
