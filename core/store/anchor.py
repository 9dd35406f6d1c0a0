"""Key and anchor of the audit trail, two files outside of the database.

trail.key: the key of the trail's hashes, made with the first entry. trail.anchor: count and head of
the chain at the last commit, with a keyed hash of both. Without the key no entry can be forged;
without the anchor the newest entries could be cut off. Both protect against a person who can write
the database, not against one who also reads the key: keep a copy of the key, and note count and
head elsewhere. Knows no entry.
"""

import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from core.errors import SettingsError, StoreError
from core.files import fresh_file, make_file_once, sync_path

TRAIL_KEY_FILE, TRAIL_ANCHOR_FILE = "trail.key", "trail.anchor"
GENESIS = "0" * 64  # the hash before the first entry
_KEY_BYTES = 32


@dataclass(frozen=True)
class ChainEnd:
    """Number of entries, and the hash of the last one."""

    count: int
    head: str


def read_chain_end(text: str) -> ChainEnd:
    """Return the end that a text COUNT:HEAD names. Raises SettingsError."""
    count, _, head = text.partition(":")
    if not (count.isascii() and count.isdigit() and len(head) == len(GENESIS)):
        raise SettingsError("store.trail_noted", text=text)
    return ChainEnd(int(count), head)


class TrailAnchor:
    """The two files in the store's folder."""

    def __init__(self, folder: Path):
        self.key_path, self.path = folder / TRAIL_KEY_FILE, folder / TRAIL_ANCHOR_FILE

    def key(self) -> bytes:
        """Return the key. Raises StoreError if it is missing or unreadable."""
        try:
            key = bytes.fromhex(self.key_path.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as e:
            reason = getattr(e, "strerror", None) or str(e)
            raise StoreError("store.trail_key", file=str(self.key_path), reason=reason) from e
        if len(key) < _KEY_BYTES:
            raise StoreError("store.trail_key", file=str(self.key_path), reason=f"{len(key)} B")
        return key

    def create(self) -> None:
        """Make a key and the anchor of an empty chain; does nothing if there is a key already."""
        if make_file_once(self.key_path, secrets.token_hex(_KEY_BYTES)):
            self.write(ChainEnd(0, GENESIS))

    def read(self) -> ChainEnd:
        """Return the anchored end. Raises StoreError for a missing, broken or forged anchor."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            end = ChainEnd(int(content["count"]), str(content["head"]))
            mark = str(content["mark"])
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise StoreError("store.trail_anchor", file=str(self.path)) from e
        if not hmac.compare_digest(mark.encode(), self._mark(end).encode()):
            raise StoreError("store.trail_anchor", file=str(self.path))
        return end

    def write(self, end: ChainEnd) -> None:
        """Replace the anchor. Raises OSError."""
        content = {"count": end.count, "head": end.head, "mark": self._mark(end)}
        # The content is on disk before it has the name. The name itself may be lost in a power cut:
        # an older anchor still holds for the entries up to it.
        with fresh_file(self.path, durable=False) as fresh:
            fresh.write_text(json.dumps(content), encoding="utf-8")
            sync_path(fresh)

    def _mark(self, end: ChainEnd) -> str:
        return hmac.digest(self.key(), f"anchor {end.count} {end.head}".encode(), "sha256").hex()
