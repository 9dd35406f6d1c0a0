"""Bytes -> text: by marks and validity first, then by the reading with the shortest description.

UTF-8, UTF-16, ISO 2022 and HZ identify themselves. Bytes of an 8-bit, Shift-JIS, Chinese or Korean
family decode in several ways, so each reading is priced in bits (core.cases.reading_cost), and the
cheapest one wins. Readings of nearly the same cost, and a cheapest one that resembles no known
language, are refused with the readings shown. Knows no columns.
"""

import codecs
import math
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from core.cases.reading_cost import ReadingCost, reading_cost
from core.cases.table import Notice
from core.errors import CasesError

# Encoding -> bits that a reading in it costs before its first character: rare files cost more.
PRIORS = {
    "cp932": 0.0,
    "cp1252": 0.0,
    "euc_jp": 2.0,
    "euc_jis_2004": 6.0,  # EUC-JP with ① and ㈱, which Windows and mail programs write
    "cp850": 9.0,
    "iso8859_15": 10.0,
    "mac_roman": 10.0,
    "cp1250": 10.0,
    "iso8859_2": 10.0,
    "cp1254": 10.0,
    "cp1251": 10.0,
    "cp1253": 10.0,
    "cp1257": 12.0,
    "cp1255": 12.0,
    "cp1256": 12.0,
    "cp874": 12.0,
    "koi8_r": 12.0,
    "koi8_u": 13.0,
    "cp866": 13.0,
    "iso8859_5": 14.0,
    "iso8859_7": 12.0,
    "iso8859_9": 12.0,
    "cp852": 14.0,
    "cp857": 14.0,
    "iso8859_6": 14.0,
    "iso8859_13": 14.0,
    "iso8859_16": 14.0,
    "iso8859_3": 14.0,
    "cp1125": 14.0,
    "mac_cyrillic": 14.0,
    "mac_latin2": 14.0,
    "mac_romanian": 14.0,
    "mac_iceland": 14.0,
    "mac_turkish": 14.0,
    "hp_roman8": 14.0,
    "gb18030": 12.0,
    "cp950": 12.0,
    "cp949": 12.0,
}
# The language by which the wide characters of an encoding are priced; the others have none.
WIDE_LANGUAGES = {
    "cp932": "ja",
    "euc_jp": "ja",
    "euc_jis_2004": "ja",
    "gb18030": "zh",
    "cp950": "zh-Hant",
    "cp949": "ko",
}
# Bits between two readings: of odds of 4,096 to 1, and of 256 to 1 to a reading that resembles no
# language.
CLEAR_MARGIN, ODD_MARGIN = 12.0, 8.0
# Windows writes one of these by the country of the machine, which the file does not tell: between
# them the text itself decides, by so many bits, and not their priors alone.
_WINDOWS_LATIN, TEXT_MARGIN = ("cp1250", "cp1252", "cp1254", "cp1257"), 6.0
SAMPLE = 12_000  # bytes of cells with such characters that are priced
EXCERPT, NAMED_READINGS = 60, 3  # characters of a reading in an error, and readings
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Escapes of ISO 2022, in which all bytes are ASCII: before a character set, and around kana.
_ESCAPE = re.compile(rb"\x1b[$(&)*+.\-/N]")
_SHIFTED = re.compile(rb"\x0e[^\x0e\x0f\r\n]+\x0f")
_HZ = re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}")  # GB 2312 in mails of the 1990s
# ISO-2022-JP whose escapes a mail program or a database took away: $B%]%s%W(B
_BARE_2022 = re.compile(rb"\$[B@](?:[\x21-\x7e]{2}){2,}?\([BJ]")
_ISO_2022 = ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_2004")
_UTF_7 = re.compile(rb"\+[A-Za-z0-9+/]+-?")  # characters beyond ASCII in old mails: caf+AOk-
_KOREAN = b"\x1b$)C"  # begins every text in ISO-2022-KR; its codec accepts texts without it


@dataclass(frozen=True)
class Decoded:
    """A file's text without its byte order mark, the codec that read it, and the basis."""

    text: str
    encoding: str
    basis: str  # "given", "marked" or "weighed"
    notices: tuple[Notice, ...] = ()


