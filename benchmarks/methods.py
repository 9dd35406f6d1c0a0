"""Every method of the uncertainty benchmark on one set and seed: trained, asked, timed. Knows
models, not files or tables.

All methods share one frozen trunk, computed once a text; training cost is a method's own seconds
beyond that. What one method needs of another (the point estimate, a teacher that a student is
distilled from) is made once and kept.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.special import entr
from torch import nn

from benchmarks.sets import BenchmarkSet
from benchmarks.teachers import CHOSEN
from core.models.base import adapters
from core.models.base.backbone import load_backbone
from core.models.base.choice import answer_head
from core.models.base.settings import (
    TEACHERS,
    AdapterSettings,
    DistillSettings,
    LoopSettings,
    PointSettings,
)
from core.models.base.trunk import TrunkCache, cache_trunk, top_states
from core.models.scoring.posterior import Dropout, Gaussian, Members, Posterior
from core.models.scoring.scorers import OnePass, Teacher
from core.models.scoring.spread import Scores
from core.models.scoring.surface import SurfaceTerm, Vocabulary, count_ngrams
from core.models.teachers import TeacherJob, fit_teacher
from core.models.training import build
from core.models.training.augment import augmented
from core.models.training.linear_start import linear_start
from core.models.training.objective import NO_LABEL
from core.models.training.student import (
    distillation_targets,
    settle_start,
    teaching_cases,
    train_student,
)
from core.stats.temperature import at_temperature, fit_temperature

# samples of the teacher that fidelity is measured against; an ensemble has only its members
REFERENCE = 32
ONE_PASS = ("point", "temperature", "smoothing")
# the mean of models from several seeds is no model
NO_MEAN = (("ensemble", "-mean"), ("mixture", "-mean"))
NAMES = (
    *ONE_PASS,
    *(
        f"{kind}{what}"
        for kind in TEACHERS
        for what in ("", "-mean", "-student")
        if (kind, what) not in NO_MEAN
    ),
)
TIMED = 48  # texts


@dataclass(frozen=True)
class Answers:
    """What a method says of the test and the OOD texts, its cost, and its teacher's answers at N =
    32 where it is a student.
    """

    test: Scores
    ood: Scores | None
    train_s: float  # seconds of training, its teacher's included, without the trunk
    passes: int
    ms_per_case: float  # from text to answer, on this machine
    reference: tuple[Scores, Scores | None] | None = None
    record: dict = field(default_factory=dict)


@dataclass
class Bench:
    """One set and seed. Where adapters sit, epochs and learning rate are the same for every
    method.
    """

    data: BenchmarkSet
    seed: int
    device: torch.device
    adapter: AdapterSettings = AdapterSettings()
    epochs: int = 3
    learning_rate: float | None = None  # by the number of adapted blocks
    distil: DistillSettings = DistillSettings()
    teachers: dict[str, tuple[Posterior, float, dict]] = field(default_factory=dict)

    def __post_init__(self):
        self.backbone = load_backbone(
            self.data.base, self.adapter.cut, self.device, readout=self.data.readout
        )
        self.classes = len(self.data.labels)
        # checkpoints; gone with the bench
        self._work = tempfile.TemporaryDirectory(prefix="kakushin-bench-")
        self._copies: dict[int, TrunkCache] = {}
        self._references: dict[str, tuple[Scores, Scores | None]] = {}

    @property
    def loop(self) -> LoopSettings:
        return LoopSettings(seed=self.seed, epochs=self.epochs, learning_rate=self.learning_rate)

    @cached_property
    def beginning(self) -> tuple[nn.Linear, SurfaceTerm | None]:
        """The head that every training begins at and the n-grams beside it: a language model's own
        rows, or a regression on the frozen base's states of the training texts.
        """
        if self.data.readout == "choice":
            return answer_head(self.backbone, self.data.labels), None
        counts = count_ngrams(self.data.train.texts)
        vocabulary = Vocabulary.from_counts(counts, build.MOST_NGRAMS)
        states = top_states(self.backbone, self._trunk(self.data.train.texts))
        labels = self.data.train.labels
        fit = linear_start(states, labels, self.classes, vocabulary.weigh(counts))
        surface = None if fit.surface is None else SurfaceTerm(vocabulary, fit.surface)
        return fit.head().to(self.device), surface

    @property
    def start(self) -> nn.Linear:
        """The head that every training begins at."""
        return self.beginning[0]

    @cached_property
    def trunks(self) -> dict[str, TrunkCache]:
        """Cached states of every part, with its n-grams' logits."""
        parts = {name: getattr(self.data, name).texts for name in ("train", "anchor", "test")}
        return {
            name: self._offset(texts) for name, texts in (parts | {"ood": self.data.ood}).items()
        }

    def student_trunk(self, copies: int) -> TrunkCache:
        """Training and anchor texts and that many augmented copies of each."""
        texts = [*self.data.train.texts, *self.data.anchor.texts]
        if copies not in self._copies:
            self._copies[copies] = self._offset([*texts, *augmented(texts, copies, self.seed)])
        return self._copies[copies]

    def _offset(self, texts: list[str]) -> TrunkCache:
        surface, cache = self.beginning[1], self._trunk(texts)
        offsets = surface.logits(texts) if surface and texts else None
        return replace(cache, offsets=offsets)

    def _trunk(self, texts: list[str]) -> TrunkCache:
        return cache_trunk(self.backbone, texts, truncate=True) if texts else TrunkCache([])

    # --- methods

    def run(self, method: str) -> Answers:
        """One of NAMES."""
        kind, _, what = method.partition("-")
        if kind in ONE_PASS:
            return getattr(self, f"_{kind}")()
        return {"": self._teacher, "mean": self._mean, "student": self.student}[what](kind)

    @cached_property
    def point(self) -> tuple[TeacherJob, float]:
        """The job with its trained point estimate, and the seconds of that, without the trunk that
        all methods share.
        """
        job = self._job(
            PointSettings(
                base=self.data.base,
                readout=self.data.readout,
                adapter=self.adapter,
                loop=self.loop,
                truncate=True,
            )
        )
        started = time.perf_counter()
        factors, head = job.train("point", self.seed)
        return replace(job, point=factors, head=head), time.perf_counter() - started

    def _point(self) -> Answers:
        job, seconds = self.point
        return self._ask(certain(job.point, job.head), 1, seconds)

    def _temperature(self) -> Answers:
        """The point estimate's logits divided by the one scalar that minimises the anchor's NLL."""
        job, seconds = self.point
        posterior = certain(job.point, job.head)
        anchor = self._scores(posterior, 1, "anchor").probabilities
        temperature = fit_temperature(anchor, self.data.anchor.labels).value.value
        plain = self._ask(posterior, 1, seconds)
        test, ood = (
            s and at_temperature(s.probabilities, temperature) for s in (plain.test, plain.ood)
        )
        return replace(
            plain,
            test=only(test),
            ood=None if ood is None else only(ood),
            record={"temperature": temperature},
        )

    def _smoothing(self) -> Answers:
        settings = self.point[0].settings.model_copy(update={"label_smoothing": 0.1})
        started = time.perf_counter()
        factors, head = self._job(settings).train("smoothing", self.seed)
        return self._ask(
            certain(factors, head), 1, time.perf_counter() - started, {"label_smoothing": 0.1}
        )

    def _teacher(self, kind: str) -> Answers:
        posterior, seconds, record = self._made(kind)
        return self._ask(posterior, CHOSEN[kind].samples, seconds, record)

    def _mean(self, kind: str) -> Answers:
        """The teacher's mean weights in one pass (N = 0)."""
        posterior, seconds, record = self._made(kind)
        mean = (
            replace(posterior, rate=0.0)
            if isinstance(posterior, Dropout)
            else posterior.scaled(0.0)
        )
        return self._ask(mean, 1, seconds, record)

    def student(self, kind: str, settings: DistillSettings | None = None) -> Answers:
        """Distilled from the teacher's N samples, and compared with N = 32 of them."""
        posterior, teacher_s, _ = self._made(kind)
        settings = self._fitting(settings or self.distil)
        same_rank = settings.adapter.rank == self.adapter.rank
        fits = same_rank and isinstance(posterior, Gaussian | Dropout)
        settings = settle_start(settings, fits, self.data.readout)
        cache, known = self.student_trunk(settings.augment), self.data.train.labels
        labels = np.concatenate([known, np.full(len(cache) - len(known), NO_LABEL, dtype=np.int64)])
        started = time.perf_counter()
        own = CHOSEN[kind].samples
        teacher = self._build(
            posterior, own if isinstance(posterior, Members) else settings.samples or own
        )
        whole = cache

        def sample(index, samples=None, by_sample=False):
            return teacher.moments(whole.at(index), by_sample, samples=samples)

        index = teaching_cases(sample, labels, settings)
        cache = cache.at(index)
        targets = distillation_targets(sample, index, labels[index], settings)
        teacher.sampler.release()
        with tempfile.TemporaryDirectory() as work:
            start = (
                (list(posterior.adapters), posterior.head)
                if settings.start == "teacher"
                else ([], self.start)
            )
            frozen = self.data.readout == "choice"
            head = train_student(
                self.backbone, cache, targets, self.classes, settings, Path(work), start, frozen
            )
        seconds = time.perf_counter() - started
        student = OnePass(self.backbone, head, self.classes, settings.loss.spread)
        test, ood = (
            student.scores_cached(self.trunks[part]) if len(self.trunks[part]) else None
            for part in ("test", "ood")
        )
        # merged, the student is the bare backbone and this head: that is what is timed
        adapters.detach(self.backbone)
        student.surface = self.beginning[1]
        return Answers(test, ood, teacher_s + seconds, 1, self._ms(student), self._reference(kind))

    # --- how

    def _fitting(self, settings: DistillSettings) -> DistillSettings:
        """The same with this bench's places for adapters, seed and learning rate; rank and epochs
        are the student's own.
        """
        adapter = settings.adapter.model_copy(
            update={"layers": self.adapter.layers, "targets": self.adapter.targets}
        )
        loop = settings.loop.model_copy(
            update={"seed": self.seed, "learning_rate": self.learning_rate}
        )
        return settings.model_copy(update={"adapter": adapter, "loop": loop})

    def _job(self, settings: PointSettings) -> TeacherJob:
        data, trunks = self.data, self.trunks
        return TeacherJob(
            self.backbone,
            settings,
            self.classes,
            trunks["train"],
            data.train.labels,
            trunks["anchor"],
            data.anchor.labels,
            Path(self._work.name),
            start=self.start,
        )

    def _made(self, kind: str) -> tuple[Posterior, float, dict]:
        """The teacher, its training seconds with the point estimate where it starts from that, and
        its record.
        """
        if kind not in self.teachers:
            job, point_s = self.point
            started = time.perf_counter()
            fitted = fit_teacher(job, CHOSEN[kind])
            own = time.perf_counter() - started
            before = point_s if kind in ("tfb", "laplace", "ensemble") else 0.0
            self.teachers[kind] = (fitted.posterior, own + before, fitted.record)
        return self.teachers[kind]

    def _build(self, posterior: Posterior, samples: int) -> Teacher:
        return Teacher(self.backbone, posterior, self.adapter.scale, samples, self.seed)

    def _scores(self, posterior: Posterior, samples: int, part: str) -> Scores | None:
        if not len(self.trunks[part]):
            return None
        teacher = self._build(posterior, samples)
        scores = teacher.scores_cached(self.trunks[part])
        teacher.sampler.release()
        return scores

    def _reference(self, kind: str) -> tuple[Scores, Scores | None]:
        if kind not in self._references:
            posterior = self._made(kind)[0]
            samples = len(posterior.weight) if isinstance(posterior, Members) else REFERENCE
            self._references[kind] = (
                self._scores(posterior, samples, "test"),
                self._scores(posterior, samples, "ood"),
            )
        return self._references[kind]

    def _ask(
        self, posterior: Posterior, samples: int, train_s: float, record: dict | None = None
    ) -> Answers:
        test, ood = (self._scores(posterior, samples, part) for part in ("test", "ood"))
        if samples == 1:
            plain = OnePass(self.backbone, posterior.head, self.classes, "none", self.beginning[1])
            ms = self._ms(plain)
        else:
            teacher = self._build(posterior, samples)
            ms = self._ms(teacher)
            teacher.sampler.release()
        return Answers(test, ood, train_s, samples, ms, record=record or {})

    def _ms(self, model: OnePass | Teacher) -> float:
        """Milliseconds a case from text to answer: median of 3 rounds over the same texts."""
        texts = self.data.test.texts[:TIMED]
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            model.scores(texts, truncate=True)
            seconds.append(time.perf_counter() - started)
        return 1000 * statistics.median(seconds) / len(texts)


def certain(factors, head) -> Gaussian:
    """A point estimate as a posterior without spread: one sample is the model."""
    return Gaussian(tuple(factors), {a.name: torch.zeros_like(a.a) for a in factors}, head)


def only(p: np.ndarray) -> Scores:
    """Probabilities of a method without a spread: aleatoric is all of the total."""
    total = entr(p).sum(1)
    return Scores(p, total, total, np.zeros_like(total))
