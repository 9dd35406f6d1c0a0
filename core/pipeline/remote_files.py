"""Files of cases behind a URL: copied by fsspec into a private folder, read in the sandbox, deleted.

fsspec opens file:// by itself, and other stores (s3://, gs://, https://) by packages that the user
installs. The copy has the limit of an upload, since the file comes from elsewhere; messages name
it without user names, passwords and signatures of its URL.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from core.cases.columns import ColumnNames
from core.cases.read import Cases
from core.cases.sandbox import read_sandboxed
from core.cases.table import ReadingOptions
from core.errors import CasesError
from core.files import private_folder
from core.pipeline.uploads import JOB_LIMITS, MAX_UPLOAD, printable_name, suffix_of, with_name
from core.settings import Settings

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class RemoteFile:
    """A file of cases behind a URL."""

    url: str

    @property
    def name(self) -> str:
        """Return the last part of the URL's path."""
        return printable_name(urlsplit(self.url).path)

    def __str__(self) -> str:
        """Return the URL as messages show it: scheme, host and path."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def with_name(self, name: str) -> Path:
        """Return a path of that name in the present folder, for what is written about the file."""
        return Path(name)


def case_place(written: str) -> Path | RemoteFile:
    """Return what an argument names: a path, or a file behind a URL.

    >>> case_place("monday.csv"), case_place("s3://plant/monday.csv").name
    (PosixPath('monday.csv'), 'monday.csv')
    """
    return RemoteFile(written) if _URL.match(written) else Path(written)


def read_remote(
    settings: Settings, remote: RemoteFile, columns: ColumnNames, options: ReadingOptions
) -> Cases:
    """Return the checked cases of the file, copied and read as an upload is.

    settings: of the workspace, which holds the copy meanwhile. columns, options: how the file is
    read. Raises CasesError as read_cases does, and for a file that is too large, that no package
    here can open, or that cannot be read.
    """
    suffix = suffix_of(str(remote))
    place = private_folder(settings.cache / "scoring")
    with TemporaryDirectory(prefix="url-", dir=place) as folder:
        # The URL's name is never part of a path.
        path = Path(folder) / f"cases{suffix}"
        _copy(remote, path)
        try:
            checked = read_sandboxed(path, Path(folder) / "checked", columns, options, JOB_LIMITS)
        except CasesError as e:
            raise with_name(e, str(remote)) from e
    if checked.refused is not None:
        raise with_name(checked.refused, str(remote))
    assert checked.cases is not None
    return replace(checked.cases, source=str(remote))


def _copy(remote: RemoteFile, path: Path) -> None:
    """Copy the file's bytes as they are, MAX_UPLOAD at most."""
    import fsspec  # slow, and most calls read a local file

    url, scheme, size = str(remote), urlsplit(remote.url).scheme, 0
    try:
        fsspec.get_filesystem_class(scheme)
    except (ImportError, ValueError) as e:
        raise CasesError("cases.url_needs_package", file=url, scheme=scheme, reason=str(e)) from e
    try:
        with fsspec.open(remote.url, "rb") as source, path.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > MAX_UPLOAD:
                    raise CasesError("cases.url_too_large", file=url, limit=f"{MAX_UPLOAD:,}")
                copy.write(chunk)
    except CasesError:
        raise
    except FileNotFoundError as e:
        raise CasesError("cases.url_not_found", file=url) from e
    except Exception as e:  # each store's package has errors of its own
        # The kind alone: words may quote a signed URL.
        raise CasesError("cases.url_not_read", file=url, reason=type(e).__name__) from e
