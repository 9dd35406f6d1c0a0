"""What makes the store fast keeps what it promises: joint counts, the check for doubled cases by
ranges, old stores, order.
"""

import re

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import synthetic_run, write_synthetic
from core.counts.histogram import (
    EPISTEMIC_BINS,
    EPISTEMIC_LIMITS,
    bin_of_confidence,
    bin_of_epistemic,
)
from core.errors import StoreError
from core.store import counts, file, intake, migrate
from core.store.parts import PART_SCHEMA, ROW_GROUP, write_part
from core.store.store import NEAR_QUERY, Store
from tests.stores import make_rows, make_run, recount, with_confidence

RUN = make_run("score", "student", "stream")
# Columns that later migrations added are left out.
OF_THE_FIRST_SCHEMA = {"runs": "*", "parts": "*", "predictions": "* EXCLUDE (novelty)"}
CELL = ["segment", "predicted", "outcome", "step", "epistemic_bin"]


@pytest.fixture
def store(tmp_path) -> Store:
    """Return a store with one run that has no part yet."""
    store = Store(tmp_path / "store", timeout_s=5)
    store.add_run(RUN)
    return store


def take(store: Store, rows: pd.DataFrame, part: int = 0) -> int:
    return store.ingest_part(RUN.run_id, part, write_part(store.folder, RUN.run_id, part, rows))


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what joint_counts must say of the rows, counted by numpy and pandas."""
    rows = rows.assign(
        step=bin_of_confidence(rows["confidence"].to_numpy()) // 3,
        epistemic_bin=bin_of_epistemic(rows["epistemic"]),
    )
    return rows.groupby(CELL).size().rename("n").reset_index()


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    found = found.astype(dict.fromkeys(CELL[:3], "str"))[[*CELL, "n"]].sort_values(
        CELL, ignore_index=True
    )
    pd.testing.assert_frame_equal(
        found, expected.astype(dict.fromkeys(CELL[:3], "str")), check_dtype=False
    )


# --- joint counts


@settings(max_examples=50)
@given(
    st.lists(
        st.one_of(st.floats(0, 10), st.sampled_from([0.0, 5e-324, *EPISTEMIC_LIMITS.tolist()])),
        min_size=1,
        max_size=100,
    )
)
def test_the_epistemic_bin_in_sql_is_the_one_in_numpy(values):
    values = np.array(values)
    values = np.concatenate([values, np.nextafter(values, -1).clip(0), np.nextafter(values, 99)])
    with duckdb.connect() as connection:
        connection.register(
            "given", pd.DataFrame({"i": np.arange(len(values)), "epistemic": values})
        )
        query = f"SELECT {counts.EPISTEMIC_BIN} AS bin FROM given ORDER BY i"
        np.testing.assert_array_equal(
            connection.execute(query).df()["bin"], bin_of_epistemic(values)
        )


def test_joint_counts_add_up_over_parts_and_are_made_again_from_nothing(
    store,
):
    random = np.random.default_rng(0)
    confidence = np.append(random.random(600), random.integers(0, 1001, 300) / 1000)
    rows = with_confidence(make_rows(900), confidence).assign(
        epistemic=random.permutation(
            np.append(random.exponential(0.3, 450), random.choice(EPISTEMIC_LIMITS, 450))
        ),
    )
    for part in range(3):
        take(store, rows.iloc[part * 300 : (part + 1) * 300], part)
        same(store.joint_counts(RUN.run_id), counted(rows.iloc[: (part + 1) * 300]))
    recount(store, RUN.run_id)
    same(store.joint_counts(RUN.run_id), counted(rows))
    for threshold, limit in (
        (0, 0),
        (500, 4),
        (999, EPISTEMIC_BINS - 2),
        (1000, EPISTEMIC_BINS - 2),
    ):
        joint = store.joint_counts(RUN.run_id)
        n = joint["n"][(joint["step"] >= threshold) & (joint["epistemic_bin"] <= limit)].sum()
        assert (
            n
            == (
                (rows["confidence"] >= threshold / 1000)
                & (rows["epistemic"] <= EPISTEMIC_LIMITS[limit])
            ).sum()
        )


def test_joint_counts_of_a_run_without_cases_have_their_columns_and_no_row(store):
    found = store.joint_counts(RUN.run_id)
    assert list(found.columns) == [*CELL, "n"]
    assert found.empty


def test_rows_are_counted_into_the_histogram_when_they_are_many_beside_it_and_say_the_same_before(
    store, monkeypatch
):
    monkeypatch.setattr(counts, "FOLD_FROM", 150)
    rows = make_rows(2000)
    kept = []
    for part in range(20):
        take(store, rows.iloc[part * 100 : (part + 1) * 100], part)
        same(store.joint_counts(RUN.run_id), counted(rows.iloc[: (part + 1) * 100]))
        with store.atomic() as connection:
            query = (
                "SELECT count(*), count(DISTINCT (cell, bin, epistemic_bin)), coalesce(sum(n), 0)"
                " FROM histograms"
            )
            kept.append(connection.execute(query).fetchone())
            ((parts,),) = connection.execute("SELECT count(*) FROM counted_parts").fetchall()
        assert kept[-1][0] == kept[-1][1]  # one row a cell and bin
        assert kept[-1][2] == parts * 100
    assert kept[0][2] == 0  # one part of a hundred is left to the reader
    assert kept[1][2] == 200
    size = kept[1][0]
    again = next(i for i, (_, _, n) in enumerate(kept) if n > 200)
    assert again == 2 + (counts.COUNT_AT * size + counts.FOLD_FROM) // 100
    assert kept[-1][2] > 200


def test_a_row_without_a_number_for_its_cell_is_refused_and_not_left_out(store, monkeypatch):
    monkeypatch.setattr(counts, "add_cells", lambda *_: None)
    with pytest.raises(StoreError, match="NOT NULL constraint failed: prediction_rows.cell"):
        take(store, make_rows(300))
    assert store.parts(RUN.run_id) == set()


# --- doubled cases


def with_ids(ids: list[str]) -> pd.DataFrame:
    return make_rows(len(ids)).assign(case_id=ids)


@settings(max_examples=20)
@given(
    st.lists(
        st.lists(st.text("ab1é", min_size=1, max_size=3), min_size=1, max_size=6, unique=True),
        min_size=2,
        max_size=4,
    )
)
def test_a_part_is_refused_if_and_only_if_the_run_has_one_of_its_cases(tmp_path_factory, parts):
    store = Store(tmp_path_factory.mktemp("doubles"), timeout_s=5)
    store.add_run(RUN)
    seen: set[str] = set()
    for part, ids in enumerate(parts):
        if doubled := sorted(seen & set(ids), key=str.encode):
            with pytest.raises(
                StoreError, match=f"case_id {doubled[0]!r} of part {part} is in run .* twice"
            ):
                take(store, with_ids(ids), part)
        else:
            assert take(store, with_ids(ids), part) == len(ids)
            seen |= set(ids)
    assert set(store.predictions(RUN.run_id, ["case_id"])["case_id"]) == seen


def scanned_parts(store: Store, ids: list[str]) -> set[str]:
    """Return which parts' ids the check for these cases joins, from the statements that reach
    DuckDB.
    """
    seen: list[str] = []

    class Watched:
        def execute(self, query, values):
            seen.append(query)
            return connection.execute(query, values)

    with store.atomic() as connection:
        intake.known_cases(Watched(), RUN.run_id, ids)
    joins = [
        query.split("p.part IN (")[1].split(")")[0] for query in seen if "JOIN predictions" in query
    ]
    return {part for join in joins for part in join.split(", ")}


def test_only_parts_whose_ids_may_meet_are_read_for_the_check(store):
    """Ids that count upwards without leading zeros: as text, 'case-9' lies beyond 'case-10'."""
    for part in range(3):
        take(store, with_ids([f"case-{i}" for i in range(part * 60, (part + 1) * 60)]), part)
    assert scanned_parts(store, [f"case-{i}" for i in range(180, 240)]) == set()
    assert scanned_parts(store, ["case-59", "case-x"]) == {"0"}
    assert scanned_parts(store, ["case-61"]) == {"1"}
    assert scanned_parts(store, ["case-7", "case-150"]) == {"0", "2"}
    assert intake_known(store, ["case-59", "case-100", "case-180"]) == {"case-59", "case-100"}


def intake_known(store: Store, ids: list[str]) -> set[str]:
    with store.atomic() as connection:
        return intake.known_cases(connection, RUN.run_id, ids)


# --- cases near a threshold


def test_cases_near_a_threshold_are_found_without_scanning_the_store(tmp_path):
    """A part lies in the order of confidence, so DuckDB passes over its stretches of rows that
    cannot hold a case asked for.
    """
    store = Store(tmp_path / "store")
    store.add_run(synthetic_run("big"))
    for part in range(2):
        store.ingest_part(
            "big",
            part,
            write_synthetic(store.folder, "big", part, 4 * ROW_GROUP, part * 4 * ROW_GROUP),
        )
    found = store.cases_near("big", 0.8, 0.801, 10_000)["confidence"]
    assert len(found) > 100
    assert found.is_monotonic_decreasing
    assert found.between(0.8, 0.801, inclusive="left").all()
    # the store itself lets nobody look into its queries
    with duckdb.connect(str(store.folder / file.NAME)) as connection:
        ((_, plan),) = connection.execute(
            f"EXPLAIN ANALYZE {NEAR_QUERY}", ["big", 0.8, 0.801, 100]
        ).fetchall()
    scans = {
        int(there): int(read)
        for read, there in re.findall(r"Row Groups Scanned: (\d+) / (\d+)", plan)
    }
    read = scans.pop(8)  # of the rows; the rest is the cells'
    assert scans == {1: 1}
    assert 2 <= read <= 4  # one of a part's, or two where the range lies across a border


# --- older stores


def test_a_store_of_the_first_schema_is_brought_up_to_date_with_its_predictions(tmp_path):
    """As the first version left it: predictions and histograms by name, no cells, no ranges, no
    ledger.
    """
    rows = make_rows(500).assign(part=lambda t: np.arange(500) // 300, run_id=RUN.run_id)
    rows.loc[::7, "epistemic"] = np.resize(EPISTEMIC_LIMITS, len(rows.loc[::7]))
    confidence = rows["confidence"].to_numpy(copy=True)
    steps = np.append(np.arange(0, 1001, 37) / 1000, 1.0)
    confidence[::9] = np.resize(steps, len(confidence[::9]))
    rows = with_confidence(rows, confidence)
    reference = Store(tmp_path / "reference")
    reference.add_run(RUN)
    for part, some in rows.groupby("part"):
        take(reference, some, part)
    old = tmp_path / "old"
    old.mkdir()
    with reference.atomic() as connection:
        tables = {
            name: connection.execute(f"SELECT {columns} FROM {name}").df()
            for name, columns in OF_THE_FIRST_SCHEMA.items()
        }
    with duckdb.connect(str(old / file.NAME)) as connection:
        migrate._apply(connection, *migrate.migrations()[0])
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM given")
        connection.execute(
            f"INSERT INTO histograms SELECT run_id, segment, predicted, outcome, {counts.BIN} AS"
            " bin, count(*), sum(confidence) FROM predictions GROUP BY ALL"
        )
    store = Store(old, timeout_s=5)
    found, expected = store.histogram(RUN.run_id), reference.histogram(RUN.run_id)
    assert (found.segments, found.classes) == (expected.segments, expected.classes)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.confidence_sum, expected.confidence_sum, rtol=1e-12)
    same(store.joint_counts(RUN.run_id), counted(rows))
    assert store.predictions(RUN.run_id).equals(
        reference.predictions(RUN.run_id)[PART_SCHEMA.names]
    )
    with pytest.raises(StoreError, match="case_id 'stream-0000499' of part 2 is in run .* twice"):
        take(store, make_rows(3, first=499), 2)
    assert take(store, make_rows(300, first=500), 2) == 300
    assert store.histogram(RUN.run_id).cases == 800
