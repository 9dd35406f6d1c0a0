"""Package descriptions of Debian's archive in one language, each with its section and its source.

Translation-xx is joined to Packages by Description-md5. Packages of one source have nearly the same
description, so a source is in one split only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.sets import BenchmarkSet, Labelled
from benchmarks.sets.debian import index_files

_FIELD = re.compile(r"^([A-Za-z0-9-]+): (.*(?:\n .*)*)$", re.MULTILINE)


@dataclass(frozen=True)
class Description:
    """One package's description as the archive writes it, its section and its source."""

    text: str
    section: str
    source: str


@dataclass(frozen=True)
class SectionsPlan:
    """How descriptions become a set: numbers of sections and of texts, and words about it."""

    name: str
    labels: int  # the largest sections
    out: int  # the next ones, out of distribution
    train: int
    test: int
    ood: int
    beginning: str  # what is taken of a description, for the note


def sections_set(
    plan: SectionsPlan, rows: list[Description], base: str, seed: int, train_texts: int
) -> BenchmarkSet:
    """Return the set of these descriptions, sources drawn by `seed`.

    plan: the sizes. rows: descriptions cut to their beginnings. base: the pre-trained model. seed:
    of the draw. train_texts: at most this many of the plan's training texts; the test stays.
    """
    sections = sections_by_size(rows)
    labels = tuple(sorted(sections[: plan.labels]))
    out = sections[plan.labels : plan.labels + plan.out]
    rows = shuffle_by_source(rows, np.random.default_rng(seed))
    train, rest = split_by_source([row for row in rows if row.section in labels], plan.train)
    if train_texts < plan.train:
        train, _ = split_by_source(train, train_texts)
    return BenchmarkSet(
        name=plan.name,
        labels=labels,
        base=base,
        readout="classify",
        train=labelled_descriptions(train, labels),
        test=labelled_descriptions(rest[: plan.test], labels),
        ood=[row.text for row in rows if row.section in out][: plan.ood],
        note=f"{plan.beginning}; {len(train)} training, {len(rest[: plan.test])} test of sections "
        f"{', '.join(labels)}, split by source; out of distribution: {', '.join(out)}",
    )


def read_descriptions(cache: Path, language: str) -> list[Description]:
    """Return the archive's descriptions in `language`. Raises FetchError."""
    translations, packages = (
        "\n\n".join(file.read_text(encoding="utf-8") for file in index_files(pattern, cache))
        for pattern in (f"*_i18n_Translation-{language}", "*_Packages")
    )
    return join_descriptions(translations, packages, language)


def join_descriptions(translations: str, packages: str, language: str) -> list[Description]:
    """Return every description whose md5 a package has, once, in the translations' order."""
    known = {}
    for fields in _stanzas(packages):
        if "Description-md5" in fields:
            source = fields.get("Source", fields["Package"]).split()[0]
            known[fields["Description-md5"]] = (fields["Section"].split("/")[-1], source)
    descriptions = {}
    for fields in _stanzas(translations):
        md5, text = fields.get("Description-md5"), fields.get(f"Description-{language}")
        if md5 in known and text:
            descriptions[md5] = Description(text, *known[md5])
    return list(descriptions.values())


def description_lines(text: str) -> tuple[str, list[str]]:
    """A description -> its head and the lines of its body; " ." stands for an empty line."""
    head, *body = (line.strip() for line in text.split("\n"))
    return head, [line for line in body if line != "."]


def sections_by_size(rows: list[Description]) -> list[str]:
    """Return the sections, the one with most descriptions first; equal ones by name."""
    names, counts = np.unique([row.section for row in rows], return_counts=True)
    return [str(names[i]) for i in np.lexsort((names, -counts))]


def shuffle_by_source(rows: list[Description], generator: np.random.Generator) -> list[Description]:
    """Return the rows, sources in an order drawn by the generator, each source together."""
    sources = sorted({row.source for row in rows})
    place = dict(zip(sources, generator.permutation(len(sources)), strict=True))
    return sorted(rows, key=lambda row: place[row.source])


def split_by_source(
    rows: list[Description], size: int
) -> tuple[list[Description], list[Description]]:
    """Return the first rows, at least `size`, up to the end of a source; and the rest."""
    cut = min(size, len(rows))
    while 0 < cut < len(rows) and rows[cut].source == rows[cut - 1].source:
        cut += 1
    return rows[:cut], rows[cut:]


def labelled_descriptions(rows: list[Description], labels: tuple[str, ...]) -> Labelled:
    """Return the rows' texts and the positions of their sections."""
    positions = [labels.index(row.section) for row in rows]
    return Labelled([row.text for row in rows], np.array(positions, dtype=np.int64))


def _stanzas(index: str) -> Iterator[dict[str, str]]:
    return (dict(_FIELD.findall(stanza)) for stanza in index.split("\n\n"))
