"""Build models from cases: the point estimate, its Bayesian teacher, the linear model.

Each function takes texts and targets and returns a card and weights; the pipeline decides where
they are stored and what is recorded. Distillation is in core.models.training.distill.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from core.models import teachers
from core.models.base import adapters
from core.models.base.backbone import Backbone, load_backbone
from core.models.base.card import ModelCard
from core.models.base.choice import answer_head
from core.models.base.device import compute_dtype
from core.models.base.settings import PointSettings, TeacherSettings
from core.models.base.trunk import TrunkCache, cache_trunk, top_states
from core.models.scoring import checkpoint
from core.models.scoring.novelty import EVEN, VIEWS_KEY, Novelty
from core.models.scoring.scorers import OnePass
from core.models.scoring.surface import SurfaceTerm, Vocabulary, count_ngrams
from core.models.teachers.job import FrozenView, TeacherJob
from core.models.training.linear_start import START_FOLDS, StartChoice
from core.models.training.novel_views import choose_views, held_out_views, novelty_of
from core.models.training.objective import NO_LABEL


@dataclass(frozen=True)
class Texts:
    """Texts [n] and label positions [n], NO_LABEL where unknown.

    ordered: by time, oldest first.
    """

    texts: list[str]
    labels: np.ndarray
    ordered: bool = False

    def at(self, index: np.ndarray) -> "Texts":
        """Return those cases alone."""
        return Texts([self.texts[i] for i in index], self.labels[index], self.ordered)


@dataclass(frozen=True)
class Trained:
    """A model that is ready to be saved."""

    card: ModelCard
    weights: dict[str, Tensor]


MOST_NGRAMS = 1 << 17  # of a vocabulary: all of 1,500 mails, the most frequent of 10,000 texts
MOST_WEIGHTS = 1 << 21  # of a surface term: 4 MB in a model's file


@dataclass(frozen=True)
class Place:
    """The device and the folders in which a model is made.

    device: that computes. work: folder of its checkpoints. trunks: folder of shared trunk states,
    None keeps them in memory.
    """

    device: torch.device
    work: Path
    trunks: Path | None = None


def fit_point(
    cases: Texts, name: str, labels: tuple[str, ...], settings: PointSettings, place: Place
) -> Trained:
    """Train adapters and head by cross-entropy.

    cases: with labels. name: of the model. labels: order of the head's outputs. settings: of base,
    adapters and loop. place: where to compute. The weights include A, B and the head's start, for
    the teacher and the student. Raises SettingsError, ModelError, CasesError.
    """
    backbone = load_backbone(
        settings.base,
        settings.adapter.cut,
        place.device,
        compute_dtype(place.device),
        settings.readout,
        settings.pooling,
    )
    job = _with_views(_job(backbone, settings, labels, cases, place).started())
    point, head = job.train("point", settings.loop.seed)
    # Training leaves the backbone bare; the trained adapters come back for the novelty's states and
    # the merge.
    adapters.attach(backbone, settings.adapter)
    adapters.write_adapters(backbone, list(point))
    novelty = _novelty_tensors(OnePass(backbone, head, len(labels)), job)
    card = ModelCard(
        kind="point",
        name=name,
        labels=labels,
        base=settings.base,
        base_sha256=backbone.sha256,
        readout=settings.readout,
        pooling=backbone.pooling,
        cut=backbone.cut,
        scale=settings.adapter.scale,
        seed=settings.loop.seed,
        settings=settings.model_dump(mode="json")
        | {"start_choice": job.start_choice, "views": job.views},
    )
    factors = {f"{a.name}:{part}": getattr(a, part) for a in point for part in "ab"}
    tensors = head_tensors(head) | start_tensors(job.start, job.surface) | novelty
    return Trained(card, factors | adapters.merge(backbone) | tensors)


def fit_linear(
    cases: Texts, name: str, labels: tuple[str, ...], settings: PointSettings, place: Place
) -> Trained:
    """Fit the plainest model: a logistic regression on the frozen base's states.

    It blends n-grams in as held-out cases say. No adapter is trained, and one pass answers. cases:
    with labels. name: of the model. labels: order of the head's outputs. settings: base, read-out,
    pooling and surface count. place: where to compute. Errors as of fit_point.
    """
    backbone = load_backbone(
        settings.base,
        lambda blocks: blocks - 1,
        place.device,
        compute_dtype(place.device),
        settings.readout,
        settings.pooling,
    )
    job = _job(backbone, settings, labels, cases, place)
    # The linear model needs the view whatever `start` the settings name.
    job = replace(job, start=None, frozen=job.frozen or frozen_view(job, cases.texts))
    job = _with_views(job.started())
    start = cast(nn.Linear, job.start)
    novelty = _novelty_tensors(OnePass(backbone, start, len(labels)), job)
    card = _linear_card(name, labels, settings, backbone)
    return Trained(card, _linear_tensors(start, job.surface) | novelty)


def linear_of_point(
    point: ModelCard, folder: Path, cases: Texts, name: str, settings: PointSettings, place: Place
) -> Trained:
    """Return the model of `fit_linear` without a fit: the start of a point estimate.

    point: the card in `folder`, of the same cases and settings, with a linear start. It keeps the
    point estimate's cut, so that both read the same cached states. Other parameters as of fit_linear.
    """
    backbone = checkpoint.load_base(point, folder, place.device)
    start, surface = checkpoint.load_start(folder, point)
    model = OnePass(backbone, cast(nn.Linear, start).to(place.device), len(point.labels))
    states = _cached(backbone, cases, settings, place)
    novelty = novelty_of(model, states, cases.labels, tuple(point.settings["views"]))
    card = _linear_card(name, point.labels, settings, backbone)
    tensors = _calibrated_tensors(novelty, checkpoint.load_views(folder, point))
    return Trained(card, _linear_tensors(model.head, surface) | tensors)


def _linear_card(
    name: str, labels: tuple[str, ...], settings: PointSettings, backbone: Backbone
) -> ModelCard:
    return ModelCard(
        kind="linear",
        name=name,
        labels=labels,
        base=settings.base,
        base_sha256=backbone.sha256,
        readout=settings.readout,
        pooling=backbone.pooling,
        cut=backbone.cut,
        seed=settings.loop.seed,
        settings=settings.model_dump(mode="json"),
    )


def _linear_tensors(start: nn.Linear, surface: SurfaceTerm | None) -> dict[str, Tensor]:
    return head_tensors(start) | ({} if surface is None else surface.tensors())


def make_teacher_model(
    point: ModelCard, folder: Path, cases: Texts, name: str, settings: TeacherSettings, place: Place
) -> tuple[Trained, dict]:
    """Make a Bayesian teacher of the point estimate in `folder`; return it and its record.

    point: the card in `folder`. cases: those of the point estimate, labels included. name: of the
    teacher. settings: of its kind. place: where to compute. The record holds what its spread was
    chosen by. TFB and Laplace start from the point estimate; the others train adapters of their own
    on the same cases.
    """
    backbone = checkpoint.load_base(point, folder, place.device)
    point_settings = PointSettings.model_validate(point.settings | {"base": backbone.source})
    factors = tuple(a.to(place.device) for a in checkpoint.load_factors(folder, point))
    job = _job(backbone, point_settings, point.labels, cases, place)
    # The choice of the point estimate's start, so that teacher and point begin at the same head.
    choice = point.settings.get("start_choice")
    job = replace(
        replace(job, start_choice=choice and StartChoice(*choice)).started(),
        point=factors,
        head=checkpoint.load_head(folder, point).to(place.device),
        views=tuple(point.settings.get("views", EVEN)),
    )
    fitted = teachers.make_teacher(job, settings)
    card = point.model_copy(
        update={
            "kind": "teacher",
            "name": name,
            "base": backbone.source,
            "samples": settings.samples,
            "sigma": fitted.record.get("sigma"),
            "parent": point.hash,
            "settings": {"point": point.settings, "teacher": settings.model_dump(mode="json")},
        }
    )
    views = checkpoint.load_views(folder, point) if fitted.views is None else fitted.views
    tensors = fitted.posterior.tensors() | start_tensors(job.start, job.surface)
    return Trained(card, tensors | ({} if views is None else {VIEWS_KEY: views})), fitted.record


def _job(
    backbone: Backbone, settings: PointSettings, labels: tuple[str, ...], cases: Texts, place: Place
) -> TeacherJob:
    """Return the common start of every training: cached states of the cases.

    For a linear start it includes the frozen view of them.
    """
    job = TeacherJob(
        backbone,
        settings,
        len(labels),
        _cached(backbone, cases, settings, place),
        cases.labels,
        TrunkCache([]),
        np.zeros(0, dtype=np.int64),
        place.work,
        ordered=cases.ordered,
    )
    if settings.readout == "choice":
        return replace(job, start=answer_head(backbone, labels))
    return replace(job, frozen=frozen_view(job, cases.texts)) if settings.start == "linear" else job


def _cached(backbone: Backbone, cases: Texts, settings: PointSettings, place: Place) -> TrunkCache:
    return cache_trunk(
        backbone, cases.texts, settings.truncate, progress="trunk, once a case", folder=place.trunks
    )


def frozen_view(job: TeacherJob, texts: list[str]) -> FrozenView:
    """Return the frozen base's states of the job's cases, with n-grams if the settings ask."""
    states = top_states(job.backbone, job.cases)
    if not job.settings.surface:
        return FrozenView(states)
    counts = count_ngrams(texts)
    vocabulary = Vocabulary.from_counts(counts, min(MOST_NGRAMS, MOST_WEIGHTS // job.classes))
    return FrozenView(states, vocabulary.weigh(counts), vocabulary)


def _with_views(job: TeacherJob) -> TeacherJob:
    """Return a started job with the weights of novelty's views, chosen where its start was."""
    if job.frozen is None or job.start_choice is None:
        return job
    labelled = np.flatnonzero(job.labels != NO_LABEL)
    states, labels = job.frozen.states[labelled], job.labels[labelled]
    views = choose_views(states, labels, job.start_choice.penalty, job.settings.loop.seed)
    return replace(job, views=views)


