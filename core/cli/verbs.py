"""Shared parts of the verbs: adding one, settings from arguments, the store of a workspace."""

import argparse
import math
from collections.abc import Callable
from typing import Any

from core.errors import SettingsError
from core.settings import Settings


def add_verb(verbs, name: str, run: Callable, text: str) -> argparse.ArgumentParser:
    """Add a verb and return its parser.

    verbs: argparse's group of verbs. name: the verb. run: takes the arguments and the settings.
    text: a short description for --help.
    """
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    verb.set_defaults(run=run)
    return verb


def checked_settings(make: Callable[[], Any]) -> Any:
    """Return the settings that `make` builds. Raises SettingsError for pydantic's first refusal."""
    from pydantic import ValidationError

    try:
        return make()
    except ValidationError as e:
        # One refusal at a time, as argparse does.
        first = e.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise SettingsError(
            "settings.refused_argument", name=name, value=first["input"], reason=first["msg"]
        ) from e


def store_of(settings: Settings):
    """Return the workspace's store; a verb waits for its turn without limit and logs the wait."""
    from core.store.store import Store

    return Store(settings.store, timeout_s=math.inf)
