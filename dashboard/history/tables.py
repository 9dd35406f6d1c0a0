"""The table of the page 'History': core.report.history in, a table for screen and CSV out."""

from datetime import tzinfo

import pandas as pd

from dashboard.components.tables import ScreenTable
from dashboard.history.words import action_name, details_text, subject_text
from dashboard.i18n import DASH, Words


def history_table(words: Words, frame: pd.DataFrame, zone: tzinfo) -> ScreenTable:
    """Return the rows of core.report.history.history_frame, with times in `zone`."""
    return ScreenTable(
        pd.DataFrame(
            {
                words("history.at"): [
                    words.time(moment.astimezone(zone)) for moment in frame["at"]
                ],
                words("history.who"): [actor or DASH for actor in frame["actor"]],
                words("history.what"): [action_name(words, action) for action in frame["action"]],
                words("history.subject"): [
                    subject_text(words, *pair)
                    for pair in zip(frame["subject"], frame["details"], strict=True)
                ],
                words("history.details"): [
                    details_text(words, *row)
                    for row in zip(frame["action"], frame["details"], frame["state"], strict=True)
                ],
            }
        ),
        {},
    )
