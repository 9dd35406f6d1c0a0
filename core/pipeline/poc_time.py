"""How long a proof of concept takes, estimated before it begins.

The unit is one text through one block of the base. How many of them a step costs comes from its
settings (epochs, samples, copies, adapted blocks); the seconds come from one build of the demo on
the two quiet cores of one machine, and another's pace scales them. Trains nothing.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from core.files import write_atomic
from core.models.base.settings import DistillSettings
from core.pipeline.train import TrainSettings

# Seconds of one text in one block of MiniLM (width 384): 8.3 ms for six blocks at 57 tokens, 1.75
# ms at 9 tokens.
TEXT_S, TOKEN_S, REFERENCE_WIDTH = 0.9e-4, 2.26e-5, 384
SPECIAL_TOKENS = 2  # added to each text
UNKNOWN_BASE = (12, 768)  # blocks and width of a base that is not on this machine yet
FIXED_S = 3.0  # loading and saving, each step
# The head's start by cross-validation, seconds a training case: without and for each label.
START_S, START_LABEL_S = 0.009, 0.0006
PROBE = 0.8  # of the cases teach the first of a teacher's two trainings


@dataclass(frozen=True)
class Recipe:
    """How the models are made, and what an adapted block costs, in passes through a plain one.

    name: "full" or "light". trained: an epoch's share, forward and back. sampled: one sample of the
    teacher.
    """

    name: str
    train: TrainSettings
    distill: DistillSettings
    trained: float
    sampled: float


@dataclass(frozen=True)
class Workload:
    """The texts of a proof of concept: numbers of cases and labels, and mean tokens of a text."""

    base: str  # a folder or a Hugging Face name
    labels: int
    train: int
    train_tokens: float
    held_out: int
    held_out_tokens: float


def estimated_seconds(recipe: Recipe, work: Workload) -> dict[str, float]:
    """Return the estimate of each step on the two cores of pace 1: step -> seconds."""
    blocks, width = _shape(Path(work.base))
    cut = recipe.train.point.adapter.cut(blocks)
    adapted, trunk = blocks - cut, cut
    samples = recipe.train.teacher.samples * recipe.sampled * adapted
    epoch = recipe.trained * adapted
    copies = 1 + recipe.distill.augment
    scale = (width / REFERENCE_WIDTH) ** 2
    text_s = scale * (TEXT_S + TOKEN_S * (work.train_tokens + SPECIAL_TOKENS))
    judged_s = scale * (TEXT_S + TOKEN_S * (work.held_out_tokens + SPECIAL_TOKENS))
    start_s = START_S + START_LABEL_S * work.labels
    learning = trunk + epoch * _epochs(recipe.train, work.train)
    # The trunk of the texts themselves is cached by then; that of their copies is not.
    student = (copies - 1) * trunk + copies * (samples + epoch * recipe.distill.loop.epochs)
    # One trunk for three models; the linear model runs whole where its cut is another one.
    scoring = trunk + 2 * adapted + samples + (1 if adapted == 1 else blocks)
    seconds = {
        "train": work.train * (learning * text_s + start_s),
        "distill": work.train * student * text_s,
        "score": work.held_out * scoring * judged_s,
    }
    return {name: s + FIXED_S for name, s in seconds.items()}


def kept_pace(folder: Path) -> float:
    """Return this machine's pace (`machine_pace`), measured once and kept in the folder.

    A proof of concept that resumes must plan what it planned before, so a busy moment may not
    change it. A file that cannot be read is made anew.
    """
    path = folder / "pace.json"
    try:
        pace = float(json.loads(path.read_text(encoding="utf-8"))["pace"])
    except (OSError, ValueError, TypeError, KeyError):
        pace = math.nan
    if not (math.isfinite(pace) and pace > 0):
        from core.models.base.pace import machine_pace  # loads torch

        pace = round(machine_pace(), 2)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps({"pace": pace}))
    return pace


def _epochs(settings: TrainSettings, cases: int) -> float:
    """Return the passes over the cases of all trainings: the point estimate's and a teacher's two."""
    teacher, point = settings.teacher, settings.point
    probe, whole = (teacher.loop(point, max(1, round(n))).epochs for n in (PROBE * cases, cases))
    return point.loop.epochs + PROBE * probe + whole


def _shape(base: Path) -> tuple[int, int]:
    """Return blocks and width of the model in a folder."""
    if not (base / "config.json").is_file():
        return UNKNOWN_BASE
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    return config["num_hidden_layers"], config["hidden_size"]
