"""Policy steps from concurrent screens: each is recorded once, and none overrides an unseen one.

A click that arrives twice writes once. A step carries the position of the last event that its
screen showed: if another person has approved, activated or undone since, the step is refused, and
the error lists the events between. Knows no screen and no thresholds.
"""

import unicodedata
from collections.abc import Iterable
from datetime import date

from core.errors import OvertakenError, StoreError
from core.store.entries import PolicyEvent, PolicyVersion
from core.store.ledger import Ledger


def record_proposal(
    ledger: Ledger,
    name: str,
    content: dict,
    author: str,
    reason: str,
    runs: Iterable[str] = (),
    certificate: dict | None = None,
    expires_on: date | None = None,
) -> tuple[PolicyVersion, bool]:
    """Add a version unless it equals the newest of its name; return (version, whether it is new).

    The arguments are those of Ledger.add_policy. Raises what Ledger.add_policy raises.
    """
    runs = tuple(runs)
    proposed = (content, author, reason, runs, certificate, expires_on)
    with ledger.store.atomic():
        newest = next(iter(ledger.policies(name)), None)
        if newest is not None and proposed == _given(newest):
            return newest, False
        return ledger.add_policy(name, *proposed), True


def record_event(
    ledger: Ledger,
    name: str,
    version: int,
    event: str,
    author: str,
    reason: str,
    last_position: int,
) -> tuple[PolicyEvent, bool]:
    """Record an event unless it repeats the last one; return (event, whether it is new).

    name, version, event, author, reason: as in Ledger.add_policy_event. last_position: position of
    the last event that the caller's screen showed, 0 for none. Raises OvertakenError if another
    step was recorded since, or, for an approval, if a version of the same name was proposed since:
    an approval is about the version that its screen showed as the newest. Raises what
    Ledger.add_policy_event raises.
    """
    with ledger.store.atomic():
        events = ledger.policy_events()
        # A proposal changes nothing that is in force, so it overtakes no step but an approval.
        steps = [step for step in events if step.event != "propose"]
        requested = (name, version, event, author, reason)
        last = steps[-1] if steps else None
        if last is not None and requested == (
            last.name,
            last.version,
            last.event,
            last.author,
            last.reason,
        ):
            return last, False
        superseding = [e for e in events if e.event == "propose" and e.name == name]
        newer = superseding if event == "approve" else []
        since = [e for e in (*steps, *newer) if e.position > last_position]
        if since:
            # An error within an error becomes its own sentence, in the reader's language.
            steps_since = [
                StoreError(
                    "store.step", author=e.author, step=e.event, name=e.name, version=e.version
                )
                for e in since
            ]
            raise OvertakenError(
                "store.overtaken",
                step=event,
                name=name,
                version=version,
                since=steps_since,
                events=since,
            )
        return ledger.add_policy_event(name, version, event, author, reason), True


def same_person(name: str, second_name: str) -> bool:
    """Return whether two typed names are equal up to case, width and spaces.

    Names are not authenticated: a person who types another name passes as another person.
    """
    return _folded(name) == _folded(second_name)


def _given(policy: PolicyVersion) -> tuple:
    return (
        policy.content,
        policy.author,
        policy.reason,
        policy.runs,
        policy.certificate,
        policy.expires_on,
    )


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
