"""The demo, end to end, on two real lines: fetch, split, train, distill, score four models.

The mails are the line that comes close to a yes; of the work orders, half are of locations that no
model was trained on, so they are the line that is a no. Every step is resumable. All measurements
are on real data; nothing is synthetic.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.util import Finalize
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
from core.progress import PROGRESS_VARIABLE
from core.settings import Settings
from core.store.lines import (
    DEFAULT_ASSUMPTIONS,
    LineAssumptions,
    LineSettings,
    read_lines,
    save_line,
)
from core.store.store import Store

HELD_OUT_SPLITS = ("calibration", "stream")
STEPS_OF_A_LINE = 3
INTERRUPTED = 130  # the exit code of a process that Ctrl-C ends
_CLEAR = "\x1b[K"  # a terminal's code: the rest of the line is empty


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
    """Prints steps with their numbers. done: number of the last step of all lines' `total`."""

    total: int
    done: int = 0

    @contextmanager
    def step(self, key: str, line: str = "") -> Iterator[None]:
        """Print the step `key` of a line, and after it the seconds that it took."""
        self.done += 1
        language = reader_language()
        what = sentence(language, key, line=line)
        count = {"step": self.done, "steps": self.total}
        _print_line(sentence(language, "pipeline.demo_step", what=what, **count))
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        _print_line(sentence(language, "pipeline.demo_seconds", seconds=seconds, **count))


def _print_line(text: str) -> None:
    # On a terminal, the line of the progress is there: the text takes its place.
    print(f"\r{_CLEAR}{text}" if sys.stdout.isatty() else text, flush=True)


@dataclass(frozen=True)
class _LineJob:
    """The inputs of a line's build, picklable."""

    settings: Settings
    line: DemoLine
    cases: dict[str, Cases]
    record: dict
    base: Path
    steps: _Steps


def build_demo(settings: Settings) -> None:
    """Make the demo's data, models and scored runs in the workspace; skip what already exists.

    The lines are built at the same time, each in a process of its own. A line whose data cannot be
    fetched is left out, and the reason is printed; the next call makes it. Raises FetchError if none
    can be made, or without the pre-trained encoder.
    """
    steps = _Steps(total=1 + STEPS_OF_A_LINE * len(DEMO_LINES))
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
    _save_in_order(Store(settings.store), [line.settings for line, _, _ in ready])
    total = 1 + STEPS_OF_A_LINE * len(ready)
    jobs = [
        _LineJob(settings, *parts, base, _Steps(total, 1 + STEPS_OF_A_LINE * i))
        for i, parts in enumerate(ready)
    ]
    if len(jobs) > 1 and (os.cpu_count() or 1) > 1:
        _build_together(jobs)
    else:
        for job in jobs:
            _build_line(job)
    for name, error in failed:
        language = reader_language()
        values = {"line": name, "reason": error_text(error, language)}
        print(sentence(language, "pipeline.demo_line_failed", **values), file=sys.stderr)


def _save_in_order(store: Store, lines: list[LineSettings]) -> None:
    """Save the settings of lines that have none: pages open the first line that was saved, which
    must not be the one whose build ends first.
    """
    known = read_lines(store)
    for line in lines:
        if line.line not in known:
            save_line(store, line, "demo")


def _build_together(jobs: list[_LineJob]) -> None:
    """Build the lines at the same time, each in a process of its own; show how far they are.

    Products of a small model lose more to threads than they gain, so two processes of one thread
    are faster than one process of two. Raises what a line raises, once the others have ended.
    """
    threads = str(max(1, (os.cpu_count() or 1) // len(jobs)))
    with (
        tempfile.TemporaryDirectory() as folder,
        _environment("OMP_NUM_THREADS", threads),  # read when a process starts
        ProcessPoolExecutor(len(jobs), get_context("spawn")) as processes,
    ):
        bars = {job.line.name: Path(folder) / f"{i}.json" for i, job in enumerate(jobs)}
        builds = [processes.submit(_build_apart, job, bars[job.line.name]) for job in jobs]
        while wait(builds, timeout=1).not_done:
            _draw_progress(bars)
        for build in builds:
            build.result()


def _build_apart(job: _LineJob, bar: Path) -> None:
    """Build a line in a process of its own; `bar` is the file of its progress."""
    os.environ[PROGRESS_VARIABLE] = str(bar)
    # Libraries' warnings address developers; the command line hid them in its own process alone.
    warnings.filterwarnings("ignore", module=r"(transformers|torch|peft|accelerate)\b")
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    end_without_teardown()
    try:
        _build_line(job)
    except KeyboardInterrupt:  # the main process says it
        os._exit(INTERRUPTED)
    finally:
        bar.unlink(missing_ok=True)


def end_without_teardown() -> None:
    """Let this process of a pool end after its last result, without the interpreter's teardown.

    In it, DuckDB's binding prints a list of what libraries still refer to, 90 lines to a reader.
    """

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    Finalize(None, end, exitpriority=-1)  # after the pool's own


def _end_with(parent: int) -> None:
    """End this process when its parent has ended: two builds of a line would mix their files."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(INTERRUPTED)


def _draw_progress(bars: dict[str, Path]) -> None:
    """Draw the progress of the lines as one line of a terminal, which the next one replaces."""
    if not sys.stderr.isatty():
        return
    parts = []
    for name, path in bars.items():
        with suppress(OSError, ValueError):  # not there yet, or no longer
            bar = json.loads(path.read_text(encoding="utf-8"))
            parts.append(f"{name}: {bar['what']} {bar['done']}/{bar['total']}")
    line = "   ".join(parts)[: shutil.get_terminal_size().columns - 1]
    print(f"\r{_CLEAR}{line}", end="\r", file=sys.stderr, flush=True)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set a variable of the environment within the block, unless the user has set it."""
    was = os.environ.get(name)
    os.environ.setdefault(name, value)
    try:
        yield
    finally:
        if was is None:
            del os.environ[name]


def _build_line(job: _LineJob) -> None:
    store, settings, line, cases = Store(job.settings.store), job.settings, job.line, job.cases
    name = line.name
    with job.steps.step("pipeline.demo_train", name):
        train_settings = TrainSettings(
            point=PointSettings(base=str(job.base), adapter=line.adapter)
        )
        # Teachers hold out their own anchor, so the anchor split teaches like the fit split.
        frames = [cases[role].frame for role in TRAINING_SPLITS if role in cases]
        labelled = training_cases(pd.concat(frames, ignore_index=True))
        point, _ = train(store, settings, name, labelled, train_settings, job.record)
        train_linear(store, settings, name, labelled, train_settings.point, job.record, point)
    with job.steps.step("pipeline.demo_distill", name):
        distill_student(store, settings, name, line.distill)
    with job.steps.step("pipeline.demo_score", name):
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
