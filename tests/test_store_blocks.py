"""A checkpoint that was killed within a write: the store opens, and has what was committed."""

import logging
import shutil

import pytest

from core.errors import StoreError
from core.store.blocks import COPY
from core.store.file import NAME
from core.store.ledger import Ledger
from core.store.store import Store
from tests.stores import die_before_checkpoint

HEADER, BLOCK = 3 * 4096, 262_144  # bytes


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return a store's folder whose last process died before its checkpoint."""
    store = Store(tmp_path_factory.mktemp("killed") / "store")
    Ledger(store).add_scenario("plan", {"cost": 0}, "Suzuki")
    die_before_checkpoint(lambda: Ledger(store).add_scenario("plan", {"cost": 1}, "Suzuki"))
    return store.folder


@pytest.fixture
def folder(killed, tmp_path):
    """Return a copy of it in which half of the first block is overwritten."""
    folder = shutil.copytree(killed, tmp_path / "store")
    with (folder / NAME).open("r+b") as file:
        file.seek(HEADER)
        file.write(b"new" * (BLOCK // 6))
    return folder


def costs(folder):
    return [version.content["cost"] for version in Ledger(Store(folder)).scenarios("plan")]


@pytest.mark.parametrize("has_log", [True, False])
def test_an_unfinished_block_is_put_back(folder, has_log, caplog):
    """Without a log, too: a large commit goes into the file itself."""
    if not has_log:
        (folder / f"{NAME}.wal").unlink()
    with caplog.at_level(logging.WARNING):
        assert costs(folder) == ([1, 0] if has_log else [0])
    assert "an unfinished block was put back" in caplog.text
    assert not (folder / COPY).exists()
    Ledger(Store(folder)).add_scenario("plan", {"cost": 2}, "Suzuki")
    assert costs(folder)[0] == 2


@pytest.mark.parametrize("damage", ["gone", "cut", "text", "other bytes"])
def test_a_copy_that_is_not_whole_is_none(folder, damage):
    content = (folder / COPY).read_bytes()
    kept = {
        "cut": content[:-9],
        "text": b"no copy\n",
        "other bytes": content[:-9] + bytes(9 * [1]),
    }
    if damage == "gone":
        (folder / COPY).unlink()
    else:
        (folder / COPY).write_bytes(kept[damage])
    with pytest.raises(StoreError, match="cannot be opened: Corrupt database file"):
        costs(folder)


def test_a_copy_of_an_earlier_state_is_not_put_back(killed, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "store")
    old = (folder / COPY).read_bytes()
    Ledger(Store(folder)).add_scenario("plan", {"cost": 2}, "Suzuki")
    (folder / COPY).write_bytes(old)  # as of a process that was killed after its checkpoint
    assert costs(folder) == [2, 1, 0]
    assert not (folder / COPY).exists()


def test_no_copy_stays_after_a_transaction_and_only_the_owner_reads_it(killed, tmp_path):
    assert (killed / COPY).stat().st_mode & 0o777 == 0o600
    folder = shutil.copytree(killed, tmp_path / "store")
    assert costs(folder) == [1, 0]
    assert {path.name for path in folder.iterdir()}.isdisjoint({COPY, f"{NAME}.wal"})
