"""The demo's cases: real maintenance work orders of five excavators, 2001 to 2012, split by time.

Text -> functional location; an order sent to the wrong location escapes. data/README.md names
origin and licence.
- Locations are compared in capitals with single spaces: one asset writes "Grease Lube System",
  others "GREASE LUBE SYSTEM".
- The 12 most frequent locations of the training years are the classes. The 12th has 48 training
  orders. Taking 16 would add 167 training orders and not one of 2008 or later: 13 to 16 belong to
  asset B alone, whose last order is of 2005.
- Splits are whole quarters, never mixed: fit to March 2007; anchor (fits the teacher's temperature)
  to the end of 2007; calibration to March 2009; stream from then on. Whole years would leave 276
  orders of the classes for calibration, fewer than the 299 error-free ones that a bound of "at most
  1%" at 95% confidence needs, and would move 110 from fit to the anchor.
- A text stays in the split of its first order; later copies in other splits are dropped and
  counted.
- Orders of other locations stay in calibration and stream, as label_seen = False: every answer to
  them is wrong. Fit and anchor leave them out, since a head of 12 classes cannot learn from them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.cases.read import CASE_COLUMNS
from core.errors import CasesError
from core.files import write_atomic

ORDERS_LINE = "work-orders"  # name of the demo's line
ORDER_CLASSES = 12
SPLITS = ("fit", "anchor", "calibration", "stream")
TRAINING_SPLITS = ("fit", "anchor")
ORDER_SPLIT_STARTS = {
    "fit": None,
    "anchor": "2007-04-01",
    "calibration": "2008-01-01",
    "stream": "2009-04-01",
}
SOURCE = {
    "text": "OriginalShorttext",
    "segment": "Asset",
    "label": "FuncLocation",
    "occurred_at": "BscStartDate",
    "value": "Cost",
}
_MISSING = "NA"  # the file's mark of an empty cell
ORDER_SPLIT_REASONS = {
    "label": "location in capitals with single spaces: assets spell the same location in capitals "
    "and in small letters",
    "classes": "the 12 most frequent locations of fit and anchor; next_locations: more would add "
    "no order of later years",
    "splits": "by date, in whole quarters, by counts alone: at least 200 anchor and 300 "
    "calibration orders of the classes",
    "copies": "a text (case and spaces aside) stays in the split of its first order; copies in "
    "other splits are dropped",
    "other_locations": "left out of fit and anchor; kept in calibration and stream as 'not seen in "
    "training'",
}


@dataclass(frozen=True)
class Splits:
    """The demo's cases.

    classes: labels, most frequent in training first. frames: by split name, core.cases.read.COLUMNS
    (row: the line in the source) and label_seen (bool: the label is one of the classes), by date.
    record: the steps, their counts and their reasons; JSON-able.
    """

    classes: tuple[str, ...]
    frames: dict[str, pd.DataFrame]
    record: dict


def split_workorders(csv_path: Path) -> Splits:
    """Return the splits of nist-nestor 0.4.4's excavators-cleaned.csv. Raises CasesError."""
    raw = _read(Path(csv_path))
    orders = _orders(raw)
    orders = orders.assign(split=_split_of(orders["occurred_at"]))
    training = orders[orders["split"].isin(TRAINING_SPLITS)]
    frequent = (
        training["label"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    )  # ties by name
    classes = tuple(frequent.index[:ORDER_CLASSES])
    # Orders are sorted by date, so a text's first row is its first order.
    orders["label_seen"] = orders["label"].isin(classes)
    orders["copy"] = orders["split"] != orders.groupby("key", sort=False)["split"].transform(
        "first"
    )
    orders["left_out"] = ~orders["label_seen"] & orders["split"].isin(TRAINING_SPLITS)
    remaining = orders[~orders["copy"] & ~orders["left_out"]]
    frames = {
        name: remaining.loc[remaining["split"] == name, [*CASE_COLUMNS, "label_seen"]].reset_index(
            drop=True
        )
        for name in SPLITS
    }
    return Splits(classes, frames, _record(raw, orders, frequent))


def _read(path: Path) -> pd.DataFrame:
    try:
        # All as text: pandas would read the location "NA" as missing and cut leading zeros.
        raw = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError) as e:  # pandas' parser errors and a wrong encoding are ValueErrors
        raise CasesError("cases.no_workorders", file=str(path), reason=str(e)) from e
    missing = [c for c in SOURCE.values() if c not in raw.columns]
    if missing:
        raise CasesError("cases.other_workorders", file=str(path), column=missing[0])
    return raw


