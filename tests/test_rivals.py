"""Plain rivals: what a logistic regression, kNN and distances say, by hand and against sklearn."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from benchmarks.rivals.states import fit_embedding_rivals, fit_neighbours, nearest_cases
from core.errors import CasesError
from core.pipeline.rivals import (
    ONE_SPLIT_FROM,
    fit_embedding_lr,
    fit_regression,
    fit_words,
    make_folds,
)
from core.stats.calibration import nll

CENTRES = np.array([[2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 2.0, 0]])


def blobs(n, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    return CENTRES[labels] + random.normal(size=(n, 4)), labels


def test_folds_hold_every_case_out_once_and_blocks_keep_the_order_of_time():
    labels = np.arange(40) % 2
    for ordered in (False, True):
        folds = make_folds(labels, ordered)
        held_out = np.concatenate([test for _, test in folds])
        assert sorted(held_out.tolist()) == list(range(40))
        assert all(not set(train) & set(test) for train, test in folds)
    assert all(np.ptp(test) == len(test) - 1 for _, test in make_folds(labels, ordered=True))


def test_many_cases_have_one_fold_the_latest_fifth_where_they_are_ordered():
    ((train, test),) = make_folds(np.zeros(ONE_SPLIT_FROM, dtype=int), ordered=True)
    assert test.tolist() == list(range(ONE_SPLIT_FROM - ONE_SPLIT_FROM // 5, ONE_SPLIT_FROM))
    ((_, drawn),) = make_folds(np.zeros(ONE_SPLIT_FROM, dtype=int))
    assert len(drawn) == len(test)
    assert sorted(drawn.tolist()) != test.tolist()


def test_the_linear_rival_is_scikit_learns_regression_at_its_best_penalty():
    states, labels = blobs(300)
    model = fit_regression(states, labels, 3, (0.01, 0.1, 1.0), make_folds(labels))
    plain = LogisticRegression(C=model.penalty, tol=1e-8, max_iter=1000)
    plain.fit(states - states.mean(0), labels)
    fresh, truth = blobs(200, seed=1)
    expected = plain.predict_proba(fresh - states.mean(0))
    np.testing.assert_allclose(model.probabilities(fresh), expected, atol=5e-3)
    assert nll(model.held_out, labels) < np.log(3) / 2
    assert nll(model.probabilities(fresh), truth) < np.log(3) / 2


def test_two_classes_give_the_same_as_one_row_of_scikit_learn():
    states, labels = blobs(200)
    states, labels = states[labels < 2], labels[labels < 2]
    model = fit_regression(states, labels, 2, (0.1,), make_folds(labels))
    plain = LogisticRegression(C=0.1, tol=1e-8).fit(states - states.mean(0), labels)
    expected = plain.predict_proba(states - states.mean(0))
    np.testing.assert_allclose(model.probabilities(states), expected, atol=5e-3)


def test_a_class_without_a_case_gets_next_to_nothing_and_one_label_is_refused():
    states, labels = blobs(100)
    model = fit_regression(states, labels, 4, (0.1,), make_folds(labels))
    assert (model.probabilities(states)[:, 3] < 1e-5).all()
    with pytest.raises(CasesError, match="all 100 training cases have the same label"):
        fit_regression(states, np.zeros(100, dtype=int), 2, (0.1,), make_folds(labels))


def test_the_temperature_undoes_a_scale_of_held_out_logits():
    """Labels drawn from p, held-out probabilities at twice the logits: the temperature is 2."""
    states, labels = blobs(400)
    model = fit_regression(states, labels, 3, (0.1,), make_folds(labels))
    logits = np.random.default_rng(2).normal(size=(20_000, 3))
    p = softmax(logits, axis=1)
    drawn = (p.cumsum(1) > np.random.default_rng(3).random((len(p), 1))).argmax(1)
    sharp = type(model)(model.weight, model.bias, model.penalty, softmax(2 * logits, axis=1))
    assert sharp.temperature(drawn) == pytest.approx(2, abs=0.1)


def test_neighbours_vote_by_hand():
    """The two nearest of the query (1, 0) are of class 0 and 1: (1 + 1/2) / 3 each."""
    states = np.array([[1.0, 0.01], [1.0, 0.1], [0.0, 1.0]])
    positions, cosines = nearest_cases(
        states / np.linalg.norm(states, axis=1, keepdims=True), np.array([[1.0, 0.0]]), 2
    )
    assert positions.tolist() == [[0, 1]]
    assert cosines[0, 0] > cosines[0, 1]
    model = fit_neighbours(states, np.array([0, 1, 1]), 2)
    assert model.k == 2
    assert model.probabilities(np.array([[1.0, 0.0]])) == pytest.approx(np.array([[0.5, 0.5]]))


def test_a_case_far_from_every_training_case_is_the_most_novel_by_every_distance():
    states, labels = blobs(300)
    linear = fit_embedding_lr(states, labels, 3, make_folds(labels))
    rivals = fit_embedding_rivals(states, labels, 3, linear)
    scores = rivals.novelty(np.vstack([CENTRES, [[0, 0, 0, 9.0]]]))
    for name in ("confidence", "entropy", "knn", "mahalanobis"):
        assert scores[name].argmax() == 3, name
    assert set(rivals.answers(states)) == {
        "embedding-lr",
        "embedding-lr-temperature",
        "embedding-knn",
    }
    for p in rivals.answers(states).values():
        np.testing.assert_allclose(p.sum(1), 1)


def test_words_and_states_together_use_both():
    """The word tells a from b, and only the state tells b from c."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 240)
    words = np.array(["pump leaks", "door open", "door open"])[labels]
    texts = [f"{word} {random.integers(99)}" for word in words]
    states = np.where(labels[:, None] == 2, 1.0, -1.0) * np.ones((240, 4))
    states = states + random.normal(size=states.shape) * 0.2
    folds = make_folds(labels)
    alone = fit_words(texts, labels, 3, folds).probabilities(texts)
    both = fit_words(texts, labels, 3, folds, states).probabilities(texts, states)
    assert (alone.argmax(1) == labels).mean() < 0.9
    assert (both.argmax(1) == labels).mean() > 0.98
