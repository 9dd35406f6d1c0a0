"""Free rivals that read a base's pooled states alone: LR, the same at one temperature, kNN.

The temperature fits held-out folds of the training cases; k answers each training case by the
others. Their novelty scores are the rivals of ours. Knows arrays; does not know torch or texts.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr
from sklearn.covariance import ledoit_wolf

from core.pipeline.rivals import LinearModel, unit_states
from core.stats.calibration import nll
from core.stats.temperature import at_temperature

NEIGHBOUR_COUNTS = (5, 10, 20, 40)
NOVELTY_NEIGHBOURS = 10


@dataclass(frozen=True)
class Neighbours:
    """kNN by cosine: (votes + 1 / K) / (k + 1), k chosen by leaving one out."""

    directions: np.ndarray  # [n, d], of norm 1
    labels: np.ndarray
    classes: int
    k: int

    def probabilities(self, states: np.ndarray) -> np.ndarray:
        """Return probabilities [n, K] of states [n, d]."""
        nearest = nearest_cases(self.directions, unit_states(states), self.k)[0]
        return _vote_shares(self.labels[nearest], self.classes)


def fit_neighbours(states: np.ndarray, labels: np.ndarray, classes: int) -> Neighbours:
    """Return a kNN classifier of the states [n, d].

    k has the lowest NLL of the training cases, each answered by the others.
    """
    directions = unit_states(states)
    most = min(max(NEIGHBOUR_COUNTS), len(labels) - 1)
    # The nearest case to a training case is itself, in column 0, which is left out.
    nearest = labels[nearest_cases(directions, directions, most + 1)[0][:, 1:]]
    sizes = [k for k in NEIGHBOUR_COUNTS if k <= most] or [most]
    losses = [nll(_vote_shares(nearest[:, :k], classes), labels) for k in sizes]
    return Neighbours(directions, labels, classes, sizes[int(np.argmin(losses))])


def nearest_cases(
    directions: np.ndarray, queries: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and cosines [n, k] of the k nearest rows to each query, nearest first.

    directions [m, d] and queries [n, d]: of norm 1.
    """
    k = min(k, len(directions))
    positions, cosines = [], []
    # Blocks of queries bound the memory of the cosines.
    for start in range(0, len(queries), 1000):
        similar = queries[start : start + 1000] @ directions.T
        best = np.argpartition(-similar, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(similar, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        positions.append(np.take_along_axis(best, order, axis=1))
        cosines.append(np.take_along_axis(values, order, axis=1))
    return np.concatenate(positions), np.concatenate(cosines)


def _vote_shares(votes: np.ndarray, classes: int) -> np.ndarray:
    # One case's worth of even prior keeps a probability of 0, and an infinite NLL, away.
    counts = (votes[..., None] == np.arange(classes)).sum(1)
    return (counts + 1 / classes) / (votes.shape[1] + 1)


@dataclass(frozen=True)
class EmbeddingRivals:
    """The rivals from the pooled states of the training cases: LR, temperature, kNN, distances."""

    linear: LinearModel
    temperature: float
    neighbours: Neighbours
    means: np.ndarray  # [K, d], of each class's states
    precision: np.ndarray  # [d, d], inverse of the shrunk covariance within classes

    def answers(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """Return the probabilities [n, K] of each rival for states [n, d], by name."""
        plain = self.linear.probabilities(states)
        return {
            "embedding-lr": plain,
            "embedding-lr-temperature": at_temperature(plain, self.temperature),
            "embedding-knn": self.neighbours.probabilities(states),
        }

    def novelty(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """Return scores [n] of states [n, d] by name, larger for a case unlike the training cases.

        knn: mean cosine distance to the NOVELTY_NEIGHBOURS nearest training cases. mahalanobis: to
        the nearest class's mean, squared (Lee et al. 2018, arXiv 1807.03888, eq. 2).
        """
        p = self.linear.probabilities(states)
        queries = unit_states(states)
        _, cosines = nearest_cases(self.neighbours.directions, queries, NOVELTY_NEIGHBOURS)
        gaps = states[:, None] - self.means  # [n, K, d]
        squares = np.einsum("nkd,de,nke->nk", gaps, self.precision, gaps, optimize=True)
        return {
            "confidence": 1 - p.max(1),
            "entropy": entr(p).sum(1),
            "knn": 1 - cosines.mean(1),
            "mahalanobis": squares.min(1),
        }


def fit_embedding_rivals(
    states: np.ndarray, labels: np.ndarray, classes: int, linear: LinearModel
) -> EmbeddingRivals:
    """Return every rival that reads pooled states [n, d] alone, including their LR `linear`.

    labels: positions [n] among `classes`.
    """
    present = np.unique(labels)
    means = np.stack([states[labels == k].mean(0) for k in present])
    within = states - means[np.searchsorted(present, labels)]
    covariance, _ = ledoit_wolf(within, assume_centered=True)
    return EmbeddingRivals(
        linear,
        linear.temperature(labels),
        fit_neighbours(states, labels, classes),
        means,
        # The covariance is shrunk, yet with fewer cases than dimensions it can be singular to
        # rounding.
        np.linalg.pinv(covariance, hermitian=True),
    )
