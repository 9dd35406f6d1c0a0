"""What the machine or the workspace causes is a sentence: no verb and no page shows a traceback."""

import errno
import os

import pytest

from core.cli import main
from core.errors import SettingsError
from core.settings import Settings, machine_error
from core.store.file import StoreFile
from dashboard.components import shell

VERBS = (
    "runs",
    "doctor",
    "verify",
    "demo",
    "dashboard",
    "token add a --role viewer",
    "purge --before 2020-01-01",
    "backup {tmp}/backup",
    "restore {tmp}/backup",
    "decide --threshold 0.9",
    "queue list --run x",
    "score {tmp}/file --text-column text",
    "serve --model m --dataset d",
    "export m --format onnx",
)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("below", ["", "/home", "/a/b"])
def test_a_workspace_that_cannot_be_made_is_one_sentence(
    tmp_path, monkeypatch, capsys, verb, below
):
    (tmp_path / "file").write_text("text\nhose\n")
    monkeypatch.setenv("KAKUSHIN_HOME", f"{tmp_path}/file{below}")
    monkeypatch.setenv("LANG", "en_AU.UTF-8")
    assert main(verb.format(tmp=tmp_path).split()) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"because {tmp_path}/file is not a folder" in err


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "home cannot be used: No space left"),
        (OSError(errno.EACCES, "Permission denied", "{home}/store/x"), "store/x cannot be used"),
        (OSError(errno.EROFS, "Read-only file system", "/elsewhere"), "/elsewhere cannot be used"),
        (MemoryError(), "too little free memory"),
    ],
)
def test_a_fault_of_the_machine_in_a_verb_is_one_sentence(
    tmp_path, monkeypatch, capsys, error, sentence
):
    def fail(*_):
        if isinstance(error, OSError) and error.filename:
            error.filename = error.filename.format(home=tmp_path / "home")
        raise error

    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "en_AU.UTF-8")
    monkeypatch.setattr("core.cli.runs._runs", fail)
    assert main(["runs"]) == 2
    assert sentence in capsys.readouterr().err


def test_a_fault_that_neither_causes_stays_a_bug(tmp_path):
    outside = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/elsewhere/file")
    assert machine_error(outside, tmp_path) is None
    assert machine_error(OSError("no errno"), tmp_path) is None


def test_a_store_below_a_file_has_a_version_and_opens_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    assert StoreFile(tmp_path / "file" / "store", 1.0).version() == (None, None)
    with pytest.raises(SettingsError, match="is not a folder"):
        Settings(home=tmp_path / "file" / "home").require_usable_home()


@pytest.mark.parametrize("view", ["decide", "history", "data"])
def test_a_page_says_what_the_machine_lacks(open_view, monkeypatch, view):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shell.cache, "runs", fail)
    page = open_view(view, "tiny")
    assert not page.exception
    assert "No space left on device" in page.error[0].value
