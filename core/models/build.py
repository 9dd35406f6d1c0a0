"""From cases to models: the point estimate, the TFB teacher made of it, and the student distilled from that.

Each function takes texts and targets and returns a card and weights; the pipeline decides where they are kept and what is
written down.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.errors import SettingsError
from core.models import adapters, checkpoint
from core.models.backbone import load_backbone
from core.models.card import ModelCard
from core.models.device import compute_dtype
from core.models.sampling import Sampler
from core.models.scorers import Teacher
from core.models.settings import DistilSettings, PointSettings, Schedule, TfbSettings
from core.models.spread import Scores
from core.models.teachers import tfb
from core.models.training import NO_LABEL, Targets, TopClassifier, fit, new_head
from core.models.trunk import cache_trunk


@dataclass(frozen=True)
class Texts:
    """Texts [n] and the position of each one's label [n], NO_LABEL where it has none."""

    texts: list[str]
    labels: np.ndarray


@dataclass(frozen=True)
class Trained:
    """A model that is ready to be saved."""

    card: ModelCard
    weights: dict[str, Tensor]


def fit_point(
    cases: Texts, name: str, labels: tuple[str, ...], settings: PointSettings, device: torch.device, work: Path
) -> Trained:
    """Train adapters and head by cross-entropy. `work` holds the checkpoints. The weights keep A and B, for the teacher."""
    backbone = load_backbone(settings.base, settings.adapter.cut, device, compute_dtype(device))
    cache = cache_trunk(backbone, cases.texts, settings.truncate, progress="trunk, once a case")
    torch.manual_seed(settings.loop.seed)  # peft draws A from torch's global generator
    adapters.attach(backbone, settings.adapter)
    head = new_head(backbone, len(labels), settings.loop.seed)
    fit(
        TopClassifier(backbone, head, len(labels)),
        cache,
        Targets(cases.labels),
        settings.loop,
        work,
        Schedule(shape="constant", end=0.0),
        progress="point estimate",
    )
    card = ModelCard(
        kind="point",
        name=name,
        labels=labels,
        base=settings.base,
        base_sha256=backbone.sha256,
        cut=backbone.cut,
        scale=settings.adapter.scale,
        seed=settings.loop.seed,
        settings=settings.model_dump(mode="json"),
    )
    factors = {f"{a.name}:{part}": getattr(a, part) for a in adapters.read(backbone) for part in "ab"}
    return Trained(card, factors | adapters.merge(backbone) | {"head.weight": head.weight, "head.bias": head.bias})


def make_teacher(
    point: ModelCard,
    folder: Path,
    anchor: Texts,
    name: str,
    settings: TfbSettings,
    device: torch.device,
    truncate: bool = False,
) -> tuple[Trained, tfb.Choice]:
    """Make the point estimate in `folder` Bayesian: regroup, then choose sigma on the held-out anchor."""
    if not (anchor.labels != NO_LABEL).any():
        raise SettingsError("the anchor has no labelled case: TFB needs held-out labels to choose sigma")
    posterior, std = _posterior(folder, point)
    backbone = checkpoint.load_base(point.base, folder, lambda _: point.cut, device)
    head = checkpoint.load_head(folder, point).to(device)
    teacher = Teacher(backbone, head, Sampler(backbone, posterior, std), settings.samples, point.seed)
    cache = cache_trunk(backbone, anchor.texts, truncate)
    with tqdm(total=settings.doublings + settings.refinements + 2, desc="sigma on held-out cases", unit=" tried") as bar:

        def criterion(sigma: float) -> float:
            bar.update()
            return nll(teacher.scores_cached(cache, scale=sigma), anchor.labels)

        choice = tfb.largest_sigma(criterion, settings)
    card = point.model_copy(
        update={
            "kind": "teacher",
            "name": name,
            "base": backbone.source,
            "samples": settings.samples,
            "sigma": choice.sigma,
            "parent": point.hash,
            "settings": {"point": point.settings, "tfb": settings.model_dump(mode="json")},
        }
    )
    scaled = {key: choice.sigma * value for key, value in std.items()}
    return Trained(card, checkpoint.teacher_weights(posterior, scaled, head)), choice


def distil(
    teacher_folder: Path, cases: Texts, name: str, settings: DistilSettings, device: torch.device, work: Path
) -> Trained:
    """Sample the teacher once over the cases; train a student on its predictive distribution and spread; merge it."""
    card, teacher = checkpoint.load(teacher_folder, device)
    cut = settings.adapter.cut(len(teacher.backbone.blocks))
    if settings.start == "teacher" and cut != card.cut:
        raise SettingsError(f"start='teacher' needs the teacher's layers: the student's cut is {cut}, the teacher's {card.cut}")
    truncate = bool(card.settings.get("point", {}).get("truncate", False))
    teacher_cache = cache_trunk(teacher.backbone, cases.texts, truncate, progress="trunk, once a case")
    target = teacher.scores_cached(teacher_cache, progress=f"teacher, {teacher.samples} samples a case")

    backbone = load_backbone(teacher.backbone.source, settings.adapter.cut, device, compute_dtype(device))
    cache = teacher_cache if cut == card.cut else cache_trunk(backbone, cases.texts, truncate, progress="student's trunk")
    torch.manual_seed(settings.loop.seed)
    adapters.attach(backbone, settings.adapter)
    head = new_head(backbone, len(card.labels) + 1, settings.loop.seed)
    if settings.start == "teacher":
        _start_from(backbone, head, teacher_folder, card)
    model = TopClassifier(backbone, head, len(card.labels), settings.spread_weight)
    fit(model, cache, spread_targets(target, cases.labels), settings.loop, work, settings.schedule, "student")
    student = ModelCard(
        kind="student",
        name=name,
        labels=card.labels,
        base=backbone.source,
        base_sha256=card.base_sha256,
        cut=cut,
        parent=card.hash,
        seed=settings.loop.seed,
        settings=settings.model_dump(mode="json") | {"truncate": truncate},
    )
    return Trained(student, adapters.merge(backbone) | {"head.weight": head.weight, "head.bias": head.bias})


def spread_targets(teacher: Scores, labels: np.ndarray) -> Targets:
    """The teacher's answers as a student's targets: mean p, aleatoric / total (1 where total is 0), and total as its weight."""
    total = np.maximum(teacher.total, 1e-12)
    share = np.where(teacher.total > 0, np.clip(teacher.aleatoric / total, 0.0, 1.0), 1.0)
    return Targets(labels, teacher.probabilities, share, teacher.total)


def nll(scores: Scores, labels: np.ndarray) -> float:
    """Mean negative log likelihood in nats over the labelled cases."""
    known = labels != NO_LABEL
    p = scores.probabilities[known, labels[known]]
    return float(-np.log(np.maximum(p, 1e-300)).mean())


def _posterior(folder: Path, point: ModelCard) -> tuple[list[adapters.Adapter], dict[str, Tensor]]:
    regrouped = [tfb.regroup(adapter) for adapter in checkpoint.load_factors(folder, point)]
    return [a for a, _ in regrouped], {a.name: tfb.unit_std(a, d) for a, d in regrouped}


def _start_from(backbone, head: torch.nn.Linear, teacher_folder: Path, card: ModelCard) -> None:
    """Begin at the teacher's mean: its A', B' and the rows of its head; the spread's row stays fresh."""
    factors = checkpoint.load_factors(teacher_folder, card)
    adapters.write(backbone, factors)
    trained = checkpoint.load_head(teacher_folder, card)
    with torch.no_grad():
        head.weight[: len(card.labels)] = trained.weight
        head.bias[: len(card.labels)] = trained.bias
