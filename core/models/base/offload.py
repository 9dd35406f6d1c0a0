"""A base that does not fit: the blocks below the cut stay on disk or in main memory.

They are frozen, adapters touch none of them, and a training runs them once for each case, so that
they may be slow: accelerate's hooks bring a block's weights to the device for its forward alone.
From disk they are read out of the base's own safetensors files. All else lies on the device, and
must fit there.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psutil
import torch
from accelerate import init_empty_weights
from accelerate.hooks import remove_hook_from_module
from torch import nn
from transformers import AutoModel, PreTrainedModel

from core.models.base.architecture import POOLED, find_blocks
from core.models.base.sources import config_folder, no_bar

ROOM = 0.8  # of the free memory, for weights; the rest is for states


def load_model(
    source: str, config: Any, cut: Callable[[int], int], device: torch.device, dtype: torch.dtype
) -> tuple[PreTrainedModel, bool]:
    """Return the model in evaluation mode, and whether blocks below the cut are not on the device.

    source: local folder or Hugging Face name; safetensors only, without remote code. config: of it.
    cut: number of blocks -> number of the first block above the cut. device, dtype: of the weights.
    Raises what transformers raises.
    """
    # Loading a model must not run code from its folder, hence neither remote code nor pickles.
    options = {"config": config, "trust_remote_code": False, "use_safetensors": True}
    extra: dict = {"add_pooling_layer": False} if config.model_type in POOLED else {}
    blocks = getattr(config, "num_hidden_layers", 0)
    first = cut(blocks) if blocks else 0  # a model without blocks is refused by the Backbone
    place = trunk_place(source, stored_dtype(config), dtype, device) if first > 0 else ""
    mapped = {"device_map": device_map(config, extra, first, device, place)} if place else {}
    with no_bar():
        model = AutoModel.from_pretrained(source, dtype=dtype, **options, **extra, **mapped)
    if place:
        release_top(model, first)
        return model.eval(), True
    return model.to(device).eval(), False


def free_bytes(device: torch.device) -> int:
    """Return the device's free memory in bytes; that of "cpu" is the machine's."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)


def trunk_place(source: str, stored: torch.dtype, dtype: torch.dtype, device: torch.device) -> str:
    """Return where the blocks below the cut go: "" for the device itself, "cpu" or "disk".

    source: of the base. stored, dtype: number formats of its files and of the loaded weights.
    """
    files = config_folder(source).glob("*.safetensors")
    needed = sum(path.stat().st_size for path in files) * dtype.itemsize / stored.itemsize
    if needed <= ROOM * free_bytes(device):
        return ""
    main = torch.device("cpu")
    # Where the device is the machine's own memory, that has no room either.
    if device.type != "cpu" and needed <= ROOM * free_bytes(main):
        return main.type
    return "disk"


def device_map(config: Any, extra: dict, cut: int, device: torch.device, place: str) -> dict:
    """Return the device of each part of the model as transformers' from_pretrained takes them.

    config, extra: of the model, as AutoModel takes them. cut: first block that is on the device.
    place: of the blocks below it.
    """
    with init_empty_weights():
        model = AutoModel.from_config(config, **extra)
    name, _ = find_blocks(model)
    below = {f"{name}.{i}": place for i in range(cut)}
    others = {part: str(device) for part in _parts_outside(model, "", set(below))}
    return others | below


def release_top(model: PreTrainedModel, cut: int) -> None:
    """Take accelerate's hooks from all parts of a mapped model but the blocks below the cut.

    They would keep adapters from replacing maps. The parts lie on the device already.
    """
    name, _ = find_blocks(model)
    for part in _parts_outside(model, "", {f"{name}.{i}" for i in range(cut)}):
        remove_hook_from_module(model.get_submodule(part), recurse=True)


def _parts_outside(module: nn.Module, name: str, below: set[str]) -> Iterator[str]:
    """Yield the names of the largest parts of a module that hold none of the blocks `below`."""
    if name in below:
        return
    # The model itself is split, although without a block below the cut it could be one part.
    if name and not any(block.startswith(f"{name}.") for block in below):
        yield name
        return
    for child, part in module.named_children():
        yield from _parts_outside(part, f"{name}.{child}" if name else child, below)


def stored_dtype(config: Any) -> torch.dtype:
    """Return the number format of a base's files, by its configuration."""
    dtype = getattr(config, "dtype", None)
    return dtype if isinstance(dtype, torch.dtype) else torch.float32
