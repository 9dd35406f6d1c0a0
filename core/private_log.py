"""Logs without text of cases and without a terminal's control characters: an error that nobody
caught is written by its kinds and places.

Libraries quote values in their messages, and so may text of a case come into a log, which others
read and which no purge deletes. Knows no library.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from itertools import starmap
from typing import Any

from core.errors import KakushinError
from core.messages import shown_text


def keep_case_text_out() -> None:
    """From now on, write errors of this process without their messages: in logs, and at its end.

    For processes whose output is a log. Sentences that this program prints stay as they are.
    """
    make_record = logging.getLogRecordFactory()

    def without_message(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        _make_plain(record)
        if record.exc_info and record.exc_info[1] is not None:
            # Every formatter of the standard library takes this text, if there is one.
            record.exc_text = error_places(record.exc_info[1])
            # asyncio's message goes on with the task, which quotes the error.
            if record.name == "asyncio":
                record.msg, record.args = record.getMessage().partition("\n")[0], ()
        return record

    logging.setLogRecordFactory(without_message)
    sys.excepthook = lambda kind, error, trace: _print_places(error)
    threading.excepthook = lambda end: _print_places(end.exc_value)
    sys.unraisablehook = lambda end: _print_places(end.exc_value)


def _make_plain(record: logging.LogRecord) -> None:
    """Escape what a terminal that shows the log would obey: the words may be a stranger's.

    A line end stays in the program's own words, and is escaped in a value.
    """
    if isinstance(record.args, tuple):
        record.args = tuple(shown_text(a) if isinstance(a, str) else a for a in record.args)
    if isinstance(record.msg, str):
        record.msg = shown_text(record.msg, allowed="\n\t")


def error_places(error: BaseException) -> str:
    """Return the kind of an error and of those before it, each with the lines that it passed."""
    return "\n".join(starmap(_described, _chain(error)))


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield the error, then what caused it or was handled meanwhile, as a traceback does."""
    link, seen = "", set[int]()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield link, cause
        if cause.__cause__ is not None:
            link, cause = "caused by ", cause.__cause__
        else:
            hidden = cause.__suppress_context__
            link, cause = "while handling ", None if hidden else cause.__context__


def _described(link: str, error: BaseException) -> str:
    kind, number = type(error), getattr(error, "errno", None)
    code = f" {error.code}" if isinstance(error, KakushinError) else ""
    code += f" errno {number}" if isinstance(number, int) else ""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = [f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return f"{link}{kind.__module__}.{kind.__qualname__}{code}{''.join(places)}"


def _print_places(error: BaseException | None) -> None:
    if error is not None and sys.stderr is not None:
        print(error_places(error), file=sys.stderr)
