"""Parts: what may be stored, and that a file is there whole or not at all."""

import os
import re
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import NonFiniteError, SettingsError, StoreError
from core.store import parts
from core.store.parts import LAST_PART, PART_SCHEMA, delete_leftovers, part_path, write_part
from tests.stores import make_rows, with_confidence


@pytest.fixture
def rows() -> pd.DataFrame:
    return make_rows(5)


def changed(rows: pd.DataFrame, column: str, value: object, at: int = 2) -> pd.DataFrame:
    """Return the rows with one cell changed, by default that of the third row."""
    values = rows[column].astype(object).to_list()
    values[at] = value
    return rows.assign(**{column: pd.Series(values, dtype=object)})


def stored(path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return what a part holds, in the order of the rows that it was written from."""
    return pd.read_parquet(path).set_index("case_id").loc[rows["case_id"]].reset_index()


def test_what_is_written_is_read_back(tmp_path, rows):
    rows = changed(
        changed(changed(rows, "label", None), "occurred_at", pd.NaT), "value", float("nan")
    )
    rows = changed(rows, "outcome", "unlabelled")
    rows = changed(rows, "text", "油圧ポンプ 🚜 \x00 'quoted' \"\n")
    rows = rows.sort_values("confidence", ascending=False)
    # comes back with the highest confidence first
    path = write_part(tmp_path, "run-1", 12, rows.sort_values("row"))
    assert path == tmp_path / "parts" / "run-1" / "part-00012.parquet"
    table = pq.read_table(path)
    assert table.schema.equals(PART_SCHEMA)
    read = table.to_pandas()
    for name in set(PART_SCHEMA.names) - {
        "probabilities",
        "label",
        "occurred_at",
        "value",
        "novelty",
    }:
        assert read[name].to_list() == rows[name].to_list(), name
    for name in ("label", "occurred_at", "value"):
        assert read[name].isna().to_list() == (rows["row"] == 4).to_list()
        assert read[name].dropna().to_list() == rows[name].dropna().to_list()
    np.testing.assert_array_equal(np.stack(read["probabilities"]), np.stack(rows["probabilities"]))


REFUSED = [
    (
        "confidence",
        np.nan,
        NonFiniteError,
        "confidence nan of case 'stream-0000002' (row 4) is not finite",
    ),
    (
        "confidence",
        np.inf,
        NonFiniteError,
        "confidence inf of case 'stream-0000002' (row 4) is not finite",
    ),
    (
        "confidence",
        1.0000001,
        StoreError,
        "confidence 1.0000001 of case 'stream-0000002' (row 4) is above 1",
    ),
    ("confidence", -1e-9, StoreError, "is below 0"),
    ("total", np.nan, NonFiniteError, "total nan of case"),
    ("aleatoric", np.inf, NonFiniteError, "aleatoric inf of case"),
    ("epistemic", -np.inf, NonFiniteError, "epistemic -inf of case"),
    (
        "epistemic",
        -0.001,
        StoreError,
        "epistemic -0.001 of case 'stream-0000002' (row 4) is below 0",
    ),
    ("value", np.inf, NonFiniteError, "value inf of case"),
    (
        "outcome",
        "maybe",
        StoreError,
        "outcome 'maybe' of case 'stream-0000002' (row 4) is not one of right, wrong, unseen",
    ),
    ("outcome", None, StoreError, "outcome None of case"),
    (
        "case_id",
        "stream-0000001",
        StoreError,
        "case_id 'stream-0000001' of case 'stream-0000001' (row 4) is in the part twice",
    ),
    ("predicted", None, StoreError, "predicted None of case 'stream-0000002' (row 4) is missing"),
    ("text", 5, StoreError, "column 'text' of the part cannot be written as string"),
    ("text", "\ud800", StoreError, "column 'text' of the part cannot be written as string"),
    (
        "probabilities",
        [0.5, 0.5],
        StoreError,
        "number of probabilities 2 of case 'stream-0000002' (row 4) is not the first",
    ),
    (
        "probabilities",
        [1.002] + [0.0] * 11,
        StoreError,
        "sum 1.002 of case 'stream-0000002' (row 4) is not 1 within 0.001",
    ),
    ("probabilities", [np.nan] + [0.1] * 11, NonFiniteError, "the probabilities' sum nan of case"),
    ("probabilities", [np.inf] + [0.0] * 11, NonFiniteError, "the probabilities' sum inf of case"),
    ("probabilities", [1.5, -0.5] + [0.0] * 10, StoreError, "the least probability -0.5 of case"),
]


@pytest.mark.parametrize(("column", "value", "error", "message"), REFUSED)
def test_a_value_that_may_not_be_stored_is_named_by_row(
    tmp_path, rows, column, value, error, message
):
    with pytest.raises(error, match=re.escape(message)):
        write_part(tmp_path, "run", 0, changed(rows, column, value))
    assert not list(tmp_path.rglob("*.*"))


def test_probabilities_may_be_off_by_what_float32_loses(tmp_path, rows):
    probabilities = [0.9995] + [0.0] * 11
    rows = changed(rows, "confidence", 0.9995)
    path = write_part(tmp_path, "run", 0, changed(rows, "probabilities", probabilities))
    assert list(stored(path, rows)["probabilities"][2]) == np.float32(probabilities).tolist()


def test_the_ends_of_the_scale_are_allowed(tmp_path, rows):
    ends = with_confidence(rows, [0.5, 0.5, 1.0, 0.0, 0.5])  # the least is 1 / K
    path = write_part(tmp_path, "run", 0, ends)
    assert stored(path, rows)["confidence"][[2, 3]].tolist() == [1.0, 1 / 12]


def test_a_confidence_that_is_not_the_largest_probability_is_refused(tmp_path, rows):
    with_confidence(rows, rows["confidence"]).pipe(lambda t: write_part(tmp_path, "run", 0, t))
    largest = rows["confidence"][2]
    for wrong in (largest - 0.01, min(largest + 0.01, 1.0) if largest < 0.99 else 0.5):
        with pytest.raises(StoreError, match=r"\(row 4\) is not the largest of the case's prob"):
            write_part(tmp_path, "run", 1, changed(rows, "confidence", wrong))


@pytest.mark.parametrize(
    ("label", "outcome"),
    [
        ("brakes", "right"),
        ("cab", "wrong"),
        ("cab", "unseen"),
        ("cab", "unlabelled"),
        (None, "right"),
        (None, "wrong"),
    ],
)
def test_an_outcome_that_contradicts_its_label_is_refused(tmp_path, rows, label, outcome):
    rows = changed(changed(changed(rows, "predicted", "cab"), "label", label), "outcome", outcome)
    with pytest.raises(StoreError, match=r"\(row 4\) contradicts the case's label and prediction"):
        write_part(tmp_path, "run", 0, rows)


def test_no_column_and_no_row_are_refused(tmp_path, rows):
    with pytest.raises(StoreError, match="the part has no column 'epistemic': case_id, row"):
        write_part(tmp_path, "run", 0, rows.drop(columns="epistemic"))
    with pytest.raises(StoreError, match="the part has no row"):
        write_part(tmp_path, "run", 0, rows.iloc[:0])


@pytest.mark.parametrize("run_id", ["../out", "a/b", "", "Run", "a..b", ".", "run\n"])
def test_a_run_whose_name_may_be_no_folder_is_refused(tmp_path, rows, run_id):
    with pytest.raises(SettingsError, match="run name .* is not allowed"):
        write_part(tmp_path, run_id, 0, rows)


@pytest.mark.parametrize("part", [-1, LAST_PART + 1])
def test_part_numbers_keep_five_digits(tmp_path, part):
    with pytest.raises(SettingsError, match=f"part {part} is not allowed: use 0 to 99999"):
        part_path(tmp_path, "run", part)


def test_a_retry_overwrites_itself_and_the_same_rows_give_the_same_bytes(tmp_path, rows):
    first = write_part(tmp_path, "run", 0, rows).read_bytes()
    assert write_part(tmp_path, "run", 0, make_rows(5, seed=1)).read_bytes() != first
    assert write_part(tmp_path, "run", 0, rows).read_bytes() == first
    assert [path.name for path in (tmp_path / "parts" / "run").iterdir()] == ["part-00000.parquet"]


def test_columns_of_other_order_or_beside_the_schema_change_nothing(tmp_path, rows):
    first = write_part(tmp_path, "run", 0, rows).read_bytes()
    other = rows[list(reversed(rows.columns))].assign(extra=1).set_index("row", drop=False)
    assert write_part(tmp_path, "run", 0, other).read_bytes() == first


def test_a_write_that_fails_leaves_the_older_part_alone(tmp_path, rows, monkeypatch):
    path = write_part(tmp_path, "run", 0, rows)
    before = path.read_bytes()

    def full_disk(table, f, row_group_size):
        f.write(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts, "write_sealed", full_disk)
    with pytest.raises(
        StoreError, match="part .*part-00000.parquet cannot be written: No space left on device"
    ):
        write_part(tmp_path, "run", 0, make_rows(5, seed=1))
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_a_part_is_on_disk_before_it_has_its_name_and_its_name_before_it_returns(
    tmp_path, rows, monkeypatch
):
    done = []
    fsync, replace = os.fsync, parts.Path.replace
    monkeypatch.setattr(os, "fsync", lambda f: (done.append("sync"), fsync(f)))
    monkeypatch.setattr(
        parts.Path, "replace", lambda self, to: (done.append("rename"), replace(self, to))[1]
    )
    write_part(tmp_path, "run", 0, rows)
    # the file; its folder, and the folder of that
    assert done == ["sync", "rename", "sync", "sync"]


def test_what_a_killed_process_left_is_swept(tmp_path, rows):
    for part in (0, 1):
        path = write_part(tmp_path, "run", part, rows)
    old, young = path.with_suffix(".1.tmp"), path.with_suffix(".2.tmp")
    for fresh in (old, young):
        fresh.touch()
    os.utime(old, (time.time() - 4000,) * 2)
    delete_leftovers(tmp_path, "run", {0})
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "part-00001.2.tmp",
        "part-00001.parquet",
    ]
    young.unlink()
    delete_leftovers(tmp_path, "run", {0, 1})
    assert not path.parent.exists()
    delete_leftovers(tmp_path, "run", {0, 1})  # nothing left, nothing to do


def test_the_schema_is_what_parquet_and_duckdb_both_keep():
    # float32 would move cases over a threshold
    assert pa.types.is_float64(PART_SCHEMA.field("confidence").type)
    assert [field.name for field in PART_SCHEMA if field.nullable] == [
        "label",
        "occurred_at",
        "value",
        "novelty",
    ]
