"""The part of the page 'Policies' in which a version is drafted and proposed: starts, thresholds, limits, certificate.

Guard, controls, call, show. All figures come from core.decision and core.report.
"""

import json
from functools import partial

import streamlit as st

from core.decision.certificate import Certificate
from core.decision.handles import Handles
from core.decision.optimiser import Infeasible, optimise
from core.decision.policy import Policy
from core.decision.presets import preset_thresholds
from core.decision.tally import LeakageLimit, SelectiveRiskLimit
from core.errors import KakushinError
from core.report import policies
from core.report.policies import NO_RUN, NoProof
from core.store import steps
from core.store.ledger import Ledger
from dashboard import controls, policies_controls, policies_tables, policies_words, shared, state
from dashboard.i18n import plain
from dashboard.views import policy_said
from dashboard.views.policy_scene import Scene, key_of, thresholds_of

EVERY = 10  # thousandths between the thresholds that the optimiser tries: quick enough for a click
_LIMITS = {"leakage": LeakageLimit, "selective_risk": SelectiveRiskLimit}


def panel(scene: Scene) -> Policy:
    """Draw the editor, and return the draft."""
    words, run_id = scene.words, scene.record.run.run_id
    draft, rows, refused = policies_controls.draft(scene.cumulative, run_id)
    with st.container(border=True, key="panel_propose"):
        st.markdown(f"## {words('policy.edit')}", help=words("policy.edit.help"), anchors=False)
        policies_controls.starts(words, _offered(scene, draft))
        policies_controls.for_all(words, draft)
        policies_controls.editor(words, policies_tables.editor(words, rows), run_id)
        for position, value in refused:
            name = policies_words.row(words, *rows.loc[position, ["kind", "segment", "predicted"]])
            st.error(words.markdown("policy.refused", name=name, value=str(value)), icon=":material/error:")
        st.caption(words("policy.edit.note"))
        st.markdown(policies_words.means(words, scene.means(draft), scene.chosen.currency))
        _optimiser(scene, draft)
        st.markdown(f"**{words('policy.certificate')}**", help=words("policy.certificate.help"))
        proof = _certificate(scene, draft)
        st.markdown(f"**{words('policy.who')}**")
        save = partial(_propose, scene, draft, proof, bool(refused))
        policies_controls.proposal(words, scene.record.run.dataset, save, scene.today)
        policy_said.show(words, "propose")
    return draft


def _offered(scene: Scene, draft: Policy) -> dict[str, Policy]:
    """What a draft can begin with: each preset, the active version, and the draft without thresholds of its own."""
    words, limit = scene.words, draft.epistemic_limit
    handles = Handles(scene.cumulative, scene.terms, limit)
    found = {
        f"{words(f'preset.{name}')} {words.number(t, 3)}": Policy(t, epistemic_limit=limit)
        for name, t in preset_thresholds(handles).items()
    }
    active = None if scene.active is None else thresholds_of(scene.active)
    if active is not None:
        found[plain(words("policy.start.active", version=str(scene.active.version)))] = active
    if policies.own_rules(draft):
        found[words("policy.start.clear")] = Policy(draft.threshold, epistemic_limit=limit)
    return found


def _optimiser(scene: Scene, draft: Policy) -> None:
    words = scene.words
    with st.expander(words("policy.optimiser"), icon=":material/auto_fix_high:", key="optimiser"):
        policies_controls.optimise(words, partial(_search, scene, draft.epistemic_limit))
        by, found = state.held("optimum", (None, None))
        if isinstance(found, Infeasible):
            st.warning(policies_words.optimum(words, found, ()), icon=":material/block:")
        elif found is not None and found.consequence.policy == draft:
            pooled = [_pooled_name(scene, by, name) for name in found.pooled]
            st.success(policies_words.optimum(words, found, pooled), icon=":material/check:")


def _search(scene: Scene, epistemic_limit: float | None) -> None:
    """Find the cheapest draft within the limits as they are typed now: a callback."""
    measure, most, capacity, by = (state.chosen(name) for name in ("limited", "most", "capacity", "draft_by"))
    limit = None if most is None else _LIMITS[measure](round(most / 100, 12))
    try:
        found = optimise(scene.cumulative, scene.terms, by, limit, capacity, epistemic_limit, every=EVERY)
    except KakushinError as error:
        policy_said.say("propose", "error", "policy.not_found", sentence=error)
        return
    state.put("optimum", (by, found))
    if not isinstance(found, Infeasible):
        policies_controls.begin(found.consequence.policy)


def _pooled_name(scene: Scene, by: str, name: object) -> str:
    pair = {"segment": (name, ""), "class": ("", name), "cell": name}[by]
    return policies_words.row(scene.words, by, *pair)


def _certificate(scene: Scene, draft: Policy) -> Certificate | NoProof:
    """Draw what is to be promised, and say what the calibration cases certify of the draft."""
    controls.promise(scene.words)
    found = _proof(scene, draft)
    box, icon = (st.success, "verified") if isinstance(found, Certificate) else (st.info, "info")
    box(policies_words.proof(scene.words, found), icon=f":material/{icon}:")
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
    return shared.derived(
        policies.proof, policies.COLUMNS, ids, draft.threshold, draft.epistemic_limit, promise, origin, scene.today
    )


def _propose(scene: Scene, draft: Policy, proof: Certificate | NoProof, refused: bool) -> None:
    """Save what was shown as a new version: a callback, which a second click repeats without a second version."""
    name, author, reason = (policy_said.typed(key) for key in ("policy_name", "author", "reason"))
    missing = policy_said.missing({"policy.name": name, "policy.author": author, "policy.reason": reason})
    if missing or refused:
        policy_said.say("propose", "error", missing or "policy.refused.first")
        return
    certified = isinstance(proof, Certificate)
    runs = [scene.record.run.run_id, *([scene.calibration.run.run_id] if certified else [])]
    certificate = json.loads(proof.to_json()) if certified else None
    try:
        ledger, expires = Ledger(shared.store()), state.chosen("expires")
        made, new = steps.propose(ledger, name, draft.to_dict(), author, reason, runs, certificate, expires)
    except KakushinError as error:
        policy_said.say("propose", "error", "policy.not_saved", sentence=error)
        return
    policy_said.say(
        "propose", "success", "policy.saved" if new else "policy.saved_before", version=str(made.version), name=name
    )
    for choice in ("before", "after"):  # the newest proposal is another one now
        state.put(choice, None)
    state.put("decided", key_of(made))
