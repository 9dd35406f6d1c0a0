"""The scenarios of a meeting side by side: freezing them into the store's ledger, and what they mean on today's counts.

Reads and writes the ledger; draws nothing and chooses no words. A scenario's figures are always computed anew: where the run's
counts are no longer those of the freeze, `Column.unchanged` is False and whoever shows the figures says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from core.decision.meeting import (
    ALL,
    FORMAT,
    NAMES,
    Assumptions,
    Figures,
    MeetingScenario,
    data_version,
    figures,
)
from core.decision.poc import Unit
from core.stats.difference import difference
from core.store.entries import Scenario
from core.store.ledger import Ledger
from core.store.store import Store
from core.types import Interval, RunRecord

MEASURES = ("coverage", "reviews_per_day", "selective_risk", "leakage", "escapes_per_month", "money_per_month")
COMPARED = ("coverage", "reviews_per_day", "escapes_per_month", "money_per_month")  # what the charts and sentences compare


@dataclass(frozen=True)
class Frozen:
    """A scenario as it lies in the ledger: who froze it, when, and which version of its name it is."""

    scenario: MeetingScenario
    version: int
    author: str
    at: datetime

    @property
    def key(self) -> tuple[str, int]:
        """Name and version in the ledger."""
        return ledger_name(self.scenario.name), self.version


@dataclass(frozen=True)
class Column:
    """One scenario as it stands now."""

    frozen: Frozen
    used: MeetingScenario  # with the meeting's assumptions in it
    record: RunRecord
    figures: Figures
    unchanged: bool  # whether the run's counts are those of the freeze
    edited: tuple[str, ...]  # names of Assumptions that the meeting changed

    @property
    def name(self) -> str:
        return self.used.name

    def measure(self, name: str) -> Interval:
        """One of MEASURES with its interval and n."""
        return getattr(self.figures, name) if hasattr(self.figures, name) else getattr(self.figures.found, name)


@dataclass(frozen=True)
class Difference:
    """What a scenario does otherwise than the first: measure -> its value less the first's, with the interval (MOVER)."""

    name: str
    base: str
    measures: dict[str, Interval]
    same_cases: bool


def ledger_name(name: str) -> str:
    """What scenario `name` of a meeting is called in the ledger, apart from scenarios of other pages."""
    return f"meeting {name}"


def freeze(store: Store, scenario: MeetingScenario, author: str) -> Frozen:
    """Add the scenario as the next version of its name; exactly the newest version again adds nothing, and is returned."""
    ledger = Ledger(store)
    with store.atomic():
        known = ledger.scenarios(ledger_name(scenario.name))
        if known and known[0].content == scenario.to_dict():
            return _read(known[0])
        return _read(ledger.add_scenario(ledger_name(scenario.name), scenario.to_dict(), author))


def newest(store: Store) -> list[Frozen]:
    """The newest version of each name, A first. Raises SettingsError for one that another version of the program wrote."""
    found: dict[str, Scenario] = {}
    for one in Ledger(store).scenarios():
        if one.content.get("format") == FORMAT and one.version > getattr(found.get(one.name), "version", 0):
            found[one.name] = one
    return [_read(found[name]) for name in map(ledger_name, NAMES) if name in found]


def version_of(record: RunRecord, rows: pd.DataFrame) -> str:
    """The data version of a run: its counts (Store.joint_counts) and its measured seconds a case."""
    return data_version(rows, record.metrics.get("seconds_per_case"))


def column(frozen: Frozen, assumptions: Assumptions, record: RunRecord, rows: pd.DataFrame) -> Column:
    """The scenario on the counts as they are now. Raises SettingsError for assumptions that are not allowed."""
    used = assumptions.applied(frozen.scenario)
    found = figures(used, rows, record.metrics.get("seconds_per_case"))
    unchanged = version_of(record, rows) == frozen.scenario.data_version
    return Column(frozen, used, record, found, unchanged, assumptions.edited)


def compare_frame(columns: Sequence[Column], measures: Sequence[str] = MEASURES) -> pd.DataFrame:
    """One row a scenario and measure: name, measure, value, low, high (NaN where unknown), n."""
    rows = [
        {"name": one.name, "measure": name, "value": found.value, "low": found.low, "high": found.high, "n": found.n}
        for one in columns
        for name in measures
        for found in (one.measure(name),)
    ]
    return pd.DataFrame(rows, columns=["name", "measure", "value", "low", "high", "n"]).astype(
        {"value": float, "low": float, "high": float}
    )


def differences(columns: Sequence[Column]) -> list[Difference]:
    """Each scenario against the first. Money of another currency is left out."""
    found = []
    for other in columns[1:]:
        first = columns[0]
        measures = [m for m in COMPARED if m != "money_per_month" or other.used.currency == first.used.currency]
        known = {name: difference(other.measure(name), first.measure(name)) for name in measures}
        found.append(Difference(other.name, first.name, known, _cases(other) == _cases(first)))
    return found


def units(one: Column, rows: pd.DataFrame) -> list[Unit]:
    """The segments of the scenario's run, and all of them, as places for a proof of concept; those without a case left out."""
    seconds = one.record.metrics.get("seconds_per_case")
    names = [ALL, *sorted(set(rows["segment"].astype(str)) - {ALL})] if one.used.segment == ALL else [one.used.segment]
    found = []
    for name in names:
        means = figures(one.used.model_copy(update={"segment": name}), rows, seconds)
        if means.cases:
            known = means.found
            found.append(Unit(name, known.cases_per_day, known.coverage.value, known.selective_risk))
    return found


def _cases(one: Column) -> tuple:
    return one.used.inputs_hash, one.used.segment, one.used.unseen


def _read(entry: Scenario) -> Frozen:
    return Frozen(MeetingScenario.from_dict(entry.content), entry.version, entry.author, entry.created_at)
