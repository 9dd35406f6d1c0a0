"""The buttons below the verdict of the page 'Decide': keep the view, propose it, take it along.

Each acts on the policy in use: the threshold, with the groups that the reader sends to people. A
scenario and a proposal go through the store's ledger, as those of the pages 'Meeting' and
'Policies' do.
"""

from functools import partial

import streamlit as st

from core.decision.meeting.scenario import COLUMN_NAMES
from core.decision.thresholds.decisions import decide_cases
from core.errors import KakushinError
from core.export import csv_bytes
from core.report import meeting
from core.store import steps
from core.store.entries import MAX_NAME
from core.store.ledger import Ledger
from dashboard.components.downloads import CASES, CSV, Export, draw_download
from dashboard.i18n import Words
from dashboard.session import cache, state
from dashboard.session.context import RunContext

_WORKLIST = ("case_id", "segment", "text", "predicted", "confidence", "epistemic")


def draw_actions(context: RunContext) -> None:
    """Draw the three actions on the policy in use, in one row."""
    words = context.words
    with st.popover(words("action.save"), icon=":material/ac_unit:", key="action_save"):
        _save(context)
    with st.popover(words("action.propose"), icon=":material/gavel:", key="action_propose"):
        _propose(context)
    details = {"table": "worklist", "rule": context.policy.to_dict()}
    draw_download(
        words("action.worklist"),
        partial(worklist_file, context),
        Export("kakushin-worklist.csv", CSV, CASES, context.run_id, details),
        "action_worklist",
        ":material/checklist:",
        help=words("action.worklist.help"),
    )


def _author(words: Words, place: str) -> str:
    return st.text_input(
        words("who"), key=f"author_{place}", max_chars=MAX_NAME, placeholder=words("required")
    ).strip()


def _save(context: RunContext) -> None:
    words, choices = context.words, context.choices
    name = st.segmented_control(
        words("meeting.name"), COLUMN_NAMES, default="A", key="save_as", required=True
    )
    author = _author(words, "save")
    if not st.button(words("action.save.do"), key="save_scenario", type="primary"):
        return
    try:
        counts = cache.cached_query(meeting.run_counts, context.run_id)
        scenario = meeting.scenario_of(
            str(name),
            counts,
            context.policy,
            choices.segment,
            choices.unseen,
            choices.volume,
            context.costs,
            choices.minutes,
        )
        frozen = meeting.freeze_scenario(cache.store(), scenario, author)
    except KakushinError as error:
        st.error(words.markdown("action.refused", sentence=words.error_text(error)))
        return
    version = words.number(frozen.version, 0)
    # A toast outlasts the rerun that follows the store's new version.
    text = words.markdown("meeting.frozen_as", name=str(name), version=version)
    st.toast(text, icon=":material/ac_unit:")


def _propose(context: RunContext) -> None:
    words = context.words
    st.caption(words("action.propose.note"))
    author = _author(words, "propose")
    reason = st.text_input(
        words("policy.reason"),
        key="propose_reason",
        max_chars=MAX_NAME,
        placeholder=words("required"),
    ).strip()
    if not st.button(words("action.propose.do"), key="propose_policy", type="primary"):
        return
    run = context.record.run
    try:
        proposal, _ = steps.record_proposal(
            Ledger(cache.store()),
            run.dataset,
            context.policy.to_dict(),
            author,
            reason,
            [run.run_id],
        )
    except KakushinError as error:
        st.error(words.markdown("action.refused", sentence=words.error_text(error)))
        return
    # The page 'Policies' opens on exactly this version.
    key = f"{proposal.name}@{proposal.version}"
    state.set_value("decided", key)
    state.open_page("policies", before=None, after=key)


def worklist_file(context: RunContext) -> bytes:
    """Return the cases that the policy in use sends to people as CSV, the least sure first."""
    rows = cache.store().predictions(context.run_id, list(_WORKLIST))
    if context.segment is not None:
        rows = rows[rows["segment"].eq(context.segment)]
    columns = [rows[name] for name in ("segment", "predicted", "confidence", "epistemic")]
    decisions = decide_cases(context.policy, *columns)
    worklist = rows.assign(reason=decisions.reasons)[~decisions.accepted]
    return csv_bytes(worklist.sort_values("confidence", ignore_index=True))
