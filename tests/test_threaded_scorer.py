"""A model whose threads take texts each: the same answers, one thread a part, nothing shared."""

import threading

import numpy as np
import pytest
import torch

from core.models.scoring.spread import Scores
from core.models.scoring.threaded import LEAST_TEXTS, LONG_TEXT, ThreadedScorer, divide_texts


class LengthScorer:
    """Answers a text by its length; notes who asked and how many threads torch had."""

    def __init__(self, novelty: bool = True):
        self.calls: list[tuple[int, str, int]] = []
        self.novelty = novelty

    def scores(self, texts):
        if "bad" in texts:
            raise RuntimeError("a bad text")
        name = threading.current_thread().name
        self.calls.append((len(texts), name, torch.get_num_threads()))
        x = np.array([float(len(text)) for text in texts])
        return Scores(np.stack([x, -x], 1), x, 2 * x, 3 * x, x / 100 if self.novelty else None)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


TEXTS = ["a" * (1 + (7 * i) % 23) for i in range(40)]


def test_each_thread_answers_a_part_and_the_answers_are_in_order(two_threads):
    model = LengthScorer()
    answer, expected = ThreadedScorer(model).scores(TEXTS), LengthScorer().scores(TEXTS)
    for name in ("probabilities", "total", "aleatoric", "epistemic", "novelty"):
        assert np.array_equal(getattr(answer, name), getattr(expected, name))
    assert len(model.calls) == 2
    assert all(who.startswith("scorer") and threads == 1 for _, who, threads in model.calls)


def test_a_model_without_novelty_has_none(two_threads):
    assert ThreadedScorer(LengthScorer(novelty=False)).scores(TEXTS).novelty is None


def test_a_short_text_alone_is_computed_by_the_thread_that_asks_without_helpers(two_threads):
    model = LengthScorer()
    scorer, here = ThreadedScorer(model), threading.current_thread().name
    scorer.scores(["a short text"])
    scorer.scores(["a"] * (LEAST_TEXTS - 1))
    scorer.scores(["x" * (LONG_TEXT + 1)])
    assert model.calls == [(1, here, 1), (LEAST_TEXTS - 1, here, 1), (1, here, 2)]
    assert torch.get_num_threads() == 1


def test_a_fault_of_one_part_is_the_fault_of_the_call(two_threads):
    with pytest.raises(RuntimeError, match="a bad text"):
        ThreadedScorer(LengthScorer()).scores([*TEXTS, "bad"])


@pytest.mark.parametrize("parts", [0, 1, 2, 3, 7])
def test_parts_hold_each_text_once_and_about_equal_lengths(parts):
    groups = divide_texts(TEXTS, parts)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(TEXTS)))
    sizes = [sum(len(TEXTS[i]) for i in group) for group in groups]
    assert len(groups) == max(1, parts)
    assert max(sizes) - min(sizes) <= 2 * max(map(len, TEXTS))
