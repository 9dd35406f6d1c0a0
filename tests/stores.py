"""Stores to test with, made through the public way: parts are written, taken in and counted as a
scoring does.

The cases are made up; only their shape is that of the demo (core.pipeline.demo): 12 classes, 5
segments, three years, about half of the labels never trained on. Not for figures that anybody
shows. Knows nothing of models or screens.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from core.stats.uncertainty import decompose_uncertainty
from core.store import counts, lake, records
from core.store.engine import StoreEngine
from core.store.ledger import Ledger
from core.store.parts import part_path, write_part
from core.store.samples import Samples
from core.store.store import Store
from core.types import MODEL_KINDS, Run

LABELS = (
    *("air conditioning", "boom", "brakes", "bucket", "cab", "electrical"),
    *("engine", "fire suppression", "hydraulics", "lubrication", "slew", "tracks"),
)
UNTRAINED = ("camera", "radio", "ladder")  # labels that no model has seen
SEGMENTS = ("A", "B", "C", "D", "E")
SAMPLES = 10
SAMPLED = 200  # cases of a teacher's run whose samples are kept
PART_SIZE = 1000
SIZES = {"empty": {}, "tiny": {"stream": 3}, "full": {"calibration": 600, "stream": 1700}}
SECONDS_PER_CASE = {"point": 0.0014, "teacher": 0.0093, "student": 0.0013}
PERIOD = {"calibration": ("2008-01-01", "2009-01-01"), "stream": ("2009-01-01", "2012-01-01")}
_BEGUN = datetime(2026, 1, 5, 9, tzinfo=UTC)


def make_store(folder: Path, size: str, seed: int = 0) -> Store:
    """Make a store: "empty" (no run), "tiny" (3 cases of a stream, by the student) or "full" (all
    runs of a demo).
    """
    store, order = Store(folder), 0
    kinds = tuple(SECONDS_PER_CASE) if size == "full" else ("student",)
    with store.atomic():
        if size == "full":
            for kind, model_kind in (("train", "teacher"), ("distil", "student")):
                _end(
                    store,
                    make_run(kind, model_kind, "train", order := order + 1),
                    31.5,
                    {"fit_cases": 1300},
                )
        for role, cases in SIZES[size].items():
            made, logits = _cases(role, cases, seed)
            for model_kind in kinds:
                run = make_run("score", model_kind, role, order := order + 1)
                add_scored(store, run, made.join(_scored(logits, made["label"], model_kind, seed)))
                if model_kind == "teacher":
                    add_samples(store, run, made["case_id"], _sampled(logits, model_kind, seed))
    return store


def add_samples(store: Store, run: Run, case_ids: pd.Series, samples: np.ndarray) -> None:
    """Keep what each sample says, [N, n, K], of the cases of the run's first part: SAMPLED of
    them.
    """
    Samples(store).add(run.run_id, 0, case_ids[:SAMPLED], samples[:, :SAMPLED])


def make_run(
    kind: str, model_kind: str, role: str, order: int = 0, name: str = "work-orders", **changed
) -> Run:
    """A run of the demo's shape; `order` is its place in time. `changed` replaces any field."""
    fields = {
        "run_id": f"{kind}-{name}-{model_kind}-{role}",
        "kind": kind,
        "created_at": _BEGUN + timedelta(minutes=order),
        "model": f"{name}-{model_kind}",
        "model_kind": model_kind,
        "model_hash": f"{MODEL_KINDS.index(model_kind):x}" * 64,
        "dataset": name,
        "role": role,
        "inputs_hash": {"train": "a", "calibration": "b", "stream": "c"}[role] * 64,
        "labels": LABELS,
        "samples": SAMPLES if model_kind == "teacher" else 1,
        "settings": {"part_size": PART_SIZE},
        "versions": {"numpy": np.__version__},
    }
    return Run(**(fields | changed))


def add_scored(store: Store, run: Run, rows: pd.DataFrame, part_size: int = PART_SIZE) -> None:
    """Write a finished scoring of these rows (columns of PART_SCHEMA) into the store, part by
    part.
    """
    store.add_run(run)
    for part, start in enumerate(range(0, len(rows), part_size)):
        store.ingest_part(
            run.run_id,
            part,
            write_part(store.folder, run.run_id, part, rows.iloc[start : start + part_size]),
        )
    seconds = SECONDS_PER_CASE.get(run.model_kind, 0.0013)
    metrics = {
        "seconds_per_case": seconds,
        "timed_cases": len(rows),
        "device": "cpu",
        "batch": 32,
        "cases": len(rows),
    }
    store.end_run(run.run_id, "finished", seconds * len(rows) + 1.0, metrics)


def make_rows(
    n: int, seed: int = 0, role: str = "stream", model_kind: str = "student", first: int = 0
) -> pd.DataFrame:
    """`n` rows of a part, made up; `first` is the number of the first case."""
    made, logits = _cases(role, n, seed, first)
    return made.join(_scored(logits, made["label"], model_kind, seed))


def with_confidence(rows: pd.DataFrame, confidence: np.ndarray) -> pd.DataFrame:
    """Return the rows with these confidences [n], at least 1 / K, and probabilities to match."""
    k = len(LABELS)
    c = np.maximum(np.asarray(confidence, dtype=np.float64), 1 / k)
    p = np.repeat(((1 - c) / (k - 1))[:, None], k, axis=1)
    p[np.arange(len(rows)), [LABELS.index(name) for name in rows["predicted"]]] = c
    return rows.assign(confidence=c, probabilities=list(p.astype(np.float32)))


def _end(store: Store, run: Run, duration_s: float, metrics: dict) -> None:
    store.add_run(run)
    store.end_run(run.run_id, "finished", duration_s, metrics)


