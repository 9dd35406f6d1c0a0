"""Benchmark sets: loading by name, cutting down, reading the newsgroups' file."""

import numpy as np
import pytest

from benchmarks.sets import BenchmarkSet, Labelled, load, newsgroups, reduced
from core.errors import SettingsError


def some(n):
    part = Labelled([f"text {i}" for i in range(n)], np.arange(n) % 2)
    return BenchmarkSet(
        "s",
        ("a", "b"),
        "base",
        "classify",
        part,
        part,
        part,
        [f"other {i}" for i in range(n)],
        "note",
    )


@pytest.mark.parametrize("name", ["nothing", "../sets", "os.path", ""])
def test_an_unknown_set_is_refused_by_name(name, tmp_path):
    with pytest.raises(SettingsError, match="is not known: use one of workorders, newsgroups"):
        load(name, tmp_path, 0)


def test_a_reduced_set_keeps_texts_with_their_labels_and_leaves_training_whole():
    data = reduced(some(10), 4)
    assert len(data.test.texts) == len(data.ood) == 4
    assert [int(text.split()[1]) % 2 for text in data.test.texts] == data.test.labels.tolist()
    assert len(data.train.texts) == 10
    assert "at most 4 test" in data.note
    assert reduced(some(10), None).note == "note"


def test_newsgroups_are_cut_to_their_first_words_and_too_short_ones_left_out(tmp_path):
    long = " ".join(f"w{i}" for i in range(100))
    rows = [
        "Category\tText",
        "d\tstring",
        "class\t",
        "",
        f"sci.med\t{long}",
        "sci.med\ttoo short",
        "rec.autos\ta b c d e",
    ]
    path = tmp_path / "news.tab"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    read = newsgroups._read(path, np.random.default_rng(0))
    assert sorted(group for group, _ in read) == ["rec.autos", "sci.med"]
    assert dict(read)["sci.med"] == " ".join(f"w{i}" for i in range(newsgroups.WORDS))
