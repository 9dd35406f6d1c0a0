"""The inputs of every teacher, and its two steps: train adapters, measure the anchor.

Each teacher's file has one function `fit_NAME(job, settings) -> Fitted`. What a teacher chooses on
held-out labels (a spread, a temperature) it chooses on the anchor of `held_out_job`; then it is
fitted again on every label. This file knows no teacher.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from core.errors import SettingsError
from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone
from core.models.base.settings import LossSettings, PointSettings, Schedule
from core.models.base.trunk import TrunkCache
from core.models.scoring.novelty import EVEN
from core.models.scoring.posterior import Posterior
from core.models.scoring.scorers import Teacher
from core.models.scoring.spread import Scores
from core.models.scoring.surface import SurfaceTerm, Vocabulary
from core.models.training.linear_start import StartChoice, held_out_offsets, linear_start
from core.models.training.loop import fit_model, new_head
from core.models.training.objective import NO_LABEL, Noise, Targets, TopClassifier
from core.progress import ProgressBar


@dataclass(frozen=True)
class Fitted:
    """A teacher's distribution over adapters, and the record of its fit (JSON-able).

    choices: the settings' fields chosen on the anchor, for a later fit on every label without an
    anchor. views: novelty's views [3, n] of held-out cases, None if
    unknown.
    """

    posterior: Posterior
    record: dict
    choices: dict = field(default_factory=dict)
    views: Tensor | None = None


@dataclass(frozen=True)
class FrozenView:
    """The cases before any training: the frozen base's states [n, d], weighed n-grams [n, m]."""

    states: np.ndarray
    features: csr_matrix | None = None
    vocabulary: Vocabulary | None = None

    def at(self, index: np.ndarray) -> "FrozenView":
        """Return the view of those cases alone."""
        return replace(
            self,
            states=self.states[index],
            features=None if self.features is None else self.features[index],
        )


