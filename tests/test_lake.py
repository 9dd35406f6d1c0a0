"""Rows that stay in their Parquet parts: every query answers as if the rows were in the store."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from core.decision.thresholds.policy import Policy
from core.errors import SettingsError, StoreError
from core.pipeline.apply import apply_policy
from core.pipeline.evaluate import evaluate
from core.settings import Settings
from core.store import counts
from core.store.audits import Audits
from core.store.claims import Claims
from core.store.counts import COMPACT_EVERY
from core.store.ledger import Ledger
from core.store.part_counts import counts_path, write_counts
from core.store.parts import part_path, write_part
from core.store.purge import purge_before
from core.store.reviews import Reviews
from core.store.samples import Samples
from core.store.store import Store
from tests.stores import make_rows, make_run, recount

RUN = make_run("score", "student", "stream")
OTHER = make_run("score", "point", "stream")
PART = 30


def filled(folder, rows: pd.DataFrame, stay) -> Store:
    """A store with the rows in parts of PART; stay(part) tells whether the part's rows stay."""
    store = Store(folder / "store", timeout_s=5)
    store.add_run(RUN)
    store.add_run(OTHER)
    for part, start in enumerate(range(0, len(rows), PART)):
        path = write_part(store.folder, RUN.run_id, part, rows.iloc[start : start + PART])
        store.ingest_part(RUN.run_id, part, path, rows_stay=stay(part))
    other = write_part(store.folder, OTHER.run_id, 0, rows.iloc[:5])
    store.ingest_part(OTHER.run_id, 0, other)
    return store


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return make_rows(PART * (COMPACT_EVERY + 2))


@pytest.fixture(scope="module")
def local(tmp_path_factory, rows) -> Store:
    """Every row in the store: what the others are compared with."""
    return filled(tmp_path_factory.mktemp("local"), rows, lambda part: False)


@pytest.fixture(scope="module", params=["all parts", "every second part"])
def lake(request, tmp_path_factory, rows) -> Store:
    step = 1 if request.param == "all parts" else 2
    return filled(tmp_path_factory.mktemp("lake"), rows, lambda part: part % step == 0)


def undecided(store: Store) -> pd.DataFrame:
    """Return the run's undecided cases by id: the store promises them in no order."""
    cases = Reviews(store).undecided_cases(RUN.run_id, "none", 1, 1000)
    return cases.sort_values("case_id", ignore_index=True)


def test_counts_are_those_of_stored_rows(lake, local):
    pd.testing.assert_frame_equal(lake.joint_counts(RUN.run_id), local.joint_counts(RUN.run_id))
    mine, theirs = lake.histogram(RUN.run_id), local.histogram(RUN.run_id)
    np.testing.assert_array_equal(mine.counts, theirs.counts)
    np.testing.assert_allclose(mine.confidence_sum, theirs.confidence_sum, rtol=1e-12)


def test_rows_are_those_of_stored_rows(lake, local):
    for ask in (
        lambda store: store.predictions(RUN.run_id),
        lambda store: store.cases_near(RUN.run_id, 0.4, 0.9, 25),
        lambda store: store.predictions(OTHER.run_id),
        undecided,
    ):
        pd.testing.assert_frame_equal(ask(lake), ask(local))


def test_no_row_is_in_the_database(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: True)
    with store.atomic() as connection:
        count = "SELECT count(*) FROM prediction_rows JOIN cells USING (cell) WHERE run_id = ?"
        assert connection.execute(count, [RUN.run_id]).fetchone() == (0,)


def test_a_recount_of_the_files_changes_nothing(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: part % 3 > 0)
    before = store.joint_counts(RUN.run_id)
    recount(store, RUN.run_id)
    pd.testing.assert_frame_equal(store.joint_counts(RUN.run_id), before)


def test_the_end_of_a_run_keeps_the_files_of_its_rows(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: True)
    store.end_run(RUN.run_id, "finished", 1.0, {})
    assert len(store.predictions(RUN.run_id)) == len(rows)


def test_taking_a_part_in_again_keeps_its_file_and_doubles_nothing(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: True)
    path = part_path(store.folder, RUN.run_id, 0)
    for rows_stay in (True, False):
        assert store.ingest_part(RUN.run_id, 0, path, rows_stay=rows_stay) == PART
    assert len(store.predictions(RUN.run_id)) == len(rows)


def test_a_case_in_a_file_is_refused_in_a_later_part(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: True)
    again = write_part(store.folder, RUN.run_id, 99, rows.iloc[3:4])
    with pytest.raises(StoreError, match=rows["case_id"].iloc[3]):
        store.ingest_part(RUN.run_id, 99, again)


