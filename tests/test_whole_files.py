"""Files and folders change as a whole, for the owner alone, whoever is killed or fails in
between.
"""

import os
import stat
import threading
import time

import pytest

from core import files
from core.errors import ModelError
from core.files import (
    delete_abandoned,
    fresh_file,
    make_file_once,
    make_folder_once,
    private_folder,
    recover_folder,
    replace_folder,
    sha256_of,
    write_atomic,
)
from core.models.base.card import ModelCard, read_card
from core.pipeline.workspace import models
from core.settings import Settings


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_whole_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "case.json"
    old_umask = os.umask(0)
    try:
        for content in (b"bytes", "油", lambda file: file.write(b"by a function")):
            write_atomic(path, content)
    finally:
        os.umask(old_umask)
    assert path.read_bytes() == b"by a function"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    write_atomic(path, "old")

    def fail(file):
        file.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_atomic(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_made_once_and_the_first_process_wins(tmp_path):
    path = tmp_path / "key"

    def overtaken(file):
        file.write(b"late")
        path.write_text("first")

    assert not make_file_once(path, overtaken)
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    assert make_file_once(path, "new")
    assert not make_file_once(path, "newer")
    assert (path.read_text(), mode(path)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_threads_of_one_process_do_not_write_into_each_others_file(tmp_path):
    path, seen = tmp_path / "a", []
    contents = [str(i) * 5000 for i in range(8)]

    def write(content):
        for _ in range(25):
            write_atomic(path, content, durable=False)
            seen.append(path.read_text())

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 200
    assert set(seen) <= set(contents)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole_and_kept_where_filling_fails(tmp_path):
    folder = tmp_path / "models" / "line"
    replace_folder(folder, lambda fresh: (fresh / "a").write_text("1"))
    assert mode(folder) == 0o700

    def fail(fresh):
        (fresh / "a").write_text("2")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replace_folder(folder, fail)
    assert (folder / "a").read_text() == "1"
    replace_folder(folder, lambda fresh: (fresh / "b").write_text("3"))
    assert [path.name for path in folder.iterdir()] == ["b"]
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("killed_at", [1, 2])
def test_a_kill_at_any_rename_leaves_the_old_folder_or_the_new_one(
    tmp_path, monkeypatch, killed_at
):
    folder, renames = tmp_path / "line", []
    replace_folder(folder, lambda fresh: (fresh / "a").write_text("old"))
    rename = files.Path.rename

    def killed(path, target):
        renames.append(target)
        if len(renames) == killed_at:
            raise SystemExit  # then nothing of the cleaning up below it may run, as after a kill
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(files.Path, "rename", killed)
        patch.setattr(files, "recover_folder", lambda folder: folder)
        patch.setattr(files.shutil, "rmtree", lambda *a, **k: None)
        with pytest.raises(SystemExit):
            replace_folder(folder, lambda fresh: (fresh / "a").write_text("new"))
    assert (recover_folder(folder) / "a").read_text() == "old"
    replace_folder(folder, lambda fresh: (fresh / "a").write_text("newer"))
    assert (folder / "a").read_text() == "newer"


def test_a_folder_is_made_once_and_a_failure_leaves_none(tmp_path):
    folder, calls = tmp_path / "model", []

    def fill(fresh):
        calls.append(fresh)
        (fresh / "a").write_text("1")
        if len(calls) == 1:
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        make_folder_once(folder, fill)
    assert [path.name for path in tmp_path.iterdir()] == ["model.lock"]
    assert [make_folder_once(folder, fill) for _ in range(2)] == [folder, folder]
    assert (len(calls), (folder / "a").read_text()) == (2, "1")


def test_a_library_that_opens_files_by_name_leaves_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "flat.npy"
    path.write_text("old")

    def fail_half_way():
        with fresh_file(path) as fresh:
            fresh.write_text("half")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        fail_half_way()
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])
    with fresh_file(path) as fresh:
        fresh.unlink()
        fresh.write_text("new")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("new", [path])


def test_missing_folders_are_made_for_the_owner_and_others_are_left_as_they_are(tmp_path):
    tmp_path.chmod(0o755)
    private_folder(tmp_path / "a" / "b")
    private_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / name) for name in ("", "a", "a/b")] == [0o755, 0o700, 0o700]


def test_only_old_temporary_files_are_deleted(tmp_path):
    for name, age in (("new.tmp", 0), (".old.tmp", 2), ("part-1.77.tmp", 2), ("kept", 2)):
        path = tmp_path / name
        path.write_text("x")
        os.utime(path, (time.time() - age * files.ABANDONED_S,) * 2)
    delete_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "new.tmp"]


def test_the_digest_is_that_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")


@pytest.mark.parametrize("content", [b"\xff\xfe{", None])
def test_a_models_card_that_is_no_text_or_a_folder_is_named(tmp_path, content):
    path = tmp_path / "line" / "model.json"
    path.parent.mkdir()
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.json is not a model's card"):
        read_card(tmp_path / "line")


def test_a_model_that_a_kill_left_aside_is_read_and_listed(tmp_path):
    card = ModelCard(
        kind="student", name="line-student", labels=("a", "b"), base="x", base_sha256="x", cut=1
    )
    settings = Settings(home=tmp_path)
    for name in (".line-student.old", ".other.old"):
        (settings.models / name).mkdir(parents=True)
        (settings.models / name / "model.json").write_text(card.model_dump_json(), "utf-8")
    assert read_card(settings.models / "line-student") == card
    assert len(models(settings)) == 2
    assert sorted(path.name for path in settings.models.iterdir()) == ["line-student", "other"]
