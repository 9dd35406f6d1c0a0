"""Train a point estimate, make a teacher of it, distil a student: three models and their runs in
the store.

Every step is found again by the hash of its inputs and settings: done steps return at once, a
killed step goes on from its checkpoint. What needs torch is imported where it is called: a step
that is done does not wait seconds for it. Under torchrun or `accelerate launch` all processes
compute and the first one writes.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from core.cases.prompts import letters_in, require_options
from core.errors import CasesError, ModelError
from core.models.base.card import ModelCard, read_card
from core.models.base.settings import BlobSettings, DistillSettings, PointSettings, TeacherSettings
from core.pipeline.runs import content_hash, frame_hash, is_main_process, new_run, recorded
from core.settings import Settings
from core.store.store import Store
from core.types import checked_name


class TrainSettings(BaseModel):
    """A point estimate and the teacher beside it. `anchor_share`: the latest of the labelled cases,
    held out for its spread.
    """

    model_config = ConfigDict(frozen=True)

    point: PointSettings
    teacher: TeacherSettings = BlobSettings()
    anchor_share: float = Field(0.2, gt=0, lt=1)


def split_anchor(frame: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled cases -> (fit, anchor). The anchor is the latest `share` by occurred_at, or a random
    one without dates, but for the earliest case of each label, which is always in fit.
    """
    labelled = frame[frame["label"].notna()]
    if labelled["label"].nunique() < 2:
        raise CasesError("cases.one_label", n=labelled["label"].nunique(), labelled=len(labelled))
    if labelled["occurred_at"].notna().all():
        ordered = labelled.sort_values("occurred_at", kind="stable")
    else:
        ordered = labelled.sample(frac=1, random_state=seed)
    cut = len(ordered) - max(1, round(share * len(ordered)))
    in_fit = np.arange(len(ordered)) < cut
    in_fit |= ~ordered["label"].duplicated().to_numpy()
    return ordered[in_fit], ordered[~in_fit]


def train(
    store: Store,
    settings: Settings,
    name: str,
    fit: pd.DataFrame,
    anchor: pd.DataFrame,
    chosen: TrainSettings,
    record: dict | None = None,
) -> tuple[ModelCard, ModelCard]:
    """Make the models NAME-point and NAME-teacher from cases (text, label); `record` is kept with
    the run (splits and why).

    Returns their cards. Keeps the cases in the workspace, for `distil_student`.
    """
    checked_name(f"{name}-teacher", "model")
    labels = (
        choice_labels(fit)
        if chosen.point.readout == "choice"
        else tuple(sorted(fit["label"].unique()))
    )
    inputs = content_hash(frame_hash(fit), frame_hash(anchor))
    key = content_hash(inputs, chosen.model_dump(mode="json"))
    if (teacher := _finished(settings, f"{name}-teacher", key)) and (
        point := _finished(settings, f"{name}-point", key)
    ):
        return point, teacher
    barrier(settings)
    if is_main_process():
        keep_cases(settings, name, fit, anchor)
    run = new_run(
        run_id=f"train-{name}-{key[:10]}",
        kind="train",
        model=f"{name}-teacher",
        model_kind="teacher",
        model_hash=key,
        dataset=name,
        role="train",
        inputs_hash=inputs,
        labels=labels,
        samples=chosen.teacher.samples,
        seed=chosen.point.loop.seed,
        settings={**chosen.model_dump(mode="json"), "splits": record or {}},
    )
    with recorded(store, run) as metrics:
        point = _finished(settings, f"{name}-point", key) or _fit_point(
            settings, name, fit, labels, chosen, key
        )
        metrics |= {"fit_cases": len(fit), "anchor_cases": len(anchor)}
        teacher = _make_teacher(settings, name, fit, anchor, point, chosen, key, metrics)
    return point, teacher


def distill_student(
    store: Store, settings: Settings, name: str, chosen: DistillSettings
) -> ModelCard:
    """Distil NAME-teacher into NAME-student over the cases that `train` kept: the anchor's inputs
    too, but not its labels.
    """
    teacher = read_card(settings.models / f"{name}-teacher")
    key = content_hash(teacher.hash, chosen.model_dump(mode="json"))
    if done := _finished(settings, f"{name}-student", key):
        return done
    barrier(settings)
    fit, anchor = kept_cases(settings, name)
    run = new_run(
        run_id=f"distil-{name}-{key[:10]}",
        kind="distil",
        model=f"{name}-student",
        model_kind="student",
        model_hash=key,
        dataset=name,
        role="train",
        inputs_hash=content_hash(frame_hash(fit), frame_hash(anchor)),
        labels=teacher.labels,
        seed=chosen.loop.seed,
        settings=chosen.model_dump(mode="json"),
    )
    with recorded(store, run) as metrics:
        cases = pd.concat([fit, anchor.assign(label=None)], ignore_index=True)
        metrics |= {"cases": len(cases), "teacher_samples": teacher.samples}
        return _distill(settings, name, cases, teacher, chosen, key, metrics)


