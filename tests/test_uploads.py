"""Uploads: kept by content under no name of the user's, read in another process whose crash or
delay is a sentence here.
"""

import os
import sys
import time

import pandas as pd
import pytest

from core.cases import apart
from core.cases.apart import Limits
from core.cases.columns import ColumnNames
from core.cases.read import read_cases
from core.errors import CasesError
from core.pipeline import uploads
from core.settings import Settings

CSV = "番号,作業内容,正解,日付\n1,油漏れ,PUMP,2024/01/31\n2,,PUMP,2024/02/01\n3,ホース,,x\n".encode(
    "cp932"
)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def upload(settings) -> uploads.Upload:
    return uploads.keep(settings, "作業指図.csv", CSV)


def child(monkeypatch, code: str) -> None:
    """Run this code in place of the child."""
    run = apart.subprocess.run
    monkeypatch.setattr(
        apart.subprocess, "run", lambda command, **more: run([sys.executable, "-c", code], **more)
    )


def test_a_file_is_kept_once_under_its_content_and_its_name_is_data(settings, upload):
    again = uploads.keep(settings, "other.csv", CSV)
    assert again == upload
    assert upload.called == "作業指図.csv"
    assert upload.path(settings) == settings.uploads / upload.sha256 / "cases.csv"
    assert upload.path(settings).read_bytes() == CSV
    assert uploads.listed(settings) == [upload]


@pytest.mark.parametrize(
    ("called", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\a\\b.csv", "b.csv"),
        ("a\x00\nb.csv", "a__b.csv"),
        ("<b>x</b>.csv", "b>.csv"),
        ("x" * 500 + ".csv", "x" * 180 + "…" + "x" * 15 + ".csv"),
    ],
)
def test_a_name_is_no_path(settings, called, kept):
    found = uploads.keep(settings, called, b"text\na\n")
    assert found.called == kept
    assert [path.name for path in found.path(settings).parent.glob("*.csv")] == ["cases.csv"]
    assert settings.uploads in found.path(settings).parents


@pytest.mark.parametrize(
    ("called", "content", "message"),
    [
        ("a.exe", b"x", r"a.exe ends in '.exe': .csv, .tsv, .parquet, .jsonl, .xlsx can be read"),
        ("csv", b"x", "csv ends in ''"),
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"x" * 11, "a.csv is too large: 11 bytes, and 10 are allowed in the browser"),
    ],
)
def test_what_is_no_file_of_cases_is_not_kept(settings, monkeypatch, called, content, message):
    monkeypatch.setattr(uploads, "MAX_UPLOAD", 10)
    with pytest.raises(CasesError, match=message):
        uploads.keep(settings, called, content)
    assert uploads.listed(settings) == []


def test_another_process_reads_what_this_one_would(settings, upload):
    found, here = uploads.check(settings, upload), read_cases(upload.path(settings))
    pd.testing.assert_frame_equal(found.frame, here.frame)
    assert found.problems == here.problems
    assert (found.columns, found.encoding, found.rows) == (here.columns, "cp932", 3)
    assert found.bad_rows == 2
    assert found.preview.loc[2].tolist() == ["1", "油漏れ", "PUMP", "2024/01/31"]
    assert found.suggested["label"] == "正解"


def test_columns_that_do_not_say_which_is_the_text_leave_a_preview_to_choose_from(settings):
    upload = uploads.keep(settings, "a.csv", b"one,two,two\nhose,x,y\n")
    found = uploads.check(settings, upload)
    assert (found.columns, found.names, found.rows, len(found.frame)) == (
        None,
        ("one", "two"),
        1,
        0,
    )
    assert "column 'two' stands twice" in found.refused
    assert found.preview["one"].tolist() == ["hose"]


def test_chosen_columns_count(settings, upload):
    found = uploads.check(
        settings, upload, ColumnNames(text="正解", label="", case_id="", occurred_at="")
    )
    assert found.frame["text"].tolist() == ["PUMP", "PUMP"]
    assert found.frame["label"].tolist() == [None, None]
    assert [problem.row for problem in found.problems] == [4]


def test_a_file_that_cannot_be_read_is_a_sentence_with_its_own_name(settings):
    upload = uploads.keep(settings, "指図.parquet", b"PAR1")
    with pytest.raises(CasesError, match="^指図.parquet is not a Parquet file") as caught:
        uploads.check(settings, upload)
    assert str(settings.home) not in str(caught.value)


def test_reading_that_takes_too_long_is_stopped(settings, upload, monkeypatch):
    child(monkeypatch, "import time; time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(
        CasesError, match="作業指図.csv was not read within 1 seconds, and reading was stopped"
    ):
        uploads.check(settings, upload, limits=Limits(seconds=1))
    assert time.monotonic() - begun < 30


def test_a_process_that_dies_is_a_sentence(settings, upload, monkeypatch):
    child(monkeypatch, "import os; os.kill(os.getpid(), 11)")
    with pytest.raises(
        CasesError, match="作業指図.csv could not be read: .* ended by SIGSEGV. It is damaged"
    ):
        uploads.check(settings, upload)


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux holds a process to its address space"
)
def test_memory_is_limited(settings):
    upload = uploads.keep(settings, "big.csv", b"text\n" + b"hose\n" * 900_000)
    with pytest.raises(
        CasesError, match="big.csv could not be read: .*MemoryError|more than 1.2 GiB of memory"
    ):
        uploads.check(settings, upload, limits=Limits(memory=int(1.2 * 2**30)))


def test_a_result_is_kept_also_where_it_is_that_the_file_cannot_be_read(
    settings, upload, monkeypatch
):
    child(monkeypatch, "raise SystemExit(9)")
    for _ in range(2):
        with pytest.raises(CasesError, match="could not be read: .* 'exit code 9'"):
            uploads.check(settings, upload)
    monkeypatch.undo()
    with pytest.raises(CasesError, match="exit code 9"):  # the same sentence, and no process
        uploads.check(settings, upload)
    uploads.check_again(settings, upload)
    assert uploads.check(settings, upload).bad_rows == 2
    monkeypatch.setattr(apart.subprocess, "run", lambda *a, **k: pytest.fail("read again"))
    assert uploads.check(settings, upload).bad_rows == 2
    assert os.listdir(upload.path(settings).parent / "checked")
