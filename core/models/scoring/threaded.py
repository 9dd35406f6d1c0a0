"""A model on a CPU whose threads take texts each, in place of sharing every product of a batch.

torch's threads meet after every product, a hundred times a pass. Where another process wants the
same cores, as the callers of a gate do, each meeting waits for it. A text alone is computed by the
thread that asks; of several, each thread computes a part from beginning to end. Knows torch's number
of threads and the model's `scores(texts)`, no gate.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch

from core.models.scoring.scorers import OnePass, Teacher
from core.models.scoring.spread import Scores

LEAST_TEXTS = 4  # of a part: below it a pass costs more than it shares
LONG_TEXT = 400  # characters; a text alone that is longer is worth all threads


class ThreadedScorer:
    """A one-pass model whose batches are divided among as many threads as torch had.

    From here on torch computes in one thread in this process. One thread at a time asks.
    """

    def __init__(self, model: OnePass):
        self.model, self.threads = model, torch.get_num_threads()
        torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(self.threads, "scorer")

    def scores(self, texts: Sequence[str]) -> Scores:
        """Return the scores of the texts, in their order; raises what the model raises."""
        parts = divide_texts(texts, min(self.threads, len(texts) // LEAST_TEXTS))
        if len(parts) > 1:
            answers = self._pool.map(
                lambda part: self.model.scores([texts[i] for i in part]), parts
            )
            return joined_scores(list(answers), parts)
        if len(texts) != 1 or len(texts[0]) <= LONG_TEXT:
            return self.model.scores(texts)
        torch.set_num_threads(self.threads)
        try:
            return self.model.scores(texts)
        finally:
            torch.set_num_threads(1)


def gate_scorer(model: OnePass | Teacher) -> ThreadedScorer | OnePass | Teacher:
    """Return what serves a model: on a CPU its texts are divided among threads.

    A teacher has one set of maps, on which its draws are set while it computes, and offloaded blocks
    have their weights only while they compute: neither is divided.
    """
    divisible = model.backbone.device.type == "cpu" and not model.backbone.offloaded
    return ThreadedScorer(model) if divisible and isinstance(model, OnePass) else model


def divide_texts(texts: Sequence[str], parts: int) -> list[np.ndarray]:
    """Return the texts' positions in `parts` groups of about equal length, like lengths together.

    >>> [group.tolist() for group in divide_texts(["aaaa", "a", "aa", "a"], 2)]
    [[1, 3, 2], [0]]
    """
    lengths = np.array([len(text) for text in texts])
    order = np.argsort(lengths, kind="stable")
    if parts < 2:
        return [order]
    done = np.cumsum(lengths[order])
    cuts = np.searchsorted(done, done[-1] * np.arange(1, parts) / parts, side="right")
    return [group for group in np.split(order, cuts) if len(group)]


def joined_scores(answers: Sequence[Scores], parts: Sequence[np.ndarray]) -> Scores:
    """Return the scores of all parts as one, in the order of the positions in `parts`."""
    back = np.argsort(np.concatenate(parts))

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(answer, name) for answer in answers])[back]

    scores = Scores(*map(joined, ("probabilities", "total", "aleatoric", "epistemic")))
    return scores if answers[0].novelty is None else replace(scores, novelty=joined("novelty"))
