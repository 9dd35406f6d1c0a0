"""Where Kakushin keeps what it makes, and how the environment changes that.

The workspace holds everything that is made and nothing that is written by hand: delete it and `make
demo` makes it again.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


def default_home(root: Path) -> Path:
    """Return the workspace of a source tree, or, for an installed package, `workspace` in the
    current folder.
    """
    return (root if (root / "pyproject.toml").is_file() else Path.cwd()) / "workspace"


class Settings(BaseSettings):
    """Settings from the environment: KAKUSHIN_HOME, KAKUSHIN_DEVICE, KAKUSHIN_COMPILE,
    KAKUSHIN_TIMEZONE, KAKUSHIN_FOUR_EYES."""

    model_config = SettingsConfigDict(env_prefix="KAKUSHIN_", frozen=True)

    home: Path = Field(default_factory=lambda: default_home(ROOT))
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    # torch.compile for scoring: minutes at the first batch, so for long runs on a GPU
    compile: bool = False
    # IANA name; zone of a file's times that carry none, and the clock of the others
    timezone: str | None = None
    # whether the proposer of a policy is refused as its approver; False warns instead
    four_eyes: bool = True

    @property
    def models(self) -> Path:
        """Folder of models, one folder each."""
        return self.home / "models"

    @property
    def store(self) -> Path:
        """Folder of the DuckDB file, its lock and the parts that wait to be taken in."""
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
        """Folder of files that came through the browser, one folder a content."""
        return self.home / "uploads"

    @property
    def jobs(self) -> Path:
        """Folder of background jobs, one folder each."""
        return self.home / "jobs"
