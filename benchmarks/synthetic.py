"""Made-up predictions in parts' files, a million rows in a second or two: for what depends on the
number of rows only.

The shape is the demo's: 12 classes, 5 segments, a tenth without label. Confidence leans to 1 as a
trained model's does; a tenth of the values lie exactly on a threshold, where counting goes wrong
first. The files are those of core.store.parts (its schema, row groups and order), written by
pyarrow without its checks and without fsync. Not for figures about models.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.store.parts import PART_SCHEMA, ROW_GROUP, part_path
from core.types import OUTCOMES, Run

CLASSES = tuple(f"class-{k:02d}" for k in range(12))
SEGMENTS = ("A", "B", "C", "D", "E")
TEXTS = tuple(f"made-up text {i}" for i in range(100))


def synthetic_run(run_id: str) -> Run:
    """A scoring run to take the parts into."""
    names = {
        "model": "synthetic",
        "model_kind": "student",
        "model_hash": "0" * 64,
        "inputs_hash": "1" * 64,
    }
    return Run(
        run_id,
        "score",
        datetime.now(UTC),
        dataset="synthetic",
        role="stream",
        labels=CLASSES,
        **names,
    )


def write_synthetic(folder: Path, run_id: str, part: int, n: int, first: int) -> Path:
    """Write `n` rows, numbered from `first`, where the store expects that part; `first` is also the
    seed.
    """
    path = part_path(folder, run_id, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(synthetic_part(n, first), path, row_group_size=ROW_GROUP)
    return path


def synthetic_part(n: int, first: int) -> pa.Table:
    """The rows, in PART_SCHEMA, the most confident first."""
    random = np.random.default_rng(first)
    k = len(CLASSES)
    confidence = 1 - random.beta(1, 5, n) * (1 - 1 / k)
    confidence[: n // 10] = np.round(confidence[: n // 10] * 1000) / 1000
    confidence = np.sort(confidence)[::-1]
    number, predicted = first + random.permutation(n), random.integers(0, k, n)
    right = np.where(random.random(n) < confidence, 0, random.integers(1, 3, n))
    total = -2 * np.log(confidence)
    epistemic = total * random.beta(1, 4, n)
    rest = ((1 - confidence) / (k - 1)).astype(np.float32)
    probabilities = np.repeat(rest[:, None], k, axis=1)
    probabilities[np.arange(n), predicted] = confidence
    columns = {
        "case_id": pc.binary_join_element_wise("case-", pa.array(number).cast(pa.string()), ""),
        "row": number + 2,
        "segment": _named(SEGMENTS, random.choice(len(SEGMENTS), n, p=(0.1, 0.15, 0.2, 0.3, 0.25))),
        "text": _named(TEXTS, random.integers(0, len(TEXTS), n)),
        "label": _named(CLASSES, predicted),
        "predicted": _named(CLASSES, predicted),
        "outcome": _named(OUTCOMES, np.where(random.random(n) < 0.1, 3, right)),
        "confidence": confidence,
        "total": total,
        "aleatoric": total - epistemic,
        "epistemic": epistemic,
        "probabilities": pa.ListArray.from_arrays(
            pa.array(np.arange(n + 1, dtype=np.int32) * k), probabilities.ravel()
        ),
        "occurred_at": np.datetime64("2025-01-01", "us") + number.astype("timedelta64[s]"),
        "value": random.lognormal(5, 1, n).round(2),
    }
    return pa.table(
        [
            pa.array(columns[f.name]).cast(f.type) if f.name in columns else pa.nulls(n, f.type)
            for f in PART_SCHEMA
        ],
        schema=PART_SCHEMA,
    )


def _named(names: tuple[str, ...], index: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(names)).cast(
        pa.string()
    )
