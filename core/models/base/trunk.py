"""The frozen trunk's output, computed once for each case and read by epochs, samples and models.

With a folder, the states are in files there, read through the page cache: the point estimate, its
teacher and its student share them, and memory stays bounded for long texts. A file holds a part of
the texts and its name comes from them: processes of torchrun compute a share of the parts each.
Memory or disk: tokens * hidden size * 4 bytes; 5,000 work orders of 8 tokens on MiniLM are 61 MB.
Knows no labels and no training.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from core.files import fresh_file
from core.models.base.backbone import Backbone
from core.models.base.batches import pad, plan_batches, token_batches
from core.models.base.device import barrier
from core.models.base.memory import by_halves
from core.progress import ProgressBar, process_place

_Text = TypeVar("_Text")  # a text, or its tokens
# Bytes of states in a folder; above it, the least recently used files are deleted.
DISK_BUDGET = 8 << 30
PART_TEXTS = 1000  # of a file, at least: 8 tokens a text on MiniLM are 12 MB
MOST_PARTS = 256  # of a list: a mapped file is an open one, and a process may have 1,024


@dataclass(frozen=True)
class TrunkCache:
    """Hidden states that enter the cut, one [T_i, d] for each text, in the texts' order.

    offsets: logits [n, K] that are added to those of every head, such as a surface term's; None
    adds nothing.
    """

    states: Sequence[Tensor]
    offsets: Tensor | None = None

    def __len__(self) -> int:
        return len(self.states)

    def at(self, index: Sequence[int] | np.ndarray) -> "TrunkCache":
        """Return the cache of those texts alone; their states are shared, not copied."""
        offsets = None if self.offsets is None else self.offsets[torch.as_tensor(np.asarray(index))]
        return TrunkCache([self.states[i] for i in index], offsets)

    def with_offsets(self, offsets: Tensor) -> "TrunkCache":
        """Return the cache with offsets [n, K] of the texts' logits."""
        return replace(self, offsets=offsets)

    def joined(self, after: "TrunkCache") -> "TrunkCache":
        """Return these texts followed by those of `after`, without offsets."""
        return TrunkCache([*self.states, *after.states])

    def offset(
        self, index: Sequence[int] | np.ndarray, device: torch.device | None = None
    ) -> Tensor | float:
        """Return the offsets [B, K] of those texts' logits, or 0."""
        return (
            0.0
            if self.offsets is None
            else self.offsets[torch.as_tensor(np.asarray(index))].to(device)
        )

    @property
    def lengths(self) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(s) for s in self.states]

    def batch(
        self, index: Sequence[int] | np.ndarray, device: torch.device
    ) -> tuple[Tensor, Tensor | None]:
        """Return those texts' padded states [B, T, d] and mask [B, T], None without padding."""
        hidden, mask = pad([self.states[i] for i in index])
        return hidden.to(device), None if mask is None else mask.to(device)


@torch.no_grad()  # not inference mode: its tensors may not enter a backward pass
def cache_trunk(
    backbone: Backbone,
    texts: Sequence[str],
    truncate: bool = False,
    tokens_per_batch: int | None = None,
    progress: str | None = None,
    folder: Path | None = None,
    part_texts: int | None = None,
) -> TrunkCache:
    """Return the trunk's states of the texts, computed or read from an earlier call in `folder`.

    With a folder, all processes of torchrun must call it, and each computes a share of the parts.

    backbone: whose trunk runs. truncate: read the beginning of texts that are too long.
    tokens_per_batch: None is the device's. progress: name of the bar, None for no bar. folder: of
    the files by base, cut and texts; None keeps the states in memory. part_texts: of a file; None
    is part_size's. Raises CasesError for a text that is too long, unless `truncate`.
    """
    ids = backbone.tokens(texts, truncate)
    if not ids or folder is None:
        states: dict[int, Tensor] = {}
        off = progress is None
        with ProgressBar(total=len(ids), desc=progress, unit=" texts", disable=off) as bar:
            for i, state in _computed(backbone, ids, tokens_per_batch, bar):
                states[i] = state.clone()  # a view would keep the whole batch alive
        return TrunkCache([states[i] for i in range(len(ids))])
    size = part_texts or part_size(len(ids))
    parts = in_parts(ids, size)
    paths = [folder / f"{_key(backbone, part)}.npy" for part in parts]
    _make_room(backbone, paths, parts)
    number, processes = process_place()
    numbers = range(number, len(parts), processes)
    share = [(paths[i], parts[i]) for i in numbers if not paths[i].is_file()]
    total = sum(len(part) for _, part in share)
    off = progress is None or not share
    with ProgressBar(total=total, desc=progress, unit=" texts", disable=off) as bar:
        for path, part in share:
            _write(path, backbone, part, _computed(backbone, part, tokens_per_batch, bar))
    barrier(backbone.device)
    mapped = [_mapped(path, backbone, part) for path, part in zip(paths, parts, strict=True)]
    return TrunkCache([state for states in mapped for state in states])


