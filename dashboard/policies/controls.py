"""The widgets of the page 'Policies': threshold editor, draft starts, proposal form, steps.

The session holds the draft: `draft` is its policy, and the editor's typed cells modify the policy
that it began with. Its common threshold is the choice `t`, so that a link and the other pages
follow. Computes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

import pandas as pd
import streamlit as st

from core.counts.histogram import EPISTEMIC_LIMITS
from core.counts.joint import REVIEW_ALL, JointCumulative
from core.decision.thresholds.optimiser import GROUPINGS
from core.decision.thresholds.policy import Policy
from core.report.policies import edited_policy, editor_rows
from core.store.entries import MAX_NAME
from dashboard.components import controls
from dashboard.i18n import Words
from dashboard.policies.words import limit_text
from dashboard.session import state

NO_LIMIT = 0.0  # in the list of epistemic limits, where None means that nothing is selected
ROW, MOST_HEIGHT = 35, 640  # pixels of a row, and the maximal height of the editor


def edited_draft(
    cumulative: JointCumulative, run_id: str
) -> tuple[Policy, pd.DataFrame, tuple[tuple[int, object], ...]]:
    """Apply the editor's typed cells to the draft; return the draft, its rows, and refused cells.

    A refused cell is (row, value), where the value is not a threshold. The two editable columns of
    the rows stay as they were when the editor began, and the browser lays the typed cells over
    them: it forgets a typed cell whose value the table contains as well. The other columns show the
    draft's counts.
    """
    t, key = state.present.t, _editor_key(run_id)
    draft = present_draft()
    if draft.threshold != REVIEW_ALL:
        draft = replace(draft, threshold=t)
    editor = state.held_or_none(key, dict)
    if editor is None:  # a new editor: typed cells modify the present draft
        state.set_value("draft_base", draft)
    base = replace(
        state.held_value("draft_base", draft),
        threshold=draft.threshold,
        epistemic_limit=draft.epistemic_limit,
    )
    typed = {} if editor is None else editor.get("edited_rows", {})
    begun = editor_rows(cumulative, base)
    edited, refused = edited_policy(base, begun, typed)
    state.set_value("draft", edited)
    rows = editor_rows(cumulative, edited, base).assign(
        own=begun["own"], review_all=begun["review_all"]
    )
    return edited, rows, refused


def present_draft() -> Policy:
    """Return the draft; at first one threshold for all, that of the address."""
    return state.held_value("draft", Policy(state.present.t))


def begin_draft(policy: Policy) -> None:
    """Set the draft to `policy` with a new editor; a callback."""
    state.set_value("draft", policy)
    # part of the editor's key, so that no typed cell of the previous draft survives
    state.set_value("draft_number", state.held_value("draft_number", 0) + 1)
    if policy.threshold != REVIEW_ALL:
        state.set_value("t", policy.threshold)


def draft_starts(words: Words, offered: Mapping[str, Policy]) -> None:
    """Draw a button for each policy that a draft can begin with. offered: label -> policy."""
    st.caption(words("policy.starts"))
    with st.container(horizontal=True, key="starts"):
        for place, (label, policy) in enumerate(offered.items()):
            st.button(label, key=f"start_{place}", on_click=begin_draft, args=(policy,))


def common_threshold_controls(words: Words, policy: Policy) -> None:
    """Draw the common rule: the threshold, or review of all cases, and the epistemic limit.

    It holds for every case without a more specific rule.
    """
    number, everything, epistemic = st.columns([2, 2, 2], vertical_alignment="bottom")
    with number:
        controls.threshold(words)
    # set in each run: the draft may have changed by another widget, and it decides
    state.set_value("draft_all", policy.threshold == REVIEW_ALL)
    everything.toggle(
        words("policy.all_reviewed"),
        key="draft_all",
        on_change=_all_reviewed,
        help=words("policy.all_reviewed.help"),
    )
    limits = [NO_LIMIT, *EPISTEMIC_LIMITS.tolist()]
    limit = policy.epistemic_limit
    state.set_value("draft_limit", NO_LIMIT if limit is None else limit)
    shows = {value: limit_text(words, value or None) for value in limits}
    label, hint = words("policy.limit"), words("policy.limit.help")
    controls.select(label, shows, "draft_limit", epistemic, on_change=_limited, help=hint)


def threshold_editor(words: Words, table: pd.DataFrame, run_id: str) -> None:
    """Draw the rows of segments, classes and cells; two columns are editable.

    table: of policies.tables.editor_frame.
    """
    columns = st.column_config
    st.data_editor(
        table,
        key=_editor_key(run_id),
        hide_index=True,
        placeholder=words("policy.as_all"),
        disabled=["kind", "name", "labelled", "errors", "leakage"],
        height=min(MOST_HEIGHT, ROW * (len(table) + 1) + 3),
        column_config={
            "kind": columns.TextColumn(words("policy.column.kind"), width="small"),
            "name": columns.TextColumn(words("policy.column.name"), width="medium"),
            "own": columns.NumberColumn(
                words("policy.column.own"),
                min_value=0.0,
                max_value=1.0,
                step=0.001,
                format="%.3f",
                help=words("policy.column.own.help"),
            ),
            "review_all": columns.CheckboxColumn(
                words("policy.column.review_all"), help=words("policy.all_reviewed.help")
            ),
            "labelled": columns.NumberColumn(
                "n", format="localized", help=words("policy.column.n.help")
            ),
            "errors": columns.NumberColumn(words("policy.column.errors"), format="localized"),
            "leakage": columns.TextColumn(words("policy.column.leakage"), width="medium"),
        },
    )


def optimiser_controls(words: Words, search: Callable[[], None]) -> None:
    """Draw limits, grouping and the button; `search` is its callback."""
    controls.limit_controls(words)
    by, button = st.columns([2, 1], vertical_alignment="bottom")
    names = {name: words(f"policy.by.{name}") for name in GROUPINGS}
    controls.segments(words("policy.by"), names, "draft_by", by, default="segment")
    button.button(
        words("policy.optimise"), key="optimise", on_click=search, icon=":material/auto_fix_high:"
    )


def proposal_form(words: Words, name: str, save: Callable[[], None], today: date) -> None:
    """Draw name, author, reason and last day with the button.

    words: the catalogue. name: initial name of the policy. save: the button's callback. today: the
    earliest last day.
    """
    if state.held_or_none("policy_name", str) is None:
        state.set_value("policy_name", name)
    with st.form("propose", border=False):
        left, middle, right = st.columns([2, 2, 2])
        left.text_input(
            words("policy.name"),
            key="policy_name",
            max_chars=MAX_NAME,
            help=words("policy.name.help"),
        )
        middle.text_input(
            words("policy.author"), key="author", max_chars=MAX_NAME, placeholder=words("required")
        )
        right.date_input(
            words("policy.expires"),
            value=None,
            min_value=today,
            key="expires",
            help=words("policy.expires.help"),
        )
        st.text_input(
            words("policy.reason"),
            key="reason",
            max_chars=MAX_NAME,
            placeholder=words("policy.reason.hint"),
        )
        st.form_submit_button(
            words("policy.propose"), key="propose_button", type="primary", on_click=save
        )


def person_controls(words: Words) -> None:
    """Draw the name and the reason of the person who takes a step."""
    left, right = st.columns([1, 2])
    left.text_input(
        words("policy.person"), key="decider", max_chars=MAX_NAME, placeholder=words("required")
    )
    right.text_input(
        words("policy.why"), key="why", max_chars=MAX_NAME, placeholder=words("required")
    )


def step_buttons(
    words: Words, labels: Mapping[str, str], possible: tuple[str, ...], take: Callable[[str], None]
) -> None:
    """Draw the buttons of the three steps; impossible steps are disabled.

    words: the catalogue. labels: step -> label. possible: steps that can be taken. take: callback,
    gets the step.
    """
    icons = {
        "approve": ":material/thumb_up:",
        "activate": ":material/play_arrow:",
        "undo": ":material/undo:",
    }
    with st.container(horizontal=True, key="steps"):
        for step, label in labels.items():
            st.button(
                label,
                key=f"step_{step}",
                on_click=take,
                args=(step,),
                disabled=step not in possible,
                type="primary" if step in possible else "secondary",
                icon=icons[step],
            )


def _editor_key(run_id: str) -> str:
    """Return the editor's key, new for each draft and run.

    Streamlit stores typed cells by their row number, which fits only the same rows.
    """
    return f"own_{state.held_value('draft_number', 0)}_{run_id}"


def _all_reviewed() -> None:
    threshold = REVIEW_ALL if state.held_value("draft_all", False) else state.present.t
    state.set_value("draft", replace(present_draft(), threshold=threshold))


def _limited() -> None:
    limit = state.held_value("draft_limit", NO_LIMIT) or None
    state.set_value("draft", replace(present_draft(), epistemic_limit=limit))
