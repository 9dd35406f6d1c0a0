"""Uploads: kept by content under no name of the user's, read in another process whose crash or
delay is a sentence here.
"""

import os
import sys

import pandas as pd
import pytest

from core.cases import sandbox
from core.cases.columns import ColumnNames
from core.cases.read import read_cases
from core.cases.sandbox import Limits
from core.cases.table import ReadingOptions
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
    return uploads.keep_upload(settings, "作業指図.csv", CSV)


def child(monkeypatch, code: str) -> None:
    """Run this code in place of the child."""
    run = sandbox.subprocess.run
    monkeypatch.setattr(
        sandbox.subprocess, "run", lambda command, **more: run([sys.executable, "-c", code], **more)
    )


def test_a_file_is_kept_once_under_its_content_and_its_name_is_data(settings, upload):
    again = uploads.keep_upload(settings, "other.csv", CSV)
    assert again == upload
    assert upload.called == "作業指図.csv"
    assert upload.path(settings) == settings.uploads / upload.sha256 / "cases.csv"
    assert upload.path(settings).read_bytes() == CSV
    assert uploads.list_uploads(settings) == [upload]


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
    found = uploads.keep_upload(settings, called, b"text\na\n")
    assert found.called == kept
    assert [path.name for path in found.path(settings).parent.glob("*.csv")] == ["cases.csv"]
    assert settings.uploads in found.path(settings).parents


@pytest.mark.parametrize(
    ("called", "content", "message"),
    [
        ("a.exe", b"x", r"a.exe ends in '.exe'. Files that end in .csv, "),
        ("csv", b"x", "csv ends in ''. Files"),
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"x" * 11, "a.csv is too large: 11 bytes, and 10 are allowed in the browser"),
    ],
)
def test_what_is_no_file_of_cases_is_not_kept(settings, monkeypatch, called, content, message):
    monkeypatch.setattr(uploads, "MAX_UPLOAD", 10)
    with pytest.raises(CasesError, match=message):
        uploads.keep_upload(settings, called, content)
    assert uploads.list_uploads(settings) == []


def test_another_process_reads_what_this_one_would(settings, upload):
    found, here = uploads.check_upload(settings, upload), read_cases(upload.path(settings))
    pd.testing.assert_frame_equal(found.cases.frame, here.frame)
    assert found.cases.problems == here.problems
    assert found.cases.notices == here.notices
    assert found.cases.table == here.table == found.table
    assert (found.cases.columns, found.cases.encoding, found.rows) == (here.columns, "cp932", 3)
    assert found.cases.content_hash == here.content_hash
    assert found.bad_rows == 1
    assert found.preview.loc[2].tolist() == ["1", "油漏れ", "PUMP", "2024/01/31"]
    assert found.suggested["label"] == "正解"


def test_columns_that_do_not_say_which_is_the_text_leave_a_preview_to_choose_from(settings):
    upload = uploads.keep_upload(settings, "a.csv", b"one,two,two\nhose,x,y\n")
    found = uploads.check_upload(settings, upload)
    assert (found.cases, found.names, found.rows) == (None, ("one", "two [1]", "two [2]"), 1)
    assert "No column is recognised as the text" in str(found.refused)
    assert found.preview["one"].tolist() == ["hose"]


def test_chosen_columns_count(settings, upload):
    found = uploads.check_upload(
        settings, upload, ColumnNames(text="正解", label="", case_id="", occurred_at="")
    )
    assert found.cases.frame["text"].tolist() == ["PUMP", "PUMP"]
    assert found.cases.frame["label"].tolist() == [None, None]
    assert [problem.row for problem in found.cases.problems] == [4]


