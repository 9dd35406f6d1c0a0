"""The demo, end to end, on two real lines: fetch, split, train, distill, score four models.

The mails are the line that comes close to a yes; of the work orders, half are of locations that no
model was trained on, so they are the line that is a no. Every step is resumable. All measurements
are on real data; nothing is synthetic.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.cases import mail_splits, workorders
from core.cases.fetch import fetch_minilm, fetch_workorders
from core.cases.mail_splits import split_mails
from core.cases.mails import fetch_mails, read_mails
from core.cases.read import Cases, read_cases
from core.cases.workorders import TRAINING_SPLITS, Splits, split_workorders, write_splits
from core.errors import FetchError
from core.messages import error_text, reader_language, sentence
from core.models.base.settings import AdapterSettings, DistillSettings, PointSettings
from core.pipeline.poc import open_line_at
from core.pipeline.score import score_models
from core.pipeline.train import (
    TrainSettings,
    distill_student,
    train,
    train_linear,
    training_cases,
)
from core.settings import Settings
from core.store.lines import DEFAULT_ASSUMPTIONS, LineAssumptions, LineSettings
from core.store.store import Store

HELD_OUT_SPLITS = ("calibration", "stream")


@dataclass(frozen=True)
class DemoLine:
    """A line of the demo: its name, its cases, how it is trained, and its assumptions.

    splits: fetches into the cache's folder and returns the cases. The work orders are of an
    Australian mine, so their assumed costs in English are Australian dollars.
    """

    settings: LineSettings
    splits: Callable[[Path], Splits]
    adapter: AdapterSettings = AdapterSettings()
    distill: DistillSettings = DistillSettings()

    @property
    def name(self) -> str:
        """Return the dataset's name."""
        return self.settings.line


def _work_orders(cache: Path) -> Splits:
    return split_workorders(fetch_workorders(cache))


def _mails(cache: Path) -> Splits:
    return split_mails(read_mails(fetch_mails(cache), mail_splits.TEXT_WORDS))


_AUSTRALIAN = {"en": LineAssumptions(400, 5, 300, 0.5, "AUD"), "ja": DEFAULT_ASSUMPTIONS["ja"]}
# One adapted block: a mail has three times a work order's tokens, and the demo has few minutes.
_LIGHT = AdapterSettings(layers=1, targets="feed_forward")
# The first line is the one that pages open.
DEMO_LINES = (
    DemoLine(
        LineSettings(mail_splits.MAILS_LINE),
        _mails,
        _LIGHT,
        DistillSettings(adapter=_LIGHT),
    ),
    DemoLine(LineSettings(workorders.ORDERS_LINE, _AUSTRALIAN), _work_orders),
)


@dataclass
class _Steps:
    total: int
    done: int = 0

    @contextmanager
    def step(self, key: str, **values: str) -> Iterator[None]:
        """Print the step `key`, and after it the seconds that it took."""
        self.done += 1
        language = reader_language()
        count = {"step": self.done, "steps": self.total, "what": sentence(language, key, **values)}
        print(sentence(language, "pipeline.demo_step", **count), flush=True)
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        print(sentence(language, "pipeline.demo_seconds", seconds=seconds), flush=True)


def build_demo(settings: Settings) -> None:
    """Make the demo's data, models and scored runs in the workspace; skip what already exists.

    A line whose data cannot be fetched is left out, and the reason is printed; the next call makes
    it. Raises FetchError if none can be made, or without the pre-trained encoder.
    """
    store = Store(settings.store)
    steps = _Steps(total=1 + 3 * len(DEMO_LINES))
    with steps.step("pipeline.demo_fetch"):
        base = fetch_minilm(settings.cache)
        ready, failed = [], []
        for line in DEMO_LINES:
            try:
                ready.append((line, *split_cases(settings, line)))
            except FetchError as e:
                failed.append((line.name, e))
    if not ready:
        raise failed[0][1]
    steps.total = 1 + 3 * len(ready)
    for line, cases, record in ready:
        _build_line(store, settings, line, cases, record, base, steps)
    for name, error in failed:
        language = reader_language()
        values = {"line": name, "reason": error_text(error, language)}
        print(sentence(language, "pipeline.demo_line_failed", **values), file=sys.stderr)


def _build_line(
    store: Store,
    settings: Settings,
    line: DemoLine,
    cases: dict[str, Cases],
    record: dict,
    base: Path,
    steps: _Steps,
) -> None:
    name = line.name
    with steps.step("pipeline.demo_train", line=name):
        train_settings = TrainSettings(point=PointSettings(base=str(base), adapter=line.adapter))
        # Teachers hold out their own anchor, so the anchor split teaches like the fit split.
        frames = [cases[role].frame for role in TRAINING_SPLITS if role in cases]
        labelled = training_cases(pd.concat(frames, ignore_index=True))
        point, _ = train(store, settings, name, labelled, train_settings, record)
        train_linear(store, settings, name, labelled, train_settings.point, record, point)
    with steps.step("pipeline.demo_distill", line=name):
        distill_student(store, settings, name, line.distill)
    with steps.step("pipeline.demo_score", line=name):
        scored = {
            role: score_models(
                store, settings, name, cases[role].frame, cases[role].content_hash, role
            )
            for role in HELD_OUT_SPLITS
        }
    calibration, judged = (scored[role]["student"] for role in HELD_OUT_SPLITS)
    open_line_at(store, line.settings, calibration, judged, "demo")


def split_cases(settings: Settings, line: DemoLine) -> tuple[dict[str, Cases], dict]:
    """Return a line's splits, and the record of how its cases were split.

    The splits are written as files of cases and read back like a user's file. Raises FetchError.
    """
    folder = settings.data / line.name
    splits = line.splits(settings.cache)
    write_splits(splits, folder)
    cases = {name: read_cases(folder / f"{name}.csv") for name in splits.frames}
    # The fetched files are pinned by hash, so an unclean row here is a fault of the splitting.
    for role_cases in cases.values():
        role_cases.require_clean()
    return cases, splits.record
