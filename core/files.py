"""Atomic writes of files and folders: a reader sees the old content or the new, never half.

The files may hold text of cases, so only their owner can read them: a new file has mode 600, a new
folder 700, whatever the umask. Temporary names are unique among threads and processes. Knows no
format.
"""

import glob
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

PRIVATE_FOLDER = 0o700
TEMPORARY = ".tmp"  # ending of a file during its writing
ABANDONED_S = 3600.0  # no write takes an hour: a temporary file of that age has lost its writer


@contextmanager
def fresh_file(path: Path, durable: bool = True, once: bool = False) -> Iterator[Path]:
    """Yield an empty file of mode 600 next to `path`; at the end of the block it takes that name.

    For writers that open a file by its name. durable: wait until the content and its name are on
    disk. once: raise FileExistsError for a name that is taken, instead of replacing the old file.
    An exception deletes the fresh file and keeps the old one. Raises OSError.
    """
    handle, temporary = tempfile.mkstemp(TEMPORARY, f".{path.name[:100]}.", path.parent)
    os.close(handle)
    fresh = Path(temporary)
    try:
        yield fresh
        if durable:  # before the rename: a power cut could leave the name without content
            sync_path(fresh)
        if once:
            os.link(fresh, path)  # fails if the name is taken, which a rename would replace
            fresh.unlink()
        else:
            fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    if durable:
        sync_path(path.parent)


def write_atomic(
    path: Path,
    content: bytes | str | Callable[[BinaryIO], object],
    durable: bool = True,
    once: bool = False,
) -> None:
    """Write the content under a temporary name in the same folder, then rename it to `path`.

    content: bytes, text (UTF-8), or a function that writes into the open file. durable, once: as of
    `fresh_file`. Raises OSError and keeps the old file.
    """
    with fresh_file(path, durable, once) as fresh, fresh.open("wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content.encode() if isinstance(content, str) else content)


def make_file_once(path: Path, content: bytes | str | Callable[[BinaryIO], object]) -> bool:
    """Write a file of mode 600 if it does not exist; return whether this call made it.

    content: as of `write_atomic`. Of several processes one makes it, and each finds it whole. Raises OSError.
    """
    if path.exists():
        return False
    try:
        write_atomic(path, content, once=True)
    except FileExistsError:  # another process was first
        return False
    return True


def replace_folder(folder: Path, fill: Callable[[Path], object]) -> None:
    """Replace a folder by a new one that `fill` writes.

    The old folder is renamed aside, the new one takes its name, and the old one is deleted. A
    process killed in between leaves the old folder or the new one: `recover_folder` puts the old
    one back if its place is empty. Raises what `fill` raises and keeps the old folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover_folder(folder)
    _delete_abandoned_folders(folder)
    fresh = Path(tempfile.mkdtemp(TEMPORARY, f".{folder.name}.", folder.parent))  # mode 700
    try:
        fill(fresh)
        aside = _aside(folder)
        # Two renames, since rename() replaces only an empty folder; recover_folder covers the gap.
        shutil.rmtree(aside, ignore_errors=True)
        if folder.exists():
            folder.rename(aside)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        recover_folder(folder)
        raise
    sync_path(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def make_folder_once(folder: Path, fill: Callable[[Path], object]) -> Path:
    """Return the folder; if it does not exist, `fill` writes it, in one process at a time.

    Raises what `fill` raises, and OSError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):
        if not recover_folder(folder).is_dir():  # the lock's last holder may have made it
            replace_folder(folder, fill)
    return folder


def recover_folder(folder: Path) -> Path:
    """Put back the old folder if a process was killed while it replaced it; return the folder.

    Call it before a folder is read. Does nothing if the folder exists.
    """
    aside = _aside(folder)
    if not folder.exists() and aside.exists():
        try:
            aside.rename(folder)
        except OSError:  # another process may have put it back first
            if not folder.exists():
                raise
    return folder


def recover_folders(parent: Path) -> None:
    """Recover each folder in `parent` that a killed process left aside; needs no such parent."""
    for aside in parent.glob(".*.old"):
        recover_folder(aside.with_name(aside.name[1:].removesuffix(".old")))


def private_folder(folder: Path) -> Path:
    """Make a folder and its missing parents with mode 700; return the folder."""
    # mkdir(parents=True) would give the parents the default mode, not this one.
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


def _delete_abandoned_folders(folder: Path) -> None:
    """Delete what killed calls of `replace_folder` left of this folder more than ABANDONED_S ago."""
    for fresh in folder.parent.glob(f".{glob.escape(folder.name)}.*{TEMPORARY}"):
        if fresh.is_dir() and time.time() - fresh.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(fresh, ignore_errors=True)


def delete_abandoned(folder: Path) -> None:
    """Delete the temporary files in a folder that are older than ABANDONED_S."""
    for fresh in folder.glob(f"*{TEMPORARY}"):
        try:
            if fresh.is_file() and time.time() - fresh.stat().st_mtime > ABANDONED_S:
                fresh.unlink()
        except FileNotFoundError:  # its writer renamed it, or another process deleted it
            continue


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_path(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on disk.

    fsync of a file does not cover its name.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
