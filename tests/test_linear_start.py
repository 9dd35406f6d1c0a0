"""The blend that heads start at: what it learns, what its folds choose, what classes it has."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union
from sklearn.preprocessing import normalize

from core.models.scoring.surface import SPACE, SurfaceTerm, Vocabulary, count_ngrams
from core.models.training import linear_start as module
from core.models.training.linear_start import (
    StartChoice,
    blend_weights,
    held_out_offsets,
    linear_start,
    stratified_folds,
)

STATES_ALONE = StartChoice(0.03, 1.0, 1.0, 0.0)
NGRAMS_ALONE = StartChoice(0.03, 10.0, 0.0, 1.0)


def clouds(n: int = 240, classes: int = 3, seed: int = 0):
    """States of mean square about 1 around a centre a class, and label positions."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = generator.normal(size=(classes, 8))
    return (centres[labels] + 0.3 * generator.normal(size=(n, 8))).astype(np.float32), labels


def part_orders(n: int = 120):
    """Texts in which a part number gives the label away, label positions, states of pure noise."""
    generator = np.random.default_rng(1)
    labels = np.arange(n) % 2
    texts = [f"part {'AX-7' if y else 'QQ-3'} {generator.integers(99)}" for y in labels]
    return texts, labels, generator.normal(size=(n, 8)).astype(np.float32)


def features_of(texts, most: int = 10_000):
    counts = count_ngrams(texts)
    return Vocabulary.from_counts(counts, most).weigh(counts)


def test_it_separates_what_a_line_separates():
    states, labels = clouds()
    fit = linear_start(states, labels, 3)
    assert ((states @ fit.weight.T + fit.bias).argmax(1) == labels).mean() > 0.95
    assert fit.surface is None
    assert fit.nll["blend"] <= fit.nll["states"]


def test_what_was_chosen_before_is_not_chosen_again():
    states, labels = clouds()
    fit = linear_start(states, labels, 3, choice=STATES_ALONE)
    assert (fit.choice, fit.nll) == (STATES_ALONE, {})
    double = linear_start(states, labels, 3, choice=STATES_ALONE._replace(weight=2.0))
    np.testing.assert_allclose(double.weight, 2 * fit.weight)
    np.testing.assert_allclose(double.bias, 2 * fit.bias)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_without_a_case_is_rarer_than_any_that_has_one(classes):
    states, labels = clouds(classes=classes)
    fit = linear_start(states, labels, classes + 1)
    logits = states @ fit.weight.T + fit.bias
    assert softmax(logits, axis=1)[:, classes].max() < 0.05
    assert (logits[:, :classes].argmax(1) == labels).mean() > 0.9


def test_ngrams_that_say_nothing_get_weight_0():
    states, labels = clouds(classes=2)
    fit = linear_start(states, labels, 2, features_of(["same words"] * len(labels)))
    assert fit.choice.surface_weight == pytest.approx(0.0, abs=1e-6)


def test_states_that_say_nothing_leave_the_blend_to_the_ngrams():
    texts, labels, noise = part_orders()
    features = features_of(texts)
    fit = linear_start(noise, labels, 2, features)
    alone = linear_start(noise, labels, 2, features, fit.choice._replace(weight=0.0))
    blend, words = (
        softmax(noise @ f.weight.T + f.bias + features @ f.surface.T, axis=1) for f in (fit, alone)
    )
    assert (blend.argmax(1) == labels).all()
    np.testing.assert_allclose(blend, words, atol=0.05)


@pytest.mark.parametrize("spanned", [module.SPANNED, 0])
def test_ngrams_alone_are_scikit_learns_regression_on_them(spanned, monkeypatch):
    monkeypatch.setattr(module, "SPANNED", spanned)
    texts, labels, noise = part_orders()
    features = features_of(texts)
    fit = linear_start(noise, labels, 2, features, NGRAMS_ALONE)
    # Two rows w and -w with a penalty of |w|^2 each are one row u = 2 w with half of |u|^2.
    theirs = LogisticRegression(C=2 * 10.0, tol=1e-8, max_iter=1000).fit(features, labels)
    ours = softmax(features @ fit.surface.T + fit.bias, axis=1)
    np.testing.assert_allclose(ours, theirs.predict_proba(features), atol=0.01)


