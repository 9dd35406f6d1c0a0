"""Policies: the thresholds in force, and the steps of a version: proposal, approval, activation,
undo.

Guard, controls, call, show. All figures come from core.decision and core.report; all words from the
catalogues. The session decides nothing: each click is one transaction of the store, and the page
shows the store's content.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import cast

import streamlit as st

from core.decision.certificate.claims import Certificate
from core.decision.thresholds.changes import decision_changes
from core.decision.thresholds.policy import Policy
from core.errors import KakushinError, OvertakenError, SettingsError
from core.report import policies, policy_history
from core.report.policy_history import ACTIVE, APPROVED, PROPOSED, PolicyLife
from core.store import entries, steps
from core.store.ledger import Ledger, activations_in_force
from core.store.steps import same_person
from core.types import RunRecord
from dashboard.components import choice_row, controls, panels, sentences, shell
from dashboard.i18n import Words, escape_markdown
from dashboard.policies import charts as policy_charts
from dashboard.policies import context as policies_context
from dashboard.policies import controls as policy_controls
from dashboard.policies import editor
from dashboard.policies import tables as policy_tables
from dashboard.policies import words as policy_words
from dashboard.policies.context import (
    DRAFT,
    PoliciesContext,
    make_context,
    readable_thresholds,
    version_key,
)
from dashboard.session import cache, state

DRAWN = 12  # newest versions that the timeline draws; its table has all


def draw_policies_page() -> None:
    """Draw the page."""
    shell.draw_shell("policies.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs, segments=False)
        choice_row.assumptions_chip(words, runs, record, segments=False)
    context = make_context(words, runs, record, state.choices())
    if context.stored:
        _settle(context)
    controls.draw_notices(words)

    # Call and show
    _in_force(context)
    if context.stored:
        # before the draft: a reader who comes to approve has nothing to draft
        _decide(context)
    draft = editor.draw_editor(context)
    if context.stored:
        _compare(context, draft)
        _history(context)
    state.choices()  # again: the widgets above are drawn after the first call


def _settle(context: PoliciesContext) -> None:
    """Set the two compared versions to comparable ones, by default active and newest proposal.

    A list keeps the text of a version until its value is set, so this sets it each time: states
    change.
    """
    readable = [
        key for key, policy in context.stored.items() if readable_thresholds(policy) is not None
    ]
    waiting = [
        key for key in readable if context.life(context.stored[key]).state in (PROPOSED, APPROVED)
    ]
    active = [version_key(context.active)] if context.active else []
    compared = state.present.after  # a proposal that the page opens on is not its own counterpart
    candidates = (*active, *reversed(waiting), *readable, DRAFT)
    allowed = [key for key in candidates if key in (*readable, DRAFT) and key != compared]
    first = allowed[0] if allowed else DRAFT
    before = state.clamp_choice("before", [*readable, DRAFT], first)
    after = state.clamp_choice(
        "after", [*readable, DRAFT], next((key for key in waiting if key != before), DRAFT)
    )
    for name, value in (("before", before), ("after", after)):
        state.set_value(name, value)


def _in_force(context: PoliciesContext) -> None:
    """Draw the active version, its end, its certificate, and its consequence on these cases."""
    words, active = context.words, context.active
    if active is None:
        st.info(
            words("policy.none_active" if context.stored else "policy.none_yet"),
            icon=":material/info:",
        )
        return
    with st.container(border=True, key="headline"):
        st.markdown(
            f"### {policy_words.in_force_sentence(words, active, context.life(active))}",
            anchors=False,
        )
        if not active.expired(context.today):
            st.markdown(policy_words.expiry_sentence(words, active, context.today))
        st.markdown(_stored_proof(context, active))
    if active.expired(context.today):
        st.warning(
            policy_words.expiry_sentence(words, active, context.today), icon=":material/event_busy:"
        )
    if not context.life(active).four_eyes:
        st.warning(words("policy.two_eyes"), icon=":material/visibility:")
    policy = readable_thresholds(active)
    if policy is None:
        st.error(
            words.markdown("policy.unreadable", version=str(active.version)),
            icon=":material/error:",
        )
        return
    consequence = context.means(policy)
    cards = sentences.consequence_cards(
        words, consequence, consequence.money_per_month, context.choices.currency
    )
    panels.draw_cards(
        [
            replace(
                card,
                # cards are plain text, but st.metric reads markdown
                value=escape_markdown(card.value),
                lines=tuple(map(escape_markdown, card.lines)),
            )
            for card in cards
        ]
    )


def _stored_proof(context: PoliciesContext, version: entries.PolicyVersion) -> str:
    """Return what a version's certificate says today, or why it has none."""
    words, policy = context.words, readable_thresholds(version)
    if policy is None or version.certificate is None:
        obstacle = None if policy is None else policies.proof_obstacle(policy)
        return policy_words.stored_proof_sentence(words, None, (), obstacle)
    try:
        certificate = Certificate.from_json(json.dumps(version.certificate))
    except SettingsError as error:
        return words.markdown("policy.proof.unreadable", sentence=words.error_text(error))
    run = context.record.run
    void = policies.certificate_void_reasons(
        certificate, policy, run.model_hash, run.dataset, context.today
    )
    return policy_words.stored_proof_sentence(words, certificate, void, None)


