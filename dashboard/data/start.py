"""The start of jobs on the page 'Data and runs', on the opened file or an existing teacher.

Draws the choices of one task and queues a job (core.jobs.queue); it waits for nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import CasesError, KakushinError
from core.jobs import queue
from core.jobs.arguments import (
    Source,
    dataset_name,
    distill_arguments,
    poc_arguments,
    redistill_arguments,
    score_arguments,
    train_arguments,
)
from core.pipeline import workspace
from core.pipeline.bases import OFFLINE
from core.pipeline.poc_plan import LEAST_CASES, split_history
from core.pipeline.prepare import (
    RARE_CHOICES,
    settle_rare_labels,
    vocabulary_notice,
    with_known_labels,
)
from core.pipeline.train import training_cases
from core.pipeline.uploads import Cases, Checked, ReadingOptions, Upload
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent
from dashboard.components import controls
from dashboard.data import words as data_words
from dashboard.i18n import Words
from dashboard.session import cache, identity, state

TASKS = ("score", "poc", "train", "distill", "redistill")
OFFERED_TEACHERS = ("blob", "mixture", "tfb", "laplace", "ensemble", "dropout")
# the Instruct bases do not classify
BASES = tuple(name for name in OFFLINE if "Instruct" not in name)
MULTILINGUAL = "multilingual-e5-small"
SCORING_ROLES = ("stream", "calibration")
MOST_EPOCHS = 100
EXAMPLES = 3  # unknown labels in a sentence
JobToStart = tuple[str, Callable[[], tuple[str, ...]]]  # what it works on, and its arguments


@dataclass(frozen=True)
class ReadyCases:
    """A file whose columns are mapped."""

    upload: Upload
    checked: Checked
    options: ReadingOptions

    @property
    def cases(self) -> Cases:
        """Return the file's cases."""
        return cast(Cases, self.checked.cases)


def draw_job_starts(words: Words, ready: ReadyCases | None) -> None:
    """Draw the tasks. Scoring and training need a file."""
    with st.container(border=True, key="panel_start"):
        st.markdown(f"## {words('start')}", help=words("start.help"), anchors=False)
        names = {name: words(f"verb.{name}") for name in TASKS}
        label, first = words("start.task"), TASKS[0]
        task = controls.segments(label, names, "task", default=first, label_visibility="collapsed")
        if task != "poc" and ready is not None and _can_be_tried(ready):
            st.button(
                words("start.poc.open"),
                key="open_poc",
                on_click=state.set_value,
                args=("task", "poc"),
                icon=":material/rocket_launch:",
                help=words("start.poc.help"),
            )
        if task in ("distill", "redistill"):
            make = _distill(words) if task == "distill" else _redistill(words)
        elif ready is None:
            st.info(words("start.needs_file"), icon=":material/upload_file:")
            return
        elif not len(ready.cases.frame):
            st.warning(words("start.no_good_row"), icon=":material/warning:")
            return
        else:
            make = {"score": _score, "poc": _poc, "train": _train}[task](words, ready)
        if make is not None:
            _button(words, task, *make)


def _button(words: Words, task: str, about: str, arguments: Callable[[], tuple[str, ...]]) -> None:
    """Draw the name of the person and the button, and queue the job at a click.

    about: what the job works on. arguments: makes the command's arguments.
    """
    name, place = st.columns([2, 1], vertical_alignment="bottom")
    # said before the click, in the field itself, so that nothing moves once it is filled
    who = name.text_input(
        words("who"), key="who", max_chars=80, help=words("who.help"), placeholder=words("required")
    )
    icon = ":material/play_arrow:"
    if not place.button(
        words(f"start.{task}"), key="start", type="primary", width="stretch", icon=icon
    ):
        return
    if not who.strip():
        st.error(words("start.no_name"), icon=":material/person:")
        return
    try:
        # arguments() runs at a click only, and inside the try: it may raise as well
        principal = identity.acting_principal()
        job = queue.start(cache.settings(), task, arguments(), who, about, principal)
        event = TrailEvent("job.start", job.who, job.job_id, {"verb": task, "about": about})
        AuditTrail(cache.store()).append(principal, [event])
    except KakushinError as error:
        st.error(
            words.markdown("start.refused", sentence=words.error_text(error)),
            icon=":material/error:",
        )
        return
    state.go("part", "jobs")


