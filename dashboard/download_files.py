"""The files that a click on a download makes, kept until the browser has fetched them.

Streamlit 1.67 drops such a file at the second end of any run of any page, and each open page runs a
part of itself every two seconds: on a busy server a file was gone before its request came. Knows no
page.
"""

import time
from collections.abc import Callable

from streamlit.runtime import memory_media_file_storage
from streamlit.runtime.media_file_storage import MediaFileKind

KEPT_SECONDS = 60.0  # from the last moment at which Streamlit would have dropped it


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


def keep_downloads() -> None:
    """Let every server of this process that starts from now on keep its downloads."""
    # Streamlit's application takes the class from its module and has no setting for another.
    memory_media_file_storage.MemoryMediaFileStorage = DownloadStorage  # type: ignore[misc]
