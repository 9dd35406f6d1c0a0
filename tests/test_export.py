"""Tables that people open elsewhere: the same rows in each format, and no cell runs as a
formula.
"""

import json

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import SettingsError
from core.export import csv_bytes, guard_cell, guard_table, write_table

RISKY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\n=1",
    "  =1",
    "＝1+1",
    "\u3000=1",
    "\u200b=1",
    "\r=1",
]


@pytest.mark.parametrize("cell", RISKY)
def test_a_cell_that_a_spreadsheet_might_run_gets_an_apostrophe(cell):
    assert guard_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["油漏れ", "a=b", "", "'x", 5, -1.5, None, "3-1"])
def test_other_cells_stay_as_they_are(cell):
    assert guard_cell(cell) == cell


@given(st.text())
@settings(deadline=None)
def test_no_guarded_cell_begins_with_a_sign_of_a_formula(text):
    guarded = guard_cell(text)
    assert not guarded.strip().startswith(("=", "+", "-", "@"))
    assert guarded in (text, f"'{text}")


def test_headings_are_guarded_too():
    assert list(guard_table(pd.DataFrame({"=x": [1], "y": ["=z"]})).columns) == ["'=x", "y"]


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet", ".jsonl"])
def test_each_format_holds_the_rows(tmp_path, ending):
    frame = pd.DataFrame(
        {
            "text": ['油漏れ、"再"\n修理', "plain", None],
            "n": [1, 2, 3],
            "p": [0.5, float("nan"), 0.25],
            "at": pd.to_datetime(["2026-07-01", None, "2026-07-02"]),
        }
    )
    path = tmp_path / f"out{ending}"
    write_table(frame, path)
    read = {
        ".csv": lambda: pd.read_csv(path, parse_dates=["at"]),
        ".xlsx": lambda: pd.read_excel(path),
        ".parquet": lambda: pd.read_parquet(path),
        ".jsonl": lambda: pd.read_json(path, lines=True),
    }[ending]()
    assert read["text"].iloc[:2].tolist() == frame["text"].iloc[:2].tolist()
    assert pd.isna(read["text"].iloc[2])
    assert read["n"].tolist() == [1, 2, 3]
    assert read["p"].iloc[2] == 0.25
    assert pd.isna(read["p"].iloc[1])
    assert pd.Timestamp(read["at"].iloc[0]).date().isoformat() == "2026-07-01"
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_workbook_holds_no_formula_and_takes_control_characters(tmp_path):
    path = tmp_path / "out.xlsx"
    write_table(pd.DataFrame({"=h": ["=1+1", "a\x00b"]}), path)
    cells = [cell for row in openpyxl.load_workbook(path).active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s"}
    assert cells[2].value == "a\ufffdb"


def test_json_lines_have_null_where_nothing_is_known(tmp_path):
    path = tmp_path / "out.jsonl"
    write_table(pd.DataFrame({"p": [float("nan")], "text": ["=1"]}), path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"p": None, "text": "=1"}


def test_a_file_of_another_ending_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"does not end in \.csv, \.xlsx, \.parquet, \.jsonl"):
        write_table(pd.DataFrame(), tmp_path / "out.txt")


def test_csv_begins_with_the_mark_that_excel_needs():
    assert csv_bytes(pd.DataFrame({"a": ["油"]})) == "\ufeffa\r\n油\r\n".encode()
