"""Benchmark sets by name: `load("newsgroups", cache, seed)` asks benchmarks/sets/newsgroups.py for its texts and labels.

A set's file has one function, `load(cache, seed) -> BenchmarkSet`; it downloads into `cache` what is not there yet. This
file knows what a set is, not where any comes from.
"""

import importlib.util
import re
from dataclasses import dataclass
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
    """What every method is trained and judged on. The anchor fits nothing but one scalar (sigma, temperature)."""

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
    """The set of that name. The seed draws what the set draws (a sample of texts, classes held out). Raises SettingsError."""
    if not re.fullmatch(r"[a-z]+", name) or importlib.util.find_spec(f"{__name__}.{name}") is None:
        raise SettingsError(f"benchmark set {name!r} is not known: use one of {', '.join(NAMES)}")
    return importlib.import_module(f"{__name__}.{name}").load(Path(cache), seed)
