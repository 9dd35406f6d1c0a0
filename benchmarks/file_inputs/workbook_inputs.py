"""More inputs that are workbooks: merged, hidden and formatted cells, and other programs' files."""

from datetime import date, datetime

from benchmarks.file_inputs.making import (
    STRICT,
    TWO_LABELLED,
    TWO_ROWS,
    TWO_TEXTS,
    Input,
    edit_parts,
    expect,
    format_column,
    hide_column,
    hide_row,
    merge_cells,
    refused,
    workbook,
)


def _grouped_rows(book):
    book.active.row_dimensions.group(3, 4, hidden=True)


def _hidden_sheet(book):
    book.active.title = "list"
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("orders")
    for row in TWO_ROWS:
        sheet.append(row)


def _second(book):
    sheet = book.create_sheet("other")
    sheet.append(["id", "text"])
    sheet.append([9, "elsewhere"])


def _chart_first(book):
    book.create_chartsheet("chart", 0)


_THREE = [TWO_ROWS[0], TWO_ROWS[1], [9, "left out", "X"], TWO_ROWS[2]]
_SHEET = "xl/worksheets/sheet1.xml"

WORKBOOKS = [
    Input(
        "merge-two-ways.xlsx",
        workbook(
            [
                ["id", "segment", "sub", "text"],
                [1, "M1", None, "bearing hot"],
                [2, None, None, "relay dead"],
            ],
            merge_cells("B2:C3"),
        ),
        [{"segment": "M1"}, {"segment": "M1"}],
        told=("merged_cells",),
    ),
    Input(
        "merge-text.xlsx",
        workbook([["id", "text"], [1, "bearing hot"], [2, None]], merge_cells("B2:B3")),
        [{"text": "bearing hot"}, {"text": "bearing hot"}],
        told=("merged_cells",),
    ),
    Input(
        "merge-date.xlsx",
        workbook(
            [["date", "text"], [date(2024, 1, 31), "bearing hot"], [None, "relay dead"]],
            merge_cells("A2:A3"),
        ),
        expect("occurred_at", "2024-01-31", "2024-01-31"),
        told=("merged_cells",),
    ),
    Input(
        "merge-across.xlsx",
        workbook(
            [["text", "segment", "label"], ["bearing hot", "M1", None], ["relay dead", "M2", "R"]],
            merge_cells("B2:C2"),
        ),
        [{"segment": "M1", "label": None}, {"segment": "M2", "label": "R"}],
        told=("merged_across",),
    ),
    Input(
        "merge-over-header.xlsx",
        workbook(
            [
                ["番号", "内容", None],
                [None, "現象", "分類"],
                [1, "bearing hot", "B"],
                [2, "relay dead", "R"],
            ],
            merge_cells("A1:A2", "B1:C1"),
        ),
        TWO_LABELLED,
        told=("rows_above_header",),
    ),
    Input(
        "three-titles.xlsx",
        workbook([["Acme Corp"], [], ["Work orders", None, "2024"], [], *TWO_ROWS]),
        TWO_LABELLED,
        told=("rows_above_header",),
    ),
    Input(
        "title-wide.xlsx",
        workbook(
            [
                ["a", "b", "c", "d"],
                ["text", "x", "label", "id"],
                ["bearing hot", None, "B", 1],
                ["relay dead", None, "R", 2],
            ]
        ),
        TWO_LABELLED,
        told=("rows_above_header",),
    ),
    Input(
        "offset-table.xlsx",
        workbook(
            [
                [],
                [],
                [None, None, *TWO_ROWS[0]],
                [None, None, *TWO_ROWS[1]],
                [None, None, *TWO_ROWS[2]],
            ]
        ),
        TWO_LABELLED,
    ),
    Input(
        "two-tables.xlsx",
        workbook([*TWO_ROWS, [], ["id", "text", "label"], [3, "pump loud", "P"]]),
        expect("text", "bearing hot", "relay dead", "pump loud"),
        told=("repeated_headers",),
    ),
    Input(
        "total-row.xlsx",
        workbook(
            [
                ["id", "text", "cost"],
                [1, "bearing hot", 3],
                [2, "relay dead", 4],
                ["Total", None, 7],
            ]
        ),
        TWO_TEXTS,
        told=("totals_rows",),
    ),
    Input(
        "total-under-no-name.xlsx",
        workbook(
            [
                [None, "件名", "金額", None],
                [1, "bearing hot", 3, None],
                [2, "relay dead", 4, None],
                [None, None, 7, "合計"],
            ]
        ),
        TWO_TEXTS,
        told=("totals_rows", "unnamed_cells"),
    ),
    Input("hide-two.xlsx", workbook(_THREE, hide_row(3)), TWO_TEXTS, told=("hidden_rows",)),
    Input("hide-first.xlsx", workbook([["note"], *TWO_ROWS], hide_row(1)), TWO_LABELLED),
    refused(
        "hide-header.xlsx", workbook(TWO_ROWS, hide_row(1)), "no_text_column", "no_text_in_sheet"
    ),
    Input(
        "grouped.xlsx",
        workbook(
            [TWO_ROWS[0], TWO_ROWS[1], [8, "left", "X"], [9, "out", "X"], TWO_ROWS[2]],
            _grouped_rows,
        ),
        TWO_TEXTS,
        told=("hidden_rows",),
    ),
    Input(
        "zero-height.xlsx",
        workbook(_THREE, edits=[(_SHEET, '<row r="3"', '<row r="3" ht="0"')]),
        TWO_TEXTS,
        told=("hidden_rows",),
    ),
    Input(
        "hide-text-column.xlsx",
        workbook(TWO_ROWS, hide_column("B")),
        TWO_TEXTS,
        told=("hidden_columns",),
    ),
    Input("hidden-sheet.xlsx", workbook([["x"], ["y"]], _hidden_sheet), TWO_LABELLED),
    Input("two-sheets.xlsx", workbook(TWO_ROWS, _second), TWO_LABELLED, told=("other_sheets",)),
    Input("chart-sheet.xlsx", workbook(TWO_ROWS, _chart_first), TWO_LABELLED),
    Input(
        "id-formats.xlsx",
        workbook(
            [["id", "text"], [42, "bearing hot"], [7, "relay dead"], [1234, "pump loud"]],
            format_column(1, '"A-"0000', "00-00", "0000\\/00"),
        ),
        expect("case_id", "A-0042", "00-07", "0012/34"),
    ),
    Input(
        "id-general.xlsx",
        workbook([["id", "text"], [12345678901, "bearing hot"], [123456789012345, "relay dead"]]),
        expect("case_id", "12345678901", "123456789012345"),
    ),
    Input(
        "id-thousands.xlsx",
        workbook(
            [["id", "text"], [12345, "bearing hot"], [678, "relay dead"]],
            format_column(1, "#,##0", "#,##0"),
        ),
        expect("case_id", "12,345", "678"),
    ),
    Input(
        "label-percent.xlsx",
        workbook(
            [["text", "label"], ["bearing hot", 0.5], ["relay dead", 1]],
            format_column(2, "0%", "0%"),
        ),
        expect("label", "50%", "100%"),
    ),
    Input(
        "money-formats.xlsx",
        workbook(
            [["text", "cost"], ["bearing hot", 1200.5], ["relay dead", -300]],
            format_column(2, '#,##0.00 "€"', "¥#,##0;▲#,##0"),
        ),
        expect("value", 1200.5, -300),
    ),
    Input(
        "scaled-format.xlsx",
        workbook(
            [["text", "cost"], ["bearing hot", 1200000], ["relay dead", 0.25]],
            format_column(2, "#,##0,", "0%"),
        ),
        expect("value", 1200000, 0.25),
    ),
    Input(
        "serials-1904.xlsx",
        edit_parts(
            workbook(
                [["text", "date"], ["bearing hot", 43860], ["relay dead", 43861.5]],
                format_column(2, "yyyy/mm/dd", "yyyy/mm/dd hh:mm"),
            ),
            [("xl/workbook.xml", "<workbookPr/>", '<workbookPr date1904="true"/>')],
        ),
        expect("occurred_at", "2024-01-31", "2024-02-01T12:00"),
    ),
    Input(
        "era-format.xlsx",
        workbook(
            [["text", "date"], ["bearing hot", 45322], ["relay dead", 45323]],
            format_column(2, '[$-411]ggge"年"m"月"d"日"', "[$-ja-JP-x-gannen]ggge/m/d"),
        ),
        expect("occurred_at", "2024-01-31", "2024-02-01"),
    ),
    Input(
        "text-dates.xlsx",
        workbook(
            [
                ["text", "date"],
                ["bearing hot", "31.01.2024"],
                ["relay dead", datetime(2024, 2, 1, 9, 5)],
            ]
        ),
        expect("occurred_at", "2024-01-31", "2024-02-01T09:05"),
    ),
    Input(
        "time-only.xlsx",
        workbook(
            [["text", "date"], ["bearing hot", 0.5], ["relay dead", 45322]],
            format_column(2, "hh:mm", "yyyy-mm-dd"),
        ),
        expect("occurred_at", None, "2024-01-31"),
        told=("cells_left_empty",),
    ),
    Input(
        "error-in-text.xlsx",
        workbook([["id", "text"], [1, "#REF!"], [2, "relay dead"]]),
        [{"text": "relay dead"}],
        told=("cell_error",),
    ),
    Input(
        "error-in-label.xlsx",
        workbook([["text", "label"], ["bearing hot", "#N/A"], ["relay dead", "R"]]),
        expect("label", None, "R"),
        told=("cells_left_empty",),
    ),
    Input(
        "formula-text.xlsx",
        workbook([["id", "text"], [1, '=CONCATENATE("a","b")'], [2, "relay dead"]]),
        [{"text": "relay dead"}],
        told=("cell_formula",),
    ),
    refused(
        "formula-id.xlsx",
        workbook([["id", "text"], ["=ROW()", "bearing hot"], ["=ROW()", "relay dead"]]),
        "bad_rows",
        "cell_formula",
        "no_good_rows",
    ),
    Input(
        "rich-text.xlsx",
        edit_parts(
            workbook(TWO_ROWS),
            [
                (
                    _SHEET,
                    "<is><t>bearing hot</t></is>",
                    '<is><r><t xml:space="preserve">bearing </t></r><r><rPr><b/></rPr><t>hot</t></r>'
                    '<rPh sb="0" eb="1"><t>ﾍﾞｱ</t></rPh></is>',
                )
            ],
        ),
        TWO_LABELLED,
    ),
    Input(
        "escapes.xlsx",
        workbook(
            [["text", "label"], ["bearing_x000D_\nhot", "B"], ["relay_x0009_dead", "R_x000D_"]]
        ),
        [{"text": "bearing\nhot", "label": "B"}, {"text": "relay\tdead", "label": "R"}],
    ),
    Input(
        "strict-dates.xlsx",
        workbook(
            [
                ["text", "date"],
                ["bearing hot", datetime(2024, 1, 31, 9, 5)],
                ["relay dead", date(2024, 2, 1)],
            ],
            edits=STRICT,
        ),
        expect("occurred_at", "2024-01-31T09:05", "2024-02-01"),
    ),
    Input(
        "blank-rows-between.xlsx",
        workbook([TWO_ROWS[0], [], TWO_ROWS[1], [], [], TWO_ROWS[2]]),
        TWO_LABELLED,
    ),
    Input(
        "cells-past-header.xlsx",
        workbook([["id", "text"], [1, "bearing hot", "note without a name"], [2, "relay dead"]]),
        TWO_TEXTS,
        told=("unnamed_cells",),
    ),
    Input(
        "repeated-names.xlsx",
        workbook(
            [
                ["id", "text", "Tag", "Tag"],
                [1, "bearing hot", "a", "b"],
                [2, "relay dead", None, "c"],
            ]
        ),
        TWO_TEXTS,
    ),
    refused("header-only.xlsx", workbook([TWO_ROWS[0]]), "no_rows"),
    Input(
        "number-text.xlsx",
        workbook([["id", "text"], [1, 1234], [2, "relay dead"]]),
        expect("text", "1234", "relay dead"),
    ),
    Input(
        "line-breaks.xlsx",
        workbook([["id", "不具合\n内容"], [1, "bearing\nhot"], [2, "relay dead"]]),
        expect("text", "bearing\nhot", "relay dead"),
    ),
]
