"""The benchmark of small clean sets: its strange texts are strange, and its start alone is measured."""

from benchmarks import clean_cases
from tests import tiny


def test_strange_texts_have_no_word_of_a_class():
    texts, _ = clean_cases.make_cases(0, 400, 50)
    known = {word for text in texts for word in text.split()}
    strange = {word for text in clean_cases.strange_texts(0, 50) for word in text.split()}
    assert strange
    assert not strange & known


def test_the_start_alone_is_measured(tmp_path):
    row = clean_cases.measure_start(0, 40, 2, str(tiny.make_encoder(tmp_path)))
    assert (row["size"], row["classes"]) == (40, 2)
    assert 0 <= row["linear"] <= 1
    assert 0 <= row["sure_of_strange"] <= 1
    assert row["nll"] > 0
    clean_cases.print_totals([row], 1)
