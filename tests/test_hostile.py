"""What benchmarks.hostile counts: it sees an attack that works, and a part of it runs here."""

import openpyxl
import pandas as pd
import pytest

from benchmarks.hostile import TEXTS, Result, check_export, open_addresses
from core.export import csv_bytes, write_table
from tests.browser.pages import PAGES


def test_made_up_addresses_raise_nothing_on_any_page(homes, monkeypatch):
    monkeypatch.setenv("KAKUSHIN_HOME", str(homes["tiny"]))  # restored after the test
    result = Result()
    open_addresses(homes["tiny"], len(PAGES), 1, result)
    assert result.counts == {"addresses": len(PAGES)}, result.examples


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_no_text_is_computed_in_a_file_that_the_one_writer_wrote(tmp_path, ending):
    table = pd.DataFrame({text: list(TEXTS) for text in TEXTS})
    path = tmp_path / f"table.{ending}"
    if ending == "csv":
        path.write_bytes(csv_bytes(table))
    else:
        write_table(table, path)
    result = Result()
    check_export(path, result)
    assert not result.counts, result.examples


def test_the_check_sees_a_formula(tmp_path):
    result = Result()
    (tmp_path / "a.csv").write_text("name\n=1+1\n\uff1d1+1\n-1.5\n")
    check_export(tmp_path / "a.csv", result)
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    book.save(tmp_path / "a.xlsx")
    check_export(tmp_path / "a.xlsx", result)
    assert result.counts == {"computed": 3}
