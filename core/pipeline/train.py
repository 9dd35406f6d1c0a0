"""Train a point estimate, make a teacher of it, distill a student: three models and their runs.

Every step is found by the hash of its inputs and settings: finished steps return at once, a killed
step resumes from its checkpoint. Imports that need torch are inside the functions, so that a
finished step does not wait seconds for them. Under torchrun or `accelerate launch` all processes
compute and the main one writes.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from core.cases.prompts import letters_in, require_options
from core.errors import CasesError, ModelError
from core.models.base.card import ModelCard, read_card
from core.models.base.settings import BlobSettings, DistillSettings, PointSettings, TeacherSettings
from core.pipeline.cluster import Cluster, sampled_on_cluster
from core.pipeline.runs import content_hash, frame_hash, recorded, training_run
from core.progress import is_main_process
from core.settings import Settings
from core.store.store import Store
from core.types import checked_name

CASES_FILE = "train-cases.parquet"  # of the workspace's data/NAME
# Of the linear start: a model that an earlier version made by another method is made again.
START = "blend"
# Earlier versions split the cases into two files, which are still read.
_OLDER_FILES = ("train-fit.parquet", "train-anchor.parquet")


class TrainSettings(BaseModel):
    """A point estimate and the teacher made of it."""

    model_config = ConfigDict(frozen=True)

    point: PointSettings
    teacher: TeacherSettings = BlobSettings()


def training_cases(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the labelled cases, ordered by occurred_at if all of them have it.

    Raises CasesError below two labels.
    """
    labelled = frame[frame["label"].notna()]
    if labelled["label"].nunique() < 2:
        raise CasesError("cases.one_label", n=labelled["label"].nunique(), labelled=len(labelled))
    if labelled["occurred_at"].notna().all():
        # A stable sort keeps the file's order among equal times, so that the same file trains the
        # same model.
        return labelled.sort_values("occurred_at", kind="stable")
    return labelled


def training_key(inputs: str, training: TrainSettings) -> str:
    """Return the key that the models of these cases and settings carry; inputs: frame_hash."""
    return content_hash(inputs, START, training.model_dump(mode="json"))


def train(
    store: Store,
    settings: Settings,
    name: str,
    cases: pd.DataFrame,
    training: TrainSettings,
    record: dict | None = None,
) -> tuple[ModelCard, ModelCard]:
    """Make the models NAME-point and NAME-teacher from labelled cases; return their cards.

    cases: text, label and, in the order of time, occurred_at; every label teaches. training:
    settings of both models. record: kept with the run (how the cases were split and why), None
    keeps nothing. The cases stay in the workspace, for `distill_student`. Raises SettingsError for
    a name that cannot be a folder's.
    """
    # First of all: a bad name must not cost hours of training before the save refuses it.
    checked_name(f"{name}-teacher", "model")
    labels = _labels_of(cases, training.point)
    inputs = frame_hash(cases)
    key = training_key(inputs, training)
    if (teacher := _finished(settings, f"{name}-teacher", key)) and (
        point := _finished(settings, f"{name}-point", key)
    ):
        return point, teacher
    _barrier(settings)
    if is_main_process():
        keep_cases(settings, name, cases)
    run = training_run(
        f"train-{name}",
        name,
        "teacher",
        key,
        kind="train",
        inputs_hash=inputs,
        labels=labels,
        samples=training.teacher.samples,
        seed=training.point.loop.seed,
        settings={**training.model_dump(mode="json"), "splits": record or {}},
    )
    with recorded(store, run) as metrics:
        texts = texts_of(cases, labels)
        metrics |= {"cases": len(cases)}
        point = _finished(settings, f"{name}-point", key) or _fit_point(
            settings, name, texts, labels, training, key
        )
        teacher = _make_teacher(settings, name, texts, point, training, key, metrics)
    return point, teacher


