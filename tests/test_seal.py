"""A part carries its own digest: a damaged one is refused, and one of an earlier version is not."""

import random

import pyarrow.parquet as pq
import pytest

from benchmarks.damaged_files import flip_bit
from core.errors import StoreError
from core.files import sha256_of
from core.messages import error_text
from core.store.parts import empty_texts, write_part
from core.store.seal import sealed_sha256
from core.store.store import Store
from tests.stores import make_rows, make_run

RUN = make_run("score", "student", "stream")


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(tmp_path / "store")
    store.add_run(RUN)
    return store


def test_a_part_with_a_changed_bit_is_refused_in_words_and_nothing_of_it_is_stored(store):
    path = write_part(store.folder, RUN.run_id, 0, make_rows(20))
    flip_bit(path, random.Random(3))
    with pytest.raises(StoreError, match=r"part-00000\.parquet is damaged") as caught:
        store.ingest_part(RUN.run_id, 0, path)
    assert "破損しており" in error_text(caught.value, "ja")
    assert store.parts(RUN.run_id) == set()
    assert path.exists()
    path.unlink()  # as the sentence says
    assert (
        store.ingest_part(RUN.run_id, 0, write_part(store.folder, RUN.run_id, 0, make_rows(20)))
        == 20
    )


def test_a_bit_that_changed_after_the_intake_is_noticed_where_the_rows_stay(store):
    path = write_part(store.folder, RUN.run_id, 0, make_rows(20))
    store.ingest_part(RUN.run_id, 0, path, rows_stay=True)
    flip_bit(path, random.Random(3))
    with pytest.raises(StoreError, match="is damaged"):
        store.ingest_part(RUN.run_id, 0, path, rows_stay=True)


def test_a_part_without_a_seal_as_of_an_earlier_version_is_taken_in(store):
    path = write_part(store.folder, RUN.run_id, 0, make_rows(20))
    pq.write_table(pq.read_table(path), path)
    assert sealed_sha256(path) == sha256_of(path)
    assert store.ingest_part(RUN.run_id, 0, path) == 20


def test_equal_rows_have_equal_seals_and_a_purge_seals_anew(tmp_path):
    paths = [write_part(tmp_path, RUN.run_id, part, make_rows(20)) for part in (0, 1)]
    before = [sealed_sha256(path) for path in paths]
    assert before[0] == before[1]
    empty_texts(paths[0])
    assert sealed_sha256(paths[0]) != before[0]
    flip_bit(paths[0], random.Random(1))
    with pytest.raises(StoreError, match="is damaged"):
        sealed_sha256(paths[0])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 5, b"x" * 100])
def test_a_file_too_short_for_a_seal_has_its_plain_digest(tmp_path, content):
    path = tmp_path / "short"
    path.write_bytes(content)
    assert sealed_sha256(path) == sha256_of(path)
