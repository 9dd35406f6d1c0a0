"""Policies: which thresholds are in force, and how they come to be: proposed, compared, approved, activated, undone.

Guard, controls, call, show. All figures come from core.decision and core.report; all words from the catalogues. Nothing is
decided in the session: each click is one transaction of the store, and the page shows what the store holds.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from core.decision import whatif
from core.decision.certificate import Certificate
from core.decision.policy import Policy
from core.decision.sides import moves
from core.errors import KakushinError, OvertakenError, SettingsError
from core.report import policies, policy_history, selection
from core.report.policy_history import ACTIVE, APPROVED, PROPOSED, Life
from core.store import entries, steps
from core.store.ledger import Ledger, standing
from core.store.steps import same_person
from core.types import RunRecord
from dashboard import (
    controls,
    panels,
    policies_charts,
    policies_controls,
    policies_tables,
    policies_words,
    sentences,
    shared,
    shell,
    state,
)
from dashboard.i18n import Words, plain
from dashboard.views import policy_editor, policy_said
from dashboard.views.decide import VOLUME_UNKNOWN
from dashboard.views.policy_scene import DRAFT, Scene, gathered, key_of, thresholds_of

DRAWN = 12  # newest versions that the timeline draws; its table has all


def page() -> None:
    """Draw the page."""
    shell.page("policies.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls
    with st.sidebar:
        controls.data(words, selection.listed(runs), None, selection.first(runs).run.run_id)
    record = next(record for record in runs if record.run.run_id == state.chosen("run"))
    with st.sidebar:
        controls.costs(words)
        controls.measured(words, [record], whatif.cases_per_day(record.cases, record.first_at, record.last_at), VOLUME_UNKNOWN)
    scene = gathered(words, runs, record, state.choices())
    if scene.stored:
        _settle(scene)
    controls.notices(words)

    # Call and show
    _in_force(scene)
    draft = policy_editor.panel(scene)
    if scene.stored:
        _compare(scene, draft)
        _decide(scene)
        _history(scene)
    state.choices()  # again: some widgets of choices are drawn only now


def _settle(scene: Scene) -> None:
    """Make the two versions that are compared ones that can be: by default the active one and the newest proposal.

    A list keeps what it said of a version until it is told again, so the choice is put into it each time: states change.
    """
    readable = [key for key, one in scene.stored.items() if thresholds_of(one) is not None]
    waiting = [key for key in readable if scene.life(scene.stored[key]).state in (PROPOSED, APPROVED)]
    active = [key_of(scene.active)] if scene.active else []
    first = [key for key in (*active, *reversed(waiting), *readable, DRAFT) if key in (*readable, DRAFT)][0]
    before = state.settle("before", [*readable, DRAFT], first)
    after = state.settle("after", [*readable, DRAFT], next((key for key in waiting if key != before), DRAFT))
    for name, value in (("before", before), ("after", after)):
        state.put(name, value)


def _in_force(scene: Scene) -> None:
    """Say what is active, until when, with which certificate, and show what it does to these cases."""
    words, one = scene.words, scene.active
    if one is None:
        st.info(words("policy.none_active" if scene.stored else "policy.none_yet"), icon=":material/info:")
        return
    with st.container(border=True, key="headline"):
        st.markdown(f"### {policies_words.in_force(words, one, scene.life(one))}", anchors=False)
        if not one.expired(scene.today):
            st.markdown(policies_words.until(words, one, scene.today))
        st.markdown(_stored_proof(scene, one))
    if one.expired(scene.today):
        st.warning(policies_words.until(words, one, scene.today), icon=":material/event_busy:")
    if not scene.life(one).four_eyes:
        st.warning(words("policy.two_eyes"), icon=":material/visibility:")
    policy = thresholds_of(one)
    if policy is None:
        st.error(words.markdown("policy.unreadable", version=str(one.version)), icon=":material/error:")
        return
    found = scene.means(policy)
    cards = sentences.cards(words, found, found.money_per_day, scene.chosen.currency)
    panels.cards([replace(card, value=plain(card.value), lines=tuple(map(plain, card.lines))) for card in cards])


def _stored_proof(scene: Scene, one: entries.Policy) -> str:
    """What a version's certificate says today, or why it has none."""
    words, policy = scene.words, thresholds_of(one)
    if policy is None or one.certificate is None:
        return policies_words.stored_proof(words, None, (), policy and policies.no_proof_at_all(policy))
    try:
        found = Certificate.from_json(json.dumps(one.certificate))
    except SettingsError as error:
        return words.markdown("policy.proof.unreadable", sentence=words.why(error))
    run = scene.record.run
    void = policies.void(found, policy, run.model_hash, run.dataset, scene.today)
    return policies_words.stored_proof(words, found, void, None)