def decode_bytes(raw: bytes, path: Path, encoding: str | None = None) -> Decoded:
    """Return the text of a file; `encoding` None decides by the bytes.

    Raises CasesError if no reading is plausible, if two are, or if `encoding` does not fit.
    """
    if encoding is not None:
        decoded = Decoded(_decode_as(raw, encoding, path), codecs.lookup(encoding).name, "given")
    else:
        decoded = _decode_marked(raw, path) or _decode_weighed(raw, path)
    text = decoded.text.lstrip("\ufeff").rstrip("\x1a\0")  # DOS programs end a file with these
    lost = text.count("\ufffd")
    notices: tuple[Notice, ...] = ()
    if lost:
        row = text.count("\n", 0, text.index("\ufffd")) + 1
        notices = (Notice("cases.lost_characters", {"n": lost, "row": row}),)
    return Decoded(text, decoded.encoding, decoded.basis, notices)


def _decode_as(raw: bytes, encoding: str, path: Path) -> str:
    # Python knows codecs that are no text encodings, such as "base64" and "zip".
    try:
        is_text = codecs.lookup(encoding)._is_text_encoding
    except LookupError:
        is_text = False
    if not is_text:
        raise CasesError("cases.encoding_unknown", encoding=encoding)
    try:
        return raw.decode(encoding)
    except UnicodeError as e:
        start = getattr(e, "start", 0)
        raise CasesError(
            "cases.encoding_misfit", file=str(path), encoding=encoding, **_place(raw, start)
        ) from e


def _decode_marked(raw: bytes, path: Path) -> Decoded | None:
    """Return the text of bytes that show their encoding; None if nothing shows it.

    Signs are a byte order mark, alternating NUL bytes, escapes, and valid UTF-8.
    """
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return Decoded(_decode_as(raw, encoding, path), encoding, "marked")
    if b"\0" in raw and (utf16 := _utf16_without_mark(raw)) is not None:
        return utf16
    if raw.isascii() and (escaped := _decode_escaped(raw, path)) is not None:
        return escaped
    if raw.isascii() and (utf7 := _decode_utf7(raw, path)) is not None:
        return utf7
    try:
        return Decoded(raw.decode("utf-8"), "utf-8", "marked")
    except UnicodeDecodeError as e:
        _refuse_damaged(raw, path, e)
        return None


def _decode_escaped(raw: bytes, path: Path) -> Decoded | None:
    """Return the text of ASCII bytes whose escapes name a character set; None without escapes.

    Raises CasesError if no codec knows the escapes: as ASCII, the text would be nonsense.
    """
    is_iso_2022 = bool(_ESCAPE.search(raw) or _SHIFTED.search(raw))
    codecs_to_try: tuple[str, ...] = ("hz",) if _HZ.search(raw) else ()
    if is_iso_2022:
        codecs_to_try = ("iso2022_kr",) if _KOREAN in raw else _ISO_2022
    for encoding in codecs_to_try:
        with suppress(UnicodeDecodeError):
            text = raw.decode(encoding)
            if not {"\x0e", "\x0f", "\x1b"} & set(text):
                return Decoded(text, encoding, "marked")
    if is_iso_2022:
        offset = next(i for i, byte in enumerate(raw) if byte in (0x0E, 0x1B))
        raise CasesError("cases.no_encoding", file=str(path), **_place(raw, offset))
    if (bare := _BARE_2022.search(raw)) and _was_japanese(bare[0]):
        facts = {"row": _place(raw, bare.start())["row"], "value": bare[0][:EXCERPT].decode()}
        raise CasesError("cases.lost_escapes", file=str(path), **facts)
    return None


def _was_japanese(bare: bytes) -> bool:
    """Return whether a run of ASCII is Japanese in ISO-2022-JP without its escape characters."""
    with suppress(UnicodeDecodeError):
        text = (b"\x1b" + bare[:-2] + b"\x1b" + bare[-2:]).decode("iso2022_jp")
        return reading_cost(text, "ja").is_plausible and not text.isascii()
    return False


