"""Run a batch in halves when the device's memory does not hold it. Knows no model.

accelerate decides whether an exception means "out of memory": every backend words it differently.
"""

from collections.abc import Callable

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor

from core.errors import ModelError


def out_of_memory(error: Exception) -> bool:
    """Return whether the error is the device running out of memory; if so, empty its cache.

    A smaller batch then finds room.
    """
    if not should_reduce_batch_size(error):
        return False
    clear_device_cache(garbage_collection=True)
    return True


def by_halves(
    run: Callable[[Tensor, Tensor | None], Tensor], x: Tensor, mask: Tensor | None, dim: int = 0
) -> Tensor:
    """Return run(x, mask) for all of x [B, ...], in halves of halves where memory requires it.

    run: computes x and its mask. mask: [B, T], None when nothing is padded. dim: the axis of the
    cases in the result. Raises ModelError if a single case does not fit.
    """
    try:
        return run(x, mask)
    except RuntimeError as e:
        if not out_of_memory(e):
            raise
        if len(x) == 1:
            raise ModelError("models.case_too_large", n=x.shape[1], reason=str(e)) from e
    # Outside the handler, whose traceback would keep the failed call's tensors alive.
    middle = len(x) // 2
    parts = (slice(0, middle), slice(middle, None))
    return torch.cat(
        [by_halves(run, x[p], None if mask is None else mask[p], dim) for p in parts], dim
    )