def _novelty_tensors(model: OnePass, job: TeacherJob) -> dict[str, Tensor]:
    """Return the tensors of the model's novelty, with shares from folds of the frozen states.

    They include the folds' views, for a teacher that has none of its own.
    """
    novelty = novelty_of(model, job.cases, job.labels, job.views)
    if job.frozen is None or job.start_choice is None:
        return novelty.tensors()
    labelled = np.flatnonzero(job.labels != NO_LABEL)
    view, labels = job.frozen.at(labelled), job.labels[labelled]
    # Folds need a class with enough cases.
    if len(np.unique(labels)) < 2 or np.bincount(labels).max() < START_FOLDS:
        return novelty.tensors()
    views = held_out_views(view.states, labels, job.start_choice, view.features)
    return _calibrated_tensors(novelty, views)


def _calibrated_tensors(novelty: Novelty, views: Tensor | None) -> dict[str, Tensor]:
    """Return the tensors of a novelty with the shares of held-out views [3, n], None for its own."""
    if views is None:
        return novelty.tensors()
    return novelty.calibrated(views).tensors() | {VIEWS_KEY: views}


def head_tensors(head: torch.nn.Linear) -> dict[str, Tensor]:
    """Return a head's tensors by the names that checkpoints use."""
    return {"head.weight": head.weight, "head.bias": head.bias}


def start_tensors(start: torch.nn.Linear | None, surface: SurfaceTerm | None) -> dict[str, Tensor]:
    """Return what a model stores of its linear start.

    The names tell the loader that these are not the base's maps.
    """
    tensors = {} if start is None else {"start:weight": start.weight, "start:bias": start.bias}
    return tensors if surface is None else tensors | surface.tensors()
