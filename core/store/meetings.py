"""The decision log of meetings: added, never changed. A decision names the version of the scenario
that it is about, or none.

The form that a decision was written in has a token; the same token again, from a second click or a
retry, adds nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import StoreError
from core.store import records
from core.store.entries import checked_text
from core.store.ledger import Ledger
from core.store.store import Store

_COLUMNS = 'decision, reason, author, scenario, scenario_version, "at"'


@dataclass(frozen=True)
class MeetingDecision:
    """What was decided, why, by whom, about which version of which scenario (None: about none), and
    when, UTC.
    """

    decision: str
    reason: str
    author: str
    scenario: str | None
    scenario_version: int | None
    at: datetime


class Meetings:
    """The decisions of a store's meetings. Every method is one transaction, and may be part of a
    longer one.
    """

    def __init__(self, store: Store):
        self.store = store

    def add(
        self,
        token: str,
        decision: str,
        reason: str,
        author: str,
        scenario: tuple[str, int] | None = None,
    ) -> MeetingDecision:
        """Write a decision down, once for each token, and return it as it stands in the log.

        Raises SettingsError for an empty or long text, NotFoundError for a scenario that is not
        there, StoreError where the token has written something else.
        """
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
                return self._read("token = ?", [token])[0]
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
        """All decisions, in the order in which they were written."""
        return self._read("TRUE", [])

    def _of(self, token: str) -> MeetingDecision | None:
        return next(iter(self._read("token = ?", [token])), None)

    def _read(self, where: str, values: list) -> list[MeetingDecision]:
        query = f"SELECT {_COLUMNS} FROM meeting_decisions WHERE {where} ORDER BY position"  # noqa: S608
        with self.store.atomic() as connection:
            rows = connection.execute(query, values).fetchall()
        return [
            MeetingDecision(
                decision, reason, author, scenario, version, recorded_at.replace(tzinfo=UTC)
            )
            for decision, reason, author, scenario, version, recorded_at in rows
        ]
