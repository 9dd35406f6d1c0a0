"""Files that people hand over in the browser: kept once by their content, checked in a process of
their own.

uploads/<sha256 of the content>/cases.<suffix> is the file, as it came; cases.<suffix>.json says
what it was called, how large it is and when it came; checked/ holds what reading it gave. A
person's file name is data and never part of a path. Jobs read the kept file itself, so that a run's
inputs_hash and row numbers are those of the same file at the command line.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

from core.cases.apart import Checked, Limits, forget, read_apart
from core.cases.columns import ColumnNames
from core.cases.formats import SUFFIXES
from core.errors import CasesError
from core.progress import write_json
from core.settings import Settings

MAX_UPLOAD = 50 * 2**20  # bytes; .streamlit/config.toml says the same to the browser
MAX_CALLED = 200  # characters of a file's name that are kept


@dataclass(frozen=True)
class Upload:
    """A kept file."""

    sha256: str  # of the content, hex
    suffix: str  # one of SUFFIXES
    called: str  # what the person's file was called
    size: int  # bytes
    at: str  # UTC, ISO 8601

    @property
    def key(self) -> str:
        """What tells it from every other one."""
        return self.sha256 + self.suffix

    def path(self, settings: Settings) -> Path:
        """Where it lies."""
        return settings.uploads / self.sha256 / f"cases{self.suffix}"


def keep(settings: Settings, called: str, content: bytes) -> Upload:
    """Keep a file. The same content again is the same upload, whatever it is called. Raises
    CasesError for what is no file of cases: another ending, nothing in it, too large.
    """
    called = plain_name(called)
    suffix = PurePosixPath(called).suffix.lower()
    if suffix not in SUFFIXES:
        raise CasesError(f"{called} ends in {suffix!r}: {', '.join(SUFFIXES)} can be read")
    if not content:
        raise CasesError(f"{called} is empty")
    if len(content) > MAX_UPLOAD:
        raise CasesError(
            f"{called} is too large: {len(content):,} bytes, and {MAX_UPLOAD:,} are allowed in the browser"
        )
    found = Upload(
        hashlib.sha256(content).hexdigest(),
        suffix,
        called,
        len(content),
        datetime.now(UTC).isoformat(),
    )
    path = found.path(settings)
    if not _record(path).is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_bytes(content)
        fresh.replace(path)
        write_json(_record(path), asdict(found))
    return Upload(**json.loads(_record(path).read_text(encoding="utf-8")))


def listed(settings: Settings) -> list[Upload]:
    """All kept files, newest first."""
    records = settings.uploads.glob("*/cases.*.json") if settings.uploads.is_dir() else ()
    found = [Upload(**json.loads(path.read_text(encoding="utf-8"))) for path in records]
    return sorted(found, key=lambda upload: (upload.at, upload.key), reverse=True)


def check(
    settings: Settings,
    upload: Upload,
    columns: ColumnNames | None = None,
    sheet: str | None = None,
    limits: Limits | None = None,
) -> Checked:
    """Read and check a kept file in another process (core.cases.apart). Raises CasesError, with the
    file's own name in it.
    """
    path = upload.path(settings)
    try:
        return read_apart(path, _checked(path), columns, sheet, limits)
    except CasesError as e:
        raise CasesError(
            str(e).replace(str(path.resolve()), upload.called).replace(path.name, upload.called)
        ) from e


def check_again(settings: Settings, upload: Upload) -> None:
    """Forget what reading it gave: after a reading that was stopped for time or memory on a busy
    machine.
    """
    forget(_checked(upload.path(settings)))


def plain_name(called: str) -> str:
    """The last part of whatever a browser says that a file is called, printable and not too long;
    the ending is kept.
    """
    last = PureWindowsPath(PurePosixPath(called).name).name
    shown = "".join(c if c.isprintable() else "_" for c in last).strip() or "cases"
    return shown if len(shown) <= MAX_CALLED else shown[: MAX_CALLED - 20] + "…" + shown[-19:]


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _checked(path: Path) -> Path:
    return path.parent / "checked"
