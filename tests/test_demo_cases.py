"""The demo's splits: claims about small files made here, and about the real 5,485 work orders."""

import json

import pandas as pd
import pytest

from core.cases.fetch import WORK_ORDERS, fetch_workorders
from core.cases.read import CASE_COLUMNS, read_cases
from core.cases.workorders import (
    ORDER_CLASSES,
    ORDER_SPLIT_STARTS,
    SPLITS,
    normal_location,
    split_workorders,
    text_key,
    write_splits,
)
from core.errors import CasesError, FetchError
from core.settings import Settings

HEADER = "BscStartDate,Asset,OriginalShorttext,PMType,Cost,FuncLocation\n"
DAYS = {
    "fit": "2005-05-05",
    "anchor": "2007-05-05",
    "calibration": "2008-05-05",
    "stream": "2010-05-05",
}


def made(tmp_path, *orders):
    """split_workorders() of a file with these orders: (date, text, location) or (date, text,
    location, cost).
    """
    path = tmp_path / "orders.csv"
    rows = [
        f'{day},A,"{text}",PM01,{cost[0] if cost else 0},{place}\n'
        for day, text, place, *cost in orders
    ]
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return split_workorders(path)


def texts(splits) -> dict[str, list[str]]:
    return {name: frame["text"].tolist() for name, frame in splits.frames.items()}


# --- rules, on small files


def test_a_boundary_day_belongs_to_the_later_split(tmp_path):
    days = [
        pd.Timestamp(ORDER_SPLIT_STARTS[name]) + pd.Timedelta(days=d)
        for name in SPLITS[1:]
        for d in (-1, 0)
    ]
    splits = made(tmp_path, *((f"{day.date()}", f"text {i}", "PUMP") for i, day in enumerate(days)))
    assert texts(splits) == {
        "fit": ["text 0"],
        "anchor": ["text 1", "text 2"],
        "calibration": ["text 3", "text 4"],
        "stream": ["text 5"],
    }


def test_a_text_stays_in_the_split_of_its_first_order(tmp_path):
    splits = made(
        tmp_path,
        (DAYS["stream"], "REPLACE  tooth ", "PUMP"),
        (DAYS["fit"], "Replace Tooth", "PUMP"),  # the first by date, not by place in the file
        (DAYS["fit"], "replace tooth", "PUMP"),  # a copy in the same split stays
        (DAYS["calibration"], "jump start", "PUMP"),
        (DAYS["stream"], "Jump Start", "PUMP"),
        (DAYS["stream"], "new", "PUMP"),
    )
    assert texts(splits) == {
        "fit": ["Replace Tooth", "replace tooth"],
        "anchor": [],
        "calibration": ["jump start"],
        "stream": ["new"],
    }
    assert {name: splits.record["splits"][name]["copies_dropped"] for name in SPLITS} == {
        "fit": 0,
        "anchor": 0,
        "calibration": 0,
        "stream": 2,
    }


def test_classes_are_the_most_frequent_of_the_training_time_alone(tmp_path):
    training = [
        (DAYS["fit"], f"{place} {i}", f"LOC {place:02d}")
        for place in range(13)
        for i in range(20 - place)
    ]
    # very frequent, but only later
    later = [(DAYS["stream"], f"later {i}", "LOC 12") for i in range(100)]
    splits = made(tmp_path, *training, *later)
    assert splits.classes == tuple(f"LOC {i:02d}" for i in range(12))
    assert not splits.frames["stream"]["label_seen"].any()
    assert len(splits.frames["stream"]) == 100  # kept, as not seen in training
    assert set(splits.frames["fit"]["label"]) == set(splits.classes)
    # LOC 12's 20 - 12 training orders
    assert splits.record["splits"]["fit"]["other_locations_left_out"] == 8
    assert splits.record["next_locations"] == [
        {"location": "LOC 12", "training_orders": 8, "later_orders": 100, "segments": ["A"]}
    ]


def test_spellings_of_a_location_are_one_class(tmp_path):
    assert normal_location(" Grease\tLube  System ") == "GREASE LUBE SYSTEM"
    assert text_key("  STRASSE  ß ") == "strasse ss"
    splits = made(
        tmp_path,
        (DAYS["fit"], "a", "Grease Lube System"),
        (DAYS["fit"], "b", "GREASE LUBE  SYSTEM"),
    )
    assert splits.classes == ("GREASE LUBE SYSTEM",)
    assert (splits.record["spellings_of_locations"], splits.record["locations"]) == (2, 1)


def test_an_unreadable_cost_is_missing_and_counted_and_no_location_is_no_case(tmp_path):
    splits = made(
        tmp_path,
        (DAYS["fit"], "a", "PUMP", "12.5"),
        (DAYS["fit"], "b", "PUMP", "PM01"),
        (DAYS["fit"], "c", "NA"),
        (DAYS["fit"], " ", "PUMP"),
    )
    assert splits.frames["fit"]["value"].isna().tolist() == [False, True]
    assert (splits.record["unreadable_costs"], splits.record["without_location_or_text"]) == (1, 2)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("Asset,OriginalShorttext\nA,x\n")
    with pytest.raises(
        CasesError, match="no column 'FuncLocation': it is not excavators-cleaned.csv"
    ):
        split_workorders(tmp_path / "other.csv")
    with pytest.raises(CasesError, match="cannot be read"):
        split_workorders(tmp_path / "none.csv")
    (tmp_path / "date.csv").write_text(HEADER + "soon,A,x,PM01,1,PUMP\n")
    with pytest.raises(CasesError, match="BscStartDate that is no date"):
        split_workorders(tmp_path / "date.csv")


