"""Deletion of what is older than a day: texts of cases, uploads, and the folders of ended jobs.

What decisions rest on stays: counts, confidences, decisions, verdicts, policies and the audit
trail. Knows no screen.
"""

import math
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from core.settings import Settings
from core.store import lake
from core.store.file import only_row
from core.store.store import Store
from core.store.trail import record_action


@dataclass(frozen=True)
class Purged:
    """The numbers of deleted texts and files."""

    texts: int  # of cases, emptied
    uploads: int
    jobs: int
    leftovers: int  # files of killed processes


def purge_before(store: Store, settings: Settings, day: date) -> Purged:
    """Delete what came before the day (UTC) and record it in the audit trail.

    Files go last: a kill in between leaves files that the next call deletes. Raises AccessError for
    a missing role.
    """
    store.principal.require("purge")
    uploads = _older(settings.uploads, day)
    jobs = [folder for folder in _older(settings.jobs, day) if (folder / "end.json").is_file()]
    leftovers = _older(settings.store / "parts", day, "*/*.tmp")
    # Checked cases of scorings on a cluster that were interrupted and never repeated.
    leftovers += _older(settings.cache / "scoring", day, "*/*")
    with store.atomic() as connection:
        old = (
            "SELECT cell FROM cells WHERE run_id IN (SELECT run_id FROM runs WHERE created_at < ?)"
        )
        result = connection.execute(
            f"UPDATE prediction_rows SET text = '' WHERE text <> '' AND cell IN ({old})",  # noqa: S608
            [day],
        )
        texts = int(only_row(result)[0]) + lake.empty_texts_before(connection, store.folder, day)
        result = connection.execute(
            "UPDATE unscored_cases SET text = '' WHERE text <> '' AND occurred_at < ?", [day]
        )
        texts += int(only_row(result)[0])
        purged = Purged(texts, len(uploads), len(jobs), len(leftovers))
        record_action(store, "purge", f"before {day}", **asdict(purged))
    for path in (*uploads, *jobs, *leftovers):
        _delete(path)
    return purged


def _delete(path: Path) -> None:
    """Delete a file or a folder; of a link, the link and not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _older(folder: Path, day: date, pattern: str = "*/") -> list[Path]:
    """Return what was last changed before the day."""
    limit = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    return [path for path in sorted(folder.glob(pattern)) if _changed_at(path) < limit]


def _changed_at(path: Path) -> float:
    """Return the newest change of a file or of the files right below a folder, Unix seconds.

    What is gone since it was listed has just changed.
    """
    try:
        inside = path.iterdir() if path.is_dir() else ()
        return max(item.lstat().st_mtime for item in (path, *inside))
    except FileNotFoundError:
        return math.inf
