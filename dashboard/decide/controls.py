"""The widgets of the page 'Decide' alone: goal, presets, comparison, the desk's work, another mix.

Draws widgets whose keys are the names in dashboard.session.address.Choices; computes nothing.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.decision.thresholds.solver import PRESET_NAMES, SHADOW
from dashboard.components import controls
from dashboard.i18n import Words
from dashboard.session import state
from dashboard.session.address import (
    BY_CLASS,
    BY_LEAKAGE,
    BY_PEOPLE,
    BY_SEGMENT,
    COMPARE_ACTIVE,
    COMPARE_PREVIOUS,
    GOALS,
    MOST_PEOPLE,
)

GOAL_CHANGED = "goal_changed"  # a change of the goal leaves it for state.take


def goal(words: Words) -> None:
    """Draw the goal that sets the threshold, and the number that belongs to it.

    A change leaves GOAL_CHANGED for the page, which can compute the threshold.
    """
    names = {name: words(f"goal.{name}") for name in GOALS}
    changed: dict[str, Any] = {"on_change": state.set_value, "args": (GOAL_CHANGED, True)}
    by = controls.segments(words("goal"), names, "goal", **changed)
    if by == BY_PEOPLE:
        # a link may hold less than a step, and number_input raises for it
        least, label = min(0.5, state.present.goal_people), words("goal.number.people")
        most = float(MOST_PEOPLE)
        st.number_input(
            label, least, most, step=0.5, format="%g", width=140, key="goal_people", **changed
        )
    elif by == BY_LEAKAGE:
        label = words("goal.number.leakage")
        st.number_input(label, 0.0, 100.0, step=0.1, width=140, key="goal_leakage", **changed)


def presets(words: Words, thresholds: dict[str, float], faults: Mapping[str, str]) -> None:
    """Draw a button for each preset, which sets the threshold; the current one is marked.

    faults: preset -> why it is no use here; its button says so, and only SHADOW, which is meant to
    accept nothing, can be pressed.
    Buttons, not a segmented control: a browser repeats the choice of a control with every request,
    which would undo a move of the handle that it does not know yet.
    """
    here = next(
        (name for name, threshold in thresholds.items() if threshold == state.present.t), None
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="preset"):
        st.markdown(f":small[{words('preset')}]", help=words("preset.help"), width="content")
        for name, threshold in thresholds.items():
            label = words(f"preset.{name}")
            if name in faults:
                label = words(f"preset.fault.{faults[name]}", name=label)
            st.button(
                label,
                key=f"preset_{name}",
                on_click=state.set_value,
                args=("t", threshold),
                disabled=name in faults and name != SHADOW,
                type="primary" if name == here else "secondary",
                icon=":material/check:" if name == here else None,
            )


def compare(words: Words) -> None:
    """Draw the reference of the threshold: the active policy, the previous threshold, or a preset."""
    names = {name: words(f"compare.{name}") for name in (COMPARE_ACTIVE, COMPARE_PREVIOUS)}
    names |= {name: words(f"preset.{name}") for name in PRESET_NAMES}
    controls.segments(words("compare"), names, "compare")


def split(words: Words) -> None:
    """Draw the choice between segments and classes for the threshold's result."""
    names = {name: words(f"by.{name}") for name in (BY_SEGMENT, BY_CLASS)}
    controls.segments(words("by"), names, "by", label_visibility="collapsed")


def work(words: Words, asks_reviewers: bool = True) -> None:
    """Draw the shifts of one reviewer, the due time, and the number of simulated people.

    asks_reviewers: False if the goal names the people already.
    """
    controls.source_badge(words, "assumed")
    fields = (
        ("shift", 0.5, 16.0, 0.5),
        ("busy", 1.0, 100.0, 5.0),
        ("sla", 0.5, 10_000.0, 1.0),
    )
    columns = st.columns(len(fields) + 1, vertical_alignment="bottom")
    for column, (name, least, most, step) in zip(columns, fields, strict=False):
        # a link may hold less than the lowest step, and number_input raises for it
        least = min(least, getattr(state.present, name))
        label, hint = words(f"work.{name}"), words(f"work.{name}.help")
        column.number_input(label, least, most, step=step, format="%0.1f", key=name, help=hint)
    if not asks_reviewers:
        return
    columns[-1].number_input(
        words("work.reviewers"),
        1,
        MOST_PEOPLE,
        value=None,
        step=1,
        key="reviewers",
        placeholder=words("work.enough"),
        help=words("work.reviewers.help"),
    )


def mix_control(words: Words, kinds: dict[str, str], measured: float) -> None:
    """Draw which label becomes more or less frequent, and its share.

    words: the catalogue. kinds: label -> display name. measured: share of the selected
    label in the cases, 0..1.
    """
    kind, share = st.columns([2, 3], vertical_alignment="bottom")
    controls.select(
        words("mix.kind"), kinds, "mix", kind, on_change=state.set_value, args=("share", None)
    )
    share.number_input(
        words("mix.share_percent"),
        0.0,
        100.0,
        value=None,
        step=1.0,
        format="%0.1f",
        key="share",
        placeholder=words("mix.seen_share", share=words.percent(measured)),
    )
