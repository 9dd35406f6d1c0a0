"""The check of a distilled student: its accuracy and distributions against its teacher's.

Both answer the same cases. A student that learned nothing, or only one class, is rejected here
before any scoring with it. Knows probabilities, not models.
"""

from dataclasses import asdict, dataclass

import numpy as np

from core.models.base.settings import FidelityTolerance
from core.models.training.objective import NO_LABEL

_LEAST = 1e-12


@dataclass(frozen=True)
class Fidelity:
    """A student against its teacher.

    accuracy, teacher_accuracy: share right of the labelled cases, None without one. divergence:
    mean KL(teacher || student) in nats on all cases. of_mean: the same for the teacher's mean
    distribution, which ignores the case. cases, labelled: numbers of cases.
    """

    accuracy: float | None
    teacher_accuracy: float | None
    divergence: float
    of_mean: float
    cases: int
    labelled: int

    @property
    def explained(self) -> float:
        """Return the share of the teacher's case-by-case information that the student has.

        1 is all; below 0 is worse than none.
        """
        return 1 - self.divergence / self.of_mean if self.of_mean > _LEAST else 1.0

    def within(self, tolerance: FidelityTolerance) -> bool:
        """Return whether the student loses no more than the tolerance allows.

        A loss within two standard errors of the accuracy counts as chance and is allowed.
        """
        if not np.isfinite(self.divergence) or self.explained < tolerance.explained:
            return False
        if self.accuracy is None or self.teacher_accuracy is None:
            return True
        chance = 2 * np.sqrt(self.teacher_accuracy * (1 - self.teacher_accuracy) / self.labelled)
        return self.accuracy >= self.teacher_accuracy - tolerance.accuracy - chance

    def record(self) -> dict:
        """Return what a model's card stores of it."""
        return asdict(self) | {"explained": self.explained}


def measure_fidelity(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray) -> Fidelity:
    """Return the comparison of probabilities [n, K] on the same cases.

    labels: positions [n], or NO_LABEL.
    """
    labelled = labels != NO_LABEL
    logs = np.log(np.maximum(student, _LEAST))
    entropy_less = (teacher * np.log(np.maximum(teacher, _LEAST))).sum(1)
    mean = np.log(np.maximum(teacher.mean(0), _LEAST))

    def accuracy(p: np.ndarray) -> float | None:
        return float((p[labelled].argmax(1) == labels[labelled]).mean()) if labelled.any() else None

    return Fidelity(
        accuracy(student),
        accuracy(teacher),
        float((entropy_less - (teacher * logs).sum(1)).mean()),
        float((entropy_less - teacher @ mean).mean()),
        len(labels),
        int(labelled.sum()),
    )
