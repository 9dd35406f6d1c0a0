"""Records of people's decisions: policies and their events, scenarios, verdicts.

Frozen and checked; times are UTC. Knows no DuckDB. Content and certificates are JSON-able and have
no meaning here: core.decision interprets them.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.errors import NonFiniteError, SettingsError

EVENTS = ("propose", "approve", "activate", "undo")
VERDICTS = ("right", "wrong", "unsure", "withdrawn")
SOURCES = ("audit", "review", "gold", "second", "import")  # how a verdict came about
# What people answered, or are asked, that leaves as a table of its own.
EXPORTED_TABLES = ("verdicts", "labels", "worklist", "review_sheet")
DECISIONS = ("accepted", "review")
# Characters, so that a name or reason fits into a table.
MAX_NAME = 200


@dataclass(frozen=True)
class PolicyVersion:
    """One version of a named policy; versions begin at 1 and never change."""

    name: str
    version: int
    content: dict  # the thresholds
    author: str
    reason: str
    runs: tuple[str, ...]  # run ids whose predictions it was chosen on
    certificate: dict | None  # None: nothing was certified
    created_at: datetime
    expires_on: date | None = None  # its last valid day; None: no end

    def expired(self, today: date) -> bool:
        """Return whether its last day has passed. An expired policy stays active; screens warn."""
        return self.expires_on is not None and today > self.expires_on


@dataclass(frozen=True)
class PolicyEvent:
    """One event of a version of a policy."""

    position: int  # order of all events
    name: str
    version: int
    event: str  # one of EVENTS
    author: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True)
class ScenarioVersion:
    """One version of a named scenario; versions begin at 1 and never change."""

    name: str
    version: int
    content: dict
    author: str
    created_at: datetime


@dataclass(frozen=True)
class ReviewVerdict:
    """A person's judgement of a case. Raises SettingsError or NonFiniteError for invalid values.

    `audit` marks an accepted case that was drawn at random for review; only an audited case has an
    inclusion probability. "withdrawn" takes the reviewer's earlier verdict on the case back.
    """

    run_id: str
    case_id: str
    verdict: str  # one of VERDICTS, about the predicted label
    reviewer: str
    judged_at: datetime  # timezone-aware; with run, case and reviewer it is the verdict's identity
    label: str | None = None  # the case's true label; None if the person gave none
    audit: bool = False
    inclusion_probability: float | None = None  # in (0, 1], that of the draw
    source: str = "review"  # one of SOURCES
    blind: bool = False  # True: given before the reviewer saw the model's answer
    seconds: float | None = None  # from the claim to the answer; None if unmeasured

    def __post_init__(self) -> None:
        checked_text(self.reviewer, "reviewer")
        checked_choice(self.verdict, VERDICTS, "verdict")
        checked_choice(self.source, SOURCES, "source")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise SettingsError("store.verdict_seconds", case=self.case_id, value=self.seconds)
        if self.judged_at.tzinfo is None:
            raise SettingsError("store.verdict_time", value=self.judged_at)
        try:
            self.judged_at.astimezone(UTC)
        except OverflowError as e:
            value = self.judged_at.isoformat()
            raise SettingsError("store.verdict_moment", value=value) from e
        p = self.inclusion_probability
        # A known, positive probability is what makes an audited case usable in an estimate.
        if self.audit != (p is not None):
            raise SettingsError(
                "store.audit_probability", case=self.case_id, audit=self.audit, probability=p
            )
        if p is not None and not math.isfinite(p):
            raise NonFiniteError("store.inclusion_not_finite", case=self.case_id, probability=p)
        if p is not None and not 0 < p <= 1:
            raise SettingsError("store.inclusion_range", case=self.case_id, probability=p)


def checked_text(value: str, what: str) -> str:
    """Return a person's name or reason, in any script.

    Raises SettingsError for an empty, long or unprintable one.
    """
    if (
        not isinstance(value, str)
        or not value.strip()
        or len(value) > MAX_NAME
        or not value.isprintable()
    ):
        raise SettingsError("store.text", what=what, value=value, most=MAX_NAME)
    return value


def checked_choice(value: str, allowed: tuple[str, ...], what: str) -> str:
    """Return `value` if it is one of `allowed`; else raise SettingsError."""
    if value not in allowed:
        raise SettingsError("settings.choice", what=what, value=value, allowed=allowed)
    return value
