"""What a server prepares before its first reader (dashboard.warm_up)."""

import shutil

import pytest

from core.store.store import Store
from dashboard.decide import live
from dashboard.warm_up import warm_up


@pytest.mark.page("decide")
def test_the_first_reader_finds_the_texts_of_the_handle_ready(
    open_page, homes, tmp_path, monkeypatch
):
    # a copy: other tests have opened the shared store in this process
    home = shutil.copytree(homes["full"], tmp_path / "home")
    monkeypatch.setenv("KAKUSHIN_HOME", str(home))
    warm_up()
    monkeypatch.setattr(live, "contents", lambda *_: pytest.fail("computed again"))
    for language in ("ja", "en"):
        assert not open_page(home, lang=language).exception


def test_a_store_without_runs_needs_no_preparation(tmp_path, monkeypatch):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    Store(tmp_path / "store").runs()
    assert warm_up() is None


def test_a_workspace_without_a_store_gets_none(tmp_path, monkeypatch):
    """A backup is restored only into a workspace without a store."""
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    warm_up()
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_that_the_system_refuses_is_left_to_the_page(tmp_path, monkeypatch):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path / ("long" * 100)))
    assert warm_up() is None