def test_a_model_that_guesses_gets_weight_0_and_an_overconfident_one_is_cooled():
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 2, 4000)
    right = generator.random(4000) < 0.8
    votes = np.where(right, labels, 1 - labels)
    logits = np.log(np.where(np.arange(2) == votes[:, None], 0.99, 0.01))
    guesses = np.zeros_like(logits)
    weights = blend_weights(np.stack([logits, guesses]), labels)
    # The best answer is the true share: weight * log(99) = log(share / (1 - share)).
    share = right.mean()
    assert weights[0] == pytest.approx(np.log(share / (1 - share)) / np.log(99), abs=1e-3)
    noise = log_softmax(generator.normal(size=(4000, 2)), axis=1)
    assert blend_weights(np.stack([logits, noise]), labels)[1] < 0.1


def test_few_faultless_cases_do_not_make_a_blend_sure():
    """40 held-out cases without a fault: by the rule of succession the next is right with
    probability 41 / 42, which the mean confidence of the blend may not exceed.
    """
    labels = np.arange(40) % 3
    logits = log_softmax(2.0 * np.eye(3)[labels], axis=1)
    blend = softmax(blend_weights(np.stack([logits]), labels)[0] * logits, axis=1)
    assert blend[np.arange(40), labels] == pytest.approx(41 / 42, abs=1e-4)


def test_no_fold_knows_the_label_of_a_case_that_it_holds_out(monkeypatch):
    texts, labels, _ = part_orders()
    features = features_of(texts)
    offsets = held_out_offsets(features, labels, 2, NGRAMS_ALONE)
    folds = stratified_folds(labels)
    train, held_out = folds[0]
    changed = labels.copy()
    changed[held_out] = 1 - changed[held_out]
    monkeypatch.setattr(module, "stratified_folds", lambda labels: folds)
    again = held_out_offsets(features, changed, 2, NGRAMS_ALONE)
    np.testing.assert_allclose(again[held_out], offsets[held_out], atol=1e-9)
    assert np.abs(again[train] - offsets[train]).max() > 1e-3


def test_a_vocabulary_is_scikit_learns_tfidf_of_the_most_frequent_ngrams():
    texts = ["oil leak", "fan belt", "oil filter"]
    counts = count_ngrams(texts)
    two = Vocabulary.from_counts(counts[:, SPACE:], 1)
    oil = HashingVectorizer(n_features=SPACE, alternate_sign=False, norm=None).transform(["oil"])
    assert two.columns.tolist() == oil.indices.tolist()
    assert two.idf.tolist() == pytest.approx([np.log(4 / 3) + 1])
    assert two.weigh(count_ngrams(["xyz"])[:, SPACE:]).nnz == 0


def test_weighed_ngrams_are_sublinear_tfidf():
    # Hashing only names the columns, so the Gram matrix of scikit-learn's own tf-idf is the oracle.
    texts = ["oil leak", "oil oil oil filter", "油漏れ 3/4", "fan belt", "oil leak", ""]
    features = features_of(texts)
    oracle = make_union(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    )
    expected = oracle.fit_transform(texts)
    np.testing.assert_allclose(
        (features @ features.T).toarray(), (expected @ expected.T).toarray(), atol=1e-6
    )


def test_a_surface_term_reads_texts_as_it_was_fitted_and_comes_back_from_its_tensors():
    texts = ["oil leak", "fan belt", "oil filter"]
    counts = count_ngrams(texts)
    vocabulary = Vocabulary.from_counts(counts, 1000)
    weight = np.random.default_rng(0).normal(size=(2, len(vocabulary.columns))).astype(np.float32)
    term = SurfaceTerm(vocabulary, weight)
    expected = vocabulary.weigh(counts) @ weight.T
    np.testing.assert_allclose(term.logits(texts).numpy(), expected, rtol=1e-5)
    again = SurfaceTerm.from_tensors(term.tensors())
    np.testing.assert_allclose(again.logits(texts).numpy(), expected, atol=2e-3)  # kept in float16
    assert SurfaceTerm.from_tensors({}) is None


def test_a_term_of_an_earlier_version_answers_as_it_did():
    generator = np.random.default_rng(0)
    idf = (1 + generator.random(1 << 16)).astype(np.float32)
    weight = generator.normal(size=(2, 1 << 16)).astype(np.float32)
    term = SurfaceTerm(Vocabulary(np.arange(1 << 16, dtype=np.int32), idf), weight)
    stored = {k: v for k, v in term.tensors().items() if k != "surface:columns"}
    texts = ["oil leak", "fan belt"]
    counts = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), n_features=1 << 16, alternate_sign=False, norm=None
    ).transform(texts)
    counts.data = 1 + np.log(counts.data)
    expected = normalize(counts.multiply(idf).tocsr()) @ weight.T
    older = SurfaceTerm.from_tensors(stored)
    np.testing.assert_allclose(older.logits(texts).numpy(), expected, atol=2e-3)
    assert older.tensors().keys() == stored.keys()
