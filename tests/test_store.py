"""The store keeps what it was given, once and whole, counts it exactly, and refuses the rest by
name.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.histogram import (
    EDGES,
    FINE_BINS,
    THRESHOLDS,
    AcceptanceCurve,
    Histogram,
    bin_of_confidence,
)
from core.errors import KakushinError, NonFiniteError, NotFoundError, SettingsError, StoreError
from core.store import counts, file, migrate
from core.store.parts import PART_SCHEMA, part_path, write_part
from core.store.records import IDENTITY
from core.store.store import Store
from core.types import OUTCOMES
from tests.stores import LABELS, add_scored, make_rows, make_run, make_store, with_confidence

ROOT = Path(__file__).resolve().parent.parent
RUN = make_run("score", "student", "stream")


@pytest.fixture
def store(tmp_path) -> Store:
    """Return a store with one run that has no part yet."""
    store = Store(tmp_path / "store", timeout_s=5)
    store.add_run(RUN)
    return store


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Store:
    """Return the demo's store; only read."""
    return make_store(tmp_path_factory.mktemp("full"), "full")


def test_a_part_of_before_a_column_is_taken_in_without_it(store):
    rows = make_rows(20)
    path = write_part(store.folder, RUN.run_id, 0, rows)
    pq.write_table(pq.read_table(path).drop_columns(["novelty"]), path)
    assert store.ingest_part(RUN.run_id, 0, path) == 20
    stored = store.predictions(RUN.run_id)
    assert stored["novelty"].isna().all()
    assert (
        stored["confidence"].tolist() == rows.sort_values(["row", "case_id"])["confidence"].tolist()
    )


def take(store: Store, rows: pd.DataFrame, part: int = 0) -> int:
    return store.ingest_part(RUN.run_id, part, write_part(store.folder, RUN.run_id, part, rows))


def holds(store: Store) -> tuple[int, int, int]:
    """Return how many rows prediction_rows, parts and cells have."""
    tables = ("prediction_rows", "parts", "cells")
    with store.atomic() as connection:
        return tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
        )


def direct(rows: pd.DataFrame) -> Histogram:
    columns = (rows["segment"], rows["predicted"], rows["outcome"], rows["confidence"].to_numpy())
    return Histogram.from_predictions(*columns, classes=LABELS)


def same(found: Histogram, expected: Histogram) -> None:
    assert (found.segments, found.classes) == (expected.segments, expected.classes)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.confidence_sum, expected.confidence_sum, rtol=1e-12)


# --- runs


def test_a_run_comes_back_as_it_was_given(store):
    tokyo = timezone(timedelta(hours=9))
    settings = {
        "splits": {"fit": 3},
        "名": ["設備A", None, 1.5],
        "when": datetime(2026, 1, 1),
        "n": np.int64(3),
    }
    run = make_run(
        "distil",
        "student",
        "train",
        created_at=datetime(2026, 7, 1, 8, tzinfo=tokyo),
        settings=settings,
        seed=7,
    )
    store.add_run(run)
    found = store.run(run.run_id)
    assert found.run.created_at == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert found.run.settings == settings | {"when": "2026-01-01 00:00:00"}
    assert {name: getattr(found.run, name) for name in IDENTITY} == {
        name: getattr(run, name) for name in IDENTITY
    }
    assert (found.run.seed, found.run.versions) == (7, run.versions)
    assert (found.state, found.duration_s, found.metrics, found.cases) == ("running", None, {}, 0)
    assert found.first_at is found.last_at is None


def test_runs_are_newest_first_and_of_the_kind_asked_for(full):
    assert [r.run.role for r in full.runs()] == ["stream"] * 3 + ["calibration"] * 3 + ["train"] * 2
    assert [r.run.model_kind for r in full.runs("score")][:3] == ["student", "teacher", "point"]
    assert [r.run.kind for r in full.runs("distil")] == ["distil"]
    assert full.runs("nothing") == []


def test_the_same_run_again_is_a_no_op_and_keeps_its_first_time(store):
    store.add_run(make_run("score", "student", "stream", order=9, seed=3, versions={"torch": "3"}))
    (found,) = store.runs()
    assert found.run == RUN


