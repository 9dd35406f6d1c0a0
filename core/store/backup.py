"""Backups of a workspace: copied while no process writes, checked before and after a restore.

A backup is a folder: the workspace's files without downloads, and manifest.json with the hash of
each file, the rows of each table, and the end of the audit trail. Writers wait while the store is
copied; none fails. Knows no table's meaning.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.errors import StoreError
from core.files import private_folder, replace_folder, sha256_of, write_atomic
from core.store.anchor import ChainEnd
from core.store.file import LOCK, TURN, only_row
from core.store.store import Store
from core.store.trail import AuditTrail, record_action
from core.store.wal import NOTE

MANIFEST = "manifest.json"
LEFT_OUT = ("cache",)  # folders of the workspace that can be downloaded again
# Copied after the store: a case that the store has must be in the gate's log, too.
AFTER_STORE = ("gate",)
COPIES = 5  # of a folder whose names change meanwhile, before it is given up
_PATTERNS = shutil.ignore_patterns("*.tmp", ".reading-*", "*.lock", LOCK, TURN)


@dataclass(frozen=True)
class BackupContent:
    """The content of a backup: {relative path: sha256}, {table: rows}, the audit trail's end."""

    files: dict[str, str]
    counts: dict[str, int]
    trail: ChainEnd


def write_backup(store: Store, home: Path, out: Path) -> BackupContent:
    """Copy the workspace into the new folder `out`, whole or not at all; return its content.

    Raises StoreError if `out` exists or lies in the workspace, if a folder cannot be copied as it
    was at one moment, or if the copied trail is not intact, and AccessError for a missing role.
    """
    store.principal.require("backup")
    if out.exists() or home.resolve() in out.resolve().parents:
        raise StoreError("store.backup_place", folder=str(out))
    written: list[BackupContent] = []

    def fill(fresh: Path) -> None:
        for folder in sorted(path for path in home.iterdir() if path.is_dir()):
            if folder.name not in (*LEFT_OUT, *AFTER_STORE) and folder != store.folder:
                _copy_at_one_moment(folder, fresh / folder.name)
        # Late, so that every file that the store names is older than the store's copy.
        with store.at_rest():
            _copy_folder(store.folder, fresh / "store", ignore=_left_out)
            for name in AFTER_STORE:
                if (home / name).is_dir():
                    _copy_at_one_moment(home / name, fresh / name)
        # Opening the copy also brings its write-ahead log in; hashed after that.
        content = _read_content(fresh)
        write_atomic(fresh / MANIFEST, _manifest_text(content))
        written.append(content)

    replace_folder(out, fill)
    content = written[0]
    end = f"{content.trail.count}:{content.trail.head}"
    record_action(store, "backup", str(out), files=len(content.files), end=end)
    return content


def restore_backup(folder: Path, home: Path) -> BackupContent:
    """Copy a backup into a workspace without a store; return its content as opened there.

    Raises StoreError for a workspace that has a store, a file that differs from the manifest, and a
    restored store whose rows or trail are not those of the backup.
    """
    try:
        stated = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files, counts = dict(stated["files"]), dict(stated["counts"])
        trail = ChainEnd(int(stated["trail"]["count"]), str(stated["trail"]["head"]))
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise StoreError("store.no_backup", folder=str(folder)) from e
    if (home / "store").exists():
        raise StoreError("store.restore_place", folder=str(home))
    present = _hashes(folder)
    for name in sorted({*files, *present}):
        if files.get(name) != present.get(name):
            raise StoreError("store.backup_file", file=name, folder=str(folder))
    private_folder(home)
    for child in sorted(path for path in folder.iterdir() if path.is_dir()):
        # The store comes last in the alphabet of folders that matter; a cut restore has none.
        if child.name != "store":
            _copy_folder(child, home / child.name)
    replace_folder(home / "store", partial(_copy_folder, folder / "store"))
    restored = BackupContent(files, *_store_content(home / "store"))
    if restored != BackupContent(files, counts, trail):
        raise StoreError("store.restore_differs", folder=str(home))
    record_action(Store(home / "store"), "restore", str(folder), files=len(files))
    return restored


def _copy_at_one_moment(source: Path, fresh: Path) -> None:
    """Copy a folder whose names stay the same meanwhile: one that changes is copied again.

    Files are replaced whole, so that each copy is one that was there; a model's folder is replaced
    by a rename, and half of each would be no model. Raises StoreError for one that keeps changing.
    """
    for _ in range(COPIES):
        before = _names(source)
        try:
            _copy_folder(source, fresh, ignore=_left_out)
        except StoreError:
            if _names(source) == before:
                raise
        if _names(source) == before:
            return
        shutil.rmtree(fresh, ignore_errors=True)
    raise StoreError("store.backup_changing", folder=str(source))


def _names(folder: Path) -> set[tuple[str, int]]:
    """Return the paths in a folder that are copied; a folder's with its inode, which a rename
    changes.
    """
    names = set()
    for place, folders, files in os.walk(folder):
        omitted = _left_out(place, [*folders, *files])
        folders[:] = [name for name in folders if name not in omitted]
        names |= {(os.path.join(place, name), 0) for name in files if name not in omitted}
        try:
            names.add((place, os.stat(place).st_ino))
        except FileNotFoundError:
            names.add((place, -1))
    return names


def _left_out(place: str, names: list[str]) -> set[str]:
    """Return which names in a folder are not copied: passing files, and links that lead nowhere."""
    # shutil's own option looks for a relative link's target from the current folder.
    links = {
        n
        for n in names
        if os.path.islink(path := os.path.join(place, n)) and not os.path.exists(path)
    }
    return _PATTERNS(place, names) | links


def _copy_folder(source: Path, target: Path, ignore: Callable | None = None) -> None:
    """Copy a folder. Raises StoreError for a file that cannot be copied, such as a pipe."""
    try:
        shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)
    except shutil.Error as e:
        file, _, reason = e.args[0][0]
        raise StoreError("store.not_copied", file=str(file), reason=str(reason)) from e


def _read_content(folder: Path) -> BackupContent:
    counts, trail = _store_content(folder / "store")
    return BackupContent(_hashes(folder), counts, trail)


def _store_content(folder: Path) -> tuple[dict[str, int], ChainEnd]:
    """Return the rows of each table and the trail's end. Raises StoreError for a broken trail."""
    store = Store(folder)
    with store.atomic() as connection:
        query = "SELECT table_name FROM duckdb_tables() ORDER BY table_name"
        tables = [name for (name,) in connection.execute(query).fetchall()]
        counts = {
            name: int(only_row(connection.execute(f'SELECT count(*) FROM "{name}"'))[0])  # noqa: S608
            for name in tables
        }
    check = AuditTrail(store).check_chain()
    if check.fault is not None:
        raise check.fault
    for name in (LOCK, TURN, NOTE):
        (folder / name).unlink(missing_ok=True)
    return counts, check.end


def _hashes(folder: Path) -> dict[str, str]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: sha256_of(path) for name, path in names.items() if name != MANIFEST}


def _manifest_text(content: BackupContent) -> str:
    trail = {"count": content.trail.count, "head": content.trail.head}
    return json.dumps({"files": content.files, "counts": content.counts, "trail": trail}, indent=1)
