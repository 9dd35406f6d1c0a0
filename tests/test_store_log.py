"""The log that a killed process leaves: what was committed in it is taken in, or is missed aloud."""

import logging
import random
import shutil
import zlib

import pytest

from core.errors import StoreError
from core.messages import error_text
from core.store.file import NAME
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.wal import NOTE
from tests.stores import die_before_checkpoint

LOG = f"{NAME}.wal"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return a store's folder whose last process died after a commit, before its checkpoint."""
    store = Store(tmp_path_factory.mktemp("killed") / "store")
    Ledger(store).add_scenario("plan", {"cost": 0}, "Suzuki")

    def add_three():
        with store.atomic():
            for cost in (1, 2, 3):
                Ledger(store).add_scenario("plan", {"cost": cost}, "Suzuki")

    die_before_checkpoint(add_three)
    assert (store.folder / LOG).stat().st_size > 1000
    return store.folder


@pytest.fixture
def folder(killed, tmp_path):
    return shutil.copytree(killed, tmp_path / "store")


def costs(folder):
    return [version.content["cost"] for version in Ledger(Store(folder)).scenarios("plan")]


def test_the_commit_of_a_killed_process_is_taken_in_and_the_log_is_gone(folder):
    assert costs(folder) == [3, 2, 1, 0]
    assert not (folder / LOG).exists()
    assert not (folder / NOTE).read_text().strip()


def test_a_write_that_was_cut_off_after_the_last_commit_is_no_damage(folder):
    with (folder / LOG).open("ab") as log:
        log.write(random.Random(1).randbytes(300))
    assert costs(folder) == [3, 2, 1, 0]


def damaged(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    zeros = bytes(200)
    return {
        "garbage": random.Random(2).randbytes(len(content)),
        "text": b"no log\n" * 50,
        "no header": bytes(30) + content[30:],
        "zeros within": content[:middle] + zeros + content[middle + len(zeros) :],
        "cut": content[:middle],
        "cut in its header": content[:20],
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
    }[how]


@pytest.mark.parametrize(
    "how",
    ["garbage", "text", "no header", "zeros within", "cut", "cut in its header", "flipped"],
)
def test_a_log_that_lost_a_commit_is_refused_and_stays_as_it_is(folder, how):
    content = damaged((folder / LOG).read_bytes(), how)
    (folder / LOG).write_bytes(content)
    for _ in range(2):  # the second opening must not find the store mended
        with pytest.raises(StoreError, match=r"no longer begins with what was committed") as caught:
            costs(folder)
        assert (folder / LOG).read_bytes() == content
    assert "確定した内容と一致しません" in error_text(caught.value, "ja")
    (folder / LOG).unlink()  # as the sentence says
    assert costs(folder) == [0]


def test_a_log_of_garbage_without_a_commit_is_set_aside_and_said(killed, tmp_path, caplog):
    folder = shutil.copytree(killed, tmp_path / "store")
    costs(folder)  # takes the log in
    (folder / LOG).write_bytes(random.Random(3).randbytes(2000))
    with caplog.at_level(logging.WARNING):
        assert costs(folder) == [3, 2, 1, 0]
    aside = next(folder.glob(f"{LOG}.unused-*"))
    assert f"{aside} holds nothing that the store could take in" in caplog.text
    assert aside.stat().st_size == 2000
    Ledger(Store(folder)).add_scenario("plan", {"cost": 4}, "Suzuki")
    assert costs(folder)[0] == 4


def test_a_note_of_an_earlier_log_condemns_no_later_one(folder):
    """As after a power cut: the log is on disk, and the note is still that of an older log."""
    size, sha256, _, _ = (folder / NOTE).read_text().split()
    note = f"{size} {sha256} {'00' * 64}"
    (folder / NOTE).write_text(f"{note} {zlib.crc32(note.encode()):08x}")
    assert costs(folder) == [3, 2, 1, 0]


@pytest.mark.parametrize("cut", [1, 20, 50, 90, 200])
def test_half_a_note_over_an_earlier_one_condemns_no_log(folder, cut):
    """As where a write was cut off: the note's first characters are new, the others are old."""
    new = (folder / NOTE).read_text()
    old = f"1234 {'12' * 32} {new.split()[2]} {'9' * 8}".ljust(len(new))
    (folder / NOTE).write_text(old[:cut] + new[cut:])
    assert costs(folder) == [3, 2, 1, 0]
