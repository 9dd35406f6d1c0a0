"""Files as ticket tools, surveys, databases and templates write them: rows that are no cases, units
outside the cells, chats, and cells that mean nothing.
"""

import json
from datetime import date

from benchmarks.file_inputs.making import (
    TWO_LABELLED,
    TWO_TEXTS,
    Input,
    column_file,
    expect,
    json_lines,
    refused,
    text_file,
    workbook,
)

_ROWS = ("1,bearing hot,B", "2,relay dead,R")
_CHAT = [{"role": "user", "content": "bearing hot"}, {"role": "assistant", "content": "grease it"}]
_EMPTY = ("cells_left_empty",)
_UNCLEAR = ("encoding_unclear",)


def _second_header(name: str, *lines: str) -> Input:
    """Return a file in which rows below the header describe the columns."""
    return Input(f"{name}.csv", text_file(*lines), TWO_TEXTS, told=("second_headers",))


def _kept(name: str, told: str, *lines: str) -> Input:
    """Return a file without ids whose texts are read as written, with a notice of doubtful ones."""
    texts = [line.split(",")[0] for line in lines[1:]]
    return Input(f"{name}.csv", text_file(*lines), expect("text", *texts), told=(told,))


def _doubtful(name: str, *lines: str, told: str = "cells_like_nothing") -> Input:
    """Return a file of ids, texts and labels of which some mean nothing."""
    cells = [line.split(",") for line in lines]
    cases = [{"text": text, "label": label} for _, text, label in cells]
    return Input(f"{name}.csv", text_file("id,text,label", *lines), cases, told=(told,))


def _dates(name: str, pairs: dict[str, object], **more) -> Input:
    return column_file(f"{name}.csv", "date", "occurred_at", pairs, **more)


def _calendar(name: str, *cells: str) -> Input:
    lines = [f"{i};text {i};{cell}" for i, cell in enumerate(cells, 1)]
    return refused(f"{name}.csv", text_file("id;text;date", *lines), "other_calendar")


def _amounts(name: str, pairs: dict[str, object], header: str = "cost", **more) -> Input:
    return column_file(f"{name}.csv", header, "value", pairs, **more)


def _multiples(name: str, header: str, multiple: float) -> Input:
    cells = {"12": 12 * multiple, "15": 15 * multiple}
    return _amounts(name, cells, header, told=("multiplied_values",))


def _encoded(name: str, encoding: str, *texts: str, **more) -> Input:
    lines = [f"{i},{text},A" for i, text in enumerate(texts, 1)]
    content = text_file("id,text,label", *lines, encoding=encoding)
    return Input(f"{name}.csv", content, expect("text", *texts), **more)


