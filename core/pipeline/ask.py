"""Ask a teacher and its student about one text that somebody types: every sample's answer, the
student's, and what each took.

In the asking process, not in one of its own: torch lets go of the interpreter's lock while it
computes, so other sessions of a server go on; a child would hold the same memory, and would have to
be watched, killed and started again. Nothing of torch is imported before the first question, and
one question is answered at a time: a teacher's draws stand in its maps while it computes, and two
at once would also spoil each other's times.
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

REPEATS = 5  # answers that are timed, after one that is not
# characters: more than any model here reads, and refused before a tokenizer spends time on it
LONGEST = 20_000
# what `step` is called with, in this order
STEPS = ("waiting", "libraries", "teacher", "student", "asking")


@dataclass(frozen=True)
class Time:
    """Milliseconds that one case takes alone: the median of REPEATS, and the least and the most of
    them.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Answer:
    """What both say of a text: samples [N, K] and the student's opinion, in the order of `labels`."""

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
        return self.teacher.hash, self.student.hash


def model_pair(settings: Settings, teacher: str, student: str, samples: int | None = None) -> Pair:
    """Read the cards of the models of these names, without torch. `samples` overrides the teacher's
    N.

    Raises ModelError where one is missing, is of another kind, or their labels differ.
    """
    cards = [read_card(settings.models / name) for name in (teacher, student)]
    for card, kind in zip(cards, ("teacher", "student"), strict=True):
        if card.kind != kind:
            raise ModelError("pipeline.other_kind", name=card.name, kind=card.kind, needed=kind)
    if cards[0].labels != cards[1].labels:
        raise ModelError("pipeline.pair_labels", teacher=teacher, student=student)
    return Pair(cards[0].model_copy(update={"samples": samples or cards[0].samples}), cards[1])


def checked_question(text: str, card: ModelCard) -> str:
    """Return the text that may be asked about. Raises CasesError for an empty, too long or
    unreadable one.
    """
    if not text.strip():
        raise CasesError("pipeline.text_empty")
    if len(text) > LONGEST:
        raise CasesError("pipeline.text_too_long", n=len(text), limit=LONGEST)
    if not text.isascii() and any(0xD800 <= ord(sign) <= 0xDFFF for sign in text):
        raise CasesError("pipeline.text_surrogate")
    if card.chooses and letters_in(text) != card.labels:
        raise CasesError("pipeline.text_options", labels=card.labels)
    return text


class Inspectors:
    """A teacher and its student in memory, loaded at the first question. Threads take turns."""

    def __init__(self, settings: Settings, models: Pair):
        self.settings, self.models = settings, models
        self._turn, self._loaded = threading.Lock(), None

    @property
    def ready(self) -> bool:
        """Whether they are in memory already."""
        return self._loaded is not None

    def ask(self, text: str, step: Callable[[str], None] = lambda _: None) -> Answer:
        """Answer; `step` is told what is done next, of STEPS.

        Raises CasesError for a text that cannot be asked about, NonFiniteError for an answer that
        is not finite, ModelError for models that do not load.
        """
        text = checked_question(text, self.models.teacher)
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
    """(teacher, student, device)."""
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
    """(what it answers, Time), warmed up by an answer that is not timed."""
    answer()
    took = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        answered = answer()
        took.append(1000 * (time.perf_counter() - started))
    return answered, Time(statistics.median(took), min(took), max(took))
