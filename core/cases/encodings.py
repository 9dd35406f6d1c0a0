"""Bytes -> text: by marks and validity first, then by the reading with the shortest description.

UTF-8, UTF-16 and ISO-2022-JP identify themselves. Bytes of an 8-bit or Shift-JIS family decode in
several ways, so each reading is priced in bits by the characters of Japanese, English, German,
French and Spanish texts, and the cheapest one wins. Readings of nearly the same cost, and a
cheapest one that resembles no such text, are refused with both shown. Knows no columns.
"""

import codecs
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from charset_normalizer import from_bytes

from core.cases.table import Notice
from core.errors import CasesError

# Encoding -> bits that a reading in it costs before its first character: rare files cost more.
PRIORS = {
    "cp932": 0.0,
    "cp1252": 0.0,
    "euc_jp": 2.0,
    "iso8859_15": 10.0,
    "mac_roman": 10.0,
    "cp850": 9.0,
    "cp1250": 12.0,
    "cp1251": 16.0,
    "cp1253": 16.0,
    "cp1254": 12.0,
    "cp1255": 16.0,
    "cp1256": 16.0,
    "cp874": 16.0,
    "iso8859_2": 12.0,
    "koi8_r": 18.0,
}
RIVALS = ("euc_kr", "gb18030", "big5")  # of other languages; read as Japanese they show no kana
MARGIN = 9.5  # bits between two readings; 2 ** 9.5 is odds of 700 to 1
IMPLAUSIBLE = 12.0  # bits per character beyond ASCII; text of our languages costs 5 to 10
SAMPLE = 200_000  # bytes of lines with such characters that are priced
EXCERPT = 60
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\(J|\(I|\$\(D)")
_WEST = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽž]")
_ACCENTS = frozenset("àâäáçéèêëíîïñóôöúùûüßæœ")
_NEIGHBOURS = frozenset("ãåìòõøšžąćęłńśźżčďěňřťůőűğışİŁŚŻŠČŘŽ")  # of languages near ours
_QUOTES = frozenset("“”„«»‘‚’")
# Blocks of other scripts: Greek, Cyrillic, Hebrew, Arabic, Thai.
_SCRIPTS = (
    ("\u0370", "\u03ff"),
    ("\u0400", "\u045f"),
    ("\u0590", "\u05ff"),
    ("\u0600", "\u06ff"),
    ("\u0e00", "\u0e7f"),
)
_SIGNS = frozenset("…–—•€£°§©®™½¼¾²³µ±ºª×·\xa0")
_KANJI = frozenset(  # the kanji that most business and maintenance texts are made of
    "株式公司製造営業販売郵便宅配便銀行座口券証録音声動静止禁煙火災害虫駆鳥獣魚肉菜果米麦粉糖塩茶酒"
    "一二三四五六七八九十百千万円年月日時分秒上下左右前後内外中間大小高低長短新旧古多少全部品"
    "番号機械設備工場作業員者人名社会務課係所店電気力動起停止運転開始終了完未済発生異常音振温"
    "度圧油水漏交換修理点検清掃給脂調整確認取付破損折曲割欠亀裂摩耗腐食錆緩締固着詰閉塞不良故"
    "障原因対策処置状態結果報告連絡依頼指示図書類件容説明考受登録管担当責任氏住話題問合回答返"
    "金額費用価格税込支払請求注文出荷入在庫数量単位計算平均最初期定変更追加削除表画面操方法手"
    "順必要可能無有正誤保存索選択項目情資料通知予実施績標進捗評質安衛環境車両窓室扉鍵灯球配弁"
    "軸歯輪板棒線端子盤箱蓋口穴側底先根元本体系統装器具材鉄鋼銅樹布紙木石土砂銀色赤青黄白黒緑"
    "強弱速遅早近遠深浅広狭重軽熱冷凍乾湿光暗規切替接続断過負警解再現頻程毎々午朝昼夜東京阪市"
    "区町村県道国山川田林森野島崎藤井橋佐伊吉松竹梅学校教育試験律条約契至急優緊休延滞納限次昇"
    "降旋縮膨張伸収集積載台座席背腕脚爪刃柄握押引抜差挿脱私彼何今来行見言思飲立使持待歩走送為"
    "事物様同別他自己以等第達化的性心足耳"
)


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
    if _ESCAPE.search(raw):
        for encoding in ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_2004"):
            try:
                return Decoded(raw.decode(encoding), encoding, "marked")
            except UnicodeDecodeError:
                continue
    try:
        return Decoded(raw.decode("utf-8"), "utf-8", "marked")
    except UnicodeDecodeError as e:
        _refuse_damaged(raw, path, e)
        return None


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


def _decode_weighed(raw: bytes, path: Path) -> Decoded:
    """Return the reading with the shortest description.

    Raises CasesError if another one is nearly as short, or if none is plausible.
    """
    sample = _foreign_lines(raw)
    readings = {}
    for encoding in PRIORS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        readings[encoding] = (text, PRIORS[encoding] + _bits(sample.decode(encoding)))
    if not readings:
        raise CasesError("cases.no_encoding", file=str(path), **_place(raw, _first_foreign(raw)))
    best, *others = sorted(readings, key=lambda name: readings[name][1])
    text, bits = readings[best]
    foreign = [c for c in sample.decode(best) if c > "\x7f"]
    rival = _rival(sample, foreign) if best in ("cp932", "euc_jp") else None
    close = [e for e in others if readings[e][1] < bits + MARGIN and readings[e][0] != text]
    if not rival and not close and _foreign_bits(sample.decode(best)) <= IMPLAUSIBLE * len(foreign):
        return Decoded(text, best, "weighed")
    texts = {name: readings[name][0] for name in (close if close else others)[:1]}
    if rival:
        texts = {rival: raw.decode(rival, errors="replace")}
    excerpts = _excerpts({best: text} | texts)
    raise CasesError(
        "cases.encoding_unclear",
        file=str(path),
        readings=excerpts,
        **_place(raw, _first_foreign(raw)),
    )


def _foreign_lines(raw: bytes) -> bytes:
    """Return the lines with bytes beyond ASCII, up to SAMPLE bytes: the others tell nothing."""
    lines, size = [], 0
    for line in raw.splitlines():
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > SAMPLE:
                break
    return b"\n".join(lines)


def _rival(sample: bytes, foreign: list[str]) -> str | None:
    """Return a Chinese or Korean encoding that also fits; None if the text is clearly Japanese."""
    # Kana occur in Japanese only; failing them, frequent kanji of the trade decide.
    kanji = [c for c in foreign if "\u4e00" <= c <= "\u9fff"]
    kana = any("\u3040" <= c <= "\u30ff" or "\uff66" <= c <= "\uff9f" for c in foreign)
    if kana or len(kanji) < 4 or sum(c in _KANJI for c in kanji) * 4 >= len(kanji) * 3:
        return None
    matches = from_bytes(sample, cp_isolation=list(RIVALS), threshold=0.3)
    best = matches.best()
    return best.encoding if best is not None and best.encoding in RIVALS else None


def _bits(text: str) -> float:
    """Return the bits that describe `text`: ASCII per character, others by kind and neighbours."""
    letters = sum(4.5 for c in text if c < "\x80")
    return letters + _foreign_bits(text)


def _foreign_bits(text: str) -> float:
    """Return the bits of the characters beyond ASCII, with the changes of script around them."""
    padded = f"\n{text}\n"
    bits = sum(
        _bits_of(b, a, c)
        for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)
        if b > "\x7f"
    )
    changes = sum(
        (_is_east(a) and b.islower() and b < "\x80") or (_is_east(b) and a.islower() and a < "\x80")
        for a, b in pairwise(padded)
    )
    return bits + 6.0 * changes


