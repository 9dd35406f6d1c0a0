"""A money scenario: one checked, frozen, versioned object, the same in Python, as JSON and in a
URL.

Every input is a ScenarioQuantity: low, likely and high, a unit, and whether it is measured (by
which runs) or assumed. Money has no default, because an amount means nothing without a currency;
neither has any input that a run measures. This module knows the inputs; `cashflow` computes the
money.
"""

import json
import math
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Self, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import DocumentError, SettingsError

SCENARIO_VERSION = 1
ASSUMED: Final = "assumed"
MEASURED: Final = "measured"
QUANTITY_BASES = (ASSUMED, MEASURED)
Basis = Literal["assumed", "measured"]
_SEPARATOR = "~"  # in a URL it needs no escape, and no number or run id has one


class ScenarioQuantity(BaseModel):
    """An uncertain input, low <= likely <= high in `unit`. A measured input names its runs; an
    assumed one has none.
    """

    # strict: pydantic would otherwise turn texts and booleans into numbers.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    low: float
    likely: float
    high: float
    unit: str
    basis: Basis = "assumed"
    runs: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _checked(self) -> Self:
        quantity = f"{self.low}, {self.likely}, {self.high} {self.unit}"
        if not all(math.isfinite(x) for x in self.points):
            raise SettingsError("decision.quantity_not_finite", quantity=quantity)
        if not 0 <= self.low <= self.likely <= self.high:
            raise SettingsError("decision.quantity_order", quantity=quantity)
        if self.unit == "share" and self.high > 1:
            raise SettingsError("decision.quantity_share", quantity=quantity)
        if (self.basis == MEASURED) != bool(self.runs):
            raise SettingsError(
                "decision.quantity_basis", quantity=quantity, basis=self.basis, runs=list(self.runs)
            )
        return self

    @property
    def points(self) -> tuple[float, float, float]:
        """Return (low, likely, high)."""
        return self.low, self.likely, self.high


def assumed_quantity(low: float, likely: float, high: float, unit: str) -> ScenarioQuantity:
    """Return an assumed quantity.

    low, likely, high: in this order, finite and 0 or more, a share at most 1.
    unit: one of the values of INPUT_UNITS.

    Raises SettingsError for values that are not finite, out of order or out of range.
    """
    return ScenarioQuantity(low=low, likely=likely, high=high, unit=unit)


ShareQuantity = Annotated[ScenarioQuantity, "share"]
PerYear = Annotated[ScenarioQuantity, "1/year"]
Months = Annotated[ScenarioQuantity, "months"]
Hours = Annotated[ScenarioQuantity, "hours"]
Labels = Annotated[ScenarioQuantity, "labels"]
Seconds = Annotated[ScenarioQuantity, "seconds/case"]
Minutes = Annotated[ScenarioQuantity, "minutes/case"]
MonthlyCases = Annotated[ScenarioQuantity, "cases/month"]
Money = Annotated[ScenarioQuantity, "currency"]
HourlyMoney = Annotated[ScenarioQuantity, "currency/hour"]
MoneyPerCase = Annotated[ScenarioQuantity, "currency/case"]
MoneyPerLabel = Annotated[ScenarioQuantity, "currency/label"]


