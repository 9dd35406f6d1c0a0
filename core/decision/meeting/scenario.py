"""A scenario frozen for a meeting: its policy, its data and its costs; and the figures that follow.

A scenario stores no figure. Every display computes the figures from the run's counts, and the data
version, a hash of the counts at the time of freezing, tells whether the counts are the same. Money
is linear in the volume and the unit costs, so a changed assumption moves every scenario at once and
touches no count.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.decision.money.scenario import ASSUMED
from core.decision.thresholds.changes import tally_of_rows
from core.decision.thresholds.consequence import PolicyConsequence, consequence_of_tally
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.errors import DocumentError, SettingsError
from core.types import Interval

MEETING_FORMAT = "meeting-scenario"  # separates it from other scenarios of the store's ledger
MEETING_VERSION = 1
COLUMN_NAMES = ("A", "B", "C", "D")  # a page is wide enough for four columns
ALL_SEGMENTS = ""  # the name that means all segments
# The columns of Store.joint_counts.
ROW_COLUMNS = ("segment", "predicted", "outcome", "step", "epistemic_bin", "n")

HexHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class MeetingScenario(BaseModel):
    """The inputs of one column of a meeting. Raises SettingsError for a value out of range."""

    # strict: a number that arrives as text is an error, not a guess.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["meeting-scenario"] = "meeting-scenario"
    version: int = MEETING_VERSION
    name: Literal["A", "B", "C", "D"]
    run_id: str
    model_kind: str
    model_hash: HexHash
    dataset: str
    inputs_hash: HexHash
    data_version: HexHash  # of the run's counts when it was frozen
    policy: dict[
        str, Any
    ]  # core.decision.thresholds.policy.Policy.to_dict: one threshold, or a set of them
    segment: str = ALL_SEGMENTS
    unseen: bool = True  # whether cases whose label the model was not trained on count
    cases_per_day: float  # volume of the whole run, all segments
    volume_basis: Literal["assumed", "measured"] = "assumed"
    review: float  # assumed cost of one review
    escape: float  # cost of one wrong answer without a review
    machine_hour: float
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    # As in UnitCosts; scenarios of before these fields are read with their defaults.
    reviewer_miss: float = 0.0
    audit_share: float = 0.0
    cashed_share: float = 1.0
    retraining_per_month: float = 0.0
    minutes: float = 5.0  # of one review

    @field_validator("version")
    @classmethod
    def _known_version(cls, version: int) -> int:
        if version != MEETING_VERSION:
            raise DocumentError(
                "decision.meeting_version", version=version, expected=MEETING_VERSION
            )
        return version

    @model_validator(mode="after")
    def _checked(self) -> Self:
        # Building the policy and the costs checks them.
        _ = self.rule, self.costs
        if not (math.isfinite(self.cases_per_day) and self.cases_per_day >= 0):
            raise SettingsError("decision.cases_per_day", value=self.cases_per_day)
        return self

    @property
    def rule(self) -> Policy:
        """Return the policy that decides each case."""
        return Policy.from_dict(self.policy)

    @property
    def costs(self) -> UnitCosts:
        """Return the frozen unit costs."""
        return UnitCosts(**{f.name: getattr(self, f.name) for f in fields(UnitCosts)})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` is the inverse."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the scenario of a `to_dict`.

        Raises DocumentError for another format or version or a missing or unknown field,
        SettingsError for a value out of range.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as e:
            first = e.errors(include_url=False)[0]
            raise DocumentError(
                "decision.meeting_field", name=".".join(map(str, first["loc"])), reason=first["msg"]
            ) from e


@dataclass(frozen=True)
class MeetingAssumptions:
    """The changes of a meeting to all scenarios at once; None leaves each scenario as frozen."""

    review: float | None = None  # cost of one review
    escape: float | None = None  # cost of one escape
    cases_per_day: float | None = None  # volume of the whole run

    @property
    def edited(self) -> tuple[str, ...]:
        """Return the names of the changed assumptions."""
        return tuple(
            name
            for name in ("review", "escape", "cases_per_day")
            if getattr(self, name) is not None
        )

    def applied(self, scenario: MeetingScenario) -> MeetingScenario:
        """Return the scenario with these assumptions in place of its own.

        Raises SettingsError for a value out of range.
        """
        changes: dict[str, object] = {name: float(getattr(self, name)) for name in self.edited}
        if self.cases_per_day is not None:
            changes["volume_basis"] = ASSUMED
        return MeetingScenario.from_dict(scenario.to_dict() | changes)


@dataclass(frozen=True)
class MeetingFigures:
    """The figures of a scenario, a day and a month of 365.25 / 12 days."""

    consequence: PolicyConsequence
    escapes_per_month: Interval
    money_per_month: Interval  # its interval is that of the leakage alone
    cases: int  # the counted cases: of the segment, with or without unseen labels


def counts_version(rows: pd.DataFrame, seconds_per_case: float | None) -> str:
    """Return the hash of all inputs of the figures: counts (ROW_COLUMNS, rows in any order) and the
    measured seconds a case.
    """
    # Grouping and sorting give equal counts an equal hash, however they are split over rows.
    table = rows[list(ROW_COLUMNS)].astype({"segment": str, "predicted": str, "outcome": str})
    table = table.groupby(list(ROW_COLUMNS[:-1]), sort=True, as_index=False)["n"].sum()
    text = json.dumps(
        [table.to_numpy().tolist(), seconds_per_case], ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def meeting_figures(
    scenario: MeetingScenario, rows: pd.DataFrame, seconds_per_case: float | None
) -> MeetingFigures:
    """Return the figures of a scenario on the run's counts (ROW_COLUMNS).

    The volume of the counted cases is their share of the run's cases, as on every page.
    seconds_per_case is the measured compute, None if unknown.
    """
    counted = (
        rows if scenario.segment == ALL_SEGMENTS else rows[rows["segment"] == scenario.segment]
    )
    if not scenario.unseen:
        counted = counted[counted["outcome"] != "unseen"]
    cases = int(counted["n"].sum())
    per_day = scenario.cases_per_day * cases / max(1, int(rows["n"].sum()))
    terms = CostModel(per_day, scenario.costs, seconds_per_case)
    consequence = consequence_of_tally(tally_of_rows(counted, scenario.rule), scenario.rule, terms)
    return MeetingFigures(
        consequence,
        escapes_per_month=consequence.slips_per_month,
        money_per_month=consequence.money_per_month,
        cases=cases,
    )
