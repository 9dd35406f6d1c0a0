"""Backup during writes, restore into a clean folder, deletion of old data, and the doctor."""

import json
import os
import socket
import sys
import threading
from datetime import date
from pathlib import Path

import pytest

from core.cli import main
from core.errors import StoreError
from core.files import replace_folder
from core.pipeline import checkup
from core.pipeline.checkup import check_setup
from core.settings import Settings
from core.store import backup, purge
from core.store.backup import MANIFEST, restore_backup, write_backup
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail
from tests.stores import make_store


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("KAKUSHIN_HOME", str(home))
    store = make_store(home / "store", "tiny")
    Ledger(store).add_scenario("plan", {"cost": 1}, "Suzuki")
    (home / "models" / "m").mkdir(parents=True)
    (home / "models" / "m" / "weights").write_bytes(b"w")
    (home / "cache").mkdir()
    (home / "cache" / "download").write_bytes(b"d")
    return home


def test_a_backup_during_writes_holds_a_state_that_existed(home, tmp_path):
    """A writer adds scenarios all the while: the backup's rows and trail are those of one moment."""
    store, stop, written = Store(home / "store"), threading.Event(), []

    def write():
        while not stop.is_set():
            written.append(Ledger(store).add_scenario("plan", {"cost": 1}, "Suzuki").version)

    writer = threading.Thread(target=write)
    writer.start()
    content = write_backup(Store(home / "store"), home, tmp_path / "backup")
    stop.set()
    writer.join()
    restored = restore_backup(tmp_path / "backup", tmp_path / "new")
    assert restored == content
    opened = Store(tmp_path / "new" / "store")
    assert len(Ledger(opened).scenarios()) == content.counts["scenarios"] == content.trail.count
    assert AuditTrail(opened).entries(1)["action"].tolist() == ["restore"]
    assert "backup" in AuditTrail(store).entries()["action"].tolist()
    assert AuditTrail(opened).check_chain().fault is None
    assert 1 <= content.counts["scenarios"] <= len(Ledger(store).scenarios())
    assert (tmp_path / "new" / "models" / "m" / "weights").read_bytes() == b"w"
    assert not (tmp_path / "new" / "cache").exists()
    Ledger(opened).add_scenario("plan", {"cost": 2}, "Suzuki")  # its key came along


def test_a_backup_goes_into_a_new_folder_outside_of_the_workspace(home, tmp_path):
    store = Store(home / "store")
    (tmp_path / "there").mkdir()
    for place in (tmp_path / "there", home / "backup"):
        with pytest.raises(StoreError, match="needs a new folder outside of the workspace"):
            write_backup(store, home, place)


def test_a_changed_backup_is_not_restored(home, tmp_path):
    folder = tmp_path / "backup"
    write_backup(Store(home / "store"), home, folder)
    with pytest.raises(StoreError, match="has a store: restore into another"):
        restore_backup(folder, home)
    (folder / "models" / "m" / "weights").write_bytes(b"x")
    with pytest.raises(StoreError, match="models/m/weights in the backup .* is not the file"):
        restore_backup(folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (folder / "models" / "m" / "weights").write_bytes(b"w")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["counts"]["runs"] += 1
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="has other rows or another audit trail"):
        restore_backup(folder, tmp_path / "new")
    (folder / MANIFEST).unlink()
    with pytest.raises(StoreError, match=r"no readable manifest\.json"):
        restore_backup(folder, tmp_path / "newer")


