"""Which device and number format to compute on. Knows nothing of models."""

import torch

from core.errors import SettingsError


def pick_device(name: str = "auto") -> torch.device:
    """Return the device of that name; `auto` prefers CUDA, then MPS, then the CPU. Raises SettingsError if it is not here."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as e:
        raise SettingsError(f"device {name!r} is not known: use auto, cpu, cuda, cuda:N or mps") from e
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False):
        raise SettingsError(f"device {name!r} is not on this machine: use auto or cpu")
    return device


def compute_dtype(device: torch.device) -> torch.dtype:
    """bf16 on a GPU that has it; else float32, which is what a CPU is fast at."""
    return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
