"""Benchmark sets: loading by name, cutting down, reading the newsgroups' file."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.sets import (
    BenchmarkSet,
    Labelled,
    fields,
    load,
    newsgroups,
    packages,
    reduced,
    with_anchor,
)
from core.errors import SettingsError


def some(n):
    part = Labelled([f"text {i}" for i in range(n)], np.arange(n) % 2)
    ood = [f"other {i}" for i in range(n)]
    return BenchmarkSet("s", ("a", "b"), "base", "classify", part, part, ood, "note")


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
    read = newsgroups.read_posts(path, np.random.default_rng(0))
    assert sorted(group for group, _ in read) == ["rec.autos", "sci.med"]
    assert dict(read)["sci.med"] == " ".join(f"w{i}" for i in range(newsgroups.WORDS))


def test_a_reduced_training_part_keeps_its_order_and_spreads_evenly():
    data = reduced(some(10), None, train_cases=5)
    assert data.train.texts == [f"text {i}" for i in (0, 2, 4, 6, 8)]
    assert data.note == "note; 5 of the training texts"
    assert len(reduced(some(10), None, train_cases=50).train.texts) == 10


def test_the_anchor_is_the_last_fifth_and_no_text_is_in_both():
    data = with_anchor(some(10))
    assert data.train.texts == [f"text {i}" for i in range(8)]
    assert data.anchor.texts == ["text 8", "text 9"]
    assert data.anchor.labels.tolist() == [0, 1]


# --- fields of the work orders --------------------------------------------------------------------

ORDERS = pd.DataFrame(
    {
        "BscStartDate": ["2009-01-01", "2003-01-01", "2008-05-01", "2004-01-01", "2010-01-01"],
        "OriginalShorttext": ["fit  hose", "Fit hose", "left door", "swap", ""],
        "Location": ["Left", "NA", "Left", "Right", "NA"],
    }
)


def test_a_text_is_used_once_in_the_split_of_its_first_order():
    earlier, later = fields.split_orders(ORDERS, "Location")
    assert earlier["text"].tolist() == ["Fit hose", "swap"]
    assert later["text"].tolist() == ["left door"]
    assert later["value"].tolist() == ["Left"]


def test_the_question_lists_the_constant_options():
    prompt = fields.field_prompt("FIT HOSE", fields.FIELDS["side"])
    assert prompt == "Order: FIT HOSE\nSide: none, right or left?"


# --- English descriptions -------------------------------------------------------------------------


def test_an_english_beginning_joins_head_and_body_with_blanks():
    words = " ".join(f"w{i}" for i in range(60))
    text = packages.english_beginning(f"A tool\n that cuts\n .\n {words}")
    assert text.startswith("A tool that cuts w0 w1")
    assert len(text.split()) == packages.WORDS