def _cases(role: str, n: int, seed: int, first: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Cases, and the logits [n, K] of their true class probabilities: labels are drawn from
    those.
    """
    random = np.random.default_rng([seed, len(role), first])
    unseen = random.random(n) < 0.5
    logits = random.normal(0, np.where(unseen, 1.6, 2.4)[:, None], (n, len(LABELS)))
    drawn = (_softmax(logits).cumsum(1) < random.random((n, 1))).sum(1).clip(max=len(LABELS) - 1)
    label = np.where(unseen, random.choice(UNTRAINED, n), np.array(LABELS)[drawn])
    begin, end = (pd.Timestamp(day) for day in PERIOD[role])
    days = np.sort(random.integers(0, (end - begin).days, n))
    table = pd.DataFrame(
        {
            "case_id": [f"{role}-{first + i:07d}" for i in range(n)],
            "row": np.arange(first, first + n) + 2,  # the file's first row holds the names
            "segment": random.choice(SEGMENTS, n, p=(0.1, 0.15, 0.2, 0.3, 0.25)),
            "text": [f"repair {name}" for name in label],
            "label": label,
            "occurred_at": begin + pd.to_timedelta(days, unit="D"),
            "value": random.lognormal(7, 1, n).round(2),
        }
    )
    return table, logits


def _scored(logits: np.ndarray, label: pd.Series, model_kind: str, seed: int) -> pd.DataFrame:
    """What a model says of cases with these true logits [n, K]."""
    found = decompose_uncertainty(_sampled(logits, model_kind, seed))
    best = found.mean.argmax(1)
    predicted = np.array(LABELS)[best]
    right = np.where(label.to_numpy() == predicted, "right", "wrong")
    return pd.DataFrame(
        {
            "predicted": predicted,
            "outcome": np.where(label.isin(LABELS), right, "unseen"),
            "confidence": found.mean[np.arange(len(best)), best],
            "total": found.total,
            "aleatoric": found.aleatoric,
            "epistemic": found.epistemic,
            "probabilities": list(found.mean.astype(np.float32)),
        }
    )


def _sampled(logits: np.ndarray, model_kind: str, seed: int) -> np.ndarray:
    """What each of a model's samples says, [N, n, K]: the point estimate is too sure of itself."""
    random = np.random.default_rng([seed, MODEL_KINDS.index(model_kind)])
    passes = 1 if model_kind == "point" else SAMPLES
    sharp = 1.35 if model_kind == "point" else 1.15
    return _softmax(sharp * logits + random.normal(0, 0.5, (passes, *logits.shape)))


def _softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def add_run(home, found: list[tuple], state: str = "finished", **settings) -> Store:
    """Write one student's run of (segment, outcome, confidence) into a new store in `home`."""
    store = Store(home / "store")
    run = Run(
        run_id="one",
        kind="score",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        model="m",
        model_kind="student",
        model_hash="a" * 64,
        dataset="d",
        role="stream",
        inputs_hash="b" * 64,
        labels=("x", "y", *(f"z{i}" for i in range(98))),
        settings=settings,
    )
    store.add_run(run)
    rows = [
        {
            "case_id": f"c{i}",
            "row": i,
            "segment": segment,
            "text": "t",
            "predicted": "x",
            "label": {"right": "x", "wrong": "y", "unseen": "new", "unlabelled": None}[outcome],
            "outcome": outcome,
            "confidence": confidence,
        }
        for i, (segment, outcome, confidence) in enumerate(found)
    ]
    table = pd.DataFrame(rows).assign(
        total=0.5,
        aleatoric=0.4,
        epistemic=0.1,
        occurred_at=pd.Timestamp("2026-01-01"),
        value=1.0,
    )
    # A hundred labels, so that a low confidence is still the largest probability.
    table["probabilities"] = [[c, *[(1 - c) / 99] * 99] for c in table["confidence"]]
    store.ingest_part("one", 0, write_part(store.folder, "one", 0, table))
    if state != "running":
        store.end_run("one", state, 1.0, {"seconds_per_case": 0.36, "device": "cpu"})
    return store


def activate(store: Store, content: dict, name: str = "line-1") -> None:
    """Make a policy the active one: proposed, approved, activated."""
    ledger = Ledger(store)
    version = ledger.add_policy(name, content, "Sato", "a test").version
    for event in ("approve", "activate"):
        ledger.add_policy_event(name, version, event, "Sato", "a test")


def open_claims(store: Store, run_id: str, moment: datetime | None = None) -> pd.DataFrame:
    """The claims in force: case_id, reviewer, claimed_at, until (UTC), the first one first."""
    moment = records.utc_now() if moment is None else moment.replace(tzinfo=None)
    query = (
        "SELECT case_id, reviewer, claimed_at, until FROM claims"
        " WHERE run_id = ? AND released IS NULL AND until > ? ORDER BY position"
    )
    with store.reading() as connection:
        return connection.execute(query, [run_id, moment]).df()


def recount(store: Store, run_id: str) -> None:
    """Count all predictions of a run again from nothing: what the store's sums must equal."""
    with store.atomic() as connection:
        connection.execute("DELETE FROM counted_parts WHERE run_id = ?", [run_id])
        counts._clear(connection, run_id)
        for part in lake.parts_of(connection, run_id):
            path = part_path(store.folder, run_id, part).resolve()
            counts.count_file(connection, run_id, part, str(path))
        counts._count(connection, run_id)


def die_before_checkpoint(write: Callable[[], object]) -> None:
    """Run `write` in a child that dies after its commit: what it stored is in the log alone."""
    pid = os.fork()
    if pid == 0:
        StoreEngine.detach = lambda engine, connection: os._exit(0)
        try:
            write()
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
