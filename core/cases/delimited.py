"""Text of delimited cells -> records: which delimiter, whether quotes mean anything, which line is
the header.

Cells are strings: "NA", "null" and "1e5" stay what they are. A record's row is the line on which it
begins. Whatever is decided from the text is reported, and what can be read in two ways is refused
with the lines named.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.cases.columns import ColumnNames, clean_names, count_known, names_text
from core.cases.encodings import Decoded
from core.cases.headers import SEARCHED, Row, count_cells, find_header
from core.cases.table import DELIMITERS, MAX_CELL, Notice, ReadingOptions, Record, Table, rare_rows
from core.errors import CasesError

SNIFFED = 100_000  # characters from which the delimiter is told
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_STRAY = (
    ";",
    "\t",
    "|",
    "^",
    "~",
    ",",
)  # what may part cells in a file that seems to have one column
_QUOTED_CELL = re.compile(r'(?:^|[,;|\t])"[^"\n]*[,;|\t][^"\n]*"(?:[,;|\t\r\n]|$)', re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """A record of the file: its first and last line, its cells, and why it cannot be read."""

    row: int
    end: int
    cells: list[str]
    broken: Notice | None = None


@dataclass(frozen=True)
class Dialect:
    """How cells are parted and quoted; `quoting` is "minimal", "none" or "backslash"."""

    delimiter: str
    quoting: str = "minimal"

    def parameters(self) -> dict:
        """Return the csv module's settings."""
        quoting = {
            "minimal": {"strict": True},
            "backslash": {"strict": True, "escapechar": "\\", "doublequote": False},
            "none": {"quoting": csv.QUOTE_NONE},
        }
        return {"delimiter": self.delimiter} | quoting[self.quoting]


def read_delimited(
    decoded: Decoded, path: Path, options: ReadingOptions, requested: ColumnNames
) -> Table:
    """Return the table of a delimited text. Raises CasesError if it can be read in two ways, or not
    at all.
    """
    csv.field_size_limit(MAX_CELL)
    text, first_line, announced = _without_separator_line(decoded.text)
    delimiter = _named_delimiter(options.delimiter) or announced
    delimiter = delimiter or _sniff(text, path.suffix.lower(), requested)
    physical = io.StringIO(text, newline="").readlines()
    lines, notices = _parse(physical, path, delimiter, options.quoting, first_line, requested)
    rows: list[Row] = [(line.row, line.cells) for line in lines[: SEARCHED + 1]]
    if options.header_row is not None:
        rows = [(line.row, line.cells) for line in lines]
    if not rows:
        raise CasesError("cases.blank_file", file=str(path))
    place, above = find_header(rows, requested, options.header_row, path)
    header = lines[place]
    if header.broken:
        raise CasesError("cases.bad_header", file=str(path), row=header.row, reason=header.broken)
    names = clean_names(header.cells)
    if not any(names):
        raise CasesError("cases.no_text_column", columns=[])
    if options.delimiter is None and announced is None:
        _refuse_one_column(path, names, lines[place + 1 :])
    return Table(
        "csv",
        names,
        [_record(line, names, delimiter) for line in lines[place + 1 :]],
        decoded.encoding,
        decoded.basis,
        delimiter,
        header.row,
        len(physical) + first_line - 1,
        notices=(*decoded.notices, *notices, *above),
    )


def _without_separator_line(text: str) -> tuple[str, int, str | None]:
    """The text after Excel's line `sep=;`, the number of its first line, and the delimiter that the
    line names.
    """
    match = _SEPARATOR_LINE.match(text)
    return (text[match.end() :], 2, match[1]) if match else (text, 1, None)


def _named_delimiter(name: str | None) -> str | None:
    if name is None:
        return None
    delimiter = DELIMITERS.get(name, name)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise CasesError("cases.delimiter_unknown", name=name, names=list(DELIMITERS))
    return delimiter


def _sniff(text: str, suffix: str, requested: ColumnNames) -> str:
    """The delimiter under which the rows agree best with a header: names that are known first, then
    equal widths.
    """
    sample = text[:SNIFFED]
    if len(text) > SNIFFED:
        sample = sample[: sample.rfind("\n") + 1] or sample
    preferred = "\t" if suffix in (".tsv", ".tab") else "|" if suffix == ".psv" else ","
    scores = {d: _score(sample, d, requested) for d in DELIMITERS.values()}
    return max(scores, key=lambda d: (scores[d], d == preferred))


def _score(sample: str, delimiter: str, requested: ColumnNames) -> tuple[bool, int, float]:
    """Whether some row near the top names the text, how many columns it names, and the share of
    rows as wide as most are.
    """
    try:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        rows = [row for row in reader if count_cells(row)]
    except csv.Error:
        return False, 0, 0.0
    top = [row for row in rows[:SEARCHED] if names_text(clean_names(row), requested)]
    named = max((count_known(clean_names(row), requested) for row in top), default=0)
    widths = Counter(len(row) for row in rows)
    width, rows_as_wide = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    header_width = max((len(row) for row in top), default=width)
    agreement = rows_as_wide / max(1, len(rows)) if width > 1 and header_width > 1 else 0.0
    return bool(top), named, agreement * min(width, 10)