def _bits_of(c: str, before: str, after: str) -> float:
    """Return the bits of one character beyond ASCII between two others."""
    # Narrow blocks before wide ones: the first that holds the character prices it.
    if "\u3041" <= c <= "\u3096" or "\u30a1" <= c <= "\u30fe":
        return 5.0 if c <= "\u30a0" else 6.0
    if "\uff61" <= c <= "\uff9f":
        return _bits_of_half_width(c, before, after)
    if "\u4e00" <= c <= "\u9fff" or c == "々":
        return 8.0 if c in _KANJI else 11.5 if _in_first_level(c) else 16.0
    if c in "、。「」・～（）％：／〜－！？　①②③④⑤【】〇":
        return 7.0
    if "\uff01" <= c <= "\uff5e":
        return 8.0
    if "\ue000" <= c <= "\uf8ff" or c < "\xa0":  # private use and C1 controls: in no real text
        return 40.0
    if any(first <= c <= last for first, last in _SCRIPTS):
        return _bits_of_script(c, before, after)
    if c > "\u2fff" or "\u2460" <= c <= "\u27bf":
        return 13.0
    return _bits_in_the_west(c, before, after)


def _bits_in_the_west(c: str, before: str, after: str) -> float:
    """Return the bits of a character of Western texts: an accent in a word, a quote, a sign."""
    within = bool(_WEST.match(before)) and bool(_WEST.match(after))
    adjacent = bool(_WEST.match(before)) or bool(_WEST.match(after))
    if c == "’" and within:
        return 3.0
    if c == "ß":
        return 6.0 if before in "aeiouäöü" else 15.0
    if before in _ACCENTS and c in _ACCENTS:
        return 11.0  # words of our languages hardly have two accents in a row
    if c in _ACCENTS:
        return 6.0 if adjacent else 8.0 if c in "àéèêôù" else 13.0
    if (c in "°½¼¾²³" and before.isdigit()) or (c in "£€±" and after.isdigit()):
        return 5.0
    if c == "±":
        return 14.0
    if c in _NEIGHBOURS:
        return 9.0 if adjacent else 13.0
    if c in "¡¿":
        return 7.0 if before.isspace() or before in ',;"\t' else 15.0
    if c.lower() in _ACCENTS:
        return 16.0 if before.islower() else 6.5 if after.isupper() else 8.0 if adjacent else 12.0
    if c in _QUOTES:
        return 14.0 if within else 5.0 if adjacent else 11.0
    if c in _SIGNS:
        return 17.0 if within else 8.0
    return 20.0 if adjacent else 15.0