@pytest.mark.parametrize("name", IDENTITY)
def test_another_run_under_the_same_name_is_refused_by_what_differs(store, name):
    other = {
        "kind": "distil",
        "model_kind": "point",
        "role": "train",
        "labels": ("x",),
        "samples": 3,
    }.get(name, "other")
    with pytest.raises(
        StoreError,
        match=rf"run '{RUN.run_id}' is in the store already with {name} .*, and this one has ",
    ):
        store.add_run(replace(RUN, **{name: other}))


def test_the_last_end_of_a_run_counts_and_no_end_is_lost(store):
    store.end_run(RUN.run_id, "failed", 1.5, {"error": "killed"})
    store.end_run(
        RUN.run_id, "finished", 2.5, {"seconds_per_case": np.float64(0.25), "cases": np.int64(3)}
    )
    found = store.run(RUN.run_id)
    assert (found.state, found.duration_s) == ("finished", 2.5)
    assert found.metrics == {"seconds_per_case": 0.25, "cases": 3}
    with store.atomic() as connection:
        assert connection.execute("SELECT state FROM run_ends ORDER BY position").fetchall() == [
            ("failed",),
            ("finished",),
        ]


def test_an_end_that_says_nothing_is_refused(store):
    with pytest.raises(
        NonFiniteError, match="metrics of .* hold a number that is NaN or infinite: 'ece' = nan"
    ):
        store.end_run(RUN.run_id, "finished", 1.0, {"n": 3, "ece": float("nan")})
    with pytest.raises(SettingsError, match="cannot be stored as JSON: .* is of type set"):
        store.end_run(RUN.run_id, "finished", 1.0, {"x": {1}})
    with pytest.raises(SettingsError, match="state 'done' is not one of: finished, failed"):
        store.end_run(RUN.run_id, "done", 1.0, {})
    with pytest.raises(StoreError, match='CHECK constraint failed on table "run_ends"'):
        store.end_run(RUN.run_id, "finished", float("nan"), {})
    assert store.run(RUN.run_id).state == "running"


def test_a_run_that_is_not_there_is_named_with_what_is(store):
    calls = [
        store.run,
        store.histogram,
        store.predictions,
        lambda r: store.cases_near(r, 0, 1),
    ]
    calls += [
        lambda r: store.end_run(r, "failed", 0, {}),
        lambda r: store.ingest_part(r, 0, Path("x")),
    ]
    for call in calls:
        with pytest.raises(
            NotFoundError, match=f"no run 'nope' in the store .*: it has {RUN.run_id}"
        ):
            call("nope")
    assert store.parts("nope") == set()


def test_an_empty_store_says_that_it_is(tmp_path):
    empty = make_store(tmp_path, "empty")
    assert empty.runs() == []
    with pytest.raises(NotFoundError, match="it has no run"):
        empty.run("x")


# --- taking parts in


def test_a_part_is_taken_in_whole_and_its_file_is_gone(store):
    rows = make_rows(50)
    assert take(store, rows) == 50
    found = store.predictions(RUN.run_id)
    for name in set(PART_SCHEMA.names) - {"probabilities", "novelty"}:
        assert found[name].to_list() == rows[name].to_list(), name
    assert found["novelty"].isna().all()  # a frame without it says that nothing is known
    np.testing.assert_array_equal(np.stack(found["probabilities"]), np.stack(rows["probabilities"]))
    record = store.run(RUN.run_id)
    assert (record.cases, record.first_at, record.last_at) == (
        50,
        rows["occurred_at"].min(),
        rows["occurred_at"].max(),
    )
    assert not part_path(store.folder, RUN.run_id, 0).exists()


def test_how_unlike_the_training_cases_a_case_is_is_kept_and_no_share_is_refused(store):
    rows = make_rows(3).assign(novelty=[0.0, 0.97, np.nan])
    take(store, rows)
    kept = store.predictions(RUN.run_id, ["novelty"])["novelty"]
    np.testing.assert_array_equal(kept.to_numpy(), [0.0, 0.97, np.nan])
    for wrong in (-0.1, 1.5, np.inf):
        with pytest.raises(StoreError, match="novelty"):
            write_part(store.folder, RUN.run_id, 1, rows.assign(novelty=wrong))


