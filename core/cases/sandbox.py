"""Read a file in a child process, with limits on time and memory.

The child, core.cases.sandbox_child, is a fresh interpreter that sets its own limits before it opens
the file. Its results come back as files: the good cases as Parquet, all else as JSON. A child that
crashes becomes a CasesError. A folder of results is a cache: the same file, columns and options are
read once, even if the result is a refusal. A table of other rows than cases is read once, uncached.
Knows no format.
"""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from core.cases.columns import ColumnNames
from core.cases.read import Cases
from core.cases.table import ReadingOptions, Record, RowProblem, Table, from_json
from core.errors import CasesError
from core.settings import ROOT

SECONDS = 120.0  # a file of 50 MB takes about 20 s
MEMORY = (
    6 * 2**30
)  # bytes of address space; importing numpy, pandas and pyarrow takes about 1.5 GiB of it
# A folder of results has ERROR_RESULT if the file has no reading, else SUMMARY_RESULT, and
# CASES_RESULT if cases were asked for and not refused.
CASES_RESULT, SUMMARY_RESULT, ERROR_RESULT = "cases.parquet", "summary.json", "error.json"
READER = 4  # version of results; raise it when reading decides otherwise, so old ones are not used


@dataclass(frozen=True)
class Limits:
    """A child's limits."""

    seconds: float = SECONDS
    memory: int = MEMORY  # bytes of address space; enforced by Linux only


@dataclass(frozen=True)
class Checked:
    """A file's content after its check.

    If no column is recognised as the text, or a column has two readings, `refused` has the reason
    and `cases` is None; people then choose by the names and the preview.
    """

    names: tuple[str, ...]  # the file's columns
    suggested: dict[str, str | None]  # our field -> the column recognised by its name
    preview: (
        pd.DataFrame
    )  # the first rows as the file has them, cells as text; the index is the row's number
    table: Table  # the file's, without its records
    rows: int  # records of the file
    cases: Cases | None
    refused: CasesError | None

    @property
    def bad_rows(self) -> int:
        """Rows with at least one problem."""
        return len({problem.row for problem in self.cases.problems}) if self.cases else 0


def read_sandboxed(
    path: Path,
    cache: Path,
    columns: ColumnNames | None = None,
    options: ReadingOptions | None = None,
    limits: Limits | None = None,
) -> Checked:
    """Read and check `path` as read_cases does, in another process.

    cache: folder for results of this content, since a result's key holds the file's name, columns
    and options only. columns, options: as in read_cases. limits: None is the default. Raises
    CasesError if the file cannot be read, takes too long or too much memory, or crashes the process
    that reads it.
    """
    request = {
        "columns": asdict(columns or ColumnNames()),
        "options": asdict(options or ReadingOptions()),
        "reader": READER,
    }
    key = json.dumps([path.name, request], sort_keys=True)
    folder, limits = cache / hashlib.sha256(key.encode()).hexdigest()[:16], limits or Limits()
    if _stopped_sooner(folder, limits.seconds):
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=cache, prefix=".reading-", ignore_cleanup_errors=True
        ) as work:
            _run_child(path, Path(work), request, limits)
            # A folder that exists is another process's, with the same results.
            with suppress(OSError):
                Path(work).rename(folder)
    _refuse_stored_error(folder)
    return _load(folder, path)


def read_rows_sandboxed(
    path: Path, columns: Collection[str], limits: Limits | None = None
) -> Table:
    """Return the table of a file that holds no cases, read in another process.

    columns: names, in lower case, of the columns whose cells are wanted; the records have them as
    text, and a cell that is no text breaks its record. limits: None is the default. Raises
    CasesError as read_sandboxed does.
    """
    request = {"rows_of": sorted(columns)}
    with tempfile.TemporaryDirectory(prefix="kakushin-rows-", ignore_cleanup_errors=True) as work:
        _run_child(path, Path(work), request, limits or Limits())
        _refuse_stored_error(Path(work))
        content = json.loads((Path(work) / SUMMARY_RESULT).read_text(encoding="utf-8"))
    records = [
        Record(row, cells, from_json(broken)) for row, cells, broken in content.pop("records")
    ]
    return Table(content["format"], content["names"], records)


