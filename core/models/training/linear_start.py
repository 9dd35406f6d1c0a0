"""Where a head starts: a logistic regression on frozen pooled states, cross-validated penalty.

Knows arrays of states and labels; does not know texts, backbones or adapters. The regression is
also the plainest rival of everything trained after it, so a training that begins here must improve
on it to be worth its cost.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold
from torch import nn

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)  # scikit-learn's C, for states of mean square 1
# Lengths of the n-grams' features; a state's is the root of its size, 19.6 for MiniLM.
SURFACE_SCALES = (16.0, 32.0, 64.0)
FOLDS = 4
MANY = 5000  # cases from which on one fold decides
STEPS = 200  # of a fit at most; one that is nearly done is as good a start
_UNSEEN = 1e-4  # probability of a class that a fold's training part lacks


@dataclass(frozen=True)
class LinearStart:
    """A fitted head, its penalty C, and the held-out NLL by penalty and scale, in nats a case."""

    weight: np.ndarray  # [K, d]
    bias: np.ndarray  # [K]
    # [K, FEATURES] of core.models.scoring.surface, None where n-grams do not help held-out cases
    surface: np.ndarray | None
    penalty: float
    scale: float  # of the n-grams' features, 0 without them
    nll_by_penalty: dict[float, float]
    nll_by_scale: dict[float, float]

    def head(self) -> nn.Linear:
        """Return the head as a module, float32 on the CPU."""
        head = nn.Linear(self.weight.shape[1], self.weight.shape[0])
        with torch.no_grad():
            head.weight.copy_(torch.as_tensor(self.weight))
            head.bias.copy_(torch.as_tensor(self.bias))
        return head.requires_grad_(False)


def stratified_folds(labels: np.ndarray, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return positions split into FOLDS (training, held out) pairs.

    Each class has the same share in every fold if it has enough cases.
    """
    with warnings.catch_warnings():
        # Rare labels are allowed: a class of fewer than FOLDS cases is held out in some folds only.
        warnings.filterwarnings("ignore", message="The least populated class")
        return list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels))


def linear_start(
    states: np.ndarray,
    labels: np.ndarray,
    classes: int,
    surface: csr_matrix | None = None,
    choice: tuple[float, float] | None = None,
) -> LinearStart:
    """Fit a multinomial logistic regression on states [n, d], with surface features if they help.

    labels: positions [n] among `classes`. surface: features [n, FEATURES], None for none. choice: a
    penalty and a scale (0: no n-grams) chosen before; None chooses them. The penalty, and then the
    scale of the surface's features, have the lowest mean NLL over held-out folds; the returned fit
    uses every case. A class without a case gets the bias of one case in ten times as many.
    """
    by_penalty, by_scale = {}, {}
    # A choice made earlier saves all the folds' fits.
    if choice is not None:
        penalty, scale = choice
        return _fit_start(states, labels, classes, surface, penalty, scale)
    counts = np.bincount(labels)
    # StratifiedKFold refuses labels of which no class has FOLDS cases.
    if np.count_nonzero(counts) > 1 and counts.max() >= FOLDS:
        pairs = stratified_folds(labels)[: 1 if len(labels) >= MANY else FOLDS]
        by_penalty = _held_out_nll(states, labels, classes, pairs)
    penalty = min(by_penalty, key=by_penalty.__getitem__) if by_penalty else 0.1
    if by_penalty and surface is not None:
        by_scale = {0.0: by_penalty[penalty]}
        # The penalty stays fixed here: a full grid would cost five times as many fits.
        for scale in SURFACE_SCALES:
            by_scale[scale] = _held_out_nll(
                states, labels, classes, pairs, (penalty,), surface * scale
            )[penalty]
            # The loss falls, then rises, and a larger scale takes longer to fit.
            if by_scale[scale] > min(by_scale.values()):
                break
    scale = min(by_scale, key=by_scale.__getitem__) if by_scale else 0.0
    fit = _fit_start(states, labels, classes, surface, penalty, scale)
    return replace(fit, nll_by_penalty=by_penalty, nll_by_scale=by_scale)


