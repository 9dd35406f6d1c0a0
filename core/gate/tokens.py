"""The gate's callers: bearer tokens, each with a name, a role and a limit of requests.

The workspace's file has the tokens' sha256 only, so that reading it lets no one in. Knows no HTTP
and no store.
"""

import hashlib
import hmac
import json
import math
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from core.errors import CallerUnknownError, NotFoundError, SettingsError, TooManyRequestsError
from core.files import private_folder, write_atomic
from core.hosts import is_loopback
from core.identity import ROLES, Principal
from core.settings import Settings
from core.store.entries import checked_choice, checked_text

REQUESTS_A_MINUTE = 600
MOST_A_MINUTE = 1_000_000
_PREFIX = "kakushin_"  # lets scanners for leaked secrets find a token
_TOKEN_BYTES = 32


class CallerToken(BaseModel):
    """A caller of the gate. sha256: of its token, hex; a random token needs no slow hash."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(min_length=1)]
    role: Annotated[str, Field(pattern=f"^({'|'.join(ROLES)})$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    per_minute: Annotated[int, Field(ge=1, le=MOST_A_MINUTE)] = REQUESTS_A_MINUTE

    @property
    def principal(self) -> Principal:
        """The caller as a person or service that acts; its account is "token:" and its name."""
        return Principal(f"token:{self.name}", self.name, frozenset({self.role}))


_FILE = TypeAdapter(list[CallerToken])


def token_file(settings: Settings) -> Path:
    """Return the path of the workspace's token file; the file need not exist."""
    return settings.home / "gate" / "tokens.json"


def read_tokens(path: Path) -> list[CallerToken]:
    """Return the tokens of a file. Raises SettingsError for one that others can read, or that is
    missing or no token file.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError("gate.token_file_mode", file=str(path))
        return _FILE.validate_json(path.read_bytes())
    except ValidationError as e:
        reason = e.errors(include_url=False, include_input=False)[0]["msg"]
        raise SettingsError("gate.token_file_unreadable", file=str(path), reason=reason) from e
    except OSError as e:
        raise SettingsError(
            "gate.token_file_unreadable", file=str(path), reason=e.strerror or str(e)
        ) from e


def add_token(path: Path, name: str, role: str, per_minute: int = REQUESTS_A_MINUTE) -> str:
    """Add a caller to the file, made with mode 600 if it is missing; return the new token.

    name: of the caller, each once; verdicts carry it as their reviewer. role: one of ROLES.
    per_minute: requests that are answered. The token is stored nowhere. Raises SettingsError.
    """
    checked_choice(role, ROLES, "role")
    checked_text(name, "name")
    if not 1 <= per_minute <= MOST_A_MINUTE:
        raise SettingsError("gate.token_rate", value=per_minute, most=MOST_A_MINUTE)
    token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    with _locked(path):
        callers = read_tokens(path) if path.exists() else []
        if name in {caller.name for caller in callers}:
            raise SettingsError("gate.token_name_taken", name=name)
        digest = _token_digest(token)
        callers.append(CallerToken(name=name, role=role, sha256=digest, per_minute=per_minute))
        _write_tokens(path, callers)
    return token


def remove_token(path: Path, name: str) -> None:
    """Remove a caller from the file; a gate that runs refuses its next request.

    Removing the last caller leaves an empty file, which lets no one in. Raises NotFoundError.
    """
    with _locked(path):
        callers = read_tokens(path)
        remaining = [caller for caller in callers if caller.name != name]
        if len(remaining) == len(callers):
            raise NotFoundError("gate.token_unknown_name", name=name, file=str(path))
        _write_tokens(path, remaining)


def _locked(path: Path) -> FileLock:
    return FileLock(private_folder(path.parent) / f"{path.name}.lock", mode=0o600)


def _write_tokens(path: Path, callers: list[CallerToken]) -> None:
    content = [caller.model_dump() for caller in callers]
    write_atomic(path, json.dumps(content, ensure_ascii=False, indent=1))


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class CallerBook:
    """Lets callers in by their tokens. One thread asks, as an event loop does.

    A change of the file counts from the next request on. clock: seconds that only grow.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic):
        self.path, self._clock = path, clock
        self._version: tuple[int, ...] = ()
        self._callers: list[CallerToken] = []
        self._levels: dict[str, tuple[float, float]] = {}  # digest -> requests left, when counted

    def admit_caller(self, authorization: str) -> Principal:
        """Return the caller of a request with this Authorization header, and count the request.

        Raises CallerUnknownError for no or another token, TooManyRequestsError beyond the limit,
        and SettingsError if the file is missing or cannot be read.
        """
        self._read_again()
        scheme, _, token = authorization.partition(" ")
        digest, match = _token_digest(token.strip()), None
        # Every caller is compared, each in constant time: the time tells nothing about a token.
        for caller in self._callers:
            if hmac.compare_digest(caller.sha256, digest):
                match = caller
        if match is None or scheme.lower() != "bearer":
            raise CallerUnknownError("gate.token_needed")
        self._count_request(match)
        return match.principal

    def _read_again(self) -> None:
        version: tuple[int, ...] = ()
        with suppress(OSError):  # read_tokens says why
            status = self.path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)
        if version != self._version or not version:
            self._callers = read_tokens(self.path)
            self._version = version

    def _count_request(self, caller: CallerToken) -> None:
        """A token bucket: it holds a minute's requests and refills evenly."""
        moment, per_second = self._clock(), caller.per_minute / 60
        level, counted_at = self._levels.get(caller.sha256, (caller.per_minute, moment))
        level = min(caller.per_minute, level + (moment - counted_at) * per_second)
        if level < 1:
            self._levels[caller.sha256] = level, moment
            wait_s = max(1, math.ceil((1 - level) / per_second))
            raise TooManyRequestsError("gate.rate", n=caller.per_minute, wait_s=wait_s)
        self._levels[caller.sha256] = level - 1, moment


def callers_for(settings: Settings, host: str) -> CallerBook | None:
    """Return the callers of a gate at this address; None without tokens, on this machine only.

    Raises SettingsError for a host beyond this machine without a token file, and for a token file
    that others can read or that cannot be read.
    """
    path = token_file(settings)
    if path.exists():
        read_tokens(path)
        return CallerBook(path)
    if not is_loopback(host):
        raise SettingsError("gate.host_needs_tokens", host=host)
    return None
