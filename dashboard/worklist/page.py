"""Worklist: a policy's decision on each case, who acts on it, and the lists to download.

Guard, controls, call, show. core.pipeline.apply writes the decisions into core.store.reviews; the
page compares them with Decide's counts for the same policy. Only the button that applies the active
policy changes anything.
"""

from functools import partial

import pandas as pd
import streamlit as st

from core.decision.thresholds.changes import tally_of_rows
from core.decision.thresholds.decisions import REASONS
from core.decision.thresholds.policy import Policy
from core.errors import KakushinError, SettingsError
from core.export import csv_bytes, xlsx_bytes
from core.pipeline.apply import active_version_for, apply_active_policy
from core.store.entries import PolicyVersion
from core.store.ledger import Ledger
from core.store.reviews import AppliedPolicy, Reviews
from core.store.store import Store
from core.types import RunRecord
from dashboard.components import choice_row, controls, panels, sentences, shell
from dashboard.components.downloads import CASES, Export, draw_download
from dashboard.i18n import Words
from dashboard.session import cache, state
from dashboard.session.address import ALL, SIDES
from dashboard.worklist import charts as worklist_charts
from dashboard.worklist import tables as worklist_tables
from dashboard.worklist import words as worklist_words

CASES_ON_SCREEN = 300  # cases of the list on the screen; the files hold all
LIST_HEIGHT = 480  # pixels
_FAILED = "worklist_failed"  # key of the error of a failed application


