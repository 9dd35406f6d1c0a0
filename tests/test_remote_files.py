"""Files of cases behind a URL: the cases of a local file, read in the sandbox, and nothing stays."""

import sys
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from core.cases import sandbox
from core.cases.columns import ColumnNames
from core.cases.read import read_cases
from core.cases.table import ReadingOptions
from core.cli import main
from core.errors import CasesError
from core.pipeline import remote_files
from core.pipeline.remote_files import RemoteFile, case_place, read_remote
from core.settings import Settings
from core.store.store import Store
from tests import tiny

CSV = tiny.cases(30).drop(columns="row").to_csv(index=False).encode()


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def bucket():
    """Return a function that puts a file into fsspec's memory and returns its URL."""
    store = fsspec.filesystem("memory")

    def put(name: str, content: bytes) -> str:
        store.pipe_file(f"/bucket/{name}", content)
        return f"memory://bucket/{name}"

    yield put
    store.rm("/bucket", recursive=True)


def read(settings, url, **columns):
    return read_remote(settings, RemoteFile(url), ColumnNames(**columns), ReadingOptions())


def leftovers(settings) -> list[Path]:
    return list((settings.cache / "scoring").iterdir())


def test_cases_behind_a_url_are_those_of_the_file(settings, bucket, tmp_path):
    (tmp_path / "local.csv").write_bytes(CSV)
    local = read_cases(tmp_path / "local.csv")
    for url in (bucket("monday.csv", CSV), (tmp_path / "local.csv").as_uri()):
        remote = read(settings, url)
        pd.testing.assert_frame_equal(remote.frame, local.frame, check_exact=True)
        assert remote.content_hash == local.content_hash
        assert remote.source == url
        assert leftovers(settings) == []


def test_a_file_behind_a_url_is_read_in_the_sandbox(settings, bucket, monkeypatch):
    """A reader that crashes is a sentence, which names the URL and not the copy."""
    url, run = bucket("monday.csv", CSV), sandbox.subprocess.run
    crash = [sys.executable, "-c", "import os; os.abort()"]
    monkeypatch.setattr(sandbox.subprocess, "run", lambda command, **more: run(crash, **more))
    with pytest.raises(CasesError, match=r"memory://bucket/monday\.csv.*SIGABRT"):
        read(settings, url)
    assert leftovers(settings) == []


def test_a_refused_file_is_named_by_its_url(settings, bucket):
    with pytest.raises(CasesError, match=r"^memory://bucket/monday\.csv is empty"):
        read(settings, bucket("monday.csv", b""))
    with pytest.raises(CasesError, match="no such column"):
        read(settings, bucket("monday.csv", CSV), text="no such column")


def test_a_file_above_the_limit_is_refused_as_soon_as_it_is(settings, bucket, monkeypatch):
    monkeypatch.setattr(remote_files, "MAX_UPLOAD", len(CSV))
    assert len(read(settings, bucket("monday.csv", CSV)).frame) == 30
    with pytest.raises(CasesError, match=f"may have {len(CSV):,} bytes"):
        read(settings, bucket("monday.csv", CSV + b"\n"))
    assert leftovers(settings) == []


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("memory://bucket/nothing.csv", "No file was found at memory://bucket/nothing.csv"),
        ("nothing://bucket/monday.csv", "needs a Python package for nothing://"),
        ("memory://bucket/monday.zip", "ends in '.zip'"),
    ],
)
def test_what_is_missing_is_a_sentence(settings, url, sentence):
    with pytest.raises(CasesError, match=sentence):
        read(settings, url)


def test_passwords_and_signatures_of_a_url_are_in_no_message(settings, monkeypatch):
    url = "https://me:secret@host.example/a/monday.csv?signature=secret"

    def refused(*args):
        raise RuntimeError(f"403 of {url}")

    monkeypatch.setattr(fsspec, "get_filesystem_class", lambda scheme: None)
    monkeypatch.setattr(fsspec, "open", refused)
    with pytest.raises(
        CasesError, match="https://host.example/a/monday.csv could not be read"
    ) as e:
        read(settings, url)
    assert "RuntimeError" in str(e.value)
    assert "secret" not in str(e.value)


def test_paths_stay_paths():
    assert case_place("a/monday.csv") == Path("a/monday.csv")
    assert case_place("C:/monday.csv") == Path("C:/monday.csv")
    assert case_place("s3://b/monday.csv") == RemoteFile("s3://b/monday.csv")


def test_a_url_is_scored_as_the_file_is_and_the_run_is_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    monkeypatch.setenv("KAKUSHIN_DEVICE", "cpu")
    base, stream = str(tiny.make_encoder(tmp_path / "base")), tmp_path / "stream.csv"
    frame = tiny.cases(30).drop(columns="row")
    frame.loc[3, "text"] = ""  # a bad row
    frame.to_csv(stream, index=False)
    (tmp_path / "train.csv").write_bytes(CSV)
    train = ("train", str(tmp_path / "train.csv"), "--name", "line", "--base", base)
    assert main([*train, "--teacher", "none"]) == 0
    monkeypatch.chdir(tmp_path / "models")
    for place in (stream.as_uri(), str(stream)):
        words = ("score", place, "--model", "line-linear", "--skip-bad-rows", "--no-apply")
        assert main([*words]) == 0
    (record,) = Store(tmp_path / "store").runs("score")
    assert (record.cases, record.run.dataset) == (29, "stream")
    # The list of bad rows of a URL's file lies in the folder of the call.
    assert "row" in Path("stream.csv.problems.csv").read_text(encoding="utf-8-sig")
