"""Whether a distilled student may be used: its accuracy and its distributions against its
teacher's, on the same cases.

A student that fitted nothing, or one class, is found here before anyone scores with it. Knows
probabilities, not models.
"""

from dataclasses import asdict, dataclass

import numpy as np

from core.models.base.settings import FidelityTolerance
from core.models.training.objective import NO_LABEL

_LEAST = 1e-12


@dataclass(frozen=True)
class Fidelity:
    """A student against its teacher.

    accuracy: shares right among the labelled cases, None without one. divergence: mean KL(teacher
    || student) in nats on all cases; of_mean: the same of the teacher's mean distribution, which
    knows nothing of a case. cases, labelled: how many.
    """

    accuracy: float | None
    teacher_accuracy: float | None
    divergence: float
    of_mean: float
    cases: int
    labelled: int

    @property
    def explained(self) -> float:
        """Share of what the teacher knows of single cases that the student knows too: 1 is all,
        below 0 is worse than none.
        """
        return 1 - self.divergence / self.of_mean if self.of_mean > _LEAST else 1.0

    def within(self, tolerance: FidelityTolerance) -> bool:
        """Whether the student loses no more than the tolerance allows. A loss by chance, two
        standard errors, is allowed.
        """
        if not np.isfinite(self.divergence) or self.explained < tolerance.explained:
            return False
        if self.accuracy is None or self.teacher_accuracy is None:
            return True
        chance = 2 * np.sqrt(self.teacher_accuracy * (1 - self.teacher_accuracy) / self.labelled)
        return self.accuracy >= self.teacher_accuracy - tolerance.accuracy - chance

    def record(self) -> dict:
        """What a model's card keeps of it."""
        return asdict(self) | {"explained": self.explained}


def measure_fidelity(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray) -> Fidelity:
    """Compare probabilities [n, K] of the same cases; labels [n] are positions, or NO_LABEL."""
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
