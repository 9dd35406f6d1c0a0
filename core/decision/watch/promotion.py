"""The test by which a newly distilled model replaces the old one, on cases that taught neither.

Models know different labels, so their losses are compared in the open world: a model gives its own
labels the share 1 - u of the probability and spreads u over all other labels, where
u = sigmoid(a + b logit(confidence)), and its probabilities are at temperature T. T, a and b are
fitted on cases that did not train it. The new model must beat the old one and the cheapest rival,
the old one with T, a and b fitted anew on recent verdicts: no training, no new model. Pure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, softmax

from core.errors import ShapeError
from core.stats.calibration import ece
from core.types import Interval

INFERIORITY = 0.03  # of accuracy on the old set; a greater loss refuses the new model
UNKNOWN_LABEL = -1  # position of a label that the model does not know
_TINY = 1e-9


@dataclass(frozen=True)
class OpenScaling:
    """The map from a model's probabilities [n, K] to open-world ones over `labels` labels."""

    temperature: float
    intercept: float
    slope: float
    labels: int  # of all models together

    def log_loss(self, p: ArrayLike, position: ArrayLike) -> NDArray[np.float64]:
        """Return -log q[label] of each case, nats, [n]; position: UNKNOWN_LABEL for another label."""
        scaled, unknown = self._parts(p)
        place = np.asarray(position)
        is_known = place != UNKNOWN_LABEL
        own_share = scaled[np.arange(len(place)), np.where(is_known, place, 0)]
        others = max(1, self.labels - scaled.shape[1])
        q = np.where(is_known, (1 - unknown) * own_share, unknown / others)
        return -np.log(np.maximum(q, _TINY))

    def confidence(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the open-world probability of each case's answer, [n]."""
        scaled, unknown = self._parts(p)
        return (1 - unknown) * scaled.max(1)

    def _parts(self, p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        clipped = np.clip(np.asarray(p, dtype=np.float64), _TINY, 1)
        best = np.clip(clipped.max(1), _TINY, 1 - _TINY)
        unknown = expit(self.intercept + self.slope * logit(best))
        return softmax(np.log(clipped) / self.temperature, axis=1), unknown


@dataclass(frozen=True)
class PromotionVerdict:
    """The judgement of a new model. Differences are new less other; below 0 the new one is better.

    against_old, against_recalibrated: nats a case, with 95% intervals over days. old_accuracy: new
    less old on the old set. unseen: share of judging cases whose label the old and the new model do
    not know. ece: of the old, the recalibrated and the new model in the open world.
    """

    cases: int
    against_old: Interval
    against_recalibrated: Interval
    old_accuracy: Interval
    unseen: tuple[float, float]
    ece: tuple[float, float, float]

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """The failed checks of a promotion: old, recalibrated, inferior; () promotes."""
        checks = {
            "old": self.against_old.high is not None and self.against_old.high < 0,
            "recalibrated": self.against_recalibrated.high is not None
            and self.against_recalibrated.high < 0,
            "inferior": self.old_accuracy.low is not None and self.old_accuracy.low >= -INFERIORITY,
        }
        return tuple(name for name, passed in checks.items() if not passed)


@dataclass(frozen=True)
class Redistillation:
    """The outcome of distilling again."""

    name: str  # of the new models, NAME-rN
    model: str  # the new student
    teaching: int  # verdict cases that taught
    opened: tuple[str, ...]  # labels that the old model did not know
    verdict: PromotionVerdict
    seconds: float  # of training and distilling, on this machine
    saving: float  # money a case, against recalibration alone, on the judging cases
    promoted: bool


def fit_open_scaling(p: ArrayLike, position: ArrayLike, labels: int) -> OpenScaling:
    """Return the scaling that minimises the open-world loss of n cases.

    p: [n, K]. position: of the label, UNKNOWN_LABEL for one that the model does not know, [n].
    labels: of all models together, at least K.
    """
    from scipy.optimize import minimize  # takes 150 ms to import

    if len(np.asarray(p)) != len(np.asarray(position)) or not len(np.asarray(p)):
        raise ShapeError("watch.shape", shape=str(np.shape(p)), steps=len(np.asarray(position)))

    def loss(x: NDArray[np.float64]) -> float:
        scaling = OpenScaling(float(np.exp(x[0])), float(x[1]), float(x[2]), labels)
        # A weak pull to the start: a few faultless cases would send T to 0 and u to 0.
        pull = 0.5 * float((np.array([x[0], x[1] + 1, x[2] + 1]) ** 2).sum()) / 4
        return float(scaling.log_loss(p, position).mean()) + pull / len(np.asarray(position))

    fitted = minimize(loss, np.array([0.0, -1.0, -1.0]), method="Nelder-Mead").x
    return OpenScaling(float(np.exp(fitted[0])), float(fitted[1]), float(fitted[2]), labels)


def open_world_ece(scaling: OpenScaling, p: ArrayLike, position: ArrayLike) -> float:
    """Return the calibration error of a model's open-world confidence."""
    answer = np.asarray(p).argmax(1)
    return float(ece(scaling.confidence(p), answer == np.asarray(position)) or 0.0)
