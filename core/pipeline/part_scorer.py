"""Score one part of a run: the same code in this process and in each worker of a cluster.

A part's file is immutable and its name comes from the run's content: of two workers that score the
same part, one writes the file and the other finds it. Knows the models and parts' files, not the
store.
"""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from core.models.base.card import ModelCard
from core.pipeline.prepare import check_lengths, with_known_labels
from core.pipeline.shared_trunk import SharedTrunk
from core.settings import Settings
from core.store.parts import part_path, write_part

Engine = Literal["torch", "onnx"]
# Cases of a teacher's run whose single samples are stored for inspection. The limit bounds what a
# run adds to the store (1 MB for 10 samples of 12 labels, 26 MB for 32 of 100), where predictions
# grow with the cases.
SAMPLED_CASES = 2000


@dataclass(frozen=True)
class ScoringPlan:
    """The inputs that any process needs to score a part of a run; picklable.

    folder: the model's. cases: of the whole run. truncate, engine: as of core.pipeline.score.score.
    shared: other processes may score the same part, so that a part's file is never replaced.
    groups: of parts that are counted together, as of core.pipeline.group_intake.
    """

    settings: Settings
    folder: Path
    card: ModelCard
    run_id: str
    cases: int
    truncate: bool = False
    engine: Engine = "torch"
    shared: bool = False
    groups: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class ScoredPart:
    """A part's file, and what the store takes in with it.

    seconds: the model's time, 0 if the file was there. sampled_ids, samples [N, n, K]: cases whose
    samples are kept, and theirs; None for a model that answers in one pass.
    """

    part: int
    path: Path
    cases: int
    seconds: float
    device: str
    sampled_ids: tuple[str, ...] = ()
    samples: np.ndarray | None = None


class PartScorer:
    """Scores parts of one run; loads the model once, at the first part that needs it.

    trunk: shared with other models that score the same cases in this process, None is its own.
    """

    def __init__(self, plan: ScoringPlan, trunk: SharedTrunk | None = None):
        self.plan, self.trunk = plan, trunk
        self._is_warm = False

    @cached_property
    def device(self) -> Any:
        """The torch device of the model."""
        # torch and its family take seconds: not for a scoring that is done
        from core.models.base.device import pick_device

        return pick_device("cpu" if self.plan.engine == "onnx" else self.plan.settings.device)

    @cached_property
    def model(self) -> Any:
        """The loaded model, a core.models.scoring.scorers.OnePass or Teacher."""
        from core.models.scoring import checkpoint, onnx_engine

        plan = self.plan
        _, model = checkpoint.load(plan.folder, self.device, plan.card.samples)
        if plan.engine == "onnx":
            return onnx_engine.with_onnx(model, plan.card, plan.folder / onnx_engine.ONNX_FOLDER)
        if plan.settings.compile and plan.card.samples == 1:  # a teacher's hooks change by call
            model.backbone.compile_blocks()
        return model

    def check_lengths(self, cases: pd.DataFrame) -> None:
        """Raise CasesError for texts longer than the model reads, unless they are truncated."""
        if not self.plan.truncate:
            check_lengths(cases, self.model.backbone)

    def score_part(self, part: int, cases: pd.DataFrame, first: int) -> ScoredPart:
        """Score a part and write its file; a shared file that exists is not computed again.

        part: its number. cases: its cases. first: position of the first of them in the run.
        """
        plan, size = self.plan, len(cases)
        sampled = np.empty(0, dtype=int)
        if plan.card.kind == "teacher":
            sampled = kept_samples(plan.cases, first, size)
        path = part_path(plan.settings.store, plan.run_id, part)
        # A file holds no samples: a part whose samples are kept is computed again.
        if plan.shared and not len(sampled) and path.is_file():
            return ScoredPart(part, path, size, 0.0, str(self.device))
        # The model's spelling of the labels decides which answers are right.
        cases, _ = with_known_labels(cases, plan.card.labels)
        texts = cases["text"].tolist()
        if not self._is_warm:
            # The measured time is the steady one.
            self.model.scores(texts[:32], truncate=True)
            self._is_warm = True
        scores, samples, seconds = _timed_answers(self.model, texts, plan.truncate, self.trunk)
        rows = predictions(cases, scores, plan.card.labels)
        path = write_part(plan.settings.store, plan.run_id, part, rows, once=plan.shared)
        ids: tuple[str, ...] = ()
        if samples is not None:
            ids, samples = tuple(cases["case_id"].iloc[sampled]), samples[:, sampled]
        return ScoredPart(part, path, size, seconds, str(self.device), ids, samples)


def _timed_answers(model, texts: list[str], truncate: bool, trunk: SharedTrunk | None) -> tuple:
    """Return the model's Scores of the texts, each sample's probabilities [N, n, K], and seconds.

    The second value is None for a model that answers in one pass.
    """
    if trunk is not None:
        return trunk.timed_answers(model, texts, truncate)
    started, samples = time.perf_counter(), None
    if hasattr(model, "sampled_scores"):
        scores, samples = model.sampled_scores(texts, truncate)
    else:
        scores = model.scores(texts, truncate)
    return scores, samples, time.perf_counter() - started


def kept_samples(cases: int, start: int, size: int) -> np.ndarray:
    """Return the positions in the part [start, start + size) of the cases whose samples are kept.

    SAMPLED_CASES of all `cases`, evenly spread: files lie in the order of time, so the first cases
    would show the first weeks only.
    """
    positions = np.arange(min(cases, SAMPLED_CASES)) * cases // min(cases, SAMPLED_CASES)
    return positions[(positions >= start) & (positions < start + size)] - start


def predictions(cases: pd.DataFrame, scores, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of a part from its cases and their core.models.scoring.spread.Scores.

    labels: order of the probabilities. confidence is the most probable label's probability.
    """
    best = scores.probabilities.argmax(1)
    predicted = np.array(labels, dtype=object)[best]
    return pd.DataFrame(
        {
            "case_id": cases["case_id"].to_numpy(),
            "row": cases["row"].to_numpy(),
            "segment": cases["segment"].to_numpy(),
            "text": cases["text"].to_numpy(),
            "label": cases["label"].to_numpy(),
            "predicted": predicted,
            "outcome": outcomes(cases["label"], predicted, labels),
            "confidence": scores.probabilities[np.arange(len(best)), best],
            "total": scores.total,
            "aleatoric": scores.aleatoric,
            "epistemic": scores.epistemic,
            "probabilities": list(scores.probabilities.astype(np.float32)),
            "occurred_at": cases["occurred_at"].to_numpy(),
            "value": cases["value"].to_numpy(),
            "novelty": np.nan if scores.novelty is None else scores.novelty,
        }
    )


def outcomes(label: pd.Series, predicted: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
    """Return one of core.types.OUTCOMES for each case."""
    labelled = label.notna().to_numpy()
    trained_label = label.isin(labels).to_numpy()
    right = label.to_numpy() == predicted
    return np.select([~labelled, ~trained_label, right], ["unlabelled", "unseen", "right"], "wrong")