def test_cases_without_label_date_or_value_are_kept(store):
    rows = make_rows(4).assign(
        label=None, outcome="unlabelled", occurred_at=pd.NaT, value=float("nan")
    )
    take(store, rows)
    assert store.predictions(RUN.run_id, ["label", "occurred_at", "value"]).isna().all(axis=None)
    assert store.run(RUN.run_id).first_at is None


def test_the_same_part_again_is_a_no_op(store):
    rows = make_rows(50)
    take(store, rows)
    before = holds(store)
    assert take(store, rows) == 50
    # its file is gone: it was taken in
    assert store.ingest_part(RUN.run_id, 0, part_path(store.folder, RUN.run_id, 0)) == 50
    assert holds(store) == before == (50, 1, before[2])
    same(store.histogram(RUN.run_id), direct(rows))


def test_other_content_under_the_same_part_is_refused_and_its_file_stays(store):
    take(store, make_rows(50))
    with pytest.raises(
        StoreError,
        match=f"part 0 of run '{RUN.run_id}' is in the store already, with other content",
    ):
        take(store, make_rows(50, seed=1))
    assert part_path(store.folder, RUN.run_id, 0).exists()
    assert holds(store)[:2] == (50, 1)


def test_a_part_that_nobody_wrote_is_refused(store):
    with pytest.raises(
        NotFoundError,
        match=f"part 3 of run '{RUN.run_id}' is neither in the store nor at .*part-00003",
    ):
        store.ingest_part(RUN.run_id, 3, part_path(store.folder, RUN.run_id, 3))


def test_a_case_that_the_run_has_is_refused_by_name_and_nothing_of_its_part_stays(store):
    take(store, make_rows(50))
    before = holds(store)
    with pytest.raises(
        StoreError,
        match="case_id 'stream-0000049' of part 1 is in run .* twice: case ids must be unique",
    ):
        take(store, make_rows(50, first=49), part=1)
    assert holds(store) == before
    assert store.parts(RUN.run_id) == {0}
    assert take(store, make_rows(50, first=50), part=1) == 50


def test_the_same_cases_in_another_run_are_welcome(store):
    take(store, make_rows(5))
    add_scored(store, make_run("score", "teacher", "stream"), make_rows(5, model_kind="teacher"))
    assert [r.cases for r in store.runs()] == [5, 5]


def test_labels_and_probabilities_that_are_not_the_runs_are_refused(store):
    with pytest.raises(
        StoreError,
        match="predicted label 'wheel' of part 0 is not one of run .*: air conditioning, boom",
    ):
        take(store, make_rows(3).assign(predicted="wheel", label="wheel", outcome="right"))
    with pytest.raises(
        StoreError, match="part 0 has 2 probabilities a case, and run .* has 12 labels"
    ):
        take(store, make_rows(3).assign(confidence=0.5, probabilities=[[0.5, 0.5]] * 3))
    assert holds(store) == (0, 0, 0)


BEHIND_THE_DOOR = [
    *(
        (name, value)
        for name in ("confidence", "total", "aleatoric", "epistemic")
        for value in (np.nan, np.inf, -0.1)
    ),
    ("confidence", 1.1),
    ("value", np.inf),
    ("outcome", "maybe"),
]


@pytest.mark.parametrize(("column", "value"), BEHIND_THE_DOOR)
def test_the_table_itself_refuses_what_the_door_does(store, column, value):
    """In DuckDB NaN > 0.9 is true, so a NaN in the table would be accepted by every threshold."""
    rows = make_rows(3)
    path = write_part(store.folder, RUN.run_id, 0, rows)
    table = pq.read_table(path)
    bad = table.column(column).to_pylist()[:-1] + [value]
    field = table.schema.get_field_index(column)
    pq.write_table(table.set_column(field, table.schema.field(column), [bad]), path)
    holder = "cells" if column == "outcome" else "prediction_rows"
    with pytest.raises(
        StoreError, match=f'refused: .*CHECK constraint failed on table "{holder}" .*{column}'
    ):
        store.ingest_part(RUN.run_id, 0, path)
    assert holds(store) == (0, 0, 0)