def test_purge_empties_texts_and_keeps_what_decisions_rest_on(home):
    store, settings = Store(home / "store"), Settings()
    run_id = store.runs()[0].run.run_id
    before = store.histogram(run_id).counts.tolist()
    upload = settings.uploads / "a"
    job, running = settings.jobs / "j1", settings.jobs / "j2"
    for folder in (upload, job, running):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    (job / "end.json").write_text("{}")
    leftover = settings.store / "parts" / run_id / "part-1.tmp"
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_text("case text")
    assert purge.purge_before(store, settings, date(2020, 1, 1)) == purge.Purged(0, 0, 0, 0)
    for path in (*settings.home.rglob("*"),):
        os.utime(path, (0, 0))
    assert purge.purge_before(store, settings, date(2026, 2, 1)) == purge.Purged(3, 1, 1, 1)
    assert store.predictions(run_id)["text"].tolist() == [""] * 3
    assert store.histogram(run_id).counts.tolist() == before
    assert [path.exists() for path in (upload, job, running, leftover)] == [
        False,
        False,
        True,
        False,
    ]
    newest = AuditTrail(store).entries(1).iloc[0]
    assert (newest["action"], newest["subject"]) == ("purge", "before 2026-02-01")
    assert json.loads(newest["details"])["texts"] == 3


def test_the_verbs(home, tmp_path, capsys, monkeypatch):
    assert main(["backup", str(tmp_path / "b")]) == 0
    assert "audit trail 1:" in capsys.readouterr().out
    assert main(["purge", "--before", "yesterday"]) == 2
    assert main(["purge", "--before", "2026-02-01"]) == 0
    assert "texts of cases 3" in capsys.readouterr().out
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path / "new"))
    assert main(["restore", str(tmp_path / "b")]) == 0
    assert main(["doctor", "--port", "1"]) in (0, 1)
    assert "audit trail is intact" in capsys.readouterr().out


def test_the_doctor_names_what_is_wrong(home):
    def failed(port: int = 1) -> list[str]:
        return [f.code for f in check_setup(Settings(), port) if not f.passed]

    (home / "models" / "m").rename(home / "models" / ".m")
    assert failed() == []
    home.chmod(0o755)
    assert failed() == ["pipeline.setup_mode_open"]
    home.chmod(0o700)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert failed(taken.getsockname()[1]) == ["pipeline.setup_port_taken"]
    broken = home / "models" / "broken"
    broken.mkdir()
    (broken / "model.json").write_bytes(b"\xff\xfe")
    assert failed() == ["pipeline.setup_fault"]
    (broken / "model.json").unlink()
    (broken / "model.json").mkdir()
    assert failed() == ["pipeline.setup_fault"]
    (broken / "model.json").rmdir()
    broken.rmdir()
    (home / "store" / "kakushin.duckdb").write_bytes(b"garbage" * 1000)
    assert failed() == ["pipeline.setup_fault"]


def test_a_model_that_is_replaced_during_its_copy_is_copied_again(home, tmp_path, monkeypatch):
    copy, calls = backup._copy_folder, []

    def replace_meanwhile(source, target, ignore=None):
        copy(source, target, ignore)
        if source == home / "models" and not calls:
            calls.append(source)
            replace_folder(source / "m", lambda fresh: (fresh / "weights").write_bytes(b"new"))

    monkeypatch.setattr(backup, "_copy_folder", replace_meanwhile)
    write_backup(Store(home / "store"), home, tmp_path / "b")
    assert (tmp_path / "b" / "models" / "m" / "weights").read_bytes() == b"new"


