"""The acting person: account, name and roles, and the roles that each action needs.

The services that write check the roles: a hidden button is no protection. Without a login there is
one account, this machine's user, who has every role, since that user owns the files anyway. Knows
no login and no screen.
"""

import getpass
import os
from dataclasses import dataclass
from functools import cache

from core.errors import AccessError

ROLES = ("viewer", "reviewer", "operator", "approver", "admin")
LOCAL_ACCOUNT = "local"
SERVICE = "service:"  # begins a service's account; an issuer begins with https
# Action -> the roles that may do it; "admin" may do everything, except approve an own proposal.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "policy.propose": ("operator", "approver"),
    "policy.approve": ("approver",),
    "policy.activate": ("approver",),
    "policy.undo": ("approver",),
    "scenario.save": ("operator", "approver"),
    "meeting.decide": ("operator", "approver"),
    "review.verdict": ("reviewer",),
    "review.draw": ("operator", "reviewer"),
    "review.gold": ("operator",),
    "decisions.apply": ("operator",),
    "decisions.export": ("reviewer", "operator", "approver"),
    "watch.harm": ("operator", "approver"),
    "watch.clear": ("approver",),
    "job.start": ("operator",),
    "job.cancel": ("operator",),
    "login": ("viewer", "reviewer", "operator", "approver"),
    "model.serve": ("operator", "approver"),
    "model.export": ("operator", "approver"),
    "report.export": ("viewer", "reviewer", "operator", "approver"),
    "store.read": ("viewer", "reviewer", "operator", "approver"),
    "run.record": ("operator",),
    "upload.keep": ("operator",),
    "token.add": (),
    "token.remove": (),
    "purge": (),
    "backup": (),
    "restore": (),
}


@dataclass(frozen=True)
class Principal:
    """A person or service that acts."""

    account: str  # issuer and subject of a login, which a provider never reuses; LOCAL_ACCOUNT
    name: str  # for people; no key, since two accounts may have the same name
    roles: frozenset[str]

    @property
    def is_local(self) -> bool:
        """Whether it is this machine's user, without a login."""
        return self.account == LOCAL_ACCOUNT

    @property
    def is_service(self) -> bool:
        """Whether it is a part of Kakushin that passes on people's actions."""
        return self.account.startswith(SERVICE)

    def may(self, action: str) -> bool:
        """Return whether a role allows the action, a key of PERMISSIONS."""
        return "admin" in self.roles or not self.roles.isdisjoint(PERMISSIONS[action])

    def require(self, action: str) -> None:
        """Raise AccessError unless a role allows the action."""
        if not self.may(action):
            allowed = (*PERMISSIONS[action], "admin")
            raise AccessError(
                "identity.role_missing",
                name=self.name,
                action=action,
                roles=sorted(self.roles) or ["-"],
                allowed=allowed,
            )

    def acting_as(self, author: str) -> str:
        """Return the name under which an action is recorded.

        author: the name in the form. A login's name replaces it, so that no one signs for another;
        a service names the person who sent it the action.
        """
        return author if self.is_local or self.is_service else self.name


def local_principal(name: str | None = None) -> Principal:
    """Return this machine's user, by name: the given one, KAKUSHIN_USER, or the system's."""
    name = name or os.environ.get("KAKUSHIN_USER") or _system_name()
    return Principal(LOCAL_ACCOUNT, name, frozenset(ROLES))


@cache
def _system_name() -> str:
    """Return the name of the process's user: asked once, since the system reads a file for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return LOCAL_ACCOUNT


ANONYMOUS = Principal("", "-", frozenset())  # may do nothing
