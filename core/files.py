"""Files and folders that change as a whole: a reader sees the old content or the new, never half.

Files of ours may hold text of cases, so only their owner can read them: a new file has mode 600, a
new folder 700, whatever the umask. Temporary names are unique among threads and processes. Knows no
format.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PRIVATE_FOLDER = 0o700
TEMPORARY = ".tmp"  # ending of a file that is still being written
ABANDONED_S = 3600.0  # a temporary file of that age has no writer any more


def write_atomic(
    path: Path, content: bytes | str | Callable[[BinaryIO], object], durable: bool = True
) -> None:
    """Replace the file at `path` by the content, under a temporary name first, then renamed.

    content: bytes, text (UTF-8), or a function that writes into the open file. durable: wait until
    the content and its name are on disk. Raises OSError; the old file stays then.
    """
    handle, temporary = tempfile.mkstemp(TEMPORARY, f".{path.name[:100]}.", path.parent)
    fresh = Path(temporary)
    try:
        with os.fdopen(handle, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def replace_folder(folder: Path, fill: Callable[[Path], object]) -> None:
    """Replace a folder by a new one that `fill` writes: the old one aside, the new one in, the old
    one away.

    A process that is killed in between leaves the old folder or the new one: `recover_folder` puts
    an old one back whose place is empty. Raises what `fill` raises; the old folder stays then.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover_folder(folder)
    fresh = Path(tempfile.mkdtemp(TEMPORARY, f".{folder.name}.", folder.parent))  # mode 700
    try:
        fill(fresh)
        aside = _aside(folder)
        shutil.rmtree(aside, ignore_errors=True)
        if folder.exists():
            folder.rename(aside)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        recover_folder(folder)
        raise
    sync_folder(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def recover_folder(folder: Path) -> Path:
    """Put back the old folder if a process was killed while it replaced it; return the folder.

    Call it before a folder is read. Does nothing if the folder exists.
    """
    aside = _aside(folder)
    if not folder.exists() and aside.exists():
        try:
            aside.rename(folder)
        except OSError:  # another process did it first
            if not folder.exists():
                raise
    return folder


def recover_folders(parent: Path) -> None:
    """Recover each folder in `parent` that a killed process left aside. Does nothing if there is
    no such parent.
    """
    for aside in parent.glob(".*.old"):
        recover_folder(aside.with_name(aside.name[1:].removesuffix(".old")))


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it that are missing, for the owner alone; return it."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


def delete_abandoned(folder: Path) -> None:
    """Delete temporary files in a folder that no process has written for an hour."""
    for fresh in folder.glob(f"*{TEMPORARY}"):
        try:
            if fresh.is_file() and time.time() - fresh.stat().st_mtime > ABANDONED_S:
                fresh.unlink()
        except FileNotFoundError:  # its writer, or another process, was faster
            continue


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
