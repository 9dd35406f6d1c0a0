"""The inputs of the money page, one group at a time: unit, low, likely, high and source of each.

An edit makes a new scenario and stores it in the choice `money`, and so in the address. Draws
widgets; computes nothing.
"""

import streamlit as st

from core.decision.money.scenario import MEASURED, MoneyScenario, ScenarioQuantity
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.report.money_start import SHARED_INPUTS, quantity_with_end
from dashboard.components import controls
from dashboard.i18n import Words, escape_markdown
from dashboard.money.words import PERCENT, input_name, joined_list, option_names, unit_name
from dashboard.session import state
from dashboard.session.address import MOST_AMOUNT, shared_choices

INPUT_GROUPS = {
    "volume": ("cases_per_month", "ramp_months", "discount_rate"),
    "people": ("review_minutes", "reviewer_hour", "engineer_hour", "cashed_share"),
    "quality": (
        *(
            "student_coverage",
            "student_selective_risk",
            "student_error",
            "teacher_coverage",
            "teacher_selective_risk",
        ),
        *("reviewer_miss", "audit_share", "escape"),
    ),
    "machines": (
        "student_seconds",
        "teacher_seconds",
        "machine_hour",
        "teacher_hours",
        "distillation_hours",
    ),
    "once": ("labels", "label", "people_hours", "integration"),
    "again": ("redistillations", "redistillation_labels", "redistillation_people_hours"),
}
ENDS = ("low", "likely", "high")
_STEPS = {
    "seconds/case": 0.001,
    "minutes/case": 0.5,
    "cases/month": 100.0,
    "labels": 100.0,
    "currency": 1000.0,
}
_WIDTHS = (4, 2.5, 2.5, 2.5, 2.5)  # name, low, likely, high, basis


def setting_controls(words: Words) -> None:
    """Draw the scenario's settings that other pages share: threshold and currency."""
    label, hint = words("threshold"), words("money.threshold.help")
    st.slider(label, 0.0, 1.0, step=0.001, format="%.3f", key="t", help=hint, width=320)
    controls.currency_control(words, 140)


def option_control(words: Words, options: tuple[str, ...]) -> None:
    """Draw which option the charts detail."""
    names = option_names(words)
    controls.segments(words("money.look"), {option: names[option] for option in options}, "option")


def input_controls(words: Words, scenario: MoneyScenario, counted: float) -> None:
    """Draw one group of inputs, and the button that restores the measured values.

    counted: share of the run's cases that the scenario's volume counts.
    """
    groups = {name: words(f"money.group.{name}") for name in INPUT_GROUPS}
    label, first = words("money.group"), next(iter(groups))
    group = controls.segments(label, groups, "group", default=first, label_visibility="collapsed")
    heads = st.container(key="input_heads").columns(_WIDTHS)  # page.css: none on a phone
    for column, head in zip(heads, ("input", *ENDS, "basis"), strict=True):
        column.markdown(f"**{words(f'money.{head}')}**")
    for name in INPUT_GROUPS[group]:
        _row(words, scenario, name, counted)
    if group == "volume":
        _months(words, scenario)
    if state.present.money:
        label = words("money.reset")
        st.button(label, key="reset", on_click=_undo, icon=":material/undo:")


def _row(words: Words, scenario: MoneyScenario, name: str, counted: float) -> None:
    quantity, texts = scenario.inputs()[name], input_name(words, name)
    title, *ends, source = st.columns(_WIDTHS, vertical_alignment="center")
    title.markdown(
        f"{escape_markdown(texts)}  \n:small[:gray[{escape_markdown(unit_name(words, name, scenario.currency))}]]",
        help=_help(words, name),
    )
    scale = 100.0 if name in PERCENT else 1.0
    most = 100.0 if quantity.unit == "share" else scale * MOST_AMOUNT
    for column, end in zip(ends, ENDS, strict=True):
        key = f"in_{name}_{end}"
        # four digits: scaling a share adds rounding digits that the field would show
        state.set_value(key, float(f"{scale * getattr(quantity, end):.4g}"))
        column.number_input(
            f"{texts}: {words(f'money.{end}')}",
            0.0,
            most,
            key=key,
            step=_STEPS.get(quantity.unit, 1.0),
            format="%.6g",
            label_visibility="collapsed",
            on_change=_edit,
            args=(scenario, name, end, scale, counted),
        )
    with source:
        _source(words, quantity)


def _months(words: Words, scenario: MoneyScenario) -> None:
    """Draw the horizon: a choice, so it has no low and no high."""
    title, *ends, source = st.columns(_WIDTHS, vertical_alignment="center")
    title.markdown(
        f"{words('money.horizon')}  \n:small[:gray[{words('unit.months')}]]",
        help=words("money.horizon.help"),
    )
    state.set_value("in_months", scenario.months)
    ends[1].number_input(
        words("money.horizon"),
        1,
        120,
        step=6,
        key="in_months",
        on_change=_horizon,
        args=(scenario,),
        label_visibility="collapsed",
    )
    source.badge(words("money.chosen"), icon=":material/tune:", color="gray")


def _source(words: Words, quantity: ScenarioQuantity) -> None:
    icon, color = controls.BASIS_BADGES[quantity.basis]
    st.badge(words(quantity.basis), icon=icon, color=color)
    if quantity.basis == MEASURED:
        run_list = joined_list(words, quantity.runs)
        st.caption(
            words.markdown("money.from_runs", n=words.number(len(quantity.runs), 0)),
            help=escape_markdown(run_list),
        )


def _help(words: Words, name: str) -> str | None:
    """Return the explanation of an input, None if its name suffices."""
    explained = (
        "cashed_share",
        "student_selective_risk",
        "student_error",
        "student_coverage",
        "reviewer_miss",
        "ramp_months",
    )
    return words(f"input.{name}.help") if name in explained else None


def _edit(scenario: MoneyScenario, name: str, end: str, scale: float, counted: float) -> None:
    """Apply a typed value to the scenario; an emptied field gets its value back. A callback.

    A likely value that every page uses becomes the choice of all of them.
    """
    value = state.held_or_none(f"in_{name}_{end}", float)
    # without a minute, no hour has a price
    if value is None or (name == "review_minutes" and value <= 0):
        return
    changed = scenario.changed(
        **{name: quantity_with_end(scenario.inputs()[name], end, value / scale)}
    )
    state.set_value("money", changed.to_query())
    if name == "cases_per_month" and counted > 0:
        likely = changed.cases_per_month.likely
        state.set_value("volume", likely / DAYS_PER_MONTH / counted)
    elif name in SHARED_INPUTS:
        for choice, shared in shared_choices(changed).items():
            state.set_value(choice, shared)


def _undo() -> None:
    """Return to the measured inputs and the measured volume; unit costs stay. A callback."""
    state.set_value("money", None)
    state.set_value("volume", None)


def _horizon(scenario: MoneyScenario) -> None:
    if (months := state.held_or_none("in_months", int)) is not None:
        state.set_value("money", scenario.changed(months=months).to_query())
