"""Ground types that every layer speaks: intervals, outcomes, runs, scored cases. Frozen; no logic
beyond checks.

This file imports nothing of ours but errors, and nothing heavy.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import SettingsError

# The outcome of a prediction, by the case's label.
#   right      the predicted label is the label
#   wrong      it is not, and the label is one that the model was trained on
#   unseen     the label is not one that the model was trained on, so every prediction is wrong
#   unlabelled no label is known; such cases count in workload, never in leakage
OUTCOMES = ("right", "wrong", "unseen", "unlabelled")

MODEL_KINDS = ("point", "teacher", "student", "linear")
KIND_ORDER = ("student", "teacher", "point", "linear")  # in which models are listed
ROLES = ("train", "calibration", "stream")
RUN_KINDS = ("train", "distil", "score")
RUN_STATES = ("running", "finished", "failed")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def checked_name(name: str, what: str) -> str:
    """Return `name` if it may name a `what` (a run, model, dataset), which becomes a file name;
    else raise SettingsError.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        raise SettingsError("settings.name", what=what, name=name)
    return name


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval (or `level`). `n` is the denominator it rests on.

    value, low and high are None when n is 0: there is nothing to estimate from, and screens
    state it.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    level: float = 0.95


@dataclass(frozen=True)
class Run:
    """One training, distillation or scoring, as it was begun. Names are checked; times are UTC."""

    run_id: str
    kind: str  # one of RUN_KINDS
    created_at: datetime  # timezone-aware, UTC
    model: str  # name of the model's folder
    model_kind: str  # one of MODEL_KINDS
    model_hash: str  # sha256 of the model's content, hex
    # name of the cases; runs of one dataset and role score the same cases where inputs_hash agrees
    dataset: str
    role: str  # one of ROLES
    inputs_hash: str  # sha256 of the cases' content, hex
    labels: tuple[str, ...]  # the model's label order
    samples: int = 1  # forward passes that one case costs; 1 for point and student
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)  # JSON-able
    versions: dict[str, str] = field(default_factory=dict)  # library -> version

    def __post_init__(self) -> None:
        checked_name(self.run_id, "run")
        checked_name(self.model, "model")
        checked_name(self.dataset, "dataset")
        for value, allowed, what in (
            (self.kind, RUN_KINDS, "run kind"),
            (self.model_kind, MODEL_KINDS, "model kind"),
            (self.role, ROLES, "role"),
        ):
            if value not in allowed:
                raise SettingsError("settings.choice", what=what, value=value, allowed=allowed)
        if self.created_at.tzinfo is None:
            raise SettingsError("settings.time_zone_missing", value=self.created_at)


@dataclass(frozen=True)
class RunRecord:
    """A run as the store knows it: how it began, how it ended, and what it holds."""

    run: Run
    state: str  # one of RUN_STATES
    duration_s: float | None  # seconds, None while running
    # JSON-able; empty while running. Scoring writes seconds_per_case (compute only) and device
    metrics: dict[str, Any]
    cases: int  # predictions taken in so far
    first_at: datetime | None  # earliest occurred_at among them, None when no case has a date
    last_at: datetime | None
