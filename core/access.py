"""Admission: the login's settings, and the principal that a provider's claims amount to.

A file of the administrator's (KAKUSHIN_LOGIN) has Streamlit's section [auth] and the section
[access]. Each role there lists addresses or "issuer subject" pairs, or a claim names the roles.
Nothing is let in by default. Knows no screen and no store.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import AccessError, SettingsError
from core.identity import ROLES, Principal

MIN_SECRET = 32  # characters of the secret that signs cookies
_NAME = 60  # characters of a person's name in lists
_NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
# Secrets that manuals print; anyone could sign a cookie with them.
_SAMPLES = ("xxx", "change", "secret", "example", "your", "password", "insert", "random", "0123")


@dataclass(frozen=True)
class AccessRules:
    """The rules that turn claims into roles.

    members: role -> addresses in lower case, or "issuer subject". roles_claim: the claim whose
    values name roles; None uses the lists only.
    """

    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    roles_claim: str | None = None


@dataclass(frozen=True)
class LoginSettings:
    """The content of a login file that passed its checks."""

    path: Path
    rules: AccessRules


def read_login(path: Path) -> LoginSettings:
    """Return the settings of a login file. Raises SettingsError for one that would let too many in.

    Refused: a file that others can read, a missing entry, a cookie secret that is short or a
    sample, an address without TLS beyond this machine, and access for no one.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError("identity.file_mode", file=str(path))
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or str(e)
        raise SettingsError("identity.file_unreadable", file=str(path), reason=reason) from e
    auth, access = content.get("auth"), content.get("access")
    if not isinstance(auth, dict) or not isinstance(access, dict):
        raise SettingsError("identity.section_missing", file=str(path))
    for name in _NEEDED:
        if not isinstance(auth.get(name), str) or not auth[name].strip():
            raise SettingsError("identity.entry_missing", file=str(path), name=f"auth.{name}")
    _check_secret(path, auth["cookie_secret"])
    for name in ("redirect_uri", "server_metadata_url"):
        parts = urlsplit(auth[name])
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (local and parts.scheme == "http"):
            raise SettingsError("identity.no_tls", name=f"auth.{name}", value=auth[name])
    return LoginSettings(path, _read_rules(path, access))


def _check_secret(path: Path, secret: str) -> None:
    is_sample = any(word in secret.lower() for word in _SAMPLES) or len(set(secret)) < 10
    if len(secret) < MIN_SECRET or is_sample:
        raise SettingsError("identity.weak_secret", file=str(path), least=MIN_SECRET)


def _read_rules(path: Path, access: dict) -> AccessRules:
    unknown = set(access) - {*ROLES, "roles_claim"}
    if unknown:
        raise SettingsError(
            "settings.choice", what="access", value=min(unknown), allowed=(*ROLES, "roles_claim")
        )
    members = {}
    for role in ROLES:
        names = access.get(role, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise SettingsError("identity.entry_missing", file=str(path), name=f"access.{role}")
        # An issuer and a subject are exact; an address is not, in its letters' case.
        members[role] = frozenset(name if " " in name else name.lower() for name in names)
    claim = access.get("roles_claim")
    if claim is None and not any(members.values()):
        raise SettingsError("identity.no_members", file=str(path))
    return AccessRules(members, claim)


def principal_of_claims(
    claims: Mapping[str, object], rules: AccessRules, seconds: float
) -> Principal:
    """Return the person of a provider's claims, with the roles that the rules give.

    claims: of the id token, whose signature the login has checked. seconds: the present time, Unix.
    Raises AccessError for missing claims, an expired login, and a person without a role.
    """
    issuer, subject, expires = (claims.get(name) for name in ("iss", "sub", "exp"))
    if not (isinstance(issuer, str) and issuer and isinstance(subject, str) and subject):
        raise AccessError("identity.claim_missing", claim="iss, sub")
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise AccessError("identity.claim_missing", claim="exp")
    if not seconds < expires:  # so that NaN counts as expired
        raise AccessError("identity.expired")
    account, address = f"{issuer} {subject}", _verified_address(claims)
    roles = {
        role
        for role, names in rules.members.items()
        if account in names or (address is not None and address in names)
    }
    if rules.roles_claim is not None:
        stated = claims.get(rules.roles_claim)
        stated = [stated] if isinstance(stated, str) else stated
        roles |= {role for role in stated if role in ROLES} if isinstance(stated, list) else set()
    if not roles:
        raise AccessError("identity.no_role", name=address or account)
    return Principal(account, _display_name(claims, address or account), frozenset(roles))


def _verified_address(claims: Mapping[str, object]) -> str | None:
    """Return the e-mail address in lower case; None unless the provider says it is verified.

    An address with other letters than ASCII may look like a colleague's: None too.
    """
    address = claims.get("email")
    is_plain = isinstance(address, str) and address.isascii() and address.isprintable()
    if not is_plain or claims.get("email_verified") is not True or " " in str(address):
        return None
    return str(address).lower()


def _display_name(claims: Mapping[str, object], key: str) -> str:
    """Return the name for lists: the person's, with the address or account that tells it apart."""
    name = claims.get("name")
    printable = isinstance(name, str) and name.strip() and name.isprintable()
    # The name is cut, not the key: a long name could end like another person's.
    return f"{str(name).strip()[:_NAME]} ({key})"[:200] if printable else key[:200]


def require_login_library() -> None:
    """Raise SettingsError unless the package that logs people in is installed."""
    if find_spec("authlib") is None:
        raise SettingsError("identity.no_library", file="requirements-login.txt")


def login_path() -> Path | None:
    """Return the login file that KAKUSHIN_LOGIN names; None without a login."""
    named = os.environ.get("KAKUSHIN_LOGIN", "").strip()
    return Path(named) if named else None