def choice_labels(fit: pd.DataFrame) -> tuple[str, ...]:
    """The answers that a choice model chooses among: the letters of the options, also one that is
    never right here; without options, the labels themselves. Raises CasesError where one case has
    other options than the first.
    """
    letters = letters_in(fit["text"].iloc[0])
    if not letters or not set(fit["label"]) <= set(letters):
        return tuple(sorted(fit["label"].unique()))
    require_options(fit, letters, "the one to be trained")
    return letters


def texts_of(frame: pd.DataFrame, labels: tuple[str, ...]):
    """Cases with text and label -> core.models.training.build.Texts; a label that is missing or not
    in `labels` is NO_LABEL.
    """
    from core.models.training.build import NO_LABEL, Texts

    position = {label: i for i, label in enumerate(labels)}
    return Texts(
        frame["text"].tolist(),
        np.array([position.get(label, NO_LABEL) for label in frame["label"]], dtype=np.int64),
    )


def keep_cases(settings: Settings, name: str, fit: pd.DataFrame, anchor: pd.DataFrame) -> None:
    """Keep the training cases in the workspace: distilling needs the teacher's inputs again."""
    folder = settings.data / name
    folder.mkdir(parents=True, exist_ok=True)
    for part, frame in (("fit", fit), ("anchor", anchor)):
        frame[["text", "label"]].to_parquet(folder / f"train-{part}.parquet", index=False)


def kept_cases(settings: Settings, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The (fit, anchor) cases that `train` kept under this name. Raises ModelError where there are
    none.
    """
    paths = [settings.data / name / f"train-{part}.parquet" for part in ("fit", "anchor")]
    if not all(p.is_file() for p in paths):
        raise ModelError(
            f"no training cases are kept under {name!r}: run `python -m core train CASES --name {name}` first"
        )
    return tuple(pd.read_parquet(p) for p in paths)


def _fit_point(
    settings: Settings, name: str, fit: pd.DataFrame, labels, chosen: TrainSettings, key: str
) -> ModelCard:
    from core.models.base.device import pick_device
    from core.models.training import build

    started = time.perf_counter()
    with _work(settings, f"{name}-point", key) as work:
        device = pick_device(settings.device)
        trained = build.fit_point(
            texts_of(fit, labels), f"{name}-point", labels, chosen.point, device, work
        )
        return _save(settings, trained, key, started, {"fit_cases": len(fit)})


def _make_teacher(
    settings: Settings,
    name: str,
    fit,
    anchor,
    point: ModelCard,
    chosen: TrainSettings,
    key: str,
    metrics: dict,
):
    from core.models.base.device import pick_device
    from core.models.training import build

    started, device = time.perf_counter(), pick_device(settings.device)
    cases, held_out, folder = (
        texts_of(fit, point.labels),
        texts_of(anchor, point.labels),
        settings.models / point.name,
    )
    with _work(settings, f"{name}-teacher", key) as work:
        trained, record = build.make_teacher(
            point, folder, cases, held_out, f"{name}-teacher", chosen.teacher, device, work
        )
        metrics |= record
        return _save(settings, trained, key, started, dict(metrics))


def _distill(
    settings: Settings,
    name: str,
    cases: pd.DataFrame,
    teacher: ModelCard,
    chosen: DistillSettings,
    key: str,
    metrics: dict,
) -> ModelCard:
    from core.models.base.device import pick_device
    from core.models.training import build

    started = time.perf_counter()
    with _work(settings, f"{name}-student", key) as work:
        device, texts = pick_device(settings.device), texts_of(cases, teacher.labels)
        trained = build.distill(
            settings.models / teacher.name, texts, f"{name}-student", chosen, device, work
        )
        return _save(settings, trained, key, started, dict(metrics))


@contextmanager
def _work(settings: Settings, name: str, key: str) -> Iterator[Path]:
    """The folder of a training's checkpoints: found again by the same settings after a kill, gone
    once the model is saved.
    """
    folder = settings.cache / "training" / f"{name}-{key[:10]}"
    yield folder
    if is_main_process():
        shutil.rmtree(folder, ignore_errors=True)


def barrier(settings: Settings) -> None:
    """Every process has looked what is done before the first one does more."""
    from core.models.base.device import pick_device, wait_for_all

    wait_for_all(pick_device(settings.device))


def _save(settings: Settings, trained, key: str, started: float, metrics: dict) -> ModelCard:
    from core.models.scoring import checkpoint

    card = trained.card.model_copy(
        update={
            "duration_s": time.perf_counter() - started,
            "metrics": metrics,
            "settings": trained.card.settings | {"key": key},
        }
    )
    folder = settings.models / card.name
    if is_main_process():
        checkpoint.save(folder, card, trained.weights)
    barrier(settings)
    return read_card(folder)


def _finished(settings: Settings, model: str, key: str) -> ModelCard | None:
    """The card of the model of that name, if it was made from just these inputs and settings."""
    folder = settings.models / model
    if not (folder / "model.json").is_file():
        return None
    card = read_card(folder)
    return card if card.settings.get("key") == key else None
