"""One training loop for the point estimate and the student: transformers' Trainer over cached trunk states.

The loss is (1 - w) CE(labels) + w KL(p_T || p_S) + c * spread loss, w by a schedule over the steps:
- forward KL: sum_k p_T (log p_T - log p_S), up to a constant the expected cross-entropy to the teacher's samples
  (arXiv 2505.11731);
- spread: binary cross-entropy of the student's share sigmoid(g) to the teacher's aleatoric / total, weighted by the
  teacher's total, so that cases about which nothing is uncertain do not teach the spread.
The point estimate is the same loop with w = 0 and c = 0. Checkpoints lie in the given folder; a killed run goes on from
the last one. Not known here: files of cases, models' folders, teachers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from core.errors import NonFiniteError
from core.models import adapters
from core.models.backbone import Backbone
from core.models.batches import pad
from core.models.settings import LoopSettings, Schedule
from core.models.trunk import TrunkCache

NO_LABEL = -100  # a case without a label teaches by the teacher's targets only


@dataclass(frozen=True)
class Targets:
    """What each case teaches: its label [n], NO_LABEL where unknown; a student also gets the teacher's answers.

    probabilities [n, K] are the teacher's mean; share [n] is aleatoric / total in [0, 1]; weight [n] is total in nats.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None = None
    share: np.ndarray | None = None
    weight: np.ndarray | None = None


class TopClassifier(nn.Module):
    """Adapters and head over a backbone whose trunk is cached. Its state is the adapters and the head, nothing of the base."""

    def __init__(self, backbone: Backbone, head: nn.Linear, classes: int, spread_weight: float = 0.0):
        super().__init__()
        self._backbone = (backbone,)  # in a tuple, so that the base's weights are not this module's state
        self.adapter = nn.ParameterList(adapters.adapter_parameters(backbone))
        self.head = head
        self.classes = classes
        self.spread_weight = spread_weight
        self.mix = 0.0  # w, set at every step by the schedule

    def forward(self, hidden, mask=None, labels=None, probabilities=None, share=None, weight=None) -> dict[str, Tensor]:
        out = self.head(self._backbone[0].top(hidden, mask).float())  # [B, K] or [B, K + 1]
        logits = out[:, : self.classes]
        loss = logits.new_zeros(())
        if self.mix < 1 and (labels != NO_LABEL).any():
            loss = loss + (1 - self.mix) * F.cross_entropy(logits, labels, ignore_index=NO_LABEL)
        if probabilities is not None and self.mix > 0:
            loss = loss + self.mix * F.kl_div(logits.log_softmax(-1), probabilities, reduction="batchmean")
        if share is not None and self.spread_weight:
            each = F.binary_cross_entropy_with_logits(out[:, self.classes], share, reduction="none")
            loss = loss + self.spread_weight * (each * weight).sum() / weight.sum().clamp_min(1e-6)
        return {"loss": loss, "logits": logits}


class _Cases(torch.utils.data.Dataset):
    def __init__(self, cache: TrunkCache, targets: Targets):
        self.cache, self.targets = cache, targets

    def __len__(self) -> int:
        return len(self.cache)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.cache.states[i], i

    def collate(self, rows: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
        hidden, mask = pad([state for state, _ in rows])
        index = [i for _, i in rows]
        batch = {"hidden": hidden, "labels": torch.as_tensor(self.targets.labels[index])}
        if mask is not None:
            batch["mask"] = mask
        for name in ("probabilities", "share", "weight"):
            values = getattr(self.targets, name)
            if values is not None:
                batch[name] = torch.as_tensor(values[index], dtype=torch.float32)
        return batch


class _Steps(TrainerCallback):
    """Sets the loss schedule at every step, from the step's number alone, so that a resumed run continues it."""

    def __init__(self, model: TopClassifier, schedule: Schedule):
        self.model, self.schedule = model, schedule

    def on_step_begin(self, args, state, control, **kwargs):
        self.model.mix = self.schedule.at(state.global_step / max(1, state.max_steps - 1))


class _Bar(TrainerCallback):
    """A named progress bar with a time estimate in place of transformers' nameless one, and no lines of logs between."""

    def __init__(self, name: str | None):
        self.name = name

    def on_train_begin(self, args, state, control, **kwargs):
        done, hidden = state.global_step, self.name is None
        self.bar = tqdm(total=state.max_steps, initial=done, desc=self.name, unit=" steps", disable=hidden)

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update(state.global_step - self.bar.n)

    def on_train_end(self, args, state, control, **kwargs):
        self.bar.close()


class _Trainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs)
        if not torch.isfinite(outputs["loss"]):
            raise NonFiniteError(
                f"the loss is {outputs['loss'].item()} at step {self.state.global_step}: the learning rate "
                f"{self.args.learning_rate} is probably too high; lower it"
            )
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]


def fit(
    model: TopClassifier,
    cache: TrunkCache,
    targets: Targets,
    settings: LoopSettings,
    folder: Path,
    schedule: Schedule,
    progress: str | None = None,
) -> float:
    """Train in place; return the mean loss. Checkpoints go to `folder`; an interrupted run of the same settings goes on.

    `progress` names the bar; None shows none. Raises NonFiniteError at the step whose loss is NaN or infinite.
    """
    cases = _Cases(cache, targets)
    device = model.head.weight.device
    steps = settings.epochs * math.ceil(len(cases) / settings.batch_size)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=round(settings.warmup * steps),
        lr_scheduler_type="linear",
        seed=settings.seed,
        data_seed=settings.seed,
        save_strategy="epoch",
        save_total_limit=1,
        logging_strategy="epoch",
        report_to=[],
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        disable_tqdm=True,
        log_level="error",
    )
    callbacks = [_Steps(model, schedule), _Bar(progress)]
    trainer = _Trainer(model, arguments, data_collator=cases.collate, train_dataset=cases, callbacks=callbacks)
    trainer.remove_callback(PrinterCallback)
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    return float(trainer.train(resume_from_checkpoint=last).training_loss)


def new_head(backbone: Backbone, outputs: int, seed: int) -> nn.Linear:
    """A fresh linear head [outputs, d] in float32, from its own generator."""
    head = nn.Linear(backbone.hidden_size, outputs)
    generator = torch.Generator().manual_seed(seed)
    bound = 1 / math.sqrt(backbone.hidden_size)
    with torch.no_grad():
        head.weight.uniform_(-bound, bound, generator=generator)
        head.bias.zero_()
    return head.to(backbone.device)
