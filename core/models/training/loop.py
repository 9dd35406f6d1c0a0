"""The one training loop of all models: transformers' Trainer over cached trunk states.

- Checkpoints are in the given folder; a killed run resumes from the last complete one, and ends at
  the same weights.
- A batch that memory does not hold is passed in halves, or halves of halves, and the gradients add
  up: the same step.
- Under torchrun or `accelerate launch` the processes share the batch: the same step again, with
  the same noise. Each reads the trunk states of its own cases.
- A batch holds cases of similar length, so that little is padded.
- On a GPU the blocks above the cut recompute their activations in the backward pass.

This file does not know the loss, files of cases or models' folders.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from core.errors import NonFiniteError
from core.models.base.backbone import Backbone
from core.models.base.batches import pad
from core.models.base.memory import out_of_memory
from core.models.base.products import rounded_products
from core.models.base.settings import LoopSettings, Schedule
from core.models.base.trunk import TrunkCache
from core.models.training.objective import NO_LABEL, MicroBatch, Targets, TopClassifier
from core.progress import ProgressBar, process_place

BLOCK = 16  # batches among which cases are sorted by length
SHORT = 32  # tokens up to which a batch is as long as its longest text
LENGTHS = 4  # a longer batch has a multiple of it


@dataclass(frozen=True)
class _BatchShare:
    """What a process passes of a step's batch.

    rows: positions of its cases in the batch, at least one. cases, labelled: how many the whole
    batch has. weight: of the process's losses, 0 where the batch has no case left for it.
    """

    rows: Tensor
    cases: int
    labelled: int
    weight: int


class _Cases(torch.utils.data.Dataset):
    """The cached states and targets as a data set; `collate` pads this process's rows of a batch."""

    def __init__(self, cache: TrunkCache, targets: Targets):
        self.cache, self.targets, self.epoch = cache, targets, 0
        self.longest = max(cache.lengths, default=0)
        self.process, self.processes = process_place()

    def __len__(self) -> int:
        return len(self.cache)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.cache.states[i], i

    def collate(self, cases: Sequence[tuple[Tensor, int]]) -> dict:
        """Return a padded batch: states, mask, offsets and targets by name, and `batch_share`."""
        index = [i for _, i in cases]
        rows = np.arange(len(index))[self.process :: self.processes]
        # A batch of fewer cases than processes: all must pass one, or the others would wait.
        weight, rows = (self.processes, rows) if len(rows) else (0, np.zeros(1, dtype=int))
        labelled = int((self.targets.labels[index] != NO_LABEL).sum())
        share = _BatchShare(torch.from_numpy(rows), len(index), labelled, weight)
        # The targets' weights are relative to the whole batch.
        targets = {name: v[rows] for name, v in self.targets.batch(index, self.epoch).items()}
        return self._padded([cases[row] for row in rows]) | targets | {"batch_share": share}

    def _padded(self, cases: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
        states = [state for state, _ in cases]
        # Code is generated for each size of a batch (core.models.base.products), so long batches
        # have few sizes; none is longer than a text, since a model may read no more tokens.
        least = min(-(-max(map(len, states)) // LENGTHS) * LENGTHS, self.longest)
        hidden, mask = pad(states, least if least > SHORT else 0)
        batch = {"hidden": hidden}
        if self.cache.offsets is not None:
            batch["offset"] = cast(Tensor, self.cache.offset([i for _, i in cases]))
        return batch if mask is None else batch | {"mask": mask}


class LengthBatches(torch.utils.data.Sampler):
    """The cases in a random order in which each batch holds cases of similar length.

    Padding costs as much as text, and a random batch is as long as its longest case. Cases are
    shuffled, blocks of BLOCK batches are sorted by length, and the batches are shuffled. The order
    depends on seed and epoch alone, so that a resumed run continues it.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int):
        self.lengths, self.batch_size, self.seed = np.asarray(lengths), batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch's order, as the Trainer does before each."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng((self.seed, self.epoch))
        order = generator.permutation(len(self.lengths))
        size = BLOCK * self.batch_size
        blocks = [order[i : i + size] for i in range(0, len(order), size)]
        order = np.concatenate([b[np.argsort(self.lengths[b], kind="stable")] for b in blocks])
        # The batch that is not full stays last, or the batches after it would mix lengths.
        full = len(order) // self.batch_size
        batches = order[: full * self.batch_size].reshape(full, self.batch_size)
        shuffled = batches[generator.permutation(full)].ravel()
        return iter([*shuffled.tolist(), *order[full * self.batch_size :].tolist()])


class _Steps(TrainerCallback):
    """Sets the loss schedule and the noise's step, and restores frozen rows after a step.

    Both depend on the step's number alone, so that a resumed run continues them.
    """

    def __init__(self, model: TopClassifier, schedule: Schedule, cases: _Cases):
        self.model, self.schedule, self.cases = model, schedule, cases

    def on_epoch_begin(self, args, state, control, **kwargs):
        # The Trainer counts epochs as a float, also after a resume.
        self.cases.epoch = round(state.epoch or 0)

    def on_step_begin(self, args, state, control, **kwargs):
        # The last step has progress 1, so that the schedule reaches its end.
        self.model.distill_weight = self.schedule.at(
            state.global_step / max(1, state.max_steps - 1)
        )
        if self.model.noise is not None:
            self.model.noise.step = state.global_step

    def on_step_end(self, args, state, control, **kwargs):
        self.model.keep_rows()


class _Bar(TrainerCallback):
    """A named progress bar with a time estimate, in place of transformers' nameless one."""

    def __init__(self, name: str | None):
        self.name = name

    def on_train_begin(self, args, state, control, **kwargs):
        done, hidden = state.global_step, self.name is None
        self.bar = ProgressBar(
            total=state.max_steps, initial=done, desc=self.name, unit=" steps", disable=hidden
        )

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update(state.global_step - self.bar.n)

    def on_train_end(self, args, state, control, **kwargs):
        self.bar.close()


class _Trainer(Trainer):
    """A Trainer that passes a batch in parts where memory requires it."""

    parts = 1  # passes of a batch, doubled whenever memory does not hold one

    batch_size = 0  # cases of a step, of all processes together

    def get_train_dataloader(self) -> torch.utils.data.DataLoader:
        """Return the loader of whole batches, of which `collate` takes this process's share."""
        cases = cast(_Cases, self.train_dataset)
        loader: torch.utils.data.DataLoader = torch.utils.data.DataLoader(
            cases,
            self.batch_size,
            sampler=LengthBatches(cases.cache.lengths, self.batch_size, self.args.seed),
            collate_fn=cases.collate,
        )
        # As if alone: the Trainer's own loader would share a batch without its weights.
        return prepare_data_loader(
            loader, self.accelerator.device, num_processes=1, process_index=0, put_on_device=True
        )

    def training_step(self, model, inputs, num_items_in_batch=None):
        """Return a step's loss; on a shortage of memory, repeat the step in twice as many parts."""
        self.batch_share = inputs.pop("batch_share")
        cases = len(inputs["labels"])
        while True:
            try:
                return self._in_parts(model, inputs, min(self.parts, cases), num_items_in_batch)
            except RuntimeError as e:
                # Other processes wait for this one's gradients, so that no step can start again.
                if self.args.world_size > 1 or self.parts >= cases or not out_of_memory(e):
                    raise
            self.parts *= 2
            model.zero_grad()  # what the failed attempt added

    def _in_parts(self, model, inputs: dict[str, Tensor], parts: int, items) -> Tensor:
        """Return one step's loss, and add up its gradients, from `parts` passes."""
        labels, losses, share = inputs["labels"], [], self.batch_share
        classifier = cast(TopClassifier, self.model)
        if classifier.noise is not None and self.args.world_size > 1:
            classifier.noise.batch, classifier.noise.rows = share.cases, share.rows
        for index in torch.arange(len(labels)).tensor_split(parts):
            micro_batch = (
                {name: value[index] for name, value in inputs.items()} if parts > 1 else inputs
            )
            # Cross-entropy is a mean over labelled cases: parts with few of them must count less,
            # or the sum over parts would be another loss.
            labelled = int((labels[index] != NO_LABEL).sum())
            classifier.micro_batch = MicroBatch(
                share.weight * len(index) / share.cases,
                share.weight * labelled / max(1, share.labelled),
            )
            losses.append(super().training_step(model, micro_batch, items))
        return torch.stack(losses).sum()

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Return the loss of one pass. Raises NonFiniteError if it is NaN or infinite."""
        outputs = model(**inputs)
        if not torch.isfinite(outputs["loss"]):
            raise NonFiniteError(
                "models.loss_not_finite",
                loss=outputs["loss"].item(),
                step=self.state.global_step,
                rate=self.args.learning_rate,
            )
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]


def fit_model(
    model: TopClassifier,
    cache: TrunkCache,
    targets: Targets,
    settings: LoopSettings,
    folder: Path,
    schedule: Schedule,
    progress: str | None = None,
) -> float:
    """Train in place; return the mean loss. An interrupted run of the same settings resumes.

    model: adapters and head. cache, targets: of the training cases. settings: of the optimiser.
    folder: of the checkpoints. schedule: of the distillation loss. progress: name of the bar, None
    for no bar. Raises NonFiniteError at the step whose loss is NaN or infinite.
    """
    cases = _Cases(cache, targets)
    device = model.head.weight.device
    # Recomputing would draw the noise anew, and the gradients would belong to another draw.
    model.backbone.recompute = device.type == "cuda" and model.noise is None
    steps = settings.epochs * math.ceil(len(cases) / settings.batch_size)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=-(-settings.batch_size // cases.processes),
        learning_rate=settings.rate(len(model.backbone.blocks) - model.backbone.cut),
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
    trainer = _Trainer(
        model, arguments, data_collator=cases.collate, train_dataset=cases, callbacks=callbacks
    )
    trainer.batch_size = settings.batch_size
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(folder, cases.processes)
    with rounded_products():
        return float(trainer.train(resume_from_checkpoint=checkpoint).training_loss)


def last_checkpoint(folder: Path, processes: int = 1) -> str | None:
    """Return the newest complete checkpoint's folder, None without one.

    A process killed while writing one leaves it without its last file. processes: how many go on;
    another number of them wrote no random state for these.
    """
    states = (
        [f"rng_state_{i}.pth" for i in range(processes)] if processes > 1 else ["rng_state.pth"]
    )
    checkpoints = []
    # The main process writes this file last.
    for state in folder.glob("checkpoint-*/trainer_state.json"):
        if not all((state.parent / name).is_file() for name in states):
            continue
        try:
            checkpoints.append((json.loads(state.read_text())["global_step"], str(state.parent)))
        # A kill while the file was written leaves half a JSON.
        except ValueError:
            continue
    return max(checkpoints)[1] if checkpoints else None


def new_head(backbone: Backbone, outputs: int, seed: int) -> nn.Linear:
    """Return a fresh linear head [outputs, d] in float32, drawn from its own generator."""
    head = nn.Linear(backbone.hidden_size, outputs)
    # Its own generator: the head does not depend on what was drawn before it.
    generator = torch.Generator().manual_seed(seed)
    bound = 1 / math.sqrt(backbone.hidden_size)
    with torch.no_grad():
        head.weight.uniform_(-bound, bound, generator=generator)
        head.bias.zero_()
    return head.to(backbone.device)
