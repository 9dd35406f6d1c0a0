"""The decision log of meetings: entries are added, never changed.

A decision may name the version of a scenario. Each form on a screen has a token: recording the same
token again, after a second click or a retry, adds nothing. Does not interpret decisions.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import StoreError
from core.identity import Principal
from core.store import records
from core.store.entries import checked_text
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent

_COLUMNS = 'decision, reason, author, scenario, scenario_version, "at"'


@dataclass(frozen=True)
class MeetingDecision:
    """A decision: its reason, author, scenario version (None: about no scenario) and UTC time."""

    decision: str
    reason: str
    author: str
    scenario: str | None
    scenario_version: int | None
    decided_at: datetime


class Meetings:
    """The decisions of a store's meetings. Each method is one transaction, alone or in another."""

    def __init__(self, store: Store, principal: Principal | None = None):
        self.store, self.principal = store, principal or store.principal

    def add(
        self,
        token: str,
        decision: str,
        reason: str,
        author: str,
        scenario: tuple[str, int] | None = None,
    ) -> MeetingDecision:
        """Record a decision once per token; return the log's entry.

        token: identifies the form. decision, reason, author: texts of 200 characters at most.
        scenario: (name, version); None is no scenario. Raises SettingsError for an empty or long
        text, NotFoundError for an unknown scenario, StoreError if the token recorded another
        decision.
        """
        self.principal.require("meeting.decide")
        author = self.principal.acting_as(author)
        texts = {"token": token, "decision": decision, "reason": reason, "author": author}
        values = [checked_text(text, what) for what, text in texts.items()]
        name, version = scenario or (None, None)
        with self.store.atomic() as connection:
            if name is not None:
                Ledger(self.store).scenario(name, version)
            if (recorded := self._of(token)) is None:
                connection.execute(
                    f"INSERT INTO meeting_decisions (token, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    [*values, name, version, records.utc_now()],
                )
                details = {"reason": reason, "scenario": name, "version": version}
                event = TrailEvent("meeting.decide", author, decision, details)
                AuditTrail(self.store).append(self.principal, [event])
                return self._read("token = ?", [token])[0]
        # Outside the transaction: the log's entry is only compared from here on.
        fields = (decision, reason, author, name, version)
        if (
            recorded.decision,
            recorded.reason,
            recorded.author,
            recorded.scenario,
            recorded.scenario_version,
        ) != fields:
            raise StoreError("store.form_used", decision=recorded.decision)
        return recorded

    def decisions(self) -> list[MeetingDecision]:
        """Return all decisions in the order of their recording."""
        return self._read("TRUE", [])

    def _of(self, token: str) -> MeetingDecision | None:
        return next(iter(self._read("token = ?", [token])), None)

    def _read(self, where: str, values: list) -> list[MeetingDecision]:
        query = f"SELECT {_COLUMNS} FROM meeting_decisions WHERE {where} ORDER BY position"  # noqa: S608
        with self.store.reading() as connection:
            rows = connection.execute(query, values).fetchall()
        return [
            MeetingDecision(
                decision, reason, author, scenario, version, recorded_at.replace(tzinfo=UTC)
            )
            for decision, reason, author, scenario, version, recorded_at in rows
        ]
