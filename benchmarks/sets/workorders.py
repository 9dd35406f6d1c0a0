"""The demo's work orders as a benchmark set: split by date, so that testing is under a real shift.

Training are the demo's orders up to the end of 2007, in the order of time; test are the later
orders of the 12 locations that training knows; OOD are the later orders of all other locations.
The seed changes no text here: only training's randomness differs.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sets import BenchmarkSet, Labelled
from core.cases.fetch import fetch_minilm, fetch_workorders
from core.cases.workorders import split_workorders


def load(cache: Path, seed: int) -> BenchmarkSet:
    """Return the demo's splits of the excavators' work orders. Raises FetchError."""
    splits = split_workorders(fetch_workorders(cache))
    labels = tuple(sorted(splits.classes))
    earlier = pd.concat([splits.frames["fit"], splits.frames["anchor"]])
    later = pd.concat([splits.frames["calibration"], splits.frames["stream"]])
    trained = later["label_seen"].to_numpy(dtype=bool)
    train, test = _labelled(earlier, labels), _labelled(later[trained], labels)
    return BenchmarkSet(
        name="workorders",
        labels=labels,
        base=str(fetch_minilm(cache)),
        readout="classify",
        dated=True,
        train=train,
        test=test,
        ood=later.loc[~trained, "text"].tolist(),
        note=f"real maintenance orders split by date; {len(train.texts)} training, "
        f"{len(test.texts)} test of {len(labels)} locations, {int((~trained).sum())} of locations "
        "not trained on",
    )


def _labelled(frame: pd.DataFrame, labels: tuple[str, ...]) -> Labelled:
    positions = [labels.index(label) for label in frame["label"]]
    return Labelled(frame["text"].tolist(), np.array(positions, dtype=np.int64))
