"""Progress for people and programs: tqdm's bar, or a small JSON file with the state of the work.

If KAKUSHIN_PROGRESS names a file, as it does for background jobs, the bars draw nothing and write
that file: {"what", "done", "total", "unit", "rate", "seconds_left"}. `rate` is units per second;
total, rate and seconds_left are null while they are unknown. The file shows the bar that moved
last, as a terminal does. Knows no work and no screen.
"""

import json
import os
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.files import write_atomic

PROGRESS_VARIABLE = "KAKUSHIN_PROGRESS"
_EVERY_S = 0.5  # between two writes: a file costs more than a line of a terminal (tqdm's 0.1 s)


def is_job() -> bool:
    """Return whether this process is a background job: its output is a log."""
    return PROGRESS_VARIABLE in os.environ


def process_place() -> tuple[int, int]:
    """Return this process's number and how many torchrun or `accelerate launch` started.

    A process alone is number 0 of 1.
    """
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def is_main_process() -> bool:
    """Return whether this is the process that writes; torchrun's other processes only compute."""
    return process_place()[0] == 0


class ProgressBar(tqdm):
    """A tqdm that writes the file that KAKUSHIN_PROGRESS names; a disabled bar writes nothing.

    Only the main process has bars.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Before super().__init__, which draws the first bar by calling display.
        self._path = os.environ.get(PROGRESS_VARIABLE)
        if self._path:
            kwargs |= {"mininterval": _EVERY_S, "file": _Nowhere()}
        super().__init__(*args, **kwargs | ({} if is_main_process() else {"disable": True}))

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Draw the bar, or write the file."""
        if self._path:
            write_json(Path(self._path), how_far(self.format_dict))
        else:
            super().display(msg, pos)


def how_far(bar: dict[str, Any]) -> dict[str, Any]:
    """Return the file's content from tqdm's format_dict.

    Until tqdm has a smoothed rate, the rate is the mean since the beginning.
    """
    rate = bar["rate"]
    # `initial` counts what an earlier call did: a resumed job did not do it in this time.
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
    """Write a JSON file atomically: a reader sees the old content or the new, never half of it."""
    # Not durable: waiting for the disk at every step of a bar would slow the work that it shows.
    write_atomic(path, json.dumps(content, ensure_ascii=False), durable=False)


class _Nowhere:
    """A sink for the line ends that tqdm writes outside of display."""

    def write(self, text: str) -> None:
        pass

    def flush(self) -> None:
        pass