def forget_results(cache: Path) -> None:
    """Delete every result, so that the next call reads its file again."""
    shutil.rmtree(cache, ignore_errors=True)


def _stopped_sooner(folder: Path, seconds: float) -> bool:
    """Return whether the stored result is that reading took longer than a lower limit than this."""
    if not (folder / ERROR_RESULT).is_file():
        return False
    error = json.loads((folder / ERROR_RESULT).read_text(encoding="utf-8"))
    return error["code"] == "cases.read_stopped" and float(error["values"]["seconds"]) < seconds


def _run_child(path: Path, work: Path, request: dict, limits: Limits) -> None:
    """Run the child, which writes a summary or an error to `work`; write the error if it cannot."""
    places = {"path": str(path.resolve()), "work": str(work.resolve()), "memory": limits.memory}
    error = None
    try:
        process = subprocess.run(
            [sys.executable, "-m", "core.cases.sandbox_child"],
            input=json.dumps(request | places),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=limits.seconds,
            check=False,
        )
        finished = process.returncode == 0 and (work / SUMMARY_RESULT).is_file()
        if not finished and not (work / ERROR_RESULT).is_file():
            memory = f"{limits.memory / 2**30:.2g} GiB"
            values = {"file": str(path), "how": _how_it_ended(process), "memory": memory}
            error = {"code": "cases.reader_ended", "values": values}
    except subprocess.TimeoutExpired:
        values = {"file": str(path), "seconds": f"{limits.seconds:g}"}
        error = {"code": "cases.read_stopped", "values": values}
    if error is not None:
        (work / ERROR_RESULT).write_text(json.dumps(error), encoding="utf-8")


def _how_it_ended(process: subprocess.CompletedProcess) -> str:
    # A negative code is the signal; the system's own memory killer sends SIGKILL.
    if process.returncode < 0:
        return signal.Signals(-process.returncode).name
    return (
        "MemoryError"
        if "MemoryError" in process.stderr[-2000:]
        else f"exit code {process.returncode}"
    )


def _refuse_stored_error(folder: Path) -> None:
    """Raise the CasesError that a child has left in place of a result."""
    if (folder / ERROR_RESULT).is_file():
        raise _error(json.loads((folder / ERROR_RESULT).read_text(encoding="utf-8")))


def _error(content: dict) -> CasesError:
    return CasesError(content["code"], **from_json(content["values"]))


def _load(folder: Path, path: Path) -> Checked:
    content = json.loads((folder / SUMMARY_RESULT).read_text(encoding="utf-8"))
    notices = tuple(from_json(content["table"].pop("notices")))
    other_sheets = tuple(content["table"].pop("other_sheets"))
    table = Table(**content["table"], records=[], other_sheets=other_sheets, notices=notices)
    preview = pd.DataFrame(
        [cells for _, *cells in content["preview"]],
        [row for row, *_ in content["preview"]],
        content["names"],
    )
    refused = content["refused"]
    return Checked(
        tuple(content["names"]),
        content["suggested"],
        preview,
        table,
        content["rows"],
        None if refused else _cases(folder, path, table, content),
        _error(refused) if refused else None,
    )


def _cases(folder: Path, path: Path, table: Table, content: dict) -> Cases:
    columns = content["columns"]
    options = columns["options"] if columns["options"] is None else tuple(columns["options"])
    return Cases(
        _frame(folder / CASES_RESULT),
        tuple(RowProblem(**from_json(problem)) for problem in content["problems"]),
        tuple(from_json(content["notices"])),
        str(path),
        table,
        content["rows"],
        ColumnNames(**columns | {"options": options}),
        content["content_hash"],
    )


def _frame(path: Path) -> pd.DataFrame:
    """Return the cases with the types of read_cases: texts as object, a missing label None."""
    # pandas reads Parquet's texts as its string type, whose missing value is not None.
    frame = pd.read_parquet(path)
    texts = frame.select_dtypes("string")
    return frame.assign(**{n: c.astype(object).where(c.notna(), None) for n, c in texts.items()})