def test_a_missing_file_is_named_and_other_runs_and_counts_go_on(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: True)
    gone = part_path(store.folder, RUN.run_id, 2)
    gone.unlink()
    with pytest.raises(StoreError, match=r"part 2 of the run .* that file is gone"):
        store.predictions(RUN.run_id)
    # A query that asks for no file by name must not leave its rows out either.
    with pytest.raises(StoreError, match=gone.name):
        Reviews(store).undecided_cases(RUN.run_id, "none", 1, 1000)
    assert store.joint_counts(RUN.run_id)["n"].sum() == len(rows)
    assert len(store.predictions(OTHER.run_id)) == 5


def test_a_file_elsewhere_is_refused(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: False)
    path = write_part(tmp_path, RUN.run_id, 50, rows.iloc[:2])
    with pytest.raises(SettingsError, match="write the part there"):
        store.ingest_part(RUN.run_id, 50, path, rows_stay=True)


def decided(folder, rows: pd.DataFrame, stay) -> Store:
    """A store of a finished run, all of whose cases an approved policy has decided."""
    store = filled(folder, rows, stay)
    store.end_run(RUN.run_id, "finished", 1.0, {"seconds_per_case": 0.1})
    version = Ledger(store).add_policy("line", Policy(0.6).to_dict(), "Sato", "a", (RUN.run_id,))
    for event in ("approve", "activate"):
        Ledger(store).add_policy_event("line", version.version, event, "Tanaka", "agreed")
    assert apply_policy(store, RUN.run_id, version, date(2026, 7, 1)).added == len(rows)
    return store


@pytest.mark.parametrize("stay", [lambda part: True, lambda part: part % 2], ids=["all", "some"])
def test_decisions_audits_claims_and_evaluations_are_those_of_stored_rows(tmp_path, rows, stay):
    lake = decided(tmp_path / "lake", rows[: PART * 6], stay)
    local = decided(tmp_path / "local", rows[: PART * 6], lambda part: False)
    key = (RUN.run_id, "line", 1)
    for ask in (
        # Each store draws its audits by a secret of its own.
        lambda store: Reviews(store).decided_cases(*key).drop(columns=["at", "audit_probability"]),
        lambda store: Reviews(store).decided_cases(*key, limit=7, decision="review")["case_id"],
        lambda store: Reviews(store).decision_counts(*key),
        lambda store: Audits(store).accepted_cases(*key),
        lambda store: Audits(store).audited_cases(*key).loc[:, :"reason"],
    ):
        answer = ask(lake)
        assert len(answer)
        (pd.testing.assert_series_equal if answer.ndim == 1 else pd.testing.assert_frame_equal)(
            answer, ask(local)
        )
    case_id = rows["case_id"].iloc[40]
    assert Claims(lake).case_text(RUN.run_id, case_id) == rows["text"].iloc[40]
    assert Samples(lake).below(RUN.run_id, 0.5, 0.2) == Samples(local).below(RUN.run_id, 0.5, 0.2)
    mine, theirs = (evaluate(store, RUN.dataset, RUN.role) for store in (lake, local))
    assert mine == theirs
    assert mine.rows[RUN.model]["run"] == RUN.run_id


def test_a_purge_empties_the_texts_in_files_and_a_recount_still_reads_them(tmp_path, rows):
    store = filled(tmp_path, rows, lambda part: part % 2 == 0)
    before, settings = store.predictions(RUN.run_id), Settings(home=tmp_path)
    assert purge_before(store, settings, date(2020, 1, 1)).texts == 0
    assert purge_before(store, settings, date(2027, 1, 1)).texts == len(rows) + 5
    after = store.predictions(RUN.run_id)
    assert set(after["text"]) == {""}
    pd.testing.assert_frame_equal(after.drop(columns="text"), before.drop(columns="text"))
    assert rows["text"].iloc[0].encode() not in part_path(store.folder, RUN.run_id, 0).read_bytes()
    # The file is still its own part: taking it in again is no other content.
    path = part_path(store.folder, RUN.run_id, 0)
    assert store.ingest_part(RUN.run_id, 0, path, rows_stay=True) == PART
    assert purge_before(store, settings, date(2027, 1, 1)).texts == 0


