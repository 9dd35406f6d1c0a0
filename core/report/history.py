"""The history of a workspace as one frame: people's actions of the audit trail, and runs.

Frames in, frames out; knows no screen, no language and no store.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta, tzinfo

import pandas as pd

from core.types import RunRecord

RULES_KIND, DECISIONS_KIND, REVIEWS_KIND, RUNS_KIND, ACCESS_KIND = (
    "rules",
    "decisions",
    "reviews",
    "runs",
    "access",
)
KINDS = (RULES_KIND, DECISIONS_KIND, REVIEWS_KIND, RUNS_KIND, ACCESS_KIND)
_KIND_OF_ROOM = {
    **dict.fromkeys(("policy", "scenario", "meeting", "watch"), RULES_KIND),
    "decisions": DECISIONS_KIND,
    "review": REVIEWS_KIND,
    **dict.fromkeys(("run", "job", "model", "upload"), RUNS_KIND),
}
TODAY, YESTERDAY, WEEK = "today", "yesterday", "week"
HISTORY_DAYS = {TODAY: (0, 0), YESTERDAY: (1, 1), WEEK: (6, 0)}  # first and last, days before today
HISTORY_COLUMNS = ("at", "kind", "actor", "action", "subject", "details", "state")


def history_frame(entries: pd.DataFrame, runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Return actions and runs in one list, newest first, with the columns HISTORY_COLUMNS.

    entries: of core.store.trail.AuditTrail.entries. runs: the stored runs. `at` is UTC with its
    zone; actor is "" for a run, whose person the store does not know; details is a dict; state is
    that of a run, "" for an action.
    """
    actions = pd.DataFrame(
        {
            "at": pd.to_datetime(entries["at"], utc=True),
            "kind": [action_kind(action) for action in entries["action"]],
            "actor": entries["actor"],
            "action": entries["action"],
            "subject": entries["subject"],
            "details": [json.loads(details) for details in entries["details"]],
            "state": "",
        }
    )
    scored = pd.DataFrame(
        [
            {
                "at": record.run.created_at,
                "kind": RUNS_KIND,
                "actor": "",
                "action": f"run.{record.run.kind}",
                "subject": record.run.run_id,
                "details": {"model": record.run.model, "dataset": record.run.dataset},
                "state": record.state,
            }
            for record in runs
        ],
        columns=list(HISTORY_COLUMNS),
    )
    scored["at"] = pd.to_datetime(scored["at"], utc=True)
    parts = [frame for frame in (actions, scored) if len(frame)]
    if not parts:
        return actions
    return pd.concat(parts).sort_values("at", ascending=False, kind="stable", ignore_index=True)


def action_kind(action: str) -> str:
    """Return the kind, one of KINDS, of an action such as "policy.approve"."""
    return _KIND_OF_ROOM.get(action.partition(".")[0], ACCESS_KIND)


def within_days(frame: pd.DataFrame, days: str, today: date, zone: tzinfo) -> pd.DataFrame:
    """Return the rows of a history_frame of these days, a key of HISTORY_DAYS, in the zone."""
    first, last = (today - timedelta(days=back) for back in HISTORY_DAYS[days])
    if frame.empty:
        return frame
    dates = frame["at"].dt.tz_convert(zone).dt.date
    return frame[(first <= dates) & (dates <= last)]
