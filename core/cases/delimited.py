"""Delimited text -> records: decides the delimiter, the meaning of quotes and the header's line.

Cells are strings: "NA", "null" and "1e5" stay as written. A record's row is the line on which it
begins. Decisions taken from the text are reported, and a text with two readings is refused with the
lines named. Knows no column's meaning but the names of a header.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.cases.columns import ColumnNames, clean_names, count_known, names_text
from core.cases.drawn_lines import (
    NULL_MARK,
    Line,
    join_split_lines,
    keep_null_marks,
    without_drawn,
)
from core.cases.encodings import Decoded
from core.cases.headers import SEARCHED, Row, count_cells, find_header, unnamed_cells
from core.cases.table import (
    DELIMITERS,
    MAX_CELL,
    SEPARATORS,
    Notice,
    ReadingOptions,
    Record,
    Table,
    notices_of_rows,
    rare_rows,
)
from core.errors import CasesError

SNIFFED = 100_000  # characters that decide the delimiter
# Excel's own hint for its import, which is no row of the table.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_STRAY = (
    ";",
    "\t",
    "|",
    "^",
    "~",
    ",",
)  # what may part cells in a file that seems to have one column
# A delimiter between quotes proves that quotes enclose cells: read as text, it would split one.
_QUOTED_CELL = re.compile(r'(?:^|[,;|\t])"[^"\n]*[,;|\t][^"\n]*"(?:[,;|\t\r\n]|$)', re.MULTILINE)
# A cell within quotes: in a file with commas it shows that its writer quotes.
_CLOSED_CELL = re.compile(r'(?:^|[,;|])"[^"\n]*"(?:[,;|\r\n]|$)', re.MULTILINE)
# A quoted cell after a blank, as in: 1, "valve stuck, left", V
_SPACED_CELL = re.compile(r'[,;|\t] +"[^"\n]*"(?=[,;|\t\r\n]|$)')
_ENCLOSED = re.compile(r'\s*"[^"]*"\s*')


@dataclass(frozen=True)
class Dialect:
    """The delimiter and the quoting of cells: "minimal", "none", "backslash" or "spaced"."""

    delimiter: str
    quoting: str = "minimal"

    def parameters(self) -> dict:
        """Return the csv module's settings."""
        # Strict: without it, csv accepts a stray quote silently and shifts the cells after it.
        quoting: dict[str, dict[str, object]] = {
            "minimal": {"strict": True},
            "backslash": {"strict": True, "escapechar": "\\", "doublequote": False},
            "spaced": {"strict": True, "skipinitialspace": True},
            "none": {"quoting": csv.QUOTE_NONE},
        }
        return {"delimiter": self.delimiter} | quoting[self.quoting]


def read_delimited(
    decoded: Decoded, path: Path, options: ReadingOptions, requested: ColumnNames
) -> Table:
    """Return the table of a delimited text.

    decoded: the text and its encoding. path: names the file in errors; its ending breaks ties.
    options: the user's. requested: the columns by which a header is recognised. Raises CasesError
    if the text has two readings, or none.
    """
    csv.field_size_limit(MAX_CELL)  # of the whole process: csv's own limit is 131,072 characters
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
    below, joined = join_split_lines(lines[place + 1 :], len(names))
    below, notices_below = without_drawn(names, below)
    if options.delimiter is None and announced is None:
        _refuse_one_column(path, names, below)
    return Table(
        "csv",
        names,
        [_record(line, names, delimiter) for line in below],
        decoded.encoding,
        decoded.basis,
        delimiter,
        header.row,
        len(physical) + first_line - 1,
        notices=(*decoded.notices, *notices, *above, *joined, *notices_below),
    )


def _without_separator_line(text: str) -> tuple[str, int, str | None]:
    """Return the text after Excel's line `sep=;`, its first line's number, and that delimiter."""
    match = _SEPARATOR_LINE.match(text)
    return (text[match.end() :], 2, match[1]) if match else (text, 1, None)


def _named_delimiter(name: str | None) -> str | None:
    if name is None:
        return None
    # A quote or a line end as the delimiter would leave no way to quote or end a row.
    delimiter = DELIMITERS.get(name, name)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise CasesError("cases.delimiter_unknown", name=name, names=list(DELIMITERS))
    return delimiter


