"""Policies and scenarios in the store, by name and version: added, never changed.

A version gets its number in the transaction that adds it, so two concurrent writers get two
versions. A policy's life is a series of events: it is proposed when added, then approved and
activated; an undo reactivates the version before. Does not interpret the content of a policy or a
scenario.
"""

import json
from collections.abc import Iterable
from datetime import UTC, date

from core.errors import AccessError, NotFoundError, StoreError
from core.identity import Principal
from core.store import records
from core.store.entries import (
    EVENTS,
    PolicyEvent,
    PolicyVersion,
    ScenarioVersion,
    checked_choice,
    checked_text,
)
from core.store.file import only_row
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent

_POLICY = "name, version, content, author, reason, runs, certificate, created_at, expires_on"
_EVENT = 'position, name, version, event, author, reason, "at"'
_SCENARIO = "name, version, content, author, created_at"
_NEWEST = "version DESC LIMIT 1"


class Ledger:
    """Policies and scenarios of a store. Each method is one transaction, alone or in another.

    principal: who acts; None is the store's. Every write raises AccessError for a missing role.
    """

    def __init__(self, store: Store, principal: Principal | None = None):
        self.store, self.principal = store, principal or store.principal
        self._trail = AuditTrail(store)

    # --- policies

    def add_policy(
        self,
        name: str,
        content: dict,
        author: str,
        reason: str,
        runs: Iterable[str] = (),
        certificate: dict | None = None,
        expires_on: date | None = None,
    ) -> PolicyVersion:
        """Add the next version of a policy and its event "propose"; return the version.

        content: the thresholds, JSON-able. author, reason: a person's name and words. runs: ids of
        the runs whose predictions it was chosen on. certificate: JSON-able; None certifies nothing.
        expires_on: its last valid day; None is no end. Raises NotFoundError for an unknown run,
        SettingsError for an empty name, author or reason, NonFiniteError for a NaN in content or
        certificate.
        """
        self.principal.require("policy.propose")
        author = self.principal.acting_as(author)
        checked_text(name, "policy")
        written = records.json_of(content, "thresholds", name)
        proof = None if certificate is None else records.json_of(certificate, "certificate", name)
        with self.store.atomic() as connection:
            chosen_on = [self.store.run(run_id).run.run_id for run_id in runs]
            version = self._next("policies", name)
            connection.execute(
                f"INSERT INTO policies ({_POLICY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                [
                    name,
                    version,
                    written,
                    checked_text(author, "author"),
                    reason,
                    chosen_on,
                    proof,
                    records.utc_now(),
                    expires_on,
                ],
            )
            content_hash = {"sha256": records.text_hash(written)}
            self._add_event(name, version, "propose", author, reason, content_hash)
            return self.policy(name, version)

    def policy(self, name: str, version: int | None = None) -> PolicyVersion:
        """Return a version of the policy, by default the newest. Raises NotFoundError."""
        rows = self._rows("policies", _POLICY, name, _NEWEST, version)
        if not rows:
            code = "store.no_policy" if version is None else "store.no_policy_version"
            folder = str(self.store.folder)
            raise NotFoundError(code, name=name, version=version, folder=folder)
        return _policy_of(rows[0])

    def policies(self, name: str | None = None) -> list[PolicyVersion]:
        """Return all versions of a policy, or of all policies, newest first."""
        rows = self._rows("policies", _POLICY, name, "created_at DESC, name, version DESC")
        return [_policy_of(row) for row in rows]

    def add_policy_event(
        self, name: str, version: int, event: str, author: str, reason: str
    ) -> PolicyEvent:
        """Record an event of a version: "approve", then "activate", then "undo".

        name, version: the policy. author, reason: a person's name and words. Raises NotFoundError
        for an unknown version, StoreError for activating an unapproved version and for undoing one
        that is not active, AccessError for a login's approval of its own proposal.
        """
        checked_choice(event, EVENTS[1:], "policy event")  # add_policy alone writes "propose"
        self.principal.require(f"policy.{event}")
        author = self.principal.acting_as(author)
        with self.store.atomic():
            self.policy(name, version)
            if event == "approve":
                self._refuse_own_proposal(name, version)
            events = self.policy_events(name)
            if event == "activate" and (version, "approve") not in {
                (past.version, past.event) for past in events
            }:
                raise StoreError("store.never_approved", name=name, version=version)
            if event == "undo" and (name, version) not in activations_in_force(events)[-1:]:
                raise StoreError("store.not_active", name=name, version=version)
            return self._add_event(name, version, event, author, reason)

    def policy_events(self, name: str | None = None) -> list[PolicyEvent]:
        """Return the events of a policy, or of all policies, in the order of their recording."""
        rows = self._rows("policy_events", _EVENT, name, "position")
        return [_event_of(row) for row in rows]

    def active_policy(self, name: str | None = None) -> PolicyVersion | None:
        """Return the version activated last and not undone; None if no version is active.

        name: a policy; None is all of them.
        """
        with self.store.reading():
            in_force = activations_in_force(self.policy_events(name))
            return self.policy(*in_force[-1]) if in_force else None

    # --- scenarios

    def add_scenario(self, name: str, content: dict, author: str) -> ScenarioVersion:
        """Add the next version of a scenario. Raises SettingsError; NonFiniteError for a NaN."""
        self.principal.require("scenario.save")
        author = self.principal.acting_as(author)
        written = records.json_of(content, "numbers", checked_text(name, "scenario"))
        with self.store.atomic() as connection:
            version = self._next("scenarios", name)
            connection.execute(
                f"INSERT INTO scenarios ({_SCENARIO}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                [name, version, written, checked_text(author, "author"), records.utc_now()],
            )
            details = {"name": name, "version": version, "sha256": records.text_hash(written)}
            event = TrailEvent("scenario.save", author, f"{name} {version}", details)
            self._trail.append(self.principal, [event])
            return self.scenario(name, version)

    def scenario(self, name: str, version: int | None = None) -> ScenarioVersion:
        """Return a version of the scenario, by default the newest. Raises NotFoundError."""
        rows = self._rows("scenarios", _SCENARIO, name, _NEWEST, version)
        if not rows:
            code = "store.no_scenario" if version is None else "store.no_scenario_version"
            folder = str(self.store.folder)
            raise NotFoundError(code, name=name, version=version, folder=folder)
        return _scenario_of(rows[0])

    def scenarios(self, name: str | None = None) -> list[ScenarioVersion]:
        """Return all versions of a scenario, or of all scenarios, newest first."""
        rows = self._rows("scenarios", _SCENARIO, name, "created_at DESC, name, version DESC")
        return [_scenario_of(row) for row in rows]

    # --- rows of both

    def _rows(
        self, table: str, columns: str, name: str | None, order: str, version: int | None = None
    ) -> list[tuple]:
        query = (
            f"SELECT {columns} FROM {table} WHERE (CAST(? AS VARCHAR) IS NULL OR name = ?)"  # noqa: S608
            f" AND (CAST(? AS INTEGER) IS NULL OR version = ?) ORDER BY {order}"
        )
        with self.store.reading() as connection:
            return connection.execute(query, [name, name, version, version]).fetchall()

    def _next(self, table: str, name: str) -> int:
        """Return the next version number; no other process takes it during this transaction."""
        query = f"SELECT coalesce(max(version), 0) + 1 FROM {table} WHERE name = ?"  # noqa: S608
        with self.store.atomic() as connection:
            return only_row(connection.execute(query, [name]))[0]

    def _refuse_own_proposal(self, name: str, version: int) -> None:
        """Raise AccessError if this login proposed the version; a typed name proves nothing."""
        query = (
            "SELECT account FROM trail_entries WHERE action = 'policy.propose'"
            " AND details ->> '$.name' = ? AND details ->> '$.version' = ?"
        )
        with self.store.atomic() as connection:
            row = connection.execute(query, [name, str(version)]).fetchone()
        if not self.principal.is_local and row == (self.principal.account,):
            raise AccessError("identity.own_proposal", name=name, version=version)

    def _add_event(
        self,
        name: str,
        version: int,
        event: str,
        author: str,
        reason: str,
        recorded: dict | None = None,
    ) -> PolicyEvent:
        """Add an event with its entry in the trail, of which `recorded` is a part."""
        values = [
            name,
            version,
            event,
            checked_text(author, "author"),
            checked_text(reason, "reason"),
            records.utc_now(),
        ]
        with self.store.atomic() as connection:
            connection.execute(
                'INSERT INTO policy_events (name, version, event, author, reason, "at") VALUES (?, ?, ?, ?, ?, ?)',
                values,
            )
            details = {"name": name, "version": version, "reason": reason, **(recorded or {})}
            entry = TrailEvent(f"policy.{event}", author, f"{name} {version}", details)
            self._trail.append(self.principal, [entry])
            newest = "position DESC LIMIT 1"
            return _event_of(self._rows("policy_events", _EVENT, name, newest)[0])


