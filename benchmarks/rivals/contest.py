"""Every method of the benchmark on one set and seed: our models by the command line, rivals here.

Our models are what `python -m core train` and `distill` make with their defaults, so the figures
are about what a user gets. Costs are processor seconds: other load on the machine adds little.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.rivals.answers import Answers
from benchmarks.rivals.names import OURS, POINT
from benchmarks.rivals.states import EmbeddingRivals, fit_embedding_rivals
from benchmarks.sets import BenchmarkSet
from core.cli import main
from core.errors import ModelError
from core.models.base.card import read_card
from core.models.base.frozen import load_frozen, pooled_states
from core.models.base.settings import PointSettings
from core.models.scoring import checkpoint
from core.models.scoring.spread import Scores
from core.models.training import build
from core.pipeline.rivals import (
    fit_embedding_lr,
    fit_words,
    make_folds,
)
from core.stats.temperature import at_temperature, fit_temperature

SMOOTHING = 0.1
REFERENCE = 32  # samples of the teacher that the student's spread is held against
FIDELITY_CASES = 200  # test and OOD texts at most, each, on which it is: 32 samples are dear
TIMED = 128  # texts of a measurement of speed
ROUNDS = 5
CPU = torch.device("cpu")


@dataclass
class Contest:
    """One set and seed. train_options, distill_options: more arguments of the command line."""

    data: BenchmarkSet
    seed: int
    train_options: Sequence[str] = ()
    distill_options: Sequence[str] = ()

    def __post_init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="kakushin-rivals-"))

    def close(self) -> None:
        """Delete the models."""
        shutil.rmtree(self.home, ignore_errors=True)

    def run_group(self, group: str) -> list[Answers]:
        """Return the answers of all methods of one of GROUPS."""
        return {
            "free": self.free_rivals,
            "linear": self.linear_model,
            "ours": self.our_models,
            "point": self.point_rivals,
        }[group]()

    # --- free rivals ------------------------------------------------------------------------------

    @cached_property
    def backbone(self):
        """The frozen base."""
        return load_frozen(self.data.base, CPU, self.data.readout)

    @cached_property
    def states(self) -> tuple[dict[str, np.ndarray], float]:
        """Pooled states of train, test and ood texts, and the processor seconds of train's."""
        started = time.process_time()
        train = pooled_states(self.backbone, self.data.train.texts, truncate=True)
        seconds = time.process_time() - started
        parts = {"test": self.data.test.texts, "ood": self.data.ood}
        others = {name: pooled_states(self.backbone, t, truncate=True) for name, t in parts.items()}
        return {"train": train} | others, seconds

    @cached_property
    def embedding(self) -> tuple[EmbeddingRivals, float]:
        """The rivals that read states alone, and the processor seconds of the LR alone."""
        states, labels = self.states[0]["train"], self.data.train.labels
        classes = len(self.data.labels)
        started = time.process_time()
        linear = fit_embedding_lr(states, labels, classes, self._folds)
        seconds = time.process_time() - started
        return fit_embedding_rivals(states, labels, classes, linear), seconds

    @property
    def _folds(self):
        return make_folds(self.data.train.labels, self.data.dated, self.seed)

    def free_rivals(self) -> list[Answers]:
        """Return the answers of FREE."""
        states, seconds = self.states
        fitted, own = self.embedding
        novelty = {part: fitted.novelty(states[part]) for part in ("test", "ood")}
        scores = {name: (novelty["test"][name], novelty["ood"][name]) for name in novelty["test"]}
        test, ood = (fitted.answers(states[part]) for part in ("test", "ood"))
        record = {"train_s": seconds + own}
        rivals = [self._answers(n, test[n], ood[n], record, scores) for n in test]
        labels, classes = self.data.train.labels, len(self.data.labels)
        for name, beside in (("tfidf-lr", None), ("both-lr", states)):
            started = time.process_time()
            train = None if beside is None else beside["train"]
            words = fit_words(self.data.train.texts, labels, classes, self._folds, train)
            cost = time.process_time() - started + (0.0 if beside is None else seconds)
            answers = [
                words.probabilities(texts, None if beside is None else beside[part])
                for part, texts in (("test", self.data.test.texts), ("ood", self.data.ood))
            ]
            rivals.append(self._answers(name, *answers, {"train_s": cost}))
        return rivals

    # --- our models -------------------------------------------------------------------------------

    def our_models(self) -> list[Answers]:
        """Train and distil by the command line; return the answers of OURS."""
        costs = self._made
        answers = []
        for kind in OURS:
            folder = self.home / "models" / f"bench-{kind}"
            card, model = checkpoint.load(folder, CPU)
            if card.labels != self.data.labels:
                raise ModelError(
                    f"{card.name} has labels {card.labels}, the set {self.data.labels}"
                )
            test, ood = (model.scores(texts, truncate=True) for texts in self._texts)
            record = {"train_s": costs[kind], "held_out": card.metrics.get("held_out")}
            if test.novelty is not None:
                record["novelty_median"] = float(np.median(test.novelty))
            if kind == "student":
                record |= {"fallback": card.metrics.get("fallback")}
                record |= self._fidelity(test, ood) | self._speed(model)
            answers.append(self._ours(kind, test, ood, record))
        return answers

    def linear_model(self) -> list[Answers]:
        """Return the answers of NAME-linear, which `train --teacher none` makes."""
        with _home(self.home):
            seconds = _run([*self._train_arguments, "--teacher", "none"])
        _, model = checkpoint.load(self.home / "models" / "bench-linear", CPU)
        test, ood = (model.scores(texts, truncate=True) for texts in self._texts)
        record = {"train_s": seconds, "novelty_median": float(np.median(test.novelty))}
        return [self._ours("linear", test, ood, record)]

    @cached_property
    def _made(self) -> dict[str, float]:
        """Run `train` and `distill`; the processor seconds up to each model."""
        with _home(self.home):
            trained = _run([*self._train_arguments, *self.train_options])
            seed = ["--seed", str(self.seed)]
            distilled = _run(["distill", "bench", *seed, *self.distill_options])
        return {"point": trained, "teacher": trained, "student": trained + distilled}

    @cached_property
    def _train_arguments(self) -> list[str]:
        """Write the training cases; return the arguments of `train` that every model has."""
        cases = self.home / "cases.csv"
        frame = pd.DataFrame(
            {
                "text": self.data.train.texts,
                "label": [self.data.labels[i] for i in self.data.train.labels],
            }
        )
        if self.data.dated:  # the order of time, a day a case: what the files' own dates say
            days = pd.date_range("2000-01-01", periods=len(frame), freq="D")
            frame["date"] = days.strftime("%Y-%m-%d")
        frame.to_csv(cases, index=False)
        source = ["--base", self.data.base, "--readout", self.data.readout, "--truncate"]
        seed = ["--seed", str(self.seed)]
        columns = ["--text-column", "text", "--label-column", "label"]
        return ["train", str(cases), "--name", "bench", *columns, *source, *seed]

    def _fidelity(self, test: Scores, ood: Scores) -> dict:
        """Rank correlation of the student's mutual information with its teacher's many samples."""
        from scipy.stats import spearmanr

        folder = self.home / "models" / "bench-teacher"
        settings = read_card(folder).settings["teacher"]
        samples = None if settings["kind"] == "ensemble" else REFERENCE
        _, teacher = checkpoint.load(folder, CPU, samples)
        ranks = {}
        for name, own, texts in zip(
            ("mi_spearman", "mi_spearman_ood"), (test, ood), self._texts, strict=True
        ):
            # Evenly over the texts, whatever their order.
            index = np.unique(np.linspace(0, len(texts) - 1, FIDELITY_CASES).round().astype(int))
            reference = teacher.scores([texts[i] for i in index], truncate=True).epistemic
            mine = own.epistemic[index]
            varied = np.ptp(mine) > 0 and np.ptp(reference) > 0
            ranks[name] = float(spearmanr(mine, reference).statistic) if varied else None
        return ranks

    def _speed(self, student) -> dict[str, float]:
        """Processor ms a case of the student and of embedding + LR, and the least of each round."""
        texts = (self.data.test.texts * (1 + TIMED // len(self.data.test.texts)))[:TIMED]
        linear = self.embedding[0].linear
        ways: dict[str, Callable] = {
            "student": lambda: student.scores(texts, truncate=True),
            "embedding-lr": lambda: linear.probabilities(
                pooled_states(self.backbone, texts, truncate=True)
            ),
        }
        seconds = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, run in ways.items():
                started = time.process_time()
                run()
                seconds[name].append(time.process_time() - started)
        ms = {name: 1000 * min(values) / TIMED for name, values in seconds.items()}
        return {"ms_per_case": ms["student"], "embedding_ms_per_case": ms["embedding-lr"]}

    # --- rivals that train the point estimate again -----------------------------------------------

    def point_rivals(self) -> list[Answers]:
        """Return the answers of POINT, on the settings of the point estimate that `train` made.

        The temperature comes from a point estimate of four fifths of the labels and the last fifth;
        it scales the point estimate of all labels, which `train` made.
        """
        seconds = self._made["point"]
        card = read_card(self.home / "models" / "bench-point")
        settings = PointSettings.model_validate(card.settings | {"base": self.data.base})
        train, dated = self.data.train, self.data.dated
        everything = build.Texts(train.texts, train.labels, ordered=dated)
        cut = len(everything.texts) - len(everything.texts) // 5
        order = np.arange(len(everything.texts))
        if not dated:
            order = np.random.default_rng(self.seed).permutation(order)
        part, cost = self._point("part", everything.at(order[:cut]), settings)
        held_out = everything.at(order[cut:])
        fitted = fit_temperature(
            part.scores(held_out.texts, truncate=True).probabilities, held_out.labels
        )
        _, whole = checkpoint.load(self.home / "models" / "bench-point", CPU)
        plain = [whole.scores(texts, truncate=True).probabilities for texts in self._texts]
        temperature = fitted.value.value
        record = {"train_s": seconds + cost, "temperature": temperature}
        cooled = self._answers(POINT[0], *(at_temperature(p, temperature) for p in plain), record)
        smooth = settings.model_copy(update={"label_smoothing": SMOOTHING})
        model, own = self._point("smooth", everything, smooth)
        answers = [model.scores(texts, truncate=True).probabilities for texts in self._texts]
        return [cooled, self._answers(POINT[1], *answers, {"train_s": own})]

    def _point(self, name: str, cases: build.Texts, settings: PointSettings):
        """A point estimate of these cases, and its processor seconds."""
        started = time.process_time()
        with tempfile.TemporaryDirectory() as work:
            place = build.Place(CPU, Path(work))
            trained = build.fit_point(cases, name, self.data.labels, settings, place)
        folder = self.home / "models" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(folder, trained.card, trained.weights)
        seconds = time.process_time() - started
        return checkpoint.load(folder, CPU)[1], seconds

    # --- answers ----------------------------------------------------------------------------------

    @property
    def _texts(self) -> tuple[list[str], list[str]]:
        return self.data.test.texts, self.data.ood

    def _ours(self, method: str, test: Scores, ood: Scores, record: dict) -> Answers:
        """Scores of ours; a model that has a novelty of its own is judged by that."""
        names = [n for n in ("total", "epistemic", "novelty") if getattr(test, n, None) is not None]
        scores = {name: (getattr(test, name), getattr(ood, name)) for name in names}
        return self._answers(method, test.probabilities, ood.probabilities, record, scores)

    def _answers(self, method: str, test, ood, record: dict, scores: dict | None = None) -> Answers:
        if scores is None:
            scores = {"confidence": (1 - test.max(1), 1 - ood.max(1))}
        labels, note = self.data.test.labels, self.data.note
        record = record | {"note": note, "train_texts": len(self.data.train.texts)}
        return Answers(self.data.name, self.seed, method, test, ood, labels, scores, record)


def _run(arguments: list[str]) -> float:
    """Run a verb of the command line; its processor seconds. Raises ModelError where it fails."""
    started = time.process_time()
    if code := main(arguments):
        raise ModelError(f"`python -m core {' '.join(arguments)}` ended with exit code {code}")
    return time.process_time() - started


@contextmanager
def _home(folder: Path):
    """KAKUSHIN_HOME is `folder` within."""
    before = os.environ.get("KAKUSHIN_HOME")
    os.environ["KAKUSHIN_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["KAKUSHIN_HOME"]
        else:
            os.environ["KAKUSHIN_HOME"] = before