TOOL_ROWS = [
    _second_header("types-sql", "id,text,label", "bigint,nvarchar(255),varchar(10)", *_ROWS),
    _second_header("types-japanese", "番号,内容,分類", "数値,文字列,文字列", *_ROWS),
    _second_header("required", "番号,内容,分類", "必須,必須,任意", *_ROWS),
    _second_header("units-dash", "番号,内容,金額", "-,-,円", "1,bearing hot,5", "2,relay dead,6"),
    _second_header(
        "units-brackets",
        "番号,内容,時間,金額",
        "(-),(-),(分),(円)",
        "1,bearing hot,5,7",
        "2,relay dead,6,8",
    ),
    _second_header("names-twice", "id,text,label", "番号,内容,分類", *_ROWS),
    _second_header("column-numbers", "番号,内容,分類", "(1),(2),(3)", *_ROWS),
    _second_header("template", "番号,内容,分類", "記入例,モーターが動かない,故障", *_ROWS),
    _second_header(
        "survey",
        "Respondent,description,Start",
        ",Open-Ended Response,",
        "7,bearing hot,2024-01-05",
        "8,relay dead,2024-01-06",
    ),
    _second_header(
        "survey-codes",
        "Start,ResponseId,text",
        "Start Date,Response ID,What is wrong?",
        '"{""ImportId"":""start""}","{""ImportId"":""_id""}","{""ImportId"":""Q1""}"',
        "2024-01-05 10:30:00,R_1,bearing hot",
        "2024-01-06 10:30:00,R_2,relay dead",
    ),
    Input(
        "types.xlsx",
        workbook([["id", "text", "label"], ["int", "string", "string"], [1, "bearing hot", "B"]]),
        [TWO_LABELLED[0]],
        told=("second_headers",),
    ),
    Input(
        "header-words.csv",
        text_file(
            "id,text,label,segment", "1,string,B,x", "Sample,hot,Message,Machine", "3,int,R,"
        ),
        expect("text", "string", "hot", "int"),
    ),
    Input(
        "counting-on.csv",
        text_file("id,text,label", "1,2,3", "2,relay dead,R"),
        expect("text", "2", "relay dead"),
    ),
    _kept(
        "groups",
        "lone_texts",
        *("text,label,cost", "Group: Line A,,", "bearing hot,B,5", "relay dead,R,6"),
        *("Group: Line B,,", "pump loud,P,7", "fan noisy,F,8"),
    ),
    _kept(
        "groups-two-columns",
        "lone_texts",
        *("text,label", "■Line A,", "bearing hot,B", "relay dead,R", "■Line B,", "pump loud,P"),
    ),
    _kept("end-word", "lone_texts", "内容,分類,金額", "異音,A,5", "漏水,B,6", "停電,C,7", "以上,,"),
    Input(
        "filters-below.xlsx",
        workbook(
            [
                ["text", "label", "cost"],
                ["bearing hot", "B", 5],
                ["relay dead", "R", 6],
                [],
                ["Applied filters:\nStatus is Open"],
            ]
        ),
        expect("text", "bearing hot", "relay dead", "Applied filters:\nStatus is Open"),
        told=("lone_texts",),
    ),
    Input(
        "blanks-of-merged.csv",
        text_file("番号,設備,内容", "1,M1,a hot", "2,,b dead", "3,,c loud", "4,M2,d worn", "5,,e"),
        expect("segment", "M1", "-", "-", "M2", "-"),
        told=("blanks_below",),
    ),
    _doubtful("r-missing", "1,bearing hot,B", "2,relay dead,NA", "3,pump loud,None"),
    _doubtful("null-texts", "1,NULL,B", "2,relay dead,R", "3,-,P", "4,#N/A,Q"),
    _doubtful("question-marks", "1,??????,A", "2,relay dead,B", "3,????? ???,A"),
    _doubtful("ditto", "1,bearing hot,B", "2,〃,〃", "3,同上,R"),
    _doubtful("entities", "1,&#12509;&#12531; stop,A", "2,relay dead,B", told="escaped_texts"),
    _doubtful("mail-words", "1,=?UTF-8?B?44Od?=,A", "2,relay dead,B", told="escaped_texts"),
    Input(
        "unseen-texts.csv",
        text_file("id,text", "1,\u200b", "2,relay dead", "3,\u3164", "4,\u2060\ufeff", "5,\u2800"),
        TWO_TEXTS[1:],
        told=("empty_text",),
    ),
    Input(
        "label-dates.xlsx",
        workbook([["text", "label"], ["a hot", date(2024, 3, 1)], ["b dead", "4-2"]]),
        expect("label", "2024-03-01", "4-2"),
        told=("dates_among_texts",),
    ),
    Input(
        "chat-lines.csv",
        text_file(
            "chat,role,content", "1,user,bearing hot", "1,assistant,Stop it.", "2,user,b dead"
        ),
        expect("text", "bearing hot", "Stop it.", "b dead"),
        told=("model_messages",),
    ),
    Input(
        "title-names-text.csv",
        text_file("Text,,", "id,Description,label", "1,bearing hot,B", "2,relay dead,R"),
        expect("text", "bearing hot", "relay dead"),
        told=("rows_above_header",),
    ),
    Input(
        "uneven-keys.json",
        b'{"text": {"0": "a hot", "1": "b dead", "2": "c loud"}, "label": {"0": "A", "2": "C"}}',
        expect("label", "A", None, "C"),
    ),
    Input(
        "split-lines.tsv",
        text_file("id\ttext", "1\tbearing\\", "hot\\", "loud", "2\tC:\\temp\\", "3\trelay dead"),
        expect("text", "bearing\nhot\nloud", "C:\\temp\\", "relay dead"),
        told=("joined_lines",),
    ),
]

