"""XLSX as Excel saves it: values, dates, sheets, formulas and errors; what is too large or no XLSX
at all is a sentence.
"""

import re
import zipfile
from datetime import datetime

import openpyxl
import pandas as pd
import pytest

from core.cases import table
from core.cases.read import read_cases
from core.cases.table import ReadingOptions
from core.errors import CasesError

HEADER = ["番号", "作業内容", "正解", "日付", "金額"]


@pytest.fixture
def saved(tmp_path):
    """Write sheets, {name: rows}, and return the path. A row may hold "=..." formulas, which
    openpyxl saves without results.
    """

    def save(sheets: dict[str, list], hidden: tuple[str, ...] = ()):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            sheet.sheet_state = "hidden" if name in hidden else "visible"
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "cases.xlsx")
        return tmp_path / "cases.xlsx"

    return save


def with_cell(path, old: str, new: str):
    """Replace a cell's XML, to make what only Excel writes: formulas with the results that it has
    saved.
    """
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert old.encode() in parts[sheet], parts[sheet]
    parts[sheet] = parts[sheet].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def test_cells_arrive_with_their_types_and_rows_with_their_number_in_the_sheet(saved):
    day = datetime(2024, 1, 31, 9, 30)
    path = saved(
        {
            "注文": [
                [],
                HEADER,
                [1001, "油漏れ", True, day, 1234.5],
                [],
                [1002, "ホース交換", None, None, None],
            ]
        }
    )
    cases = read_cases(path).require_clean()
    assert cases.frame["row"].tolist() == [3, 5]
    assert cases.frame["case_id"].tolist() == ["1001", "1002"]
    assert cases.frame["label"].tolist() == ["TRUE", None]
    assert cases.frame["occurred_at"].tolist() == [pd.Timestamp(day), pd.NaT]
    assert cases.frame["value"].iloc[0] == 1234.5
    assert (cases.sheet, cases.other_sheets, cases.encoding) == ("注文", (), None)


def test_the_same_cases_in_csv_and_xlsx_have_one_hash(saved, tmp_path):
    rows = [
        ["id", "text", "label", "value"],
        ["7", "oil leak", "TRUE", 2.5],
        ["8", "hose", "FALSE", None],
    ]
    other = tmp_path / "cases.csv"
    other.write_text("id,text,label,value\n7,oil leak,TRUE,2.5\n8,hose,FALSE,\n", encoding="utf-8")
    assert read_cases(saved({"s": rows})).content_hash == read_cases(other).content_hash


def test_the_first_visible_sheet_is_read_or_the_one_that_is_named(saved):
    path = saved(
        {"notes": [["x"]], "2024": [["text"], ["new"]], "2023": [["text"], ["old"]]},
        hidden=("notes",),
    )
    cases = read_cases(path)
    assert (cases.sheet, set(cases.other_sheets)) == ("2024", {"2023", "notes"})
    assert cases.frame["text"].tolist() == ["new"]
    assert read_cases(path, options=ReadingOptions(sheet="2023")).frame["text"].tolist() == ["old"]
    with pytest.raises(CasesError, match="has no sheet '2022'. It has 'notes', '2024', '2023'"):
        read_cases(path, options=ReadingOptions(sheet="2022"))


def test_a_sheet_of_a_file_without_sheets_is_refused(tmp_path):
    (tmp_path / "cases.csv").write_text("text\na\n", encoding="utf-8")
    with pytest.raises(CasesError, match="has no sheets, so sheet 'one' cannot be read"):
        read_cases(tmp_path / "cases.csv", options=ReadingOptions(sheet="one"))


def test_a_formula_counts_as_the_result_that_was_saved(saved):
    path = saved({"s": [["text", "value"], ["hose", "=1+1"]]})
    with_cell(path, "<f>1+1</f><v></v>", "<f>1+1</f><v>2</v>")
    assert read_cases(path).require_clean().frame["value"].tolist() == [2.0]


def test_a_formula_without_a_saved_result_is_a_problem_of_its_row(saved):
    cases = read_cases(saved({"s": [["text", "value"], ["hose", "=1+1"], ["pump", 3], ["=A2", 4]]}))
    assert [(p.row, p.column, p.value, p.code) for p in cases.problems] == [
        (4, "text", "=A2", "cases.cell_formula")
    ]
    (notice,) = cases.notices
    assert (notice.values["column"], notice.values["rows"], notice.values["value"]) == (
        "value",
        ["2"],
        "=1+1",
    )
    assert cases.frame["text"].tolist() == ["hose", "pump"]


def test_a_formula_whose_result_is_no_text_is_an_empty_cell(saved):
    path = saved({"s": [["text", "label"], ["hose", '=IF(1,"","x")']]})
    old, new = (
        '<c r="B2"><f>IF(1,"","x")</f><v></v></c>',
        '<c r="B2" t="str"><f>IF(1,"","x")</f><v></v></c>',
    )
    assert read_cases(with_cell(path, old, new)).require_clean().frame["label"].tolist() == [None]


def test_an_error_cell_is_told_only_where_its_column_is_used(saved):
    rows = [
        ["text", "date", "remark"],
        ["hose", "#N/A", None],
        ["pump", None, "#REF!"],
        ["#VALUE!", None, None],
    ]
    cases = read_cases(saved({"s": rows}))
    assert [(p.row, p.column, p.value, p.code) for p in cases.problems] == [
        (4, "text", "#VALUE!", "cases.cell_error")
    ]
    (notice,) = cases.notices
    assert (notice.values["column"], notice.values["rows"], notice.values["value"]) == (
        "occurred_at",
        ["2"],
        "#N/A",
    )
    assert cases.frame["text"].tolist() == ["hose", "pump"]


