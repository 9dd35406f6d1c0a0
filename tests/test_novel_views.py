"""Novelty's views: which count, and how novel a new case of a known kind is."""

import numpy as np
import pytest
import torch
from scipy.special import entr, softmax

from core.models.scoring.novelty import EVEN, Novelty, fit_novelty
from core.models.training.linear_start import StartChoice, linear_start
from core.models.training.novel_views import choose_views, held_out_views

CLASSES, SIZE = 6, 16


def clouds(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """States around a centre a class, and label positions; the centres are always the same."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    centres = np.random.default_rng(99).normal(size=(CLASSES, SIZE))
    return (centres[labels] + generator.normal(size=(n, SIZE))).astype(np.float32), labels


STATES_ALONE = StartChoice(1.0, 1.0, 1.0, 0.0)


def fitted(states, labels, choice=STATES_ALONE):
    """Novelty fitted on training cases alone, and a function to their regression's entropies."""
    fit = linear_start(states, labels, CLASSES, choice=choice)

    def entropy(x):
        return torch.as_tensor(entr(softmax(x @ fit.weight.T + fit.bias, axis=1)).sum(1))

    return fit_novelty(states, labels, entropy(states).numpy(), CLASSES), entropy


def test_held_out_views_make_the_median_of_new_cases_one_half():
    """The uncalibrated measure calls new cases of known classes strange; the calibrated does not.

    It may err a little to the other side: a fold learns from fewer cases than the model.
    """
    states, labels = clouds(240)
    new, _ = clouds(2000, seed=1)
    novelty, entropy = fitted(states, labels)
    calibrated = novelty.calibrated(held_out_views(states, labels, STATES_ALONE))
    before, after = (
        float(measure.percentile(torch.as_tensor(new), entropy(new)).median())
        for measure in (novelty, calibrated)
    )
    assert before > 0.55
    assert after == pytest.approx(0.5, abs=0.08)


def test_weights_leave_even_only_where_left_out_classes_say_so():
    states, labels = clouds(600)
    assert choose_views(states, labels, 1.0) == EVEN
    # Fewer classes than can be left out in groups.
    assert choose_views(states, labels % 3, 1.0) == EVEN


def test_a_model_without_weights_of_its_views_reads_as_even():
    states, labels = clouds(120)
    tensors = fitted(states, labels)[0].tensors()
    del tensors["novelty:weights"]
    assert Novelty.from_tensors(tensors).weights.tolist() == list(EVEN)
