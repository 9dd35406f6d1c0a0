"""The regression that heads start at: what it learns, what its folds choose, what classes it has."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from core.models.scoring.surface import (
    SurfaceTerm,
    count_ngrams,
    inverse_frequency,
    weigh_ngrams,
)
from core.models.training.linear_start import PENALTIES, linear_start


def clouds(n: int = 240, classes: int = 3, seed: int = 0):
    """States of mean square about 1 around a centre a class, and label positions."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = generator.normal(size=(classes, 8))
    return (centres[labels] + 0.3 * generator.normal(size=(n, 8))).astype(np.float32), labels


def test_it_separates_what_a_line_separates_and_its_penalty_has_the_least_held_out_loss():
    states, labels = clouds()
    fit = linear_start(states, labels, 3)
    logits = states @ fit.weight.T + fit.bias
    assert (logits.argmax(1) == labels).mean() > 0.95
    assert fit.penalty == min(PENALTIES, key=fit.nll_by_penalty.get)
    assert fit.surface is None


def test_what_was_chosen_before_is_not_chosen_again():
    states, labels = clouds()
    fit = linear_start(states, labels, 3, choice=(0.03, 0.0))
    assert (fit.penalty, fit.nll_by_penalty) == (0.03, {})
    assert (states @ fit.weight.T + fit.bias).argmax(1).tolist() != [0] * len(labels)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_without_a_case_is_rarer_than_any_that_has_one(classes):
    states, labels = clouds(classes=classes)
    fit = linear_start(states, labels, classes + 1)
    logits = states @ fit.weight.T + fit.bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    assert p[:, classes].max() < 0.05
    assert (logits[:, :classes].argmax(1) == labels).mean() > 0.9


def test_ngrams_join_where_the_states_know_nothing_and_stay_out_where_they_only_add_noise():
    generator = np.random.default_rng(1)
    labels = np.arange(200) % 2
    blind = generator.normal(size=(200, 8)).astype(np.float32)
    telling = [f"part {'AX-7' if y else 'QQ-3'} {generator.integers(99)}" for y in labels]
    counts = count_ngrams(telling)
    features = weigh_ngrams(counts, inverse_frequency(counts))
    assert linear_start(blind, labels, 2, features).scale > 0
    states, same = clouds(classes=2)
    empty = count_ngrams(["same words"] * len(same))
    assert linear_start(states, same, 2, weigh_ngrams(empty, inverse_frequency(empty))).scale == 0


def test_weighed_ngrams_are_sublinear_tfidf():
    # Hashing only names the columns, so the Gram matrix of scikit-learn's own tf-idf is the oracle.
    texts = ["oil leak", "oil oil oil filter", "油漏れ 3/4", "fan belt", "oil leak"]
    counts = count_ngrams([*texts, ""])
    features = weigh_ngrams(counts, inverse_frequency(counts))
    oracle = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    expected = oracle.fit_transform([*texts, ""])
    np.testing.assert_allclose(
        (features @ features.T).toarray(), (expected @ expected.T).toarray(), atol=1e-6
    )


def test_a_surface_term_reads_texts_as_it_was_fitted_and_comes_back_from_its_tensors():
    texts = ["oil leak", "fan belt", "oil filter"]
    counts = count_ngrams(texts)
    idf = inverse_frequency(counts)
    weight = np.random.default_rng(0).normal(size=(2, counts.shape[1])).astype(np.float32)
    term = SurfaceTerm(idf, weight)
    expected = weigh_ngrams(counts, idf) @ weight.T
    np.testing.assert_allclose(term.logits(texts).numpy(), expected, rtol=1e-5)
    again = SurfaceTerm.from_tensors(term.tensors())
    np.testing.assert_allclose(again.logits(texts).numpy(), expected, atol=2e-3)  # kept in float16
    assert SurfaceTerm.from_tensors({}) is None
