"""Japanese descriptions of Debian packages -> archive section, by the multilingual encoder.

The 8 largest sections are the labels (libs, devel, libdevel, ... share much of their wording, so
the label is truly uncertain); the next 4 are out of distribution.
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
from core.pipeline.bases import fetch_e5

CHARACTERS = 100  # of a description's beginning, about 55 tokens: more costs time, says little more
NOTE = f"first {CHARACTERS} characters of the Japanese description"
PLAN = SectionsPlan("japanese", labels=8, out=4, train=1100, test=1000, ood=300, beginning=NOTE)


def load(cache: Path, seed: int) -> BenchmarkSet:
    """Return a draw of sources by `seed`. Raises FetchError."""
    rows = [
        replace(row, text=japanese_beginning(row.text)) for row in read_descriptions(cache, "ja")
    ]
    return sections_set(PLAN, rows, str(fetch_e5(cache)), seed, PLAN.train)


def japanese_beginning(description: str) -> str:
    """Return the first CHARACTERS; the body's lines join without a blank, as Japanese does."""
    head, body = description_lines(description)
    return f"{head} {''.join(body)}".strip()[:CHARACTERS]
