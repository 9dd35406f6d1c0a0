"""Command-line arguments of background jobs, built from the choices on a screen.

Every value is written as --option=value, so that a column called "--x" is not taken for an option.
Names are checked before a job is queued. Knows no queue and no screen.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from core.cases.columns import FIELDS, ColumnNames
from core.cases.table import ReadingOptions
from core.errors import SettingsError
from core.types import checked_name


@dataclass(frozen=True)
class Source:
    """A file of cases with the columns and options of its check, so that the job reads the same."""

    path: Path
    columns: ColumnNames
    options: ReadingOptions = ReadingOptions()
    skip_bad_rows: bool = False

    def arguments(self) -> tuple[str, ...]:
        """Return the file and its reading options."""
        # An unset column is written as "", which means none: left out, the job could find one by
        # its name that the person had deselected.
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
        """Return the options that differ from their defaults."""
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
    """Return the arguments of `score`.

    source: the file and its reading options. model: a model's folder name. dataset: name of the run
    on screens. role: "calibration" or "stream". truncate: read the beginning of texts that are
    longer than the model reads. Raises SettingsError for a name that is not allowed.
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
    """Return the arguments of `train`, which makes NAME-point and NAME-teacher.

    source: the file and its reading options. name: the models' common name. teacher: a kind of
    teacher. epochs: passes over the cases. base: a base model; None is the command line's default.
    truncate: read the beginning of texts that are longer than the model reads. rare_labels: "keep",
    "drop", "merge" or "refuse". Raises SettingsError if the file has no label column or the name is
    not allowed.
    """
    if source.columns.label is None:
        raise SettingsError("jobs.no_label_column")
    # With the longest suffix a training adds, so that the models' own names keep the limit.
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
    """Return the arguments of `distill`, which makes NAME-student. Raises SettingsError."""
    checked_name(f"{name}-student", "model")
    return (f"--epochs={epochs}", name)


def redistill_arguments(
    run_id: str, author: str, review: float, escape: float, machine_hour: float
) -> tuple[str, ...]:
    """Return the arguments of `redistill`, which makes a student from the verdicts of a run.

    run_id: a student's scoring of a stream. author: who puts the new student in service. review,
    escape, machine_hour: cost of one, in one currency.
    """
    costs = {"review": review, "escape": escape, "machine-hour": machine_hour}
    options = [f"--cost-{name}={value:g}" for name, value in costs.items()]
    return (f"--run={run_id}", f"--author={author}", *options)


def poc_arguments(
    source: Source, name: str, language: str, base: str | None = None
) -> tuple[str, ...]:
    """Return the arguments of `poc`, which makes the models NAME-... and scores them.

    source: the file and its reading options. name: of models and runs. language: of the report,
    "ja" or "en". base: a base model; None lets the job choose by the texts. Raises SettingsError if
    the file has no label column or the name is not allowed.
    """
    if source.columns.label is None:
        raise SettingsError("jobs.no_label_column")
    checked_name(f"{name}-teacher", "model")
    return (
        f"--name={name}",
        f"--language={language}",
        *([f"--base={base}"] if base else []),
        *source.arguments(),
    )


def result_dataset(verb: str, arguments: tuple[str, ...]) -> str | None:
    """Return the name of the dataset that a job of `verb` scores; None for a job that scores none.

    arguments: as `score_arguments` and `poc_arguments` write them.
    """
    option = {"score": "--dataset", "poc": "--name"}.get(verb)
    return None if option is None else option_value(option, arguments)


def option_value(option: str, arguments: tuple[str, ...]) -> str | None:
    """Return the value of `option` among the arguments of a job, None without it."""
    begun = f"{option}="
    return next((a.removeprefix(begun) for a in arguments if a.startswith(begun)), None)


def dataset_name(called: str) -> str:
    """Return a dataset's name made from a file's name: characters not allowed become "-"."""
    letters = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in Path(called).stem.lower()
    )
    while ".." in letters:
        letters = letters.replace("..", ".")
    return letters.strip("._-")[:80] or "cases"


def _flag(name: str, switched_on: bool) -> tuple[str, ...]:
    return (f"--{name}",) if switched_on else ()