def _sniff(text: str, suffix: str, requested: ColumnNames) -> str:
    """Return the delimiter that fits best: by known names in the header, then by equal widths."""
    sample = text[:SNIFFED]
    if len(text) > SNIFFED:
        sample = sample[: sample.rfind("\n") + 1] or sample  # a cut row would have another width
    preferred = "\t" if suffix in (".tsv", ".tab") else "|" if suffix == ".psv" else ","
    candidates = (*DELIMITERS.values(), *(c for c in SEPARATORS if c in sample))
    scores = {d: _score(sample, d, requested) for d in candidates}
    return max(scores, key=lambda d: (scores[d], d == preferred))


def _score(sample: str, delimiter: str, requested: ColumnNames) -> tuple[bool, int, float]:
    """Return a delimiter's score: a row names the text, columns named, agreement of the widths.

    Agreement is the share of rows with the most frequent width, times that width up to 10.
    """
    try:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        rows = [row for row in reader if count_cells(row)]
    except csv.Error:
        return False, 0, 0.0
    top = [row for row in rows[:SEARCHED] if names_text(clean_names(row), requested)]
    named = max((count_known(clean_names(row), requested) for row in top), default=0)
    widths = Counter(len(row) for row in rows)
    # Of equally frequent widths the larger, since a wrong delimiter gives few cells.
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
    """Return the records and notices, under the quoting given or decided from the text.

    physical: the file's lines, of which the first is line `first`. Quotes that swallow whole rows
    are the danger here: the reading with quotes is compared with the literal one.
    """
    if quoting != "auto":
        return _without_blank(list(_records(physical, path, Dialect(delimiter, quoting), first)))
    if (spaced := _spaced(physical, path, delimiter, first)) is not None:
        return spaced
    literal = list(_records(physical, path, Dialect(delimiter, "none"), first))
    width = _width(literal, requested)
    even = width > 1 and all(len(r.cells) == width or not count_cells(r.cells) for r in literal)
    enclosed = bool(literal) and all(map(_ENCLOSED.fullmatch, literal[0].cells))
    quoted_cell = _QUOTED_CELL if delimiter == "\t" else _CLOSED_CELL
    unquoted = even and not enclosed and not quoted_cell.search("".join(physical))
    try:
        lines = list(_records(physical, path, Dialect(delimiter), first))
    except CasesError:
        if unquoted and delimiter == "\t":
            return _as_literal(literal, [r.row for r in literal if '"' in "".join(r.cells)])
        if (escaped := _escaped(physical, path, delimiter, first)) is not None:
            return escaped
        raise
    starts = {_form_of(line.cells[0]) for line in lines[1:]}
    swallowing = [r for r in lines if _swallows(r, physical, delimiter, width, first, starts)]
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
    """Yield each record with its lines; after a bad quote within one line, reading continues.

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
    """Return the number of cells of the header."""
    for line in lines[:SEARCHED]:
        if names_text(clean_names(line.cells), requested):
            return len(line.cells)
    return len(lines[0].cells) if lines else 0


def _swallows(
    line: Line, physical: list[str], delimiter: str, width: int, first: int, starts: set[str]
) -> bool:
    """Return whether a record over several lines looks like several records.

    It does if two or more of its lines, and two thirds of them, have as many cells as the header,
    and one after the first starts as records start (`starts`, as forms).
    """
    if line.end == line.row or width < 2:
        return False
    lines = physical[line.row - first : line.end - first + 1]
    full = [text for text in lines if text.count(delimiter) == width - 1]
    if len(full) < 2 or len(full) * 3 < len(lines) * 2:
        return False
    return any(_form_of(text.split(delimiter)[0]) in starts for text in full[1:])


def _form_of(cell: str) -> str:
    """Return a cell with runs of digits as 0 and runs of letters as a: the form of an id."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell.strip().strip('"')))