def test_a_case_that_stands_twice_in_a_file_is_refused(store):
    path = write_part(store.folder, RUN.run_id, 0, make_rows(3))
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, table.schema.field(0), [["a", "b", "a"]]), path)
    with pytest.raises(StoreError, match="case_id 'a' of part 0 is in run .* twice"):
        store.ingest_part(RUN.run_id, 0, path)


def test_a_file_that_is_no_part_is_refused(store):
    path = part_path(store.folder, RUN.run_id, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not parquet")
    with pytest.raises(StoreError, match="refused: .*part-00000.parquet"):
        store.ingest_part(RUN.run_id, 0, path)


def test_a_run_that_ends_leaves_no_file(store):
    rows = make_rows(5)
    take(store, rows)
    # as a kill between the commit and the deletion leaves it
    left = write_part(store.folder, RUN.run_id, 0, rows)
    store.end_run(RUN.run_id, "finished", 1.0, {})
    assert not left.parent.exists()


# --- counts

_EDGE = st.integers(0, FINE_BINS).map(lambda i: i / FINE_BINS)
_BESIDE = st.builds(
    lambda c, to: float(np.clip(np.nextafter(c, to), 0, 1)), _EDGE, st.sampled_from([-1.0, 2.0])
)
CONFIDENCE = st.one_of(st.floats(0, 1), _EDGE, _BESIDE, st.sampled_from([0.0, -0.0, 1.0, 5e-324]))


def bins_in_sql(values: np.ndarray) -> np.ndarray:
    with duckdb.connect() as connection:
        connection.register(
            "given", pd.DataFrame({"i": np.arange(len(values)), "confidence": values})
        )
        return (
            connection.execute(f"SELECT {counts.BIN} AS bin FROM given ORDER BY i")
            .df()["bin"]
            .to_numpy()
        )


@settings(max_examples=50)
@given(st.lists(CONFIDENCE, min_size=1, max_size=200))
def test_the_bin_in_sql_is_the_bin_in_numpy(values):
    np.testing.assert_array_equal(
        bins_in_sql(np.array(values)), bin_of_confidence(np.array(values))
    )


def test_every_edge_and_both_its_neighbours_have_the_same_bin_in_sql():
    values = np.concatenate([EDGES, np.nextafter(EDGES, -1)[1:], np.nextafter(EDGES, 2)[:-1]])
    np.testing.assert_array_equal(bins_in_sql(values), bin_of_confidence(values))


def test_counts_are_those_of_the_predictions_and_add_up_over_parts(store):
    edges = np.append(EDGES[::7], 1.0)
    rows = with_confidence(make_rows(900), np.random.default_rng(0).choice(edges, 900))
    rows.loc[::5, ["label", "outcome"]] = [None, "unlabelled"]
    for part in range(3):
        take(store, rows.iloc[part * 300 : (part + 1) * 300], part)
        same(store.histogram(RUN.run_id), direct(rows.iloc[: (part + 1) * 300]))


def test_counts_equal_a_direct_count_for_every_threshold(full):
    for record in full.runs("score"):
        cumulative = AcceptanceCurve(full.histogram(record.run.run_id))
        with full.atomic() as connection:
            rows = connection.execute(
                "SELECT t, outcome, count(p.case_id) FROM (SELECT unnest(?) AS t) CROSS JOIN"
                " (SELECT unnest(?) AS outcome) LEFT JOIN (SELECT * FROM predictions WHERE run_id ="
                " ?) p USING (outcome) WHERE p.confidence >= t GROUP BY t, outcome",
                [THRESHOLDS.tolist(), list(OUTCOMES), record.run.run_id],
            ).fetchall()
        expected = np.zeros((len(OUTCOMES), len(THRESHOLDS)), dtype=np.int64)
        for threshold, outcome, n in rows:
            expected[OUTCOMES.index(outcome), round(threshold * 1000)] = n
        np.testing.assert_array_equal(cumulative.accepted, expected)


def test_a_run_without_cases_has_an_empty_histogram(store):
    found = store.histogram(RUN.run_id)
    assert (found.segments, found.classes, found.cases) == ((), LABELS, 0)


# --- reading predictions


def test_predictions_are_in_the_order_of_their_file_whatever_came_first(store):
    rows = make_rows(30)
    for part in (2, 0, 1):
        take(store, rows.iloc[part * 10 : (part + 1) * 10].sample(frac=1, random_state=0), part)
    found = store.predictions(RUN.run_id, ["confidence", "case_id"])
    assert list(found.columns) == ["confidence", "case_id"]
    assert found["case_id"].to_list() == rows["case_id"].to_list()


@pytest.mark.parametrize("name", ["nope", '"; DROP TABLE runs; --', "run_id"])
def test_only_the_columns_of_a_part_can_be_asked_for(store, name):
    with pytest.raises(
        StoreError, match=re.escape(f"predictions have no column {name!r}: use one of case_id, row")
    ):
        store.predictions(RUN.run_id, ["text", name])


def test_cases_near_a_threshold_are_from_low_up_to_but_not_high(store):
    confidence = [0.7, 0.8, np.nextafter(0.8, 0), 0.9, np.nextafter(0.9, 0), 1.0]
    take(store, with_confidence(make_rows(6), confidence))

    def found(*arguments) -> list[int]:
        return [int(case_id[-1]) for case_id in store.cases_near(RUN.run_id, *arguments)["case_id"]]

    assert found(0.8, 0.9) == [4, 1]
    assert found(0.8, 2.0) == [5, 3, 4, 1]
    assert found(0.0, 2.0, 2) == [5, 3]
    assert found(0.75, 0.75) == []


# --- transactions


def test_a_transaction_is_all_or_nothing_and_nests(store):
    path = write_part(store.folder, RUN.run_id, 0, make_rows(5))

    def write_all_and_fail():
        with store.atomic():
            store.add_run(make_run("train", "teacher", "train"))
            assert store.ingest_part(RUN.run_id, 0, path) == 5
            assert store.run(RUN.run_id).cases == 5
            raise RuntimeError("the power is cut")

    with pytest.raises(RuntimeError, match="the power is cut"):
        write_all_and_fail()
    assert holds(store) == (0, 0, 0)
    assert len(store.runs()) == 1
    assert path.exists()  # or its cases would be lost
    with store.atomic(), store.atomic():
        assert store.ingest_part(RUN.run_id, 0, path) == 5
        assert path.exists()
    assert not path.exists()
    assert holds(store)[0] == 5


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM nope", "SELECT CAST('a' AS INTEGER)", "INSERT INTO runs (run_id) VALUES ('x')"],
)
def test_an_error_that_is_passed_over_is_not_a_commit_that_kept_nothing(store, statement):
    """DuckDB 2.0 undoes the transaction at the failed statement; COMMIT then succeeds."""

    def pass_over_a_failed_step():
        with store.atomic():
            store.add_run(make_run("train", "teacher", "train"))
            with contextlib.suppress(StoreError), store.atomic() as connection:
                connection.execute(statement)

    with pytest.raises(StoreError, match="nothing was stored: a step"):
        pass_over_a_failed_step()
    assert len(store.runs()) == 1
    store.add_run(make_run("train", "teacher", "train"))
    assert len(store.runs()) == 2


