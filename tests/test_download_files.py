"""A download's file is there for a minute after Streamlit drops it, and then gone; a button that the
next run of its page has replaced works for some seconds.
"""

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError

from dashboard.download_files import (
    CLICKABLE_SECONDS,
    KEPT_SECONDS,
    DownloadManager,
    DownloadStorage,
)


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def storage(clock):
    return DownloadStorage("/media", lambda: clock[0])


def add(storage, content: bytes, kind=MediaFileKind.DOWNLOADABLE) -> str:
    return storage.load_and_get_id(content, "text/csv", kind, "a.csv")


def test_a_download_outlives_two_runs_of_the_page(storage, monkeypatch):
    module = "streamlit.runtime.media_file_manager"
    monkeypatch.setattr(f"{module}._get_session_id", lambda: "session")
    manager = MediaFileManager(storage)
    made = manager.add_deferred(lambda: b"a,b\n", "text/csv", "0.1", "a.csv")
    name = manager.execute_deferred(made).rpartition("/")[2]
    for _ in range(3):  # at the end of a run, Streamlit marks the file, then deletes it
        manager.remove_orphaned_files()
    assert storage.get_file(name).content == b"a,b\n"


def test_a_minute_later_it_is_gone_at_the_next_call(storage, clock):
    first = add(storage, b"first")
    storage.delete_file(first)
    clock[0] = KEPT_SECONDS
    add(storage, b"second")
    assert storage.get_file(first).content == b"first"
    clock[0] = KEPT_SECONDS + 0.1
    add(storage, b"third")
    with pytest.raises(MediaFileStorageError, match="No media file"):
        storage.get_file(first)


def test_a_file_that_is_made_again_is_not_dropped_by_its_earlier_deletion(storage, clock):
    first = add(storage, b"first")
    storage.delete_file(first)
    assert add(storage, b"first") == first
    clock[0] = 10 * KEPT_SECONDS
    add(storage, b"second")
    assert storage.get_file(first).content == b"first"


def test_a_picture_of_a_page_goes_at_once(storage):
    picture = add(storage, b"picture", MediaFileKind.MEDIA)
    storage.delete_file(picture)
    with pytest.raises(MediaFileStorageError, match="No media file"):
        storage.get_file(picture)


@pytest.fixture
def manager(storage, clock, monkeypatch):
    monkeypatch.setattr("streamlit.runtime.media_file_manager._get_session_id", lambda: "session")
    return DownloadManager(storage, lambda: clock[0])


def draw(manager, content: bytes) -> str:
    """What a run of the page does: it draws the button anew, and Streamlit cleans up after it."""
    manager.clear_session_refs("session")
    made = manager.add_deferred(lambda: content, "text/csv", "0.1", "a.csv", element_id="button")
    manager.remove_orphaned_files()
    return made


def fetched(manager, storage, made: str) -> bytes:
    return storage.get_file(manager.execute_deferred(made).rpartition("/")[2]).content


def test_a_button_that_the_next_runs_have_replaced_gives_what_the_screen_showed(
    manager, storage, clock
):
    first = draw(manager, b"first")
    second = draw(manager, b"second")
    clock[0] = CLICKABLE_SECONDS
    third = draw(manager, b"third")
    contents = [fetched(manager, storage, made) for made in (first, second, third)]
    assert contents == [b"first", b"second", b"third"]
    clock[0] += 0.1  # the second was replaced only now
    draw(manager, b"fourth")
    with pytest.raises(MediaFileStorageError, match="not found"):
        manager.execute_deferred(first)
    assert fetched(manager, storage, second) == b"second"


def test_a_button_that_is_drawn_disabled_is_withdrawn_at_once(manager):
    made = draw(manager, b"first")
    manager.remove_deferred("0.1", element_id="button")
    manager.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError, match="not found"):
        manager.execute_deferred(made)
