"""Runs as rows of the store and back: times are UTC without a zone, settings and metrics are JSON.
Knows no DuckDB.
"""

import json
import math
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import PurePath

from core.errors import NonFiniteError, SettingsError
from core.types import Run, RunRecord

COLUMNS = tuple(field.name for field in fields(Run))
# What makes a run another run. Time, seed, settings and versions may differ when it is begun again
# after a kill.
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
    """Return the time in UTC without a zone, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def run_row(run: Run) -> list:
    """Return the values in the order of COLUMNS."""
    row = {name: getattr(run, name) for name in COLUMNS}
    row |= {
        "created_at": run.created_at.astimezone(UTC).replace(tzinfo=None),
        "labels": list(run.labels),
    }
    row |= {name: json_of(row[name], name, run.run_id) for name in _JSON}
    return list(row.values())


def read_run(row: tuple) -> Run:
    """Return the run of a row that `run_row` made."""
    values = dict(zip(COLUMNS, row, strict=True))
    values |= {
        "created_at": values["created_at"].replace(tzinfo=UTC),
        "labels": tuple(values["labels"]),
    }
    values |= {name: json.loads(values[name]) for name in _JSON}
    return Run(**values)


def read_run_record(row: tuple) -> RunRecord:
    """Return the record of a row: COLUMNS, then state, duration_s, metrics (None while running),
    cases, first_at, last_at.
    """
    state, duration_s, metrics, cases, first_at, last_at = row[len(COLUMNS) :]
    run = read_run(row[: len(COLUMNS)])
    return RunRecord(
        run,
        state or "running",
        duration_s,
        json.loads(metrics) if metrics else {},
        cases,
        first_at,
        last_at,
    )


def json_of(value: dict, part: str, of: str) -> str:
    """Return JSON that every reader reads: no NaN, nothing that loses its type.

    part, of: what the value is, such as the "metrics" of a run, for the error. Raises
    NonFiniteError, SettingsError.
    """
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except ValueError as e:
        raise NonFiniteError("store.json_number", part=part, of=of, number=_first_bad(value)) from e
    except TypeError as e:
        raise SettingsError("store.json_type", part=part, of=of, reason=str(e)) from e


def _plain(value: object) -> object:
    """A numpy scalar as Python's; a date or a path as its text."""
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
