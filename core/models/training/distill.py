"""Distill a teacher into a usable student: sample, train, compare, merge; or take the linear head.

All cases teach, and so do unlabelled copies of the texts. The student is compared with its teacher
on the labelled cases and on further copies, which do not teach. The pipeline decides where the
result is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from torch import Tensor, nn

from core.errors import ModelError, SettingsError
from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone, load_backbone
from core.models.base.card import ModelCard
from core.models.base.choice import answer_head
from core.models.base.device import compute_dtype
from core.models.base.settings import DistillSettings, PointSettings
from core.models.base.trunk import TrunkCache, cache_trunk, in_parts, part_size
from core.models.scoring import checkpoint
from core.models.scoring.novelty import EVEN, Novelty
from core.models.scoring.scorers import OnePass, Teacher
from core.models.scoring.spread import Moments
from core.models.scoring.surface import SurfaceTerm
from core.models.training.augment import augmented
from core.models.training.build import (
    Place,
    Texts,
    Trained,
    head_tensors,
    start_tensors,
)
from core.models.training.fidelity import Fidelity, measure_fidelity
from core.models.training.novel_views import novelty_of
from core.models.training.objective import NO_LABEL, Targets
from core.models.training.student import (
    distillation_targets,
    settle_start,
    teaching_cases,
    train_student,
)
from core.models.training.teacher_parts import (
    PartRunner,
    SamplingPlan,
    TeacherSamples,
    sample_here,
)

CHECKED_COPIES = 300  # texts that do not teach, on which a student is compared with its teacher
CHECKED_CASES = 2000  # labelled ones, at most
WITH_MEAN = ("blob", "tfb", "laplace", "dropout")  # teachers around one set of adapters


@dataclass(frozen=True)
class Student:
    """A head and its reading, the maps to merge into the base, and the comparison with its teacher.

    spread: name of the reading. merged: maps by name. record: the comparison, JSON-able.
    """

    head: nn.Linear
    spread: str
    merged: dict[str, Tensor]
    novelty: Novelty
    record: dict


@dataclass(frozen=True)
class Lesson:
    """The cases from which a student learns, and those of its comparison.

    texts, labels, targets: of the cases that teach. checked, checked_labels: cases of the
    comparison.
    """

    texts: list[str]
    labels: np.ndarray
    targets: Targets
    checked: list[str]
    checked_labels: np.ndarray
    checked_answers: np.ndarray  # the teacher's probabilities [m, K]
    caches: tuple[TrunkCache, TrunkCache]  # of `texts` and `checked`, at the teacher's cut


def distill(
    teacher_folder: Path,
    cases: Texts,
    name: str,
    settings: DistillSettings,
    place: Place,
    point_folder: Path | None = None,
    runner: PartRunner = sample_here,
) -> tuple[Trained, dict]:
    """Return the student of the teacher in `teacher_folder`, adapter merged, and its comparison.

    cases: texts and labels that teach. name: of the student. settings: of the distillation. place:
    where to compute. point_folder: of the point estimate that joins the targets, None for none. The
    comparison is JSON-able. runner: samples the teacher. Raises SettingsError for a start at the
    teacher's adapters with another cut, ModelError if neither the student nor the linear head
    follows the teacher.
    """
    card, loaded = checkpoint.load(teacher_folder, place.device, settings.samples)
    teacher = cast(Teacher, loaded)  # the caller has checked the kind
    cut = settings.adapter.cut(len(teacher.backbone.blocks))
    settings = settle_start(settings, _fits_the_mean(settings, card, cut), card.readout)
    # A teacher's adapters belong to its own blocks and cannot start in others.
    if settings.start == "teacher" and cut != card.cut:
        raise SettingsError("models.start_needs_layers", cut=cut, teacher_cut=card.cut)
    truncate = bool(card.settings.get("point", {}).get("truncate", False))
    plan = SamplingPlan(
        *(teacher_folder, card.hash, str(place.device), settings.samples, truncate),
        *(place.trunks, place.work / "samples"),
    )
    lesson = prepare_lesson(teacher, cases, settings, plan, runner)
    if point_folder is not None and settings.point_weight:
        lesson = _joined_by_point(lesson, point_folder, settings.point_weight, place)
    backbone = load_backbone(
        teacher.backbone.source,
        settings.adapter.cut,
        place.device,
        compute_dtype(place.device),
        card.readout,
        card.pooling,
    )
    student = _fit(backbone, card, teacher.surface, lesson, settings, place, plan)
    student_card = _student_card(name, card, backbone, settings, student.spread, truncate)
    weights = (
        student.merged
        | head_tensors(student.head)
        | start_tensors(*checkpoint.load_start(teacher_folder, card))
        | student.novelty.tensors()
    )
    return Trained(student_card, weights), student.record


def _student_card(
    name: str,
    teacher: ModelCard,
    backbone: Backbone,
    settings: DistillSettings,
    spread: str,
    truncate: bool,
) -> ModelCard:
    settings = settings.model_copy(
        update={"loss": settings.loss.model_copy(update={"spread": spread})}
    )
    return ModelCard(
        kind="student",
        name=name,
        labels=teacher.labels,
        base=backbone.source,
        base_sha256=teacher.base_sha256,
        readout=teacher.readout,
        pooling=teacher.pooling,
        cut=backbone.cut,
        parent=teacher.hash,
        seed=settings.loop.seed,
        settings=settings.model_dump(mode="json") | {"truncate": truncate},
    )


def _fits_the_mean(settings: DistillSettings, card: ModelCard, cut: int) -> bool:
    """Return whether the teacher of that card has one mean, of the student's blocks and shape."""
    adapter = card.settings.get("point", {}).get("adapter", {})
    shape = settings.adapter.rank, settings.adapter.targets
    has_mean = card.settings["teacher"]["kind"] in WITH_MEAN
    return has_mean and cut == card.cut and (adapter.get("rank"), adapter.get("targets")) == shape


