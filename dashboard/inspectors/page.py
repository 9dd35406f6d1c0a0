"""Ten inspectors or one: a case's N teacher samples as votes, the student's answer, and the gate.

Guard, controls, call, show. All figures come from core.report.inspectors and core.pipeline.ask; all
words from the catalogues. Stored samples need no model: only a typed case loads the models.
"""

from dataclasses import dataclass
from typing import cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.decision.thresholds.policy import Policy
from core.errors import CasesError, ModelError
from core.pipeline import ask
from core.report import inspectors, run_selection
from core.report.inspectors import GateRule, UncertaintyLevel, VotedCase
from core.types import RunRecord
from dashboard.components import choice_row, controls, panels, shell, tables
from dashboard.i18n import Words
from dashboard.inspectors import charts as inspector_charts
from dashboard.inspectors import controls as inspector_controls
from dashboard.inspectors import words as inspector_words
from dashboard.session import cache, state
from dashboard.session.address import ALL, TYPED

ANSWER_KEY = "asked"  # key of the last answer in the session


@dataclass(frozen=True)
class InspectorsContext:
    """The page's data: the runs of teacher and student, and the rule of the gate."""

    words: Words
    teacher: RunRecord
    student: RunRecord | None
    rule: GateRule


def draw_inspectors_page() -> None:
    """Draw the page."""
    shell.draw_shell("inspectors.title", _page)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls; notices are below the row, but known only after the others
    row, notes = choice_row.choice_row(), st.container()
    with row:
        record = choice_row.data_chip(words, runs)
    same = run_selection.same_cases(runs, record)
    if "teacher" not in same:
        state.choices()
        st.info(words("inspectors.needs_teacher"))
        return
    context = InspectorsContext(words, same["teacher"], _student(words, same), _rule(words, row))
    inspector_controls.source_control(words)

    # Call and show
    case = _typed(context) if state.present.source == TYPED else _stored(context)
    state.choices()
    with notes:
        controls.draw_notices(words)
        if context.rule.problem:
            st.warning(
                words.markdown("inspectors.gate.problem", sentence=context.rule.problem),
                icon=":material/warning:",
            )
    if case is not None:
        _show(context, *case)


def _student(words: Words, same: dict[str, RunRecord]) -> RunRecord | None:
    """Return the student's run on the same cases, None if its labels differ from the teacher's.

    Answers over different labels cannot be compared.
    """
    student = same.get("student")
    if student is not None and student.run.labels != same["teacher"].run.labels:
        st.warning(words("inspectors.other_labels"), icon=":material/warning:")
        return None
    return student


def _rule(words: Words, row: DeltaGenerator) -> GateRule:
    """Return the active policy, else draw in `row` and return the threshold of the address."""
    if (active := cache.cached_query(inspectors.active_rule)) is not None:
        return active
    with row:
        controls.threshold(words)
    st.caption(words("inspectors.no_policy"))
    return GateRule(Policy(state.present.t))


def _stored(context: InspectorsContext) -> tuple[VotedCase, tuple[str, tuple[str, ...]]] | None:
    """Draw the choice of a stored case; return it and its times, or None after a hint."""
    words, teacher = context.words, context.teacher.run
    scored = (context.student or context.teacher).run
    cases = cache.cached_query(inspectors.sampled_cases, teacher.run_id, scored.run_id)
    if cases.empty:
        st.info(words.markdown("inspectors.no_samples", run=teacher.run_id))
        return None
    texts = "inspectors.kept_all" if len(cases) == context.teacher.cases else "inspectors.kept"
    st.caption(
        words.markdown(
            texts, n=words.number(len(cases), 0), cases=words.number(context.teacher.cases, 0)
        )
    )
    inspector_controls.pick_control(words)
    if (segment := state.present.segment) != ALL:
        cases = cases[cases["segment"] == segment]
    if not state.present.unseen:
        cases = cases[cases["outcome"] != "unseen"]
    offered = inspectors.offered_cases(cases, state.present.pick, context.rule)
    if offered.empty:
        st.info(words("inspectors.none_of_kind"))
        return None
    inspector_controls.case_control(words, cases, offered)
    case_id = cast(str, state.present.case)  # its list is never empty
    samples = cache.cached_query(inspectors.samples_of, teacher.run_id, case_id)
    case = inspectors.stored_case(
        cases.loc[case_id], samples, teacher.labels, context.student is not None
    )
    return case, inspector_words.stored_time(words, context.teacher, context.student)