@dataclass(frozen=True)
class TeacherJob:
    """The bare backbone, cached training and anchor cases with labels, and the point estimate.

    labels, anchor_labels: positions, or NO_LABEL. start: the head at which training begins, None
    for a fresh one. surface: the term behind the caches' offsets, if any. work: folder of
    checkpoints. frozen, anchor_frozen: what a start is fitted on, None if heads do not start at a
    regression. ordered: the cases are in the order of time. views: weights of novelty's views.
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
    start_choice: StartChoice | None = None  # once it is made
    surface: SurfaceTerm | None = None
    frozen: FrozenView | None = None
    anchor_frozen: FrozenView | None = None
    ordered: bool = False
    views: tuple[float, ...] = EVEN

    @property
    def point_head(self) -> nn.Linear:
        """Return the point estimate's head; a job of a teacher that starts there has one."""
        return cast(nn.Linear, self.head)

    def held_out_job(self, share: float, with_point: bool) -> "TeacherJob":
        """Return the job with a share of its labelled cases as its anchor.

        Its start and, if with_point, its point estimate are fitted on the other cases.
        """
        # With cases in time order the latest are held out: a random share would hide drift.
        held_out, seed = (
            held_out_positions(self.labels, share, self.ordered, self.settings.loop.seed),
            self.settings.loop.seed,
        )
        fitted = np.setdiff1d(np.arange(len(self.labels)), held_out)
        fold = replace(
            self,
            cases=self.cases.at(fitted),
            labels=self.labels[fitted],
            anchor=self.cases.at(held_out),
            anchor_labels=self.labels[held_out],
            # A folder of its own: the same name and seed on other cases must not resume these
            # checkpoints.
            work=self.work / "held-out",
            frozen=self.frozen and self.frozen.at(fitted),
            anchor_frozen=self.frozen and self.frozen.at(held_out),
        ).started()
        if not with_point:
            return fold
        point, head = fold.train("point", seed)
        return replace(fold, point=point, head=head)

    def started(self) -> "TeacherJob":
        """Return the job with head and surface term fitted on the frozen view, if it has one.

        A labelled case's offsets come from folds without it, as later cases' will.
        """
        if self.frozen is None:
            return self
        labelled = np.flatnonzero(self.labels != NO_LABEL)
        view, labels = self.frozen.at(labelled), self.labels[labelled]
        fit = linear_start(view.states, labels, self.classes, view.features, self.start_choice)
        started = replace(
            self, start=fit.head().to(self.backbone.device), start_choice=fit.choice, surface=None
        )
        if fit.surface is None:  # else the view has features, and their vocabulary
            return started
        surface = SurfaceTerm(cast(Vocabulary, view.vocabulary), fit.surface)
        offsets = surface.weigh(self.frozen.features)
        features = cast(csr_matrix, view.features)
        held_out = held_out_offsets(features, labels, self.classes, fit.choice)
        offsets[labelled] = torch.from_numpy(held_out).float()
        anchor = self.anchor
        if self.anchor_frozen is not None:
            anchor = replace(anchor, offsets=surface.weigh(self.anchor_frozen.features))
        return replace(
            started,
            surface=surface,
            cases=replace(self.cases, offsets=offsets),
            anchor=anchor,
        )

    def train(
        self, name: str, seed: int, noise: Noise | None = None
    ) -> tuple[tuple[Adapter, ...], nn.Linear]:
        """Train fresh adapters and a head by cross-entropy, made random by `noise`; return both.

        The backbone is bare again afterwards.
        """
        adapters.attach(self.backbone, self.settings.adapter, seed)
        try:
            head = new_head(self.backbone, self.classes, seed)
            if self.start is not None:
                head.load_state_dict(self.start.state_dict())
            loss = LossSettings(label_smoothing=self.settings.label_smoothing)
            frozen = self.settings.readout == "choice" and self.settings.head == "frozen"
            model = TopClassifier(self.backbone, head, self.classes, loss, noise, frozen)
            rate = self.settings.loop.rate(len(self.backbone.blocks) - self.backbone.cut)
            loop = self.settings.loop.model_copy(update={"seed": seed, "learning_rate": rate})
            fit_model(
                model,
                self.cases,
                Targets(self.labels),
                loop,
                self.work / f"{name}-{seed}",
                Schedule(end=0.0),
                name,
            )
            return tuple(adapters.read_adapters(self.backbone)), head.requires_grad_(False)
        finally:
            adapters.detach(self.backbone)

    def fresh_factors(self, seed: int) -> tuple[Adapter, ...]:
        """Return the adapters with which `train` begins: names and shapes before any training."""
        adapters.attach(self.backbone, self.settings.adapter, seed)
        try:
            return tuple(adapters.read_adapters(self.backbone))
        finally:
            adapters.detach(self.backbone)

    @contextmanager
    def anchor_nll(
        self, like: Posterior, samples: int, looks: int
    ) -> Iterator[Callable[[Posterior], float]]:
        """Yield a criterion: posterior -> the anchor's mean NLL in nats of N samples.

        like: a posterior on the same maps. samples: N. looks: number of calls, for the bar. The
        noise is the same at every call. Raises SettingsError if no anchor case has a label.
        """
        if not (self.anchor_labels != NO_LABEL).any():
            raise SettingsError("models.no_held_out_labels")
        teacher = Teacher(
            self.backbone, like, self.settings.adapter.scale, samples, self.settings.loop.seed
        )
        with ProgressBar(total=looks, desc="spread on held-out cases", unit=" tried") as bar:

            def nll(posterior: Posterior) -> float:
                bar.update()
                return mean_nll(teacher.scores_cached(self.anchor, posterior), self.anchor_labels)

            yield nll
        teacher.sampler.release()


def held_out_positions(labels: np.ndarray, share: float, ordered: bool, seed: int) -> np.ndarray:
    """Return the positions, ascending, of the labelled cases to hold out.

    labels: positions among the classes, or NO_LABEL. The latest share if `ordered`, else a share
    drawn by `seed`. A class stays in training: its only case is never held out.
    """
    labelled = np.flatnonzero(labels != NO_LABEL)
    order = (
        labelled if ordered else labelled[np.random.default_rng(seed).permutation(len(labelled))]
    )
    first = order[np.unique(labels[order], return_index=True)[1]]  # one case a class, the earliest
    candidates = order[-max(1, round(share * len(order))) :]
    return np.sort(np.setdiff1d(candidates, first))


def mean_nll(scores: Scores, labels: np.ndarray) -> float:
    """Return the mean negative log likelihood in nats over the labelled cases."""
    labelled = labels != NO_LABEL
    p = scores.probabilities[labelled, labels[labelled]]
    return float(-np.log(np.maximum(p, 1e-300)).mean())
