"""Queue: the next case for a reviewer, judged by keyboard, with audits and second reviews blind.

Guard, controls, call, show. core.decision.review.review_queue gives the order, core.store.claims
gives each case to one reviewer at a time, and core.store.reviews keeps the answers, which only
grow: undo adds a withdrawal.
"""

from unicodedata import east_asian_width

import pandas as pd
import streamlit as st

from core.decision.audits.estimate import AuditSummary, summarise_audits
from core.decision.audits.planner import audit_outlook
from core.decision.review.review_queue import ReviewQueue
from core.decision.review.reviewers import corrected_leakage
from core.errors import KakushinError
from core.pipeline.review_desk import DeskTerms, answer_case, waiting_queue, withdraw_answer
from core.store.audits import Audits
from core.store.claims import Claims
from core.store.entries import MAX_NAME
from core.store.reviews import AppliedPolicy, Reviews
from core.store.store import Store
from core.types import RunRecord
from dashboard.components import choice_row, controls, shell
from dashboard.i18n import Words, escape_markdown
from dashboard.queue.excerpt import readable_excerpt
from dashboard.queue.sheets import draw_sheets
from dashboard.session import cache, identity, state

TARGET = 0.05  # leakage that the audits are planned for
# keys of values in the session: the case in hand, the last answer, a failure
_CASE, _LAST, _FAILED = "queue_case", "queue_last", "queue_failed"
_DIGITS = 9  # labels with a key of their own
# Width of a button's edges, and of a letter of its label or key; a Japanese one takes two
_BUTTON_PX, _LETTER_PX = 52, 8
_ANSWERS = {"right": "a", "wrong": "x", "unsure": "u"}  # Streamlit keeps r and c


