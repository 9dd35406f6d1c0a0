"""Sentences of errors and reports in the reader's language, from gettext catalogues.

`core/messages/<language>/<room>.po` holds the sentences of the codes `<room>.<name>`. A sentence
with a count has an `msgid_plural`, and its value `n` chooses the form (`plural_form`). Catalogues
are read at run time; nothing is compiled. Knows no screen; imports no other module of core.
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("ja", "en")


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
    """Return the plural form of `n`: Japanese has one, English a second one for all but 1."""
    return 0 if language == "ja" or n == 1 else 1


def sentence(language: str, key: str, **values: object) -> str:
    """Return the sentence under `key` with its {blanks} filled in.

    A sentence with plural forms needs the value `n`. Raises KeyError for an unknown key.

    >>> sentence("en", "cases.empty_file", file="orders.csv")
    'orders.csv is empty: it has 0 bytes.'
    """
    words = read_catalogues(FOLDER, language)[key]
    if not isinstance(words, str):
        words = words[plural_form(language, values["n"])]
    return words.format(**{name: _written(value, language) for name, value in values.items()})


def error_text(error: object, language: str) -> str:
    """Return an error's sentence; the error's own text if its code is in no catalogue."""
    code = getattr(error, "code", None)
    if code is None or code not in read_catalogues(FOLDER, language):
        return str(code if code is not None else error)
    return sentence(language, code, **getattr(error, "values", {}))


def reader_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the terminal's language: KAKUSHIN_LANGUAGE, else the locale's, else English."""
    # LC_ALL overrides LC_MESSAGES, which overrides LANG (POSIX, locale).
    names = ("KAKUSHIN_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return "ja" if locale.lower().startswith("ja") else "en"


def _written(value: object, language: str) -> object:
    """Return a value in the form of a sentence: lists joined, an error as its own sentence."""
    # By shape, not by class: importing core.errors here would close a circle.
    if hasattr(value, "code") and hasattr(value, "values"):
        return error_text(value, language)
    if isinstance(value, str) or not isinstance(value, Iterable):
        return value
    return ("、" if language == "ja" else ", ").join(
        str(_written(item, language)) for item in value
    )
