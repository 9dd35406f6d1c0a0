"""The part of the page 'Policies' that drafts and proposes a version.

It draws starts, thresholds, limits and the certificate. Guard, controls, call, show. All figures
come from core.decision and core.report.
"""

import json
from datetime import date
from functools import partial

import streamlit as st

from core.counts.tally import risk_limit
from core.decision.certificate.claims import Certificate
from core.decision.thresholds.optimiser import CellName, OptimalPolicy, optimise_thresholds
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import (
    InfeasibleLimits,
    ThresholdSolver,
    preset_thresholds,
)
from core.errors import KakushinError
from core.report import policies
from core.report.policies import NO_RUN, ProofObstacle
from core.store import steps
from core.store.ledger import Ledger
from dashboard.components import controls
from dashboard.i18n import escape_markdown
from dashboard.policies import context as policies_context
from dashboard.policies import controls as policy_controls
from dashboard.policies import tables as policy_tables
from dashboard.policies import words as policy_words
from dashboard.policies.context import PoliciesContext, readable_thresholds, version_key
from dashboard.session import cache, state

OPTIMISER_STEP = (
    10  # thousandths between the thresholds that the optimiser tries: quick enough for a click
)
# the grouping of the last search and its result
_NO_OPTIMUM: tuple[str, OptimalPolicy | InfeasibleLimits | None] = ("", None)


def draw_editor(context: PoliciesContext) -> Policy:
    """Draw the editor and return the draft."""
    words, run_id = context.words, context.record.run.run_id
    draft, rows, refused = policy_controls.edited_draft(context.cumulative, run_id)
    with st.container(border=True, key="panel_propose"):
        st.markdown(f"## {words('policy.edit')}", help=words("policy.edit.help"), anchors=False)
        policy_controls.draft_starts(words, _offered(context, draft))
        policy_controls.common_threshold_controls(words, draft)
        policy_controls.threshold_editor(words, policy_tables.editor_frame(words, rows), run_id)
        for position, value in refused:
            name = policy_words.row_name(
                words, *rows.loc[position, ["kind", "segment", "predicted"]]
            )
            text = words.markdown("policy.refused", name=name, value=str(value))
            st.error(text, icon=":material/error:")
        st.caption(words("policy.edit.note"))
        st.markdown(
            policy_words.draft_sentence(words, context.means(draft), context.choices.currency)
        )
        _optimiser(context, draft)
        st.markdown(f"**{words('policy.certificate')}**", help=words("policy.certificate.help"))
        proof = _certificate(context, draft)
        st.markdown(f"**{words('policy.who')}**")
        save = partial(_propose, context, draft, proof, bool(refused))
        policy_controls.proposal_form(words, context.record.run.dataset, save, context.today)
        policies_context.show_reply(words, "propose")
    return draft


def _offered(context: PoliciesContext, draft: Policy) -> dict[str, Policy]:
    """Return label -> policy that a draft can begin with.

    Each preset, the active version, and the draft without its specific thresholds.
    """
    words, limit = context.words, draft.epistemic_limit
    handles = ThresholdSolver(context.cumulative, context.terms, limit)
    offered = {
        f"{words(f'preset.{name}')} {words.number(t, 3)}": Policy(t, epistemic_limit=limit)
        for name, t in preset_thresholds(handles).items()
    }
    active = context.active
    if active is not None and (policy := readable_thresholds(active)) is not None:
        # a button's label is markdown, too
        label = escape_markdown(words("policy.start.active", version=str(active.version)))
        offered[label] = policy
    if policies.own_rules(draft):
        offered[words("policy.start.clear")] = Policy(draft.threshold, epistemic_limit=limit)
    return offered


def _optimiser(context: PoliciesContext, draft: Policy) -> None:
    words = context.words
    with st.expander(words("policy.optimiser"), icon=":material/auto_fix_high:", key="optimiser"):
        policy_controls.optimiser_controls(words, partial(_search, context, draft.epistemic_limit))
        by, optimum = state.held_value("optimum", _NO_OPTIMUM)
        if isinstance(optimum, InfeasibleLimits):
            st.warning(policy_words.optimum_sentence(words, optimum, ()), icon=":material/block:")
        # an edit after the search makes the draft another policy, and its sentence would be wrong
        elif optimum is not None and optimum.consequence.policy == draft:
            pooled = [_pooled_name(context, by, name) for name in optimum.pooled]
            st.success(
                policy_words.optimum_sentence(words, optimum, pooled), icon=":material/check:"
            )


