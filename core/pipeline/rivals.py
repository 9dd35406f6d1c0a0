"""Plain rivals of our models, in scikit-learn: the results without training a language model.

- embedding + LR: logistic regression on the frozen base's pooled states (core.models.base.frozen);
- TF-IDF + LR on n-grams of words and characters; LR on states and n-grams together.
Every penalty is chosen on held-out folds of the training cases; then the model is fitted on all of
them. scikit-learn fits it, not core.models.training.linear_start: a fault of our own regression
must not weaken the rival that judges it. Knows texts and arrays; does not know torch, files or the
store.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import FeatureUnion, make_union
from threadpoolctl import threadpool_limits

from core.errors import CasesError
from core.stats.calibration import nll
from core.stats.temperature import fit_temperature

RIVAL_FOLDS = 4
ONE_SPLIT_FROM = 5000  # training cases from which on one held-out fifth replaces the folds
STATE_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3)  # scikit-learn's C, for states of mean square 1
WORD_PENALTIES = (3.0, 10.0, 30.0)
MIXED_PENALTIES = (0.3, 1.0, 3.0, 10.0)
STATE_NORM = 2.0  # of a state next to its n-grams, whose norm is the root of 2
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
    return hstack([words, csr_matrix(STATE_NORM * unit_states(states))]).tocsr()


def unit_states(states: np.ndarray) -> np.ndarray:
    """Return states [n, d] at norm 1; a state of zeros stays itself."""
    return states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-12)
