"""What a click on a download needs, kept until the browser has it: what makes the file, and the file.

Streamlit 1.67 drops a file at the second end of any run of any page, and each open page runs a part
of itself every two seconds: on a busy server a file was gone before its request came. And it drops
what makes the file as the next run of the page ends, when the browser still shows the button of the
run before: such a click gave nothing, without a word. Knows no page.
"""

import time
from collections.abc import Callable

from streamlit.runtime import memory_media_file_storage, runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorage

# From the moment at which Streamlit would have dropped it: a file, and what makes it. The second is
# less: a browser shows the next run's button within seconds, and each run of a page has its own.
KEPT_SECONDS, CLICKABLE_SECONDS = 60.0, 15.0


class DownloadStorage(memory_media_file_storage.MemoryMediaFileStorage):
    """Streamlit's storage in memory, in which a download outlives its deletion by a minute.

    Streamlit's manager calls it under a lock of its own. now: seconds of a clock.
    """

    def __init__(self, media_endpoint: str, now: Callable[[], float] = time.monotonic):
        super().__init__(media_endpoint)
        self._now, self._deleted = now, dict[str, float]()  # file id -> when

    def load_and_get_id(
        self,
        path_or_data: str | bytes,
        mimetype: str,
        kind: MediaFileKind,
        filename: str | None = None,
    ) -> str:
        """Add a file and return its id; a file that was deleted is new again."""
        self._drop_old_files()
        file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
        self._deleted.pop(file_id, None)
        return file_id

    def delete_file(self, file_id: str) -> None:
        """Delete a file, a download a minute later, at the next call after it."""
        self._drop_old_files()
        file = self._files_by_id.get(file_id)
        if file is not None and file.kind == MediaFileKind.DOWNLOADABLE:
            self._deleted[file_id] = self._now()
        else:
            super().delete_file(file_id)

    def _drop_old_files(self) -> None:
        oldest = self._now() - KEPT_SECONDS
        for file_id in [name for name, when in self._deleted.items() if when < oldest]:
            del self._deleted[file_id]
            super().delete_file(file_id)


class DownloadManager(MediaFileManager):
    """Streamlit's manager, in which a button that a later run has replaced can be clicked a while.

    The file is then what the screen showed at the click. Streamlit itself withdraws a button that is
    drawn disabled, at once. now: seconds of a clock.
    """

    def __init__(self, storage: MediaFileStorage, now: Callable[[], float] = time.monotonic):
        super().__init__(storage)
        self._now, self._replaced = now, dict[str, float]()  # id of what makes a file -> since when

    def _remove_orphaned_deferred_callables(self) -> None:
        """Drop what makes files, CLICKABLE_SECONDS after no page has had it any more.

        Streamlit calls it under the manager's lock.
        """
        in_use = {
            file_id for ids in self._files_by_session_and_coord.values() for file_id in ids.values()
        }
        moment, before = self._now(), self._replaced
        self._replaced = {
            file_id: before.get(file_id, moment)
            for file_id in self._deferred_callables
            if file_id not in in_use
        }
        for file_id, since in self._replaced.items():
            if moment - since > CLICKABLE_SECONDS:
                self._drop_deferred_id(file_id)


def keep_downloads() -> None:
    """Let every server of this process that starts from now on keep its downloads."""
    # Streamlit's application takes the classes from these modules and has no setting for others.
    memory_media_file_storage.MemoryMediaFileStorage = DownloadStorage  # type: ignore[misc]
    runtime.MediaFileManager = DownloadManager  # type: ignore[misc]
