"""Plain rivals of our models, in scikit-learn: the results without training a language model.

- embedding + LR: logistic regression on the frozen base's pooled states (core.models.base.frozen);
- the same at one temperature; kNN on the same states;
- TF-IDF + LR on n-grams of words and characters; LR on states and n-grams together.
Every penalty, temperature and k is chosen on held-out folds of the training cases; then the model
is fitted on all of them. Knows texts and arrays; does not know torch, files or the store.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.special import entr, softmax
from sklearn.covariance import ledoit_wolf
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import FeatureUnion, make_union
from threadpoolctl import threadpool_limits

from core.errors import CasesError
from core.stats.calibration import nll
from core.stats.temperature import at_temperature, fit_temperature

RIVAL_FOLDS = 4
ONE_SPLIT_FROM = 5000  # training cases from which on one held-out fifth replaces the folds
STATE_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3)  # scikit-learn's C, for states of mean square 1
WORD_PENALTIES = (3.0, 10.0, 30.0)
MIXED_PENALTIES = (0.3, 1.0, 3.0, 10.0)
STATE_NORM = 2.0  # of a state next to its n-grams, whose norm is the root of 2
NEIGHBOUR_COUNTS = (5, 10, 20, 40)
NOVELTY_NEIGHBOURS = 10
CHARACTER_NGRAMS = 100_000  # at most
_LEAST = 1e-6  # probability of a class that a fold's training part lacks

Fold = tuple[np.ndarray, np.ndarray]  # positions that train, positions that are held out


@dataclass(frozen=True)
class LinearModel:
    """Logits = features @ weight.T + bias.

    held_out: probabilities [n, K] of the training cases by the folds that did not train on them.
    """

    weight: np.ndarray  # [K, d]
    bias: np.ndarray  # [K]
    penalty: float  # scikit-learn's C
    held_out: np.ndarray  # of the cases that folds held out; rows of others are NaN

    def probabilities(self, features) -> np.ndarray:
        """Return probabilities [n, K] of features [n, d], dense or sparse."""
        return softmax(features @ self.weight.T + self.bias, axis=1)

    def temperature(self, labels: np.ndarray) -> float:
        """Return the temperature that fits the held-out probabilities of `labels` [n] best."""
        rows = np.isfinite(self.held_out[:, 0])
        # a value exists wherever a held-out case has a label, and every fold holds some out
        return cast(float, fit_temperature(self.held_out[rows], labels[rows]).value.value)


def fit_embedding_lr(
    states: np.ndarray, labels: np.ndarray, classes: int, folds: Sequence[Fold]
) -> LinearModel:
    """Fit the plainest rival: LR on pooled states [n, d] of the frozen base.

    labels: positions [n] among `classes`. folds: as of make_folds. Raises CasesError for one label.
    """
    return fit_regression(states, labels, classes, STATE_PENALTIES, folds)


def make_folds(labels: np.ndarray, ordered: bool = False, seed: int = 0) -> list[Fold]:
    """Return the (training, held-out) positions on which choices are made.

    ordered: cases are in the order of time, and folds are blocks of it. With ONE_SPLIT_FROM cases
    there is one fold: a fifth, the latest one if cases are ordered.
    """
    if len(labels) >= ONE_SPLIT_FROM:
        order = np.arange(len(labels))
        if not ordered:
            order = np.random.default_rng(seed).permutation(len(labels))
        cut = len(labels) - len(labels) // 5
        return [(order[:cut], order[cut:])]
    splitter = (
        KFold(RIVAL_FOLDS)
        if ordered
        else StratifiedKFold(RIVAL_FOLDS, shuffle=True, random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        return list(splitter.split(np.zeros(len(labels)), labels))


def fit_regression(
    features, labels: np.ndarray, classes: int, penalties: Sequence[float], folds: Sequence[Fold]
) -> LinearModel:
    """Fit a logistic regression on all cases, at the penalty with the lowest held-out NLL.

    features: [n, d], dense or sparse. labels: positions [n] among `classes`. penalties:
    scikit-learn's C, ascending. folds: as of make_folds. Raises CasesError if all labels are the
    same.
    """
    if len(np.unique(labels)) < 2:
        raise CasesError("stats.one_label", n=len(labels))
    with threadpool_limits(1):  # products this small lose more to threads than they gain
        parts = [_Path(features[train], labels[train], classes) for train, _ in folds]
        best = (np.inf, penalties[0], np.zeros((0, classes)))
        for c in penalties:  # from the strongest; the held-out loss falls, then rises
            held_out = np.full((len(labels), classes), np.nan)
            for part, (_, test) in zip(parts, folds, strict=True):
                weight, bias = part.fit(c)
                held_out[test] = softmax(features[test] @ weight.T + bias, axis=1)
            loss = _held_out_nll(held_out, labels)
            # Each further penalty is weaker and slower to fit, so the search ends at the first
            # rise.
            if loss >= best[0]:
                break
            best = (loss, c, held_out)
        weight, bias = _Path(features, labels, classes).fit(best[1])
        return LinearModel(weight, bias, *best[1:])


class _Path:
    """Fits of one training part at several penalties, each started at the previous one."""

    def __init__(self, features, labels: np.ndarray, classes: int):
        dense = isinstance(features, np.ndarray)
        # The common part of all states makes the problem ill-conditioned.
        self.centre = features.mean(0) if dense else np.zeros(features.shape[1])
        self.features = (features - self.centre).astype(np.float64) if dense else features
        self.labels, self.classes = labels, classes
        # warm_start keeps the last coefficients: neighbouring penalties need few iterations.
        self.model = LogisticRegression(max_iter=300, warm_start=True)

    def fit(self, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Return weight [K, d] and bias [K] at scikit-learn's C = `penalty`."""
        weight = np.zeros((self.classes, self.features.shape[1]))
        present = np.unique(self.labels)
        if len(present) < 2:  # a fold of one class has nothing to separate
            bias = np.full(self.classes, np.log(_LEAST))
            bias[present] = 0.0
            return weight, bias
        model = self.model
        model.C = penalty
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # nearly done is good enough
            model.fit(self.features, self.labels)
        coef, intercept = model.coef_, model.intercept_
        if len(present) == 2:  # scikit-learn keeps one row for two classes
            coef = np.vstack([-coef, coef]) / 2
            intercept = np.concatenate([-intercept, intercept]) / 2
        # A class without a case gets a logit far below all others instead of none at all.
        bias = np.full(self.classes, intercept.min() + np.log(_LEAST))  # a class without a case
        weight[present], bias[present] = coef, intercept - coef @ self.centre
        return weight, bias


