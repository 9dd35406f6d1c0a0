"""Progress that people and programs can read: tqdm's bar, or a small JSON file with the state of
the work.

Where KAKUSHIN_PROGRESS names a file, as it does for background jobs, the bars draw nothing and
write it instead: {"what", "done", "total", "unit", "rate", "seconds_left"}. `rate` is units a
second; total, rate and seconds_left are null where they are not known. One file shows the bar that
moved last, as a terminal does. Knows no work and no screen.
"""

import json
import os
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.files import write_atomic

PROGRESS_VARIABLE = "KAKUSHIN_PROGRESS"
_EVERY_S = 0.5  # least time between two writes of the file; a terminal is drawn ten times a second


class ProgressBar(tqdm):
    """tqdm that writes a file where one is named. A disabled bar writes nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._path = os.environ.get(PROGRESS_VARIABLE)
        if self._path:
            kwargs |= {"mininterval": _EVERY_S, "file": _Nowhere()}
        super().__init__(*args, **kwargs)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Draw the bar, or write the file."""
        if self._path:
            write_json(Path(self._path), how_far(self.format_dict))
        else:
            super().display(msg, pos)


def how_far(bar: dict[str, Any]) -> dict[str, Any]:
    """tqdm's format_dict -> the file's content. Until tqdm has a smoothed rate, the rate is the
    mean since the beginning.
    """
    rate = bar["rate"]
    if not rate and bar["elapsed"] > 0:
        rate = (bar["n"] - bar["initial"]) / bar["elapsed"]
    rate = rate or None
    left = None
    if rate is not None and bar["total"] is not None:
        left = max(0.0, (bar["total"] - bar["n"]) / rate)
    return {
        "what": bar["prefix"],
        "done": bar["n"],
        "total": bar["total"],
        "unit": bar["unit"].strip(),
        "rate": rate,
        "seconds_left": left,
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a file as a whole: a reader sees the old content or the new one, never half of it."""
    # not durable: waiting for the disk at every step of a bar would slow the work that it shows
    write_atomic(path, json.dumps(content, ensure_ascii=False), durable=False)


class _Nowhere:
    """Where tqdm may write the end of its line."""

    def write(self, text: str) -> None:
        pass

    def flush(self) -> None:
        pass
