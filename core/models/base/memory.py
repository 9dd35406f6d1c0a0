"""What to do when a device's memory does not hold a batch: the same work in halves. Knows no model.

Whether an exception means "out of memory" is accelerate's to say: every backend words it in its own
way.
"""

from collections.abc import Callable

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor

from core.errors import ModelError


def out_of_memory(error: Exception) -> bool:
    """Whether the device ran out of memory; if so its cache is emptied, so that a smaller batch
    finds room.
    """
    if not should_reduce_batch_size(error):
        return False
    clear_device_cache(garbage_collection=True)
    return True


def by_halves(
    run: Callable[[Tensor, Tensor | None], Tensor], x: Tensor, mask: Tensor | None, dim: int = 0
) -> Tensor:
    """run(x, mask) for all of x [B, ...] and mask [B, T]; where memory does not hold it, for its
    halves, and theirs.

    `dim`: where the cases lie in the result. Raises ModelError where a single case does not fit.
    """
    try:
        return run(x, mask)
    except RuntimeError as e:
        if not out_of_memory(e):
            raise
        if len(x) == 1:
            raise ModelError("models.case_too_large", n=x.shape[1], reason=str(e)) from e
    middle = (
        len(x) // 2
    )  # outside the handler: its traceback would keep the failed call's tensors alive
    parts = (slice(0, middle), slice(middle, None))
    return torch.cat(
        [by_halves(run, x[p], None if mask is None else mask[p], dim) for p in parts], dim
    )