def _compare(scene: Scene, draft: Policy) -> None:
    """Show two versions side by side: figures, cases that change side, thresholds that differ."""
    words = scene.words
    pair = {name: thresholds_of(one) for name, one in scene.stored.items()} | {DRAFT: draft}
    names = {name: _name(scene, name) for name, policy in pair.items() if policy is not None}

    def above() -> None:
        for column, name in zip(st.columns(2), ("before", "after"), strict=True):
            controls.select(words(f"policy.{name}"), names, name, column)

    before, after = state.chosen("before"), state.chosen("after")
    if before == after:
        panels.nothing("policy_compare", words, "policy.compare.same", above)
        return
    found = {name: scene.means(pair[name]) for name in (before, after)}
    if not scene.cumulative.total.sum():
        panels.nothing("policy_compare", words, "headline.empty", above)
        return
    frame, chosen = policies.consequence_frame(found), {name: names[name] for name in (before, after)}
    said = {"symbol": words.symbol(scene.chosen.currency), "separators": words.separators, "interval": words("band")}
    titles = policies_tables.measure_names(words, scene.chosen.currency)
    figure = policies_charts.side_by_side(frame, chosen, titles, said)
    note = policies_words.moved(words, moves(scene.cumulative, pair[before], pair[after]), int(scene.cumulative.total.sum()))
    table = policies_tables.consequences(words, frame, chosen, scene.chosen.currency)
    panels.chart("policy_compare", words, figure, table, note, above)
    _differences(scene, pair[before], pair[after], chosen)


def _differences(scene: Scene, before: Policy, after: Policy, names: dict[str, str]) -> None:
    words, frame = scene.words, policies.differences(before, after)
    with st.container(border=True, key="panel_differences"):
        st.markdown(f"## {words('policy.differences')}", anchors=False)
        if frame.empty:
            st.info(words("policy.differences.none"))
            return
        table = policies_tables.differences(words, frame, *names.values())
        panels.grid("differences", table)
        icon, data = ":material/download:", panels.csv(table)
        st.download_button(
            words("csv"), data, "kakushin-thresholds.csv", "text/csv", key="csv_differences", on_click="ignore", icon=icon
        )


def _name(scene: Scene, key: str) -> str:
    if key == DRAFT:
        return scene.words("policy.draft")
    one = scene.stored[key]
    return policies_words.listed(scene.words, one, scene.life(one), scene.today)


def _decide(scene: Scene) -> None:
    """Approve, activate or undo one version, by name and with a reason."""
    words = scene.words
    decided = state.held("decided")
    state.put("decided", decided if decided in scene.stored else next(iter(scene.stored)))
    with st.container(border=True, key="panel_decide"):
        st.markdown(f"## {words('policy.decide')}", help=words("policy.decide.help"), anchors=False)
        controls.select(words("policy.column.version"), {name: _name(scene, name) for name in scene.stored}, "decided")
        one = scene.stored[state.chosen("decided")]
        life = scene.life(one)
        st.markdown(policies_words.about(words, one, life))
        st.caption(policies_words.until(words, one, scene.today) + words.gap + _stored_proof(scene, one))
        policies_controls.person(words)
        labels = {step: words(f"policy.step.{step}") for step in ("approve", "activate")} | {"undo": _undo_label(scene, life)}
        policies_controls.steps(words, labels, life.steps, partial(_take, scene, one))
        if "approve" in life.steps and same_person(policy_said.typed("decider"), one.author):
            key = "policy.two_eyes.refused" if shared.settings().four_eyes else "policy.two_eyes.now"
            st.warning(words.markdown(key, author=one.author), icon=":material/visibility:")
        policy_said.show(words, "decide")


def _undo_label(scene: Scene, life: Life) -> str:
    """What undoing the active version leads back to."""
    if life.state != ACTIVE:
        return scene.words("policy.step.undo")
    left = standing(scene.events)[:-1]
    if not left:
        return scene.words("policy.step.undo_to_none")
    return scene.words.markdown("policy.step.undo_to", version=policies_words.version(scene.words, *left[-1]))


def _take(scene: Scene, one: entries.Policy, step: str) -> None:
    """Write a step down: a callback, which a second click repeats without a second event."""
    name, why = policy_said.typed("decider"), policy_said.typed("why")
    missing = policy_said.missing({"policy.person": name, "policy.why": why})
    alone = step == "approve" and same_person(name, one.author)
    if missing or (alone and shared.settings().four_eyes):
        policy_said.say("decide", "error", missing or "policy.two_eyes.refused", author=one.author)
        return
    try:
        steps.take(Ledger(shared.store()), one.name, one.version, step, name, why, scene.seen)
    except OvertakenError as error:
        policy_said.say("decide", "warning", "policy.overtaken", error.events)
    except KakushinError as error:
        policy_said.say("decide", "error", "policy.not_saved", sentence=error)
    else:
        key = "policy.done.alone" if alone else "policy.done"
        said = {"name": one.name, "version": str(one.version), "step": f"policy.event.{step}"}
        policy_said.say("decide", "warning" if alone else "success", key, **said)
        for choice in ("before", "after"):  # the active one and the newest proposal are others now
            state.put(choice, None)


def _history(scene: Scene) -> None:
    words, frame = scene.words, policy_history.event_frame(scene.events)
    spans = policy_history.spans(scene.events, datetime.now(UTC))
    newest = [(one.name, one.version) for one in scene.stored.values()][:DRAWN]
    names = {pair: policies_words.version(words, *pair) for pair in newest}
    drawn = [rows[[pair in names for pair in zip(rows["name"], rows["version"], strict=True)]] for rows in (frame, spans)]
    said = {step: words(f"policy.event.{step}") for step in entries.EVENTS}
    said |= {"in_force": words("policy.state.active"), "time": words("policy.column.at"), "separators": words.separators}
    counts = {"events": len(frame), "versions": len(names), "all": len(scene.stored)}
    note = words.markdown("policy_history.note", **{name: words.number(n, 0) for name, n in counts.items()})
    figure = policies_charts.timeline(*drawn, names, said)
    panels.chart("policy_history", words, figure, policies_tables.history(words, frame), note)
