"""Runs as the store keeps them: names, hashes, and the recording of begin and end around the work.

Knows the store and a model's card, not the models.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import pandas as pd

from core.models.base.card import ModelCard
from core.progress import is_main_process
from core.store.store import Store
from core.types import Run

RUN_LIBRARIES = ("torch", "transformers", "peft", "duckdb", "pandas", "numpy")


def content_hash(*content) -> str:
    """Return the sha256 of JSON-able values, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def frame_hash(frame: pd.DataFrame) -> str:
    """Return the sha256 of a frame's columns text and label, row by row."""
    return content_hash(
        frame[["text", "label"]]
        .astype(object)
        .where(frame[["text", "label"]].notna(), None)
        .values.tolist()
    )


def new_run(**fields) -> Run:
    """Return a run that begins now, with the versions of the libraries that affect its figures."""
    return Run(
        created_at=datetime.now(UTC),
        versions={name: version(name) for name in RUN_LIBRARIES},
        **fields,
    )


def model_run(prefix: str, card: ModelCard, key: str, **fields) -> Run:
    """Return a scoring run of a model: the same prefix, card and key give the same run_id.

    prefix: begins the run_id. card: the model's. key: hash of what the run depends on. fields:
    dataset, role, inputs_hash and settings.
    """
    return new_run(
        run_id=f"{prefix}-{card.name[:40].rstrip('.-_')}-{key[:12]}",
        kind="score",
        model=card.name,
        model_kind=card.kind,
        model_hash=card.hash,
        labels=card.labels,
        samples=card.samples,
        seed=card.seed,
        **fields,
    )


def training_run(prefix: str, name: str, model_kind: str, key: str, **fields) -> Run:
    """Return the run that makes the model NAME-KIND: the same prefix and key give the same run_id.

    prefix: begins the run_id. name, model_kind: NAME, which is also the dataset's, and KIND. key:
    hash of what the model depends on. fields: kind, inputs_hash, labels, seed and settings.
    """
    return new_run(
        run_id=f"{prefix}-{key[:10]}",
        model=f"{name}-{model_kind}",
        model_kind=model_kind,
        model_hash=key,
        dataset=name,
        role="train",
        **fields,
    )


@contextmanager
def recorded(store: Store, run: Run) -> Iterator[dict]:
    """Record the run, the time of the block's work, and its end; the block fills in the metrics.

    An interrupted run stays "running"; repeating the call resumes it. A failed one is marked
    failed.
    """
    metrics: dict = {}
    if not is_main_process():
        yield metrics
        return
    store.add_run(run)
    started = time.perf_counter()
    try:
        yield metrics
    # Not BaseException: a KeyboardInterrupt leaves the run "running", which the same call resumes.
    except Exception as e:
        store.end_run(
            run.run_id,
            "failed",
            time.perf_counter() - started,
            {"error": f"{type(e).__name__}: {e}"},
        )
        raise
    store.end_run(run.run_id, "finished", time.perf_counter() - started, metrics)