def map_part(
    backbone: Backbone, texts: Sequence[str], truncate: bool, folder: Path | None
) -> TrunkCache:
    """Return the states of one part of a list, as cache_trunk, but for this process alone.

    texts: of the part. Other parameters and errors as of cache_trunk.
    """
    if folder is None:
        return cache_trunk(backbone, texts, truncate)
    ids = backbone.tokens(texts, truncate)
    folder.mkdir(parents=True, exist_ok=True)
    return TrunkCache(_mapped(folder / f"{_key(backbone, ids)}.npy", backbone, ids))


def in_parts(texts: list[_Text], size: int) -> list[list[_Text]]:
    """Return the texts in parts of `size`, the last one with what is left.

    >>> in_parts([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def part_size(texts: int) -> int:
    """Return how many of a list's `texts` a file of states holds.

    >>> part_size(5000), part_size(1_000_000)
    (1000, 3907)
    """
    return max(PART_TEXTS, -(-texts // MOST_PARTS))


def _mapped(path: Path, backbone: Backbone, ids: list[list[int]]) -> Sequence[Tensor]:
    """Return the states of a part, [T_i, d] each; computed again if its file was deleted."""
    if not path.is_file():
        _write(path, backbone, ids, _computed(backbone, ids, None, ProgressBar(disable=True)))
    os.utime(path)  # marks the latest use, for _make_room
    # "c" maps the file's pages copy-on-write: torch warns of read-only arrays, and nothing is ever
    # written back to the file.
    flat = torch.from_numpy(np.load(path, mmap_mode="c"))
    return flat.view(backbone.model.dtype).split([len(x) for x in ids])


def _computed(
    backbone: Backbone, ids: list[list[int]], tokens_per_batch: int | None, bar: ProgressBar
) -> Iterator[tuple[int, Tensor]]:
    """Yield every text's position and state [T_i, d], in the batches' order."""
    for batch in token_batches(ids, backbone.device, tokens_per_batch or backbone.tokens_per_batch):
        hidden = by_halves(backbone.trunk, batch.ids, batch.mask)
        yield from ((i, row[: len(ids[i])]) for row, i in zip(hidden, batch.index, strict=True))
        bar.update(len(batch.index))


def _key(backbone: Backbone, ids: list[list[int]]) -> str:
    """Return the sha256 of what the states depend on: base, cut, number format and tokens."""
    # Tokens instead of texts, so that truncation and the read-out's prompt are part of the key.
    about = f"{backbone.sha256} {backbone.cut} {backbone.model.dtype} {ids}"
    return hashlib.sha256(about.encode()).hexdigest()


def _write(
    path: Path, backbone: Backbone, ids: list[list[int]], states: Iterator[tuple[int, Tensor]]
) -> None:
    """Write the states in the texts' order; the file appears complete or not at all."""
    ends = np.cumsum([len(x) for x in ids])
    bf16 = backbone.model.dtype == torch.bfloat16  # numpy has no such numbers
    shape = (int(ends[-1]), backbone.hidden_size)
    kind = np.uint16 if bf16 else np.float32
    # States that are lost in a power cut are computed again, so nothing waits for the disk.
    with fresh_file(path, durable=False) as part:
        flat = np.lib.format.open_memmap(part, mode="w+", dtype=kind, shape=shape)
        for i, state in states:
            flat[ends[i] - len(ids[i]) : ends[i]] = (
                state.contiguous().view(torch.uint16 if bf16 else torch.float32).cpu().numpy()
            )
        flat.flush()


def _make_room(backbone: Backbone, paths: list[Path], parts: list[list[list[int]]]) -> None:
    """Delete the least recently used states, not those of `paths`, until all fit DISK_BUDGET.

    parts: the tokens of the states that `paths` are to hold.
    """
    folder = paths[0].parent
    folder.mkdir(parents=True, exist_ok=True)
    others = []
    for path in set(folder.glob("*.npy*")) - set(paths):
        with suppress(FileNotFoundError):  # another process deleted or renamed it
            others.append((path.stat().st_mtime, path.stat().st_size, path))
    # 4 bytes a number is an upper bound: bf16 takes 2.
    needed = sum(len(x) for part in parts for x in part) * backbone.hidden_size * 4
    total = needed + sum(size for _, size, _ in others)
    for _, size, path in sorted(others):
        if total <= DISK_BUDGET:
            return
        total -= size
        # A reader keeps its mapping of a deleted file; another process may have deleted it first.
        path.unlink(missing_ok=True)


@torch.inference_mode()
def top_states(backbone: Backbone, cache: TrunkCache) -> np.ndarray:
    """Return the read-out states of the cached cases, float32 [n, d], by the blocks above the cut.

    Adapters that are attached count.
    """
    states = np.zeros((len(cache), backbone.hidden_size), dtype=np.float32)
    for index in plan_batches(cache.lengths, backbone.tokens_per_batch):
        batch = cache.batch(index, backbone.device)
        states[index] = by_halves(backbone.top, *batch).float().cpu().numpy()
    return states