def prepare_lesson(
    teacher: Teacher,
    cases: Texts,
    settings: DistillSettings,
    plan: SamplingPlan,
    runner: PartRunner = sample_here,
) -> Lesson:
    """Sample the teacher once over the cases, their copies, and the copies for the comparison.

    settings: of the distillation. plan: of the sampling, with the folders. runner: samples.
    """
    seed = settings.loop.seed
    copies = augmented(cases.texts, settings.augment, seed)
    labels = np.concatenate([cases.labels, np.full(len(copies), NO_LABEL, dtype=np.int64)])
    texts = [*cases.texts, *copies]
    size, backbone = part_size(len(texts)), teacher.backbone
    parts = [*in_parts(cases.texts, size), *in_parts(copies, size)]
    samples = TeacherSamples(plan, teacher, parts, runner)
    index = teaching_cases(samples.moments, labels, settings)
    targets = distillation_targets(samples.moments, index, labels[index], settings)
    # Cached apart: the cases' states are shared with the trainings of the point estimate and
    # teacher. Whoever sampled a part has left the trunk's states of it.
    caches = [_cached(backbone, x, plan, size) for x in (cases.texts, copies) if x]
    cache = _offset(
        caches[0] if len(caches) == 1 else caches[0].joined(caches[1]), teacher.surface, texts
    )
    # Another seed, so that these copies are not among those that teach.
    unseen = augmented(cases.texts[:CHECKED_COPIES], 1, seed + 1)
    unseen_cache = _offset(_cached(backbone, unseen, plan), teacher.surface, unseen)
    labelled = np.flatnonzero(targets.labels != NO_LABEL)[:CHECKED_CASES]
    checked = [*(texts[index[i]] for i in labelled), *unseen]
    checked_cache = cache.at(index).at(labelled).joined(unseen_cache)
    return Lesson(
        [texts[i] for i in index],
        labels[index],
        targets,
        checked,
        np.concatenate([targets.labels[labelled], np.full(len(unseen), NO_LABEL, dtype=np.int64)]),
        np.concatenate(
            [
                cast(Moments, targets.moments).probabilities[labelled],
                teacher.scores_cached(unseen_cache).probabilities,
            ]
        ),
        (cache.at(index), _offset(checked_cache, teacher.surface, checked)),
    )