def train_linear(
    store: Store,
    settings: Settings,
    name: str,
    cases: pd.DataFrame,
    training: PointSettings,
    record: dict | None = None,
    point: ModelCard | None = None,
) -> ModelCard:
    """Make the model NAME-linear, a logistic regression on the frozen base; return its card.

    store: gets the run. name: NAME. training: base, read-out, pooling and surface count; the
    settings of adapter training do not. cases, record: as of `train`. point: made of the same cases
    and settings; its start is this model, so that nothing is fitted. None fits it.
    """
    checked_name(f"{name}-linear", "model")
    labels = _labels_of(cases, training)
    inputs = frame_hash(cases)
    key = content_hash(inputs, "linear", START, training.model_dump(mode="json"))
    if done := _finished(settings, f"{name}-linear", key):
        return done
    _barrier(settings)
    if is_main_process():
        keep_cases(settings, name, cases)
    run = training_run(
        f"train-{name}-linear",
        name,
        "linear",
        key,
        kind="train",
        inputs_hash=inputs,
        labels=labels,
        seed=training.loop.seed,
        settings={"point": training.model_dump(mode="json"), "splits": record or {}},
    )
    with recorded(store, run) as metrics:
        from core.models.training import build

        started = time.perf_counter()
        metrics |= {"cases": len(cases)}
        with _place(settings, f"{name}-linear", key) as place:
            texts = texts_of(cases, labels)
            model = f"{name}-linear"
            # A point estimate that starts at random numbers holds no regression.
            if point is not None and point.settings["start_choice"]:
                folder = settings.models / point.name
                trained = build.linear_of_point(point, folder, texts, model, training, place)
            else:
                trained = build.fit_linear(texts, model, labels, training, place)
            return _save(settings, trained, key, started, dict(metrics))


def distill_student(
    store: Store,
    settings: Settings,
    name: str,
    training: DistillSettings,
    cluster: Cluster | None = None,
) -> ModelCard:
    """Distill NAME-teacher into NAME-student over the cases that `train` kept; return its card.

    store: gets the run. settings: of the workspace. name: NAME. training: settings of the
    distillation. cluster: samples the teacher; None is this process. A student outside its
    tolerance of its teacher is replaced by the linear head, and the card's metrics say so. Raises
    ModelError if neither can be used.
    """
    teacher = read_card(settings.models / f"{name}-teacher")
    key = content_hash(teacher.hash, training.model_dump(mode="json"))
    if done := _finished(settings, f"{name}-student", key):
        return done
    _barrier(settings)
    cases = kept_cases(settings, name)
    run = training_run(
        f"distill-{name}",
        name,
        "student",
        key,
        # The spelling is stored in existing workspaces; it must stay for their runs to be found.
        kind="distil",
        inputs_hash=frame_hash(cases),
        labels=teacher.labels,
        seed=training.loop.seed,
        settings=training.model_dump(mode="json"),
    )
    with recorded(store, run) as metrics:
        metrics |= {"cases": len(cases), "teacher_samples": teacher.samples}
        return _distill(settings, name, cases, teacher, training, key, metrics, cluster)


def _labels_of(cases: pd.DataFrame, point: PointSettings) -> tuple[str, ...]:
    """Return the labels in the order of the head's outputs."""
    if point.readout == "choice":
        return choice_labels(cases)
    return tuple(sorted(cases["label"].unique()))


def choice_labels(cases: pd.DataFrame) -> tuple[str, ...]:
    """Return the answers among which a choice model chooses.

    These are the letters of the options, including a letter that is never the right answer here;
    without options, the labels themselves. Raises CasesError if a case has other options than the
    first one.
    """
    letters = letters_in(cases["text"].iloc[0])
    if not letters or not set(cases["label"]) <= set(letters):
        return tuple(sorted(cases["label"].unique()))
    require_options(cases, letters, "the one to be trained")
    return letters


def texts_of(frame: pd.DataFrame, labels: tuple[str, ...]):
    """Return cases with text and label as core.models.training.build.Texts.

    A label that is missing or not in `labels` is NO_LABEL.
    """
    from core.models.training.build import Texts
    from core.models.training.objective import NO_LABEL

    position = {label: i for i, label in enumerate(labels)}
    positions = np.array(
        [position.get(label, NO_LABEL) for label in frame["label"]], dtype=np.int64
    )
    dated = "occurred_at" in frame and bool(frame["occurred_at"].notna().all()) and len(frame) > 0
    return Texts(
        frame["text"].tolist(), positions, dated and frame["occurred_at"].is_monotonic_increasing
    )