def _fit_start(
    states: np.ndarray,
    labels: np.ndarray,
    classes: int,
    surface: csr_matrix | None,
    penalty: float,
    scale: float,
) -> LinearStart:
    """Return the fit on every case at one penalty and scale."""
    features = surface * scale if scale and surface is not None else None
    _, weight, bias, rows = next(_path(states, labels, classes, (penalty,), features))
    rows = None if rows is None else (scale * rows).astype(np.float32)
    return LinearStart(weight, bias, rows, penalty, scale, {}, {})


def _held_out_nll(
    states, labels, classes, pairs, penalties=PENALTIES, surface=None
) -> dict[float, float]:
    """Return the mean NLL by penalty over the cases that a fold's fit did not train on."""
    sums = dict.fromkeys(penalties, 0.0)
    for train, held_out in pairs:
        part = None if surface is None else surface[train]
        for penalty, weight, bias, rows in _path(
            states[train], labels[train], classes, penalties, part
        ):
            logits = states[held_out] @ weight.T + bias
            if rows is not None:
                logits = logits + surface[held_out] @ rows.T
            sums[penalty] += _nll(logits, labels[held_out])
    return {penalty: total / sum(len(h) for _, h in pairs) for penalty, total in sums.items()}


def _path(
    states: np.ndarray,
    labels: np.ndarray,
    classes: int,
    penalties: Sequence[float],
    surface: csr_matrix | None,
) -> Iterator[tuple[float, np.ndarray, np.ndarray, np.ndarray | None]]:
    """Yield fits in the order of the penalties, each started at the previous one.

    Each is C, weight [K, d], bias [K], and the surface's rows or None.
    """
    present, width = np.unique(labels), states.shape[1]
    features = 0 if surface is None else surface.shape[1]
    centre = states.mean(0)  # the common part of all states makes the problem ill-conditioned
    x = (states - centre).astype(np.float64)
    columns = np.zeros(0, dtype=np.int64)
    if surface is not None:
        # An n-gram of one text alone says nothing of another text and costs as much as the rest.
        columns = np.flatnonzero(np.bincount(surface.indices, minlength=features) > 1)
        surface = surface[:, columns].astype(np.float64)
    answers = (labels[:, None] == present).astype(np.float64)
    fitted = np.zeros((width + len(columns) + 1, len(present)))
    for penalty in penalties:
        if len(present) > 1:
            fitted = _minimise(x, surface, answers, penalty, fitted)
        coefficients, intercept = fitted[:width].T, fitted[-1]
        weight = np.zeros((classes, width))
        # The bias of a missing class stays finite, so that later training can still raise it.
        bias = np.full(classes, intercept.mean() - np.log(10 * len(labels)))
        weight[present], bias[present] = coefficients, intercept - coefficients @ centre
        rows = None
        if surface is not None:
            rows = np.zeros((classes, features))
            rows[np.ix_(present, columns)] = fitted[width:-1].T
        yield penalty, weight, bias, rows


def _minimise(
    x: np.ndarray,
    surface: csr_matrix | None,
    answers: np.ndarray,
    penalty: float,
    start: np.ndarray,
) -> np.ndarray:
    """Return the rows [d + m + 1, K] of a multinomial regression: states, n-grams, bias.

    x [n, d]; surface [n, m]; answers [n, K], 1 for a case's label; penalty: scikit-learn's C;
    start: the first rows. scikit-learn takes one matrix: it would store the dense states as sparse
    ones, and a fit would take five times as long.
    """
    cases, width = x.shape
    transposed = None if surface is None else surface.T.tocsr()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        rows = flat.reshape(start.shape)
        logits = x @ rows[:width] + rows[-1]
        if surface is not None:
            logits += surface @ rows[width:-1]
        logp = log_softmax(logits, axis=1)
        residual = np.exp(logp) - answers
        gradient = np.empty_like(rows)
        gradient[:width], gradient[-1] = x.T @ residual, residual.sum(0)
        if transposed is not None:
            gradient[width:-1] = transposed @ residual
        gradient[:-1] += rows[:-1] / penalty
        value = (rows[:-1] ** 2).sum() / (2 * penalty) - (answers * logp).sum()
        return value / cases, gradient.ravel() / cases

    options = {"maxiter": STEPS, "gtol": 1e-3}
    fit = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return fit.x.reshape(start.shape)


def _nll(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the sum over cases of -log softmax, in nats."""
    logp = log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return float(-np.maximum(logp, np.log(_UNSEEN)).sum())
