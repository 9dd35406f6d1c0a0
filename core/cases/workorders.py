"""The demo's cases: real maintenance work orders of five excavators, 2001 to 2012, split by time.

Text -> functional location; an order sent to the wrong location is what leaks. Origin and licence stand in data/README.md. Choices, by the data:
- Locations are compared in capitals with single spaces: asset B writes "Grease Lube System" where the others write "GREASE LUBE SYSTEM".
- The 12 most frequent locations of the training years are the classes. The 12th has 48 orders there. Going on to 16 would add 167 training orders, and
  not one order of 2008 or later: those locations belong to machines that had left the fleet by then.
- Splits follow the calendar, and are never mixed: fit to June 2007, anchor (chooses the teacher's sigma) the second half of 2007, calibration 2008,
  stream 2009 and later. A text that appears in several keeps the first; later copies are dropped, so no split has seen another's texts.
- Orders of other locations stay in calibration and stream: the model was not trained on them, and every answer to them is wrong.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.cases.read import COLUMNS
from core.errors import CasesError

CLASSES = 12
SPLITS = ("fit", "anchor", "calibration", "stream")
BEGINS = {"fit": None, "anchor": "2007-07-01", "calibration": "2008-01-01", "stream": "2009-01-01"}
_NEEDED = ("BscStartDate", "Asset", "OriginalShorttext", "Cost", "FuncLocation")


@dataclass(frozen=True)
class Splits:
    """classes: labels, most frequent first. frames: by split, core.cases' columns. record: what was done and counted, JSON-able."""

    classes: tuple[str, ...]
    frames: dict[str, pd.DataFrame]
    record: dict


def prepare(path: Path) -> Splits:
    """Read excavators-cleaned.csv of nist-nestor 0.4.4 and split it. Raises CasesError where a column is missing."""
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [c for c in _NEEDED if c not in raw.columns]
    if missing:
        raise CasesError(f"{path} has no column {missing[0]!r}: it is not the work orders of nist-nestor 0.4.4")
    orders = _orders(raw)
    dated = np.select([orders["occurred_at"] >= BEGINS[name] for name in SPLITS[:0:-1]], SPLITS[:0:-1], SPLITS[0])
    orders = orders.assign(split=dated)
    in_training = orders["split"].isin(("fit", "anchor"))
    frequent = orders.loc[in_training, "label"].value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    classes = tuple(frequent.index[:CLASSES])
    first = orders.groupby("key", sort=False)["split"].transform("first")
    copies = orders["split"] != first
    seen = orders["label"].isin(classes)
    outside = in_training & ~seen
    kept = orders[~copies & ~outside]
    frames = {name: kept.loc[kept["split"] == name, list(COLUMNS)].reset_index(drop=True) for name in SPLITS}
    record = {
        "source": "nist-nestor 0.4.4, nestor/datasets/excavators-cleaned.csv",
        "orders": len(raw),
        "without_location": len(raw) - len(orders),
        "unreadable_costs": int(orders["value"].isna().sum()),
        "begins": BEGINS,
        "classes": {label: int(frequent[label]) for label in classes},
        "copies_dropped": {name: int((copies & (orders["split"] == name)).sum()) for name in SPLITS},
        "other_locations_left_out_of_training": int((outside & ~copies).sum()),
        "cases": {name: len(frame) for name, frame in frames.items()},
        "cases_of_the_classes": {name: int(frame["label"].isin(classes).sum()) for name, frame in frames.items()},
    }
    return Splits(classes, frames, record)


def _orders(raw: pd.DataFrame) -> pd.DataFrame:
    """The orders that name a location, by date, in core.cases' columns and `key`, by which texts count as the same."""
    text = raw["OriginalShorttext"]
    orders = pd.DataFrame(
        {
            "row": np.arange(2, len(raw) + 2),
            "case_id": [f"wo-{i:04d}" for i in range(1, len(raw) + 1)],
            "text": text,
            "segment": raw["Asset"],
            "label": raw["FuncLocation"].str.split().str.join(" ").str.upper(),
            "occurred_at": pd.to_datetime(raw["BscStartDate"], format="%Y-%m-%d").astype("datetime64[us]"),
            "value": pd.to_numeric(raw["Cost"].str.replace(",", "", regex=False), errors="coerce"),
            "key": text.str.split().str.join(" ").str.casefold(),
        }
    )
    return orders[orders["label"] != ""].sort_values("occurred_at", kind="stable")


def write(splits: Splits, folder: Path) -> None:
    """Each split as a CSV that `read_cases` reads, and record.json. Written again only where something changed."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.csv": frame.drop(columns="row").to_csv(index=False, lineterminator="\n") for name, frame in splits.frames.items()}
    files["record.json"] = json.dumps(splits.record, indent=2, ensure_ascii=False)
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