def keep_cases(settings: Settings, name: str, cases: pd.DataFrame) -> None:
    """Write the training cases into the workspace: distilling needs the teacher's inputs again."""
    folder = settings.data / name
    folder.mkdir(parents=True, exist_ok=True)
    cases[["text", "label"]].to_parquet(folder / CASES_FILE, index=False)
    for older in _OLDER_FILES:
        (folder / older).unlink(missing_ok=True)


def kept_cases(settings: Settings, name: str) -> pd.DataFrame:
    """Return the cases (text, label) that `train` kept. Raises ModelError if there are none."""
    folder = settings.data / name
    if (folder / CASES_FILE).is_file():
        return pd.read_parquet(folder / CASES_FILE)
    if all((folder / older).is_file() for older in _OLDER_FILES):
        return pd.concat(
            [pd.read_parquet(folder / older) for older in _OLDER_FILES], ignore_index=True
        )
    raise ModelError("models.no_kept_cases", name=name)


def _fit_point(
    settings: Settings, name: str, texts, labels, training: TrainSettings, key: str
) -> ModelCard:
    from core.models.training import build

    started = time.perf_counter()
    with _place(settings, f"{name}-point", key) as place:
        trained = build.fit_point(texts, f"{name}-point", labels, training.point, place)
        return _save(settings, trained, key, started, {"cases": len(texts.texts)})


def _make_teacher(
    settings: Settings,
    name: str,
    texts,
    point: ModelCard,
    training: TrainSettings,
    key: str,
    metrics: dict,
):
    from core.models.training import build

    started, folder = time.perf_counter(), settings.models / point.name
    with _place(settings, f"{name}-teacher", key) as place:
        trained, record = build.make_teacher_model(
            point, folder, texts, f"{name}-teacher", training.teacher, place
        )
        metrics |= record
        return _save(settings, trained, key, started, dict(metrics))


def _distill(
    settings: Settings,
    name: str,
    cases: pd.DataFrame,
    teacher: ModelCard,
    training: DistillSettings,
    key: str,
    metrics: dict,
    cluster: Cluster | None,
) -> ModelCard:
    from core.models.training.distill import distill
    from core.models.training.teacher_parts import sample_here

    started, folder = time.perf_counter(), settings.models / f"{name}-point"
    # A point estimate of another training under the same name knows other cases.
    is_parent = (folder / "model.json").is_file() and read_card(folder).hash == teacher.parent
    point = folder if is_parent else None
    with _place(settings, f"{name}-student", key) as place:
        texts = texts_of(cases, teacher.labels)
        runner = partial(sampled_on_cluster, settings, cluster) if cluster else sample_here
        source, model = settings.models / teacher.name, f"{name}-student"
        trained, record = distill(source, texts, model, training, place, point, runner)
        metrics |= record
        return _save(settings, trained, key, started, dict(metrics))


@contextmanager
def _place(settings: Settings, name: str, key: str) -> Iterator:
    """Yield the place of a training; delete its checkpoints when the block ends without an error.

    The folder's name comes from the settings' key, so a killed training finds its checkpoints
    again.
    """
    from core.models.base.device import pick_device
    from core.models.training.build import Place

    folder = settings.cache / "training" / f"{name}-{key[:10]}"
    yield Place(pick_device(settings.device), folder, settings.cache / "trunks")
    if is_main_process():
        shutil.rmtree(folder, ignore_errors=True)


def _barrier(settings: Settings) -> None:
    """Wait until every process has checked what is finished, before the main one writes more."""
    from core.models.base.device import barrier, pick_device

    barrier(pick_device(settings.device))


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
    _barrier(settings)
    return read_card(folder)


def _finished(settings: Settings, model: str, key: str) -> ModelCard | None:
    """Return the card of the model of that name if these inputs and settings made it, else None."""
    folder = settings.models / model
    if not (folder / "model.json").is_file():
        return None
    card = read_card(folder)
    return card if card.settings.get("key") == key else None
