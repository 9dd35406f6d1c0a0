"""The answers for one case: votes of N sampled models, or one model's prediction in one pass.

A vote is the label to which a sample gives the highest probability. The answer of the N together is
the mean of their PROBABILITIES, which need not be the label with most votes. Knows no model, no
store and no label names.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import NonFiniteError, SettingsError
from core.stats.bounds import wilson
from core.stats.checks import finite
from core.stats.uncertainty import decompose_uncertainty
from core.types import Interval

# Least number of votes: below it, even with all votes for one label, the lower Wilson bound of the
# agreement is below one half.
ENOUGH = 4


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one case.

    probabilities: [K] in the order of its labels. aleatoric, epistemic: nats.
    """

    probabilities: np.ndarray
    aleatoric: float
    epistemic: float

    @property
    def total(self) -> float:
        """Return the total uncertainty in nats."""
        return self.aleatoric + self.epistemic

    @property
    def best(self) -> int:
        """Return the index of the label that it answers."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """Return the probability of the label that it answers."""
        return float(self.probabilities[self.best])


@dataclass(frozen=True)
class Votes:
    """N votes for K labels.

    agreement: the share that votes for `leading`, with its Wilson interval over N draws.
    """

    choices: np.ndarray  # [N], index of the label that each votes for
    probability: np.ndarray  # [N], the probability that each gives to it
    counts: np.ndarray  # [K]
    # index of the label with most votes; of equal ones that with the greater mean probability
    leading: int
    together: Prediction  # of the mean of the N
    agreement: Interval

    @property
    def unanimous(self) -> bool:
        """Return whether all N votes are for one label."""
        return int(self.counts[self.leading]) == len(self.choices)


def checked_prediction(
    probabilities: npt.ArrayLike, aleatoric: float, epistemic: float
) -> Prediction:
    """Return a Prediction of probabilities [K] and uncertainties in nats, after checking them.

    Raises NonFiniteError for a value that is not finite, SettingsError for an uncertainty below 0.
    """
    p = finite(probabilities, "probability")
    for name, value in (("aleatoric", aleatoric), ("epistemic", epistemic)):
        if not np.isfinite(value):
            raise NonFiniteError("stats.uncertainty_not_finite", name=name, found=str(value))
        if value < 0:
            raise SettingsError("stats.uncertainty_negative", name=name, found=value)
    return Prediction(p, float(aleatoric), float(epistemic))


def count_votes(samples: npt.ArrayLike) -> Votes:
    """Return the votes of N samples, probabilities [N, K].

    Raises NonFiniteError, and SettingsError for another shape.
    """
    p = finite(samples, "probability")
    if p.ndim != 2 or 0 in p.shape:
        raise SettingsError("stats.no_votes", shape=str(p.shape))
    uncertainty, choices = decompose_uncertainty(p[:, None]), p.argmax(1)
    counts, mean = np.bincount(choices, minlength=p.shape[1]), uncertainty.mean[0]
    # lexsort sorts by its last key first: by votes, then by mean probability among equal votes.
    leading = int(np.lexsort((mean, counts))[-1])
    return Votes(
        choices,
        p.max(1),
        counts,
        leading,
        checked_prediction(mean, uncertainty.aleatoric[0], uncertainty.epistemic[0]),
        wilson(int(counts[leading]), len(p)),
    )
