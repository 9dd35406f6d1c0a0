"""Benchmark sets by name: `load("newsgroups", cache, seed)` gives its texts and labels.

Each set comes from one file of this folder with `load(cache, seed, ...) -> BenchmarkSet`, which
downloads into `cache` what is missing. This file knows what a set is, not where any comes from.
"""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import SettingsError

# name -> (file of this folder, its options)
LOADERS: dict[str, tuple[str, dict]] = {
    "workorders": ("workorders", {}),
    "newsgroups": ("newsgroups", {"train_texts": 600}),
    "newsgroups-all": ("newsgroups", {"train_texts": None}),
    "japanese": ("japanese", {}),
    "packages": ("packages", {}),
    "packages-3000": ("packages", {"train_texts": 3000}),
    "mails": ("mails", {}),
    "orders-action": ("fields", {"field": "action"}),
    "orders-fault": ("fields", {"field": "fault"}),
    "orders-side": ("fields", {"field": "side"}),
    "exam": ("exam", {}),
}
NAMES = tuple(
    name for name in LOADERS if name != "exam"
)  # exam questions are at chance: by name only
ANCHOR_SHARE = 0.2  # the latest share of the labels that `with_anchor` holds out


@dataclass(frozen=True)
class Labelled:
    """Texts [n] and the position of each one's label [n], np.int64, in the set's `labels`."""

    texts: list[str]
    labels: np.ndarray

    def at(self, index) -> "Labelled":
        """The cases at these positions, or in this slice, alone."""
        positions = np.arange(len(self.texts))[index]
        return Labelled([self.texts[i] for i in positions], self.labels[positions])


NO_CASES = Labelled([], np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class BenchmarkSet:
    """What every method is trained and judged on.

    A dated set's training texts are earlier than its test's. `anchor` is empty: all labels teach.
    `with_anchor` serves methods that still hold labels out.
    """

    name: str
    labels: tuple[str, ...]
    base: str  # folder of the pre-trained model
    readout: str  # "classify" or "choice"
    train: Labelled
    test: Labelled
    ood: list[str]  # texts of classes that are not in `labels`
    note: str  # origin, sizes, what was cut: one sentence for the results
    anchor: Labelled = NO_CASES
    dated: bool = False  # whether `train` is in the order of time


def load(name: str, cache: Path, seed: int) -> BenchmarkSet:
    """Return the set of that name. The seed draws what the set draws. Raises SettingsError."""
    if name not in LOADERS:
        raise SettingsError(f"benchmark set {name!r} is not known: use one of {', '.join(LOADERS)}")
    module, options = LOADERS[name]
    data = importlib.import_module(f"{__name__}.{module}").load(Path(cache), seed, **options)
    return replace(data, name=name)


def reduced(
    data: BenchmarkSet, cases: int | None, seed: int = 0, train_cases: int | None = None
) -> BenchmarkSet:
    """Return the set with at most `cases` test and OOD texts each, drawn by the seed.

    `train_cases` keeps that many training texts, evenly spread, so that their order in time stays.
    None keeps all.
    """
    if train_cases is not None and train_cases < len(data.train.texts):
        spread = np.arange(train_cases) * len(data.train.texts) // train_cases
        note = f"{data.note}; {train_cases} of the training texts"
        data = replace(data, train=data.train.at(spread), note=note)
    if cases is None:
        return data
    generator = np.random.default_rng(seed)
    test, ood = (generator.permutation(len(texts))[:cases] for texts in (data.test.texts, data.ood))
    return replace(
        data,
        test=data.test.at(test),
        ood=[data.ood[i] for i in ood],
        note=f"{data.note}; at most {cases} test and OOD texts",
    )


def with_anchor(data: BenchmarkSet, share: float = ANCHOR_SHARE) -> BenchmarkSet:
    """Return the set with the last `share` of its training texts as the anchor."""
    cut = len(data.train.texts) - round(share * len(data.train.texts))
    train, anchor = data.train.at(slice(0, cut)), data.train.at(slice(cut, None))
    return replace(data, train=train, anchor=anchor)
