"""The verdict between a model and a plain rival: paired differences on the same cases.

Knows probabilities and labels; knows no model and no store.
"""

from dataclasses import dataclass

import numpy as np

from core.messages import sentence
from core.stats.selective import bootstrap_interval
from core.types import Interval

EMBEDDING = "embedding + LR"  # the rival that `train --teacher none` makes


@dataclass(frozen=True)
class PairedVerdict:
    """A model less a rival on the same n cases, each difference with its paired bootstrap interval.

    winner: "rival" or "model" where the interval of the NLL excludes 0 on that side, else
    "neither".
    """

    model: str
    rival: str
    nll: Interval  # nats a case; above 0 where the rival is better
    accuracy: Interval
    winner: str

    def sentence(self, language: str) -> str:
        """Return which one wins and by how much, in a language ("en", "ja").

        A win of the rival on embeddings adds how to ship it.
        """
        sign = -1 if self.winner == "model" else 1  # the winner's gain
        nll, *limits = self.nll.estimate
        ends = sorted(sign * end for end in limits)
        gain = -sign if self.winner != "neither" else 1
        words = "_words" if self.winner == "rival" and self.rival != EMBEDDING else ""
        return sentence(
            language,
            f"stats.verdict_{self.winner}{words}",
            n=self.nll.n,
            model=self.model,
            rival=self.rival,
            nll=f"{sign * nll:.3f}",
            low=f"{ends[0]:.3f}",
            high=f"{ends[1]:.3f}",
            accuracy=f"{100 * gain * self.accuracy.estimate[0]:+.1f}",
        )


def judge_pair(
    model: str, ours: np.ndarray, rival: str, theirs: np.ndarray, labels: np.ndarray, seed: int = 0
) -> PairedVerdict:
    """Return the verdict on probabilities of a model and a rival, [n, K] each, and labels [n].

    model, rival: names in the sentence. ours, theirs: their probabilities on the same cases in the
    same order. labels: positions. seed: of the bootstrap, which draws cases in pairs, 500 times.
    Without a case the intervals are empty.
    """
    cases = np.arange(len(labels))
    # 1e-300, so that one probability of 0 does not make the mean infinite.
    losses = -np.log(np.maximum([p[cases, labels] for p in (ours, theirs)], 1e-300))
    hits = np.array([p.argmax(1) == labels for p in (ours, theirs)], dtype=float)
    # The difference of one case's two losses is resampled, not each loss: what makes a case hard
    # for both cancels, and the interval is narrower.
    gap = _mean_interval(losses[0] - losses[1], seed)
    winner = "neither"
    if gap.low is not None and gap.low > 0:
        winner = "rival"
    elif gap.high is not None and gap.high < 0:
        winner = "model"
    return PairedVerdict(model, rival, gap, _mean_interval(hits[0] - hits[1], seed), winner)


def _mean_interval(gaps: np.ndarray, seed: int) -> Interval:
    if not len(gaps):
        return Interval(None, None, None, 0)
    return bootstrap_interval(lambda g: float(g.mean()), [gaps], seed)
