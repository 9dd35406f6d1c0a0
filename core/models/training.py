"""One training loop for point estimate, teachers and student: transformers' Trainer over cached trunk states.

Checkpoints lie in the given folder; a killed run goes on from the last one. Not known here: the loss, files of cases,
models' folders.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from core.errors import NonFiniteError
from core.models.backbone import Backbone
from core.models.batches import pad
from core.models.settings import LoopSettings, Schedule
from core.models.top import Targets, TopClassifier
from core.models.trunk import TrunkCache


class _Cases(torch.utils.data.Dataset):
    def __init__(self, cache: TrunkCache, targets: Targets):
        self.cache, self.targets, self.epoch = cache, targets, 0

    def __len__(self) -> int:
        return len(self.cache)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.cache.states[i], i

    def collate(self, rows: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
        hidden, mask = pad([state for state, _ in rows])
        batch = {"hidden": hidden} | self.targets.batch([i for _, i in rows], self.epoch)
        return batch if mask is None else batch | {"mask": mask}


class _Steps(TrainerCallback):
    """Sets the loss schedule at every step, from the step's number alone, so that a resumed run continues it."""

    def __init__(self, model: TopClassifier, schedule: Schedule, cases: _Cases):
        self.model, self.schedule, self.cases = model, schedule, cases

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.cases.epoch = round(state.epoch or 0)

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
    callbacks = [_Steps(model, schedule, cases), _Bar(progress)]
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
