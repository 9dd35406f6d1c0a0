"""Japanese descriptions of Debian packages -> archive section, by the multilingual encoder.

The 8 largest sections are the labels (libs, devel, libdevel, ... share much of their wording, so
the label is truly uncertain); the next 4 are out of distribution.
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
from core.pipeline.bases import fetch_e5

LABELS, OUT = 8, 4  # sections
TRAIN, TEST, OOD = 1100, 1000, 300  # texts
CHARACTERS = 100  # of a description's beginning, about 55 tokens: more costs time, says little more


def load(cache: Path, seed: int) -> BenchmarkSet:
    """Return a draw of sources by `seed`. Raises FetchError."""
    rows = [
        replace(row, text=japanese_beginning(row.text)) for row in read_descriptions(cache, "ja")
    ]
    sections = sections_by_size(rows)
    labels, out = tuple(sorted(sections[:LABELS])), sections[LABELS : LABELS + OUT]
    rows = shuffle_by_source(rows, np.random.default_rng(seed))
    train, rest = split_by_source([row for row in rows if row.section in labels], TRAIN)
    return BenchmarkSet(
        name="japanese",
        labels=labels,
        base=str(fetch_e5(cache)),
        readout="classify",
        train=labelled_descriptions(train, labels),
        test=labelled_descriptions(rest[:TEST], labels),
        ood=[row.text for row in rows if row.section in out][:OOD],
        note=f"first {CHARACTERS} characters of the Japanese description; {len(train)} training, "
        f"{len(rest[:TEST])} test of sections {', '.join(labels)}, split by source; out of "
        f"distribution: {', '.join(out)}",
    )


def japanese_beginning(description: str) -> str:
    """Return the first CHARACTERS; the body's lines join without a blank, as Japanese does."""
    head, body = description_lines(description)
    return f"{head} {''.join(body)}".strip()[:CHARACTERS]