def draw_worklist_page() -> None:
    """Draw the page."""
    shell.draw_shell("worklist.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls
    with choice_row.choice_row():
        record = choice_row.data_chip(words, runs)
        applied = cache.cached_query(_applied_policies, record.run.run_id)
        decided = _choose_version(words, applied)
        active = cache.cached_query(_active_version, record.run.run_id)
        if active is not None and _has_undecided(record, active, applied):
            _apply_button(words, record.run.run_id, active)
    _draw_failure(words)
    if decided is None:
        controls.draw_notices(words)
        sentence = words("worklist.no_active" if active is None else "worklist.none")
        st.info(sentence, icon=":material/inbox:")
        if active is None:
            controls.page_link(words, "policies")
        state.choices()
        return

    key = (record.run.run_id, decided.policy, decided.version)
    counts = cache.cached_query(_decision_counts, *key)
    reasons = [reason for reason in REASONS if (counts["reason"] == reason).any()]
    state.clamp_choice("cause", [ALL, *reasons], ALL)
    state.clamp_choice("answer", [ALL, *counts["predicted"].unique()], ALL)
    controls.draw_notices(words)

    # Call and show
    st.markdown(worklist_words.headline(words, decided))
    st.caption(worklist_words.sources(words, decided))
    if decided.accepted + decided.review < record.cases:
        undecided = record.cases - decided.accepted - decided.review
        st.warning(words.many("worklist.undecided", undecided), icon=":material/pending:")
        if active is None:
            st.caption(words("worklist.no_active"))
    panels.draw_cards(worklist_words.worklist_cards(words, decided, record.cases))
    _compare_with_decide(words, record, decided)
    figure = worklist_charts.by_reason(
        worklist_tables.reason_counts(counts),
        {reason: words(f"worklist.reason.{reason}") for reason in REASONS},
        words.chart_words("worklist.cases"),
    )
    panels.chart_panel("worklist_reasons", words, figure, worklist_tables.reasons(words, counts))
    _list_cases(words, key, counts)
    state.choices()  # again: some widgets of choices are drawn only now


def _applied_policies(store: Store, run_id: str) -> list[AppliedPolicy]:
    return Reviews(store).applied_policies(run_id)


def _decision_counts(store: Store, run_id: str, policy: str, version: int) -> pd.DataFrame:
    return Reviews(store).decision_counts(run_id, policy, version)


def _policy_of(store: Store, name: str, version: int) -> Policy | None:
    try:
        return Policy.from_dict(Ledger(store).policy(name, version).content)
    except SettingsError:
        return None


def _decided_cases(
    store: Store,
    run_id: str,
    policy: str,
    version: int,
    limit: int | None,
    filters: tuple[tuple[str, str], ...],
) -> pd.DataFrame:
    return Reviews(store).decided_cases(run_id, policy, version, limit, **dict(filters))


def _active_version(store: Store, run_id: str) -> PolicyVersion | None:
    return active_version_for(store, store.run(run_id).run)


def _has_undecided(record: RunRecord, active: PolicyVersion, applied: list[AppliedPolicy]) -> bool:
    """Return whether the active version has cases left to decide."""
    key = (active.name, active.version)
    counts = [a.accepted + a.review for a in applied if (a.policy, a.version) == key]
    return sum(counts) < record.cases


def _apply_button(words: Words, run_id: str, active: PolicyVersion) -> None:
    """Draw the button that applies the active policy."""
    version = sentences.policy_version_name(words, active.name, active.version)
    st.button(
        words.markdown("worklist.apply", version=version),
        key="worklist_apply",
        on_click=_apply,
        args=(run_id,),
        help=words("worklist.apply.help"),
        icon=":material/play_arrow:",
    )


def _draw_failure(words: Words) -> None:
    """Draw why the last click of the button failed."""
    failed = state.take(_FAILED, object)
    if isinstance(failed, KakushinError):
        st.error(
            words.markdown("problem", sentence=words.error_text(failed)), icon=":material/error:"
        )
    elif failed is not None:
        st.warning(words(str(failed)), icon=":material/info:")


def _apply(run_id: str) -> None:
    """Apply the active policy; a callback. A second click decides nothing again."""
    try:
        # None: its activation was undone after the button was drawn
        if apply_active_policy(cache.store(), run_id) is None:
            state.set_value(_FAILED, "worklist.no_active")
    except KakushinError as error:
        state.set_value(_FAILED, error)


def _choose_version(words: Words, applied: list[AppliedPolicy]) -> AppliedPolicy | None:
    """Draw whose decisions the page shows, by default those of the last version that decided.

    Returns None if no version has decided.
    """
    if not applied:
        return None
    # ALL always means the latest decisions, so a link with it does not age
    by_key = {ALL: applied[0]}
    by_key |= {f"{decided.policy}@{decided.version}": decided for decided in applied}
    version = state.clamp_choice("decided_by", list(by_key), ALL)
    names = {
        key: sentences.policy_version_name(words, decided.policy, decided.version)
        for key, decided in by_key.items()
    }
    names[ALL] = words.text("worklist.latest", version=names[ALL])
    controls.select(words("worklist.decided_by"), names, "decided_by", width=420)
    return by_key[version]


def _compare_with_decide(words: Words, record: RunRecord, decided: AppliedPolicy) -> None:
    """Draw how many accepted cases Decide counts for the same policy, and why they may differ.

    Draws nothing while cases are undecided, since the counts then differ anyway.
    """
    policy = cache.cached_query(_policy_of, decided.policy, decided.version)
    if policy is None or decided.accepted + decided.review < record.cases:
        return
    expected = int(tally_of_rows(cache.joint_rows(record.run.run_id), policy).accepted.sum())
    same = expected == decided.accepted
    st.caption(words.many("worklist.same" if same else "worklist.other", expected))


def _list_cases(words: Words, key: tuple[str, str, int], counts: pd.DataFrame) -> None:
    """Draw the filters, the cases that pass them, and downloads of all of them."""
    with st.container(border=True, key="panel_worklist_cases"):
        st.markdown(
            f"## {words('worklist_cases')}", help=words("worklist_cases.help"), anchors=False
        )
        filters = _filters(words, counts)
        passing = counts
        for column, value in filters:
            passing = passing[passing[column] == value]
        # from the counts: reading every case just to count them would take long for a large run
        n = int(passing["n"].sum())
        if n == 0:
            st.info(words("worklist.no_case"))
            return
        rows = cache.cached_query(_decided_cases, *key, CASES_ON_SCREEN, filters)
        table = worklist_tables.cases(words, rows)
        columns = {
            head: st.column_config.NumberColumn(format=form) for head, form in table.formats.items()
        }
        panels.grid("rows_worklist", table.rows, columns, LIST_HEIGHT)
        st.caption(words.many("worklist.listed", n, shown=words.number(min(n, CASES_ON_SCREEN), 0)))
        with st.container(horizontal=True):
            for name, make, mime in (
                ("csv", partial(_data_file, key, filters), "text/csv"),
                ("xlsx", partial(_workbook, words, key, filters), "application/octet-stream"),
            ):
                run_id, policy, version = key
                details = {"policy": policy, "version": version}
                export = Export(f"kakushin-worklist.{name}", mime, CASES, run_id, details)
                label, hint = words(f"worklist.download.{name}"), words(f"worklist.{name}.help")
                draw_download(label, make, export, f"worklist_{name}", help=hint)


def _filters(words: Words, counts: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Draw the filters; return (column, value) of those that are set."""
    sides = {side: words(f"worklist.side.{side or 'all'}") for side in SIDES}
    reasons = [reason for reason in REASONS if (counts["reason"] == reason).any()]
    answers = sorted(counts["predicted"].unique())
    left, middle, right = st.columns(3)
    controls.select(words("worklist.side"), sides, "side", left)
    shows = {ALL: words("worklist.side.all")} | {
        reason: words(f"worklist.reason.{reason}") for reason in reasons
    }
    controls.select(words("worklist.reason"), shows, "cause", middle)
    shows = {ALL: words("worklist.side.all")} | {answer: answer for answer in answers}
    controls.select(words("column.predicted"), shows, "answer", right)
    filters = {
        "decision": state.present.side,
        "reason": state.present.cause,
        "predicted": state.present.answer,
        "segment": state.present.segment,
    }
    return tuple((column, str(value)) for column, value in filters.items() if value != ALL)


def _data_file(key: tuple[str, str, int], filters: tuple[tuple[str, str], ...]) -> bytes:
    """Return all cases that pass the filters for a program, read at the click and not cached."""
    return csv_bytes(_decided_cases(cache.store(), *key, None, filters))


def _workbook(
    words: Words, key: tuple[str, str, int], filters: tuple[tuple[str, str], ...]
) -> bytes:
    """Return the same cases for people: the columns of the screen, and whose decisions they are."""
    table = worklist_tables.cases(words, _decided_cases(cache.store(), *key, None, filters)).rows
    version = sentences.policy_version_name(words, *key[1:])
    return xlsx_bytes(table.assign(**{words("worklist.decided_by"): version}))