def test_threads_share_one_store(store):
    errors = []

    def work(number: int) -> None:
        try:
            rows = make_rows(20, first=number * 20)
            take(store, rows, number)
            store.runs()
        except KakushinError as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert store.parts(RUN.run_id) == set(range(8))
    same(store.histogram(RUN.run_id), direct(store.predictions(RUN.run_id)))


def test_the_version_changes_with_every_write_and_with_no_reading(store):
    seen = {store.version()}
    writes = [
        lambda: take(store, make_rows(5)),
        lambda: store.end_run(RUN.run_id, "failed", 1.0, {}),
        lambda: store.end_run(RUN.run_id, "finished", 1.0, {}),
        lambda: store.add_run(make_run("train", "teacher", "train")),
    ]
    for write in writes:
        write()
        assert store.version() not in seen
        seen.add(store.version())
    now = store.version()
    (
        store.runs(),
        store.histogram(RUN.run_id),
        store.predictions(RUN.run_id),
        store.cases_near(RUN.run_id, 0, 1),
    )
    assert store.version() == now
    assert Store(store.folder).version() == now


def test_the_version_of_a_store_that_is_not_there_is_known_and_makes_nothing(tmp_path):
    assert Store(tmp_path / "none").version() == Store(tmp_path / "none").version()
    assert not (tmp_path / "none").exists()


