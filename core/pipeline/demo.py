"""The demo, end to end, on real work orders: fetch, split, train, distill, score three models.

Every step is resumable. All measurements are on real data; nothing is synthetic.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd

from core.cases.fetch import fetch_minilm, fetch_workorders
from core.cases.read import Cases, read_cases
from core.cases.workorders import split_workorders, write_splits
from core.models.base.settings import DistillSettings, PointSettings
from core.pipeline.score import score
from core.pipeline.train import (
    TrainSettings,
    distill_student,
    train,
    train_linear,
    training_cases,
)
from core.settings import Settings
from core.store.store import Store
from core.types import MODEL_KINDS

NAME = "work-orders"
SPLITS = ("fit", "anchor", "calibration", "stream")


@dataclass
class _Steps:
    total: int
    done: int = 0

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        self.done += 1
        print(f"[{self.done}/{self.total}] {what}", flush=True)
        started = time.perf_counter()
        yield
        print(f"      {time.perf_counter() - started:.1f} s", flush=True)


def build_demo(settings: Settings) -> None:
    """Make the demo's data, models and scored runs in the workspace; skip what already exists."""
    store = Store(settings.store)
    steps = _Steps(total=5)
    with steps.step("real work orders and the pre-trained encoder"):
        csv = fetch_workorders(settings.cache)
        base = fetch_minilm(settings.cache)
        cases, record = split_cases(settings, csv)
    with steps.step("a Bayesian teacher: choose on held-out orders, then learn from every order"):
        train_settings = TrainSettings(point=PointSettings(base=str(base)))
        # Teachers hold out their own anchor, so the anchor split teaches like the fit split.
        labelled = pd.concat([cases["fit"].frame, cases["anchor"].frame], ignore_index=True)
        train(store, settings, NAME, training_cases(labelled), train_settings, record)
        train_linear(store, settings, NAME, training_cases(labelled), train_settings.point, record)
    with steps.step("a student: distill the teacher's predictive distribution and spread"):
        distill_student(store, settings, NAME, DistillSettings())
    for number, role in ((4, "calibration"), (5, "stream")):
        assert steps.done == number - 1
        with steps.step(f"one-pass and N-pass scores of the {role} orders into the store"):
            for kind in MODEL_KINDS:
                role_cases = cases[role]
                score(
                    store,
                    settings,
                    f"{NAME}-{kind}",
                    role_cases.frame,
                    role_cases.content_hash,
                    NAME,
                    role,
                )


def split_cases(settings: Settings, csv) -> tuple[dict[str, Cases], dict]:
    """Return the demo's splits, and the record of how the orders were split.

    The splits are written as files of cases and read back like a user's file.
    """
    folder = settings.data / NAME
    splits = split_workorders(csv)
    write_splits(splits, folder)
    cases = {name: read_cases(folder / f"{name}.csv") for name in SPLITS}
    # The fetched files are pinned by hash, so an unclean row here is a fault of the splitting.
    for role_cases in cases.values():
        role_cases.require_clean()
    return cases, splits.record
