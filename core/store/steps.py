"""What people do to policies from screens that are open at the same time: each step once, and never
over another's head.

A click that arrives twice writes once. A step carries the position of the last event that its
screen had shown: where somebody has approved, activated or undone since, it is refused, and the
caller learns what happened. Knows no screen, no thresholds.
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
    """Add a version, and whether it is new: what equals the newest version of its name in all that
    is given adds nothing.

    Raises what Ledger.add_policy raises.
    """
    runs = tuple(runs)
    proposed = (content, author, reason, runs, certificate, expires_on)
    with ledger.store.atomic():
        newest = next(iter(ledger.policies(name)), None)
        if newest is not None and proposed == _given(newest):
            return newest, False
        return ledger.add_policy(name, *proposed), True


def record_event(
    ledger: Ledger, name: str, version: int, event: str, author: str, reason: str, seen: int
) -> tuple[PolicyEvent, bool]:
    """Write an event down, and whether it is new: the same by the same person for the same reason,
    just written, adds nothing.

    seen: position of the last event that the caller knew, 0 for none. Raises OvertakenError where
    another step was taken since, or, for an approval, where a version of the same name was proposed
    since: an approval is of the version that its screen showed as the newest. Raises what
    Ledger.add_policy_event raises.
    """
    with ledger.store.atomic():
        events = ledger.policy_events()
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
        since = [e for e in (*steps, *newer) if e.position > seen]
        if since:
            # an error within an error is written as its own sentence, in the reader's language
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


def same_person(one: str, other: str) -> bool:
    """Whether two typed names are one but for case, width and spaces. Who writes another name is
    not found out.
    """
    return _folded(one) == _folded(other)


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
