"""The tables of the page 'Worklist': decisions of core.store.reviews in, tables out."""

import numpy as np
import pandas as pd

from dashboard.components.tables import ScreenTable
from dashboard.i18n import DASH, Words


def reason_counts(counts: pd.DataFrame) -> pd.DataFrame:
    """Return Reviews.decision_counts summed over segments and classes, the most frequent first.

    Columns decision, reason, n.
    """
    # groupby drops rows whose key is missing, and an accepted case may have no reason
    summed = counts.fillna({"reason": ""}).groupby(["decision", "reason"], as_index=False)["n"]
    return summed.sum().sort_values(["n", "reason"], ascending=[False, True], ignore_index=True)


def reasons(words: Words, counts: pd.DataFrame) -> ScreenTable:
    """Return Reviews.decision_counts by actor and reason, each with its share of all cases."""
    rows = reason_counts(counts)
    share = words("worklist.share")
    return ScreenTable(
        pd.DataFrame(
            {
                words("worklist.who"): [_who(words, decision) for decision in rows["decision"]],
                words("worklist.reason"): [_reason(words, reason) for reason in rows["reason"]],
                words("worklist.cases"): rows["n"],
                share: rows["n"] / max(1, rows["n"].sum()),
            }
        ),
        {share: "percent"},
    )


def cases(words: Words, rows: pd.DataFrame) -> ScreenTable:
    """Return rows of Reviews.decided_cases: the case, its actor, the action and the reason."""
    confidence, epistemic = words("column.confidence"), words("worklist.epistemic")
    accepted = rows["decision"] == "accepted"
    action = np.where(
        rows["audit_probability"].notna(), "audit", np.where(accepted, "use", "check")
    )
    columns = {
        words("worklist.who"): [_who(words, decision) for decision in rows["decision"]],
        words("worklist.action"): [words(f"worklist.action.{name}") for name in action],
        words("worklist.reason"): [_reason(words, reason) for reason in rows["reason"]],
        words("worklist.case"): rows["case_id"],
        words("worklist.text"): rows["text"],
        words("column.predicted"): rows["predicted"],
        confidence: rows["confidence"],
        epistemic: rows["epistemic"],
        words("column.segment"): rows["segment"],
    }
    # a column of dashes would only take room
    if rows["occurred_at"].notna().any():
        columns[words("worklist.day")] = [
            DASH if pd.isna(day) else words.date(day) for day in rows["occurred_at"]
        ]
    return ScreenTable(pd.DataFrame(columns), {confidence: "%.3f", epistemic: "%.3f"})


def _who(words: Words, decision: str) -> str:
    return words(f"worklist.side.{decision}")


def _reason(words: Words, reason: str | None) -> str:
    return words(f"worklist.reason.{reason}") if isinstance(reason, str) and reason else DASH
