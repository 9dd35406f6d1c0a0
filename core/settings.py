"""Settings from the environment, and the folders of the workspace.

The workspace holds generated files only: after it is deleted, `make demo` rebuilds it.
"""

import errno
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError

# What the machine lacks, whatever file was being written.
_LACKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.ENOMEM, errno.EIO)
ROOT = Path(__file__).resolve().parent.parent


def default_home(root: Path) -> Path:
    """Return the workspace of a source tree; for an installed package, `./workspace`."""
    # An installed package's root is site-packages, which a workspace must not fill.
    return (root if (root / "pyproject.toml").is_file() else Path.cwd()) / "workspace"


class Settings(BaseSettings):
    """Settings from the environment: KAKUSHIN_HOME, KAKUSHIN_DEVICE, KAKUSHIN_PRECISION,
    KAKUSHIN_COMPILE, KAKUSHIN_TIMEZONE, KAKUSHIN_FOUR_EYES, KAKUSHIN_HOSTS, KAKUSHIN_SESSIONS."""

    model_config = SettingsConfigDict(env_prefix="KAKUSHIN_", frozen=True)

    home: Path = Field(default_factory=lambda: default_home(ROOT))
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    # Of the factors of products in training and its targets: bfloat16 is faster where the processor
    # multiplies it; float32 gives the same weights for any number of processes
    precision: Literal["float32", "bfloat16"] = "float32"
    # torch.compile for scoring costs minutes at the first batch: it pays for long runs on a GPU
    compile: bool = False
    # IANA name: the zone of times that carry none; times with a zone are converted to it
    timezone: str | None = None
    # True refuses the proposer of a policy as its approver; False warns instead
    four_eyes: bool = True
    # Comma-separated names under which a proxy publishes the dashboard; this machine's are known
    hosts: str = ""
    # Open pages of the dashboard at a time; one beyond them is refused with a sentence: each holds
    # some megabytes, and its watch asks every two seconds
    sessions: int = Field(default=100, ge=1)

    def __init__(self, **values: Any) -> None:
        """Read the environment. Raises SettingsError for a value that is not allowed."""
        try:
            super().__init__(**values)
        except ValidationError as e:
            first = e.errors()[0]
            name = f"KAKUSHIN_{'_'.join(map(str, first['loc']))}".upper()
            raise SettingsError(
                "settings.refused_argument", name=name, value=first["input"], reason=first["msg"]
            ) from e

    def require_usable_home(self) -> None:
        """Raise SettingsError if a file is where the workspace or a folder above it must be."""
        home = self.home.absolute()
        # os.path, since Path.exists raises for a folder that this user may not enter.
        nearest = next(path for path in (home, *home.parents) if os.path.lexists(path))
        if not os.path.isdir(nearest):
            raise SettingsError("settings.home_place", folder=str(home), file=str(nearest))

    @property
    def public_hosts(self) -> tuple[str, ...]:
        """Host names under which a proxy publishes the dashboard, in lower case."""
        return tuple(name.strip().lower() for name in self.hosts.split(",") if name.strip())

    @property
    def models(self) -> Path:
        """Folder of models, one folder each."""
        return self.home / "models"

    @property
    def store(self) -> Path:
        """Folder of the DuckDB file, its locks and the parts that are not yet ingested."""
        return self.home / "store"

    @property
    def data(self) -> Path:
        """Folder of prepared cases."""
        return self.home / "data"

    @property
    def cache(self) -> Path:
        """Folder of downloads."""
        return self.home / "cache"

    @property
    def uploads(self) -> Path:
        """Folder of uploaded files, one folder per content."""
        return self.home / "uploads"

    @property
    def reports(self) -> Path:
        """Folder of the reports of proofs of concept."""
        return self.home / "reports"

    @property
    def jobs(self) -> Path:
        """Folder of background jobs, one folder each."""
        return self.home / "jobs"


def machine_error(error: OSError | MemoryError, home: Path) -> SettingsError | None:
    """Return the sentence of an error that the machine or the workspace causes; None for a bug.

    home: the workspace. The machine causes a full disk, too little memory and the like; the
    workspace any error about a file in it, such as one that this user may not write.
    """
    if isinstance(error, MemoryError):
        return SettingsError("settings.no_memory")
    reason, files = error.strerror or str(error), (error.filename, error.filename2)
    paths = [Path(os.fsdecode(file)).absolute() for file in files if isinstance(file, str | bytes)]
    inside = [path for path in paths if path.is_relative_to(home.absolute())]
    if not inside and error.errno not in _LACKS:
        return None
    file = str((inside or paths or [home])[0])
    return SettingsError("settings.workspace_fault", file=file, reason=reason)
