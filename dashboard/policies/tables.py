"""The tables of the page 'Policies'.

Frames of core.report in, frames with translated headings out.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.components.tables import ScreenTable
from dashboard.i18n import Words
from dashboard.policies import words as policy_words


def editor_frame(words: Words, frame: pd.DataFrame) -> pd.DataFrame:
    """Return report.policies.editor_rows with kind, name and leakage as display text."""
    return pd.DataFrame(
        {
            "kind": [policy_words.kind_name(words, kind) for kind in frame["kind"]],
            "name": [policy_words.row_name(words, *names) for names in _names(frame)],
            "own": frame["own"].astype(float),
            "review_all": frame["review_all"].astype(bool),
            "labelled": frame["labelled"],
            "errors": frame["errors"],
            "leakage": [
                policy_words.leakage_text(words, *ends)
                for ends in frame[["leakage", "low", "high"]].itertuples(index=False, name=None)
            ],
        }
    )


def consequence_table(
    words: Words, frame: pd.DataFrame, names: Mapping[str, str], currency: str
) -> ScreenTable:
    """Return the table of report.policies.consequence_frame; shares are fractions of 1.

    words: the catalogue. frame: its columns. names: version -> display name. currency: of money.
    """
    measures = measure_names(words, currency)
    rows = pd.DataFrame(
        {
            words("policy.column.measure"): frame["measure"].map(measures),
            words("policy.column.version"): frame["version"].map(dict(names)),
            words("policy.column.value"): frame["value"].astype(float),
            words("column.low", of=words("policy.column.value")): frame["low"].astype(float),
            words("column.high", of=words("policy.column.value")): frame["high"].astype(float),
            "n": frame["n"],
        }
    )
    return ScreenTable(rows, dict.fromkeys(rows.columns[2:5], "%.4g"))


def measure_names(words: Words, currency: str) -> dict[str, str]:
    """Return measure -> its display name."""
    return {
        "coverage": words("card.coverage"),
        "reviews_per_day": words("axis.reviews"),
        "selective_risk": words("card.risk"),
        "leakage": words("card.leakage"),
        "money_per_month": f"{words('card.money')} [{currency}]",
    }


def threshold_difference_table(
    words: Words, frame: pd.DataFrame, before: str, after: str
) -> pd.DataFrame:
    """Return the table of report.policies.threshold_differences.

    words: the catalogue. frame: its columns. before, after: display names of the two versions.
    """

    def shown(kind: str, value: Any) -> str:
        write = policy_words.limit_text if kind == "epistemic" else policy_words.threshold_text
        return write(words, value)

    return pd.DataFrame(
        {
            words("policy.column.kind"): [
                policy_words.kind_name(words, kind) for kind in frame["kind"]
            ],
            words("policy.column.name"): [
                policy_words.row_name(words, *names) if names[0] not in ("all", "epistemic") else ""
                for names in _names(frame)
            ],
            before: [shown(*pair) for pair in zip(frame["kind"], frame["before"], strict=True)],
            after: [shown(*pair) for pair in zip(frame["kind"], frame["after"], strict=True)],
        }
    )


def in_readers_zone(words: Words, frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the frame with these columns of moments in the reader's time zone, without the zone."""
    moments = {name: pd.to_datetime(frame[name], utc=True) for name in columns}
    zone = words.zone or "UTC"
    local = {name: moment.dt.tz_convert(zone) for name, moment in moments.items()}
    return frame.assign(**{name: moment.dt.tz_localize(None) for name, moment in local.items()})


def policy_event_table(words: Words, frame: pd.DataFrame) -> ScreenTable:
    """Return the table of report.policy_history.event_frame, the newest first.

    frame: with times in the reader's zone.
    """
    newest = frame.iloc[::-1]
    rows = pd.DataFrame(
        {
            words("policy.column.at", zone=words.zone or "UTC"): [
                words.time(moment) for moment in newest["recorded_at"]
            ],
            words("policy.column.policy"): newest["name"].to_numpy(),
            words("policy.column.version"): newest["version"].to_numpy(),
            words("policy.column.event"): [
                words(f"policy.event.{event}") for event in newest["event"]
            ],
            words("policy.column.author"): newest["author"].to_numpy(),
            words("policy.column.reason"): newest["reason"].to_numpy(),
        }
    )
    return ScreenTable(rows, {})


def _names(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(frame[["kind", "segment", "predicted"]].itertuples(index=False, name=None))
