"""Inputs in encodings: of texts that Windows, DOS, Macintosh and mail programs wrote."""

import codecs

from benchmarks.file_inputs.making import Input, expect, refused, text_file

_WEST = [
    "id,text,label",
    "1,Sensor’s cable isn’t fixed,CABLE",
    "2,lamp flickers,LAMP",
    "3,driver’s belt worn,BELT",
]
_FRENCH = ["id,text,label", "1,moteur arrêté après l’alarme,MOTEUR", "2,câble détaché,CABLE"]
_GERMAN = [
    "id,text,label",
    "1,Getriebe läuft heiß,GETRIEBE",
    "2,Ölverlust am Zylinder,ZYLINDER",
    "3,Tür schließt nicht,TUER",
]
_SPANISH = ["id,text,label", "1,correa dañada en el eje,CORREA", "2,presión baja,BOMBA"]
_JAPANESE = [
    "番号,内容,分類",
    "1,コンベヤのベルトが切れた,ベルト",
    "2,給水ポンプ異音,ポンプ",
    "3,ランプ交換,照明",
]
_SHORT = ["id,text,label", "1,ベアリング交換,A", "2,配線焼損,B"]
_HALF = ["id,text,label", "1,ﾎﾟﾝﾌﾟ停止,A", "2,ﾊﾞﾙﾌﾞ漏れ,B"]


_BY_LANGUAGE = {
    "czech": ["1,Hřídel se zadřela při náběhu,A", "2,Těsnění čerpadla prosakuje,B"],
    "polish": ["1,Zawór się zacina i przecieka,A", "2,Wyłącznik krańcowy uszkodzony,B"],
    "hungarian": ["1,Az ékszíj elszakadt és kicseréltük,A", "2,A szűrő eltömődött,B"],
    "russian": ["1,Обрыв кабеля питания,A", "2,Течь сальника насоса,B"],
    "greek": ["1,Έσπασε ο ιμάντας κίνησης,A", "2,Βραχυκύκλωμα στον πίνακα,B"],
    "turkish": ["1,Kayış koptu ve değiştirildi,A", "2,Şalter ısınıyor,B"],
    "romanian": ["1,Ușa nu se închide și face zgomot,A", "2,Siguranță arsă în tablou,B"],
    "cedilla": ["1,Uşa nu se închide şi face zgomot,A", "2,Siguranţă arsă în tablou,B"],
    "chinese": ["1,电机轴承异响,A", "2,液压管接头漏油需要更换,B"],
    "taiwan": ["1,馬達軸承異響,A", "2,液壓管接頭漏油需要更換,B"],
    "korean": ["1,모터에서 이상한 소리가 남,A", "2,유압 호스 누유로 교체함,B"],
}


def _texts(lines: list[str]) -> list:
    return expect("text", *(line.split(",")[1] for line in lines[1:]))


def _encoded(name: str, lines: list[str], encoding: str, **more) -> Input:
    return Input(name, text_file(*lines, encoding=encoding, end="\r\n"), _texts(lines), **more)