def _parse(
    physical: list[str],
    path: Path,
    delimiter: str,
    quoting: str,
    first: int,
    requested: ColumnNames,
) -> tuple[list[Line], list[Notice]]:
    """The records under the quoting that was given or that the text's own evidence decides, and
    what to say of it.

    physical: the file's lines, of which the first is line `first`.
    """
    if quoting != "auto":
        return _without_blank(list(_records(physical, path, Dialect(delimiter, quoting), first)))
    literal = list(_records(physical, path, Dialect(delimiter, "none"), first))
    width = _width(literal, requested)
    even = width > 1 and all(len(r.cells) == width or not count_cells(r.cells) for r in literal)
    unquoted = even and not _QUOTED_CELL.search("".join(physical))
    try:
        lines = list(_records(physical, path, Dialect(delimiter), first))
    except CasesError:
        if unquoted and delimiter == "\t":
            return _as_literal(literal, [r.row for r in literal if '"' in "".join(r.cells)])
        if (escaped := _escaped(physical, path, delimiter, first)) is not None:
            return escaped
        raise
    swallowing = [r for r in lines if _swallows(r, physical, delimiter, width, first)]
    broken = [r for r in lines if r.broken]
    if (swallowing and even and delimiter == "\t") or (broken and unquoted):
        return _as_literal(literal, [r.row for r in swallowing + broken])
    if broken and (escaped := _escaped(physical, path, delimiter, first)) is not None:
        return escaped
    if swallowing:
        ranges = [f"{r.row}–{r.end}" for r in swallowing]
        raise CasesError("cases.quote_swallows_rows", file=str(path), rows=rare_rows(ranges))
    return _without_blank(lines)


def _records(physical: list[str], path: Path, dialect: Dialect, first: int) -> Iterator[Line]:
    """Each record with its lines. After a bad quote within one line the next line is a record
    again.

    Raises CasesError after a bad quote over several lines: the next record could begin anywhere.
    """
    reader = csv.reader(physical, **dialect.parameters())
    while True:
        row = reader.line_num + first
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            end = reader.line_num + first - 1
            if end > row:
                raise CasesError("cases.quote_not_closed", file=str(path), row=row, end=end) from e
            yield Line(row, end, [physical[row - first].rstrip("\r\n")], Notice("cases.row_quotes"))
            continue
        if cells:
            yield Line(row, reader.line_num + first - 1, cells)


def _width(lines: list[Line], requested: ColumnNames) -> int:
    """How many cells the header has."""
    for line in lines[:SEARCHED]:
        if names_text(clean_names(line.cells), requested):
            return len(line.cells)
    return len(lines[0].cells) if lines else 0


def _swallows(line: Line, physical: list[str], delimiter: str, width: int, first: int) -> bool:
    """Whether a record over several lines looks like several: two or more and most of its lines
    have the header's cells.
    """
    if line.end == line.row or width < 2:
        return False
    lines = physical[line.row - first : line.end - first + 1]
    full = sum(text.count(delimiter) == width - 1 for text in lines)
    return full >= 2 and full * 3 >= len(lines) * 2


def _escaped(
    physical: list[str], path: Path, delimiter: str, first: int
) -> tuple[list[Line], list[Notice]] | None:
    """The records if quotes are escaped by backslashes throughout, as databases write them; None if
    that does not fit.
    """
    if not any('\\"' in line for line in physical):
        return None
    try:
        lines = list(_records(physical, path, Dialect(delimiter, "backslash"), first))
    except CasesError:
        return None
    if any(line.broken for line in lines) or len({len(line.cells) for line in lines}) > 1:
        return None
    lines, notices = _without_blank(lines)
    return lines, [*notices, Notice("cases.backslash_quotes")]


def _as_literal(lines: list[Line], rows: list[int]) -> tuple[list[Line], list[Notice]]:
    """Records whose quotes are text, with the rows that would read otherwise."""
    lines, notices = _without_blank(lines)
    rows = sorted(set(rows))
    return lines, [
        *notices,
        Notice("cases.literal_quotes", {"n": len(rows), "rows": rare_rows(rows)}),
    ]


def _without_blank(lines: list[Line]) -> tuple[list[Line], list[Notice]]:
    """The records with content, and a notice of those that hold only delimiters."""
    blank = [line.row for line in lines if not line.broken and not count_cells(line.cells)]
    notices = (
        [Notice("cases.blank_rows", {"n": len(blank), "rows": rare_rows(blank)})] if blank else []
    )
    return [line for line in lines if line.broken or count_cells(line.cells)], notices


def _refuse_one_column(path: Path, names: list[str], lines: list[Line]) -> None:
    """Raise CasesError if the one column's name, or each of its cells, holds what parts cells
    elsewhere.
    """
    named = [name for name in names if name]
    if len(named) != 1:
        return
    stray = [c for c in _STRAY if c in named[0]]
    counts = {
        c: {line.cells[0].count(c) for line in lines if len(line.cells) == 1} for c in _STRAY[:5]
    }
    if len(lines) > 1:
        stray += [c for c, n in counts.items() if len(n) == 1 and max(n) > 0]
    if stray:
        raise CasesError(
            "cases.one_column", file=str(path), name=named[0][:60], character=repr(stray[0])
        )


def _record(line: Line, names: list[str], delimiter: str) -> Record:
    """A line as a record; cells past the header count only if they are not blank, and then the row
    is broken.
    """
    content = delimiter.join(line.cells)
    if line.broken:
        return Record(line.row, broken=line.broken, content=content)
    named = max(i for i, name in enumerate(names) if name) + 1
    if len(line.cells) < named or count_cells(line.cells[len(names) :]):
        broken = Notice("cases.row_cells", {"n": len(line.cells), "header": len(names)})
        return Record(line.row, broken=broken, content=content)
    return Record(line.row, {n: c for n, c in zip(names, line.cells, strict=False) if n})