class MoneyScenario(BaseModel):
    """All inputs of the money of the four options. Raises SettingsError for a value or unit that is
    not allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: int = SCENARIO_VERSION
    name: Annotated[str, Field(max_length=80)] = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]  # ISO 4217
    months: Annotated[int, Field(ge=1, le=120)] = 36  # the horizon

    # Volume, and how fast it moves from people to the option.
    cases_per_month: MonthlyCases
    # Until all cases go through the option; before, people do the rest.
    ramp_months: Months = assumed_quantity(0, 3, 6, "months")

    # Quality. Selective risk is wrong accepted / accepted; leakage is coverage times it.
    student_coverage: ShareQuantity  # at the chosen threshold
    student_selective_risk: ShareQuantity
    student_error: ShareQuantity  # wrong / all when every answer is accepted
    teacher_coverage: ShareQuantity  # 1 where the teacher's answers are not reviewed
    teacher_selective_risk: ShareQuantity
    reviewer_miss: ShareQuantity = assumed_quantity(
        0, 0.01, 0.05, "share"
    )  # wrong after review / reviewed
    # Of the accepted cases, the share that a person checks.
    audit_share: ShareQuantity = assumed_quantity(0, 0.01, 0.03, "share")

    # People.
    review_minutes: Minutes = assumed_quantity(1, 2, 4, "minutes/case")
    reviewer_hour: HourlyMoney
    # Of the hours freed, the share that leaves the payroll.
    cashed_share: ShareQuantity = assumed_quantity(0, 0.5, 1, "share")
    engineer_hour: HourlyMoney
    escape: MoneyPerCase  # of one wrong answer without a review

    # Machines.
    student_seconds: Seconds
    teacher_seconds: Seconds  # all N passes
    machine_hour: HourlyMoney
    teacher_hours: Hours  # machine hours to train the teacher
    distillation_hours: Hours  # machine hours to distill, with the sampling of the teacher

    # Once, and again at each re-distillation.
    labels: Labels
    label: MoneyPerLabel
    # Of engineers, to train, distill and check.
    people_hours: Hours = assumed_quantity(40, 80, 160, "hours")
    integration: Money
    redistillations: PerYear = assumed_quantity(0, 2, 4, "1/year")
    redistillation_labels: Labels = assumed_quantity(0, 200, 500, "labels")
    redistillation_people_hours: Hours = assumed_quantity(2, 8, 16, "hours")

    discount_rate: PerYear = assumed_quantity(0.05, 0.08, 0.12, "1/year")  # effective annual

    @field_validator("version")
    @classmethod
    def _known_version(cls, version: int) -> int:
        return _checked_version(version)

    @model_validator(mode="after")
    def _units(self) -> Self:
        for name, quantity in self.inputs().items():
            if quantity.unit != INPUT_UNITS[name]:
                raise SettingsError(
                    "decision.input_unit", name=name, unit=quantity.unit, expected=INPUT_UNITS[name]
                )
        return self

    def inputs(self) -> dict[str, ScenarioQuantity]:
        """Return every uncertain input by name, in the order of the fields."""
        return {name: getattr(self, name) for name in INPUT_UNITS}

    def unit(self, name: str) -> str:
        """Return the unit of an input with the scenario's currency, such as AUD/hour."""
        return INPUT_UNITS[name].replace("currency", self.currency)

    def changed(self, **changes: object) -> Self:
        """Return a checked copy with other values in these fields."""
        # pydantic's model_copy does not validate.
        return _checked(type(self).model_validate, dict(self) | changes)

    def to_json(self) -> str:
        """Return indented JSON of every field."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the scenario of a `to_json` text.

        Raises DocumentError for text that is not JSON, another version, a missing or unknown field
        or a value of another type, SettingsError for a value that is not allowed.
        """
        try:
            data = json.loads(text)
        except ValueError as e:
            raise DocumentError("decision.scenario_not_json", reason=str(e)) from e
        # The version first: fields of another version would give misleading errors.
        _checked_version(data.get("version") if isinstance(data, dict) else None)
        return _checked(cls.model_validate_json, text)

    def to_query(self) -> str:
        """Return the scenario as a URL's query string, without units: the version fixes them."""
        plain = {
            "version": self.version,
            "name": self.name,
            "currency": self.currency,
            "months": self.months,
        }
        return urlencode(
            plain | {name: _packed(quantity) for name, quantity in self.inputs().items()}
        )

    @classmethod
    def from_query(cls, query: str) -> Self:
        """Return the scenario of a `to_query` string. Raises the errors of `from_json`, and
        DocumentError for a repeated field.
        """
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
        data = dict(pairs)
        if len(data) < len(pairs):
            raise DocumentError("decision.scenario_repeats_field")
        numbers = {name: _number(data.pop(name, ""), name, int) for name in ("version", "months")}
        _checked_version(numbers["version"])
        return _checked(
            cls.model_validate,
            numbers | {n: _unpacked(n, v) if n in INPUT_UNITS else v for n, v in data.items()},
        )


Scenario = TypeVar("Scenario", bound=MoneyScenario)
# Input -> its unit; `currency` is a placeholder until a scenario names one.
INPUT_UNITS = {
    name: field.metadata[0]
    for name, field in MoneyScenario.model_fields.items()
    if field.annotation is ScenarioQuantity
}


def _checked_version(version: object) -> int:
    if version != SCENARIO_VERSION:
        raise DocumentError("decision.scenario_version", version=version, expected=SCENARIO_VERSION)
    return SCENARIO_VERSION


def _checked(build: Callable[[Any], Scenario], data: object) -> Scenario:
    try:
        return build(data)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        raise DocumentError(
            "decision.scenario_field", name=".".join(map(str, first["loc"])), reason=first["msg"]
        ) from e


def _packed(quantity: ScenarioQuantity) -> str:
    return _SEPARATOR.join([*map(repr, quantity.points), quantity.basis, *quantity.runs])


def _unpacked(name: str, text: str) -> ScenarioQuantity:
    # The added separators make a short text fail as an empty number, with a named error.
    low, likely, high, basis, *runs = (text + 4 * _SEPARATOR).split(_SEPARATOR)
    points = dict(
        zip(
            ("low", "likely", "high"),
            (_number(x, name, float) for x in (low, likely, high)),
            strict=True,
        )
    )
    if basis not in QUANTITY_BASES:
        raise DocumentError("decision.scenario_basis", name=name, text=text, allowed=QUANTITY_BASES)
    return ScenarioQuantity(
        **points,
        unit=INPUT_UNITS[name],
        basis=cast(Basis, basis),
        runs=tuple(run for run in runs if run),
    )


def _number(text: str, name: str, kind: type[int] | type[float]) -> float | int:
    try:
        return kind(text)
    except ValueError as e:
        raise DocumentError("decision.scenario_number", name=name, text=text) from e
