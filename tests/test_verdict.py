"""Who wins: a model or a plain rival, paired case by case."""

import numpy as np
import pytest
from scipy.special import softmax

from core.report.evidence import rival_verdict
from core.stats.calibration import nll
from core.stats.verdict import EMBEDDING, judge_pair
from tests.stores import make_store


def drawn(n, seed=0):
    """Logits, and labels drawn from them."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, 3)) * 2
    p = softmax(logits, axis=1)
    return logits, (p.cumsum(1) > random.random((n, 1))).argmax(1)


def test_the_true_probabilities_beat_flatter_ones_and_the_differences_are_the_means():
    logits, labels = drawn(600)
    true, flat = softmax(logits, axis=1), softmax(logits / 3, axis=1)
    found = judge_pair("m", flat, EMBEDDING, true, labels)
    assert found.winner == "rival"
    assert found.nll.value == pytest.approx(nll(flat, labels) - nll(true, labels))
    assert 0 < found.nll.low <= found.nll.value <= found.nll.high
    assert found.accuracy.value == 0  # the same answers
    turned = judge_pair("m", true, EMBEDDING, flat, labels)
    assert turned.winner == "model"
    assert turned.nll.value == pytest.approx(-found.nll.value)


def test_equal_answers_have_no_winner_and_no_case_no_figure():
    logits, labels = drawn(50)
    p = softmax(logits, axis=1)
    assert judge_pair("m", p, "r", p, labels).winner == "neither"
    assert judge_pair("m", p[:0], "r", p[:0], labels[:0]).nll.value is None


def test_the_sentence_names_the_winner_its_gain_and_how_to_ship_the_rival():
    logits, labels = drawn(600)
    true, flat = softmax(logits, axis=1), softmax(logits / 3, axis=1)
    lost = judge_pair("line-student", flat, EMBEDDING, true, labels)
    text = lost.sentence("en")
    assert text.startswith("embedding + LR beats line-student on 600 cases: NLL lower by 0.")
    assert f"({lost.nll.low:.3f} to {lost.nll.high:.3f})" in text
    assert "--teacher none" in text
    assert "--teacher none" in lost.sentence("ja")
    assert "--teacher none" not in judge_pair("m", flat, "TF-IDF + LR", true, labels).sentence("en")
    won = judge_pair("line-student", true, EMBEDDING, flat, labels)
    assert won.sentence("en").startswith(
        "line-student beats embedding + LR on 600 cases: NLL lower by 0."
    )
    assert f"({-won.nll.high:.3f} to {-won.nll.low:.3f})" in won.sentence("en")


def test_two_runs_are_compared_on_the_cases_of_both_whatever_their_order(tmp_path):
    store = make_store(tmp_path, "full")
    runs = {r.run.model_kind: r.run for r in store.runs("score") if r.run.role == "stream"}
    columns = ["case_id", "label", "outcome", "probabilities"]
    ours, theirs = (store.predictions(runs[k].run_id, columns) for k in ("student", "point"))
    labels = runs["student"].labels
    found = rival_verdict(ours, theirs, labels, "m", "r")
    mixed = rival_verdict(ours, theirs.sample(frac=1, random_state=0), labels, "m", "r")
    assert found == mixed
    assert found.nll.n == ours["outcome"].isin(["right", "wrong"]).sum()
    gap = (ours["outcome"] == "right").sum() - (theirs["outcome"] == "right").sum()
    assert found.accuracy.value == pytest.approx(gap / found.accuracy.n)
