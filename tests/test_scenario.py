"""A scenario is one checked object: what it refuses, and that JSON and a URL give it back whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.decision.money.scenario import (
    ASSUMED,
    INPUT_UNITS,
    MEASURED,
    SCENARIO_VERSION,
    MoneyScenario,
    ScenarioQuantity,
    assumed_quantity,
)
from core.errors import SettingsError
from tests.scenarios import certain_quantity, doubtful, plain

NAME = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,20}\Z")


@st.composite
def scenarios(draw) -> MoneyScenario:
    inputs = {}
    for name, unit in INPUT_UNITS.items():
        low, likely, high = sorted(
            draw(st.lists(st.floats(0, 1 if unit == "share" else 1e12), min_size=3, max_size=3))
        )
        runs = tuple(draw(st.lists(NAME, max_size=2)))
        inputs[name] = ScenarioQuantity(
            low=low,
            likely=likely,
            high=high,
            unit=unit,
            basis=MEASURED if runs else ASSUMED,
            runs=runs,
        )
    return MoneyScenario(
        currency="JPY", months=draw(st.integers(1, 120)), name=draw(st.text(max_size=80)), **inputs
    )


@given(scenarios())
def test_json_and_the_address_give_the_scenario_back(scenario):
    assert MoneyScenario.from_json(scenario.to_json()) == scenario
    assert MoneyScenario.from_query("?" + scenario.to_query()) == scenario


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["low", "likely", "high"])
def test_a_quantity_that_is_not_finite_is_refused(where, bad):
    points = {"low": 1.0, "likely": 2.0, "high": 3.0} | {where: bad}
    with pytest.raises(SettingsError, match="are not all finite"):
        ScenarioQuantity(**points, unit="hours")


@pytest.mark.parametrize("points", [(2, 1, 3), (1, 3, 2), (-1, 0, 1)])
def test_a_quantity_out_of_order_or_below_zero_is_refused(points):
    with pytest.raises(SettingsError, match="use 0 <= low <= likely <= high"):
        assumed_quantity(*points, "hours")


def test_a_share_above_one_is_refused():
    with pytest.raises(SettingsError, match="1.5 share is above 1"):
        assumed_quantity(0, 1, 1.5, "share")


@pytest.mark.parametrize(("basis", "runs"), [(MEASURED, ()), (ASSUMED, ("run-1",))])
def test_measured_names_its_runs_and_assumed_has_none(basis, runs):
    with pytest.raises(
        SettingsError, match="a measured input names its runs, an assumed one names none"
    ):
        ScenarioQuantity(low=1, likely=1, high=1, unit="hours", basis=basis, runs=runs)


def test_a_unit_of_another_kind_is_refused():
    with pytest.raises(
        SettingsError, match="student_seconds is in 'hours': give it in 'seconds/case'"
    ):
        doubtful(student_seconds=certain_quantity(1, "hours"))


def test_units_carry_the_currency():
    assert plain().unit("reviewer_hour") == "AUD/hour"
    assert plain().unit("labels") == "labels"


def test_money_has_no_default():
    without = {name for name, field in MoneyScenario.model_fields.items() if field.is_required()}
    assert {"currency"} | {
        name for name, unit in INPUT_UNITS.items() if "currency" in unit
    } <= without


def test_another_version_is_refused_whatever_else_it_holds():
    data = json.loads(plain().to_json()) | {"version": SCENARIO_VERSION + 1, "field_of_tomorrow": 1}
    with pytest.raises(
        SettingsError, match="Scenario version 2 is not known: this program reads version 1"
    ):
        MoneyScenario.from_json(json.dumps(data))
    with pytest.raises(SettingsError, match="Scenario version 2 is not known"):
        MoneyScenario.from_query(plain().to_query().replace("version=1", "version=2"))
    with pytest.raises(SettingsError, match="Scenario version None is not known"):
        MoneyScenario.from_json("{}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("escape=2.0~2.0~2.0~assumed", "escape=nan~2.0~2.0~assumed"), "not all finite"),
        (("escape=2.0~2.0~2.0~assumed", "escape=two"), "escape='two' is not a number"),
        (
            ("escape=2.0~2.0~2.0~assumed", "escape=2~2~2~felt"),
            "escape='2~2~2~felt' is neither of assumed, measured",
        ),
        (("escape=2.0~2.0~2.0~assumed", ""), "Field escape of the scenario: Field required"),
        (("currency=AUD", "currency=dollars"), "Field currency of the scenario"),
        (("currency=AUD", "currency=AUD&currency=JPY"), "gives a field twice"),
        (("currency=AUD", "currency=AUD&extra=1"), "Field extra of the scenario"),
        (("months=12", "months=0"), "Field months of the scenario"),
    ],
)
def test_an_address_that_was_tampered_with_is_refused(change, message):
    query = plain().to_query()
    assert change[0] in query
    with pytest.raises(SettingsError, match=message):
        MoneyScenario.from_query(query.replace(*change))


def test_text_that_is_no_json_is_refused():
    with pytest.raises(SettingsError, match="The scenario is not JSON"):
        MoneyScenario.from_json("{")


def test_a_scenario_does_not_change_and_a_changed_one_is_checked():
    scenario = plain()
    with pytest.raises(ValidationError, match="frozen"):
        scenario.months = 24
    assert scenario.changed(months=24).months == 24
    with pytest.raises(SettingsError, match="Field months of the scenario"):
        scenario.changed(months=121)
