"""What N sampled models, and one model in one pass, say of one case: N votes and their count, or
one opinion.

A vote is the label that a sample gives most probability to. The answer of the N together is the
mean of their PROBABILITIES, which need not be the label with most votes. Knows no model, no store
and no name of a label.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import NonFiniteError, SettingsError
from core.stats.bounds import wilson
from core.stats.checks import finite
from core.stats.uncertainty import decompose_uncertainty
from core.types import Interval

# votes; with fewer, all for one label, Wilson's interval still has less than half of all inspectors
# for it
ENOUGH = 4


@dataclass(frozen=True)
class Prediction:
    """What a model says of one case: probabilities [K] in the order of its labels; aleatoric and
    epistemic in nats.
    """

    probabilities: np.ndarray
    aleatoric: float
    epistemic: float

    @property
    def total(self) -> float:
        return self.aleatoric + self.epistemic

    @property
    def best(self) -> int:
        """Index of the label that it answers."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        return float(self.probabilities[self.best])


@dataclass(frozen=True)
class Votes:
    """N votes for K labels. `agreement`: the share that votes for `leading`, with its Wilson
    interval over N draws.
    """

    choices: np.ndarray  # [N], index of the label that each votes for
    sureness: np.ndarray  # [N], the probability that each gives to it
    counts: np.ndarray  # [K]
    # index of the label with most votes; of equal ones that with the greater mean probability
    leading: int
    together: Prediction  # of the mean of the N
    agreement: Interval

    @property
    def unanimous(self) -> bool:
        return int(self.counts[self.leading]) == len(self.choices)


def checked_prediction(probabilities, aleatoric: float, epistemic: float) -> Prediction:
    """Return a checked Prediction: raises NonFiniteError for a value that is not finite,
    SettingsError for one below 0.
    """
    p = finite(probabilities, "probability")
    for name, value in (("aleatoric", aleatoric), ("epistemic", epistemic)):
        if not np.isfinite(value):
            raise NonFiniteError("stats.uncertainty_not_finite", name=name, found=str(value))
        if value < 0:
            raise SettingsError("stats.uncertainty_negative", name=name, found=value)
    return Prediction(p, float(aleatoric), float(epistemic))


def count_votes(samples) -> Votes:
    """Probabilities of N samples [N, K] -> their votes. Raises NonFiniteError, and SettingsError
    for another shape.
    """
    p = finite(samples, "probability")
    if p.ndim != 2 or 0 in p.shape:
        raise SettingsError("stats.no_votes", shape=str(p.shape))
    uncertainty, choices = decompose_uncertainty(p[:, None]), p.argmax(1)
    counts, mean = np.bincount(choices, minlength=p.shape[1]), uncertainty.mean[0]
    leading = int(np.lexsort((mean, counts))[-1])
    return Votes(
        choices,
        p.max(1),
        counts,
        leading,
        checked_prediction(mean, uncertainty.aleatoric[0], uncertainty.epistemic[0]),
        wilson(int(counts[leading]), len(p)),
    )