def counted(folder, rows: pd.DataFrame, groups) -> Store:
    """A store that has taken in the counts of groups of parts, made by another process."""
    store = Store(folder / "store", timeout_s=5)
    store.add_run(RUN)
    for part, start in enumerate(range(0, len(rows), PART)):
        write_part(store.folder, RUN.run_id, part, rows.iloc[start : start + PART])
    for group in groups:
        path = write_counts(store.folder, RUN.run_id, group)
        assert store.ingest_counts(RUN.run_id, path) == PART * len(group)
    return store


def joint(store: Store) -> pd.DataFrame:
    """The run's joint counts by name: the store numbers cells in the order in which they come."""
    frame = store.joint_counts(RUN.run_id).astype(
        {"segment": str, "predicted": str, "outcome": str}
    )
    return frame.sort_values(list(frame.columns), ignore_index=True)


GROUPS = ([3, 0, 5], [1], [2, 4, 6, 7, 8, 9])


def test_counts_of_other_processes_answer_as_stored_rows(tmp_path, rows, local):
    store = counted(tmp_path, rows, GROUPS)
    pd.testing.assert_frame_equal(joint(store), joint(local))
    mine, theirs = store.histogram(RUN.run_id), local.histogram(RUN.run_id)
    np.testing.assert_array_equal(mine.counts, theirs.counts)
    np.testing.assert_allclose(mine.confidence_sum, theirs.confidence_sum, rtol=1e-12)
    pd.testing.assert_frame_equal(store.predictions(RUN.run_id), local.predictions(RUN.run_id))
    ours, others = store.run(RUN.run_id), local.run(RUN.run_id)
    assert (ours.cases, ours.first_at, ours.last_at) == (len(rows), others.first_at, others.last_at)
    recount(store, RUN.run_id)
    pd.testing.assert_frame_equal(joint(store), joint(local))


def test_counts_taken_in_twice_count_once_and_the_end_deletes_their_files(tmp_path, rows):
    store = counted(tmp_path, rows, [*GROUPS, *GROUPS])
    assert store.joint_counts(RUN.run_id)["n"].sum() == len(rows)
    home = part_path(store.folder, RUN.run_id, 0).parent
    assert len(list(home.glob("counts-*"))) == len(GROUPS)
    store.end_run(RUN.run_id, "finished", 1.0, {})
    assert list(home.glob("counts-*")) == []
    assert len(store.predictions(RUN.run_id)) == len(rows)


def test_sums_are_added_up_once_they_are_many(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(counts, "FOLD_FROM", 0)
    monkeypatch.setattr(counts, "COUNT_AT", 1)
    store = counted(
        tmp_path,
        pd.concat([rows.iloc[:PART]] * 3).assign(case_id=[f"c{i:04d}" for i in range(3 * PART)]),
        [[0], [1], [2]],
    )
    with store.atomic() as connection:
        stored = connection.execute("SELECT count(*), sum(n) FROM histograms").fetchone()
    assert stored == (len(store.joint_counts(RUN.run_id)), 3 * PART)


def test_what_counts_of_other_processes_may_not_hold(tmp_path, rows):
    store = counted(tmp_path, rows, [[0, 1]])
    path = write_counts(store.folder, RUN.run_id, [1, 2])
    with pytest.raises(StoreError, match="counts part 2, which run .* lacks"):
        store.ingest_counts(RUN.run_id, path)
    write_part(store.folder, RUN.run_id, 20, rows.iloc[3:4])
    with pytest.raises(StoreError, match=rows["case_id"].iloc[3]):
        store.ingest_counts(RUN.run_id, write_counts(store.folder, RUN.run_id, [20]))
    write_part(store.folder, RUN.run_id, 21, rows.iloc[70:80])
    with pytest.raises(StoreError, match=rows["case_id"].iloc[70]):
        write_counts(store.folder, RUN.run_id, [2, 21])
    strange = rows.iloc[100:105].assign(case_id=list("abcde"), predicted="ufo", outcome="wrong")
    write_part(store.folder, RUN.run_id, 22, strange)
    with pytest.raises(StoreError, match="'ufo' of part 22"):
        store.ingest_counts(RUN.run_id, write_counts(store.folder, RUN.run_id, [22]))
    part = write_part(store.folder, RUN.run_id, 1, rows.iloc[50:60])
    counts_path(store.folder, RUN.run_id, [0, 1]).unlink()
    with pytest.raises(StoreError, match="part 1 of run .* other content"):
        store.ingest_counts(RUN.run_id, write_counts(store.folder, RUN.run_id, [0, 1]))
    assert part.is_file()
    assert store.parts(RUN.run_id) == {0, 1}