# --- the file

OUTSIDE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('{folder}/parts/../kakushin.lock')",
    "SELECT * FROM glob('/etc/*')",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "ATTACH '{folder}/other.duckdb'",
    "EXPORT DATABASE '{folder}/out'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "RESET lock_configuration",
    "SELECT * FROM rows",
]


@pytest.mark.parametrize("statement", OUTSIDE)
def test_the_open_file_reaches_nothing_outside_its_parts(store, statement):
    rows = make_rows(1)  # a frame of Python's, which DuckDB would find by its name
    assert len(rows) == 1
    with (
        pytest.raises(StoreError, match="refused: (Permission|Invalid Input|Catalog) Error"),
        store.atomic() as connection,
    ):
        connection.execute(statement.format(folder=store.folder))
    assert not (store.folder / "out.csv").exists()


def test_a_part_outside_the_stores_folder_is_refused(store, tmp_path):
    path = write_part(tmp_path / "elsewhere", RUN.run_id, 0, make_rows(3))
    with pytest.raises(StoreError, match="refused: Permission Error: Cannot access file"):
        store.ingest_part(RUN.run_id, 0, path)
    assert path.exists()


@pytest.mark.parametrize("name", ["it's", "a [1] * {x}", "倉庫", "a;b--c"])
def test_a_folder_may_have_any_name(tmp_path, name):
    store = make_store(tmp_path / name, "tiny")
    assert [record.cases for record in store.runs()] == [3]


def test_a_folder_that_duckdb_would_read_as_a_query_is_refused(tmp_path):
    with pytest.raises(
        StoreError, match=r"DuckDB allows no '\?' in a path, so use another KAKUSHIN_HOME"
    ):
        Store(tmp_path / "what?").runs()


def test_a_store_in_use_is_waited_for_and_then_said(store):
    store = Store(store.folder, timeout_s=0.2)
    with (
        FileLock(store.folder / "kakushin.lock"),
        pytest.raises(StoreError, match=r"was in use for 0.2 s: is a process stopped"),
    ):
        store.runs()
    assert len(store.runs()) == 1


def test_another_program_at_the_file_is_waited_for(store):
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(store.folder / file.NAME)!r}); print('open',"
        " flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match="was in use for 0.1 s"):
            Store(store.folder, timeout_s=0.1).runs()
        threading.Timer(0.3, other.stdin.close).start()
        assert len(store.runs()) == 1


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path):
    (tmp_path / file.NAME).write_bytes(b"something else" * 1000)
    with pytest.raises(StoreError, match="cannot be opened: .*not a valid DuckDB database"):
        Store(tmp_path).runs()
    other = tmp_path / "other"
    other.mkdir()
    with duckdb.connect(str(other / file.NAME)) as connection:
        connection.execute("CREATE TABLE orders (x INTEGER)")
    with pytest.raises(
        StoreError, match=r"holds tables \(orders\) that are not Kakushin's: use another workspace"
    ):
        Store(other).runs()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="the store's folder .*file/store cannot be used"):
        Store(tmp_path / "file" / "store").runs()


def test_a_store_whose_making_was_cut_short_is_made_again(tmp_path):
    half = tmp_path / ".kakushin.duckdb.killed.tmp"
    half.write_bytes(b"half a header")
    os.utime(half, (0, 0))  # a younger one may have a writer
    assert Store(tmp_path).runs() == []
    assert not half.exists()