def test_the_sentence_of_bad_rows_names_the_sheet(saved):
    with pytest.raises(CasesError, match="A row's number is its row in the sheet 's'"):
        read_cases(saved({"s": [["id", "text"], [1, None]]})).require_clean()


@pytest.mark.parametrize(
    "content", [b"PK no zip", b"\xd0\xcf\x11\xe0 an old .xls or one with a password"]
)
def test_what_is_no_zip_file_is_a_sentence(tmp_path, content):
    (tmp_path / "cases.xlsx").write_bytes(content)
    with pytest.raises(CasesError, match="protected by a password, or an older .xls"):
        read_cases(tmp_path / "cases.xlsx")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((4, 6), 255),  # the version that is needed to unpack it
        ((8, 10), 99),  # the way of packing: none that is known
        ((8, 10), 12),  # bzip2, which the content is not
        ((8, 10), 14),  # LZMA, which the content is not
        ((6, 8), 1),  # encrypted
        ((6, 8), 0x20),  # a patch of another file
    ],
)
def test_an_odd_zip_file_is_a_sentence(saved, place, value):
    """The fields of each local header and of each entry in the directory (APPNOTE 4.3.7, 4.3.12)."""
    path = saved({"s": [["id", "text"], [1, "a"]]})
    content = bytearray(path.read_bytes())
    for signature, offset in zip((b"PK\3\4", b"PK\1\2"), place, strict=True):
        for match in re.finditer(re.escape(signature), bytes(content)):
            content[match.start() + offset : match.start() + offset + 2] = value.to_bytes(
                2, "little"
            )
    path.write_bytes(content)
    with pytest.raises(CasesError, match="is not an XLSX file: it may be damaged"):
        read_cases(path)


def test_a_zip_file_that_is_no_workbook_is_a_sentence(tmp_path):
    with zipfile.ZipFile(tmp_path / "cases.xlsx", "w") as file:
        file.writestr("hello.txt", "hello")
    with pytest.raises(CasesError, match="is a ZIP archive and no workbook; it holds 'hello.txt'"):
        read_cases(tmp_path / "cases.xlsx")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "cases.xlsx", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/worksheets/sheet1.xml", b"0" * 3_000_000)
    assert (tmp_path / "cases.xlsx").stat().st_size < 10_000
    with pytest.raises(
        CasesError, match="is too large: 3,000,000 bytes, and 1,000,000 are allowed"
    ):
        read_cases(tmp_path / "cases.xlsx", max_bytes=1_000_000)


def test_an_empty_sheet_and_one_with_a_header_only_are_sentences(saved):
    with pytest.raises(CasesError, match="Sheet 's' of .* is empty. The file has the sheets 's'"):
        read_cases(saved({"s": []}))
    with pytest.raises(CasesError, match="has a header and no row"):
        read_cases(saved({"s": [["text"]]}))


def test_too_many_rows_or_columns_are_sentences(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 2)
    (tmp_path / "cases.csv").write_text("text\na\nb\nc\n", encoding="utf-8")
    with pytest.raises(CasesError, match="has 3 rows, and 2 are allowed"):
        read_cases(tmp_path / "cases.csv")
    monkeypatch.setattr(table, "MAX_COLUMNS", 3)
    with pytest.raises(CasesError, match="has a cell in row 1, column 4: .* 3 columns are allowed"):
        read_cases(saved({"s": [["text", "a", "b", "c"], ["hose", 1, 2, 3]]}))


def test_one_cell_at_the_far_corner_costs_no_memory(saved):
    path = saved({"s": [["text"], ["hose"]]})
    book = openpyxl.load_workbook(path)
    book["s"].cell(row=2, column=16384, value="x")
    book.save(path)
    with pytest.raises(CasesError, match="column 16,384: .* Delete what is far from the table"):
        read_cases(path)


def test_a_column_far_below_the_first_takes_no_memory(saved):
    path = saved({"a": [HEADER, [1, "x", "y", None, None]]})
    cols = '<cols><col min="-999999999999" max="1" hidden="1"/></cols><sheetData>'
    cases = read_cases(with_cell(path, "<sheetData>", cols))
    assert cases.frame["text"].tolist() == ["x"]


def test_a_text_that_many_cells_share_counts_in_each_of_them(tmp_path):
    long = "油" * 1_000_000
    rows = "".join(f'<row r="{i}"><c t="s"><v>0</v></c></row>' for i in range(2, 300))
    head = '<row r="1"><c t="inlineStr"><is><t>text</t></is></c></row>'
    parts = {
        "xl/workbook.xml": '<w xmlns:r="r"><sheet name="a" r:id="1"/></w>',
        "xl/_rels/workbook.xml.rels": '<R><Relationship Id="1" Type="/worksheet" Target="a"/></R>',
        "xl/a": f"<worksheet><sheetData>{head}{rows}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst><si><t>{long}</t></si></sst>",
    }
    with zipfile.ZipFile(tmp_path / "cases.xlsx", "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    with pytest.raises(CasesError, match="298,000,000 bytes"):
        read_cases(tmp_path / "cases.xlsx")