def _escaped(
    physical: list[str], path: Path, delimiter: str, first: int
) -> tuple[list[Line], list[Notice]] | None:
    """Return the records if backslashes escape all quotes, as databases write; None if not."""
    # Only on evidence: elsewhere a backslash is a character, as in Windows paths.
    if not any('\\"' in line for line in physical):
        return None
    marked = list(map(keep_null_marks, physical))
    lines = _even_records(marked, path, Dialect(delimiter, "backslash"), first)
    if lines is None or any(line.broken for line in lines):
        return None
    lines, notices = _without_blank(lines)
    return lines, [*notices, Notice("cases.backslash_quotes")]


def _spaced(
    physical: list[str], path: Path, delimiter: str, first: int
) -> tuple[list[Line], list[Notice]] | None:
    """Return the records if a blank follows each delimiter and quotes follow some; None if not."""
    # The header first: it rules out nearly every file before all of its lines are searched.
    header = next((line for line in physical if line.strip()), "").split(delimiter)[1:]
    if not header or not all(name.startswith(" ") for name in header):
        return None
    if not _SPACED_CELL.search("".join(physical)):
        return None
    lines = _even_records(physical, path, Dialect(delimiter, "spaced"), first)
    if lines is None:
        return None
    lines, notices = _without_blank(lines)
    return lines, [*notices, Notice("cases.spaced_quotes")]


def _even_records(
    physical: list[str], path: Path, dialect: Dialect, first: int
) -> list[Line] | None:
    """Return the records in a dialect if all have as many cells; None if not."""
    try:
        lines = list(_records(physical, path, dialect, first))
    except CasesError:
        return None
    return lines if len({len(line.cells) for line in lines}) == 1 else None


def _as_literal(lines: list[Line], rows: list[int]) -> tuple[list[Line], list[Notice]]:
    """Return records whose quotes are text, with a notice of the rows that would read otherwise."""
    lines, notices = _without_blank(lines)
    return lines, [*notices, *notices_of_rows("cases.literal_quotes", sorted(set(rows)))]


def _without_blank(lines: list[Line]) -> tuple[list[Line], list[Notice]]:
    """Return the records with content, and a notice of those that hold only delimiters."""
    blank = [line.row for line in lines if not line.broken and not count_cells(line.cells)]
    lines = [line for line in lines if line.broken or count_cells(line.cells)]
    return lines, list(notices_of_rows("cases.blank_rows", blank))


def _refuse_one_column(path: Path, names: list[str], lines: list[Line]) -> None:
    """Raise CasesError if a single column's name, or each of its cells, holds a delimiter."""
    named = [name for name in names if name]
    if len(named) != 1:
        return
    stray = [c for c in _STRAY if c in named[0]]
    cells = [line.cells[0] for line in lines if len(line.cells) == 1]
    stray += [c for c in _STRAY[:5] if _parts_rows(c, cells)]  # sentences hold commas too
    if stray:
        raise CasesError(
            "cases.one_column", file=str(path), name=named[0][:60], character=repr(stray[0])
        )


def _parts_rows(character: str, cells: list[str]) -> bool:
    """Return whether a character seems to part the rows of a file that has one column.

    It is in four fifths of them, or as often, at least twice, in half of them.
    """
    counts = Counter(cell.count(character) for cell in cells)
    several = max((n for count, n in counts.items() if count > 1), default=0)
    holding = len(cells) - counts[0]
    return len(cells) > 1 and (holding * 5 >= len(cells) * 4 or several * 2 >= len(cells))


def _record(line: Line, names: list[str], delimiter: str) -> Record:
    """Return a line as a record; a row that ends early, or goes on past the header, is broken.

    Blank cells past the header do not count.
    """
    content = delimiter.join(line.cells)
    if line.broken:
        return Record(line.row, broken=line.broken, content=content)
    # Columns without a name at the end of the header may be absent from a row.
    named = max(i for i, name in enumerate(names) if name) + 1
    if len(line.cells) < named or count_cells(line.cells[len(names) :]):
        broken = Notice("cases.row_cells", {"n": len(line.cells), "header": len(names)})
        return Record(line.row, broken=broken, content=content)
    cells = ["" if cell == NULL_MARK else cell for cell in line.cells]
    by_name: dict[str, object] = {n: c for n, c in zip(names, cells, strict=False) if n}
    return Record(line.row, by_name, unnamed=unnamed_cells(names, cells))
