"""Every error that a user may meet: a class by cause, a code, and the values that its sentence
names.

An error states the fact, the name, the value found, and what is allowed or the next step. The code
raises the fact as data; core.messages makes the sentence at the edge (terminal, page, report) in
the reader's language. The command line prints the sentence without a traceback and exits with the
class's code.
"""


class KakushinError(Exception):
    """Base of all errors that are shown to users.

    code: key of the sentence in core/messages, such as "cases.empty_file". values: what the
    sentence names, by blank: text, numbers, or lists of them. `exit_code` is what the command line
    returns. str() gives the English sentence.
    """

    exit_code = 1

    def __init__(self, code: str, **values: object):
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        from core.messages import error_text  # here, so that raising an error reads no catalogue

        return error_text(self, "en")

    def __reduce__(self) -> tuple:
        # so that it crosses processes with its values
        return _rebuild, (type(self), self.code, self.values)


def _rebuild(kind: type, code: str, values: dict) -> KakushinError:
    return kind(code, **values)


class SettingsError(KakushinError):
    """A setting or an argument is outside what is allowed."""

    exit_code = 2


class ShapeError(SettingsError):
    """Arrays, counts or weights that belong together differ in length, shape or names."""


class DocumentError(SettingsError):
    """A stored or pasted document (certificate, scenario, policy) cannot be read as what it is for."""


class NoCasesError(SettingsError):
    """The cases that a figure needs do not exist: none at all, or none with a label."""


class CasesError(KakushinError):
    """A file of cases cannot be used as it is. `problems` lists every row's problem, in file order."""

    exit_code = 3

    @property
    def problems(self) -> tuple:
        """Every row's problem, in file order; empty where the file as a whole is refused."""
        return tuple(self.values.get("problems", ()))


class DatesOnlyError(CasesError):
    """Times of day are needed, and the cases have dates only."""


class ModelError(KakushinError):
    """A model is missing, is of another kind, or does not fit what it is used with."""

    exit_code = 4


class NonFiniteError(ModelError):
    """A probability, confidence or loss is NaN or infinite."""


class StoreError(KakushinError):
    """The store cannot do what was asked: another schema version, another content under the same
    name, locked too long.
    """

    exit_code = 5


class NotFoundError(StoreError):
    """A run, model or part of that name does not exist."""


class OvertakenError(StoreError):
    """Another person decided something since the caller looked. `events` are what was recorded in
    between, oldest first.
    """

    @property
    def events(self) -> tuple:
        """What was recorded since the caller looked, oldest first."""
        return tuple(self.values.get("events", ()))


class FetchError(KakushinError):
    """The demo's data or model could not be fetched, or is not what was expected."""

    exit_code = 6