def _decode_utf7(raw: bytes, path: Path) -> Decoded | None:
    """Return the text of ASCII bytes that are UTF-7; None if they are plain ASCII.

    They are if every plus sign begins a valid sequence, and the words that come out are those of a
    language. Raises CasesError for a single sequence, which may be a part's number.
    """
    sequences = {match[0] for match in _UTF_7.finditer(raw)}
    # Digits alone are a number: +81, 1e+214.
    if not sequences or any(re.fullmatch(rb"\+\d+-?", sequence) for sequence in sequences):
        return None
    try:
        text = raw.decode("utf-7")
    except UnicodeDecodeError:
        return None
    foreign = "\n".join(cell for cell in re.split(r"[,;\t\r\n]+", text) if not cell.isascii())
    languages = ("", *WIDE_LANGUAGES.values())
    if not (foreign and all(c.isascii() or _is_of_ours(c) or _is_letter_mark(c) for c in foreign)):
        return None
    if not any(reading_cost(foreign[:SAMPLE], name).is_plausible for name in languages):
        return None
    decoded = Decoded(text, "utf-7", "weighed")
    if len(sequences) > 1:
        return decoded
    offset = raw.index(next(iter(sequences)))
    line = raw.split(b"\n")[raw.count(b"\n", 0, offset)].decode()
    raise CasesError(
        "cases.encoding_unclear",
        file=str(path),
        readings=[f"ascii: {line[:EXCERPT]}", *_excerpts({"utf-7": text})],
        **_place(raw, offset),
    )


def _utf16_without_mark(raw: bytes) -> Decoded | None:
    """Return the text if `raw` holds lines of UTF-16 without a mark, in either order; else None."""
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        plain = sum(c in "\r\n\t,;" or " " <= c <= "~" for c in text)
        # The wrong byte order decodes too, but without line ends and plain characters.
        if "\0" not in text and plain * 20 >= len(text) and "\n" in text.replace("\r", "\n"):
            return Decoded(text, encoding, "marked")
    return None


def _refuse_damaged(raw: bytes, path: Path, error: UnicodeDecodeError) -> None:
    """Raise CasesError for UTF-8 with a few bad places, as after a wrong cut or in joined files."""
    # An 8-bit reading would accept the same bytes and turn every accent into two characters.
    text = raw.decode("utf-8", errors="surrogateescape")
    bad = sum("\udc80" <= c <= "\udcff" for c in text)
    good = sum(map(_is_of_ours, text))
    joined = any(
        not line.isascii() and all(c < "\x80" or _is_of_ours(c) for c in line)
        for line in text.splitlines()
    )
    if raw.startswith(codecs.BOM_UTF8) or good >= 3 * bad or joined:
        raise CasesError(
            "cases.damaged_utf8", file=str(path), **_place(raw, error.start)
        ) from error


def _is_of_ours(c: str) -> bool:
    """Return whether texts in our languages use the character: accents, quotes, kana, kanji."""
    return (
        "\xa0" <= c <= "\u017f"
        or "\u2010" <= c <= "\u20ac"
        or "\u3000" <= c <= "\u9fff"
        or c > "\uff00"
    )


def _is_letter_mark(c: str) -> bool:
    """Return whether a character is a letter of any alphabet, or a mark on one."""
    return unicodedata.category(c)[0] in "LM"