ENCODINGS = [
    _encoded("cp1252-apostrophe.csv", _WEST, "cp1252"),
    _encoded("cp1252-french.csv", _FRENCH, "cp1252"),
    _encoded("cp1252-german.csv", _GERMAN, "cp1252"),
    _encoded("cp1252-spanish.csv", _SPANISH, "cp1252"),
    _encoded("cp932.csv", _JAPANESE, "cp932"),
    _encoded("cp932-short.csv", _SHORT, "cp932"),
    _encoded("cp932-half-width.csv", _HALF, "cp932"),
    _encoded("eucjp.csv", _JAPANESE, "euc_jp"),
    _encoded("eucjp-short.csv", _SHORT, "euc_jp"),
    _encoded("iso2022jp.csv", _JAPANESE, "iso2022_jp"),
    _encoded("utf16-mark.csv", _JAPANESE, "utf-16"),
    _encoded("utf16-le.csv", _JAPANESE, "utf-16-le"),
    _encoded("utf16-be.csv", _WEST, "utf-16-be"),
    _encoded("utf8-mark.csv", _JAPANESE, "utf-8-sig"),
    Input("two-marks.csv", codecs.BOM_UTF8 * 2 + text_file(*_JAPANESE), _texts(_JAPANESE)),
    _encoded("utf32.csv", _WEST, "utf-32"),
    _encoded("mac.csv", _FRENCH, "mac_roman", refusals=("encoding_unclear",)),
    _encoded(
        "latin9.csv",
        ["id,text,label", "1,coût de 20 € dépassé,X", "2,pièce cassée,Y"],
        "iso8859_15",
        refusals=("encoding_unclear",),
    ),
    _encoded("asked-cp932.csv", _HALF, "cp932", options={"encoding": "cp932"}),
    _encoded(
        "wrong-asked.csv",
        _JAPANESE,
        "cp932",
        options={"encoding": "utf-8"},
        refusals=("encoding_misfit",),
        works=False,
    ),
    refused(
        "unknown-asked.csv", text_file(*_WEST), "encoding_unknown", options={"encoding": "klingon"}
    ),
    refused(
        "joined.csv",
        text_file(*_GERMAN[:2]) + text_file(*_GERMAN[2:], encoding="cp1252"),
        "damaged_utf8",
    ),
    refused("cut-character.csv", text_file(*_JAPANESE)[:-5] + b"\n", "damaged_utf8"),
    *(
        _encoded(name, ["id,text,label", *_BY_LANGUAGE[name.split("-")[0]]], encoding)
        for name, encoding in (
            ("czech-windows.csv", "cp1250"),
            ("czech-iso.csv", "iso8859_2"),
            ("polish-windows.csv", "cp1250"),
            ("polish-iso.csv", "iso8859_2"),
            ("hungarian-windows.csv", "cp1250"),
            ("russian-windows.csv", "cp1251"),
            ("russian-koi.csv", "koi8_r"),
            ("russian-dos.csv", "cp866"),
            ("greek-windows.csv", "cp1253"),
            ("greek-iso.csv", "iso8859_7"),
            ("turkish-windows.csv", "cp1254"),
            ("chinese-gbk.csv", "gbk"),
            ("chinese-gb.csv", "gb18030"),
            ("taiwan-big5.csv", "big5"),
            ("korean-windows.csv", "cp949"),
        )
    ),
    # Romanian's two spellings are the same bytes, unless a sign of Windows is among them.
    *(
        _encoded(
            f"{name}-alike.csv",
            ["id,text,label", *_BY_LANGUAGE[name]],
            encoding,
            refusals=("encoding_unclear",),
            works=False,
        )
        for name, encoding in (("romanian", "iso8859_16"), ("cedilla", "cp1250"))
    ),
    _encoded(
        "cedilla-quotes.csv",
        ["id,text,label", "1,Uşa „A2” nu se închide – siguranţă arsă,A"],
        "cp1250",
    ),
    _encoded(
        "maltese-latin3.csv",
        ["id,text,label", "1,Il-pompa għandha ħsara,A", "2,Żejt ħiereġ miċ-ċilindru,B"],
        "iso8859_3",
        refusals=("encoding_unclear",),
        works=False,
    ),
    _encoded(
        "icelandic-mac.csv",
        ["id,text,label", "1,legan í dælunni er slitin,A"],
        "mac_iceland",
        refusals=("encoding_unclear",),
        works=False,
    ),
    *(
        _encoded(
            f"{name}-word.csv",
            ["id,text,label", f"1,{word},A"],
            encoding,
            refusals=("encoding_unclear",),
            works=False,
        )
        for name, word, encoding in (
            ("czech", "spínač", "cp1250"),
            ("polish", "wąż", "cp1250"),
            ("hungarian", "szűrő", "iso8859_2"),
            ("croatian", "ključ", "cp1250"),
            ("russian", "насос", "koi8_r"),
            ("turkish", "ışık", "cp1254"),
            ("german-dos", "Kühlöl", "cp850"),
            ("chinese", "轴承", "gbk"),
        )
    ),
    Input(
        "lost.csv",
        text_file("id,text", "1,caf\ufffd door", "2,lamp"),
        expect("text", "caf\ufffd door", "lamp"),
        told=("lost_characters",),
    ),
]
