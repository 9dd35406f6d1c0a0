"""Files -> tables: decides a file's format, by content before name, and calls its reader.

Text goes to core.cases.delimited or core.cases.json_files, workbooks to core.cases.xlsx, Parquet to
core.cases.parquet. Knows no column's meaning and checks no cell.
"""

import codecs
import re
from pathlib import Path

from core.cases.columns import ColumnNames
from core.cases.delimited import read_delimited
from core.cases.encodings import decode_bytes
from core.cases.json_files import is_json, read_json
from core.cases.parquet import read_parquet
from core.cases.table import (
    MAX_BYTES,
    SEPARATORS,
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
_OLD_PARTS = ("Workbook\0".encode("utf-16-le"), "Book\0".encode("utf-16-le"))
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# First bytes of files that are no tables -> what people call them.
_FOREIGN = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"SQLite format 3": "SQLite",
    b"{\\rtf": "RTF",
    b"\x7fELF": "ELF",
    b"ARROW1": "Arrow",
    b"$FL2": "SPSS",
    b"Obj\x01": "Avro",
    b"ID;P": "SYLK",
    b"TABLE\r\n0,1\r\n": "DIF",
    b"TABLE\n0,1\n": "DIF",
}
_CONTROLS = bytes(i for i in range(32) if i not in (9, 10, 12, 13, 26, 27))
# Web pages saved as .csv or .xls, also in the envelope of a mail: Excel opens them, and a parser of
# text would read nonsense.
_MARKUP = re.compile(
    r"\ufeff?\s*(?:<!--.*?-->\s*)*<(?:!doctype|html|head|body|meta|style|table|div|\?xml)\b"
    r"|\s*mime-version:.*?<(?:html|table)\b",
    re.IGNORECASE | re.DOTALL,
)
# Statements that fill a database: a parser of text would find columns in their parentheses.
_SQL = re.compile(
    r"\s*(?:(?:--[^\n]*|/\*.*?\*/;?|(?:set|begin|use|pragma|drop|start|lock)\b[^;\n]*;)\s*)*"
    r"(?:insert\s+(?:ignore\s+)?into|create\s+(?:table|database)|copy\s+\S+\s*\(.*?\)\s*from\s)",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = 10_000  # bytes or characters by which a format is told


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
    if content.startswith((_ZIP, _OLE)):
        return _read_workbook(path, content, options, requested, max_bytes)
    kinds = [kind for start, kind in _FOREIGN.items() if content.startswith(start)]
    if kinds or content[257:262] == b"ustar":
        raise CasesError("cases.other_kind", file=path.name, kind=[*kinds, "tar"][0])
    # Excel opens text under a workbook's name, too.
    is_text = b"\n" in content and (content.startswith(_WIDE) or not _is_binary(content))
    if suffix in (".xlsx", ".xlsm", ".xlsb", ".ods") and not is_text:
        raise CasesError("cases.no_workbook", file=str(path))
    if options.sheet is not None:
        raise CasesError("cases.no_sheets", file=path.name, sheet=options.sheet)
    if content.startswith(_PARQUET) or (suffix == ".parquet" and not is_text):
        return read_parquet(path, max_bytes)
    _refuse_program_text(path, content[:_HEAD].decode("latin-1"))
    # Text has no signature, so it is what remains after all other formats.
    try:
        decoded = decode_bytes(content, path, options.encoding)
    except CasesError as e:
        if e.code in ("cases.encoding_unclear", "cases.no_encoding") and _is_binary(content):
            raise CasesError("cases.is_binary", file=path.name) from e
        raise
    if not decoded.text.strip():
        raise CasesError("cases.blank_file", file=str(path))
    _refuse_program_text(path, decoded.text[:_HEAD])
    # NUL bytes are valid UTF-8: binary files may decode.
    separators = (options.delimiter or "") + SEPARATORS
    start = decoded.text[:_HEAD].translate(dict.fromkeys(map(ord, separators)))
    if _is_binary(start.encode(), 10):
        raise CasesError("cases.is_binary", file=path.name)
    if suffix in (".json", ".jsonl", ".ndjson") or is_json(decoded.text):
        return read_json(decoded, path, requested)
    return read_delimited(decoded, path, options, requested)


def _refuse_program_text(path: Path, start: str) -> None:
    """Raise CasesError for the start of a text that programs read: a web page, or SQL."""
    if _MARKUP.match(start):
        raise CasesError("cases.is_markup", file=path.name)
    if _SQL.match(start):
        raise CasesError("cases.other_kind", file=path.name, kind="SQL")


def _is_binary(content: bytes, times: int = 50) -> bool:
    """Return whether more than one byte in `times` is a control character."""
    sample = content[:_HEAD]
    return (len(sample) - len(sample.translate(None, _CONTROLS))) * times > len(sample)


def _read_workbook(
    path: Path, content: bytes, options: ReadingOptions, requested: ColumnNames, max_bytes: int
) -> Table:
    """Return the table of a workbook in a ZIP file. Raises CasesError for an old format."""
    from core.cases.xlsx import read_xlsx  # imported here: it loads openpyxl, 0.2 s

    if content.startswith(_ZIP):
        return read_xlsx(path, content, options, requested, max_bytes)
    # A workbook with a password has its parts in "EncryptedPackage", an old one in "Workbook".
    if path.suffix.lower() == ".xls" or any(name in content for name in _OLD_PARTS):
        raise CasesError("cases.old_workbook", file=path.name, ending=".xls")
    raise CasesError("cases.no_workbook", file=str(path))