def _typed(context: InspectorsContext) -> tuple[VotedCase, tuple[str, tuple[str, ...]]] | None:
    """Draw the text field; return the last answered case and its times, None if there is none."""
    words, teacher, student = context.words, context.teacher, context.student
    if student is None:
        st.info(words("inspectors.needs_student"))
        return None
    try:
        models = cache.cached_pair(teacher.run.model, student.run.model, teacher.run.samples)
    except ModelError as error:
        st.info(words.markdown("inspectors.no_models", sentence=words.error_text(error)))
        return None
    if models.hashes != (teacher.run.model_hash, student.run.model_hash):
        st.warning(words("inspectors.other_models"), icon=":material/warning:")
    both = cache.inspectors(models)
    if (text := inspector_controls.text_form(words, both.ready)) is not None:
        _ask(words, both, text)
    answer = state.held_or_none(ANSWER_KEY, ask.Answer)
    # an answer of models that have been replaced since does not belong to these runs
    if answer is None or answer.models != models.hashes:
        return None
    case = VotedCase(
        answer.text, state.present.segment, answer.labels, answer.samples, answer.student
    )
    return case, inspector_words.typed_time(words, answer)


def _ask(words: Words, both: ask.Inspectors, text: str) -> None:
    """Ask the models, showing each step, and rerun the page with the answer; or draw the error."""
    bar = st.progress(0.0, text=words("inspectors.step.waiting"))

    def step(name: str) -> None:
        done = ask.ASK_STEPS.index(name) + 1
        bar.progress(done / (len(ask.ASK_STEPS) + 1), text=words(f"inspectors.step.{name}"))

    # an old answer must not remain below a failed question
    state.set_value(ANSWER_KEY, None)
    try:
        state.set_value(ANSWER_KEY, both.ask(text, step))
    except (CasesError, ModelError) as error:
        bar.empty()
        st.error(
            words.markdown("inspectors.not_asked", sentence=words.error_text(error)),
            icon=":material/error:",
        )
        return
    st.rerun()


def _show(context: InspectorsContext, case: VotedCase, took: tuple[str, tuple[str, ...]]) -> None:
    words, levels = context.words, _levels(context, case)
    gate = context.rule.gate(case.segment, case.labels, case.answer)
    with st.container(border=True, key="case_text"):
        st.text(case.text)
        st.caption(inspector_words.recorded_label(words, case))
    with st.container(border=True, key="headline"):
        st.markdown(f"### {inspector_words.inspector_headline(words, case, gate)}", anchors=False)
        st.markdown(inspector_words.uncertainty_reason(words, case, levels["teacher"]))
    panels.draw_cards(inspector_words.inspector_cards(words, case, gate, levels, took))
    st.caption(inspector_words.vote_basis(words, levels["teacher"], context.teacher))
    _votes(words, case)
    _answers(words, case)


def _levels(context: InspectorsContext, case: VotedCase) -> dict[str, dict[str, UncertaintyLevel]]:
    """Return model kind -> its uncertainty levels, the teacher's first.

    A level ranks an uncertainty among the cases of the model's own run.
    """
    levels = {"teacher": (context.teacher, case.votes.together)}
    if case.student is not None and context.student is not None:
        levels["student"] = (context.student, case.student)
    return {
        kind: inspectors.uncertainty_levels(
            answer,
            cache.cached_query(
                inspectors.share_below, record.run.run_id, answer.aleatoric, answer.epistemic
            ),
        )
        for kind, (record, answer) in levels.items()
    }


def _votes(words: Words, case: VotedCase) -> None:
    frame = inspectors.vote_frame(case.votes, case.labels)
    names = [
        words("in_votes.inspector_number", number=words.number(number, 0))
        for number in frame["inspector"]
    ]
    figure = inspector_charts.vote_chart(
        frame.assign(name=names), words.chart_words("in_votes.sure", "in_votes.others")
    )
    panels.chart_panel(
        "in_votes",
        words,
        figure,
        tables.vote_table(words, frame),
        inspector_words.votes_note(words, case),
    )


def _answers(words: Words, case: VotedCase) -> None:
    frame = inspectors.bar_frame(case.samples, case.student, case.labels)
    texts = words.chart_words(
        "in_bars.teacher", "kind.student", "in_bars.probability", "in_bars.range"
    )
    note = words.markdown(
        "in_bars.note", n=words.number(len(case.samples), 0), shown=words.number(len(frame), 0)
    )
    panels.chart_panel(
        "in_bars",
        words,
        inspector_charts.answer_chart(frame, texts),
        tables.answer_table(words, frame),
        note,
    )