def _decode_weighed(raw: bytes, path: Path) -> Decoded:
    """Return the reading with the shortest description.

    Raises CasesError if another one is nearly as short, or if none is plausible.
    """
    costs = _reading_costs(_foreign_cells(raw))
    readings: dict[str, str] = {}  # different texts, the cheapest first
    for encoding in sorted(costs, key=lambda name: costs[name].bits):
        limit = costs[next(iter(readings))].bits + CLEAR_MARGIN if readings else math.inf
        if len(readings) > 1 and costs[encoding].bits >= limit:
            break
        with suppress(UnicodeDecodeError):
            text = raw.decode(encoding)
            if text not in readings.values():
                readings[encoding] = text
    if not readings:
        raise CasesError("cases.no_encoding", file=str(path), **_place(raw, _first_foreign(raw)))
    best, *others = readings
    close = [
        name
        for name in others
        if costs[name].bits - costs[best].bits
        < (CLEAR_MARGIN if costs[name].is_plausible else ODD_MARGIN)
    ]
    for name in _as_likely_of_windows(costs, best):
        readings.setdefault(name, raw.decode(name))
        if name not in close and readings[name] != readings[best]:
            close.append(name)
    if not close and costs[best].is_plausible:
        return Decoded(readings[best], best, "weighed")
    excerpts = _excerpts(
        {name: readings[name] for name in [best, *(close or others)][:NAMED_READINGS]}
    )
    raise CasesError(
        "cases.encoding_unclear",
        file=str(path),
        readings=excerpts,
        **_place(raw, _first_foreign(raw)),
    )


def _as_likely_of_windows(costs: dict[str, ReadingCost], best: str) -> list[str]:
    """Return Windows' other Latin encodings whose text, priors apart, is nearly as likely."""
    if best not in _WINDOWS_LATIN:
        return []
    bits = {name: costs[name].bits - PRIORS[name] for name in _WINDOWS_LATIN if name in costs}
    return [
        name
        for name in bits
        if name != best and costs[name].is_plausible and bits[name] - bits[best] < TEXT_MARGIN
    ]


def _reading_costs(sample: bytes) -> dict[str, ReadingCost]:
    """Return the cost of a sample in each encoding that can decode it, priors included."""
    costs = {}
    for encoding, prior in PRIORS.items():
        with suppress(UnicodeDecodeError):
            cost = reading_cost(sample.decode(encoding), WIDE_LANGUAGES.get(encoding, ""))
            costs[encoding] = replace(cost, plain=cost.plain + prior)
    return costs


def _foreign_cells(raw: bytes) -> bytes:
    """Return a line for each different cell beyond ASCII, up to SAMPLE bytes.

    Repeated cells and codes tell nothing more. No encoding uses a delimiter's byte for a part of a
    character, except the pipe's.
    """
    cells: dict[bytes, None] = {}
    size = 0
    for cell in re.split(rb"[,;\t\r\n]+", raw):
        if not cell.isascii() and cell not in cells:
            cells[cell] = None
            size += len(cell)
            if size > SAMPLE:
                break
    return b"\n".join(cells)


def _excerpts(texts: dict[str, str]) -> list[str]:
    """Return each reading of the first line beyond ASCII, as `encoding: text`."""
    lines = {}
    for encoding, text in texts.items():
        line = next((line for line in text.splitlines() if not line.isascii()), "")
        start = max(0, next((i for i, c in enumerate(line) if c > "\x7f"), 0) - EXCERPT // 3)
        lines[encoding] = "".join(
            c if c.isprintable() else "\ufffd" for c in line[start : start + EXCERPT]
        )
    return [f"{encoding}: {line}" for encoding, line in lines.items()]


def _first_foreign(raw: bytes) -> int:
    return next(i for i, byte in enumerate(raw) if byte > 0x7F)


def _place(raw: bytes, offset: int) -> dict:
    """Return the values that a sentence names a byte by: its offset, line and value."""
    byte = f"{raw[offset]:#04x}" if offset < len(raw) else "-"
    return {"offset": offset, "row": raw.count(b"\n", 0, offset) + 1, "byte": byte}


def is_double_encoded(text: str) -> bool:
    """Return whether a text is UTF-8 that was read in another encoding: "cafÃ©", "縺ゅ→".

    Written in that encoding again, it is valid UTF-8 of fewer characters. Text that means what it
    says hardly ever is.
    """
    if text.isascii():
        return False
    with suppress(UnicodeError):
        return bool(text.encode("cp1252").decode("utf-8"))
    with suppress(UnicodeError):
        # Half-width katakana in pairs are valid UTF-8 of Latin letters by chance.
        return max(text.encode("cp932").decode("utf-8")) >= "\u3000"
    return False
