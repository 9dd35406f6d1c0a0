"""Policies and scenarios in the store, by name and version: added, never changed, one small method
a query.

A version is numbered in the transaction that adds it, so two writers at once get two versions. What
becomes of a policy is a series of events: adding one proposes it, then it is approved, activated,
and undone, which makes active again what was before. Knows no meaning of what a policy or a
scenario holds.
"""

import json
from collections.abc import Iterable
from datetime import UTC, date

from core.errors import NotFoundError, StoreError
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

_POLICY = "name, version, content, author, reason, runs, certificate, created_at, expires_on"
_EVENT = 'position, name, version, event, author, reason, "at"'
_SCENARIO = "name, version, content, author, created_at"


class Ledger:
    """Policies and scenarios of a store. Every method is one transaction, and may be part of a
    longer one.
    """

    def __init__(self, store: Store):
        self.store = store

    # --- policies
    # ------------------------------------------------------------------------------------------------------------

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
        """Add the next version of a policy, and its event "propose".

        `runs` are those whose predictions it was chosen on; `expires_on` is its last day, None for
        no end. Raises NotFoundError for a run that is not there, SettingsError for an empty name,
        author or reason, NonFiniteError for a NaN in content or certificate.
        """
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
            self._add_event(name, version, "propose", author, reason)
            return self.policy(name, version)

    def policy(self, name: str, version: int | None = None) -> PolicyVersion:
        """A version of the policy, by default the newest. Raises NotFoundError."""
        versions = [policy for policy in self.policies(name) if version in (None, policy.version)]
        if not versions:
            code = "store.no_policy" if version is None else "store.no_policy_version"
            folder = str(self.store.folder)
            raise NotFoundError(code, name=name, version=version, folder=folder)
        return max(versions, key=lambda policy: policy.version)

    def policies(self, name: str | None = None) -> list[PolicyVersion]:
        """All versions of a policy, or of all, the newest first."""
        rows = self._rows("policies", _POLICY, name, "created_at DESC, name, version DESC")
        return [_policy_of(row) for row in rows]

    def add_policy_event(
        self, name: str, version: int, event: str, author: str, reason: str
    ) -> PolicyEvent:
        """Write down what happened to a version: "approve", then "activate", then "undo", which
        only the active one can.

        Raises NotFoundError for a version that is not there, StoreError for what was never approved
        or is not active.
        """
        checked_choice(event, EVENTS[1:], "policy event")
        with self.store.atomic():
            self.policy(name, version)
            events = self.policy_events(name)
            if event == "activate" and (version, "approve") not in {
                (past.version, past.event) for past in events
            }:
                raise StoreError("store.never_approved", name=name, version=version)
            if event == "undo" and (name, version) not in activations_in_force(events)[-1:]:
                raise StoreError("store.not_active", name=name, version=version)
            return self._add_event(name, version, event, author, reason)

    def policy_events(self, name: str | None = None) -> list[PolicyEvent]:
        """The events of a policy, or of all, in the order in which they were written."""
        rows = self._rows("policy_events", _EVENT, name, "position")
        return [
            PolicyEvent(
                position, policy, version, event, author, reason, recorded_at.replace(tzinfo=UTC)
            )
            for position, policy, version, event, author, reason, recorded_at in rows
        ]

    def active_policy(self, name: str | None = None) -> PolicyVersion | None:
        """The version that was activated last and not undone, of that policy or of all; None where
        there is none.
        """
        with self.store.atomic():
            in_force = activations_in_force(self.policy_events(name))
            return self.policy(*in_force[-1]) if in_force else None

    # --- scenarios
    # -----------------------------------------------------------------------------------------------------------

    def add_scenario(self, name: str, content: dict, author: str) -> ScenarioVersion:
        """Add the next version of a scenario. Raises SettingsError, and NonFiniteError for a NaN in
        it.
        """
        written = records.json_of(content, "numbers", checked_text(name, "scenario"))
        with self.store.atomic() as connection:
            version = self._next("scenarios", name)
            connection.execute(
                f"INSERT INTO scenarios ({_SCENARIO}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                [name, version, written, checked_text(author, "author"), records.utc_now()],
            )
            return self.scenario(name, version)

    def scenario(self, name: str, version: int | None = None) -> ScenarioVersion:
        """A version of the scenario, by default the newest. Raises NotFoundError."""
        versions = [
            scenario for scenario in self.scenarios(name) if version in (None, scenario.version)
        ]
        if not versions:
            code = "store.no_scenario" if version is None else "store.no_scenario_version"
            folder = str(self.store.folder)
            raise NotFoundError(code, name=name, version=version, folder=folder)
        return max(versions, key=lambda scenario: scenario.version)

    def scenarios(self, name: str | None = None) -> list[ScenarioVersion]:
        """All versions of a scenario, or of all, the newest first."""
        rows = self._rows("scenarios", _SCENARIO, name, "created_at DESC, name, version DESC")
        return [
            ScenarioVersion(n, v, json.loads(content), author, recorded_at.replace(tzinfo=UTC))
            for n, v, content, author, recorded_at in rows
        ]

    # -------------------------------------------------------------------------------------------------------------------------

    def _rows(self, table: str, columns: str, name: str | None, order: str) -> list[tuple]:
        query = f"SELECT {columns} FROM {table} WHERE CAST(? AS VARCHAR) IS NULL OR name = ? ORDER BY {order}"  # noqa: S608
        with self.store.atomic() as connection:
            return connection.execute(query, [name, name]).fetchall()

    def _next(self, table: str, name: str) -> int:
        """The next version, which nobody else can take before this transaction ends."""
        query = f"SELECT coalesce(max(version), 0) + 1 FROM {table} WHERE name = ?"  # noqa: S608
        with self.store.atomic() as connection:
            return only_row(connection.execute(query, [name]))[0]

    def _add_event(
        self, name: str, version: int, event: str, author: str, reason: str
    ) -> PolicyEvent:
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
            return self.policy_events(name)[-1]


def activations_in_force(events: Iterable[PolicyEvent]) -> list[tuple[str, int]]:
    """(name, version) of what was activated and not undone, the active one last. An undo takes back
    the latest activation.
    """
    in_force: list[tuple[str, int]] = []
    for event in events:
        policy = (event.name, event.version)
        if event.event == "activate":
            in_force.append(policy)
        elif event.event == "undo":
            del in_force[len(in_force) - 1 - in_force[::-1].index(policy)]
    return in_force


def _policy_of(row: tuple) -> PolicyVersion:
    """The columns of _POLICY as a policy."""
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