def test_options_of_reading_count_and_a_refused_file_leaves_its_preview(settings):
    upload = uploads.keep_upload(settings, "amounts.tsv", b"text\tcost\nhose\t12,500\n")
    found = uploads.check_upload(settings, upload)
    assert (found.cases, found.refused.code, found.preview["cost"].tolist()) == (
        None,
        "cases.decimal_unclear",
        ["12,500"],
    )
    decided = uploads.check_upload(settings, upload, options=ReadingOptions(decimal="comma"))
    assert decided.cases.frame["value"].tolist() == [12.5]


def test_a_job_takes_what_the_check_gave_and_reads_nothing_again(settings, upload, monkeypatch):
    columns, options = ColumnNames(text="作業内容"), ReadingOptions()
    here = read_cases(upload.path(settings), columns)
    uploads.check_upload(settings, upload, columns, options)
    monkeypatch.setattr(sandbox.subprocess, "run", lambda *a, **k: pytest.fail("read again"))
    cases = uploads.check_kept_file(settings, upload.path(settings), columns, options)
    pd.testing.assert_frame_equal(cases.frame, here.frame)
    assert cases.content_hash == here.content_hash
    assert (
        uploads.check_kept_file(settings, settings.home / "elsewhere.csv", columns, options) is None
    )


def test_a_job_reads_again_what_a_busy_machine_stopped_under_a_pages_limit(settings, upload):
    columns, options = ColumnNames(text="作業内容"), ReadingOptions()
    for _ in range(2):  # the second time from the cache
        with pytest.raises(CasesError, match=r"was not read within 0\.01 seconds"):
            uploads.check_upload(settings, upload, columns, options, Limits(seconds=0.01))
    cases = uploads.check_kept_file(settings, upload.path(settings), columns, options)
    assert cases.content_hash == read_cases(upload.path(settings), columns).content_hash


def test_a_file_that_cannot_be_read_is_a_sentence_with_its_own_name(settings):
    upload = uploads.keep_upload(settings, "指図.parquet", b"PAR1")
    with pytest.raises(CasesError, match="^指図.parquet is not a Parquet file") as caught:
        uploads.check_upload(settings, upload)
    assert str(settings.home) not in str(caught.value)


def test_reading_that_takes_too_long_is_stopped(settings, upload, monkeypatch):
    child(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(
        CasesError, match="作業指図.csv was not read within 1 second, and reading was stopped"
    ):
        uploads.check_upload(settings, upload, limits=Limits(seconds=1))


def test_a_process_that_dies_is_a_sentence(settings, upload, monkeypatch):
    child(monkeypatch, "import os; os.kill(os.getpid(), 11)")
    with pytest.raises(
        CasesError, match="作業指図.csv could not be read: .* ended by SIGSEGV. The file is damaged"
    ):
        uploads.check_upload(settings, upload)


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux holds a process to its address space"
)
def test_memory_is_limited(settings):
    upload = uploads.keep_upload(settings, "big.csv", b"text\n" + b"hose\n" * 900_000)
    with pytest.raises(
        CasesError, match="big.csv could not be read: .*MemoryError|more than 0.9 GiB of memory"
    ):
        uploads.check_upload(settings, upload, limits=Limits(memory=int(0.9 * 2**30)))


def test_a_result_is_kept_also_where_it_is_that_the_file_cannot_be_read(
    settings, upload, monkeypatch
):
    child(monkeypatch, "raise SystemExit(9)")
    for _ in range(2):
        with pytest.raises(CasesError, match="could not be read: .* ended by exit code 9"):
            uploads.check_upload(settings, upload)
    monkeypatch.undo()
    with pytest.raises(CasesError, match="exit code 9"):  # the same sentence, and no process
        uploads.check_upload(settings, upload)
    uploads.forget_checks(settings, upload)
    assert uploads.check_upload(settings, upload).bad_rows == 1
    monkeypatch.setattr(sandbox.subprocess, "run", lambda *a, **k: pytest.fail("read again"))
    assert uploads.check_upload(settings, upload).bad_rows == 1
    assert os.listdir(upload.path(settings).parent / "checked")
