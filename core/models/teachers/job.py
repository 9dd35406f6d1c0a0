"""What every teacher is made from, and the two things all of them do with it: train adapters, ask
the anchor.

A teacher's file has one function, `fit(job, settings) -> Fitted`. This file knows no teacher.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.errors import SettingsError
from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone
from core.models.base.settings import LossSettings, PointSettings, Schedule
from core.models.base.trunk import TrunkCache
from core.models.scoring.posterior import Posterior
from core.models.scoring.scorers import Teacher
from core.models.scoring.spread import Scores
from core.models.training.loop import fit, new_head
from core.models.training.objective import NO_LABEL, Noise, Targets, TopClassifier
from core.progress import ProgressBar


@dataclass(frozen=True)
class Fitted:
    """A teacher's distribution over adapters, and what was looked at on the way to it (JSON-able)."""

    posterior: Posterior
    record: dict


@dataclass(frozen=True)
class Job:
    """The bare backbone, cached training and anchor cases with labels (positions), and the trained
    point estimate.

    `start` is the head that training begins with, None for a fresh one; `work` holds checkpoints.
    """

    backbone: Backbone
    settings: PointSettings
    classes: int
    cases: TrunkCache
    labels: np.ndarray
    anchor: TrunkCache
    anchor_labels: np.ndarray
    work: Path
    point: tuple[Adapter, ...] = ()
    head: nn.Linear | None = None
    start: nn.Linear | None = None

    def train(
        self, name: str, seed: int, noise: Noise | None = None
    ) -> tuple[tuple[Adapter, ...], nn.Linear]:
        """Train fresh adapters and a head by cross-entropy, made random by `noise`; the backbone is
        bare again after.
        """
        torch.manual_seed(seed)  # peft draws A from torch's global generator
        adapters.attach(self.backbone, self.settings.adapter)
        try:
            head = new_head(self.backbone, self.classes, seed)
            if self.start is not None:
                head.load_state_dict(self.start.state_dict())
            loss = LossSettings(label_smoothing=self.settings.label_smoothing)
            frozen = self.settings.readout == "choice" and self.settings.head == "frozen"
            model = TopClassifier(self.backbone, head, self.classes, loss, noise, frozen)
            loop = self.settings.loop.model_copy(update={"seed": seed})
            fit(
                model,
                self.cases,
                Targets(self.labels),
                loop,
                self.work / f"{name}-{seed}",
                Schedule(end=0.0),
                name,
            )
            return tuple(adapters.read(self.backbone)), head.requires_grad_(False)
        finally:
            adapters.detach(self.backbone)

    def fresh_factors(self, seed: int) -> tuple[Adapter, ...]:
        """The adapters that `train` begins with: their names and shapes before any training."""
        torch.manual_seed(seed)
        adapters.attach(self.backbone, self.settings.adapter)
        try:
            return tuple(adapters.read(self.backbone))
        finally:
            adapters.detach(self.backbone)

    @contextmanager
    def anchor_nll(
        self, like: Posterior, samples: int, looks: int
    ) -> Iterator[Callable[[Posterior], float]]:
        """For the time of the block, a criterion: the anchor's mean NLL in nats of N samples of a
        posterior on `like`'s maps.

        The noise is the same at every look. Raises SettingsError where no anchor case has a label.
        `looks` is for the bar.
        """
        if not (self.anchor_labels != NO_LABEL).any():
            raise SettingsError(
                "the anchor has no labelled case: this teacher needs held-out labels to choose its spread"
            )
        teacher = Teacher(
            self.backbone, like, self.settings.adapter.scale, samples, self.settings.loop.seed
        )
        with ProgressBar(total=looks, desc="spread on held-out cases", unit=" tried") as bar:

            def nll(posterior: Posterior) -> float:
                bar.update()
                return mean_nll(teacher.scores_cached(self.anchor, posterior), self.anchor_labels)

            yield nll
        teacher.sampler.release()


def mean_nll(scores: Scores, labels: np.ndarray) -> float:
    """Mean negative log likelihood in nats over the labelled cases."""
    known = labels != NO_LABEL
    p = scores.probabilities[known, labels[known]]
    return float(-np.log(np.maximum(p, 1e-300)).mean())
