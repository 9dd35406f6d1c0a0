"""English descriptions of Debian packages -> archive section: the large set.

The 16 largest sections but "doc" are the labels, the next 6 are out of distribution. "doc" says
what a package holds, not what it is about, and would be half of the errors.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.sets import BenchmarkSet
from benchmarks.sets.descriptions import (
    description_lines,
    labelled_descriptions,
    read_descriptions,
    sections_by_size,
    shuffle_by_source,
    split_by_source,
)
from core.cases.fetch import fetch_minilm

LABELS, OUT = 16, 6  # sections
LEFT_OUT = ("doc", "misc", "metapackages", "oldlibs", "debug")  # about form, not content
TRAIN, TEST, OOD = 20_000, 3000, 1000  # texts
WORDS = 24  # of a description's beginning, about 32 word pieces of MiniLM


def load(cache: Path, seed: int, train_texts: int = TRAIN) -> BenchmarkSet:
    """Return a draw of sources by `seed`. Raises FetchError where the indexes cannot be had."""
    rows = [
        replace(row, text=english_beginning(row.text))
        for row in read_descriptions(cache, "en")
        if row.section not in LEFT_OUT
    ]
    sections = sections_by_size(rows)
    labels, out = tuple(sorted(sections[:LABELS])), sections[LABELS : LABELS + OUT]
    rows = shuffle_by_source(rows, np.random.default_rng(seed))
    train, rest = split_by_source([row for row in rows if row.section in labels], TRAIN)
    train, _ = split_by_source(train, train_texts)
    return BenchmarkSet(
        name="packages",
        labels=labels,
        base=str(fetch_minilm(cache)),
        readout="classify",
        train=labelled_descriptions(train, labels),
        test=labelled_descriptions(rest[:TEST], labels),
        ood=[row.text for row in rows if row.section in out][:OOD],
        note=f"first {WORDS} words of the English description; {len(train)} training, "
        f"{len(rest[:TEST])} test of sections {', '.join(labels)}, split by source; out of "
        f"distribution: {', '.join(out)}",
    )


def english_beginning(description: str) -> str:
    """Return the first WORDS of head and body."""
    head, body = description_lines(description)
    return " ".join(" ".join([head, *body]).split()[:WORDS])
