"""The student: fresh adapters and a head trained on what the teacher's samples say of the cases.

Works on cached trunk states; build.py knows the files. A case without a label, an augmented copy among them, teaches by the
teacher alone.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.models import adapters
from core.models.adapters import Adapter
from core.models.backbone import Backbone
from core.models.scorers import Teacher
from core.models.settings import DistilSettings
from core.models.spread_heads import spread_head
from core.models.top import Targets, TopClassifier
from core.models.training import fit, new_head
from core.models.trunk import TrunkCache


def teach(teacher: Teacher, cache: TrunkCache, labels: np.ndarray, settings: DistilSettings) -> Targets:
    """Sample the teacher once over the cached cases: what a student is to learn."""
    said = teacher.moments(cache, progress=f"teacher, {teacher.samples} samples a case", keep_samples=settings.online)
    return Targets(labels, *said)


def train_student(
    backbone: Backbone,
    cache: TrunkCache,
    targets: Targets,
    classes: int,
    settings: DistilSettings,
    work: Path,
    start: tuple[list[Adapter], nn.Linear | None] = ([], None),
    frozen: bool = False,
) -> nn.Linear:
    """Attach adapters to the backbone and train them and a head on the targets; return the head.

    `start`: adapters ([] for fresh ones) and a head of K rows (None for a fresh one) to begin at. `frozen`: those rows stay.
    """
    torch.manual_seed(settings.loop.seed)  # peft draws A from torch's global generator
    adapters.attach(backbone, settings.adapter)
    head = new_head(backbone, spread_head(settings.loss.spread).outputs(classes), settings.loop.seed)
    _begin_at(backbone, head, *start)
    model = TopClassifier(backbone, head, classes, settings.loss, frozen=frozen)
    fit(model, cache, targets, settings.loop, work, settings.schedule, "student")
    return head.requires_grad_(False)


def _begin_at(backbone: Backbone, head: nn.Linear, some: list[Adapter], trained: nn.Linear | None) -> None:
    """The given A, B and head's rows; the spread's rows stay fresh."""
    if some:
        adapters.write(backbone, some)
    if trained is None:
        return
    classes = trained.out_features
    with torch.no_grad():
        head.weight[:classes] = trained.weight
        head.bias[:classes] = trained.bias
