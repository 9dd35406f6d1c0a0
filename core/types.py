"""Types that every layer shares: intervals, outcomes, runs. Frozen, with no logic beyond checks.

Imports core.errors only, and no heavy library.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import SettingsError

# The outcome of a prediction, by the case's label.
#   right      the predicted label is the label
#   wrong      the predicted label is another one, and the model was trained on the label
#   unseen     the model was not trained on the label, so every prediction is wrong
#   unlabelled the case has no label; such cases count in workload, never in leakage
OUTCOMES = ("right", "wrong", "unseen", "unlabelled")

MODEL_KINDS = ("point", "teacher", "student", "linear")
KIND_ORDER = ("student", "teacher", "point", "linear")  # the order of lists of models
RUN_ROLES = ("train", "calibration", "stream")
# "distil" is stored in existing runs, so it keeps its spelling; code and options say "distill"
RUN_KINDS = ("train", "distil", "score")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def checked_name(name: str, what: str) -> str:
    """Return `name` if it may name a `what` (run, model, dataset); else raise SettingsError."""
    # A name becomes a file name: ".." and slashes would lead out of the workspace.
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        raise SettingsError("settings.name", what=what, name=name)
    return name


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval (or `level`) and its denominator `n`.

    value, low and high are None if n is 0: no case is left to estimate from, and screens say so.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    level: float = 0.95

    @property
    def bounds(self) -> tuple[float | None, float | None, float | None]:
        """(value, low, high); each is None where n is 0."""
        return self.value, self.low, self.high

    @property
    def estimate(self) -> tuple[float, float, float]:
        """(value, low, high) of an estimate over cases. Raises ValueError where n is 0."""
        if self.value is None or self.low is None or self.high is None:
            raise ValueError("an interval over no cases holds no estimate")
        return self.value, self.low, self.high


@dataclass(frozen=True)
class Run:
    """One training, distillation or scoring at its start. Names are checked; times are UTC."""

    run_id: str
    kind: str  # one of RUN_KINDS
    created_at: datetime  # timezone-aware, UTC
    model: str  # name of the model's folder
    model_kind: str  # one of MODEL_KINDS
    model_hash: str  # sha256 of the model's content, hex
    # name of the cases; runs of one dataset and role score the same cases if inputs_hash agrees
    dataset: str
    role: str  # one of RUN_ROLES
    inputs_hash: str  # sha256 of the cases' content, hex
    labels: tuple[str, ...]  # the model's label order
    samples: int = 1  # forward passes per case; 1 for point and student
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
            (self.role, RUN_ROLES, "role"),
        ):
            if value not in allowed:
                raise SettingsError("settings.choice", what=what, value=value, allowed=allowed)
        if self.created_at.tzinfo is None:
            raise SettingsError("settings.time_zone_missing", value=self.created_at)


@dataclass(frozen=True)
class RunRecord:
    """A stored run: its start, its end and its contents."""

    run: Run
    state: str  # "running", "finished" or "failed"
    duration_s: float | None  # seconds, None while running
    # JSON-able; empty while running. Scoring writes seconds_per_case (compute only) and device
    metrics: dict[str, Any]
    cases: int  # predictions ingested so far
    first_at: datetime | None  # earliest occurred_at among them, None if no case has a date
    last_at: datetime | None
