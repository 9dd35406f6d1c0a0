"""What a job's verb is told, from what a person chose on a screen: the same options that the
command line takes.

Every value is written as --option=value, so that a column called "--x" is a column. Names are
checked before anything waits.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from core.cases.columns import FIELDS, ColumnNames
from core.cases.table import ReadingOptions
from core.errors import SettingsError
from core.types import checked_name


@dataclass(frozen=True)
class Source:
    """A file of cases and how it is read: columns and options as they were checked, so that the job
    finds what the check gave.
    """

    path: Path
    columns: ColumnNames
    options: ReadingOptions = ReadingOptions()
    skip_bad_rows: bool = False

    def arguments(self) -> tuple[str, ...]:
        """The file and the options on how it is read."""
        named = [
            f"--{field.replace('_', '-')}-column={getattr(self.columns, field) or ''}"
            for field in FIELDS
        ]
        return (
            *named,
            *self._reading(),
            *(["--skip-bad-rows"] if self.skip_bad_rows else []),
            str(self.path.resolve()),
        )

    def _reading(self) -> list[str]:
        """The options that are not left to the file's own evidence."""
        default, arguments = ReadingOptions(), []
        for field in fields(ReadingOptions):
            value, option = getattr(self.options, field.name), f"--{field.name.replace('_', '-')}"
            if value is True:
                arguments.append(option)
            elif value != getattr(default, field.name):
                arguments.append(f"{option}={value}")
        return arguments


def score_arguments(
    source: Source, model: str, dataset: str, role: str, truncate: bool = False
) -> tuple[str, ...]:
    """Score the file with a model into the store under `dataset`. Raises SettingsError for a name
    that is not allowed.
    """
    checked_name(model, "model")
    options = (
        f"--model={model}",
        f"--dataset={checked_name(dataset, 'dataset')}",
        f"--role={role}",
    )
    return (*options, *_flag("truncate", truncate), *source.arguments())


def train_arguments(
    source: Source,
    name: str,
    teacher: str,
    epochs: int,
    base: str | None = None,
    truncate: bool = False,
    rare_labels: str = "keep",
) -> tuple[str, ...]:
    """Train NAME-point and NAME-teacher on the file. `base`: None is the default of the command
    line.
    """
    if source.columns.label is None:
        raise SettingsError("jobs.no_label_column")
    checked_name(f"{name}-teacher", "model")
    options = (f"--name={name}", f"--teacher={teacher}", f"--epochs={epochs}")
    return (
        *options,
        *([f"--base={base}"] if base else []),
        f"--rare-labels={rare_labels}",
        *_flag("truncate", truncate),
        *source.arguments(),
    )


def distill_arguments(name: str, epochs: int) -> tuple[str, ...]:
    """Distil NAME-teacher into NAME-student."""
    checked_name(f"{name}-student", "model")
    return (f"--epochs={epochs}", name)


def dataset_name(called: str) -> str:
    """A name for a dataset from what a file is called: what may not be in a name becomes "-"."""
    letters = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in Path(called).stem.lower()
    )
    while ".." in letters:
        letters = letters.replace("..", ".")
    return letters.strip("._-")[:80] or "cases"


def _flag(name: str, given: bool) -> tuple[str, ...]:
    return (f"--{name}",) if given else ()