# --- the schema


def schema_of(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Return tables, with their constraints, sequences and indexes, as DuckDB writes them."""
    return [
        row
        for query in (
            (
                "SELECT table_name, sql FROM duckdb_tables() WHERE table_name <>"
                " 'schema_migrations' ORDER BY table_name"
            ),
            (
                "SELECT sequence_name, start_value, increment_by FROM duckdb_sequences() ORDER BY"
                " sequence_name"
            ),
            "SELECT index_name, sql FROM duckdb_indexes() ORDER BY index_name",
            "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY view_name",
            (
                "SELECT table_name, column_name, data_type, is_nullable, column_default FROM"
                " duckdb_columns() WHERE NOT internal AND table_name <> 'schema_migrations' ORDER"
                " BY table_name, column_index"
            ),
        )
        for row in connection.execute(query).fetchall()
    ]


def test_the_migrations_add_up_to_the_whole_schema():
    with duckdb.connect() as migrated, duckdb.connect() as whole:
        migrate.migrate(migrated)
        whole.execute((migrate.MIGRATIONS_FOLDER.parent / "schema.sql").read_text(encoding="utf-8"))
        assert schema_of(migrated) == schema_of(whole)
        assert len(schema_of(whole)) > 5


def test_migrations_are_numbered_once_and_written_down_once():
    known = migrate.migrations()
    numbers = [number for number, _ in known]
    assert numbers == sorted(set(numbers))
    with duckdb.connect() as connection:
        migrate.migrate(connection)
        migrate.migrate(connection)
        rows = connection.execute(
            "SELECT version, name FROM schema_migrations ORDER BY version"
        ).fetchall()
    assert rows == [(number, path.stem) for number, path in known]


def test_a_migration_that_arrives_after_a_later_one_is_applied():
    """Branches reserve numbers: a development store may have the later one already."""
    earlier = migrate.migrations()[-2][0]
    with duckdb.connect() as connection, duckdb.connect() as whole:
        migrate.migrate(whole)
        connection.execute(migrate._TABLE)
        for number, path in migrate.migrations():
            if number != earlier:
                migrate._apply(connection, number, path)
        migrate.migrate(connection)
        assert schema_of(connection) == schema_of(whole)


def test_a_store_of_a_newer_version_is_refused_by_name_and_version(store):
    with store.atomic() as connection:
        connection.execute(
            "INSERT INTO schema_migrations (version, name) VALUES (99, '0099_future')"
        )
    newest = migrate.migrations()[-1][0]
    with pytest.raises(
        StoreError,
        match=(
            r"schema version 99 \('0099_future'\), and this version of Kakushin knows up to"
            rf" {newest}:"
        ),
    ):
        store.runs()


def test_an_older_store_is_brought_up_to_date_and_a_failed_migration_changes_nothing(
    store, tmp_path, monkeypatch
):
    for path in (*migrate.MIGRATIONS_FOLDER.glob("*.sql"),):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(migrate, "MIGRATIONS_FOLDER", tmp_path)
    number = migrate.migrations()[-1][0] + 1
    next_one = tmp_path / f"{number:04d}_next.sql"
    next_one.write_text(
        "ALTER TABLE runs ADD COLUMN note VARCHAR; SELECT * FROM nope;", encoding="utf-8"
    )
    with pytest.raises(
        StoreError, match="migration 00.._next failed, and the store is as it was: Catalog Error"
    ):
        store.runs()
    next_one.write_text("ALTER TABLE runs ADD COLUMN note VARCHAR;", encoding="utf-8")
    assert [record.run for record in store.runs()] == [RUN]
    with store.atomic() as connection:
        assert connection.execute(
            "SELECT max(version), max(note) FROM schema_migrations, runs"
        ).fetchone() == (number, None)


def test_the_store_starts_without_models_and_screens():
    code = (
        "import sys, core.store.store; print(*sorted({'torch', 'transformers', 'streamlit',"
        " 'plotly'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ},
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