def draw_queue_page() -> None:
    """Draw the page."""
    shell.draw_shell("queue.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs, segments=False)
        reviewer = _reviewer(words)
        controls.review_minutes(words, width=220)
        # the day of the people whom Decide's tab People counts
        busy_hours = state.present.shift * state.present.busy / 100
        busy_hours *= state.present.reviewers or 1
        hours = st.number_input(
            words("queue.hours"),
            0.0,
            max(1000.0, busy_hours),
            busy_hours,
            format="%0.1f",
            key="queue_hours",
            width=220,
        )
    run_id = record.run.run_id
    applied = cache.cached_query(_applied_policies, run_id)
    controls.draw_notices(words)
    if not applied:
        st.info(words("queue.no_policy"), icon=":material/inbox:")
        controls.page_link(words, "worklist")
        state.choices()
        return
    amounts = state.choices()
    terms = DeskTerms(amounts.escape, amounts.review, amounts.minutes, 60 * hours)
    queue, waiting = cache.cached_query(waiting_queue, run_id, terms)
    _show_failure(words)
    answers = identity.session_principal().may("review.verdict")
    if answers:
        _show_last(words, run_id)
    if not answers:
        st.info(words("queue.no_role"), icon=":material/lock:")
    elif not reviewer.strip():
        st.info(words("queue.name_first"), icon=":material/badge:")
    else:
        case_id = _case_in_hand(run_id, reviewer, queue)
        if case_id is None:
            st.success(words("queue.done"), icon=":material/done_all:")
        else:
            _draw_case(words, record, reviewer, queue.cases.loc[case_id])
        draw_sheets(words, record, reviewer, terms)
    _show_capacity(words, queue, waiting)
    cases = cache.cached_query(_examined_cases, run_id, applied[0].policy, applied[0].version)
    counts = (applied[0].accepted + applied[0].review, applied[0].accepted)
    _show_audits(words, cases, counts)
    gold = cache.cached_query(_gold_labels, run_id)
    _show_reviewers(words, cases, counts, cache.cached_query(_verdicts, run_id), gold)
    state.choices()


def _applied_policies(store: Store, run_id: str) -> list[AppliedPolicy]:
    return Reviews(store).applied_policies(run_id)


def _examined_cases(store: Store, run_id: str, policy: str, version: int) -> pd.DataFrame:
    return Audits(store).examined_cases(run_id, policy, version)


def _gold_labels(store: Store, run_id: str) -> dict[str, str]:
    return Audits(store).gold_labels(run_id)


def _verdicts(store: Store, run_id: str) -> pd.DataFrame:
    return Reviews(store).verdicts(run_id)


def _case_text(store: Store, run_id: str, case_id: str) -> str | None:
    return Claims(store).case_text(run_id, case_id)


def _reviewer(words: Words) -> str:
    """Return the reviewer's name: the login's, or a typed one."""
    principal = identity.session_principal()
    if not principal.is_local:
        return principal.name
    label = words("queue.reviewer")
    return st.text_input(label, principal.name, key="queue_reviewer", max_chars=MAX_NAME, width=220)


def _case_in_hand(run_id: str, reviewer: str, queue: ReviewQueue) -> str | None:
    """Return the claimed case; an earlier claim of the reviewer comes back after a reload."""
    claims, waiting = Claims(cache.store()), queue.cases["needed"].astype(int)
    undone = state.held_or_none(_CASE, str)
    # a withdrawn case comes back before the case that followed it, which stays claimed
    first = [undone] if undone is not None and undone in waiting.index else []
    for ids in (first, waiting.index.tolist()):
        case_id = claims.claim_next(run_id, reviewer, ids, waiting.loc[ids].tolist())
        if case_id is not None:
            return case_id
    return None


def _draw_case(words: Words, record: RunRecord, reviewer: str, case: pd.Series) -> None:
    """Draw the case in hand, its labels and its answers, each with a key."""
    run_id, case_id, blind = record.run.run_id, str(case["case_id"]), bool(case["blind"])
    with st.container(border=True, key="queue_case_panel"):
        with st.container(horizontal=True):
            if blind:
                st.badge(words("queue.blind"), icon=":material/visibility_off:")
            else:
                st.badge(words(f"worklist.reason.{case['reason'] or 'low_confidence'}"))
                saving = words.money(float(case["saving"]), state.choices().currency)
                st.badge(words.text("queue.saving", saving=saving))
            st.caption(words.text("queue.case", case=case_id))
        _draw_text(words, cache.cached_query(_case_text, run_id, case_id) or "", case_id)
        if not blind and case["predicted"]:
            confidence = words.number(100 * float(case["confidence"]), 1)
            st.text(words.text("queue.answer", label=case["predicted"], confidence=confidence))
        elif not blind:
            st.text(words("queue.no_answer"))
        give = (run_id, reviewer, case.to_dict())
        _draw_labels(words, record.run.labels, give)
        with st.container(horizontal=True):
            hidden = blind or not case["predicted"]
            for name, letter in _ANSWERS.items():
                if not (hidden and name != "unsure"):  # the answer is a label
                    _button(words, name, letter, _answer, (*give, name, None))
            _button(words, "skip", "s", _skip, (run_id, reviewer, case_id))


def _draw_text(words: Words, text: str, case_id: str) -> None:
    """Draw a case's words to read, and behind a fold all that the model reads, if that is more."""
    # st.text shows a case's words as they are: no markdown, link or HTML in them counts
    st.text(excerpt := readable_excerpt(text))
    if excerpt != text.strip():
        with st.expander(words.many("queue.whole_text", len(text)), key=f"queue_whole_{case_id}"):
            st.text(text)


def _draw_labels(words: Words, labels: tuple[str, ...], give: tuple) -> None:
    """Draw a button for each label, in their fixed order, which tells nothing of the model."""
    st.caption(words("queue.labels"))
    with st.container(horizontal=True):
        for i, label in enumerate(labels):
            digit = str(i % _DIGITS + 1)
            shortcut = digit if i < _DIGITS else f"shift+{digit}" if i < 2 * _DIGITS else None
            _key_button(
                escape_markdown(label), f"label_{i}", shortcut, _answer, (*give, None, label)
            )


def _button(words: Words, name: str, letter: str, act, arguments: tuple) -> None:
    _key_button(words(f"queue.{name}"), name, letter, act, arguments)


def _key_button(label: str, name: str, shortcut: str | None, act, arguments: tuple) -> None:
    """Draw a button of a fixed width: by its label's, it would move its neighbours as that arrives."""
    wide = sum(east_asian_width(letter) in "WF" for letter in label)
    letters = len(label) + wide + len(shortcut or "")
    width = _BUTTON_PX + _LETTER_PX * letters
    key = f"queue_{name}"
    st.button(label, key=key, on_click=act, args=arguments, shortcut=shortcut, width=width)


def _answer(run_id: str, reviewer: str, case: dict, verdict: str | None, label: str | None) -> None:
    """Store an answer and end the claim; a callback."""
    try:
        stored = answer_case(cache.store(), run_id, reviewer, case, verdict, label)
    except KakushinError as error:
        state.set_value(_FAILED, error)
        return
    if stored is None:  # the claim ran out, and another reviewer has the case
        state.set_value(_FAILED, "queue.claim_lost")
        return
    state.set_value(_CASE, None)
    last = (run_id, reviewer, str(case["case_id"]), stored, str(case["predicted"]))
    state.set_value(_LAST, last)


def _skip(run_id: str, reviewer: str, case_id: str) -> None:
    """End the claim without an answer, which counts as nothing; a callback."""
    try:
        Claims(cache.store()).release(run_id, case_id, reviewer, "skipped")
    except KakushinError as error:
        state.set_value(_FAILED, error)


def _undo(run_id: str, reviewer: str, case_id: str) -> None:
    """Withdraw the last answer and bring its case back; a callback."""
    try:
        withdraw_answer(cache.store(), run_id, reviewer, case_id)
        state.set_value(_CASE, case_id)
        state.set_value(_LAST, None)
    except KakushinError as error:
        state.set_value(_FAILED, error)


def _show_last(words: Words, run_id: str) -> None:
    """Draw the last answer, now with the model's, and the button that undoes it.

    Its line is there before the first answer, which would else move the next case.
    """
    last = state.held_or_none(_LAST, tuple)
    with st.container(horizontal=True, vertical_alignment="center", key="last_answer"):
        if last is None or last[0] != run_id:
            st.caption(words("queue.no_last"))
            return
        _, reviewer, case_id, verdict, predicted = last
        verdict_name = words(f"queue.{verdict}")
        st.text(words.text("queue.last", case=case_id, verdict=verdict_name, predicted=predicted))
        _button(words, "undo", "z", _undo, (run_id, reviewer, case_id))


def _show_failure(words: Words) -> None:
    failed = state.take(_FAILED, object)
    if isinstance(failed, KakushinError):
        sentence = words.markdown("problem", sentence=words.error_text(failed))
        st.error(sentence, icon=":material/error:")
    elif isinstance(failed, str):
        st.warning(words(failed), icon=":material/info:")


def _show_capacity(words: Words, queue: ReviewQueue, waiting: int) -> None:
    ranked = queue.ranked
    values = {
        "n": words.number(waiting, 0),
        "today": words.number(ranked.today, 0),
        "price": words.money(ranked.shadow_price, state.choices().currency),
    }
    st.caption(words.markdown("queue.capacity", **values))


def _show_audits(words: Words, cases: pd.DataFrame, counts: tuple[int, int]) -> None:
    """Draw what the audits say of the leakage, and how many more prove the target."""
    summary = summarise_audits(cases, counts=counts)
    st.markdown(f"## {words('queue.audits')}", help=words("queue.audits.help"))
    leakage = summary.leakage
    values = {
        "n": words.number(summary.sample, 0),
        "wrong": words.number(summary.wrong, 0),
        "missing": words.number(summary.missing, 0),
        "drawn": words.number(summary.drawn, 0),
    }
    if leakage.low is None or leakage.high is None:
        st.info(words.markdown("queue.no_audit", **values), icon=":material/hourglass_empty:")
    else:
        values["low"] = words.number(100 * leakage.low, 1)
        values["high"] = words.number(100 * leakage.high, 1)
        st.markdown(words.markdown("queue.leakage", **values))
    _show_plan(words, summary)


def _show_reviewers(
    words: Words,
    cases: pd.DataFrame,
    counts: tuple[int, int],
    verdicts: pd.DataFrame,
    gold: dict[str, str],
) -> None:
    """Draw how often reviewers err, and the leakage without their errors."""
    errors, leakage = corrected_leakage(cases, verdicts, gold, counts=counts)
    a, b = errors.false_wrong, errors.false_right
    values = {"right": words.number(a.n, 0), "wrong": words.number(b.n, 0)}
    if a.value is None or b.value is None:
        st.caption(words.markdown("queue.reviewers_unknown", **values))
        return
    values["false_wrong"] = words.number(100 * a.value, 1)
    values["false_right"] = words.number(100 * b.value, 1)
    st.caption(words.markdown("queue.reviewer_errors", **values))
    if leakage.low is not None and leakage.high is not None:
        ends = {"low": words.number(100 * leakage.low, 1)}
        ends["high"] = words.number(100 * leakage.high, 1)
        st.markdown(words.markdown("queue.corrected_leakage", **ends))


def _show_plan(words: Words, summary: AuditSummary) -> None:
    """Draw what further audits can show about the target."""
    outlook, plan = audit_outlook(summary, TARGET)
    target = words.number(100 * TARGET, 0)
    if plan is None:
        st.caption(words.markdown(f"queue.plan_{outlook}", target=target))
    else:
        st.caption(words.many("queue.plan_more", plan.audits or 0, target=target))