def _joined_by_point(lesson: Lesson, folder: Path, weight: float, place: Place) -> Lesson:
    """Return the lesson with a share `weight` of the point estimate's answers in its targets."""
    _, point = checkpoint.load(folder, place.device)
    cache, _ = lesson.caches
    answers = cast(OnePass, point).scores_cached(cache).probabilities
    moments = cast(Moments, lesson.targets.moments).mixed(answers, weight)
    return replace(lesson, targets=replace(lesson.targets, moments=moments))


def _fit(
    backbone: Backbone,
    card: ModelCard,
    surface: SurfaceTerm | None,
    lesson: Lesson,
    settings: DistillSettings,
    place: Place,
    plan: SamplingPlan,
) -> Student:
    """Train the student and compare it with its teacher.

    Outside its tolerance, the teacher's linear start replaces it. Raises ModelError if that fails
    too.
    """
    cache, checked = lesson.caches
    # States at another cut come from other blocks: the lesson's caches are then of no use.
    if backbone.cut != card.cut:
        cache, checked = (
            _offset(_cached(backbone, texts, plan), surface, texts)
            for texts in (lesson.texts, lesson.checked)
        )
    classes = len(card.labels)
    linear, _ = checkpoint.load_start(plan.folder, card)
    held_out = checkpoint.load_views(plan.folder, card)
    views = card.settings.get("point", {}).get("views", EVEN)
    start, frozen = _student_start(plan.folder, card, backbone, settings, linear)

    def finished(head: nn.Linear, spread: str, fallback: str | None) -> tuple[Fidelity, Student]:
        """Compare the backbone's present state; its maps are not merged yet."""
        model = OnePass(backbone, head, classes, spread)
        answers = model.scores_cached(checked).probabilities
        fidelity = measure_fidelity(answers, lesson.checked_answers, lesson.checked_labels)
        labelled = np.flatnonzero(lesson.labels != NO_LABEL)
        novelty = novelty_of(model, cache.at(labelled), lesson.labels[labelled], views)
        if held_out is not None:
            novelty = novelty.calibrated(held_out)
        return fidelity, Student(
            head, spread, {}, novelty, {"fidelity": fidelity.record(), "fallback": fallback}
        )

    head = train_student(
        backbone, cache, lesson.targets, classes, settings, place.work, start, frozen
    )
    fidelity, student = finished(head, settings.loss.spread, None)
    if fidelity.within(settings.tolerance):
        return replace(student, merged=adapters.merge(backbone))
    # A refused student is not merged: the linear head reads the base's own states.
    adapters.detach(backbone)
    if linear is not None:
        instead, student = finished(linear.to(backbone.device), "none", "linear")
        if instead.explained >= settings.tolerance.explained:
            return replace(student, record=student.record | {"refused": fidelity.record()})
    raise ModelError(
        "models.student_broken",
        accuracy=fidelity.accuracy,
        teacher_accuracy=fidelity.teacher_accuracy,
        explained=fidelity.explained,
        least=settings.tolerance.explained,
    )


def _student_start(
    folder: Path,
    card: ModelCard,
    backbone: Backbone,
    settings: DistillSettings,
    linear: nn.Linear | None,
) -> tuple[tuple, bool]:
    """Return the adapters and head at which the student starts, and whether its head is frozen."""
    start: tuple[Sequence[Adapter], nn.Linear | None]
    if settings.start == "teacher":
        start = checkpoint.load_factors(folder, card), checkpoint.load_head(folder, card)
    else:
        start = [], (answer_head(backbone, card.labels) if card.readout == "choice" else linear)
    if card.readout != "choice":
        return start, False
    return start, PointSettings.model_validate(card.settings["point"]).head == "frozen"


def _cached(
    backbone: Backbone, texts: list[str], plan: SamplingPlan, part_texts: int | None = None
) -> TrunkCache:
    return cache_trunk(
        backbone,
        texts,
        plan.truncate,
        progress="trunk, once a case",
        folder=plan.trunks,
        part_texts=part_texts,
    )


def _offset(cache: TrunkCache, surface: SurfaceTerm | None, texts: list[str]) -> TrunkCache:
    return cache if surface is None else replace(cache, offsets=surface.logits(texts))