def _orders(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the orders with a location, by date: core.cases' columns and `key` (`text_key`)."""
    text = raw[SOURCE["text"]]
    try:
        occurred_at = pd.to_datetime(raw[SOURCE["occurred_at"]], format="%Y-%m-%d").astype(
            "datetime64[us]"
        )
    except ValueError as e:
        column = SOURCE["occurred_at"]
        raise CasesError("cases.bad_workorder_date", column=column, reason=str(e)) from e
    orders = pd.DataFrame(
        {
            "row": np.arange(2, len(raw) + 2, dtype=np.int64),  # line 1 is the header
            "case_id": pd.Series([f"wo-{i:04d}" for i in range(1, len(raw) + 1)], dtype=object),
            "text": text.astype(object),
            "segment": raw[SOURCE["segment"]].str.strip().astype(object),
            "label": raw[SOURCE["label"]].map(normal_location).astype(object),
            "occurred_at": occurred_at,
            "value": pd.to_numeric(raw[SOURCE["value"]], errors="coerce").astype(np.float64),
            "key": text.map(text_key),
        }
    )
    named = ~orders["label"].isin(("", _MISSING)) & (orders["key"] != "")
    return orders[named].sort_values("occurred_at", kind="stable")


def normal_location(written: str) -> str:
    """Return a location in capitals with single spaces, the spelling of its class."""
    return " ".join(written.split()).upper()


def text_key(text: str) -> str:
    """Return the form in which texts count as equal: case folded, with single spaces."""
    return " ".join(text.split()).casefold()


def _split_of(occurred_at: pd.Series) -> np.ndarray:
    # Latest first, since np.select takes the first condition that holds.
    later = SPLITS[:0:-1]
    return np.select([occurred_at >= ORDER_SPLIT_STARTS[name] for name in later], later, SPLITS[0])


def _record(raw: pd.DataFrame, orders: pd.DataFrame, frequent: pd.Series) -> dict:
    locations = raw[SOURCE["label"]]
    classes, following = (
        frequent.index[:ORDER_CLASSES],
        frequent.index[ORDER_CLASSES : ORDER_CLASSES + 4],
    )
    training = orders["split"].isin(TRAINING_SPLITS)
    return {
        "source": "nist-nestor 0.4.4, nestor/datasets/excavators-cleaned.csv",
        "columns": SOURCE,
        "orders": len(raw),
        "without_location_or_text": len(raw) - len(orders),
        "unreadable_costs": int(pd.to_numeric(raw[SOURCE["value"]], errors="coerce").isna().sum()),
        "spellings_of_locations": int(locations.nunique()),
        "locations": int(locations.map(normal_location).nunique()),
        "begins": ORDER_SPLIT_STARTS,
        "classes": {
            label: int(frequent[label]) for label in classes
        },  # training orders, copies in anchor among them
        "next_locations": [
            {
                "location": label,
                "training_orders": int(frequent[label]),
                "later_orders": int((~training & (orders["label"] == label)).sum()),
                "segments": sorted(orders.loc[orders["label"] == label, "segment"].unique()),
            }
            for label in following
        ],
        "splits": {name: _counts(orders[orders["split"] == name], classes) for name in SPLITS},
        "why": ORDER_SPLIT_REASONS,
    }


def _counts(period: pd.DataFrame, classes: pd.Index) -> dict:
    """Return a split's counts: its orders are copies dropped, locations left out, or cases."""
    remaining = period[~period["copy"] & ~period["left_out"]]
    by_class = remaining["label"].value_counts()
    return {
        "first_date": period["occurred_at"].min().date().isoformat() if len(period) else None,
        "last_date": period["occurred_at"].max().date().isoformat() if len(period) else None,
        "orders": len(period),
        "copies_dropped": int(period["copy"].sum()),
        "other_locations_left_out": int((period["left_out"] & ~period["copy"]).sum()),
        "cases": len(remaining),
        "cases_of_the_classes": int(remaining["label_seen"].sum()),
        "cases_not_seen_in_training": int((~remaining["label_seen"]).sum()),
        "by_class": {label: int(by_class.get(label, 0)) for label in classes},
        "by_segment": {
            segment: int(n)
            for segment, n in remaining["segment"].value_counts().sort_index().items()
        },
    }


def write_splits(splits: Splits, folder: Path) -> None:
    """Write each split as SPLIT.csv, for `read_cases`, and record.json; unchanged files stay."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.csv": _csv(frame) for name, frame in splits.frames.items()}
    files["record.json"] = json.dumps(splits.record, indent=2, ensure_ascii=False) + "\n"
    for name, content in files.items():
        path, written = folder / name, content.encode("utf-8")
        if not path.is_file() or path.read_bytes() != written:
            write_atomic(path, written)


def _csv(frame: pd.DataFrame) -> str:
    # Without the source's row numbers, which would be wrong in the split's own file.
    return frame.drop(columns="row").to_csv(index=False, lineterminator="\n")
