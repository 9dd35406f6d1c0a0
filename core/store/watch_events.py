"""Alarms of harm about versions of policies, and their clearing: rows are added, never changed.

Knows no statistics: core.decision.watch raises alarms, and core.pipeline.apply reads whether one is
open.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from core.store import records
from core.store.entries import checked_choice, checked_text
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent

WATCH_EVENTS = ("harm", "clear")
_EVENT = (
    "run_id, policy, policy_version, event, detector, last_case, occurred_at, audits, observed,"
    ' expected, author, "at"'
)


@dataclass(frozen=True)
class WatchEvent:
    """An alarm of harm about a version of a policy, or its clearing.

    last_case: position of the alarm's case in the stream. occurred_at: its time, None without a
    date. audits, observed, expected: verdicts, their share of wrong ones, and the promised share.
    """

    run_id: str
    policy: str
    version: int
    event: str  # one of WATCH_EVENTS
    detector: str
    last_case: int
    occurred_at: datetime | None
    audits: int
    observed: float
    expected: float
    author: str
    recorded_at: datetime | None = None  # UTC; None until it is stored


class WatchEvents:
    """The alarms of a store. Each method is one transaction, alone or in another."""

    def __init__(self, store: Store):
        self.store = store

    def add(self, event: WatchEvent) -> bool:
        """Add an event; return False if the same alarm is recorded already.

        Run, version, event, detector and case identify an alarm. Raises NotFoundError for an
        unknown run or version, SettingsError for another event, AccessError for a missing role.
        """
        checked_choice(event.event, WATCH_EVENTS, "watch event")
        self.store.principal.require(f"watch.{event.event}")
        checked_text(event.author, "author")
        with self.store.atomic() as connection:
            self.store.run(event.run_id)
            Ledger(self.store).policy(event.policy, event.version)
            recorded = {_identity(stored) for stored in self.events(event.policy, event.version)}
            if _identity(event) in recorded:
                return False
            values = [getattr(event, name) for name in WatchEvent.__dataclass_fields__]
            marks = ", ".join("?" * len(values))
            connection.execute(
                f"INSERT INTO watch_events ({_EVENT}) VALUES ({marks})",  # noqa: S608
                [*values[:-1], records.utc_now()],
            )
            entry = TrailEvent(
                f"watch.{event.event}",
                event.author,
                f"{event.policy} {event.version}",
                {"run": event.run_id, "detector": event.detector, "audits": event.audits},
            )
            AuditTrail(self.store).append(self.store.principal, [entry])
            return True

    def events(self, policy: str, version: int) -> list[WatchEvent]:
        """Return the events of a version in the order of their recording."""
        with self.store.reading() as connection:
            rows = connection.execute(
                f"SELECT {_EVENT} FROM watch_events"  # noqa: S608
                " WHERE policy = ? AND policy_version = ? ORDER BY position",
                [policy, version],
            ).fetchall()
        return [WatchEvent(*(*row[:-1], row[-1].replace(tzinfo=UTC))) for row in rows]

    def open_harm(self, policy: str, version: int) -> WatchEvent | None:
        """Return the alarm of harm that is not cleared, None without one."""
        events = self.events(policy, version)
        return events[-1] if events and events[-1].event == "harm" else None


def _identity(event: WatchEvent) -> tuple:
    return (event.run_id, event.event, event.detector, event.last_case)
