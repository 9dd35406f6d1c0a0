"""XLSX and XLSM -> tables, read from their XML, because a sheet is more than its cells.

Excel opens styles that openpyxl refuses, and no library reads hidden rows, merged cells, number
formats and formulas without a result together. Elements are matched by their local names, so Strict
Open XML reads the same. Nothing is computed; no macro or link is followed.

- One sheet is read: the first visible one, or the named one. The result names it and the others.
- A formula counts as the value that Excel saved with it. If none was saved, or a cell is an error
  such as #N/A, the cell is a BadCell: a problem of its row if the column is used.
- Rows keep their number in the sheet. Hidden rows are left out and counted. A cell merged over rows
  counts in each of them.
- A ZIP file states the unpacked size of each file in it: their sum is checked against the limit
  before anything is unpacked.
"""

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from lxml import etree
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.cell import column_index_from_string, coordinate_from_string, range_boundaries
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel
from openpyxl.utils.exceptions import CellCoordinatesException

from core.cases import table as limits
from core.cases.cells import BadCell
from core.cases.columns import ColumnNames
from core.cases.number_formats import SheetNumber
from core.cases.sheets import Sheet, list_names, make_table
from core.cases.table import ReadingOptions, Table, check_size
from core.errors import CasesError

_EAST_ASIAN_DATES = frozenset(
    (*range(27, 37), *range(50, 59))
)  # built-in formats that depend on the language
_NO_ARCHIVE = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError),
    *(zlib.error, lzma.LZMAError, OSError),  # of its packed data; OSError is that of bzip2
)
# What a damaged part raises: no XML, an absent attribute, a number or a place that is none.
_DAMAGED = (
    *(etree.XMLSyntaxError, CellCoordinatesException),
    *(KeyError, ValueError, IndexError, OverflowError, TypeError, AttributeError),
)
# XML cannot hold control characters, so Excel writes them as _x000D_ (ECMA-376, ST_Xstring).
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass
class Workbook:
    """The parts of a workbook that cells refer to.

    sheets: name -> (path in the archive, whether it is visible).
    """

    archive: zipfile.ZipFile
    parts: dict[str, str]  # path in small letters -> name in the archive
    sheets: dict[str, tuple[str, bool]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)  # of cells, by the number of their style
    epoch: datetime = WINDOWS_EPOCH


def read_xlsx(
    path: Path, content: bytes, options: ReadingOptions, requested: ColumnNames, max_bytes: int
) -> Table:
    """Return the table of one sheet.

    path: names the file in errors. content: the file's bytes. options: the user's. requested: the
    columns by which a header is recognised. max_bytes: limit of the unpacked size. Raises
    CasesError if the file or the sheet cannot be read, or is too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_size(path, sum(info.file_size for info in archive.infolist()), max_bytes)
            book = _open_workbook(archive, path)
            name = _choose_sheet(path, book, options.sheet)
            sheet = _read_sheet(book, name, path)
    except _NO_ARCHIVE as e:
        raise CasesError("cases.no_workbook", file=str(path)) from e
    except _DAMAGED as e:
        raise CasesError("cases.damaged_workbook", file=str(path)) from e
    others = [title for title in book.sheets if title != name]
    table = make_table(path, sheet, [name, *others], options, requested)
    # A shared or a merged text is in the file once, and in memory too, but each of its cells is
    # hashed, checked and scored.
    check_size(path, _count_characters(table), max_bytes)
    return replace(table, epoch_1904=book.epoch == MAC_EPOCH)


def _count_characters(table: Table) -> int:
    cells = (cell for record in table.records for cell in record.cells.values())
    return sum(len(cell) for cell in cells if isinstance(cell, str))


def _open_workbook(archive: zipfile.ZipFile, path: Path) -> Workbook:
    """Return the sheets, texts and number formats of a workbook.

    Raises CasesError if the archive holds another kind of file.
    """
    # Some programs write capitals, backslashes or a leading slash into the archive's names.
    parts = {n.replace("\\", "/").lower().lstrip("/"): n for n in archive.namelist()}
    for part, ending in (("xl/workbook.bin", ".xlsb"), ("content.xml", ".ods")):
        if part in parts:
            raise CasesError("cases.old_workbook", file=path.name, ending=ending)
    book = Workbook(archive, parts)
    if "xl/workbook.xml" not in parts:
        names = [repr(n[:60]) for n in archive.namelist()[:5]]
        raise CasesError("cases.is_archive", file=path.name, names=names)
    targets = {
        e.get("Id"): e.get("Target")
        for e in _elements(book, "xl/_rels/workbook.xml.rels", "Relationship")
        if e.get("Type", "").endswith("/worksheet")
    }
    for element in _elements(book, "xl/workbook.xml", "sheet", "workbookPr"):
        attributes = {_local(key): value for key, value in element.attrib.items()}
        if _local(element.tag) == "workbookPr":
            if attributes.get("date1904") in ("1", "true", "on"):
                book.epoch = MAC_EPOCH
        elif attributes.get("id") in targets:
            target = str(PurePosixPath("/xl") / targets[attributes["id"]])[1:].lower()
            book.sheets[attributes["name"]] = (
                target,
                attributes.get("state", "visible") == "visible",
            )
    book.texts = [_rich_text(e) for e in _elements(book, "xl/sharedstrings.xml", "si")]
    book.formats = list(_formats(book))
    return book


def _elements(book: Workbook, part: str, *names: str) -> Iterator[etree._Element]:
    """Yield each complete element of a part with one of these local names; no part has none."""
    if part.lower() not in book.parts:
        return
    with book.archive.open(book.parts[part.lower()]) as file:
        # No entities, DTDs or network: a workbook from elsewhere must not read files or expand.
        for _, element in etree.iterparse(
            file, resolve_entities=False, no_network=True, load_dtd=False
        ):
            if _local(element.tag) in names:
                yield element
                element.clear()
                while element.getprevious() is not None:  # a million empty rows are memory too
                    del element.getparent()[0]


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _rich_text(element: etree._Element) -> str:
    """Return a shared or inline text: its runs without the furigana that Excel stores for kanji."""
    texts = []
    for child in element:
        if _local(child.tag) == "t":
            texts.append(child.text or "")
        elif _local(child.tag) == "r":
            texts += [t.text or "" for t in child if _local(t.tag) == "t"]
    return _unescape("".join(texts))


def _unescape(text: str) -> str:
    """Return a text as Excel shows it: `_x000D_` becomes its character, line ends a line feed."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _formats(book: Workbook) -> Iterator[str]:
    """Yield the number format of each cell style; "yyyy/m/d" for built-in East Asian dates."""
    custom: dict[str, str] = {}
    for element in _elements(book, "xl/styles.xml", "numFmt", "cellXfs"):
        if _local(element.tag) == "numFmt":
            custom[element.get("numFmtId", "")] = element.get("formatCode", "")
            continue
        for style in element:
            if _local(style.tag) != "xf":
                continue
            number = style.get("numFmtId", "0")
            built_in = (
                "yyyy/m/d" if int(number) in _EAST_ASIAN_DATES else BUILTIN_FORMATS.get(int(number))
            )
            yield custom.get(number) or built_in or "General"


