"""From cases to models: the point estimate, the Bayesian teacher made of it, and the student
distilled from that.

Each function takes texts and targets and returns a card and weights; the pipeline decides where
they are kept and what is written down.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.errors import SettingsError
from core.models.base import adapters
from core.models.base.backbone import load_backbone
from core.models.base.card import ModelCard
from core.models.base.choice import answer_head
from core.models.base.device import compute_dtype
from core.models.base.settings import DistillSettings, PointSettings, TeacherSettings
from core.models.base.trunk import TrunkCache, cache_trunk
from core.models.scoring import checkpoint
from core.models.teachers import Job, fit_teacher
from core.models.training.augment import augmented
from core.models.training.objective import NO_LABEL
from core.models.training.student import distillation_targets, teaching_cases, train_student


@dataclass(frozen=True)
class Texts:
    """Texts [n] and the position of each one's label [n], NO_LABEL where it has none."""

    texts: list[str]
    labels: np.ndarray

    def at(self, index: np.ndarray) -> "Texts":
        """Those cases alone."""
        return Texts([self.texts[i] for i in index], self.labels[index])


@dataclass(frozen=True)
class Trained:
    """A model that is ready to be saved."""

    card: ModelCard
    weights: dict[str, Tensor]


NO_CASES = Texts([], np.zeros(0, dtype=np.int64))


def fit_point(
    cases: Texts,
    name: str,
    labels: tuple[str, ...],
    settings: PointSettings,
    device: torch.device,
    work: Path,
) -> Trained:
    """Train adapters and head by cross-entropy. `work` holds the checkpoints. The weights keep A
    and B, for the teacher.
    """
    backbone = load_backbone(
        settings.base, settings.adapter.cut, device, compute_dtype(device), settings.readout
    )
    job = _job(backbone, settings, labels, cases, NO_CASES, work)
    point, head = job.train("point", settings.loop.seed)
    adapters.attach(backbone, settings.adapter)
    adapters.write(backbone, list(point))
    card = ModelCard(
        kind="point",
        name=name,
        labels=labels,
        base=settings.base,
        base_sha256=backbone.sha256,
        readout=settings.readout,
        cut=backbone.cut,
        scale=settings.adapter.scale,
        seed=settings.loop.seed,
        settings=settings.model_dump(mode="json"),
    )
    factors = {f"{a.name}:{part}": getattr(a, part) for a in point for part in "ab"}
    return Trained(
        card,
        factors | adapters.merge(backbone) | {"head.weight": head.weight, "head.bias": head.bias},
    )


def make_teacher(
    point: ModelCard,
    folder: Path,
    cases: Texts,
    anchor: Texts,
    name: str,
    settings: TeacherSettings,
    device: torch.device,
    work: Path,
) -> tuple[Trained, dict]:
    """Make a Bayesian teacher beside the point estimate in `folder`; return it and what was looked
    at to choose its spread.

    TFB and Laplace start from the point estimate; the others train adapters of their own on the
    same cases.
    """
    backbone = checkpoint.load_base(point, folder, device)
    own = PointSettings.model_validate(point.settings | {"base": backbone.source})
    factors = tuple(a.to(device) for a in checkpoint.load_factors(folder, point))
    # TFB trains nothing: their trunk need not be run again
    cases = NO_CASES if settings.kind == "tfb" else cases
    job = _job(
        backbone,
        own,
        point.labels,
        cases,
        anchor,
        work,
        factors,
        checkpoint.load_head(folder, point).to(device),
    )
    fitted = fit_teacher(job, settings)
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
    return Trained(card, fitted.posterior.tensors()), fitted.record


def distill(
    teacher_folder: Path,
    cases: Texts,
    name: str,
    settings: DistillSettings,
    device: torch.device,
    work: Path,
) -> Trained:
    """Sample the teacher once over the cases; train a student on its predictive distribution and
    spread; merge it.
    """
    card, teacher = checkpoint.load(teacher_folder, device, settings.samples)
    cut = settings.adapter.cut(len(teacher.backbone.blocks))
    if settings.start == "teacher" and cut != card.cut:
        raise SettingsError(
            f"start='teacher' needs the teacher's layers: the student's cut is {cut}, the teacher's {card.cut}"
        )
    truncate = bool(card.settings.get("point", {}).get("truncate", False))
    cases = with_copies(cases, settings)
    teacher_cache = cache_trunk(
        teacher.backbone, cases.texts, truncate, progress="trunk, once a case"
    )
    index = teaching_cases(teacher, teacher_cache, cases.labels, settings)
    cases, teacher_cache = cases.at(index), teacher_cache.at(index)
    targets = distillation_targets(teacher, teacher_cache, cases.labels, settings)

    backbone = load_backbone(
        teacher.backbone.source, settings.adapter.cut, device, compute_dtype(device), card.readout
    )
    cache = (
        teacher_cache
        if cut == card.cut
        else cache_trunk(backbone, cases.texts, truncate, progress="student's trunk")
    )
    start = [], (answer_head(backbone, card.labels) if card.readout == "choice" else None)
    if settings.start == "teacher":
        start = (
            checkpoint.load_factors(teacher_folder, card),
            checkpoint.load_head(teacher_folder, card),
        )
    frozen = (
        card.readout == "choice"
        and PointSettings.model_validate(card.settings["point"]).head == "frozen"
    )
    head = train_student(backbone, cache, targets, len(card.labels), settings, work, start, frozen)
    student = ModelCard(
        kind="student",
        name=name,
        labels=card.labels,
        base=backbone.source,
        base_sha256=card.base_sha256,
        readout=card.readout,
        cut=cut,
        parent=card.hash,
        seed=settings.loop.seed,
        settings=settings.model_dump(mode="json") | {"truncate": truncate},
    )
    return Trained(
        student, adapters.merge(backbone) | {"head.weight": head.weight, "head.bias": head.bias}
    )


def with_copies(cases: Texts, settings: DistillSettings) -> Texts:
    """The cases and their augmented copies, which have no label."""
    copies = augmented(cases.texts, settings.augment, settings.loop.seed)
    return Texts(
        [*cases.texts, *copies],
        np.concatenate([cases.labels, np.full(len(copies), NO_LABEL, dtype=np.int64)]),
    )


def _job(
    backbone,
    settings: PointSettings,
    labels: tuple[str, ...],
    cases: Texts,
    anchor: Texts,
    work: Path,
    point: tuple[adapters.Adapter, ...] = (),
    head: torch.nn.Linear | None = None,
) -> Job:
    def cached(texts: list[str]) -> TrunkCache:
        return (
            cache_trunk(backbone, texts, settings.truncate, progress="trunk, once a case")
            if texts
            else TrunkCache([])
        )

    start = answer_head(backbone, labels) if settings.readout == "choice" else None
    known = cached(cases.texts), cases.labels, cached(anchor.texts), anchor.labels
    return Job(backbone, settings, len(labels), *known, work, point, head, start)
