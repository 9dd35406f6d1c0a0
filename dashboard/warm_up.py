"""Prepares the first page while the server starts: modules, the store's counts, texts and figures.

The first page of a new server takes ten times as long as the next one. All but a tenth of it is the
same for every reader, and a thread computes it before anyone comes. A page that is opened meanwhile
waits for what is being computed, and computes the rest itself.
"""

import inspect
from contextlib import suppress
from threading import Thread

from core.errors import KakushinError
from core.messages import reader_language
from core.types import RunRecord
from dashboard.i18n import LANGUAGE_NAMES, Words


def start_warm_up() -> None:
    """Prepare the first page in a thread, which ends with the server."""
    Thread(target=warm_up, name="warm-up", daemon=True).start()


def warm_up() -> None:
    """Compute what the first page shows, in the language of this machine first.

    Does nothing without a store: a server that only starts leaves a workspace as it is, so that a
    backup can still be restored into it. Does nothing for one that cannot be read: the page says
    why.
    """
    # imported here, in the thread: they take most of a second of the server's start
    from dashboard.components import door  # noqa: F401
    from dashboard.decide.page import DecideContext
    from dashboard.session import cache, identity

    # Streamlit looks at the stack at a run's first heading. The first look reads every module's
    # file name from the disk, and Python keeps them.
    inspect.stack()
    with suppress(KakushinError, OSError), identity.as_server():
        if not cache.settings().store.exists() or not (runs := cache.runs()):
            return
        for language in sorted(LANGUAGE_NAMES, key=lambda name: name != reader_language()):
            DecideContext(_first_context(language, runs)).fill_caches()


def _first_context(language: str, runs: list[RunRecord]):
    """Return the context of a page without choices in its address, for a reader of `language`."""
    from dashboard.components import controls
    from dashboard.session import cache
    from dashboard.session.address import first_choices
    from dashboard.session.context import RunContext

    record = controls.default_run(runs)
    line = cache.line_settings().get(record.run.dataset)
    choices = first_choices(language, record.run.run_id, controls.line_choices(line, language))
    return RunContext(Words(language), choices, runs, record)
