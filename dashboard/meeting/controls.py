"""The widgets of the meeting page: author, freezing, assumptions, decision log, exports.

Draws widgets and returns their input; writes nothing and computes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import streamlit as st

from core.decision.meeting.scenario import COLUMN_NAMES
from core.report.exports import EXPORT_FORMATS
from core.report.meeting import ScenarioColumn
from core.store.entries import MAX_NAME
from dashboard.components import controls
from dashboard.components.downloads import Export, draw_download
from dashboard.components.sentences import Card
from dashboard.i18n import Words, escape_markdown
from dashboard.session import state
from dashboard.session.address import (
    CONFIDENCE_LEVELS,
    HALF_WIDTHS,
    MOST_AMOUNT,
    TARGETS,
    TRIAL_DAYS,
)

NOTHING = -1  # in the list of scenarios, where None means that nothing is selected
_ICONS = {
    "pptx": ":material/slideshow:",
    "pdf": ":material/picture_as_pdf:",
    "xlsx": ":material/table_view:",
}


@dataclass(frozen=True)
class TypedDecision:
    """The input of the decision form; `about`: index of the scenario's column, None for none."""

    decision: str
    reason: str
    about: int | None


def large_control(words: Words) -> None:
    """Draw the switch to large type."""
    st.toggle(words("meeting.large"), key="large", help=words("meeting.large.help"))


def author_control(words: Words) -> str:
    """Draw the author's name and return it."""
    label, hint = words("meeting.author"), words("meeting.author.help")
    return st.text_input(
        label, key="author", max_chars=MAX_NAME, help=hint, width=220, placeholder=words("required")
    ).strip()


def freeze_form(words: Words, policies: Mapping[str, str], named: bool) -> tuple[str, str] | None:
    """Draw the form that freezes the present view; return (scenario, key of `policies`) at a click.

    policies: key -> display name. named: whether an author is set; without one the button is
    disabled.
    """
    which, rule, go = st.columns([2, 3, 2], vertical_alignment="bottom")
    names = {name: name for name in COLUMN_NAMES}
    name = controls.segments(words("meeting.name"), names, "freeze_as", which, default="A")
    rule_key = controls.select(words("meeting.what"), policies, "freeze_what", rule)
    pressed = go.button(
        words("meeting.freeze.do"),
        key="freeze",
        type="primary",
        disabled=not named,
        icon=":material/ac_unit:",
    )
    if not named:
        st.caption(words("meeting.freeze.name_first"))
    return (name, rule_key) if pressed else None


def assumption_controls(words: Words, columns: Sequence[ScenarioColumn]) -> None:
    """Draw the assumptions of all scenarios; an empty field leaves each as it was frozen."""
    step, form = controls.amount_steps(words, columns[0].frozen.scenario.currency)
    fields = {
        "m_review": ("review", step, form),
        "m_escape": ("escape", 20 * step, form),
        "m_volume": ("cases_per_day", 1.0, "%g"),
    }
    labels = {"m_review": "cost.review", "m_escape": "cost.escape", "m_volume": "volume"}
    *places, back = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
    for place, (key, (name, step, form)) in zip(places, fields.items(), strict=True):
        frozen = list(
            dict.fromkeys(
                words.number(getattr(column.frozen.scenario, name), figures=3) for column in columns
            )
        )
        hint = words("meeting.as_frozen", values=words.comma.join(frozen))
        place.number_input(
            words(labels[key]),
            0.0,
            MOST_AMOUNT,
            value=None,
            step=step,
            key=key,
            placeholder=hint,
            format=form,
        )
    back.button(
        words("meeting.back"),
        key="meeting_back",
        disabled=all(getattr(state.present, key) is None for key in fields),
        on_click=_reset,
        args=(tuple(fields),),
        icon=":material/undo:",
    )


def decision_form(
    words: Words, columns: Sequence[ScenarioColumn], named: bool
) -> TypedDecision | None:
    """Draw the form of the decision log; return its input once it is sent.

    The fields' keys end in the form's token, so they are empty after the decision is in the log.
    named: whether an author is set.
    """
    token = state.token("decision")
    with st.form(f"decision_{token}", border=False):
        version = [
            words("meeting.version", name=c.name, version=words.number(c.frozen.version, 0))
            for c in columns
        ]
        about, decision = st.columns([1, 3])
        shows = {NOTHING: words("meeting.log.none")} | dict(enumerate(version))
        place = controls.select(words("meeting.log.scenario"), shows, f"about_{token}", about)
        decision_text = decision.text_input(
            words("meeting.log.decision"), key=f"decided_{token}", max_chars=MAX_NAME
        )
        why = st.text_input(words("meeting.log.reason"), key=f"reason_{token}", max_chars=MAX_NAME)
        sent = st.form_submit_button(
            words("meeting.log.add"), disabled=not named, icon=":material/edit_note:"
        )
    if not named:
        st.caption(words("meeting.log.name_first"))
    return (
        TypedDecision(decision_text.strip(), why.strip(), None if place == NOTHING else place)
        if sent
        else None
    )


def trial_controls(words: Words, names: Sequence[str]) -> None:
    """Draw the plan of the proof of concept: scenario, width, promise, days."""
    state.clamp_choice("plan_for", list(names), names[0])
    places = st.columns(5, vertical_alignment="bottom")
    boxes: dict[str, dict[str, str] | dict[float, str]] = {
        "plan_for": {name: name for name in names},
        "half": {half: words.percent(half) for half in HALF_WIDTHS},
        "target": {target: words.percent(target) for target in TARGETS},
        "sure": {share: words.percent(share, 0) for share in CONFIDENCE_LEVELS},
        "days": {float(d): words("poc.within", days=words.number(d, 0)) for d in TRIAL_DAYS},
    }
    for place, (key, shows) in zip(places, boxes.items(), strict=True):
        label, hint = words(f"poc.{key}"), words(f"poc.{key}.help")
        controls.select(label, cast(Mapping[object, str], shows), key, place, help=hint)


def export_controls(words: Words, make: Callable[[str], bytes]) -> None:
    """Draw one button a format; `make` makes the file at a click."""
    for place, (form, mime) in zip(
        st.columns(len(EXPORT_FORMATS)), EXPORT_FORMATS.items(), strict=True
    ):
        with place:
            draw_download(
                words(f"meeting.export.{form}"),
                partial(make, form),
                Export(f"kakushin-minutes.{form}", mime),
                f"export_{form}",
                _ICONS[form],
                width="stretch",
            )


def large_card(card: Card) -> None:
    """Draw a figure that can be read across a room, as markdown and KaTeX.

    A heading is hardly larger than a metric, and a metric has one size in the whole program; KaTeX
    follows the theme's colours.
    """
    st.markdown(f"### {escape_markdown(card.label)}", help=card.help, anchors=False)
    # in Large, more than eight characters would leave the column
    size = "Large" if len(card.value) <= 8 else "normalsize"
    st.markdown(f"# $$\\{size}\\textsf{{{tex_text(card.value)}}}$$", anchors=False)
    st.markdown(f"### {escape_markdown(card.lines[0])}", anchors=False)
    st.markdown("  \n".join(map(escape_markdown, card.lines[1:])))


def tex_text(value: str) -> str:
    """Return a figure so that KaTeX's text mode shows it literally.

    Figures hold signs of money and percent, but no markup.
    """
    return value.replace("%", "\\%").replace("$", "\\textdollar{}").replace("\u2060", "")


def _reset(keys: Sequence[str]) -> None:
    for key in keys:
        state.set_value(key, None)
