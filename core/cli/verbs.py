"""What verbs share: how one is added, settings from arguments, the store of a workspace."""

import argparse
import math
from collections.abc import Callable
from typing import Any

from core.errors import SettingsError
from core.settings import Settings


def add_verb(verbs, name: str, run: Callable, text: str) -> argparse.ArgumentParser:
    """Add a verb; `run` takes the arguments and the settings, and `text` says in a few words what
    it does.
    """
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    verb.set_defaults(run=run)
    return verb


def checked_settings(make: Callable[[], Any]) -> Any:
    """Settings from arguments; what pydantic refuses becomes one sentence."""
    from pydantic import ValidationError

    try:
        return make()
    except ValidationError as e:
        first = e.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise SettingsError(
            "settings.refused_argument", name=name, value=first["input"], reason=first["msg"]
        ) from e


def store_of(settings: Settings):
    """Return the workspace's store; a verb waits for its turn however long it takes, and says so."""
    from core.store.store import Store

    return Store(settings.store, timeout_s=math.inf)
