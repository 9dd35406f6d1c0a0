"""Which device, number format and batch to compute with. Knows of models their widths only."""

import atexit
import os

import torch
from accelerate import PartialState

from core.errors import SettingsError

CPU_TOKENS = 1024  # on 2 CPU cores larger batches are no faster
_GPU_TOKENS = 65_536  # beyond this a GPU's matrix products are not faster either
_GPU_SHARE = 0.4  # of the free memory, for one batch's activations


def pick_device(name: str = "auto") -> torch.device:
    """Return the device of that name; `auto` prefers CUDA, then MPS, then the CPU. Raises
    SettingsError if it is not here.

    Under torchrun or `accelerate launch`, `auto` is the process's own card.
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
    """Under torchrun or `accelerate launch`, go on when every process has come here; alone, at
    once.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        PartialState(cpu=device.type == "cpu").wait_for_everyone()


@atexit.register
def _leave_the_others() -> None:
    """A process that exits while it is still in a group of them may be aborted (SIGABRT), and
    torchrun then ends all.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def compute_dtype(device: torch.device) -> torch.dtype:
    """bf16 on a GPU that has it; else float32, which is what a CPU is fast at."""
    return (
        torch.bfloat16
        if device.type == "cuda" and torch.cuda.is_bf16_supported()
        else torch.float32
    )


def tokens_per_batch(device: torch.device, hidden: int, inner: int) -> int:
    """How many tokens to evaluate at once: what a CPU's caches hold, or what a GPU's free memory
    does.

    A token's activations in one block are about 8 hidden states and 3 inner ones of 2 bytes.
    """
    if device.type != "cuda":
        return CPU_TOKENS
    free, _total = torch.cuda.mem_get_info(device)
    return max(
        CPU_TOKENS, min(_GPU_TOKENS, int(_GPU_SHARE * free / (2 * (8 * hidden + 3 * inner))))
    )
