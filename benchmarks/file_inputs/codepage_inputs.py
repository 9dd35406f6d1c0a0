"""More inputs in encodings: short files, where one letter decides, and codecs that few know."""

import codecs

from benchmarks.file_inputs.making import Input, expect, refused, text_file

_UNCLEAR = ("encoding_unclear",)


def _file(name: str, encoding: str, *texts: str, mark: bytes = b"", **more) -> Input:
    lines = [f'{i},"{text}",A' for i, text in enumerate(texts, 1)]
    content = mark + text_file("id,text,label", *lines, encoding=encoding, end="\r\n")
    return Input(f"{name}.csv", content, expect("text", *texts), **more)


def _unclear(name: str, encoding: str, *texts: str) -> Input:
    """A file that has no safe reading: the readings are shown, and --encoding decides."""
    entry = _file(name, encoding, *texts)
    return refused(entry.name, entry.content, *_UNCLEAR)


_KANA = ("ﾓｰﾀｰ焼損", "ﾘﾐｯﾄｽｲｯﾁ")
_ESPERANTO = ("ĉiu kablo estas ŝanĝita", "pumpilo bruas ĉe ŝarĝo")

CODEPAGES = [
    _file("german-latin1", "iso8859_1", "Lüfter klappert bei Kälte", "Ölwanne undicht"),
    _file("german-sharp-s", "mac_roman", "Maß 5 µm zu groß", refusals=_UNCLEAR),
    _file("german-dos", "cp437", "Maß 5 µm zu groß", "Kühler leckt", refusals=_UNCLEAR),
    _file("german-signs", "cp1252", "Temperatur 85 °C – „Not-Aus“ gedrückt"),
    _file("french-shout", "cp1252", "fenêtre cassée, « ouvrir » là-bas", "où est la pièce ?"),
    _file("french-latin9", "iso8859_15", "cœur du système en panne", refusals=_UNCLEAR),
    _file("spanish-marks", "cp1252", "¿por qué no arranca?", "¡urgente! revisar"),
    _file("spanish-mac", "mac_roman", "motor quemó fusible", "¡urgente!", refusals=_UNCLEAR),
    _file(
        "polish-latin2", "iso8859_2", "łożysko zużyte", "śruba pęknięta", "drzwi się nie zamykają"
    ),
    _file("polish-dos", "cp852", "łożysko zużyte", "wymieniono uszczelkę", "ząb koła zębatego"),
    _file("russian-koi8", "koi8_r", "не работает насос", "подшипник шумит"),
    _file("russian-latin5", "iso8859_5", "не работает насос", "утечка масла"),
    _file(
        "russian-yo",
        "cp1251",
        "ёмкость протекает",
        "сгорел двигатель",
        "ошибка датчика",
        refusals=_UNCLEAR,
    ),
    _file("russian-mac", "mac_cyrillic", "ёмкость протекает", "щётки изношены", refusals=_UNCLEAR),
    _file("ukrainian-koi8", "koi8_u", "не працює насос", "підшипник шумить"),
    _file("kana-sjis", "cp932", *_KANA),
    _file("kana-euc", "euc_jp", *_KANA),
    _file("kana-mail", "iso2022_jp_ext", *_KANA),
    _file("kana-wide", "utf-16-le", *_KANA),
    _file("two-words-sjis", "cp932", "断線", "停電"),
    _file("two-words-euc", "euc_jp", "断線", "停電"),
    _file("circled-sjis", "cp932", "①ポンプ異音", "㈱山田、№3ライン停止"),
    _file("mark-wide", "utf-16-be", "窓ガラス割れ", "異臭がする", mark=codecs.BOM_UTF16_BE),
    _file("chinese-18030", "gb18030", "水泵漏水", "轴承损坏已更换", "订单没有收到"),
    _file("chinese-mail", "hz", "水泵漏水", "轴承损坏已更换"),
    _file("korean-mail", "iso2022_kr", "펌프 누수", "베어링 손상 교체"),
    _unclear("esperanto-word", "iso8859_3", *_ESPERANTO[:1]),
    _unclear("esperanto", "iso8859_3", *_ESPERANTO),
    _file("esperanto-asked", "iso8859_3", *_ESPERANTO, options={"encoding": "iso8859_3"}),
    _unclear("maltese-word", "iso8859_3", "iż-żejt qed inixxi"),
    _unclear("latvian-word", "cp1257", "sūknis"),
    _unclear("latvian-iso", "iso8859_13", "ķēde"),
    _unclear("lithuanian-word", "cp1257", "įranga"),
    _unclear("sami", "iso8859_10", "čázi golgá", "uksa ii giddanan"),
    _unclear("german-dos-line", "cp850", "Lüfter defekt"),
    _unclear("welsh", "iso8859_14", "dŵr yn gollwng o'r tŷ", "mae'r pŵp wedi torri"),
    _unclear("greek-dos", "cp737", "διαρροή λαδιού", "σπασμένος άξονας"),
    refused("shifted-kana.csv", b"id,text\n1,\x0eN]L_\x0f stop\n", "no_encoding", "is_binary"),
    refused("chinese-iso.csv", b"id,text\n1,\x1b$)A\x0e5g;z\x0f\n", "no_encoding", "is_binary"),
    refused(
        "ebcdic.csv",
        text_file("id,text", "1,hot", encoding="cp037"),
        "no_encoding",
        "is_binary",
        "encoding_unclear",
        "no_text_column",
    ),
]
