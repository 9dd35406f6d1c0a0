"""Distill a line's student again from people's verdicts, and promote it only if it is better.

Verdict labels are split by a hash of the text: 80% may teach, 20% only ever judge, so that no text
does both. Labels that the model does not know open a class once enough teaching cases carry them.
The teacher is trained again on old and new cases, its draws then see recent inputs, and it is
distilled into a new name. The new student scores the whole stream in the shadow of the old one; the
judging cases decide (core.decision.watch.promotion). A rollback moves one pointer.
"""

import hashlib

import numpy as np
import pandas as pd

from core.cases.workorders import text_key
from core.decision.watch.promotion import (
    UNKNOWN_LABEL,
    PromotionVerdict,
    Redistillation,
    fit_open_scaling,
    open_world_ece,
)
from core.errors import ModelError, SettingsError
from core.models.base.card import read_card
from core.models.base.settings import DistillSettings
from core.pipeline.runs import frame_hash
from core.pipeline.score import score
from core.pipeline.service import line_of_model, put_in_service
from core.pipeline.train import (
    TrainSettings,
    distill_student,
    kept_cases,
    train,
    training_key,
)
from core.settings import Settings
from core.stats.bounds import paired_interval
from core.store.reviews import Reviews
from core.store.store import Store
from core.types import RunRecord

TEACHING_SHARE = 0.8
LEAST_OF_CLASS = 12  # teaching cases that open a class; docs/results/monitoring.md compares
LEAST_JUDGING = 30
_CASES = ["case_id", "row", "text", "segment", "label", "occurred_at", "value", "predicted"]


def redistill(
    store: Store,
    settings: Settings,
    run_id: str,
    author: str,
    rehearsal: bool = False,
    review: float = 4.0,
    escape: float = 120.0,
) -> Redistillation:
    """Train, distill and judge a new student for the line of a student's stream run.

    author: who puts it in service. rehearsal: the labels of the file act as verdicts; nothing is
    put in service then. review, escape: money of one. Raises ModelError for another model's run,
    SettingsError with too few verdicts.
    """
    record = store.run(run_id)
    if record.run.model_kind != "student":
        raise ModelError("watch.not_a_student", model=record.run.model)
    line, name = line_of_model(record.run.model)
    cases = verdict_cases(store, run_id, rehearsal)
    teaching = cases[cases["teaches"]]
    opened = open_classes(teaching, record.run.labels)
    learned = teaching[teaching["label"].isin({*record.run.labels, *opened})]
    if len(cases) - len(teaching) < LEAST_JUDGING or not len(learned):
        raise SettingsError("watch.few_verdicts", n=len(cases), least=LEAST_JUDGING)
    all_cases = pd.concat([kept_cases(settings, name), learned[["text", "label"]]])
    all_cases = all_cases.reset_index(drop=True)
    training, distilling = _settings_of(store, name)
    key = training_key(frame_hash(all_cases), training)
    new = _next_name(settings, line, key)
    point, teacher = train(store, settings, new, all_cases, training)
    student = distill_student(store, settings, new, distilling)
    # By the cards, not by this call's clock: a killed call goes on after the last finished step.
    seconds = sum(card.duration_s for card in (point, teacher, student))
    verdict, saving = _judge(store, settings, record, student.name, cases, (review, escape))
    promoted = not verdict.failed_checks and not rehearsal
    if promoted:
        put_in_service(store, settings, line, student.name, author)
    return Redistillation(
        new, student.name, len(learned), opened, verdict, seconds, saving, promoted
    )


def verdict_cases(store: Store, run_id: str, rehearsal: bool) -> pd.DataFrame:
    """Return the run's cases with a label by verdict: _CASES, day, and whether each teaches."""
    frame = store.predictions(run_id, _CASES)
    if not rehearsal:
        verdicts = Reviews(store).case_verdicts(run_id).set_index("case_id")
        answered = verdicts[["verdict", "label"]].reindex(frame["case_id"]).reset_index(drop=True)
        frame["label"] = answered["label"].where(answered["verdict"] != "right", frame["predicted"])
        frame = frame[answered["verdict"].isin(["right", "wrong"])]
    frame = frame[frame["label"].notna()].copy()
    # bool also where no row is left: pandas would take an empty list as names of columns.
    lots = np.array([_text_lot(text) for text in frame["text"]], dtype=np.float64)
    frame["teaches"] = lots < TEACHING_SHARE
    frame["day"] = frame["occurred_at"].dt.normalize()
    return frame


