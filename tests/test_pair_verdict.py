"""The verdict between a model and a plain rival, as the terminal and the page Evidence write it."""

import numpy as np
import pytest

from core.stats.verdict import EMBEDDING, judge_pair

LABELS = np.array([0, 1] * 50)
SURE = np.where(LABELS[:, None] == np.arange(2), 0.9, 0.1)
UNSURE = np.full((100, 2), 0.5)


@pytest.mark.parametrize(("language", "stop"), [("en", "."), ("ja", "。")])
@pytest.mark.parametrize("rival", [EMBEDDING, "TF-IDF + LR"])
@pytest.mark.parametrize(
    ("ours", "theirs", "winner"),
    [(SURE, UNSURE, "model"), (UNSURE, SURE, "rival"), (SURE, SURE, "neither")],
)
def test_a_verdict_is_a_whole_sentence(language, stop, rival, ours, theirs, winner):
    verdict = judge_pair("student", ours, rival, theirs, LABELS)
    text = verdict.sentence(language)
    assert verdict.winner == winner
    assert text.endswith(stop)
    assert not text[0].islower() or text.startswith(("student", rival))
    assert "100" in text  # the number of cases
