"""Pooled states of a frozen base: the input of the plainest rival, and of a head's start.

The read-out is the base's own (core.models.base.pooling), scaled to a mean square of 1. All blocks
run as they were pre-trained, without adapters. Knows no labels and no classifier.
"""

from collections.abc import Sequence

import numpy as np
import torch

from core.models.base.backbone import Backbone, load_backbone
from core.models.base.batches import token_batches
from core.models.base.device import compute_dtype
from core.models.base.memory import by_halves
from core.progress import ProgressBar


def load_frozen(source: str, device: torch.device, readout: str = "classify") -> Backbone:
    """Return the base as it was pre-trained, cut below its last block. Raises ModelError."""
    return load_backbone(source, lambda depth: depth - 1, device, compute_dtype(device), readout)


@torch.inference_mode()
def pooled_states(
    backbone: Backbone, texts: Sequence[str], truncate: bool = False, progress: str | None = None
) -> np.ndarray:
    """Return the pooled state of each text, float32 [n, d], in the texts' order.

    backbone: without adapters. truncate: read the beginning of texts that are too long, which raise
    CasesError otherwise. progress: the bar's caption, None for no bar.
    """
    ids = backbone.tokens(texts, truncate)
    states = np.zeros((len(ids), backbone.hidden_size), dtype=np.float32)

    with ProgressBar(total=len(ids), desc=progress, unit=" texts", disable=progress is None) as bar:
        for batch in token_batches(ids, backbone.device, backbone.tokens_per_batch):
            states[batch.index] = by_halves(backbone, batch.ids, batch.mask).float().cpu().numpy()
            bar.update(len(batch.index))
    # The bound keeps a state of zeros from becoming 0 / 0.
    return states / np.sqrt(np.maximum((states**2).mean(1, keepdims=True), 1e-12))
