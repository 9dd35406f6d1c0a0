"""Which views of novelty count, and what is usual for a case that taught nothing: from folds.

A view that detects strange cases on one set misleads on another. The choice needs no strange case:
groups of classes are left out in turn, a regression on the frozen base's states learns the others,
and the cases of the left-out classes are the strange ones. Does not know texts or files.
"""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from scipy.special import entr, softmax
from torch import Tensor

from core.models.base.trunk import TrunkCache, top_states
from core.models.scoring.novelty import EVEN, Novelty, fit_novelty, share_quantiles
from core.models.scoring.scorers import OnePass
from core.models.training.linear_start import linear_start, stratified_folds
from core.stats.selective import auroc

GROUPS = 4  # of classes, each left out once
HELD_OUT = 0.25  # of the other classes' cases, against which the strange ones are ranked
LEAST_CLASSES = 4  # with fewer, leaving classes out says little and the views count evenly
MARGIN = 0.005  # of AUROC by which weights must beat even ones
MOST = 4000  # cases that take part
# of entropy, neighbours and relative distance
CHOICES = (EVEN, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 0.0, 1.0))


def choose_views(
    states: np.ndarray, labels: np.ndarray, penalty: float, seed: int = 0
) -> tuple[float, ...]:
    """Return the weights of novelty's views with the best mean AUROC over left-out classes.

    states [n, d] of the frozen base; labels: positions [n]; penalty: scikit-learn's C; seed: draws
    cases and groups of classes.
    """
    generator = np.random.default_rng(seed)
    drawn = np.sort(generator.permutation(len(labels))[:MOST])
    states, labels = states[drawn], labels[drawn]
    classes = generator.permutation(np.unique(labels))
    if len(classes) < LEAST_CLASSES:
        return EVEN
    aurocs: list[list[float]] = []
    for left_out in np.array_split(classes, GROUPS):
        strange = np.isin(labels, left_out)
        like = generator.permutation(np.flatnonzero(~strange))
        held_out, train = np.split(like, [max(1, round(HELD_OUT * len(like)))])
        shares_of = _learn_views(states[train], labels[train], penalty)
        shares = np.hstack([shares_of(states[held_out]), shares_of(states[strange])])
        is_strange = np.repeat([0, 1], [len(held_out), strange.sum()])
        # Both kinds of cases are present, so that no AUROC is None.
        aurocs.append(
            [cast(float, auroc(np.array(weights) @ shares, is_strange)) for weights in CHOICES]
        )
    means = np.mean(aurocs, 0)
    best = int(means.argmax())
    return CHOICES[best] if means[best] > means[0] + MARGIN else EVEN


def held_out_shares(
    states: np.ndarray, labels: np.ndarray, penalty: float, weights: Sequence[float]
) -> Tensor:
    """Return the quantiles of the mean share over cases that a fold's regression did not learn.

    They are what `Novelty.calibrated` takes. weights: of the views. Other parameters as of
    choose_views.
    """
    means = []
    for train, held_out in stratified_folds(labels):
        shares_of = _learn_views(states[train], labels[train], penalty)
        means.append(np.array(weights) @ shares_of(states[held_out]) / sum(weights))
    return share_quantiles(torch.as_tensor(np.concatenate(means)))


def novelty_of(
    model: OnePass, cases: TrunkCache, labels: np.ndarray, weights: Sequence[float]
) -> Novelty:
    """Return the novelty measure of a one-pass model, fitted on its training cases.

    cases: their trunk states. labels: positions [n]. weights: of the views.
    """
    states = torch.from_numpy(top_states(model.backbone, cases))
    entropy = model.read_states(states, cases.offsets).total
    return fit_novelty(states.numpy(), labels, entropy, model.classes, weights)


def mean_shares(novelty: Novelty, model: OnePass, cases: TrunkCache) -> Tensor:
    """Return the weighted mean of the views' shares [n] for cases whose trunk states are cached."""
    states = torch.from_numpy(top_states(model.backbone, cases))
    entropy = torch.from_numpy(model.read_states(states, cases.offsets).total)
    return novelty.mean_share(states, entropy)


def _learn_views(
    states: np.ndarray, labels: np.ndarray, penalty: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from states [m, d] to the views' shares [3, m] by these cases."""
    present, positions = np.unique(labels, return_inverse=True)
    fit = linear_start(states, positions, len(present), choice=(penalty, 0.0))

    def entropy(x: np.ndarray) -> np.ndarray:
        return entr(softmax(x @ fit.weight.T + fit.bias, axis=1)).sum(1)

    novelty = fit_novelty(states, positions, entropy(states), len(present))
    return lambda x: novelty.shares(torch.as_tensor(x), torch.as_tensor(entropy(x))).numpy()