def _source(words: Words, ready: ReadyCases) -> Source | None:
    """Return the file as a job reads it, None until the reader agrees to skip bad rows.

    Skipping needs consent: the result would otherwise silently lack cases.
    """
    bad = ready.checked.bad_rows
    source = Source(
        ready.upload.path(cache.settings()),
        ready.cases.columns,
        ready.options,
        skip_bad_rows=bool(bad),
    )
    if not bad:
        return source
    texts = {"good": words.number(len(ready.cases.frame), 0), "bad": words.number(bad, 0)}
    agreed = st.checkbox(
        words("start.skip", **texts),
        key=f"skip_{ready.upload.key[:12]}",
        help=words("start.skip.help"),
    )
    if not agreed:
        st.caption(words("start.must_agree"))
    return source if agreed else None


def _score(words: Words, ready: ReadyCases) -> JobToStart | None:
    cards = {card.name: card for card in workspace.models(cache.settings())}
    if not cards:
        st.info(words("start.no_model"), icon=":material/model_training:")
        return None
    left, middle, right = st.columns(3)
    kinds = {name: f"{words('kind.' + card.kind)} · {name}" for name, card in cards.items()}
    model = controls.select(words("start.model"), kinds, "score_model", left)
    roles = {name: words(f"role.{name}") for name in SCORING_ROLES}
    role = controls.select(
        words("start.role"), roles, "score_role", middle, help=words("start.role.help")
    )
    default = dataset_name(ready.upload.called)
    dataset = right.text_input(
        words("start.dataset"),
        default,
        key=f"dataset_{ready.upload.key[:12]}",
        help=words("start.name.help"),
    )
    st.caption(_labels(words, ready, cards[model].labels))
    _warn_of_language(words, ready, cache.settings().models / model / cards[model].base)
    truncate = st.toggle(
        words("start.truncate"), key="score_truncate", help=words("start.truncate.help")
    )
    if (source := _source(words, ready)) is None:
        return None
    return f"{ready.upload.called} → {model}", lambda: score_arguments(
        source, model, dataset, role, truncate
    )


def _can_be_tried(ready: ReadyCases) -> bool:
    """Return whether the file has enough labelled cases for a proof of concept."""
    labels = ready.cases.frame["label"]
    return labels.notna().sum() >= LEAST_CASES and labels.nunique() > 1


def _poc(words: Words, ready: ReadyCases) -> JobToStart | None:
    frame = ready.cases.frame
    try:
        split = split_history(frame, ready.upload.called)
    except CasesError as error:
        sentence = words.error_text(error)
        st.info(words.markdown("start.refused", sentence=sentence), icon=":material/label:")
        return None
    sizes = {name: len(part) for name, part in split.parts.items()}
    sizes |= {"n": split.labelled, "dated": split.dated}
    counts = {name: words.number(size, 0) for name, size in sizes.items()}
    st.caption(words(f"start.poc.{split.by}", **counts))
    for notice in split.notices:
        st.caption(data_words.notice_text(words, notice))
    left, right = st.columns(2)
    name = left.text_input(
        words("start.name"),
        dataset_name(ready.upload.called),
        key=f"poc_name_{ready.upload.key[:12]}",
        help=words("start.name.help"),
    )
    base = _base(words, ready, right, "poc_base")
    if (source := _source(words, ready)) is None:
        return None
    about = f"{ready.upload.called} → {name}"
    return about, lambda: poc_arguments(source, name, words.language, base)


def _base(words: Words, ready: ReadyCases, place: DeltaGenerator, key: str) -> str:
    """Draw the choice of the base; warn if the chosen one cannot read these texts."""
    frame = ready.cases.frame
    # a sample suffices, and a file may hold millions of cases
    not_ascii = not frame["text"].head(200).str.cat().isascii()
    base = place.selectbox(
        words("start.base"),
        BASES,
        index=BASES.index(MULTILINGUAL) if not_ascii else 0,
        key=f"{key}_{ready.upload.key[:12]}",
        help=words("start.base.help"),
    )
    # only a model that was fetched before can tell; a page fetches none
    _warn_of_language(words, ready, cache.settings().cache / base)
    return base


def _warn_of_language(words: Words, ready: ReadyCases, base: Path) -> None:
    """Draw a warning if the vocabulary of the model in `base` lacks the language of the cases."""
    if unknown := vocabulary_notice(ready.cases.frame, base):
        st.warning(data_words.notice_text(words, unknown), icon=":material/translate:")


