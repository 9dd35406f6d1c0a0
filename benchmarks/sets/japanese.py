"""Japanese descriptions of Debian packages and the archive section each package is in, by the
multilingual encoder.

Translation-ja joined to Packages by Description-md5. The 8 largest sections are the labels (libs,
devel, libdevel, ... share much of their wording, so the label is truly uncertain); the next 4 are
out of distribution. Packages of one source have nearly the same description, so a source is in one
split only.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.sets import BenchmarkSet, Labelled
from benchmarks.sets.debian import index_files
from core.pipeline.bases import fetch_e5

LABELS, OUT = 8, 4  # sections
TRAIN, ANCHOR, TEST, OOD = 800, 300, 1000, 300  # texts
# of a description's beginning, about 55 tokens: more costs time and says little more
CHARACTERS = 100
_FIELD = re.compile(r"^([A-Za-z0-9-]+): (.*(?:\n .*)*)$", re.MULTILINE)


@dataclass(frozen=True)
class Description:
    """One package's Japanese description, its section, and the source it was built from."""

    text: str
    section: str
    source: str


def load(cache: Path, seed: int) -> BenchmarkSet:
    """A draw of sources by `seed`. Raises FetchError where the indexes or the encoder cannot be
    had.
    """
    translations, packages = (
        "\n\n".join(file.read_text(encoding="utf-8") for file in index_files(pattern, cache))
        for pattern in ("*_i18n_Translation-ja", "*_Packages")
    )
    rows = join(translations, packages)
    sections = by_size(rows)
    labels, out = tuple(sorted(sections[:LABELS])), sections[LABELS : LABELS + OUT]
    rows = shuffled_by_source(rows, np.random.default_rng(seed))
    seen = [row for row in rows if row.section in labels]
    train, rest = split_by_source(seen, TRAIN)
    anchor, rest = split_by_source(rest, ANCHOR)
    return BenchmarkSet(
        name="japanese",
        labels=labels,
        base=str(fetch_e5(cache)),
        readout="classify",
        train=_labelled(train, labels),
        anchor=_labelled(anchor, labels),
        test=_labelled(rest[:TEST], labels),
        ood=[row.text for row in rows if row.section in out][:OOD],
        note=f"first {CHARACTERS} characters of the Japanese description; {len(train)} training, {len(anchor)} anchor, "
        f"{len(rest[:TEST])} test of sections {', '.join(labels)}, split by source; out of distribution: {', '.join(out)}",
    )


def join(translations: str, packages: str) -> list[Description]:
    """Every description whose md5 a package has, once each, in the translations' order."""
    known = {}
    for stanza in packages.split("\n\n"):
        fields = dict(_FIELD.findall(stanza))
        if "Description-md5" in fields:
            source = fields.get("Source", fields["Package"]).split()[0]
            known[fields["Description-md5"]] = (fields["Section"].split("/")[-1], source)
    found = {}
    for stanza in translations.split("\n\n"):
        fields = dict(_FIELD.findall(stanza))
        md5 = fields.get("Description-md5")
        if md5 in known and "Description-ja" in fields:
            found[md5] = Description(_beginning(fields["Description-ja"]), *known[md5])
    return list(found.values())


def by_size(rows: list[Description]) -> list[str]:
    """Sections, the one with most descriptions first; equal ones by name."""
    names, counts = np.unique([row.section for row in rows], return_counts=True)
    return [str(names[i]) for i in np.lexsort((names, -counts))]


def shuffled_by_source(
    rows: list[Description], generator: np.random.Generator
) -> list[Description]:
    """Sources in an order drawn by the generator; what is of one source stays together."""
    sources = sorted({row.source for row in rows})
    place = dict(zip(sources, generator.permutation(len(sources)), strict=True))
    return sorted(rows, key=lambda row: place[row.source])


def split_by_source(
    rows: list[Description], size: int
) -> tuple[list[Description], list[Description]]:
    """The first rows, at least `size`, up to the end of a source; and the rest."""
    cut = min(size, len(rows))
    while 0 < cut < len(rows) and rows[cut].source == rows[cut - 1].source:
        cut += 1
    return rows[:cut], rows[cut:]


def _beginning(description: str) -> str:
    """The first CHARACTERS of the text: the body's lines are joined without a blank, as Japanese
    is; " ." is an empty line.
    """
    head, *body = (line.strip() for line in description.split("\n"))
    return f"{head} {''.join(line for line in body if line != '.')}".strip()[:CHARACTERS]


def _labelled(rows: list[Description], labels: tuple[str, ...]) -> Labelled:
    return Labelled(
        [row.text for row in rows],
        np.array([labels.index(row.section) for row in rows], dtype=np.int64),
    )
