"""Compare the scenarios of a meeting: freeze them into the store's ledger, and compute their
figures on today's counts.

Reads and writes the ledger; draws nothing and chooses no words. The figures of a scenario are
always computed anew: if the run's counts differ from those of the freeze,
`ScenarioColumn.unchanged` is False, and every display of the figures must say so.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

import pandas as pd

from core.decision.meeting.poc import TrialUnit
from core.decision.meeting.scenario import (
    ALL_SEGMENTS,
    COLUMN_NAMES,
    MEETING_FORMAT,
    MeetingAssumptions,
    MeetingFigures,
    MeetingScenario,
    counts_version,
    meeting_figures,
)
from core.decision.money.scenario import ASSUMED, MEASURED
from core.decision.thresholds.costs import UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.volume import VOLUME_UNKNOWN, measured_cases_per_day
from core.errors import SettingsError
from core.stats.difference import interval_difference
from core.store.entries import ScenarioVersion
from core.store.ledger import Ledger
from core.store.meetings import MeetingDecision, Meetings
from core.store.store import Store
from core.types import Interval, RunRecord

SCENARIO_MEASURES = (
    "coverage",
    "reviews_per_day",
    "selective_risk",
    "leakage",
    "escapes_per_month",
    "money_per_month",
)
# The measures that charts and sentences compare.
COMPARED = ("coverage", "reviews_per_day", "escapes_per_month", "money_per_month")


@dataclass(frozen=True)
class FrozenScenario:
    """A scenario of the ledger with its version, its author and the time of the freeze."""

    scenario: MeetingScenario
    version: int
    author: str
    frozen_at: datetime

    @property
    def key(self) -> tuple[str, int]:
        """Return the name and version in the ledger."""
        return ledger_name(self.scenario.name), self.version


@dataclass(frozen=True, eq=False)
class RunCounts:
    """A run with its present counts (Store.joint_counts) and their data version. Callers share the
    rows and must not change them.
    """

    record: RunRecord
    rows: pd.DataFrame
    version: str

    @property
    def seconds_per_case(self) -> float | None:
        """Return the measured compute of one case; None if unmeasured."""
        return self.record.metrics.get("seconds_per_case")


@dataclass(frozen=True)
class ScenarioColumn:
    """One scenario with its figures on the present counts."""

    frozen: FrozenScenario
    used: MeetingScenario  # with the meeting's assumptions in it
    record: RunRecord
    figures: MeetingFigures
    unchanged: bool  # whether the run's counts are those of the freeze
    edited: tuple[str, ...]  # names of MeetingAssumptions that the meeting changed

    @property
    def name(self) -> str:
        return self.used.name

    def measure(self, name: str) -> Interval:
        """Return one of SCENARIO_MEASURES with its interval and n."""
        return (
            getattr(self.figures, name)
            if hasattr(self.figures, name)
            else getattr(self.figures.consequence, name)
        )


@dataclass(frozen=True)
class ScenarioDifference:
    """The difference of a scenario from the first: measure -> its value minus the first's, with the
    interval (MOVER).
    """

    name: str
    base: str
    measures: dict[str, Interval]
    same_cases: bool


def ledger_name(name: str) -> str:
    """Return the ledger's name of a meeting's scenario. The prefix separates it from scenarios of
    other pages.
    """
    return f"meeting {name}"


def freeze_scenario(store: Store, scenario: MeetingScenario, author: str) -> FrozenScenario:
    """Add the scenario as the next version of its name, and return it. A scenario equal to the
    newest version adds nothing.
    """
    ledger = Ledger(store)
    # One transaction: no other process adds a version between the comparison and the write.
    with store.atomic():
        versions = ledger.scenarios(ledger_name(scenario.name))
        if versions and versions[0].content == scenario.to_dict():
            return _read(versions[0])
        return _read(ledger.add_scenario(ledger_name(scenario.name), scenario.to_dict(), author))


def frozen_scenarios(store: Store) -> list[FrozenScenario]:
    """Return the newest version of each name, A first.

    Raises SettingsError for a scenario of another program version.
    """
    newest: dict[str, ScenarioVersion] = {}
    # The ledger also holds scenarios of other pages, with another format.
    for version in Ledger(store).scenarios():
        if version.content.get("format") == MEETING_FORMAT and version.version > getattr(
            newest.get(version.name), "version", 0
        ):
            newest[version.name] = version
    return [_read(newest[name]) for name in map(ledger_name, COLUMN_NAMES) if name in newest]


def meeting_decisions(store: Store) -> list[MeetingDecision]:
    """Return the decision log, the oldest first."""
    return Meetings(store).decisions()


def active_thresholds(store: Store) -> tuple[str, Policy] | None:
    """Return the name with the version, and the thresholds, of the active policy; None without an
    active policy, or if its content is not a Policy.
    """
    active = Ledger(store).active_policy()
    try:
        if active is None:
            return None
        return f"{active.name} v{active.version}", Policy.from_dict(active.content)
    except SettingsError:
        return None


def run_counts(store: Store, run_id: str) -> RunCounts:
    """Return a run's present counts. Raises NotFoundError."""
    # One transaction, so that the record and the counts are of the same state.
    with store.reading():
        record, rows = store.run(run_id), store.joint_counts(run_id)
    return RunCounts(record, rows, counts_version(rows, record.metrics.get("seconds_per_case")))