def _labels(words: Words, ready: ReadyCases, run_labels: tuple[str, ...]) -> str:
    """Return how many cases have a label that the model was trained on, another one, or none."""
    frame, notices = with_known_labels(ready.cases.frame, run_labels)
    labels = frame["label"]
    unknown = labels[labels.notna() & ~labels.isin(run_labels)]
    texts = {
        "known": words.number(int(labels.isin(run_labels).sum()), 0),
        "none": words.number(int(labels.isna().sum()), 0),
    }
    text = words.markdown("labels.known", classes=words.number(len(run_labels), 0), **texts)
    for notice in notices:
        text += "  \n" + data_words.notice_text(words, notice)
    if unknown.empty:
        return text
    names = words.comma.join(unknown.value_counts().index[:EXAMPLES])
    return f"{text}  \n" + words.markdown(
        "labels.unknown", unknown=words.number(len(unknown), 0), names=names
    )


def _train(words: Words, ready: ReadyCases) -> JobToStart | None:
    if ready.cases.frame["label"].nunique() < 2:
        st.info(words("start.needs_labels"), icon=":material/label:")
        return None
    rare = _rare_labels(words, ready)
    if rare is None:
        return None
    left, middle, right, last = st.columns(4)
    name = left.text_input(
        words("start.name"),
        dataset_name(ready.upload.called),
        key=f"name_{ready.upload.key[:12]}",
        help=words("start.name.help"),
    )
    teachers = {kind: words(f"teacher.{kind}") for kind in OFFERED_TEACHERS}
    teacher = controls.select(
        words("start.teacher"), teachers, "train_teacher", middle, help=words("start.teacher.help")
    )
    base = _base(words, ready, right, "base")
    epochs = last.number_input(
        words("start.epochs"),
        1,
        MOST_EPOCHS,
        3,
        key="train_epochs",
        help=words("start.epochs.help"),
    )
    truncate = st.toggle(
        words("start.truncate"), key="train_truncate", help=words("start.truncate.help")
    )
    if (source := _source(words, ready)) is None:
        return None
    about = f"{ready.upload.called} → {name}-teacher"
    return about, lambda: train_arguments(source, name, teacher, int(epochs), base, truncate, rare)


def _rare_labels(words: Words, ready: ReadyCases) -> str | None:
    """Return the treatment of labels with few cases, each named; None if training is impossible."""
    frame = ready.cases.frame
    choice = "keep"
    if settle_rare_labels(frame)[1]:
        choices = {name: words(f"rare.{name}") for name in RARE_CHOICES if name != "refuse"}
        choice = controls.select(words("rare"), choices, "rare_labels")
    settled, notices = settle_rare_labels(frame, choice)
    for notice in notices:
        st.warning(data_words.notice_text(words, notice), icon=":material/label:")
    try:
        training_cases(settled)
    except CasesError as error:  # now, since the job would fail with it later
        sentence = words.error_text(error)
        st.warning(words.markdown("start.refused", sentence=sentence), icon=":material/label:")
        return None
    return choice


def _distill(words: Words) -> JobToStart | None:
    cards = workspace.models(cache.settings())
    names = [
        card.name.removesuffix("-teacher")
        for card in cards
        if card.kind == "teacher" and card.name.endswith("-teacher")
    ]
    if not names:
        st.info(words("start.no_teacher"), icon=":material/school:")
        return None
    left, right = st.columns(2)
    name = left.selectbox(
        words("start.of"),
        names,
        format_func=lambda name: f"{name}-teacher",
        key="distill_name",
        help=words("start.of.help"),
    )
    label, hint = words("start.epochs"), words("start.epochs.help")
    epochs = right.number_input(label, 1, MOST_EPOCHS, 2, key="distill_epochs", help=hint)
    return f"{name}-teacher → {name}-student", lambda: distill_arguments(name, int(epochs))


def _redistill(words: Words) -> JobToStart | None:
    runs = cache.cached_query(_judged_runs)
    if not runs:
        st.info(words("start.no_verdicts"), icon=":material/rule:")
        return None
    run_id = controls.select(words("start.verdicts_of"), runs, "redistill_run")
    st.caption(words("start.redistill.help"))
    costs = state.present.review, state.present.escape, state.present.machine
    # the name's field comes after this choice; at the click it is filled
    return runs[run_id], lambda: redistill_arguments(
        run_id, str(state.held_value("who", "")), *costs
    )


def _judged_runs(store: Store) -> dict[str, str]:
    """Return {run_id: name for people} of the students' streams on which people gave verdicts."""
    return {
        record.run.run_id: f"{record.run.model} · {record.run.dataset}"
        for record in store.runs("score")
        if (record.run.model_kind, record.run.role) == ("student", "stream")
        and len(Reviews(store).case_verdicts(record.run.run_id))
    }
