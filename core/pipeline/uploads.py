"""Files uploaded in the browser: stored once by content, checked in a separate process.

uploads/<sha256 of the content>/cases.<suffix> is the file as uploaded; cases.<suffix>.json holds
its original name, its size and the time of upload; checked/ holds the result of reading it. An
uploaded file's name is data and never part of a path. Jobs use the result of that check: a run's
inputs_hash and row numbers equal those of the same file at the command line.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

from core.cases.columns import FIELDS, ColumnNames
from core.cases.formats import SUFFIXES
from core.cases.read import Cases
from core.cases.report import first_cases
from core.cases.sandbox import Checked, Limits, forget_results, read_sandboxed
from core.cases.table import Notice, ReadingOptions
from core.errors import CasesError
from core.files import private_folder, write_atomic
from core.identity import Principal, local_principal
from core.progress import write_json
from core.settings import Settings

__all__ = [  # what pages take from here, so that they know no module of core.cases
    "FIELDS",
    "SUFFIXES",
    "Cases",
    "Checked",
    "ColumnNames",
    "Notice",
    "ReadingOptions",
    "first_cases",
]

MAX_UPLOAD = 50 * 2**20  # bytes; dashboard/.streamlit/config.toml says the same to the browser
# Of a job's reading: no person waits for it, and a busy machine may have stopped a page's.
JOB_LIMITS = Limits(seconds=600)
MAX_CALLED = 200  # characters of a file's name that are kept


@dataclass(frozen=True)
class Upload:
    """A kept file."""

    sha256: str  # of the content, hex
    suffix: str  # one of SUFFIXES
    called: str  # what the person's file was called
    size: int  # bytes
    arrived_at: str  # UTC, ISO 8601

    @property
    def key(self) -> str:
        """Return what distinguishes it from all other uploads."""
        return self.sha256 + self.suffix

    def path(self, settings: Settings) -> Path:
        """Return the path of the stored file."""
        return settings.uploads / self.sha256 / f"cases{self.suffix}"


def keep_upload(
    settings: Settings, called: str, content: bytes, principal: Principal | None = None
) -> Upload:
    """Store a file and return its Upload; the same content is the same upload, under any name.

    settings: of the workspace. called: the browser's name of the file. principal: who acts; None is
    this machine's user. Raises CasesError for a file that cannot hold cases: another ending, no
    content, too large; AccessError for a missing role.
    """
    (principal or local_principal()).require("upload.keep")
    called = printable_name(called)
    suffix = suffix_of(called)
    check_content(called, content)
    sha256, arrived = hashlib.sha256(content).hexdigest(), datetime.now(UTC).isoformat()
    upload = Upload(sha256, suffix, called, len(content), arrived)
    path = upload.path(settings)
    # The record is written last, so its presence means that the content is whole.
    if not _record_path(path).is_file():
        private_folder(path.parent)
        write_atomic(path, content)
        write_json(_record_path(path), asdict(upload))
    return _stored_upload(_record_path(path))


def check_content(called: str, content: bytes) -> None:
    """Raise CasesError for an uploaded file without content, or one that is too large."""
    if not content:
        raise CasesError("cases.empty_file", file=called)
    if len(content) > MAX_UPLOAD:
        size, limit = f"{len(content):,}", f"{MAX_UPLOAD:,}"
        raise CasesError("cases.upload_too_large", file=called, size=size, limit=limit)


def suffix_of(called: str) -> str:
    """Return the ending of a file's name, lower-case. Raises CasesError if it cannot be read."""
    suffix = PurePosixPath(called).suffix.lower()
    if suffix not in SUFFIXES:
        raise CasesError("cases.other_ending", file=called, ending=suffix, endings=list(SUFFIXES))
    return suffix


def list_uploads(settings: Settings) -> list[Upload]:
    """Return all stored files, newest first."""
    records = settings.uploads.glob("*/cases.*.json") if settings.uploads.is_dir() else ()
    uploads = [_stored_upload(path) for path in records]
    return sorted(uploads, key=lambda upload: (upload.arrived_at, upload.key), reverse=True)


def _stored_upload(record_path: Path) -> Upload:
    content = json.loads(record_path.read_text(encoding="utf-8"))
    # Workspaces keep records in which the time is called "at".
    return Upload(**{"arrived_at" if name == "at" else name: x for name, x in content.items()})


def check_upload(
    settings: Settings,
    upload: Upload,
    columns: ColumnNames | None = None,
    options: ReadingOptions | None = None,
    limits: Limits | None = None,
) -> Checked:
    """Return the result of reading and checking a stored file in another process.

    columns, options: how the file is read; None is the default. limits: time and memory of that
    process; None is the default. Raises CasesError, which names the file as it was called when
    uploaded.
    """
    path = upload.path(settings)
    try:
        checked = read_sandboxed(path, _results(path), columns, options, limits)
    except CasesError as e:
        raise with_name(e, upload.called) from e
    if checked.refused is not None:
        return replace(checked, refused=with_name(checked.refused, upload.called))
    return checked


def check_kept_file(
    settings: Settings, path: Path, columns: ColumnNames, options: ReadingOptions
) -> Cases | None:
    """Return the checked cases of `path` if it is a stored upload, None for another file.

    settings: of the workspace. columns, options: how the file is read. A job so reads nothing twice
    and nothing without limits. Raises CasesError as read_cases does.
    """
    # Resolved first: a link or ".." must not make another file pass as a stored upload.
    if settings.uploads.resolve() not in path.resolve().parents:
        return None
    checked = read_sandboxed(path, _results(path), columns, options, JOB_LIMITS)
    if checked.refused is not None:
        raise checked.refused
    return checked.cases


def forget_checks(settings: Settings, upload: Upload) -> None:
    """Delete the result of reading a file, after a reading that ran out of time or memory.

    A busy machine can cause that, so the next reading deserves a new attempt.
    """
    forget_results(_results(upload.path(settings)))


def printable_name(called: str) -> str:
    """Return the last part of a browser's file name, printable, shortened, with its ending."""
    # Both kinds of path: a Windows browser may send backslashes to this server.
    last = PureWindowsPath(PurePosixPath(called).name).name
    name = "".join(c if c.isprintable() else "_" for c in last).strip() or "cases"
    return name if len(name) <= MAX_CALLED else name[: MAX_CALLED - 20] + "…" + name[-19:]


def with_name(error: CasesError, called: str) -> CasesError:
    """Return the error with the name that people know in place of the stored file's path."""
    values = error.values | ({"file": called} if "file" in error.values else {})
    return CasesError(error.code, **values)


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _results(path: Path) -> Path:
    return path.parent / "checked"