def test_a_folder_that_never_rests_is_said(home, tmp_path, monkeypatch):
    names = iter(range(1000))
    monkeypatch.setattr(backup, "_names", lambda folder: {(str(next(names)), 0)})
    with pytest.raises(StoreError, match="changed in every attempt"):
        write_backup(Store(home / "store"), home, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_pipe_is_named_and_a_link_that_leads_nowhere_is_left_out(home, tmp_path):
    (home / "models" / "gone").symlink_to(home / "nowhere")
    (home / "models" / "elsewhere").symlink_to(Path("..") / "cache")
    write_backup(Store(home / "store"), home, tmp_path / "b")
    assert (tmp_path / "b" / "models" / "elsewhere" / "download").read_bytes() == b"d"
    os.mkfifo(home / "models" / "pipe")
    with pytest.raises(StoreError, match="models/pipe was not copied"):
        write_backup(Store(home / "store"), home, tmp_path / "c")


def test_the_gates_log_is_copied_after_the_store_that_it_feeds(home, tmp_path, monkeypatch):
    (home / "gate").mkdir()
    copy, order = backup._copy_folder, []
    monkeypatch.setattr(
        backup, "_copy_folder", lambda s, t, ignore=None: (order.append(s.name), copy(s, t, ignore))
    )
    write_backup(Store(home / "store"), home, tmp_path / "b")
    assert order[-2:] == ["store", "gate"]


def test_purge_deletes_a_link_and_not_what_it_leads_to(home, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    settings = Settings()
    settings.uploads.mkdir()
    (settings.uploads / "link").symlink_to(outside)
    os.utime(settings.uploads / "link", (0, 0), follow_symlinks=False)
    os.utime(outside / "file", (0, 0))
    purge.purge_before(Store(home / "store"), settings, date(2026, 2, 1))
    assert (outside / "file").exists()
    assert not (settings.uploads / "link").is_symlink()


def test_purge_leaves_a_folder_whose_files_change_while_it_looks(home, monkeypatch):
    settings = Settings()
    folder = settings.uploads / "a"
    folder.mkdir(parents=True)
    monkeypatch.setattr(Path, "iterdir", lambda path: iter([path / "renamed-meanwhile"]))
    os.utime(folder, (0, 0))
    assert purge.purge_before(Store(home / "store"), settings, date(2026, 2, 1)).uploads == 0


def said(capsys) -> list[str]:
    """What the doctor found to be wrong."""
    assert main(["doctor", "--port", "1"]) == 1
    return [line[4:] for line in capsys.readouterr().out.splitlines() if line.startswith("BAD")]


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("KAKUSHIN_DEVICE", "abacus", "abacus"),
        ("KAKUSHIN_TIMEZONE", "Mars/Base", "Mars/Base"),
        ("KAKUSHIN_LOGIN", "/nowhere/login.toml", "/nowhere/login.toml cannot be read"),
    ],
)
def test_the_doctor_names_a_variable_that_cannot_be_used(
    home, monkeypatch, capsys, name, value, remedy
):
    (home / "models" / "m").rename(home / "models" / ".m")
    monkeypatch.setenv(name, value)
    (line,) = said(capsys)
    assert remedy in line


@pytest.mark.parametrize(("name", "value"), [("SESSIONS", "many"), ("FOUR_EYES", "perhaps")])
def test_a_variable_of_another_kind_is_a_sentence_at_every_verb(monkeypatch, capsys, name, value):
    monkeypatch.setenv(f"KAKUSHIN_{name}", value)
    for verb in (["runs"], ["doctor"], ["dashboard"]):
        assert main(verb) == 2
        assert f"KAKUSHIN_{name} '{value}' is not allowed" in capsys.readouterr().err


def test_the_doctor_names_every_broken_model_and_what_others_own(home, monkeypatch, capsys):
    (home / "models" / "other").mkdir()
    (home / "gate").mkdir()
    (home / "gate" / "tokens.json").write_text("[]")
    (home / "gate" / "tokens.json").chmod(0o644)
    lines = said(capsys)
    assert [word for word in ("'m'", "'other'") if any(word in line for line in lines)]
    assert len(lines) == 3
    assert any("tokens.json" in line and "chmod" in line for line in lines)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert any("chown" in line for line in said(capsys))


def test_the_doctor_speaks_without_the_packages_that_are_missing(home, monkeypatch, capsys):
    def installed(name):
        if name == "torch":
            raise checkup.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(checkup, "version", installed)
    monkeypatch.setitem(sys.modules, "torch", None)  # every import of it fails
    assert said(capsys) == ["packages are missing: torch; install requirements.txt"]
