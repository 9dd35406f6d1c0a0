"""Which views of novelty count, and what is usual for a case that taught nothing: from folds.

A view that detects strange cases on one set misleads on another. The choice needs no strange case:
groups of classes are left out in turn, a regression on the frozen base's states learns the others,
and the cases of the left-out classes are the strange ones. Does not know texts or files.
"""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.special import entr, softmax
from torch import Tensor

from core.models.base.trunk import TrunkCache, top_states
from core.models.scoring.novelty import EVEN, Novelty, fit_novelty
from core.models.scoring.scorers import OnePass
from core.models.training.linear_start import StartChoice, linear_start, stratified_folds
from core.stats.selective import auroc

CLASS_GROUPS = 4  # of classes, each left out once
RANKED_SHARE = 0.25  # of the other classes' cases, against which the strange ones are ranked
LEAST_CLASSES = 4  # with fewer, leaving classes out says little and the views count evenly
AUROC_MARGIN = 0.005  # of AUROC by which weights must beat even ones
MOST_TRIED = 4000  # cases that take part
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
    drawn = np.sort(generator.permutation(len(labels))[:MOST_TRIED])
    states, labels = states[drawn], labels[drawn]
    classes = generator.permutation(np.unique(labels))
    if len(classes) < LEAST_CLASSES:
        return EVEN
    aurocs: list[list[float]] = []
    for left_out in np.array_split(classes, CLASS_GROUPS):
        strange = np.isin(labels, left_out)
        like = generator.permutation(np.flatnonzero(~strange))
        held_out, train = np.split(like, [max(1, round(RANKED_SHARE * len(like)))])
        views_of = _learn_views(states[train], labels[train], StartChoice(penalty, 1.0, 1.0, 0.0))
        familiar, unfamiliar = views_of(states[held_out]), views_of(states[strange])
        shares = _shares_among(familiar, np.hstack([familiar, unfamiliar]))
        is_strange = np.repeat([0, 1], [len(held_out), strange.sum()])
        # Both kinds of cases are present, so that no AUROC is None.
        aurocs.append(
            [cast(float, auroc(np.array(weights) @ shares, is_strange)) for weights in CHOICES]
        )
    means = np.mean(aurocs, 0)
    best = int(means.argmax())
    return CHOICES[best] if means[best] > means[0] + AUROC_MARGIN else EVEN


def held_out_views(
    states: np.ndarray,
    labels: np.ndarray,
    choice: StartChoice,
    surface: csr_matrix | None = None,
) -> Tensor:
    """Return the views [3, n] of cases by regressions of the folds that did not learn them.

    They are what `Novelty.calibrated` takes. states [n, d]; labels: positions [n]; choice: of the
    linear start; surface: its n-grams [n, m].
    """
    views = np.zeros((3, len(labels)))
    for train, held_out in stratified_folds(labels):
        parts = [None if surface is None else surface[index] for index in (train, held_out)]
        views_of = _learn_views(states[train], labels[train], choice, parts[0])
        views[:, held_out] = views_of(states[held_out], parts[1])
    return torch.as_tensor(views, dtype=torch.float32)


def novelty_of(
    model: OnePass, cases: TrunkCache, labels: np.ndarray, weights: Sequence[float]
) -> Novelty:
    """Return the novelty measure of a one-pass model, fitted on its training cases.

    cases: their trunk states. labels: positions [n]. weights: of the views.
    """
    states = torch.from_numpy(top_states(model.backbone, cases))
    entropy = model.read_states(states, cases.offsets).total
    return fit_novelty(states.numpy(), labels, entropy, model.classes, weights)


def _shares_among(familiar: np.ndarray, views: np.ndarray) -> np.ndarray:
    """Return, by view, the share of familiar cases [3, m] with a smaller value, [3, n]."""
    rows = zip(np.sort(familiar), views, strict=True)
    return np.stack([np.searchsorted(row, values) / len(row) for row, values in rows])


def _learn_views(
    states: np.ndarray,
    labels: np.ndarray,
    choice: StartChoice,
    surface: csr_matrix | None = None,
) -> Callable[..., np.ndarray]:
    """Return a function from states [m, d], and n-grams, to the views [3, m] by these cases."""
    present, positions = np.unique(labels, return_inverse=True)
    fit = linear_start(states, positions, len(present), surface, choice)

    def entropy(x: np.ndarray, features: csr_matrix | None) -> np.ndarray:
        logits = x @ fit.weight.T + fit.bias
        if fit.surface is not None and features is not None:
            logits = logits + features @ fit.surface.T
        return entr(softmax(logits, axis=1)).sum(1)

    novelty = fit_novelty(states, positions, entropy(states, surface), len(present))

    def views_of(x: np.ndarray, features: csr_matrix | None = None) -> np.ndarray:
        return novelty.views(torch.as_tensor(x), torch.as_tensor(entropy(x, features))).numpy()

    return views_of
