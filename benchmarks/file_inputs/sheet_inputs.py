"""Inputs that are workbooks, or are named like one."""

from datetime import date, datetime

from benchmarks.file_inputs.making import (
    NOON,
    STRICT,
    Input,
    edit_parts,
    expect,
    format_column,
    hide_column,
    hide_row,
    merge_cells,
    refused,
    text_file,
    workbook,
    zip_file,
)

_PLAIN = expect("text", "valve stuck", "fan noisy")
_ROWS = [["id", "text", "label"], [1, "valve stuck", "V"], [2, "fan noisy", "F"]]


def _filter(book) -> None:
    book.active.auto_filter.ref = "A1:C4"
    hide_row(3)(book)


def _second_sheet(book) -> None:
    book.active.title = "cover"
    sheet = book.create_sheet("orders")
    for row in _ROWS:
        sheet.append(row)


def _encrypted() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


_MERGED = [
    ["番号", "設備", "内容", "分類"],
    [1, "M-1", "valve stuck", "V"],
    [2, None, "fan noisy", None],
    [3, None, "belt worn", "B"],
    [4, "M-2", "lamp out", "L"],
]

SHEETS = [
    Input("plain.xlsx", workbook(_ROWS), _PLAIN),
    Input(
        "merged.xlsx",
        workbook(_MERGED, merge_cells("B2:B4", "D2:D3")),
        [
            {"segment": "M-1", "label": "V"},
            {"segment": "M-1", "label": "V"},
            {"segment": "M-1", "label": "B"},
            {"segment": "M-2", "label": "L"},
        ],
        told=("merged_cells",),
    ),
    Input(
        "titles.xlsx",
        workbook([["Orders 2024"], ["as of", "today"], [], *_ROWS]),
        _PLAIN,
        told=("rows_above_header",),
    ),
    Input(
        "two-row-header.xlsx",
        workbook([["basics", None, "answer"], *_ROWS], merge_cells("A1:B1")),
        _PLAIN,
        told=("rows_above_header",),
    ),
    Input(
        "merged-header.xlsx",
        workbook(
            [_ROWS[0], [None, None, None], *_ROWS[1:]], merge_cells("A1:A2", "B1:B2", "C1:C2")
        ),
        _PLAIN,
    ),
    Input(
        "header-row.xlsx",
        workbook([["a", "b"], ["x", "y"], ["1", "valve stuck"], ["2", "fan noisy"]]),
        _PLAIN,
        told=("rows_above_header",),
        options={"header_row": 2},
        columns={"text": "y"},
    ),
    Input(
        "hidden.xlsx",
        workbook([*_ROWS[:2], [9, "test entry", "X"], _ROWS[2]], hide_row(3)),
        _PLAIN,
        told=("hidden_rows",),
    ),
    Input(
        "filtered.xlsx",
        workbook([*_ROWS[:2], [9, "test entry", "X"], _ROWS[2]], _filter),
        _PLAIN,
        told=("hidden_rows",),
    ),
    Input(
        "hidden-asked.xlsx",
        workbook([*_ROWS[:2], [9, "test entry", "X"], _ROWS[2]], hide_row(3)),
        expect("text", "valve stuck", "test entry", "fan noisy"),
        options={"hidden_rows": True},
    ),
    Input(
        "hidden-column.xlsx",
        workbook(_ROWS, hide_column("C")),
        expect("label", "V", "F"),
        told=("hidden_columns",),
    ),
    Input(
        "zeros.xlsx",
        workbook(
            [["id", "text"], [123, "valve stuck"], [45, "fan noisy"]],
            format_column(1, "0000000", "0000000"),
        ),
        expect("case_id", "0000123", "0000045"),
    ),
    Input(
        "dashes.xlsx",
        workbook(
            [["id", "text"], [1234567, "valve stuck"], [7, "fan noisy"]],
            format_column(1, "000-0000", '"WO-"0000'),
        ),
        expect("case_id", "123-4567", "WO-0007"),
    ),
    Input(
        "long-ids.xlsx",
        workbook([["id", "text"], [4929123456789012, "valve stuck"], [17, "fan noisy"]]),
        expect("case_id", "4929123456789012", "17"),
        told=("cut_ids",),
    ),
    Input(
        "text-ids.xlsx",
        workbook([["id", "text"], ["0007", "valve stuck"], ["0012", "fan noisy"]]),
        expect("case_id", "0007", "0012"),
    ),
    Input(
        "serials.xlsx",
        workbook(
            [
                ["id", "text", "date"],
                [1, "a", 45322],
                [2, "b", datetime(2024, 2, 13)],
                [3, "c", 45336.5],
            ]
        ),
        expect("occurred_at", "2024-01-31", "2024-02-13", "2024-02-14T12:00"),
    ),
    Input(
        "epoch-1904.xlsx",
        edit_parts(
            workbook([["id", "text", "date"], [1, "a", 43860]]),
            [("xl/workbook.xml", "<workbookPr/>", '<workbookPr date1904="1"/>')],
        ),
        expect("occurred_at", "2024-01-31"),
    ),
    Input(
        "times.xlsx",
        workbook([["id", "text", "date"], [1, "a", NOON], [2, "b", date(2024, 2, 1)]]),
        expect("occurred_at", "2024-02-14T12:00", "2024-02-01"),
    ),
    Input(
        "escaped.xlsx",
        workbook([["id", "text"], [1, "valve_x000D_\nstuck"], [2, "fan_x005F_x000D_"]]),
        expect("text", "valve\nstuck", "fan_x000D_"),
    ),
    Input("strict.xlsx", workbook(_ROWS, edits=STRICT), _PLAIN),
    Input(
        "empty-fill.xlsx",
        workbook(_ROWS, edits=[("xl/styles.xml", "<fill><patternFill/></fill>", "<fill/>")]),
        _PLAIN,
    ),
    Input(
        "bad-colour.xlsx",
        workbook(
            _ROWS,
            edits=[
                (
                    "xl/styles.xml",
                    "<patternFill/>",
                    '<patternFill><fgColor rgb="zz"/></patternFill>',
                )
            ],
        ),
        _PLAIN,
    ),
    Input("macro.xlsm", workbook(_ROWS), _PLAIN),
    Input("really-xlsx.xls", workbook(_ROWS), _PLAIN),
    Input(
        "really-text.xls",
        text_file("id\ttext\tlabel", "1\tvalve stuck\tV", "2\tfan noisy\tF"),
        _PLAIN,
    ),
    refused(
        "really-html.xls", text_file("<html><table><tr><td>text</td></tr></table>"), "is_markup"
    ),
    refused("old.xls", _encrypted(), "old_workbook"),
    refused("password.xlsx", _encrypted(), "no_workbook"),
    refused("calc.ods", zip_file({"content.xml": b"<x/>", "mimetype": b"ods"}), "old_workbook"),
    refused("binary.xlsb", zip_file({"xl/workbook.bin": b"x"}), "old_workbook"),
    refused("cover.xlsx", workbook([["see next sheet"]], _second_sheet), "no_text_in_sheet"),
    Input(
        "sheet-asked.xlsx",
        workbook([["see next sheet"]], _second_sheet),
        _PLAIN,
        options={"sheet": "orders"},
    ),
    refused("empty.xlsx", workbook([]), "empty_sheet"),
    Input(
        "formula.xlsx",
        workbook([["id", "text", "cost"], [1, "valve stuck", "=1+1"], [2, "fan noisy", 3]]),
        [{"text": "valve stuck", "value": None}, {"text": "fan noisy", "value": 3.0}],
        told=("cells_left_empty",),
    ),
    Input(
        "error.xlsx",
        workbook([["id", "text", "cost"], [1, "valve stuck", "#N/A"], [2, "fan noisy", 3]]),
        [{"text": "valve stuck", "value": None}, {"text": "fan noisy", "value": 3.0}],
        told=("cells_left_empty",),
    ),
    Input(
        "yes-no.xlsx",
        workbook([["id", "text", "label"], [1, "valve stuck", True], [2, "fan noisy", False]]),
        expect("label", "TRUE", "FALSE"),
    ),
    refused("damaged.xlsx", workbook(_ROWS)[:900], "no_workbook"),
    refused("archive.xlsx", zip_file({"readme.txt": b"x"}), "is_archive"),
    Input("really-text.xlsx", text_file("id,text", "1,valve stuck", "2,fan noisy"), _PLAIN),
    refused(
        "open-document.ods", zip_file({"mimetype": b"ods", "content.xml": b"<x/>"}), "old_workbook"
    ),
    refused("apple.numbers", zip_file({"Index/Document.iwa": b"x"}), "other_ending"),
    refused("word.docx", zip_file({"word/document.xml": b"<x/>"}), "other_ending"),
    refused("sylk.slk", text_file("ID;PWXL;N;E", 'C;Y1;X1;K"text"', "E"), "other_ending"),
    refused(
        "spreadsheet-2003.xls",
        text_file(
            '<?xml version="1.0"?>',
            '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        ),
        "is_markup",
    ),
]