def _search(context: PoliciesContext, epistemic_limit: float | None) -> None:
    """Find the cheapest draft within the present limits; a callback.

    Reads the limits from the session, since the widgets' new values are newer than `context`.
    """
    present, by = state.present, state.held_value("draft_by", "segment")
    try:
        optimum = optimise_thresholds(
            context.cumulative,
            context.terms,
            by,
            risk_limit(present.limited, present.most),
            present.capacity,
            epistemic_limit,
            every=OPTIMISER_STEP,
        )
    except KakushinError as error:
        policies_context.store_reply("propose", "error", "policy.not_found", sentence=error)
        return
    state.set_value("optimum", (by, optimum))
    if not isinstance(optimum, InfeasibleLimits):
        policy_controls.begin_draft(optimum.consequence.policy)


def _pooled_name(context: PoliciesContext, by: str, name: CellName) -> str:
    if isinstance(name, tuple):
        segment, predicted = name
    else:
        segment, predicted = (name, "") if by == "segment" else ("", name)
    return policy_words.row_name(context.words, by, segment, predicted)


def _certificate(context: PoliciesContext, draft: Policy) -> Certificate | ProofObstacle:
    """Draw the promise, and what the calibration cases certify of the draft; return it."""
    controls.promise(context.words)
    proof = _proof(context, draft)
    box, icon = (st.success, "verified") if isinstance(proof, Certificate) else (st.info, "info")
    box(policy_words.proof_sentence(context.words, proof), icon=f":material/{icon}:")
    return proof


def _proof(context: PoliciesContext, draft: Policy) -> Certificate | ProofObstacle:
    record, choices = context.calibration, context.choices
    # before any data is read: a draft with specific thresholds cannot have a certificate
    none = policies.proof_obstacle(draft)
    if none is not None:
        return none
    if record is None:
        return ProofObstacle(NO_RUN)
    promise = (choices.measure, choices.target, round(1 - choices.sure, 6))
    origin = (record.run.model_hash, record.run.dataset)
    ids = (record.run.run_id,)
    return cache.cached_from_predictions(
        policies.certificate_of_draft,
        policies.CERTIFICATE_COLUMNS,
        ids,
        draft.threshold,
        draft.epistemic_limit,
        promise,
        origin,
        context.today,
    )


def _propose(
    context: PoliciesContext, draft: Policy, proof: Certificate | ProofObstacle, refused: bool
) -> None:
    """Store the displayed draft as a new version; a callback.

    A second click stores no second version. refused: whether the editor holds a refused cell.
    """
    name, author, reason = (
        policies_context.typed_text(key) for key in ("policy_name", "author", "reason")
    )
    missing = policies_context.missing_text(
        {"policy.name": name, "policy.author": author, "policy.reason": reason}
    )
    if missing or refused:
        policies_context.store_reply("propose", "error", missing or "policy.refused.first")
        return
    # the version names the runs that its author saw, as its evidence
    runs, certificate = [context.record.run.run_id], None
    if isinstance(proof, Certificate) and context.calibration is not None:
        runs.append(context.calibration.run.run_id)
        certificate = json.loads(proof.to_json())
    try:
        ledger, expires = Ledger(cache.store()), state.held_or_none("expires", date)
        proposal, new = steps.record_proposal(
            ledger, name, draft.to_dict(), author, reason, runs, certificate, expires
        )
    except KakushinError as error:
        policies_context.store_reply("propose", "error", "policy.not_saved", sentence=error)
        return
    policies_context.store_reply(
        "propose",
        "success",
        "policy.saved" if new else "policy.saved_before",
        version=str(proposal.version),
        name=name,
    )
    for choice in ("before", "after"):  # the newest proposal has changed
        state.set_value(choice, None)
    state.set_value("decided", version_key(proposal))
