"""The part of the page 'Policies' in which a version is drafted and proposed: starts, thresholds,
limits, certificate.

Guard, controls, call, show. All figures come from core.decision and core.report.
"""

import json
from functools import partial

import streamlit as st

from core.counts.tally import LeakageLimit, SelectiveRiskLimit
from core.decision.certificate.claims import Certificate
from core.decision.thresholds.optimiser import InfeasibleLimits, optimise_thresholds
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import ThresholdSolver, preset_thresholds
from core.errors import KakushinError
from core.report import policies
from core.report.policies import NO_RUN, NoProof
from core.store import steps
from core.store.ledger import Ledger
from dashboard.components import controls
from dashboard.i18n import escape_markdown
from dashboard.policies import (
    controls as policie_controls,
)
from dashboard.policies import replies
from dashboard.policies import (
    tables as policie_tables,
)
from dashboard.policies import (
    words as policie_words,
)
from dashboard.policies.scene import Scene, key_of, thresholds_of
from dashboard.session import cache, state

EVERY = 10  # thousandths between the thresholds that the optimiser tries: quick enough for a click
_LIMITS = {"leakage": LeakageLimit, "selective_risk": SelectiveRiskLimit}


def panel(scene: Scene) -> Policy:
    """Draw the editor, and return the draft."""
    words, run_id = scene.words, scene.record.run.run_id
    draft, rows, refused = policie_controls.draft(scene.cumulative, run_id)
    with st.container(border=True, key="panel_propose"):
        st.markdown(f"## {words('policy.edit')}", help=words("policy.edit.help"), anchors=False)
        policie_controls.starts(words, _offered(scene, draft))
        policie_controls.for_all(words, draft)
        policie_controls.editor(words, policie_tables.editor(words, rows), run_id)
        for position, value in refused:
            name = policie_words.row(words, *rows.loc[position, ["kind", "segment", "predicted"]])
            st.error(
                words.markdown("policy.refused", name=name, value=str(value)),
                icon=":material/error:",
            )
        st.caption(words("policy.edit.note"))
        st.markdown(policie_words.means(words, scene.means(draft), scene.chosen.currency))
        _optimiser(scene, draft)
        st.markdown(f"**{words('policy.certificate')}**", help=words("policy.certificate.help"))
        proof = _certificate(scene, draft)
        st.markdown(f"**{words('policy.who')}**")
        save = partial(_propose, scene, draft, proof, bool(refused))
        policie_controls.proposal(words, scene.record.run.dataset, save, scene.today)
        replies.show(words, "propose")
    return draft


def _offered(scene: Scene, draft: Policy) -> dict[str, Policy]:
    """What a draft can begin with: each preset, the active version, and the draft without
    thresholds of its own.
    """
    words, limit = scene.words, draft.epistemic_limit
    handles = ThresholdSolver(scene.cumulative, scene.terms, limit)
    found = {
        f"{words(f'preset.{name}')} {words.number(t, 3)}": Policy(t, epistemic_limit=limit)
        for name, t in preset_thresholds(handles).items()
    }
    active = None if scene.active is None else thresholds_of(scene.active)
    if active is not None:
        found[escape_markdown(words("policy.start.active", version=str(scene.active.version)))] = (
            active
        )
    if policies.own_rules(draft):
        found[words("policy.start.clear")] = Policy(draft.threshold, epistemic_limit=limit)
    return found


def _optimiser(scene: Scene, draft: Policy) -> None:
    words = scene.words
    with st.expander(words("policy.optimiser"), icon=":material/auto_fix_high:", key="optimiser"):
        policie_controls.optimise(words, partial(_search, scene, draft.epistemic_limit))
        by, found = state.held_value("optimum", (None, None))
        if isinstance(found, InfeasibleLimits):
            st.warning(policie_words.optimum(words, found, ()), icon=":material/block:")
        elif found is not None and found.consequence.policy == draft:
            pooled = [_pooled_name(scene, by, name) for name in found.pooled]
            st.success(policie_words.optimum(words, found, pooled), icon=":material/check:")


def _search(scene: Scene, epistemic_limit: float | None) -> None:
    """Find the cheapest draft within the limits as they are typed now: a callback."""
    measure, most, capacity, by = (
        state.chosen(name) for name in ("limited", "most", "capacity", "draft_by")
    )
    limit = None if most is None else _LIMITS[measure](round(most / 100, 12))
    try:
        found = optimise_thresholds(
            scene.cumulative, scene.terms, by, limit, capacity, epistemic_limit, every=EVERY
        )
    except KakushinError as error:
        replies.say("propose", "error", "policy.not_found", sentence=error)
        return
    state.set_value("optimum", (by, found))
    if not isinstance(found, InfeasibleLimits):
        policie_controls.begin(found.consequence.policy)


def _pooled_name(scene: Scene, by: str, name: object) -> str:
    pair = {"segment": (name, ""), "class": ("", name), "cell": name}[by]
    return policie_words.row(scene.words, by, *pair)


def _certificate(scene: Scene, draft: Policy) -> Certificate | NoProof:
    """Draw what is to be promised, and say what the calibration cases certify of the draft."""
    controls.promise(scene.words)
    found = _proof(scene, draft)
    box, icon = (st.success, "verified") if isinstance(found, Certificate) else (st.info, "info")
    box(policie_words.proof(scene.words, found), icon=f":material/{icon}:")
    return found


def _proof(scene: Scene, draft: Policy) -> Certificate | NoProof:
    record, chosen = scene.calibration, scene.chosen
    none = policies.no_proof_at_all(draft)
    if none is not None:
        return none
    if record is None:
        return NoProof(NO_RUN)
    promise = (chosen.measure, chosen.target, round(1 - chosen.sure, 6))
    origin = (record.run.model_hash, record.run.dataset)
    ids = (record.run.run_id,)
    return cache.cached_from_predictions(
        policies.proof,
        policies.COLUMNS,
        ids,
        draft.threshold,
        draft.epistemic_limit,
        promise,
        origin,
        scene.today,
    )


def _propose(scene: Scene, draft: Policy, proof: Certificate | NoProof, refused: bool) -> None:
    """Save what was shown as a new version: a callback, which a second click repeats without a
    second version.
    """
    name, author, reason = (replies.typed(key) for key in ("policy_name", "author", "reason"))
    missing = replies.missing(
        {"policy.name": name, "policy.author": author, "policy.reason": reason}
    )
    if missing or refused:
        replies.say("propose", "error", missing or "policy.refused.first")
        return
    certified = isinstance(proof, Certificate)
    runs = [scene.record.run.run_id, *([scene.calibration.run.run_id] if certified else [])]
    certificate = json.loads(proof.to_json()) if certified else None
    try:
        ledger, expires = Ledger(cache.store()), state.chosen("expires")
        made, new = steps.record_proposal(
            ledger, name, draft.to_dict(), author, reason, runs, certificate, expires
        )
    except KakushinError as error:
        replies.say("propose", "error", "policy.not_saved", sentence=error)
        return
    replies.say(
        "propose",
        "success",
        "policy.saved" if new else "policy.saved_before",
        version=str(made.version),
        name=name,
    )
    for choice in ("before", "after"):  # the newest proposal is another one now
        state.set_value(choice, None)
    state.set_value("decided", key_of(made))
