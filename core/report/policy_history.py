"""Compute the history of policies: the state of each version, its times in force, and every event.

Pure: policies and events of the store in, dictionaries and frames out. Times are UTC. Knows no
threshold and no screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from core.store.entries import PolicyEvent, PolicyVersion
from core.store.ledger import activations_in_force
from core.store.steps import same_person

PROPOSED, APPROVED, ACTIVE, REPLACED, UNDONE = (
    "proposed",
    "approved",
    "active",
    "replaced",
    "undone",
)


@dataclass(frozen=True)
class PolicyLife:
    """The state of one version and its last events."""

    state: str  # one of the above; REPLACED: another version became active later
    approved: PolicyEvent | None  # its last approval
    activated: PolicyEvent | None  # its last activation
    # Whether approver and proposer differ by name; None before any approval.
    four_eyes: bool | None

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the possible next events."""
        if self.state == ACTIVE:
            return ("undo",)
        return ("activate",) if self.approved else ("approve",)


def policy_lives(
    policies: Sequence[PolicyVersion], events: Sequence[PolicyEvent]
) -> dict[tuple[str, int], PolicyLife]:
    """Return {(name, version): its life}, in the order of `policies`."""
    in_force = activations_in_force(events)
    lives = {}
    for policy in policies:
        version = (policy.name, policy.version)
        version_events = [event for event in events if (event.name, event.version) == version]
        last = {event.event: event for event in version_events}
        state = (
            ACTIVE
            if in_force[-1:] == [version]
            else REPLACED
            if version in in_force
            else _inactive(last)
        )
        approved = last.get("approve")
        eyes = None if approved is None else not same_person(approved.author, policy.author)
        lives[version] = PolicyLife(state, approved, last.get("activate"), eyes)
    return lives


def _inactive(last: dict[str, PolicyEvent]) -> str:
    """Return the state of a version that is neither in force nor replaced; last: its newest event
    of each kind.
    """
    return UNDONE if "undo" in last else APPROVED if "approve" in last else PROPOSED


def event_frame(events: Sequence[PolicyEvent]) -> pd.DataFrame:
    """Return one row an event, in order: recorded_at, name, version, event, author, reason."""
    columns = ["recorded_at", "name", "version", "event", "author", "reason"]
    return pd.DataFrame(
        [[getattr(event, name) for name in columns] for event in events], columns=columns
    )


def activation_spans(events: Sequence[PolicyEvent], until: datetime) -> pd.DataFrame:
    """Return the spans of the active versions: name, version, begin, end, open (still active; its
    end is `until`).
    """
    # An undo brings an earlier version back, so each event replays all events before it.
    spans: list[tuple[str, int, datetime, datetime, bool]] = []
    active: tuple[str, int] | None = None
    since = until
    for count, event in enumerate(events, start=1):
        in_force = next(reversed(activations_in_force(events[:count])), None)
        if in_force == active:
            continue
        if active is not None:
            spans.append((*active, since, event.recorded_at, False))
        active, since = in_force, event.recorded_at
    if active is not None:
        spans.append((*active, since, max(until, since), True))
    return pd.DataFrame(spans, columns=["name", "version", "begin", "end", "open"])
