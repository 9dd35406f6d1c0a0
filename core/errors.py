"""Every error that a user can meet: a class by cause, a code, and the sentence's values.

An error states the fact, the name, the value found, and what is allowed or the next step. The code
raises the fact as data; core.messages makes the sentence at the edge (terminal, page, report) in
the reader's language. The command line prints the sentence without a traceback and exits with the
class's code.
"""

from collections.abc import Iterable
from typing import cast


class KakushinError(Exception):
    """Base of all errors that are shown to users.

    code: key of the sentence in core/messages, such as "cases.empty_file". values: what the
    sentence names, by blank: text, numbers, or lists of them. `exit_code` is what the command line
    returns. str() returns the English sentence.
    """

    exit_code = 1

    def __init__(self, code: str, **values: object):
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        # Imported here, so that raising an error that is caught again reads no catalogue.
        from core.messages import error_text

        return error_text(self, "en")

    def __reduce__(self) -> tuple:
        # Errors cross processes (pickle): rebuilt from what __init__ takes, code and values.
        return _rebuild, (type(self), self.code, self.values)


def _rebuild(kind: type, code: str, values: dict) -> KakushinError:
    return kind(code, **values)


class SettingsError(KakushinError):
    """A setting or an argument is outside what is allowed."""

    exit_code = 2


class ShapeError(SettingsError):
    """Arrays, counts or weights that belong together differ in length, shape or names."""


class DocumentError(SettingsError):
    """A stored or pasted document (certificate, scenario, policy) cannot be read."""


class NoCasesError(SettingsError):
    """A figure has no cases to be computed from: none at all, or none with a label."""


class CasesError(KakushinError):
    """A file of cases cannot be used unchanged; `problems` lists every row's problem."""

    exit_code = 3

    @property
    def problems(self) -> tuple:
        """Every row's problem, in file order; empty if the file as a whole is refused."""
        return tuple(cast(Iterable[object], self.values.get("problems", ())))


class DatesOnlyError(CasesError):
    """A figure needs times of day, and the cases have dates only."""


class ModelError(KakushinError):
    """A model is missing, has another kind, or does not fit its cases or its base."""

    exit_code = 4


class NonFiniteError(ModelError):
    """A probability, confidence or loss is NaN or infinite."""


class StoreError(KakushinError):
    """The store refuses: another schema version, other content under the same name, a long lock."""

    exit_code = 5


class NotFoundError(StoreError):
    """A run, model or part of that name does not exist."""


class OtherContentError(StoreError):
    """The name or key already belongs to another content."""


class OvertakenError(StoreError):
    """Another person recorded a step after the caller read the state; `events` lists such steps."""

    @property
    def events(self) -> tuple:
        """The events recorded after the caller read the state, oldest first."""
        return tuple(cast(Iterable[object], self.values.get("events", ())))


class AccessError(KakushinError):
    """The acting person has no role that allows the action, or is not admitted."""

    exit_code = 7


class CallerUnknownError(AccessError):
    """A request to the gate has no token, or one that names no caller."""


class TooManyRequestsError(AccessError):
    """A caller of the gate sends more requests than its token allows; `wait_s` says how long."""


class FetchError(KakushinError):
    """The demo's data or model cannot be fetched, or differs from what is pinned."""

    exit_code = 6
