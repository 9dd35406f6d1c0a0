"""Files of cases: read, decoded, checked row by row. No row is dropped in silence, and nothing in a text is interpreted.

CSV and TSV cells are strings: "NA", "null" and "1e5" stay what they are. A row's number is the line that a person sees where the record begins
in a text file (the header is line 1), and the record's number from 1 in a Parquet file.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.cases.columns import ColumnNames, resolve
from core.errors import CasesError

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")
COLUMNS = ("row", "case_id", "text", "segment", "label", "occurred_at", "value")
NO_SEGMENT = "-"
_DATES = ("%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H時%M分", "%Y.%m.%d")
_SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one row: its number, our column, the value found, and a sentence."""

    row: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.message} (found {self.value[:60]!r})"


@dataclass(frozen=True)
class Cases:
    """A file's good rows (COLUMNS; missing segment "-", missing label None) and every problem of the others, in file order."""

    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    source: str
    encoding: str | None  # None for Parquet
    columns: ColumnNames
    content_hash: str  # sha256 of the frame's content, the same for the same cases in another format

    def require_clean(self) -> "Cases":
        """Return self if no row has a problem; else raise CasesError with the first problems and what to do."""
        if self.problems:
            first = "\n  ".join(str(p) for p in self.problems[:_SHOWN])
            more = f"\n  and {len(self.problems) - _SHOWN} more" if len(self.problems) > _SHOWN else ""
            raise CasesError(
                f"{self.source} has {len(self.problems)} problems beside {len(self.frame)} good rows; nothing was done:\n  {first}{more}\n"
                "correct them, or pass --skip-bad-rows to use the good rows and write the others to a report",
                self.problems,
            )
        return self

    def write_problems(self, path: Path) -> None:
        """Write every problem as CSV (UTF-8 with BOM, for Excel). A cell that Excel would run as a formula gets an apostrophe."""
        with path.open("w", encoding="utf-8-sig", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(["row", "column", "value", "problem"])
            writer.writerows([p.row, p.column, _no_formula(p.value), _no_formula(p.message)] for p in self.problems)


def read_cases(path: Path, columns: ColumnNames | None = None) -> Cases:
    """Read and check a file. Raises CasesError where it cannot be read at all; problems of single rows are in the result."""
    path = Path(path)
    if path.is_dir():
        raise CasesError(f"{path} is a folder: name a file")
    if not path.is_file():
        raise CasesError(f"no file {path}")
    if path.suffix.lower() not in SUFFIXES:
        raise CasesError(f"{path.name} ends in {path.suffix!r}: {', '.join(SUFFIXES)} can be read")
    if path.stat().st_size == 0:
        raise CasesError(f"{path} is empty")
    names, records, encoding, problems = _open(path)
    columns = resolve(columns or ColumnNames(), names)
    frame, found = _check(records, columns)
    problems = tuple(sorted([*problems, *found], key=lambda p: p.row))
    if frame.empty and not problems:
        raise CasesError(f"{path} has a header and no row")
    return Cases(frame, problems, str(path), encoding, columns, _hash(frame))


# --- file formats -> (row number, {column: value}) ---------------------------------------------------------------

Records = list[tuple[int, dict[str, object]]]


def _open(path: Path) -> tuple[list[str], Records, str | None, list[Problem]]:
    if path.suffix.lower() == ".parquet":
        return _open_parquet(path)
    text, encoding = _decode(path)
    if not text.strip():
        raise CasesError(f"{path} is empty")
    read = _read_jsonl if path.suffix.lower() == ".jsonl" else _read_delimited
    names, records, problems = read(text, path)
    return names, records, encoding, problems


def _decode(path: Path) -> tuple[str, str]:
    """UTF-8 with or without BOM, else CP932 (what Excel writes in Japan); strictly, so that no character is guessed."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as utf8:
        try:
            return raw.decode("cp932"), "cp932"
        except UnicodeDecodeError as e:
            line = raw[: utf8.start].count(b"\n") + 1
            raise CasesError(
                f"{path} is neither UTF-8 nor CP932: byte {raw[utf8.start]:#04x} at offset {utf8.start} (line {line}); save it as UTF-8"
            ) from e


def _read_delimited(text: str, path: Path) -> tuple[list[str], Records, list[Problem]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    header, records, problems = None, [], []
    try:
        for line, cells in _numbered(reader):
            if header is None:
                header = [c.strip() for c in cells]
            elif len(cells) != len(header):
                problems.append(Problem(line, "-", str(len(cells)), f"the row has {len(cells)} cells, and the header {len(header)}"))
            else:
                records.append((line, dict(zip(header, cells, strict=True))))
    except csv.Error as e:
        raise CasesError(f"{path}, line {reader.line_num}: the quotes do not match ({e}); correct the file") from e
    return header or [], records, problems


def _numbered(reader) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; blank lines are no records."""
    before = 0
    for cells in reader:
        if cells:
            yield before + 1, cells
        before = reader.line_num


def _read_jsonl(text: str, path: Path) -> tuple[list[str], Records, list[Problem]]:
    names, records, problems = {}, [], []
    for line, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        try:
            record = json.loads(content)
        except json.JSONDecodeError as e:
            problems.append(Problem(line, "-", content, f"not JSON: {e.msg}"))
            continue
        if not isinstance(record, dict):
            problems.append(Problem(line, "-", content, "not an object of columns and values"))
            continue
        names |= dict.fromkeys(record)
        records.append((line, record))
    if not names:
        raise CasesError(f"{path} has no line that is a JSON object: {problems[0] if problems else 'it is blank'}")
    return list(names), records, problems


def _open_parquet(path: Path) -> tuple[list[str], Records, None, list[Problem]]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as e:
        raise CasesError(f"{path} is not a Parquet file: {str(e).splitlines()[0]}") from e
    return table.column_names, list(enumerate(table.to_pylist(), start=1)), None, []


# --- rows -> cases -----------------------------------------------------------------------------------------------


def _check(records: Records, columns: ColumnNames) -> tuple[pd.DataFrame, list[Problem]]:
    good, problems, ids = [], [], {}
    for row, record in records:
        case, wrong = _case(row, record, columns)
        if not wrong and case["case_id"] in ids:
            wrong = [Problem(row, "case_id", case["case_id"], f"the case id stands in row {ids[case['case_id']]} already")]
        if wrong:
            problems += wrong
        else:
            ids[case["case_id"]] = row
            good.append(case)
    frame = pd.DataFrame(good, columns=list(COLUMNS))
    strings = {c: frame[c].astype(object).where(frame[c].notna(), None) for c in ("case_id", "text", "segment", "label")}
    numbers = {"row": frame["row"].astype(np.int64), "value": frame["value"].astype(np.float64)}
    return frame.assign(**strings, **numbers, occurred_at=pd.to_datetime(frame["occurred_at"]).astype("datetime64[us]")), problems


def _case(row: int, record: dict, columns: ColumnNames) -> tuple[dict, list[Problem]]:
    cell = {our: _text(record.get(theirs)) if theirs else "" for our, theirs in vars(columns).items()}
    problems = []
    if not cell["text"].strip():
        problems.append(Problem(row, "text", cell["text"], "the text is empty"))
    if "\x00" in cell["text"]:
        problems.append(Problem(row, "text", cell["text"], "the text holds a NUL character"))
    if columns.case_id and not cell["case_id"].strip():
        problems.append(Problem(row, "case_id", cell["case_id"], "the case id is empty"))
    occurred_at, value = None, None
    try:
        occurred_at = _date(record.get(columns.occurred_at) if columns.occurred_at else None)
    except ValueError:
        problems.append(Problem(row, "occurred_at", cell["occurred_at"], "not a date: use 2024-01-31, 2024/01/31 or 2024年1月31日"))
    try:
        value = _number(cell["value"])
    except ValueError:
        problems.append(Problem(row, "value", cell["value"], "not a finite number"))
    return {
        "row": row,
        "case_id": cell["case_id"].strip() or f"row-{row}",
        "text": cell["text"],
        "segment": cell["segment"].strip() or NO_SEGMENT,
        "label": cell["label"].strip() or None,
        "occurred_at": occurred_at,
        "value": value,
    }, problems


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else str(value)


def _number(cell: str) -> float | None:
    cell = cell.strip().replace(",", "")
    if not cell:
        return None
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(cell)
    return value


def _date(value: object) -> datetime | None:
    """A moment without time zone; one that has a zone is brought to UTC. Raises ValueError."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, datetime):
        moment = value
    else:
        moment = _parse_date(str(value).strip())
    return pd.Timestamp(moment).tz_convert("UTC").tz_localize(None).to_pydatetime() if moment.tzinfo else moment


def _parse_date(cell: str) -> datetime:
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        for form in _DATES:
            try:
                return datetime.strptime(cell, form)
            except ValueError:
                continue
        raise


def _hash(frame: pd.DataFrame) -> str:
    """sha256 over every case's content, without its place in the file."""
    digest = hashlib.sha256()
    for case in frame[list(COLUMNS[1:])].itertuples(index=False):
        content = [None if x is None or x != x else x if isinstance(x, str | float) else x.isoformat() for x in case]
        digest.update(json.dumps(content, ensure_ascii=False).encode())
    return digest.hexdigest()


def _no_formula(cell: str) -> str:
    return "'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
