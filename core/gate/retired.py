"""Cases whose lines the gate's log has removed, as 8 bytes each, so that no id is decided twice.

The first 64 bits of a SHA-256 name a case: among 10 million cases a new id is refused wrongly with
a chance of 5e-13. One file, replaced whole. Knows no line and no decision.
"""

import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import StoreError
from core.files import write_atomic


@dataclass(frozen=True)
class RetiredCases:
    """The removed cases. hashes: sorted, [n] of uint64. scored, unscored: how many of them had a
    model's answer, and how many had none. segment: number of the last removed file, 0 for none.
    """

    hashes: NDArray[np.uint64]
    scored: int = 0
    unscored: int = 0
    segment: int = 0

    def __contains__(self, case_id: str) -> bool:
        """Return whether the case was removed."""
        if not len(self.hashes):
            return False
        place = np.searchsorted(self.hashes, number := _case_hash(case_id))
        return bool(place < len(self.hashes) and self.hashes[place] == number)

    def with_cases(
        self, case_ids: Collection[str], scored: int, unscored: int, segment: int
    ) -> "RetiredCases":
        """Return these and the cases of one more file; scored, unscored: how many of the file."""
        new = np.fromiter(map(_case_hash, case_ids), np.uint64, len(case_ids))
        hashes = np.union1d(self.hashes, new)
        return RetiredCases(hashes, self.scored + scored, self.unscored + unscored, segment)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all, and wait until it is on disk."""
        content = io.BytesIO()
        counts = np.array([self.scored, self.unscored, self.segment])
        np.savez(content, hashes=self.hashes, counts=counts)
        write_atomic(path, content.getvalue())


def read_retired(path: Path) -> RetiredCases:
    """Return the file's cases; none if there is no file. Raises StoreError for another file."""
    if not path.exists():
        return RetiredCases(np.zeros(0, np.uint64))
    try:
        with np.load(path, allow_pickle=False) as arrays:
            scored, unscored, segment = arrays["counts"].tolist()
            return RetiredCases(arrays["hashes"], scored, unscored, segment)
    except (ValueError, KeyError, OSError) as e:
        raise StoreError("gate.retired_unreadable", file=str(path)) from e


def _case_hash(case_id: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:8]))