def _bits_of_script(c: str, before: str, after: str) -> float:
    """Return the bits of a letter of another script: costly next to Latin and in mixed case."""
    if _WEST.match(before) or _WEST.match(after):
        return 20.0
    if c.isupper():
        return 14.0 if before.islower() else 8.0
    return 5.5


def _bits_of_half_width(c: str, before: str, after: str) -> float:
    """Return the bits of a half-width katakana: costly when alone."""
    # Signs and capital accents of cp1252 read as single half-width katakana in cp932; in Japanese,
    # they come in words, and a voiced mark or a small kana follows a sound that can take it.
    alone = not ("\uff61" <= before <= "\uff9f" or "\uff61" <= after <= "\uff9f")
    if alone:
        return 18.0
    if c in "ﾞﾟ":
        return 4.0 if "ｶ" <= before <= "ﾄ" or "ﾊ" <= before <= "ﾎ" or before == "ｳ" else 15.0
    if c in "｡｢｣､･":
        return 11.0
    if c in "ｧｨｩｪｫｬｭｮｯｰ":
        return 6.0 if "ｦ" <= before <= "ﾟ" else 14.0
    return 6.5


def _in_first_level(c: str) -> bool:
    """Return whether a kanji is one of the 2,965 of JIS level 1, which fill rows 16 to 47."""
    try:
        code = c.encode("euc_jp")
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and code[0] < 0xD0


def _is_east(c: str) -> bool:
    return "\u3001" <= c <= "\u9fff" or "\uff01" <= c <= "\uff9f" or "\ue000" <= c <= "\uf8ff"


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