def activations_in_force(events: Iterable[PolicyEvent]) -> list[tuple[str, int]]:
    """Return (name, version) of each activation that was not undone, the active one last."""
    in_force: list[tuple[str, int]] = []
    for event in events:
        policy = (event.name, event.version)
        if event.event == "activate":
            in_force.append(policy)
        elif event.event == "undo":
            # The latest activation of this version: it may have been activated more than once.
            del in_force[len(in_force) - 1 - in_force[::-1].index(policy)]
    return in_force


def _policy_of(row: tuple) -> PolicyVersion:
    """Return the policy of a row with the columns of _POLICY."""
    name, version, written, author, reason, runs, proof, created_at, expires_on = row
    return PolicyVersion(
        name,
        version,
        json.loads(written),
        author,
        reason,
        tuple(runs),
        None if proof is None else json.loads(proof),
        created_at.replace(tzinfo=UTC),
        expires_on,
    )


def _scenario_of(row: tuple) -> ScenarioVersion:
    """Return the scenario of a row with the columns of _SCENARIO."""
    name, version, written, author, created_at = row
    return ScenarioVersion(
        name, version, json.loads(written), author, created_at.replace(tzinfo=UTC)
    )


def _event_of(row: tuple) -> PolicyEvent:
    """Return the event of a row with the columns of _EVENT."""
    position, name, version, event, author, reason, recorded_at = row
    moment = recorded_at.replace(tzinfo=UTC)
    return PolicyEvent(position, name, version, event, author, reason, moment)
