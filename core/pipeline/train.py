"""Train a point estimate, make a teacher of it, distil a student: three models and their runs in the store.

Every step is found again by the hash of its inputs and settings: done steps return at once, a killed step goes on from its
checkpoint.
"""

import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from core.errors import CasesError, ModelError
from core.models import build, checkpoint
from core.models.build import DistilSettings, PointSettings, Texts
from core.models.checkpoint import ModelCard
from core.models.device import pick_device
from core.models.teachers.tfb import TfbSettings
from core.models.training import NO_LABEL
from core.pipeline.runs import content_hash, frame_hash, new_run, recorded
from core.settings import Settings
from core.store.store import Store
from core.types import checked_name


class TrainSettings(BaseModel):
    """A point estimate and the teacher made of it. `anchor_share`: of the labelled cases, the latest, held out to choose
    sigma.
    """

    model_config = ConfigDict(frozen=True)

    point: PointSettings
    tfb: TfbSettings = TfbSettings()
    anchor_share: float = Field(0.2, gt=0, lt=1)


def split_anchor(frame: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled cases -> (fit, anchor). The anchor is the latest `share` by occurred_at, or a random one where no case has a
    date.
    """
    labelled = frame[frame["label"].notna()]
    if labelled["label"].nunique() < 2:
        raise CasesError(
            f"the training cases have {labelled['label'].nunique()} distinct label in {len(labelled)} labelled "
            "cases: at least 2 labels are needed"
        )
    if labelled["occurred_at"].notna().all():
        ordered = labelled.sort_values("occurred_at", kind="stable")
    else:
        ordered = labelled.sample(frac=1, random_state=seed)
    cut = len(ordered) - max(1, round(share * len(ordered)))
    fit, anchor = ordered.iloc[:cut], ordered.iloc[cut:]
    missing = set(fit["label"].unique()) ^ set(labelled["label"].unique())
    if missing:
        raise CasesError(
            f"label {sorted(missing)[0]!r} stands in the latest {share:.0%} of the cases only: nothing earlier to learn it from"
        )
    return fit, anchor


def train(
    store: Store,
    settings: Settings,
    name: str,
    fit: pd.DataFrame,
    anchor: pd.DataFrame,
    chosen: TrainSettings,
    record: dict | None = None,
) -> tuple[ModelCard, ModelCard]:
    """Make the models NAME-point and NAME-teacher from cases (text, label); `record` is kept with the run (splits and why).

    Returns their cards. Keeps the cases in the workspace, for `distil_student`.
    """
    checked_name(f"{name}-teacher", "model")
    labels = tuple(sorted(fit["label"].unique()))
    inputs = content_hash(frame_hash(fit), frame_hash(anchor))
    key = content_hash(inputs, chosen.model_dump(mode="json"))
    point_dir, teacher_dir = (settings.models / f"{name}-{kind}" for kind in ("point", "teacher"))
    if (done := _finished(teacher_dir, key)) and (point := _finished(point_dir, key)):
        return point, done
    keep_cases(settings, name, fit, anchor)
    device = pick_device(settings.device)
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
        samples=chosen.tfb.samples,
        seed=chosen.point.loop.seed,
        settings={**chosen.model_dump(mode="json"), "splits": record or {}},
    )
    with recorded(store, run) as metrics:
        point = _finished(point_dir, key)
        if not point:
            point = _fit_point(settings, name, texts_of(fit, labels), labels, chosen, key, device)
        started = time.perf_counter()
        trained, choice = build.make_teacher(
            point, point_dir, texts_of(anchor, labels), f"{name}-teacher", chosen.tfb, device, chosen.point.truncate
        )
        metrics |= {
            "fit_cases": len(fit),
            "anchor_cases": len(anchor),
            "sigma": choice.sigma,
            "anchor_nll_point": choice.point,
            "anchor_nll_by_sigma": [list(pair) for pair in sorted(choice.tried)],
        }
        teacher = _save(teacher_dir, trained, key, time.perf_counter() - started, dict(metrics))
    return point, teacher


def distil_student(store: Store, settings: Settings, name: str, chosen: DistilSettings) -> ModelCard:
    """Distil NAME-teacher into NAME-student over the cases that `train` kept. Labels of the anchor are not used: its inputs
    are.
    """
    teacher_dir, student_dir = settings.models / f"{name}-teacher", settings.models / f"{name}-student"
    teacher = checkpoint.read_card(teacher_dir)
    fit, anchor = kept_cases(settings, name)
    key = content_hash(teacher.hash, chosen.model_dump(mode="json"))
    if done := _finished(student_dir, key):
        return done
    cases = texts_of(pd.concat([fit, anchor.assign(label=None)], ignore_index=True), teacher.labels)
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
        started = time.perf_counter()
        work = settings.cache / "training" / f"{name}-student-{key[:10]}"
        trained = build.distil(teacher_dir, cases, f"{name}-student", chosen, pick_device(settings.device), work)
        metrics |= {"cases": len(cases.texts), "teacher_samples": teacher.samples}
        student = _save(student_dir, trained, key, time.perf_counter() - started, dict(metrics))
        shutil.rmtree(work, ignore_errors=True)
    return student


def texts_of(frame: pd.DataFrame, labels: tuple[str, ...]) -> Texts:
    """Cases with text and label -> texts and label positions; a label that is missing or not in `labels` is NO_LABEL."""
    position = {label: i for i, label in enumerate(labels)}
    return Texts(frame["text"].tolist(), np.array([position.get(label, NO_LABEL) for label in frame["label"]], dtype=np.int64))


def keep_cases(settings: Settings, name: str, fit: pd.DataFrame, anchor: pd.DataFrame) -> None:
    """Keep the training cases in the workspace: distilling needs the teacher's inputs again."""
    folder = settings.data / name
    folder.mkdir(parents=True, exist_ok=True)
    for part, frame in (("fit", fit), ("anchor", anchor)):
        frame[["text", "label"]].to_parquet(folder / f"train-{part}.parquet", index=False)


def kept_cases(settings: Settings, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The (fit, anchor) cases that `train` kept under this name. Raises ModelError where there are none."""
    paths = [settings.data / name / f"train-{part}.parquet" for part in ("fit", "anchor")]
    if not all(p.is_file() for p in paths):
        raise ModelError(f"no training cases are kept under {name!r}: run `python -m core train CASES --name {name}` first")
    return tuple(pd.read_parquet(p) for p in paths)


def _fit_point(settings, name, texts, labels, chosen: TrainSettings, key: str, device) -> ModelCard:
    started = time.perf_counter()
    work = settings.cache / "training" / f"{name}-point-{key[:10]}"
    trained = build.fit_point(texts, f"{name}-point", labels, chosen.point, device, work)
    card = _save(
        settings.models / f"{name}-point", trained, key, time.perf_counter() - started, {"fit_cases": len(texts.texts)}
    )
    shutil.rmtree(work, ignore_errors=True)
    return card


def _save(folder: Path, trained: build.Trained, key: str, seconds: float, metrics: dict) -> ModelCard:
    made_from = trained.card.settings | {"key": key}
    card = trained.card.model_copy(update={"duration_s": seconds, "metrics": metrics, "settings": made_from})
    return checkpoint.save(folder, card, trained.weights)


def _finished(folder: Path, key: str) -> ModelCard | None:
    """The card of the model in `folder`, if it was made from just these inputs and settings."""
    if not (folder / "model.json").is_file():
        return None
    card = checkpoint.read_card(folder)
    return card if card.settings.get("key") == key else None
