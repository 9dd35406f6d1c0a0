"""The start of a head: a blend of two logistic regressions, on pooled states and on n-grams.

Knows arrays of states, n-grams and labels; does not know texts, backbones or adapters. The blend is
also the plainest rival of everything trained after it, so a training that begins here must improve
on it to be worth its cost.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold
from torch import nn

from core.stats.temperature import smoothed_targets

# scikit-learn's C, ascending: for states of mean square 1, and for n-grams whose rows have length
# 1 in characters and 1 in words
PENALTIES = (0.003, 0.01, 0.03, 0.1)
SURFACE_PENALTIES = (3.0, 10.0, 30.0, 100.0)
START_FOLDS = 4
ONE_FOLD_FROM = 5000  # cases from which on one fold decides
ONE_FOLD_FROM_CELLS = 80_000  # cases times classes, likewise: a fit's work grows with both
MOST_WEIGHT = 4.0  # of one regression in the blend
FIT_STEPS = 200  # of a fit at most; one that is nearly done is as good a start
SPANNED = 4000  # cases up to which n-grams become as many columns as there are cases
_UNSEEN = 1e-4  # probability of a class that a fold's training part lacks
_JITTER = 1e-8  # keeps the Gram matrix of equal texts positive definite

Folds = list[tuple[np.ndarray, np.ndarray]]


class StartChoice(NamedTuple):
    """The choice by folds: the penalties (scikit-learn's C) and weights of the two regressions.

    A weight of 0 leaves a regression out.
    """

    penalty: float
    surface_penalty: float
    weight: float
    surface_weight: float


@dataclass(frozen=True)
class LinearStart:
    """A fitted head, what was chosen for it, and the folds' mean NLL, in nats a case.

    nll: by name, of "states" and "n-grams" alone and of their "blend"; empty without folds.
    """

    weight: np.ndarray  # [K, d]
    bias: np.ndarray  # [K]
    surface: np.ndarray | None  # [K, m], None where n-grams do not help held-out cases
    choice: StartChoice
    nll: dict[str, float]

    def head(self) -> nn.Linear:
        """Return the head as a module, float32 on the CPU."""
        head = nn.Linear(self.weight.shape[1], self.weight.shape[0])
        with torch.no_grad():
            head.weight.copy_(torch.as_tensor(self.weight))
            head.bias.copy_(torch.as_tensor(self.bias))
        return head.requires_grad_(False)


def stratified_folds(labels: np.ndarray, seed: int = 0) -> Folds:
    """Return positions split into START_FOLDS (training, held out) pairs.

    Each class has the same share in every fold if it has enough cases.
    """
    with warnings.catch_warnings():
        # Rare labels are allowed: a class of fewer than START_FOLDS cases is held out in some folds
        # only.
        warnings.filterwarnings("ignore", message="The least populated class")
        return list(
            StratifiedKFold(START_FOLDS, shuffle=True, random_state=seed).split(labels, labels)
        )


def linear_start(
    states: np.ndarray,
    labels: np.ndarray,
    classes: int,
    surface: csr_matrix | None = None,
    choice: StartChoice | None = None,
) -> LinearStart:
    """Fit a multinomial logistic regression on states [n, d] and one on n-grams, and blend them.

    labels: positions [n] among `classes`. surface: n-grams [n, m], None for none. choice: made
    before; None makes it. The blend is the sum of both regressions' logits, each times its weight;
    penalties and weights have the lowest NLL of the cases that folds held out. The returned fit
    uses every case. A class without a case gets the bias of one case in ten times as many.
    """
    nll: dict[str, float] = {}
    x: np.ndarray | csr_matrix | None = None
    if surface is not None and (choice is None or choice.surface_weight):
        x, to_ngrams = _spanned(surface)
    if choice is None:
        choice, nll = _choose(states, labels, classes, x)
    weight, bias = _fit_states(states, labels, classes, choice.penalty)
    weight, bias = choice.weight * weight, choice.weight * bias
    if x is None or not choice.surface_weight:
        return LinearStart(weight, bias, None, choice, nll)
    _, rows, surface_bias = next(_path(x, labels, classes, (choice.surface_penalty,)))
    rows = (choice.surface_weight * to_ngrams(rows)).astype(np.float32)
    return LinearStart(weight, bias + choice.surface_weight * surface_bias, rows, choice, nll)


def held_out_offsets(
    surface: csr_matrix, labels: np.ndarray, classes: int, choice: StartChoice
) -> np.ndarray:
    """Return the n-grams' weighted logits [n, K], less their bias, by folds without the case.

    Adapters that train beside the logits of the final fit, which knows every training case, would
    see hardly an error to learn from. Zeros for a case that no fold holds out.
    """
    offsets = np.zeros((len(labels), classes))
    if _can_fold(labels):
        x, _ = _spanned(surface)
        for train, held_out in stratified_folds(labels):
            _, rows, _ = next(_path(x[train], labels[train], classes, (choice.surface_penalty,)))
            offsets[held_out] = choice.surface_weight * (x[held_out] @ rows.T)
    return offsets


def blend_weights(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the weights [E] within 0 and MOST_WEIGHT with which the sum of E models fits best.

    logits [E, n, K]: of cases that the models did not learn; labels: positions [n]. The fit is the
    cross-entropy to the labels' smoothed targets.
    """
    targets = smoothed_targets(labels, logits.shape[2])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logp = log_softmax(np.tensordot(weights, logits, 1), axis=1)
        residual = np.exp(logp) - targets
        value = -(targets * logp).sum() / len(labels)
        return value, (logits * residual).sum((1, 2)) / len(labels)

    # A model whose logits change nothing has no gradient, and keeps the 0 that it starts at.
    start = np.eye(len(logits))[0]
    bounds = [(0.0, MOST_WEIGHT)] * len(logits)
    weights: np.ndarray = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return weights


def _can_fold(labels: np.ndarray) -> bool:
    """Return whether StratifiedKFold takes the labels: some class has START_FOLDS cases, of two."""
    counts = np.bincount(labels)
    return bool(np.count_nonzero(counts) > 1 and counts.max() >= START_FOLDS)


def _choose(
    states: np.ndarray, labels: np.ndarray, classes: int, ngrams: np.ndarray | csr_matrix | None
) -> tuple[StartChoice, dict[str, float]]:
    """Return the choice of the folds and their NLL by name. ngrams: as `_spanned` gives them.

    Penalties are judged by the blend: a strong penalty shrinks logits, which a weight above 1 makes
    good, and such a pair is right more often on cases that differ from the training cases.
    """
    if not _can_fold(labels):
        return StartChoice(0.1, SURFACE_PENALTIES[0], 1.0, 0.0), {}
    is_dear = len(labels) >= ONE_FOLD_FROM or len(labels) * classes >= ONE_FOLD_FROM_CELLS
    pairs = stratified_folds(labels)[: 1 if is_dear else START_FOLDS]
    rows = np.concatenate([held_out for _, held_out in pairs])
    x, answers = (states - states.mean(0)).astype(np.float64), labels[rows]
    of_states = _held_out(x, labels, classes, pairs, PENALTIES)
    of_ngrams = [np.zeros((0, classes))]
    if ngrams is not None:
        of_ngrams = _held_out(ngrams, labels, classes, pairs, SURFACE_PENALTIES)
    tried = [
        _blend(StartChoice(penalty, surface_penalty, 0.0, 0.0), a, b, answers)
        for penalty, a in zip(PENALTIES, of_states, strict=True)
        for surface_penalty, b in zip(SURFACE_PENALTIES, of_ngrams, strict=False)
    ]
    choice, losses = _strongest_of_the_best(tried)
    alone = {"states": of_states} | ({} if ngrams is None else {"n-grams": of_ngrams})
    nll = {
        name: min(float(_losses(logits, answers).mean()) for logits in by_penalty)
        for name, by_penalty in alone.items()
    }
    return choice, nll | {"blend": float(losses.mean())}


def _blend(
    choice: StartChoice, states: np.ndarray, ngrams: np.ndarray, labels: np.ndarray
) -> tuple[StartChoice, np.ndarray]:
    """Return the choice with the weights of these held-out log p [n, K], and the losses [n]."""
    models = np.stack([states, ngrams] if len(ngrams) else [states])
    weights = blend_weights(models, labels)
    losses = _losses(np.tensordot(weights, models, 1), labels)
    surface_weight = float(weights[1]) if len(ngrams) else 0.0
    return choice._replace(weight=float(weights[0]), surface_weight=surface_weight), losses


def _strongest_of_the_best(
    tried: list[tuple[StartChoice, np.ndarray]],
) -> tuple[StartChoice, np.ndarray]:
    """Return the strongest penalties whose losses are within two standard errors of the lowest.

    tried: by penalties, strongest first. The error is that of the cases' paired differences
    (Breiman et al. 1984, section 3.4.3, has the rule with one error, unpaired).
    """
    _, best = min(tried, key=lambda row: row[1].mean())

    def is_as_good(losses: np.ndarray) -> bool:
        gaps = losses - best
        return bool(gaps.mean() <= 2 * gaps.std() / np.sqrt(len(gaps)))

    return next(row for row in tried if is_as_good(row[1]))


def _held_out(
    x: np.ndarray | csr_matrix,
    labels: np.ndarray,
    classes: int,
    pairs: Folds,
    penalties: Sequence[float],
) -> list[np.ndarray]:
    """Return by penalty log p [n, K] of the held-out cases, fold after fold."""
    paths = [_path(x[train], labels[train], classes, penalties) for train, _ in pairs]
    by_penalty = []
    for fits in zip(*paths, strict=True):
        logits = [
            x[held_out] @ weight.T + bias
            for (_, weight, bias), (_, held_out) in zip(fits, pairs, strict=True)
        ]
        by_penalty.append(log_softmax(np.concatenate(logits), axis=1))
    return by_penalty


def _fit_states(
    states: np.ndarray, labels: np.ndarray, classes: int, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight [K, d] and bias [K] of the regression on states at one penalty."""
    centre = states.mean(0)  # the common part of all states makes the problem ill-conditioned
    x = (states - centre).astype(np.float64)
    _, weight, bias = next(_path(x, labels, classes, (penalty,)))
    return weight, bias - weight @ centre


def _spanned(surface: csr_matrix) -> tuple[np.ndarray | csr_matrix, Callable]:
    """Return columns in which a regression has the fit that it has in n-grams, and the way back.

    A penalised fit is a sum of its cases' rows (representer theorem), so n columns whose products
    are those of the rows [n, m] suffice: the Cholesky factor of their Gram matrix. The way back
    takes weights [K, n] to [K, m]. With many cases the n-grams stay themselves.
    """
    cases = surface.shape[0]
    if cases > SPANNED:
        return surface, lambda rows: rows
    ngrams = surface.astype(np.float64)
    gram = (ngrams @ ngrams.T).toarray()
    gram[np.diag_indices(cases)] += _JITTER * max(1.0, np.trace(gram) / cases)
    lower = cholesky(gram, lower=True)
    return lower, lambda rows: (ngrams.T @ solve_triangular(lower, rows.T, lower=True, trans="T")).T


def _path(
    x: np.ndarray | csr_matrix, labels: np.ndarray, classes: int, penalties: Sequence[float]
) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Yield C, weight [K, d] and bias [K] by penalty, each fit started at the previous one."""
    present = np.unique(labels)
    answers = (labels[:, None] == present).astype(np.float64)
    fitted = np.zeros((x.shape[1] + 1, len(present)))
    for penalty in penalties:
        if len(present) > 1:
            fitted = _minimise(x, answers, penalty, fitted)
        weight = np.zeros((classes, x.shape[1]))
        # The bias of a missing class stays finite, so that later training can still raise it.
        bias = np.full(classes, fitted[-1].mean() - np.log(10 * len(labels)))
        weight[present], bias[present] = fitted[:-1].T, fitted[-1]
        yield penalty, weight, bias


def _minimise(
    x: np.ndarray | csr_matrix, answers: np.ndarray, penalty: float, start: np.ndarray
) -> np.ndarray:
    """Return the rows [d + 1, K] of a multinomial regression, the bias last.

    x [n, d]; answers [n, K], 1 for a case's label; penalty: scikit-learn's C; start: first rows.
    """
    cases, transposed = len(answers), x.T if isinstance(x, np.ndarray) else x.T.tocsr()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        rows = flat.reshape(start.shape)
        logp = log_softmax(x @ rows[:-1] + rows[-1], axis=1)
        residual = np.exp(logp) - answers
        gradient = np.vstack([transposed @ residual + rows[:-1] / penalty, residual.sum(0)])
        value = (rows[:-1] ** 2).sum() / (2 * penalty) - (answers * logp).sum()
        return value / cases, gradient.ravel() / cases

    options = {"maxiter": FIT_STEPS, "gtol": 1e-4}
    fit = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return fit.x.reshape(start.shape)


def _losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return -log softmax of each case's label [n], nats."""
    logp = log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return -np.maximum(logp, np.log(_UNSEEN))