def _compare(context: PoliciesContext, draft: Policy) -> None:
    """Draw two versions side by side: figures, cases that change side, different thresholds."""
    words = context.words
    readable = ((name, readable_thresholds(version)) for name, version in context.stored.items())
    pair = {name: policy for name, policy in readable if policy is not None} | {DRAFT: draft}
    names = {name: _name(context, name) for name in pair}

    def above() -> None:
        for column, name in zip(st.columns(2), ("before", "after"), strict=True):
            controls.select(words(f"policy.{name}"), names, name, column)

    before, after = cast(str, state.present.before), cast(str, state.present.after)
    if before == after:
        panels.empty_panel("policy_compare", words, "policy.compare.same", above)
        return
    consequences = {name: context.means(pair[name]) for name in (before, after)}
    if not context.cumulative.total.sum():
        panels.empty_panel("policy_compare", words, "headline.empty", above)
        return
    frame, selected = (
        policies.consequence_frame(consequences),
        {name: names[name] for name in (before, after)},
    )
    amounts, ends = frame["measure"] == "money_per_month", ["value", "low", "high"]
    drawn = frame.astype(dict.fromkeys(ends, float))
    size, signs = words.chart_money(context.choices.currency, drawn.loc[amounts, "high"].max())
    drawn.loc[amounts, ends] /= size
    texts = {"separators": words.separators, "interval": words("band")} | signs
    titles = policy_tables.measure_names(words, context.choices.currency)
    titles["money_per_month"] = words("card.money")  # the ticks of its axis have the unit
    figure = policy_charts.policy_comparison_chart(drawn, selected, titles, texts)
    note = policy_words.change_sentence(
        words,
        decision_changes(context.cumulative, pair[before], pair[after]),
        int(context.cumulative.total.sum()),
    )
    table = policy_tables.consequence_table(words, frame, selected, context.choices.currency)
    panels.chart_panel("policy_compare", words, figure, table, note, above)
    _differences(context, pair[before], pair[after], selected)


def _differences(
    context: PoliciesContext, before: Policy, after: Policy, names: dict[str, str]
) -> None:
    words, frame = context.words, policies.threshold_differences(before, after)
    with st.container(border=True, key="panel_differences"):
        st.markdown(f"## {words('policy.differences')}", anchors=False)
        if frame.empty:
            st.info(words("policy.differences.none"))
            return
        table = policy_tables.threshold_difference_table(words, frame, *names.values())
        panels.grid("differences", table)
        panels.csv_download("thresholds", words, table)


def _name(context: PoliciesContext, key: str) -> str:
    if key == DRAFT:
        return context.words("policy.draft")
    policy = context.stored[key]
    return policy_words.version_option(context.words, policy, context.life(policy), context.today)


def _decide(context: PoliciesContext) -> None:
    """Draw the steps of one version: approve, activate or undo, by name and with a reason."""
    words = context.words
    # unset at first, and no key of this list if the workspace has changed
    decided = state.held_value("decided", "")
    state.set_value("decided", decided if decided in context.stored else next(iter(context.stored)))
    with st.container(border=True, key="panel_decide"):
        st.markdown(f"## {words('policy.decide')}", help=words("policy.decide.help"), anchors=False)
        names = {name: _name(context, name) for name in context.stored}
        policy = context.stored[controls.select(words("policy.column.version"), names, "decided")]
        life = context.life(policy)
        st.markdown(policy_words.version_summary(words, policy, life))
        st.caption(
            policy_words.expiry_sentence(words, policy, context.today)
            + words.sentence_space
            + _stored_proof(context, policy)
        )
        thresholds = readable_thresholds(policy)
        if thresholds is not None:
            figures = policy_words.draft_sentence(
                words, context.means(thresholds), context.choices.currency
            )
            st.markdown(f"{policy_words.thresholds_sentence(words, thresholds)}  \n{figures}")
        policy_controls.person_controls(words)
        version = sentences.policy_version_name(words, policy.name, policy.version)
        labels = {
            step: words.markdown(f"policy.step.{step}", version=version)
            for step in ("approve", "activate")
        } | {"undo": _undo_label(context, life)}
        policy_controls.step_buttons(words, labels, life.steps, partial(_take, context, policy))
        # before the click, so that a refusal is no surprise
        if "approve" in life.steps and same_person(
            policies_context.typed_text("decider"), policy.author
        ):
            key = "policy.two_eyes.refused" if cache.settings().four_eyes else "policy.two_eyes.now"
            st.warning(words.markdown(key, author=policy.author), icon=":material/visibility:")
        policies_context.show_reply(words, "decide")


