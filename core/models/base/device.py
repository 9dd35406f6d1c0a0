"""Which device, number format and batch size to compute with. Knows only the widths of a model."""

import atexit
import os

import torch
from accelerate import PartialState

from core.errors import SettingsError
from core.progress import process_place

CPU_TOKENS = 1024  # on 2 CPU cores larger batches are no faster
_GPU_TOKENS = 65_536  # above this a GPU's matrix products do not get faster
_GPU_SHARE = 0.4  # of the free memory, for one batch's activations


def pick_device(name: str = "auto") -> torch.device:
    """Return the device of that name; `auto` prefers CUDA, then MPS, then the CPU.

    Under torchrun or `accelerate launch`, `auto` is the process's own card. Raises SettingsError
    for an unknown device and for one that this machine lacks.
    """
    if name == "auto":
        cuda = f"cuda:{os.environ['LOCAL_RANK']}" if "LOCAL_RANK" in os.environ else "cuda"
        name = (
            cuda
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    try:
        device = torch.device(name)
    except RuntimeError as e:
        raise SettingsError("models.unknown_device", device=name) from e
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise SettingsError("models.no_device", device=name)
    return device


def barrier(device: torch.device) -> None:
    """Wait for all processes of torchrun or `accelerate launch`; return at once if alone."""
    if process_place()[1] > 1:
        PartialState(cpu=device.type == "cpu").wait_for_everyone()


@atexit.register
def _leave_the_others() -> None:
    """Leave the process group at exit.

    A process that exits inside a group may be aborted (SIGABRT), and torchrun then ends all
    processes.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def compute_dtype(device: torch.device) -> torch.dtype:
    """Return bf16 on a GPU that supports it, else float32, in which a CPU is fast."""
    return (
        torch.bfloat16
        if device.type == "cuda" and torch.cuda.is_bf16_supported()
        else torch.float32
    )


def tokens_per_batch(device: torch.device, hidden: int, inner: int) -> int:
    """Return how many tokens to evaluate at once: limited by a CPU's caches or a GPU's free memory.

    hidden, inner: widths of the model. A token's activations in one block are about 8 hidden states
    and 3 inner ones of 2 bytes.
    """
    if device.type != "cuda":
        return CPU_TOKENS
    free, _total = torch.cuda.mem_get_info(device)
    return max(
        CPU_TOKENS, min(_GPU_TOKENS, int(_GPU_SHARE * free / (2 * (8 * hidden + 3 * inner))))
    )
