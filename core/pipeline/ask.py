"""Ask a teacher and its student about one typed text: every sample's answer, and the times.

The models run in the process that asks. torch releases the interpreter's lock while it computes, so
other sessions of a server continue; a child process would hold the same memory and would need to be
watched, killed and restarted. torch is not imported before the first question. One question is
answered at a time: a teacher's draws are set on its maps while it computes, and two questions at
once would also distort each other's times.
"""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.cases.prompts import letters_in
from core.errors import CasesError, ModelError
from core.models.base.card import ModelCard, read_card
from core.settings import Settings
from core.stats.votes import Prediction, checked_prediction

REPEATS = 5  # timed answers, after one warm-up
# characters: more than any model here reads, and refused before a tokenizer spends time on it
LONGEST = 20_000
# the values passed to `step`, in this order
ASK_STEPS = ("waiting", "libraries", "teacher", "student", "asking")


@dataclass(frozen=True)
class Time:
    """Milliseconds for one case alone: median, minimum and maximum of REPEATS answers."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Answer:
    """The answers of both models for a text, in the order of `labels`.

    samples: probabilities of the teacher's samples, [N, K].
    """

    text: str
    labels: tuple[str, ...]
    samples: np.ndarray
    student: Prediction
    teacher_time: Time
    student_time: Time
    device: str
    models: tuple[str, str]  # hashes of teacher and student


@dataclass(frozen=True)
class Pair:
    """The cards of a teacher and a student that answer with the same labels."""

    teacher: ModelCard
    student: ModelCard

    @property
    def hashes(self) -> tuple[str, str]:
        """Return the hashes of teacher and student."""
        return self.teacher.hash, self.student.hash


def model_pair(settings: Settings, teacher: str, student: str, samples: int | None = None) -> Pair:
    """Return the cards of the teacher and the student of these names, without importing torch.

    samples: overrides the teacher's N; None keeps it. Raises ModelError if a model is missing or of
    another kind, or if their labels differ.
    """
    cards = [read_card(settings.models / name) for name in (teacher, student)]
    for card, kind in zip(cards, ("teacher", "student"), strict=True):
        if card.kind != kind:
            raise ModelError("pipeline.other_kind", name=card.name, kind=card.kind, needed=kind)
    if cards[0].labels != cards[1].labels:
        raise ModelError("pipeline.pair_labels", teacher=teacher, student=student)
    return Pair(cards[0].model_copy(update={"samples": samples or cards[0].samples}), cards[1])


def checked_question(text: str, card: ModelCard) -> str:
    """Return `text` if it may be asked about.

    Raises CasesError for an empty, too long or unreadable text, and for a text without the options
    of a choice model.
    """
    if not text.strip():
        raise CasesError("pipeline.text_empty")
    if len(text) > LONGEST:
        raise CasesError("pipeline.text_too_long", n=len(text), limit=LONGEST)
    # A browser can send a lone surrogate, which no tokenizer encodes; the scan is skipped for
    # ASCII.
    if not text.isascii() and any(0xD800 <= ord(sign) <= 0xDFFF for sign in text):
        raise CasesError("pipeline.text_surrogate")
    if card.chooses and letters_in(text) != card.labels:
        raise CasesError("pipeline.text_options", labels=card.labels)
    return text


class Inspectors:
    """A teacher and its student in memory, loaded at the first question. Threads take turns."""

    def __init__(self, settings: Settings, models: Pair):
        self.settings, self.models = settings, models
        self._turn = threading.Lock()
        self._loaded: tuple | None = None

    @property
    def ready(self) -> bool:
        """Return whether both models are in memory."""
        return self._loaded is not None

    def ask(self, text: str, step: Callable[[str], None] = lambda _: None) -> Answer:
        """Return both models' answer for `text`; call `step` with each of ASK_STEPS as it begins.

        Raises CasesError for a text that cannot be asked about, NonFiniteError for an answer that
        is not finite, ModelError for models that do not load.
        """
        text = checked_question(text, self.models.teacher)
        # Reported before the lock, so that a page shows something while its question queues.
        step("waiting")
        with self._turn:
            if self._loaded is None:
                self._loaded = _load(self.settings, self.models, step)
            teacher, student, device = self._loaded
            step("asking")
            (_, samples), teacher_time = _timed(lambda: teacher.sampled_scores([text]))
            scores, student_time = _timed(lambda: student.scores([text]))
        prediction = checked_prediction(
            scores.probabilities[0], scores.aleatoric[0], scores.epistemic[0]
        )
        labels, hashes = self.models.teacher.labels, self.models.hashes
        return Answer(
            text,
            labels,
            samples[:, 0].astype(np.float64),
            prediction,
            teacher_time,
            student_time,
            device,
            hashes,
        )


def _load(settings: Settings, models: Pair, step: Callable[[str], None]) -> tuple:
    """Return (teacher, student, device)."""
    step("libraries")
    # torch and its family: 340 MB, and 7 s on two busy cores
    from core.models.base.device import pick_device
    from core.models.scoring import checkpoint

    device = pick_device(settings.device)
    step("teacher")
    _, teacher = checkpoint.load(
        settings.models / models.teacher.name, device, models.teacher.samples
    )
    step("student")
    _, student = checkpoint.load(settings.models / models.student.name, device)
    return teacher, student, str(device)


def _timed(answer: Callable) -> tuple:
    """Return (what `answer` returns, its Time), after one warm-up call that is not timed."""
    answer()
    took = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        answered = answer()
        took.append(1000 * (time.perf_counter() - started))
    return answered, Time(statistics.median(took), min(took), max(took))
