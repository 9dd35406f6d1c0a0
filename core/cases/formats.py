"""Files -> tables: decides a file's format, by content before name, and calls its reader.

Text goes to core.cases.delimited or core.cases.json_files, workbooks to core.cases.xlsx, Parquet to
core.cases.parquet. Knows no column's meaning and checks no cell.
"""

from pathlib import Path

from core.cases.columns import ColumnNames
from core.cases.delimited import read_delimited
from core.cases.encodings import decode_bytes
from core.cases.json_files import is_json, read_json
from core.cases.parquet import read_parquet
from core.cases.table import (
    MAX_BYTES,
    ReadingOptions,
    Table,
    check_dimensions,
    check_size,
)
from core.errors import CasesError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".psv", ".json", ".jsonl", ".ndjson")
SHEETS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet", *SHEETS)
# First bytes: OLE is Excel's binary .xls (and encrypted .xlsx), ZIP is .xlsx and its kin.
_OLE, _ZIP, _PARQUET = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b"PAR1"
# First bytes of files that are no tables -> what people call them.
_FOREIGN = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"SQLite format 3": "SQLite",
    b"{\\rtf": "RTF",
    b"\x7fELF": "ELF",
    b"ARROW1": "Arrow",
    b"Obj\x01": "Avro",
}
_CONTROLS = bytes(i for i in range(32) if i not in (9, 10, 12, 13, 26, 27))
# Web pages saved as .csv or .xls, which Excel opens and a parser of text would read as nonsense.
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml")


def open_table(
    path: Path,
    options: ReadingOptions | None = None,
    requested: ColumnNames | None = None,
    max_bytes: int = MAX_BYTES,
) -> Table:
    """Return the table of a file.

    options: the user's; None is all by the file's own evidence. requested: columns by which a
    header below title rows is recognised. max_bytes: limit of the size, also after unpacking.
    Raises CasesError if the file has no reading, has two, or is too large.
    """
    options, requested = options or ReadingOptions(), requested or ColumnNames()
    content = _read_bytes(path, max_bytes)
    table = _read_content(path, content, options, requested, max_bytes)
    check_dimensions(path, len(table.records), len(table.names))
    return table


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    if path.is_dir():
        raise CasesError("cases.is_folder", file=str(path))
    if not path.is_file():
        raise CasesError("cases.no_file", file=str(path))
    if path.suffix.lower() not in SUFFIXES:
        raise CasesError(
            "cases.other_ending", file=path.name, ending=path.suffix.lower(), endings=list(SUFFIXES)
        )
    size = path.stat().st_size
    if size == 0:
        raise CasesError("cases.empty_file", file=str(path))
    check_size(path, size, max_bytes)
    try:
        return path.read_bytes()
    except OSError as e:
        raise CasesError("cases.unreadable_file", file=str(path), reason=e.strerror) from e


def _read_content(
    path: Path, content: bytes, options: ReadingOptions, requested: ColumnNames, max_bytes: int
) -> Table:
    """Return the table by the content's format; `options.sheet` is for workbooks only."""
    suffix = path.suffix.lower()
    # Excel opens text under a workbook's name, too.
    is_text = content[:10_000].isascii() and b"\n" in content and not _is_binary(content)
    is_sheet = suffix in (".xlsx", ".xlsm", ".xlsb", ".ods") and not is_text
    if content.startswith((_ZIP, _OLE)) or is_sheet:
        return _read_workbook(path, content, options, requested, max_bytes)
    if options.sheet is not None:
        raise CasesError("cases.no_sheets", file=path.name, sheet=options.sheet)
    if content.startswith(_PARQUET) or suffix == ".parquet":
        return read_parquet(path, max_bytes)
    if content[:200].lstrip().lower().startswith(_MARKUP):
        raise CasesError("cases.is_markup", file=path.name)
    for start, kind in _FOREIGN.items():
        if content.startswith(start):
            raise CasesError("cases.other_kind", file=path.name, kind=kind)
    # Text has no signature, so it is what remains after all other formats.
    try:
        decoded = decode_bytes(content, path, options.encoding)
    except CasesError as e:
        if e.code in ("cases.encoding_unclear", "cases.no_encoding") and _is_binary(content):
            raise CasesError("cases.is_binary", file=path.name) from e
        raise
    if not decoded.text.strip():
        raise CasesError("cases.blank_file", file=str(path))
    if suffix in (".json", ".jsonl", ".ndjson") or is_json(decoded.text):
        return read_json(decoded, path, requested)
    return read_delimited(decoded, path, options, requested)


def _is_binary(content: bytes) -> bool:
    """Return whether more than one byte in 50 is a control character."""
    sample = content[:10_000]
    return (len(sample) - len(sample.translate(None, _CONTROLS))) * 50 > len(sample)


def _read_workbook(
    path: Path, content: bytes, options: ReadingOptions, requested: ColumnNames, max_bytes: int
) -> Table:
    """Return the table of a workbook, by its first bytes. Raises CasesError for an old format."""
    from core.cases.xlsx import read_xlsx  # imported here: it loads openpyxl, 0.2 s

    if content.startswith(_OLE) and path.suffix.lower() == ".xls":
        raise CasesError("cases.old_workbook", file=path.name, ending=".xls")
    if not content.startswith(_ZIP):
        raise CasesError("cases.no_workbook", file=str(path))
    return read_xlsx(path, content, options, requested, max_bytes)
