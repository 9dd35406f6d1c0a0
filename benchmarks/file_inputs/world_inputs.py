"""Exports of programs and countries that the other inputs lack: databases, web pages, month names."""

import io
import tarfile
from datetime import datetime

import pandas as pd
import pyarrow as pa

from benchmarks.file_inputs.making import (
    TWO_LABELLED,
    TWO_ROWS,
    TWO_TEXTS,
    Expected,
    Input,
    column_file,
    expect,
    format_column,
    json_lines,
    parquet,
    refused,
    text_file,
    workbook,
)

_TWO_LINES = ("id,text,label", "1,bearing hot,B", "2,relay dead,R")


def _dates(name: str, pairs: dict[str, object], **more) -> Input:
    return column_file(name, "date", "occurred_at", pairs, **more)


def _numbers(name: str, pairs: dict[str, object], **more) -> Input:
    return column_file(name, "cost", "value", pairs, **more)


def _thai(name: str, *texts: str) -> Input:
    lines = [f"{i};{text}" for i, text in enumerate(texts, 1)]
    content = text_file("id;text", *lines, encoding="cp874", end="\r\n")
    return Input(f"{name}.csv", content, expect("text", *texts))


def _tar() -> bytes:
    out, content = io.BytesIO(), text_file(*_TWO_LINES)
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("cases.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _pandas_parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


def _old_workbook() -> bytes:
    """Return the start of a binary workbook: an OLE file with the part "Workbook"."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1016 + "Workbook\0".encode("utf-16-le")


_FRAME = pd.DataFrame([{"text": "bearing hot", "label": "B"}, {"text": "relay dead", "label": "R"}])
_SUMMARY: list[Expected] = [{"text": "bearing hot"}, {"text": "relay dead"}]

DATABASES = [
    Input(
        "psql.txt",
        text_file(
            " id |    text     | label ",
            "----+-------------+-------",
            "  1 | bearing hot | B",
            "  2 | relay dead  | R",
            "(2 rows)",
        ),
        [{"case_id": "1", "label": "B"}, {"case_id": "2", "label": "R"}],
        told=("drawn_line",),
    ),
    Input(
        "mysql.txt",
        text_file(
            "+----+-------------+-------+",
            "| id | text        | label |",
            "+----+-------------+-------+",
            "|  1 | bearing hot | B     |",
            "|  2 | relay dead  | R     |",
            "+----+-------------+-------+",
            "2 rows in set (0.00 sec)",
        ),
        [{"case_id": "1", "label": "B"}, {"case_id": "2", "label": "R"}],
        told=("drawn_line",),
    ),
    Input(
        "copy-null.tsv",
        text_file("id\ttext\tlabel\tcost", "1\tbearing hot\tB\t2.5", "2\trelay dead\t\\N\t\\N"),
        [{"label": "B", "value": 2.5}, {"label": None, "value": None}],
        told=("null_marks",),
    ),
    Input(
        "outfile-null.csv",
        text_file("id,text,label", r'"1","say \"stop\", now","B"', r'"2","relay dead",\N'),
        [{"text": 'say "stop", now', "label": "B"}, {"text": "relay dead", "label": None}],
        told=("null_marks", "backslash_quotes"),
    ),
    Input(
        "hive.txt",
        text_file("id\x01text\x01label", "1\x01bearing hot\x01B", "2\x01relay dead\x01R"),
        TWO_LABELLED,
    ),
    refused(
        "dump.txt",
        text_file(
            "-- a dump",
            "SET NAMES utf8;",
            "INSERT INTO cases (id, text, label) VALUES",
            "(1, 'bearing hot', 'B'),",
            "(2, 'relay dead', 'R');",
        ),
        "other_kind",
    ),
    refused("tar.csv", _tar(), "other_kind"),
    refused("access.csv", b"\0\1\0\0Standard Jet DB\0\1" + b"\0" * 80, "is_binary"),
    refused("data-interchange.csv", b'TABLE\r\n0,1\r\n"X"\r\n', "other_kind"),
    refused("symbolic-link.csv", text_file("ID;PCALC", 'C;Y1;X1;K"text"', "E"), "other_kind"),
    refused("old-workbook.xlsx", _old_workbook(), "old_workbook"),
    refused("old-workbook.csv", _old_workbook(), "old_workbook"),
    *(
        refused(name, content.encode(encoding), "is_markup")
        for name, content, encoding in (
            ("page-mark.xls", "<html><table><tr><td>text</td></tr></table></html>", "utf-8-sig"),
            ("page-wide.xls", "<html><table><tr><td>text</td></tr></table></html>\n", "utf-16"),
            ("page-meta.xls", '<meta charset="utf-8"><table><tr><td>text</td></tr>', "utf-8"),
            ("page-comment.xls", "<!-- a, b, c -->\n<table>\n<tr><td>text</td></tr>", "utf-8"),
            ("page-mail.xls", "MIME-Version: 1.0\n\n<html><td>text</td></html>\n", "utf-8"),
        )
    ),
    *(
        Input(name, content.encode(encoding), expect("text", "軸受異音", "漏水あり"))
        for name, content, encoding in (
            ("japanese-text.xlsx", "番号,内容\n1,軸受異音\n2,漏水あり\n", "utf-8"),
            ("japanese-text-sjis.xlsx", "番号,内容\n1,軸受異音\n2,漏水あり\n", "cp932"),
            ("japanese-text-wide.xlsx", "番号\t内容\n1\t軸受異音\n2\t漏水あり\n", "utf-16"),
        )
    ),
    Input("text.parquet", text_file(*_TWO_LINES), TWO_LABELLED),
    Input(
        "mongo.jsonl",
        json_lines(
            {
                "_id": {"$oid": "65a"},
                "text": "bearing hot",
                "createdAt": {"$date": "2024-01-05T10:30Z"},
            }
        ),
        [{"case_id": "65a", "occurred_at": "2024-01-05T10:30"}],
    ),
    Input(
        "sequence.jsonl", b'\x1e{"text": "bearing hot"}\n\x1e{"text": "relay dead"}\n', TWO_TEXTS
    ),
    *(
        Input(f"pandas-{orient}-later.json", frame.to_json(orient=orient).encode(), TWO_LABELLED)
        for orient, frame in (
            ("columns", _FRAME.set_index(pd.Index([5, 9]))),
            ("index", _FRAME.set_index(pd.Index([5, 9]))),
        )
    ),
    Input(
        "range-index.parquet",
        _pandas_parquet(_FRAME.set_index(pd.RangeIndex(7, 9, name="id"))),
        [
            {"case_id": "7", "text": "bearing hot"},
            {"case_id": "8", "text": "relay dead"},
        ],
    ),
    Input(
        "short-floats.parquet",
        parquet({"text": ["a hot", "b dead"], "label": pa.array([1.1, 2.0], pa.float32())}),
        [{"label": "1.1"}, {"label": "2"}],
    ),
    _thai("thai", "สายพานขาดต้องเปลี่ยน", "หลอดไฟไม่ติด", "ส่งของผิดรุ่น"),
    _thai("thai-line", "เครื่องจักรหยุดทำงาน"),
    _thai("thai-pump", "ปั๊มเสียงดัง", "น้ำมันรั่ว"),
]

TABLES = [
    *(
        Input(name, content, _SUMMARY, told=("row_other_table",))
        for name, content in (
            (
                "summary-below.csv",
                text_file(*_TWO_LINES, "", "code,count,share", "B,1,50", "R,1,50"),
            ),
            (
                "summary-same.csv",
                text_file(*_TWO_LINES, "", "id,note,by", "1,seen,Ann", "2,ok,Bob"),
            ),
            ("columns-turned.csv", text_file(*_TWO_LINES, "label,text,id", "P,pump loud,3")),
            (
                "summary-below.xlsx",
                workbook([*TWO_ROWS, [], ["code", "count", "share"], ["B", 1, 50], ["R", 1, 50]]),
            ),
        )
    ),
    Input(
        "double-spaced.csv",
        text_file("text,label", "", "bearing hot,B", "", "relay dead,R", "", "404,E"),
        expect("text", "bearing hot", "relay dead", "404"),
    ),
    *(
        Input(
            name,
            text_file(*lines),
            TWO_TEXTS,
            told=("totals_rows",),
            columns={"value": lines[0].split(";")[2]},
        )
        for name, lines in (
            (
                "total-as-text.csv",
                ("text;label;cost", "bearing hot;B;5", "relay dead;R;6", "Total;;11"),
            ),
            ("celkem.csv", ("id;text;náklady", "1;bearing hot;5", "2;relay dead;6", "Celkem;;11")),
            ("itogo.csv", ("id;text;сумма", "1;bearing hot;5", "2;relay dead;6", "Итого:;;11")),
            ("goukei.csv", ("内容;分類;金額", "bearing hot;B;5", "relay dead;R;6", "合計;;11")),
        )
    ),
    Input(
        "total-with-id.csv",
        text_file("id,text,cost", "1,bearing hot,5", "2,Total,6"),
        expect("text", "bearing hot", "Total"),
    ),
    Input(
        "comment-commas.csv",
        text_file("# by a, b, of c, d", *_TWO_LINES),
        TWO_LABELLED,
        told=("rows_above_header",),
    ),
    Input(
        "comment-one-column.csv",
        text_file("# by a", "text", "bearing hot", "relay dead"),
        TWO_TEXTS,
        told=("rows_above_header",),
    ),
    Input(
        "row-names.tsv",
        text_file("id\ttext\tlabel", "1\t101\tbearing hot\t", "2\t102\trelay dead\t"),
        expect("text", "101", "102"),
        told=("texts_are_numbers",),
    ),
    Input(
        "label-fraction.xlsx",
        workbook(
            [*TWO_ROWS[:1], [1, "bearing hot", 0.5], [2, "relay dead", 1234567]],
            format_column(3, "# ?/?", '#,##0,"k"'),
        ),
        expect("label", "0.5", "1234567"),
    ),
    Input(
        "negative-day.xlsx",
        workbook(
            [
                ["id", "text", "date"],
                [1, "bearing hot", -5],
                [2, "relay dead", datetime(2024, 1, 5)],
            ],
            format_column(3, "yyyy-mm-dd", "yyyy-mm-dd"),
        ),
        [{"occurred_at": None}, {"occurred_at": "2024-01-05"}],
        told=("cells_left_empty",),
    ),
]

WORLD_DATES = [
    _dates(
        "korean.csv",
        {
            "2024년 1월 5일 오후 3:30": "2024-01-05T15:30",
            "2024년 1월 5일 9시 05분": "2024-01-05T09:05",
            "2024년 1월 5일 금요일": "2024-01-05",
        },
    ),
    _dates(
        "chinese.csv",
        {
            "2024年1月5日 上午10:30": "2024-01-05T10:30",
            "2024年1月5日下午3:05": "2024-01-05T15:05",
            "2024年1月5日星期五": "2024-01-05",
            "2024年1月6日 周六": "2024-01-06",
        },
    ),
    _dates("taiwan.csv", {"民國113年1月5日": "2024-01-05", "中華民國99年12月31日": "2010-12-31"}),
    _dates("era-hundred.csv", {"令和113年1月5日": None}, told=("cells_left_empty",)),
    _dates(
        "russian.csv", {"5 января 2024 г.": "2024-01-05", "5 янв. 2024, 10:30": "2024-01-05T10:30"}
    ),
    _dates("czech-polish.csv", {"5. ledna 2024": "2024-01-05", "1 listopada 2024": "2024-11-01"}),
    _dates(
        "turkish-greek.csv",
        {"16 Şubat 2024 10:30": "2024-02-16T10:30", "5 Ιανουαρίου 2024": "2024-01-05"},
    ),
    _dates(
        "romance.csv",
        {
            "16 febbraio 2024 ore 10:30": "2024-02-16T10:30",
            "5 de janeiro de 2024": "2024-01-05",
            "5/ene/2024 10:30 a. m.": "2024-01-05T10:30",
        },
    ),
    _dates(
        "nordic.csv",
        {
            "den 16 maj 2024": "2024-05-16",
            "16 maart 2024": "2024-03-16",
            "2024-01-05 kl. 10:30": "2024-01-05T10:30",
        },
    ),
    _dates(
        "programs.csv",
        {
            "05/Jan/2024:10:30:00 +0900": "2024-01-05T10:30",
            "Fri Jan 05 2024 10:30:00 GMT+0900 (Japan Standard Time)": "2024-01-05T10:30",
            "2024-01-05 10:30:00 +0900 JST": "2024-01-05T10:30",
        },
    ),
    _dates("dot-net.csv", {"/Date(1704418200000)/": "2024-01-05T01:30"}),
    _dates(
        "direction-marks.csv", {"\u200e16/01/2024\u200f": "2024-01-16", "05/01/2024": "2024-01-05"}
    ),
    _dates("serial-comma.csv", {"45296,4375": "2024-01-05T10:30"}),
    _dates("no-zone.csv", {"2024-01-05 10:30 EST": None}, told=("cells_left_empty",)),
    refused(
        "persian.csv",
        text_file("id;text;date", "1;text 1;1402/10/15", "2;text 2;1402/10/16"),
        "other_calendar",
    ),
]

WORLD_AMOUNTS = [
    _numbers("czech-amounts.csv", {"1 250,50 Kč": 1250.5, "80,- Kč": 80}),
    _numbers("polish-amounts.csv", {"1 250,50 zł": 1250.5, "80,00 PLN": 80}),
    _numbers("russian-amounts.csv", {"1 250,50 ₽": 1250.5, "80 руб.": 80, "12 000,00 р.": 12000}),
    _numbers("turkish-amounts.csv", {"1.250,50 ₺": 1250.5, "80,00 TL": 80}),
    _numbers("asian-amounts.csv", {"1,250원": 1250, "NT$80": 80, "80.00 บาท": 80}),
    _numbers("other-amounts.csv", {"R$ 1.250,50": 1250.5, "12,5 Ft": 12.5, "₪80,00": 80}),
    _numbers("bracket-after-sign.csv", {"$(12.00)": -12, "($5.00)": -5}),
    _numbers("small-digits.csv", {"5²": None, "1½": None, "①": None}, told=("cells_left_empty",)),
]
