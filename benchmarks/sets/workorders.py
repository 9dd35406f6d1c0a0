"""The demo's work orders as a benchmark set: split by date, so that testing is under a real shift
of time.

Train and anchor are the demo's; test are the later orders (calibration and stream) of the 12
locations that training knows; OOD are the later orders of all other locations. The seed changes no
text here: only training's randomness differs.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sets import BenchmarkSet, Labelled
from core.cases.fetch import fetch_minilm, fetch_workorders
from core.cases.workorders import prepare


def load(cache: Path, seed: int) -> BenchmarkSet:
    """The demo's splits of the excavators' work orders."""
    splits = prepare(fetch_workorders(cache))
    labels = tuple(sorted(splits.classes))
    later = pd.concat([splits.frames["calibration"], splits.frames["stream"]])
    seen = later["label_seen"].to_numpy(dtype=bool)
    train, anchor, test = (
        _labelled(f, labels) for f in (splits.frames["fit"], splits.frames["anchor"], later[seen])
    )
    return BenchmarkSet(
        name="workorders",
        labels=labels,
        base=str(fetch_minilm(cache)),
        readout="classify",
        train=train,
        anchor=anchor,
        test=test,
        ood=later.loc[~seen, "text"].tolist(),
        note=f"real maintenance orders split by date; {len(train.texts)} training, {len(anchor.texts)} anchor, "
        f"{len(test.texts)} test of {len(labels)} locations, {int((~seen).sum())} of locations not trained on",
    )


def _labelled(frame: pd.DataFrame, labels: tuple[str, ...]) -> Labelled:
    return Labelled(
        frame["text"].tolist(),
        np.array([labels.index(label) for label in frame["label"]], dtype=np.int64),
    )
