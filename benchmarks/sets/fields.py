"""Fields that the work orders' authors derived from each order's text: action, fault and side.

A normalisation task with exact truth, for a causal language model that answers by one word from a
constant list of options. The options are a field's most frequent values; out of distribution are
later orders whose value is none of them, so that no option is right. The split is by date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sets import BenchmarkSet, Labelled
from core.cases.fetch import fetch_workorders
from core.cases.workorders import text_key
from core.pipeline.bases import fetch_smollm2

BEGINS = "2008-01-01"  # of the test's orders
TRAIN, TEST, OOD = 900, 600, 300  # orders at most


@dataclass(frozen=True)
class Field:
    """A column of the source, what it is called in the question, and the word of each value."""

    column: str
    question: str
    words: Mapping[str, str]  # value in the file -> one token of the model's vocabulary


FIELDS = {
    "action": Field(
        "Action",
        "Action",
        {"NA": "none", "Replace": "replace", "Repair": "repair", "Minor Maint": "service"},
    ),
    "fault": Field(
        "FM",
        "Fault",
        {
            "NA": "none",
            "Leak": "leak",
            "Structural Integrity": "broken",
            "Unspecified": "fault",
            "Missing / Loose": "loose",
        },
    ),
    "side": Field("Location", "Side", {"NA": "none", "Right": "right", "Left": "left"}),
}


def load(cache: Path, seed: int, field: str) -> BenchmarkSet:
    """Return the set of that field: earlier orders train, later ones test, drawn by `seed`.

    Raises FetchError where the orders or the language model cannot be had.
    """
    chosen = FIELDS[field]
    orders = pd.read_csv(fetch_workorders(cache), dtype=str, keep_default_na=False)
    earlier, later = split_orders(orders, chosen.column)
    generator = np.random.default_rng(seed)
    labels = tuple(sorted(chosen.words.values()))
    train, test, ood = (
        draw_rows(frame, size, generator)
        for frame, size in (
            (earlier[earlier["value"].isin(chosen.words)], TRAIN),
            (later[later["value"].isin(chosen.words)], TEST),
            (later[~later["value"].isin(chosen.words)], OOD),
        )
    )
    return BenchmarkSet(
        name=field,
        labels=labels,
        base=str(fetch_smollm2(cache)),
        readout="choice",
        dated=True,
        train=_labelled(train, chosen, labels),
        test=_labelled(test, chosen, labels),
        ood=[field_prompt(text, chosen) for text in ood["text"]],
        note=f"field {chosen.column} of the work orders as one of {', '.join(labels)}; "
        f"{len(train)} training orders up to 2007, {len(test)} test from 2008; out of "
        f"distribution: {len(ood)} later orders with another value",
    )


def split_orders(orders: pd.DataFrame, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The file's orders -> (earlier, later), each with text and value, by date.

    A text is used once, in the split of its first order.
    """
    frame = pd.DataFrame(
        {
            "date": orders["BscStartDate"],
            "text": orders["OriginalShorttext"],
            "key": orders["OriginalShorttext"].map(text_key),
            "value": orders[column],
        }
    )
    frame = frame[frame["key"] != ""].sort_values("date", kind="stable").drop_duplicates("key")
    late = frame["date"] >= BEGINS
    return frame[~late], frame[late]


def draw_rows(frame: pd.DataFrame, size: int, generator: np.random.Generator) -> pd.DataFrame:
    """Return at most `size` of the rows, drawn by the generator, in their order."""
    return frame.iloc[np.sort(generator.permutation(len(frame))[:size])]


def field_prompt(text: str, field: Field) -> str:
    """Return the order's text with the constant question; the model adds "Answer:"."""
    *first, last = field.words.values()
    return f"Order: {text}\n{field.question}: {', '.join(first)} or {last}?"


def _labelled(frame: pd.DataFrame, field: Field, labels: tuple[str, ...]) -> Labelled:
    positions = [labels.index(field.words[value]) for value in frame["value"]]
    texts = [field_prompt(text, field) for text in frame["text"]]
    return Labelled(texts, np.array(positions, dtype=np.int64))