def _held_out_nll(p: np.ndarray, labels: np.ndarray) -> float:
    rows = np.isfinite(p[:, 0])
    return nll(np.maximum(p[rows], _LEAST), labels[rows]) if rows.any() else np.inf


@dataclass(frozen=True)
class Neighbours:
    """kNN by cosine: (votes + 1 / K) / (k + 1), k chosen by leaving one out."""

    directions: np.ndarray  # [n, d], of norm 1
    labels: np.ndarray
    classes: int
    k: int

    def probabilities(self, states: np.ndarray) -> np.ndarray:
        """Return probabilities [n, K] of states [n, d]."""
        nearest = nearest_cases(self.directions, _directions(states), self.k)[0]
        return _vote_shares(self.labels[nearest], self.classes)


def fit_neighbours(states: np.ndarray, labels: np.ndarray, classes: int) -> Neighbours:
    """Return a kNN classifier of the states [n, d].

    k has the lowest NLL of the training cases, each answered by the others.
    """
    directions = _directions(states)
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


def _directions(states: np.ndarray) -> np.ndarray:
    return states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class WordModel:
    """LR on n-grams of words and characters, alone or together with a base's states."""

    ngrams: FeatureUnion
    linear: LinearModel

    def probabilities(self, texts: Sequence[str], states: np.ndarray | None = None) -> np.ndarray:
        """Return probabilities [n, K] of texts and, for a model with states, states [n, d]."""
        return self.linear.probabilities(_features(self.ngrams, texts, states))


def fit_words(
    texts: Sequence[str],
    labels: np.ndarray,
    classes: int,
    folds: Sequence[Fold],
    states: np.ndarray | None = None,
) -> WordModel:
    """Fit TF-IDF + LR on texts and, unless None, on `states` [n, d] together with the n-grams.

    labels: positions [n] among `classes`. folds: choose C. The n-grams' weights come from all
    training texts, without their labels.
    """
    ngrams = make_union(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)),
        TfidfVectorizer(
            sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 5), max_features=CHARACTER_NGRAMS
        ),
    ).fit(texts)
    penalties = WORD_PENALTIES if states is None else MIXED_PENALTIES
    features = _features(ngrams, texts, states)
    return WordModel(ngrams, fit_regression(features, labels, classes, penalties, folds))


def _features(ngrams: FeatureUnion, texts: Sequence[str], states: np.ndarray | None):
    words = ngrams.transform(texts)
    if states is None:
        return words.tocsr()
    return hstack([words, csr_matrix(STATE_NORM * _directions(states))]).tocsr()


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
        queries = _directions(states)
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
