"""Every error that a user may meet, one class by cause.

An error is a fact, the name, the value found, and what is allowed or the next step. The command line prints it without a
traceback and exits with the class's code; the dashboard shows it as a sentence. This file knows no other file of ours.
"""


class KakushinError(Exception):
    """Base of all errors that are shown to users. `exit_code` is what the command line returns."""

    exit_code = 1


class SettingsError(KakushinError):
    """A setting or an argument is outside what is allowed."""

    exit_code = 2


class CasesError(KakushinError):
    """A file of cases cannot be used as it is. `problems` lists every row's problem, in file order."""

    exit_code = 3

    def __init__(self, message: str, problems: tuple = ()):
        super().__init__(message)
        self.problems = tuple(problems)


class DatesOnlyError(CasesError):
    """Times of day are needed, and the cases have dates only."""


class ModelError(KakushinError):
    """A model is missing, is of another kind, or does not fit what it is used with."""

    exit_code = 4


class NonFiniteError(ModelError):
    """A probability, confidence or loss is NaN or infinite."""

    exit_code = 4


class StoreError(KakushinError):
    """The store cannot do what was asked: another schema version, another content under the same name, locked too long."""

    exit_code = 5


class NotFoundError(StoreError):
    """A run, model or part of that name is not there."""

    exit_code = 5


class OvertakenError(StoreError):
    """Somebody decided something else since the caller looked. `events` are what was written down in between, oldest first."""

    exit_code = 5

    def __init__(self, message: str, events: tuple = ()):
        super().__init__(message)
        self.events = tuple(events)


class FetchError(KakushinError):
    """The demo's data or model could not be fetched, or is not what was expected."""

    exit_code = 6
