"""Sentences of errors and reports in the reader's language, from gettext catalogues.

`core/messages/<language>/<room>.po` holds the sentences of the codes `<room>.<name>`. A sentence
with one count has an `msgid_plural`, and its value `n` chooses the form (`plural_form`). A sentence
with several counts writes each noun as `{rows:row|rows}`: the form of the value `rows`. Catalogues
are read at run time; nothing is compiled. Knows no screen; imports no other module of core.
"""

import os
import re
import string
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

MESSAGES_FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("ja", "en")
# Characters that a terminal obeys instead of showing them: controls, line ends too, and those that
# turn the direction of writing, by which a text can look like another.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@cache
def read_catalogues(folder: Path, language: str) -> dict[str, str | tuple[str, ...]]:
    """Return {key: sentence, or its plural forms} of every `<folder>/<language>/*.po`.

    Keys without a translation are left out. Raises ValueError for a key that two files hold.
    """
    from babel.messages.pofile import read_po  # imported here: it takes 60 ms, for sentences only

    catalogue: dict[str, str | tuple[str, ...]] = {}
    for path in sorted((folder / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                key = message.id if isinstance(message.id, str) else message.id[0]
                if not key or not any(message.string or ()):  # the empty key is the file's header
                    continue
                if key in catalogue:
                    raise ValueError(f"{path} repeats the key {key!r}")
                text = message.string
                catalogue[key] = text if isinstance(text, str) else tuple(text or ())
    return catalogue


def plural_form(language: str, n: object) -> int:
    """Return the plural form of `n`: Japanese has one, English a second one for all but 1.

    n: a number, or its text.
    """
    return 0 if language == "ja" or n in (1, "1") else 1


class _FormOfCount(string.Formatter):
    """Fills in `{n:case|cases}` with the word in the plural form of n, other blanks as usual."""

    def __init__(self, language: str):
        self.language = language

    def format_field(self, value: object, spec: str) -> str:
        if "|" in spec:
            return spec.split("|")[plural_form(self.language, value)]
        return str(super().format_field(value, spec))


def fill_blanks(language: str, pattern: str, values: Mapping[str, object]) -> str:
    """Return the pattern with its {blanks} filled in; `{n:case|cases}` takes the form of n.

    >>> fill_blanks("en", "{n} {n:case|cases} in {m} {m:row|rows}", {"n": 1, "m": 2})
    '1 case in 2 rows'
    """
    # str.format is ten times faster, and a page fills in thousands of patterns
    if "|" not in pattern:
        return pattern.format(**values)
    return _FormOfCount(language).vformat(pattern, (), values)


class ControlNames(dict[str, str]):
    """The names of what a reader can set, by option of the command line: a terminal's own.

    A sentence writes `{control[hidden-rows]}`, and each edge names what its readers can use: a
    screen fills in the names of its fields, and an option without a field keeps its own.

    >>> ControlNames({"sheet": "Sheet"})["sheet"], ControlNames()["sheet"]
    ('Sheet', '--sheet')
    """

    def __missing__(self, option: str) -> str:
        return f"--{option}"


_OPTIONS = ControlNames()


def sentence(
    language: str, key: str, controls: ControlNames = _OPTIONS, /, **values: object
) -> str:
    """Return the sentence under `key` with its {blanks} filled in.

    A sentence with plural forms needs the value `n`. controls: the names that readers know. Raises
    KeyError for an unknown key.

    >>> sentence("en", "cases.empty_file", file="orders.csv")
    'orders.csv is empty: it has 0 bytes.'
    """
    words = read_catalogues(MESSAGES_FOLDER, language)[key]
    if not isinstance(words, str):
        words = words[plural_form(language, values["n"])]
    written = {name: _written(value, language, controls) for name, value in values.items()}
    if str(option := values.get("option", "")).startswith("--"):  # of the field at fault
        written["option"] = controls[str(option)[2:]]
    return fill_blanks(language, words, {"control": controls} | written)


def error_text(error: object, language: str, controls: ControlNames = _OPTIONS) -> str:
    """Return an error's sentence; the error's own text if its code is in no catalogue.

    controls: as of `sentence`.
    """
    code = getattr(error, "code", None)
    if code is None or code not in read_catalogues(MESSAGES_FOLDER, language):
        return str(code if code is not None else error)
    return sentence(language, code, controls, **getattr(error, "values", {}))


def shown_text(text: str, allowed: str = "") -> str:
    """Return a text whose characters a terminal shows and does not obey: others as their escapes.

    allowed: of these, the characters that stay.

    >>> print(shown_text("a\\x1b[31mb"))
    a\\u001b[31mb
    """
    if text.isprintable():
        return text
    return _OBEYED.sub(lambda found: found[0] if found[0] in allowed else _escape(found[0]), text)


def _escape(character: str) -> str:
    return f"\\u{ord(character):04x}"


def reader_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the terminal's language: KAKUSHIN_LANGUAGE, else the locale's, else English."""
    # LC_ALL overrides LC_MESSAGES, which overrides LANG (POSIX, locale).
    names = ("KAKUSHIN_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return "ja" if locale.lower().startswith("ja") else "en"


def _written(value: object, language: str, controls: ControlNames) -> object:
    """Return a value in the form of a sentence: lists joined, an error as its own sentence.

    Values quote files, which strangers write: what a terminal would obey is escaped.
    """
    # By shape, not by class: importing core.errors here would close a circle.
    if hasattr(value, "code") and hasattr(value, "values"):
        return error_text(value, language, controls)
    if isinstance(value, str):
        return shown_text(value)
    if isinstance(value, os.PathLike):
        return shown_text(str(value))
    if not isinstance(value, Iterable):
        return value
    parts = [str(_written(item, language, controls)) for item in value]
    if any(part.endswith((".", "。")) for part in parts):  # sentences
        return ("" if language == "ja" else " ").join(parts)
    return ("、" if language == "ja" else ", ").join(parts)
