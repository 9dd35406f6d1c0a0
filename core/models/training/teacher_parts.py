"""The teacher's samples of the cases that teach, part by part, in this process or in others.

A part's moments are a file whose name comes from teacher, texts and rows: whoever computes it, it is
computed once, and an interrupted distillation finds it. This process computes all parts alone,
processes of torchrun a share each, and a runner of another kind, such as a cluster's, hands parts to
its workers: all by `PartSampler.sample_part`, from texts to moments, so that the numbers are the
same bits at equal threads. Knows no store and no cluster.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np

from core.files import private_folder, write_atomic
from core.models.base.device import barrier, pick_device
from core.models.base.trunk import map_part
from core.models.scoring import checkpoint
from core.models.scoring.scorers import Teacher
from core.models.scoring.spread import Moments
from core.progress import ProgressBar, process_place

BY_SAMPLE = "by_sample"  # of a part's file: each sample's probabilities [N, n, K]


@dataclass(frozen=True)
class SamplingPlan:
    """The inputs that any process needs to sample parts; picklable.

    folder, teacher_hash: the teacher's. device: of the workers, as of pick_device. samples:
    overrides the teacher's N, None keeps it. truncate: read the beginning of texts that are too
    long. trunks: folder of the trunk's states, None keeps none. work: folder of the parts' files.
    """

    folder: Path
    teacher_hash: str
    device: str
    samples: int | None
    truncate: bool
    trunks: Path | None
    work: Path


@dataclass(frozen=True)
class TeacherPart:
    """Some texts, and what of them is sampled.

    rows: positions of the sampled texts. samples: how many of the N, None for all. by_sample: keep
    each sample's probabilities, too.
    """

    texts: list[str]
    rows: np.ndarray
    samples: int | None = None
    by_sample: bool = False

    def path(self, plan: SamplingPlan) -> Path:
        """Return the place of the part's moments; its name is the sha256 of what they depend on."""
        about = [plan.teacher_hash, plan.samples, plan.truncate, self.samples, self.by_sample]
        content = json.dumps([*about, self.rows.tolist(), self.texts])
        return plan.work / f"{hashlib.sha256(content.encode()).hexdigest()}.npz"


class PartSampler:
    """Samples parts of one plan; loads the teacher at the first part unless it is given."""

    def __init__(self, plan: SamplingPlan, teacher: Teacher | None = None):
        self.plan, self._given = plan, teacher

    @cached_property
    def teacher(self) -> Teacher:
        """The loaded teacher."""
        if self._given is not None:
            return self._given
        device = pick_device(self.plan.device)
        return cast(Teacher, checkpoint.load(self.plan.folder, device, self.plan.samples)[1])

    def sample_part(self, part: TeacherPart) -> int:
        """Write the part's moments if their file is missing; return the number of sampled cases.

        Raises CasesError for a text that is too long, unless the plan truncates.
        """
        path = part.path(self.plan)
        if not path.is_file():
            plan, teacher = self.plan, self.teacher
            cache = map_part(teacher.backbone, part.texts, plan.truncate, plan.trunks)
            if teacher.surface is not None:
                cache = cache.with_offsets(teacher.surface.logits(part.texts))
            sampled = teacher.moments(cache.at(part.rows), part.by_sample, samples=part.samples)
            _write_moments(path, *sampled)
        return len(part.rows)


# Makes the files of all parts; in this process it may use the given teacher. Yields the number of
# cases of each part that is ready.
PartRunner = Callable[[SamplingPlan, Sequence[TeacherPart], Teacher], Iterator[int]]


def sample_here(
    plan: SamplingPlan, parts: Sequence[TeacherPart], teacher: Teacher
) -> Iterator[int]:
    """Sample the parts in this process; of several processes each samples a share of them."""
    sampler = PartSampler(plan, teacher)
    number, processes = process_place()
    for part in parts[number::processes]:
        yield sampler.sample_part(part)


@dataclass(frozen=True)
class TeacherSamples:
    """The samples of a teacher on the texts of a lesson, in parts.

    texts: of each part. runner: who computes.
    """

    plan: SamplingPlan
    teacher: Teacher
    texts: Sequence[list[str]]
    runner: PartRunner = sample_here

    def moments(
        self, index: np.ndarray, samples: int | None = None, by_sample: bool = False
    ) -> tuple[Moments, np.ndarray | None]:
        """Return the samples' moments on the texts at `index`, ascending positions in all parts.

        samples: how many of the N, None for all. by_sample: also return the probabilities [N, n,
        K], else None. Raises as PartSampler.sample_part and the runner do.
        """
        private_folder(self.plan.work)
        parts = list(self._parts(index, samples, by_sample))
        caption = f"teacher, {samples or self.teacher.samples} samples a case"
        number, processes = process_place()
        share = sum(len(part.rows) for part in parts[number::processes])
        with ProgressBar(total=share, desc=caption, unit=" cases") as bar:
            for cases in self.runner(self.plan, parts, self.teacher):
                bar.update(cases)
        barrier(self.teacher.backbone.device)
        sampled = [_read_moments(part.path(self.plan)) for part in parts]
        together = Moments.join([moments for moments, _ in sampled], np.arange(len(index)))
        every = [p for _, p in sampled if p is not None]
        return together, np.concatenate(every, 1) if every else None

    def _parts(
        self, index: np.ndarray, samples: int | None, by_sample: bool
    ) -> Iterator[TeacherPart]:
        ends = np.cumsum([len(texts) for texts in self.texts])
        for end, texts in zip(ends, self.texts, strict=True):
            rows = index[(index >= end - len(texts)) & (index < end)] - (end - len(texts))
            if len(rows):
                yield TeacherPart(texts, rows, samples, by_sample)


def _write_moments(path: Path, moments: Moments, by_sample: np.ndarray | None) -> None:
    arrays = {f.name: getattr(moments, f.name) for f in fields(Moments)}
    extra = {} if by_sample is None else {BY_SAMPLE: by_sample}
    write_atomic(path, lambda file: np.savez(file, allow_pickle=False, **arrays, **extra))


def _read_moments(path: Path) -> tuple[Moments, np.ndarray | None]:
    with np.load(path, allow_pickle=False) as arrays:
        moments = Moments(**{f.name: arrays[f.name] for f in fields(Moments)})
        return moments, arrays.get(BY_SAMPLE)
