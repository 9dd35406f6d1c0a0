"""English descriptions of Debian packages -> archive section: the large set.

The 16 largest sections but "doc" are the labels, the next 6 are out of distribution. "doc" says
what a package holds, not what it is about, and would be half of the errors.
"""

from dataclasses import replace
from pathlib import Path

from benchmarks.sets import BenchmarkSet
from benchmarks.sets.descriptions import (
    SectionsPlan,
    description_lines,
    read_descriptions,
    sections_set,
)
from core.cases.fetch import fetch_minilm

LEFT_OUT = ("doc", "misc", "metapackages", "oldlibs", "debug")  # about form, not content
WORDS = 24  # of a description's beginning, about 32 word pieces of MiniLM
NOTE = f"first {WORDS} words of the English description"
PLAN = SectionsPlan("packages", labels=16, out=6, train=20_000, test=3000, ood=1000, beginning=NOTE)


def load(cache: Path, seed: int, train_texts: int = PLAN.train) -> BenchmarkSet:
    """Return a draw of sources by `seed`. Raises FetchError where the indexes cannot be had."""
    rows = [
        replace(row, text=english_beginning(row.text))
        for row in read_descriptions(cache, "en")
        if row.section not in LEFT_OUT
    ]
    return sections_set(PLAN, rows, str(fetch_minilm(cache)), seed, train_texts)


def english_beginning(description: str) -> str:
    """Return the first WORDS of head and body."""
    head, body = description_lines(description)
    return " ".join(" ".join([head, *body]).split()[:WORDS])
