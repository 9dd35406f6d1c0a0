"""Debian's archive through its ordinary client, apt-get, with lists and downloads of our own: the
system's stay as they are.

What is fetched stays in the cache and is never redistributed.
"""

import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

from core.errors import FetchError

LANGUAGES = ("ja", "en")  # of the descriptions that are fetched


def package_files(package: str, cache: Path) -> Path:
    """The unpacked content of a Debian package, in `cache`. Raises FetchError where apt-get or the
    archive is not there.
    """
    folder = cache / "debian" / package
    with _locked(cache):
        if not folder.is_dir():
            part = folder.with_name(package + ".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            _update(cache)
            _run(
                [*_apt(cache), "download", package],
                f"package {package} could not be downloaded",
                cwd=part,
            )
            archives = list(part.glob("*.deb"))
            if len(archives) != 1:
                raise FetchError(
                    f"the download of {package} gave {len(archives)} archives, and 1 is expected"
                )
            _run(
                ["dpkg-deb", "-x", str(archives[0]), str(part)],
                f"{archives[0].name} could not be unpacked",
            )
            part.rename(folder)
    return folder


def package_version(package: str, cache: Path) -> str:
    """The version of the package that `package_files` unpacked, from its archive's name."""
    return next(package_files(package, cache).glob("*.deb")).name.split("_")[1]


def index_files(pattern: str, cache: Path) -> list[Path]:
    """The archive's index files whose name fits, such as "*_i18n_Translation-ja". Raises FetchError
    where there is none.
    """
    with _locked(cache):
        if not (found := _indexes(cache, pattern)):
            _update(cache)
            found = _indexes(cache, pattern)
    if not found:
        raise FetchError(
            f"no index {pattern} is in the archives that apt-get is set up with: a Debian mirror"
            " has it"
        )
    return found


def _indexes(cache: Path, pattern: str) -> list[Path]:
    return sorted((cache / "debian" / "lists").glob(pattern))


def _update(cache: Path) -> None:
    (cache / "debian" / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (cache / "debian" / "downloads" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    _run([*_apt(cache), "update"], "Debian's lists could not be fetched")


def _apt(cache: Path) -> list[str]:
    home = (cache / "debian").resolve()
    options = {
        "Dir::State::Lists": home / "lists",
        "Dir::Cache": home / "downloads",
        "Acquire::Languages": ",".join(LANGUAGES),
        "Acquire::GzipIndexes": "false",  # plain files, whatever the system's default
        "APT::Sandbox::User": "root",  # the sandbox's user may not write here
    }
    return [
        "apt-get",
        "-q",
        "-q",
        *[x for name, value in options.items() for x in ("-o", f"{name}={value}")],
    ]


def _run(command: list[str], fact: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError as e:
        raise FetchError(
            f"{fact}: there is no {command[0]} here; this benchmark set needs Debian or Ubuntu"
        ) from e
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FetchError(
            f"{fact}: {command[0]} says {reason!r}; is the archive in /etc/apt reachable?"
        )


def _locked(cache: Path) -> FileLock:
    (cache / "debian").mkdir(parents=True, exist_ok=True)
    return FileLock(cache / "debian" / "lock")
