"""Read a stranger's file in a process of its own, with limits on time and memory: what breaks there
breaks nothing here.

The child, core.cases.apart_child, is a fresh interpreter that sets its own limits before it opens
the file; its results come back as files: the good cases as Parquet, the problems and a preview as
JSON. A child that ends badly becomes a CasesError. A folder with results is a cache: the same file
and the same columns are read once, also when the result is that it cannot be.
"""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from core.cases.columns import ColumnNames
from core.cases.read import COLUMNS, Problem
from core.errors import CasesError
from core.settings import ROOT

SECONDS = 120.0  # a file of 50 MB takes about 20 s
# bytes of address space; importing numpy, pandas and pyarrow takes about 1.5 GiB of it
MEMORY = 6 * 2**30
CASES, SUMMARY, ERROR = "cases.parquet", "summary.json", "error.json"


@dataclass(frozen=True)
class Limits:
    """What a child may use."""

    seconds: float = SECONDS
    memory: int = MEMORY  # bytes of address space; held to where the system can (Linux)


@dataclass(frozen=True)
class Checked:
    """What a file holds. Where its columns do not say what the text is, there are names and a
    preview, and `refused` says why.

    `columns` is None then, and there is no case. Otherwise `frame` and `problems` are as in
    core.cases.read.Cases.
    """

    names: tuple[str, ...]  # the file's columns
    suggested: dict[str, str | None]  # field of ours -> the column that is known to be it
    # the first rows as they stand in the file, cells as text; the index is the row's number
    preview: pd.DataFrame
    rows: int  # records of the file
    sheet: str | None
    other_sheets: tuple[str, ...]
    encoding: str | None
    columns: ColumnNames | None
    refused: str | None
    frame: pd.DataFrame
    problems: tuple[Problem, ...]

    @property
    def bad_rows(self) -> int:
        """Rows with at least one problem."""
        return len({problem.row for problem in self.problems})

    @property
    def problem_frame(self) -> pd.DataFrame:
        """The problems, one a row: row, column (of ours, "-" for the whole row), value, message."""
        return pd.DataFrame(
            [asdict(p) for p in self.problems], columns=["row", "column", "value", "message"]
        )


def read_apart(
    path: Path,
    cache: Path,
    columns: ColumnNames | None = None,
    sheet: str | None = None,
    limits: Limits | None = None,
) -> Checked:
    """Read and check `path` as read_cases does, in another process. Results lie in a folder of
    `cache`.

    Raises CasesError where the file cannot be read, takes too long or too much memory, or ends the
    process that reads it.
    """
    asked = {"columns": asdict(columns or ColumnNames()), "sheet": sheet}
    folder = (
        cache
        / hashlib.sha256(json.dumps([path.name, asked], sort_keys=True).encode()).hexdigest()[:16]
    )
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=cache, prefix=".reading-", ignore_cleanup_errors=True
        ) as work:
            _run(path, Path(work), asked, limits or Limits())
            with suppress(OSError):  # another process was quicker, with the same results
                Path(work).rename(folder)
    if (folder / ERROR).is_file():
        raise CasesError(json.loads((folder / ERROR).read_text(encoding="utf-8")))
    return _load(folder)


def _run(path: Path, work: Path, asked: dict, limits: Limits) -> None:
    """Run the child, which leaves a summary or an error in `work`; where it cannot, leave the error
    for it.
    """
    request = json.dumps(
        asked | {"path": str(path.resolve()), "work": str(work.resolve()), "memory": limits.memory}
    )
    command = [sys.executable, "-m", "core.cases.apart_child"]
    try:
        done = subprocess.run(
            command,
            input=request,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=limits.seconds,
            check=False,
        )
        said = (work / ERROR).is_file() or (done.returncode == 0 and (work / SUMMARY).is_file())
        why = (
            None
            if said
            else f"could not be read: {_ended(done)}. It is damaged, or takes more than {_size(limits)} of memory"
        )
    except subprocess.TimeoutExpired:
        why = f"was not read within {limits.seconds:g} seconds, and reading was stopped"
    if why is not None:
        (work / ERROR).write_text(
            json.dumps(f"{path.name} {why}: split it into several files"), encoding="utf-8"
        )


def _size(limits: Limits) -> str:
    return f"{limits.memory / 2**30:.2g} GiB"


def _ended(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        return f"the process that read it was ended by {signal.Signals(-done.returncode).name}"
    last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return f"the process that read it ended with {last[0][:200]!r}"


def _load(folder: Path) -> Checked:
    said = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    columns = said["columns"]
    if columns is not None:
        columns = ColumnNames(
            **columns
            | {"options": None if columns["options"] is None else tuple(columns["options"])}
        )
    preview = pd.DataFrame(
        [cells for _, *cells in said["preview"]],
        [row for row, *_ in said["preview"]],
        said["names"],
    )
    return Checked(
        names=tuple(said["names"]),
        suggested=said["suggested"],
        preview=preview,
        rows=said["rows"],
        sheet=said["sheet"],
        other_sheets=tuple(said["other_sheets"]),
        encoding=said["encoding"],
        columns=columns,
        refused=said["refused"],
        frame=pd.DataFrame(columns=list(COLUMNS)) if columns is None else _frame(folder / CASES),
        problems=tuple(Problem(**problem) for problem in said["problems"]),
    )


def _frame(path: Path) -> pd.DataFrame:
    """The cases with the types that they were written with: texts as object, a missing label None."""
    frame = pd.read_parquet(path)
    texts = frame.select_dtypes("string")
    return frame.assign(
        **{
            name: column.astype(object).where(column.notna(), None)
            for name, column in texts.items()
        }
    )


def forget(cache: Path) -> None:
    """Drop every result: the next reading does the work again."""
    shutil.rmtree(cache, ignore_errors=True)