def _choose_sheet(path: Path, book: Workbook, sheet: str | None) -> str:
    visible = [name for name, (_, is_visible) in book.sheets.items() if is_visible]
    if sheet is not None and sheet not in book.sheets:
        raise CasesError(
            "cases.no_such_sheet", file=str(path), sheet=sheet, sheets=list_names(book.sheets)
        )
    if sheet is None and not visible:
        raise CasesError("cases.no_visible_sheet", file=str(path), sheets=list_names(book.sheets))
    return visible[0] if sheet is None else sheet


def _read_sheet(book: Workbook, name: str, path: Path) -> Sheet:
    """Return the rows of a sheet without the blank cells at their ends."""
    sheet, number = Sheet(), 0
    for element in _elements(book, book.sheets[name][0], "row", "col", "mergeCell"):
        kind = _local(element.tag)
        if kind == "mergeCell":
            sheet.merged.append(range_boundaries(element.get("ref", "")))
        elif kind == "col":
            if element.get("hidden") in ("1", "true"):
                first, last = int(element.get("min", 1)), int(element.get("max", 1))
                last = min(last, limits.MAX_COLUMNS)
                sheet.hidden_columns |= set(range(max(first, 1) - 1, last))
        else:
            number = int(element.get("r") or number + 1)
            cells = _row_cells(book, element, number, name, path)
            if cells:
                sheet.rows[number] = cells
            if element.get("hidden") in ("1", "true") or float(element.get("ht", 1)) == 0:
                sheet.hidden.add(number)
    return sheet


def _row_cells(book: Workbook, row: etree._Element, number: int, name: str, path: Path) -> list:
    """Return the cells of a row by place. Raises CasesError for a cell beyond the limits."""
    cells: list = []
    place = -1
    for element in row:
        if _local(element.tag) != "c":
            continue
        place = _place(element.get("r"), place + 1)
        value = _value(book, element)
        if value is None:
            continue
        if number > limits.MAX_ROWS + 1 or place >= limits.MAX_COLUMNS:
            raise CasesError(
                "cases.far_cell",
                file=str(path),
                sheet=name,
                row=f"{number:,}",
                column=f"{place + 1:,}",
                max_rows=f"{limits.MAX_ROWS:,}",
                max_columns=f"{limits.MAX_COLUMNS:,}",
            )
        cells += [None] * (place + 1 - len(cells))
        cells[place] = value
    return cells


def _place(reference: str | None, following: int) -> int:
    """Return the place of a cell, from 0; a cell without a reference follows the one before."""
    if not reference:
        return following
    return column_index_from_string(coordinate_from_string(reference)[0]) - 1


def _value(book: Workbook, element: etree._Element) -> object:
    """Return a cell's value, truth values as Excel exports them to CSV; None if it has none."""
    children = {_local(child.tag): child for child in element}
    kind, raw = element.get("t", "n"), children["v"].text if "v" in children else None
    if kind == "inlineStr":
        return _rich_text(children["is"]) if "is" in children else None
    if raw is None:
        if "f" not in children:
            return None
        formula = f"={children['f'].text or ''}"
        return "" if kind in ("str", "s") else BadCell(formula, "cases.cell_formula")
    if kind == "s":
        return book.texts[int(raw)]
    if kind == "str":
        return _unescape(raw)
    if kind == "b":
        return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
    if kind == "e":
        return BadCell(raw, "cases.cell_error")
    if kind == "d":
        return datetime.fromisoformat(raw.strip().removesuffix("Z"))
    return _number(book, raw.strip(), int(element.get("s", 0)))


def _number(book: Workbook, raw: str, style: int) -> object:
    """Return a number, or a moment if its format is a date's."""
    number_format = book.formats[style] if style < len(book.formats) else "General"
    if not raw:
        return None
    if is_date_format(number_format) and float(raw) >= 0:  # Excel shows other days as #####
        try:
            moment = from_excel(float(raw), book.epoch)
        except (OverflowError, ValueError):  # Excel shows such a number as #####
            moment = None
        if moment is not None and not isinstance(moment, timedelta):
            return moment
    return SheetNumber(raw, number_format)
