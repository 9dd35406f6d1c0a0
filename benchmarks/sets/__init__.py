"""Benchmark sets by name: `load("newsgroups", cache, seed)` asks benchmarks/sets/newsgroups.py for
its texts and labels.

A set's file has one function, `load(cache, seed) -> BenchmarkSet`; it downloads into `cache` what
is not there yet. This file knows what a set is, not where any comes from.
"""

import importlib.util
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import SettingsError

NAMES = ("workorders", "newsgroups", "exam", "japanese")


@dataclass(frozen=True)
class Labelled:
    """Texts [n] and the position of each one's label [n], np.int64, in the set's `labels`."""

    texts: list[str]
    labels: np.ndarray


@dataclass(frozen=True)
class BenchmarkSet:
    """What every method is trained and judged on. The anchor fits nothing but one scalar (sigma,
    temperature).
    """

    name: str
    labels: tuple[str, ...]
    base: str  # folder of the pre-trained model
    readout: str  # "classify" or "choice"
    train: Labelled
    anchor: Labelled
    test: Labelled
    ood: list[str]  # texts of classes that are not in `labels`; may be empty
    note: str  # origin, sizes, what was cut: one sentence for the results


def load(name: str, cache: Path, seed: int) -> BenchmarkSet:
    """The set of that name. The seed draws what the set draws (a sample of texts, classes held
    out). Raises SettingsError.
    """
    if not re.fullmatch(r"[a-z]+", name) or importlib.util.find_spec(f"{__name__}.{name}") is None:
        raise SettingsError(f"benchmark set {name!r} is not known: use one of {', '.join(NAMES)}")
    return importlib.import_module(f"{__name__}.{name}").load(Path(cache), seed)


def reduced(data: BenchmarkSet, cases: int | None, seed: int = 0) -> BenchmarkSet:
    """The same with at most `cases` test and OOD texts each, drawn by the seed; None keeps all."""
    if cases is None:
        return data
    generator = np.random.default_rng(seed)
    test, ood = (generator.permutation(len(texts))[:cases] for texts in (data.test.texts, data.ood))
    kept = Labelled([data.test.texts[i] for i in test], data.test.labels[test])
    return replace(
        data,
        test=kept,
        ood=[data.ood[i] for i in ood],
        note=f"{data.note}; at most {cases} test and OOD texts",
    )
