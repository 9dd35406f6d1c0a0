"""Adapters and head over a cached trunk, and the one loss of point estimate, teachers and student.

loss = (1 - w) CE(labels) + w D(p_T, p_S) + c * spread loss + the noise's penalty, w by a schedule
over the steps:
- D forward: KL(p_T || p_S), up to a constant the expected cross-entropy to the teacher's samples
  (arXiv 2505.11731); D reverse: KL(p_S || p_T); at temperature tau both distributions are raised to
  1 / tau and D is multiplied by tau^2;
- the spread's loss is the head's own (core.models.scoring.heads);
- the noise makes a teacher's training random (core.models.teachers) and may have a price, such as
  BLoB's KL to the prior.
The point estimate is w = 0 and c = 0 without noise. This file does not know the loop, files or
teachers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.models.base import adapters
from core.models.base.backbone import Backbone
from core.models.base.settings import LossSettings
from core.models.scoring.heads import uncertainty_head
from core.models.scoring.spread import Moments
from core.models.scoring.surface import add_offset

NO_LABEL = -100  # a case without a label teaches by the teacher's targets only
# of a teacher's probability under the reverse divergence, whose price for p_T = 0 would be infinite
_LEAST = 1e-6


@dataclass(frozen=True)
class Targets:
    """The targets of each case: its label and, for a student, the moments of the teacher's samples.

    labels: positions [n], NO_LABEL where unknown. moments: None without a teacher. by_epoch: [E, n,
    K]; in epoch e one sample's probabilities by_epoch[e] replace the mean (online targets); None
    keeps the mean.
    """

    labels: np.ndarray
    moments: Moments | None = None
    by_epoch: np.ndarray | None = None

    def batch(self, index: list[int], epoch: int) -> dict[str, Tensor]:
        """Return the batch's tensors, as TopClassifier.forward takes them.

        share is aleatoric / total, 1 where total is 0; weight is total over its mean in the batch.
        """
        batch = {"labels": torch.as_tensor(self.labels[index])}
        if self.moments is None:
            return batch
        m = self.moments
        total = m.total[index]
        share = np.where(
            total > 0, np.clip(m.aleatoric[index] / np.maximum(total, 1e-12), 0.0, 1.0), 1.0
        )
        probabilities = (
            m.probabilities[index]
            if self.by_epoch is None
            else self.by_epoch[epoch % len(self.by_epoch), index]
        )
        values = {
            "probabilities": probabilities,
            "share": share,
            "weight": total / max(float(total.mean()), 1e-6),
            "log_mean": m.log_mean[index],
            "logit_mean": m.logit_mean[index],
            "logit_var": m.logit_var[index],
        }
        return batch | {
            name: torch.as_tensor(value, dtype=torch.float32) for name, value in values.items()
        }


@dataclass(frozen=True)
class MicroBatch:
    """The shares of a step's cases and of its labelled cases that one pass holds.

    Losses of the passes add up. Those of processes are averaged: their shares are times as many.
    """

    cases: float = 1.0
    labelled: float = 1.0


class Noise(nn.Module):
    """Makes adapters random while they train.

    step: number of optimiser steps before this one, set by the loop. A step may take several
    forward passes. batch, rows: cases of the step's batch, and the positions among them of those
    that this process passes; None where it passes all of them.
    """

    step = 0
    batch = 0
    rows: Tensor | None = None

    def by_case(self, draw: Callable[[int], Tensor], cases: int) -> Tensor:
        """Return draw(n), random numbers for n cases along axis 0, for this pass's `cases`.

        Every process draws for the whole batch and keeps its rows, so that a case has the noise
        that it would have in one process.
        """
        return draw(cases) if self.rows is None else draw(self.batch)[self.rows]

    def on(self, backbone: Backbone):
        """Return a context manager that hooks the noise into the adapters for one forward."""
        raise NotImplementedError

    def penalty(self) -> Tensor | float:
        """Return the noise's price, added to the loss."""
        return 0.0


class TopClassifier(nn.Module):
    """Adapters and head over a backbone whose trunk is cached.

    Its state is adapters, head and noise, nothing of the base. classes: K. loss: None is
    LossSettings' defaults. noise: None is none. frozen: the head's rows of the classes stay
    unchanged (see keep_rows).
    """

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Linear,
        classes: int,
        loss: LossSettings | None = None,
        noise: Noise | None = None,
        frozen: bool = False,
    ):
        super().__init__()
        # in a tuple, so that the base's weights are not this module's state
        self._backbone = (backbone,)
        self.adapter = nn.ParameterList(adapters.adapter_parameters(backbone))
        self.head = head
        self.noise = noise
        self.classes = classes
        self.loss = loss or LossSettings()
        self.spread = uncertainty_head(self.loss.spread)
        self.distill_weight = 0.0  # w, set at every step by the schedule
        self.micro_batch = MicroBatch()
        self._rows = head.weight[:classes].detach().clone() if frozen else None

    def keep_rows(self) -> None:
        """Restore the classes' rows of a frozen head after an optimiser step on the whole tensor.

        Their biases are trained: a language model prefers some letters to others, whatever the
        question.
        """
        if self._rows is not None:
            self.head.weight.data[: self.classes] = self._rows

    @property
    def backbone(self) -> Backbone:
        """Return the backbone under the adapters."""
        return self._backbone[0]

    def forward(self, hidden, mask=None, labels=None, offset=None, **target) -> dict[str, Tensor]:
        """Return the loss and the outputs of trunk states `hidden` [B, T, d].

        mask [B, T]; labels [B]; offset [B, K] of the logits; target: Targets.batch's other tensors.
        """
        if self.noise is None:
            out = self.head(self.backbone.top(hidden, mask).float())
        else:
            with self.noise.on(self.backbone):
                out = self.head(self.backbone.top(hidden, mask).float())
        if offset is not None:
            out = add_offset(out, offset)
        logp, _ = self.spread.predict(out, self.classes)  # [B, K]
        loss = (
            logp.new_zeros(())
            if self.noise is None
            else logp.new_zeros(()) + self.micro_batch.cases * self.noise.penalty()
        )
        # Cross-entropy over a batch without a label is NaN, even at weight 0.
        if self.distill_weight < 1 and (labels != NO_LABEL).any():
            smoothing = self.loss.label_smoothing
            labelled = F.cross_entropy(
                logp, labels, ignore_index=NO_LABEL, label_smoothing=smoothing
            )
            loss = loss + (1 - self.distill_weight) * self.micro_batch.labelled * labelled
        if target:
            if self.distill_weight > 0:
                loss = loss + self.distill_weight * self.micro_batch.cases * divergence(
                    target["probabilities"], logp, self.loss
                )
            spread = self.spread.loss(out, self.classes, target).mean()
            loss = loss + self.loss.spread_weight * self.micro_batch.cases * spread
        # Unlabelled cases alone at weight 0 have no loss, but the step needs a gradient.
        loss = loss if loss.requires_grad else loss + 0 * out.sum()
        return {"loss": loss, "logits": out}


def divergence(p: Tensor, logq: Tensor, settings: LossSettings) -> Tensor:
    """Return the mean of D(p, q) over cases, nats, times temperature^2; p [B, K], log q [B, K]."""
    tau = settings.temperature
    if tau != 1:
        p = (p.clamp_min(1e-12).log() / tau).softmax(-1)
        logq = (logq / tau).log_softmax(-1)
    if settings.divergence == "forward":
        return tau**2 * F.kl_div(logq, p, reduction="batchmean")
    return tau**2 * (logq.exp() * (logq - p.clamp_min(_LEAST).log())).sum(-1).mean()
