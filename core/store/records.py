"""Runs as rows of the store and back: times are UTC without a zone, settings and metrics are JSON.

Knows no DuckDB.
"""

import hashlib
import json
import math
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import PurePath

from core.errors import NonFiniteError, SettingsError
from core.types import Run, RunRecord

RUN_COLUMNS = tuple(field.name for field in fields(Run))
# The fields in which a repeated run must agree. Time, seed, settings and versions may differ when
# it starts again after a kill.
IDENTITY = (
    "kind",
    "model",
    "model_kind",
    "model_hash",
    "dataset",
    "role",
    "inputs_hash",
    "labels",
    "samples",
)
_JSON = ("settings", "versions")


def utc_now() -> datetime:
    """Return the present time in UTC without a zone, the store's form."""
    return datetime.now(UTC).replace(tzinfo=None)


def run_row(run: Run) -> list:
    """Return the values in the order of RUN_COLUMNS."""
    row = {name: getattr(run, name) for name in RUN_COLUMNS}
    row |= {
        "created_at": run.created_at.astimezone(UTC).replace(tzinfo=None),
        "labels": list(run.labels),
    }
    row |= {name: json_of(row[name], name, run.run_id) for name in _JSON}
    return list(row.values())


def read_run(row: tuple) -> Run:
    """Return the run of a row made by `run_row`."""
    values = dict(zip(RUN_COLUMNS, row, strict=True))
    values |= {
        "created_at": values["created_at"].replace(tzinfo=UTC),
        "labels": tuple(values["labels"]),
    }
    values |= {name: json.loads(values[name]) for name in _JSON}
    return Run(**values)


def read_run_record(row: tuple) -> RunRecord:
    """Return the record of a row.

    The row has RUN_COLUMNS, then state, duration_s, metrics (None while running), cases, first_at
    and last_at.
    """
    state, duration_s, metrics, cases, first_at, last_at = row[len(RUN_COLUMNS) :]
    run = read_run(row[: len(RUN_COLUMNS)])
    return RunRecord(
        run,
        state or "running",
        duration_s,
        json.loads(metrics) if metrics else {},
        cases,
        first_at,
        last_at,
    )


def text_hash(text: str) -> str:
    """Return the sha256 of a text in UTF-8, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_of(value: dict, part: str, source: str) -> str:
    """Return strict JSON: without NaN, and without values that would lose their type.

    part, source: name the value in errors, such as the "metrics" of a run. Raises NonFiniteError
    for NaN or infinity, SettingsError for another type.
    """
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except ValueError as e:
        raise NonFiniteError(
            "store.json_number", part=part, of=source, number=_first_bad(value)
        ) from e
    except TypeError as e:
        raise SettingsError("store.json_type", part=part, of=source, reason=str(e)) from e


def _plain(value: object) -> object:
    """Return a numpy scalar as Python's own, a date or a path as text. Raises TypeError."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, date | PurePath):
        return str(value)
    raise TypeError(f"{value!r} is of type {type(value).__name__}")


def _first_bad(value: dict) -> str:
    bad = [
        f"{key!r} = {x}"
        for key, x in value.items()
        if isinstance(x, float) and not math.isfinite(x)
    ]
    return bad[0] if bad else "inside a nested value"
