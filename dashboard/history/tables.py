"""The table of the page 'History': core.report.history in, a table for screen and CSV out."""

from datetime import tzinfo

import pandas as pd

from core.identity import PERMISSIONS
from core.types import RUN_KINDS
from dashboard.components.tables import ScreenTable
from dashboard.i18n import DASH, Words

NAMED_ACTIONS = (*PERMISSIONS, *(f"run.{kind}" for kind in RUN_KINDS))


def history_table(words: Words, frame: pd.DataFrame, zone: tzinfo) -> ScreenTable:
    """Return the rows of core.report.history.history_frame, with times in `zone`."""
    return ScreenTable(
        pd.DataFrame(
            {
                words("history.at"): [
                    words.time(moment.astimezone(zone)) for moment in frame["at"]
                ],
                words("history.who"): [actor or DASH for actor in frame["actor"]],
                words("history.what"): [_action_name(words, action) for action in frame["action"]],
                words("history.subject"): frame["subject"].tolist(),
                words("history.details"): [
                    _details_text(words, *pair)
                    for pair in zip(frame["details"], frame["state"], strict=True)
                ],
            }
        ),
        {},
    )


def _details_text(words: Words, details: str, state: str) -> str:
    parts = (details, words(f"run_state.{state}") if state else "")
    return ", ".join(filter(None, parts)) or DASH


def _action_name(words: Words, action: str) -> str:
    # An action without words is one of a newer version: its code still says what it is.
    return words(f"history.action.{action}") if action in NAMED_ACTIONS else action
