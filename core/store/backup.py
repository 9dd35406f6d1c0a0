"""Backups of a workspace: copied while no process writes, checked before and after a restore.

A backup is a folder: the workspace's files without downloads, and manifest.json with the hash of
each file, the rows of each table, and the end of the audit trail. Writers wait while the store is
copied; none fails. Knows no table's meaning.
"""

import json
import shutil
from dataclasses import dataclass
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
_NOT_COPIED = shutil.ignore_patterns("*.tmp", "*.lock", LOCK, TURN)


@dataclass(frozen=True)
class BackupContent:
    """The content of a backup: {relative path: sha256}, {table: rows}, the audit trail's end."""

    files: dict[str, str]
    counts: dict[str, int]
    trail: ChainEnd


def write_backup(store: Store, home: Path, out: Path) -> BackupContent:
    """Copy the workspace into the new folder `out`, whole or not at all; return its content.

    Raises StoreError if `out` exists or lies in the workspace, or if the copied trail is not
    intact, and AccessError for a missing role.
    """
    store.principal.require("backup")
    if out.exists() or home.resolve() in out.resolve().parents:
        raise StoreError("store.backup_place", folder=str(out))
    written: list[BackupContent] = []

    def fill(fresh: Path) -> None:
        for folder in sorted(path for path in home.iterdir() if path.is_dir()):
            if folder.name not in LEFT_OUT and folder != store.folder:
                shutil.copytree(folder, fresh / folder.name, ignore=_NOT_COPIED)
        # Last, so that every file that the store names is older than the store's copy.
        with store.at_rest():
            shutil.copytree(store.folder, fresh / "store", ignore=_NOT_COPIED)
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
            shutil.copytree(child, home / child.name, dirs_exist_ok=True)
    replace_folder(home / "store", lambda fresh: _copy_into(folder / "store", fresh))
    restored = BackupContent(files, *_store_content(home / "store"))
    if restored != BackupContent(files, counts, trail):
        raise StoreError("store.restore_differs", folder=str(home))
    record_action(Store(home / "store"), "restore", str(folder), files=len(files))
    return restored


def _copy_into(source: Path, fresh: Path) -> None:
    shutil.copytree(source, fresh, dirs_exist_ok=True)


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
