"""The audit trail: who did what and when, as a chain of keyed hashes that only grows.

Each entry's hash covers the entry and the hash before it, under the key of core.store.anchor. So an
entry that was altered, deleted, inserted or moved breaks the chain, a chain written anew lacks the
key, and a chain that was cut is shorter than its anchor. An action and its entry are one
transaction: neither is stored without the other. Knows no action's meaning.
"""

import hmac
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd

from core.errors import StoreError
from core.identity import Principal
from core.store import records
from core.store.anchor import GENESIS, ChainEnd, TrailAnchor
from core.store.store import Store

_COLUMNS = 'position, "at", actor, account, action, subject, details, previous, hash'
_PAGE = 10_000  # entries read at a time by a verification
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrailEvent:
    """The record of one action."""

    action: str  # a key of core.identity.PERMISSIONS
    actor: str  # the person's name
    subject: str  # what was acted on, such as "line 3"
    details: dict[str, Any]  # JSON-able; no text of a case


@dataclass(frozen=True)
class TrailCheck:
    """The result of a verification: the chain's end, and the first fault; None for an intact one."""

    end: ChainEnd
    fault: StoreError | None


class AuditTrail:
    """The trail of a store. Each method is one transaction, alone or in another."""

    def __init__(self, store: Store):
        self.store, self.anchor = store, TrailAnchor(store.folder)

    def append(self, principal: Principal, events: Sequence[TrailEvent]) -> None:
        """Add an entry for each event, in the transaction of the action that it records.

        Raises StoreError if the trail has entries and its key is missing: the action is then
        refused, since it could not be recorded; AccessError for a role that the action needs.
        """
        if not events:
            return
        for event in events:
            principal.require(event.action)
        with self.store.atomic() as connection:
            end = _chain_end(connection)
            if end.count == 0:
                self.anchor.create()
            key, is_intact = self.anchor.key(), self._agrees(connection, end)
            recorded_at, rows = records.utc_now(), []
            for event in events:
                details = json.dumps(event.details, ensure_ascii=False, sort_keys=True)
                values = (event.actor, principal.account, event.action, event.subject, details)
                row = (end.count + 1, recorded_at, *values, end.head)
                end = ChainEnd(end.count + 1, _entry_hash(key, row))
                rows.append((*row, end.head))
            connection.execute(
                f"INSERT INTO trail_entries ({_COLUMNS}) SELECT {', '.join(['unnest(?)'] * 9)}",
                [list(column) for column in zip(*rows, strict=True)],
            )
            # A chain that disagrees with its anchor keeps the old anchor, as evidence.
            if is_intact:
                self.store.at_commit("trail", lambda: self._move_anchor(end))

    def entries(self, limit: int | None = None) -> pd.DataFrame:
        """Return the newest `limit` entries, newest first; None is all.

        Columns: position, at (UTC), actor, account, action, subject, details (JSON), previous, hash.
        """
        query = f"SELECT {_COLUMNS} FROM trail_entries ORDER BY position DESC LIMIT ?"  # noqa: S608
        with self.store.reading() as connection:
            return connection.execute(query, [limit]).df()

    def check_chain(self, noted: ChainEnd | None = None) -> TrailCheck:
        """Recompute every hash; compare the chain with its anchor, and with an end noted elsewhere.

        Returns the first fault instead of raising it.
        """
        with self.store.reading() as connection:
            end = _chain_end(connection)
            try:
                if end.count == 0 and not self.anchor.key_path.exists() and noted is None:
                    return TrailCheck(end, None)  # nothing was ever recorded here
                _check_entries(connection, self.anchor.key())
                _check_against(connection, end, self.anchor.read())
                if noted is not None:
                    _check_against(connection, end, noted)
                _check_policies(connection)
            except StoreError as fault:
                return TrailCheck(end, fault)
        return TrailCheck(end, None)

    def _agrees(self, connection: duckdb.DuckDBPyConnection, end: ChainEnd) -> bool:
        try:
            anchored = self.anchor.read()
            if anchored != end:  # nearly always equal, which saves a query in every action
                _check_against(connection, end, anchored)
        except StoreError as fault:
            _logger.error("%s", fault)
            return False
        return True

    def _move_anchor(self, end: ChainEnd) -> None:
        try:
            self.anchor.write(end)
        except (OSError, StoreError):
            # The action is stored. An older anchor still holds for the entries up to it.
            _logger.exception("the audit trail's anchor was not written")


def record_action(store: Store, action: str, subject: str, **details: object) -> None:
    """Record an action that is not itself in the store, as its person's; raise AccessError first.

    action: a key of core.identity.PERMISSIONS. subject: what was acted on. details: JSON-able.
    """
    person = store.principal
    person.require(action)
    event = TrailEvent(action, person.name, subject, details)
    AuditTrail(store).append(person, [event])


def _chain_end(connection: duckdb.DuckDBPyConnection) -> ChainEnd:
    """Return the last position and its hash; not the count of rows, which a gap would falsify."""
    query = "SELECT position, hash FROM trail_entries ORDER BY position DESC LIMIT 1"
    row = connection.execute(query).fetchone()
    return ChainEnd(*row) if row else ChainEnd(0, GENESIS)


def _check_entries(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Raise StoreError for the first entry whose place, predecessor or hash is wrong."""
    end, query = ChainEnd(0, GENESIS), f"SELECT {_COLUMNS} FROM trail_entries ORDER BY position"  # noqa: S608
    cursor = connection.execute(query)
    while rows := cursor.fetchmany(_PAGE):
        for row in rows:
            position, previous, stored = row[0], row[-2], row[-1]
            if position != end.count + 1:
                raise StoreError("store.trail_gap", position=end.count + 1, next=position)
            intact = previous == end.head and _entry_hash(key, row[:-1]) == stored
            if not intact:
                raise StoreError("store.trail_altered", position=position)
            end = ChainEnd(position, stored)


def _check_against(
    connection: duckdb.DuckDBPyConnection, end: ChainEnd, anchored: ChainEnd
) -> None:
    """Raise StoreError unless the chain holds the anchored entry at its place."""
    if anchored.count > end.count:
        raise StoreError("store.trail_cut", count=end.count, anchored=anchored.count)
    query = "SELECT hash FROM trail_entries WHERE position = ?"
    row = connection.execute(query, [anchored.count]).fetchone()
    if (row[0] if row else GENESIS) != anchored.head:
        raise StoreError("store.trail_altered", position=anchored.count)


def _check_policies(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise StoreError for a stored policy whose content is not the proposed one."""
    rows = connection.execute(
        "SELECT e.position, e.subject, p.name, p.content, e.details ->> '$.sha256'"
        " FROM trail_entries e LEFT JOIN policies p ON p.name = e.details ->> '$.name'"
        " AND p.version = CAST(e.details ->> '$.version' AS INTEGER)"
        " WHERE e.action = 'policy.propose' ORDER BY e.position"
    ).fetchall()
    for position, subject, name, content, sha256 in rows:
        if name is None or records.text_hash(content) != sha256:
            raise StoreError("store.trail_policy", position=position, policy=subject)


def _entry_hash(key: bytes, row: tuple) -> str:
    """Return the keyed hash of an entry without its own hash."""
    position, recorded_at, *texts = row
    content = [position, _microseconds(recorded_at), *texts]
    return hmac.digest(key, json.dumps(content).encode(), "sha256").hex()


def _microseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