def scenario_of(
    name: str,
    counts: RunCounts,
    policy: Policy,
    segment: str,
    unseen: bool,
    cases_per_day: float | None,
    costs: UnitCosts,
    minutes: float = 5.0,
) -> MeetingScenario:
    """Return the scenario of these choices on the present counts.

    name: A, B, C or D.
    counts: the run and its counts.
    policy: the policy that decides each case.
    segment: one segment; ALL_SEGMENTS for all.
    unseen: whether cases whose label the model was not trained on count.
    cases_per_day: None measures it from the dates of the run's cases, or without dates assumes
    VOLUME_UNKNOWN.
    costs: the unit costs.
    minutes: of one review.
    """
    run = counts.record.run
    measured = measured_cases_per_day(counts.record) if cases_per_day is None else None
    volume = next(float(v) for v in (cases_per_day, measured, VOLUME_UNKNOWN) if v is not None)
    return MeetingScenario(
        name=cast(Any, name),  # pydantic refuses another name
        **{
            field_name: getattr(run, field_name)
            for field_name in ("run_id", "model_kind", "model_hash", "dataset", "inputs_hash")
        },
        data_version=counts.version,
        policy=policy.to_dict(),
        segment=segment,
        unseen=unseen,
        cases_per_day=volume,
        volume_basis=ASSUMED if measured is None else MEASURED,
        minutes=minutes,
        **asdict(costs),
    )


def scenario_column(
    frozen: FrozenScenario, assumptions: MeetingAssumptions, counts: RunCounts
) -> ScenarioColumn:
    """Return the scenario on the present counts.

    Raises SettingsError for assumptions that are not allowed.
    """
    used = assumptions.applied(frozen.scenario)
    unchanged = counts.version == frozen.scenario.data_version
    return ScenarioColumn(
        frozen,
        used,
        counts.record,
        meeting_figures(used, counts.rows, counts.seconds_per_case),
        unchanged,
        assumptions.edited,
    )


def compare_frame(
    columns: Sequence[ScenarioColumn], measures: Sequence[str] = SCENARIO_MEASURES
) -> pd.DataFrame:
    """Return one row a scenario and measure: name, measure, value, low, high (NaN if unknown), n."""
    rows = [
        {
            "name": column.name,
            "measure": name,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "n": estimate.n,
        }
        for column in columns
        for name in measures
        for estimate in (column.measure(name),)
    ]
    return pd.DataFrame(rows, columns=["name", "measure", "value", "low", "high", "n"]).astype(
        {"value": float, "low": float, "high": float}
    )


def scenario_differences(columns: Sequence[ScenarioColumn]) -> list[ScenarioDifference]:
    """Return each scenario against the first, without money of another currency."""
    differences = []
    for column in columns[1:]:
        first = columns[0]
        measures = [
            m
            for m in COMPARED
            if m != "money_per_month" or column.used.currency == first.used.currency
        ]
        by_measure = {
            name: interval_difference(column.measure(name), first.measure(name))
            for name in measures
        }
        differences.append(
            ScenarioDifference(column.name, first.name, by_measure, _cases(column) == _cases(first))
        )
    return differences


def trial_units(column: ScenarioColumn, counts: RunCounts) -> list[TrialUnit]:
    """Return the segments of the scenario's run, and all of them together, as units of a proof of
    concept, without those that have no case.
    """
    names = [
        ALL_SEGMENTS,
        *sorted({str(name) for name in counts.rows["segment"].unique()} - {ALL_SEGMENTS}),
    ]
    units = []
    for name in names if column.used.segment == ALL_SEGMENTS else [column.used.segment]:
        means = meeting_figures(
            # model_copy skips the checks, which the scenario has passed already.
            column.used.model_copy(update={"segment": name}),
            counts.rows,
            counts.seconds_per_case,
        )
        if means.cases:
            consequence = means.consequence
            units.append(
                TrialUnit(
                    name,
                    consequence.cases_per_day,
                    consequence.coverage.estimate[0],
                    consequence.selective_risk,
                )
            )
    return units


def _cases(column: ScenarioColumn) -> tuple:
    return column.used.inputs_hash, column.used.segment, column.used.unseen


def _read(entry: ScenarioVersion) -> FrozenScenario:
    return FrozenScenario(
        MeetingScenario.from_dict(entry.content), entry.version, entry.author, entry.created_at
    )