def _undo_label(context: PoliciesContext, life: PolicyLife) -> str:
    """Return the label of undo, with the version that it restores."""
    if life.state != ACTIVE:
        return context.words("policy.step.undo")
    # the last one is the activation that the undo removes
    left = activations_in_force(context.events)[:-1]
    if not left:
        return context.words("policy.step.undo_to_none")
    return context.words.markdown(
        "policy.step.undo_to", version=sentences.policy_version_name(context.words, *left[-1])
    )


def _take(context: PoliciesContext, selected: entries.PolicyVersion, step: str) -> None:
    """Record a step on the version that the button names; a callback.

    Refuses it if the list has another version by now; a second click records no second event.
    """
    # The list and the button can change in one request, and the button still holds the old version.
    if state.held_value("decided", "") != version_key(selected):
        version = sentences.policy_version_name(context.words, selected.name, selected.version)
        policies_context.store_reply("decide", "error", "policy.other_selected", version=version)
        return
    name, why = policies_context.typed_text("decider"), policies_context.typed_text("why")
    missing = policies_context.missing_text({"policy.person": name, "policy.why": why})
    alone = step == "approve" and same_person(name, selected.author)
    if missing or (alone and cache.settings().four_eyes):
        policies_context.store_reply(
            "decide", "error", missing or "policy.two_eyes.refused", author=selected.author
        )
        return
    try:
        steps.record_event(
            # the store refuses the step if others have decided after the last position
            Ledger(cache.store()),
            selected.name,
            selected.version,
            step,
            name,
            why,
            context.last_position,
        )
    except OvertakenError as error:
        policies_context.store_reply("decide", "warning", "policy.overtaken", error.events)
    except KakushinError as error:
        policies_context.store_reply("decide", "error", "policy.not_saved", sentence=error)
    else:
        key = "policy.done.alone" if alone else "policy.done"
        if step == "activate":
            key = "policy.done.activate"
        texts = {
            "name": selected.name,
            "version": str(selected.version),
            "step": f"policy.event.{step}",
        }
        policies_context.store_reply("decide", "warning" if alone else "success", key, (), **texts)
        for choice in (
            "before",
            "after",
        ):  # the active version and the newest proposal may have changed
            state.set_value(choice, None)


def _history(context: PoliciesContext) -> None:
    words, events = context.words, policy_history.event_frame(context.events)
    frame = policy_tables.in_readers_zone(words, events, "recorded_at")
    spans = policy_history.activation_spans(context.events, datetime.now(UTC))
    spans = policy_tables.in_readers_zone(words, spans, "begin", "end")
    newest = [(policy.name, policy.version) for policy in context.stored.values()][:DRAWN]
    names = {pair: sentences.policy_version_name(words, *pair) for pair in newest}
    drawn_events, drawn_spans = (
        rows[[pair in names for pair in zip(rows["name"], rows["version"], strict=True)]]
        for rows in (frame, spans)
    )
    texts = {step: words(f"policy.event.{step}") for step in entries.EVENTS}
    texts |= {
        "in_force": words("policy.state.active"),
        "time": words("policy.column.at", zone=words.zone or "UTC"),
        "separators": words.separators,
    }
    counts = {"events": len(frame), "versions": len(names), "all": len(context.stored)}
    note = words.markdown(
        "policy_history.note", **{name: words.number(n, 0) for name, n in counts.items()}
    )
    figure = policy_charts.policy_timeline(drawn_events, drawn_spans, names, texts)
    panels.chart_panel(
        "policy_history", words, figure, policy_tables.policy_event_table(words, frame), note
    )