# --- the real work orders


@pytest.fixture(scope="module")
def csv_path(tmp_path_factory):
    cache = Settings().cache
    if not WORK_ORDERS.is_complete_in(cache / "nist-nestor-0.4.4"):
        cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_RETRIES", "0")
        patch.setenv("PIP_DEFAULT_TIMEOUT", "20")
        try:
            return fetch_workorders(cache)
        except FetchError as e:
            if "could not be downloaded" not in str(e):
                raise
            pytest.skip(f"no package registry is reachable: {e}")


@pytest.fixture(scope="module")
def real(csv_path):
    return split_workorders(csv_path)


def test_the_real_splits_have_the_counts_that_the_documents_tell(real):
    told = {
        name: (c["orders"], c["copies_dropped"], c["other_locations_left_out"])
        for name, c in real.record["splits"].items()
    }
    assert told == {
        "fit": (2567, 0, 1300),
        "anchor": (552, 66, 245),
        "calibration": (775, 66, 0),
        "stream": (1590, 176, 0),
    }
    cases = {name: (len(f), int(f["label_seen"].sum())) for name, f in real.frames.items()}
    assert cases == {
        "fit": (1267, 1267),
        "anchor": (241, 241),
        "calibration": (709, 335),
        "stream": (1414, 686),
    }
    assert (
        real.record["orders"],
        real.record["without_location_or_text"],
        real.record["unreadable_costs"],
    ) == (5485, 1, 1)


def test_every_real_order_is_counted_once(real):
    counts = real.record["splits"].values()
    for c in counts:
        assert c["orders"] == c["copies_dropped"] + c["other_locations_left_out"] + c["cases"]
        assert (
            c["cases"]
            == c["cases_of_the_classes"] + c["cases_not_seen_in_training"]
            == sum(c["by_segment"].values())
        )
        assert sum(c["by_class"].values()) == c["cases_of_the_classes"]
    assert sum(c["orders"] for c in counts) + real.record["without_location_or_text"] == 5485


def test_the_real_splits_are_apart_in_time_and_share_no_text(real):
    times = [
        (f["occurred_at"].min(), f["occurred_at"].max())
        for f in (real.frames[name] for name in SPLITS)
    ]
    assert all(before[1] < after[0] for before, after in zip(times, times[1:], strict=False))
    keys = [set(f["text"].map(text_key)) for f in real.frames.values()]
    assert len(set.union(*keys)) == sum(map(len, keys))
    assert pd.concat(list(real.frames.values()))["case_id"].is_unique


def test_twelve_classes_because_more_would_add_nothing_to_later_years(real):
    assert len(real.classes) == ORDER_CLASSES == 12
    assert real.record["classes"][real.classes[-1]] == 48
    assert real.classes[-1] == "ENGINE RIGHT HAND"
    following = real.record["next_locations"]
    assert [f["training_orders"] for f in following] == [46, 43, 40, 38]  # 167 together
    assert {f["later_orders"] for f in following} == {0}
    assert {tuple(f["segments"]) for f in following} == {("B",)}


def test_every_class_can_be_learned_and_the_anchor_has_no_other(real):
    assert set(real.frames["fit"]["label"]) == set(real.classes)
    assert set(real.frames["anchor"]["label"]) <= set(real.classes)


def test_the_written_splits_read_back_as_they_were(real, tmp_path):
    write_splits(real, tmp_path)
    for name, frame in real.frames.items():
        cases = read_cases(tmp_path / f"{name}.csv").require_clean()
        pd.testing.assert_frame_equal(
            cases.frame.drop(columns="row"), frame[list(CASE_COLUMNS[1:])]
        )
        assert (
            pd.read_csv(tmp_path / f"{name}.csv")["label_seen"].tolist()
            == frame["label_seen"].tolist()
        )
    assert json.loads((tmp_path / "record.json").read_text(encoding="utf-8")) == real.record


def test_writing_again_touches_nothing_that_is_unchanged(real, tmp_path):
    write_splits(real, tmp_path)
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    (tmp_path / "fit.csv").write_text("changed")
    write_splits(real, tmp_path)
    after = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"fit.csv"}
    assert set(after) == {"record.json", *(f"{name}.csv" for name in SPLITS)}


def test_the_source_file_itself_reads_with_one_damaged_cost(csv_path):
    cases = read_cases(csv_path)
    assert len(cases.frame) == 5485
    assert cases.problems == ()
    (notice,) = [n.values for n in cases.notices if n.code == "cases.cells_left_empty"]
    assert (notice["column"], notice["rows"], notice["value"]) == ("value", ["3454"], "PM01")
    assert cases.columns.text == "OriginalShorttext"