TOOL_DATES = [
    _dates(
        "forms-japanese",
        {"2024/01/05 3:30:00 午後 GMT+9": "2024-01-05T15:30", "2024/01/06": "2024-01-06"},
    ),
    _dates("forms-india", {"2024/01/05 3:30:00 PM GMT+5:30": "2024-01-05T15:30"}),
    _dates("db2", {"2024-01-05-10.30.00.123456": "2024-01-05T10:30:00.123456"}),
    _dates(
        "days-of-other-counts",
        {"24005": None, "23380": None, "19727": None, "45296": "2024-01-05"},
        told=_EMPTY,
    ),
    _dates("hours", {"2024010510": "2024-01-05T10", "2024010515": "2024-01-05T15"}),
    _dates(
        "far-epoch",
        {"9999999999": None, "0312345678": None, "1704418200": "2024-01-05T01:30"},
        told=_EMPTY,
    ),
    _dates("finnish", {"5.1.2024 klo 10.30": "2024-01-05T10:30"}),
    _dates(
        "era-points",
        {"H.30.4.1": "2018-04-01", "R.6.1.5": "2024-01-05", "土 2024/1/6": "2024-01-06"},
    ),
    _calendar("islamic", "1445/06/23", "1445/06/24"),
    _calendar("thai-digits", "๓๑/๐๑/๒๕๖๗", "๐๑/๐๒/๒๕๖๗"),
]

TOOL_AMOUNTS = [
    _amounts("bracketed-minus", {"(-5)": -5, "(7)": -7, "12€50": None}, told=_EMPTY),
    _amounts("hidden-marks", {"\u200e1200": 1200, "\u202a300\u202c": 300}),
    _multiples("in-teur", "Kosten (in TEUR)", 1e3),
    _multiples("in-thousands", "Cost (in thousands)", 1e3),
    _multiples("three-zeros", "cost ($000s)", 1e3),
    _multiples("millions", "amount (USD M)", 1e6),
    _multiples("thousand-yen-tax", "金額（税抜、千円）", 1e3),
    _amounts("per-thousand", {"12": 12, "15": 15}, "price (per 1000)"),
    _amounts("for-pieces", {"12": 12, "15": 15}, "price (EUR/1000)"),
    *(
        Input(name, content, expect("value", 12e3, 15e3), told=("multiplied_values",))
        for name, content in (
            (
                "unit-above.csv",
                text_file("修理費,,（単位：千円）", "番号,内容,金額", "1,a hot,12", "2,b dead,15"),
            ),
            (
                "unit-above.xlsx",
                workbook(
                    [
                        ["Amounts in thousands of EUR"],
                        ["id", "text", "cost"],
                        [1, "a hot", 12],
                        [2, "b dead", 15],
                    ]
                ),
            ),
        )
    ),
    Input(
        "dash-ends.csv",
        text_file("番号;内容;金額", "1;ポンプ異音;1,200-", "2;電球交換;12,500-"),
        expect("value", 1200, 12500),
        told=("dash_ends",),
    ),
]

TOOL_DOCUMENTS = [
    refused("chat.jsonl", json_lines({"messages": _CHAT}), "json_chat"),
    refused("chat.json", json.dumps(_CHAT).encode(), "json_chat"),
    Input(
        "speakers-as-labels.json",
        json.dumps([{"text": "a hot", "label": "system"}, {"text": "b", "label": "user"}]).encode(),
        expect("label", "system", "user"),
    ),
    refused("name-twice.json", b'[{"text": "bearing hot", "text": "dead"}]', "json_name_twice"),
    Input(
        "pandas-index-names.json",
        json.dumps({"text": {"WO-1": "bearing hot", "WO-2": "relay dead"}}).encode(),
        expect("case_id", "WO-1", "WO-2"),
        columns={"case_id": "index"},
    ),
    refused("spss.csv", b"$FL2@(#) SPSS DATA FILE" + b"\0" * 80, "other_kind"),
]

TOOL_ENCODINGS = [
    _encoded("utf-7", "utf-7", "café fermé", "Lüfter läuft heiß"),
    _encoded("utf-7-japanese", "utf-7", "ポンプ異音", "電球交換"),
    _encoded("utf-7-word", "utf-7", "plain", "café", refusals=_UNCLEAR),
    _encoded("plus-signs", "ascii", "call +81 3 1234", "tol +-0.1", "A+BC-7 C++", "1e+214"),
    _encoded("circled-euc", "euc_jis_2004", "①ポンプ異音", "㈱山田 電球交換"),
    _encoded("portuguese-mac", "mac_roman", "fusível queimado", refusals=_UNCLEAR),
    _encoded("polish-iso-phrase", "iso8859_2", "błąd czujnika", refusals=_UNCLEAR),
    refused(
        "lost-escapes.csv",
        "id,text\n1,ポンプ異音\n".encode("iso2022_jp").replace(b"\x1b", b""),
        "lost_escapes",
    ),
]