def open_classes(teaching: pd.DataFrame, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels outside `labels` that LEAST_OF_CLASS teaching cases carry, most first."""
    counts = teaching["label"].value_counts()
    return tuple(k for k, n in counts.items() if n >= LEAST_OF_CLASS and k not in labels)


def _judge(
    store: Store,
    settings: Settings,
    record: RunRecord,
    student: str,
    cases: pd.DataFrame,
    costs: tuple[float, float],
) -> tuple[PromotionVerdict, float]:
    """Score both sets with the new student in the shadow, and compare on the judging cases."""
    old = record.run
    calibration = _calibration_of(store, record)
    shadow = {
        run.run_id: _scored_by(store, settings, student, run.run_id)
        for run in (old, calibration.run)
    }
    new_labels = store.run(shadow[old.run_id]).run.labels
    labels = {*old.labels, *new_labels, *cases["label"]}
    judging = cases[~cases["teaches"]]
    parts = {
        "old": (old.run_id, calibration.run.run_id, old.labels),
        "new": (shadow[old.run_id], shadow[calibration.run.run_id], new_labels),
    }
    held_out = store.predictions(calibration.run.run_id, ["case_id", "label"]).dropna()
    answers, scalings = {}, {}
    for key, (stream_id, calibration_id, trained_labels) in parts.items():
        answers[key] = _answers(store, stream_id, judging, trained_labels)
        scalings[key] = fit_open_scaling(
            *_answers(store, calibration_id, held_out, trained_labels), len(labels)
        )
    recent = _answers(store, old.run_id, cases[cases["teaches"]], old.labels)
    scalings["recalibrated"] = fit_open_scaling(*recent, len(labels))
    answers["recalibrated"] = answers["old"]
    loss = {key: scalings[key].log_loss(*answers[key]) for key in answers}
    right = {
        key: _right(_answers(store, calibration_id, held_out, trained_labels))
        for key, (_, calibration_id, trained_labels) in parts.items()
    }
    on_old = held_out["label"].isin(old.labels).to_numpy()
    difference = right["new"][on_old].astype(float) - right["old"][on_old]
    unseen = {key: float((answers[key][1] == UNKNOWN_LABEL).mean()) for key in parts}
    errors = {key: open_world_ece(scalings[key], *answers[key]) for key in answers}
    verdict = PromotionVerdict(
        cases=len(judging),
        against_old=paired_interval(loss["new"] - loss["old"], judging["day"]),
        against_recalibrated=paired_interval(loss["new"] - loss["recalibrated"], judging["day"]),
        old_accuracy=paired_interval(difference, np.arange(len(difference))),
        unseen=(unseen["old"], unseen["new"]),
        ece=(errors["old"], errors["recalibrated"], errors["new"]),
    )
    money = {
        key: _expected_money(scalings[key].confidence(answers[key][0]), _right(answers[key]), costs)
        for key in ("recalibrated", "new")
    }
    return verdict, money["recalibrated"] - money["new"]


def _expected_money(confidence: np.ndarray, right: np.ndarray, costs: tuple[float, float]) -> float:
    """Return the money a case where an answer is accepted if that is expected to be cheaper."""
    review, escape = costs
    accepted = escape * (1 - confidence) <= review
    return float(np.where(accepted, escape * ~right, review).mean())


def _answers(
    store: Store, run_id: str, cases: pd.DataFrame, labels: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (probabilities [n, K], position of each label) of these cases in a run."""
    table = store.predictions(run_id, ["case_id", "probabilities"]).set_index("case_id")
    place = {label: i for i, label in enumerate(labels)}
    p = np.stack(table.loc[cases["case_id"], "probabilities"].to_list()).astype(np.float64)
    return p, np.array([place.get(label, UNKNOWN_LABEL) for label in cases["label"]])


def _right(answers: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return answers[0].argmax(1) == answers[1]


def _scored_by(store: Store, settings: Settings, student: str, run_id: str) -> str:
    run = store.run(run_id).run
    cases = store.predictions(run_id, [name for name in _CASES if name != "predicted"])
    return score(
        store, settings, student, cases, run.inputs_hash, run.dataset, run.role, truncate=True
    ).run.run_id


def _calibration_of(store: Store, record: RunRecord) -> RunRecord:
    for candidate in store.runs("score"):
        same = (candidate.run.model_hash, candidate.run.dataset) == (
            record.run.model_hash,
            record.run.dataset,
        )
        if same and candidate.run.role == "calibration" and candidate.state == "finished":
            return candidate
    raise SettingsError("watch.no_calibration", model=record.run.model)


def _next_name(settings: Settings, line: str, key: str) -> str:
    """Return NAME-rN: that whose teacher these cases and settings made, so that a killed call goes
    on, else the first free one.
    """
    number = 2
    while (settings.models / f"{line}-r{number}-teacher" / "model.json").is_file():
        card = read_card(settings.models / f"{line}-r{number}-teacher")
        if card.settings.get("key") == key:
            break
        number += 1
    return f"{line}-r{number}"


def _settings_of(store: Store, name: str) -> tuple[TrainSettings, DistillSettings]:
    """Return the settings by which the line's teacher and student were made."""
    runs = {
        kind: next((r.run for r in store.runs(kind) if r.run.model == f"{name}-{model}"), None)
        for kind, model in (("train", "teacher"), ("distil", "student"))
    }
    if runs["train"] is None or runs["distil"] is None:
        raise ModelError("watch.no_training", name=name)
    trained = {key: runs["train"].settings[key] for key in ("point", "teacher")}
    return TrainSettings.model_validate(trained), DistillSettings.model_validate(
        runs["distil"].settings
    )


def _text_lot(text: str) -> float:
    """Return a number in [0, 1) that all copies of a text share."""
    digest = hashlib.sha256(text_key(text).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56
