"""A teacher's N models as N PEFT LoRA adapters, which other engines load on top of one base.

Each draw of the posterior is one folder in PEFT's own layout, so that peft, or an engine that
serves many adapters on one base (vLLM's multi-LoRA), samples the teacher without this project. What
PEFT has no field for is in draws.json and heads.safetensors: the base's hash, the read-out, the
labels and every model's head. Knows teachers and files; does not know where a workspace keeps them.
"""

import json
from pathlib import Path

from peft import LoraConfig
from safetensors.torch import save_file
from torch import Tensor

from core.errors import ModelError
from core.files import replace_folder, write_atomic
from core.models.base.backbone import ANSWER, Backbone
from core.models.base.card import ModelCard
from core.models.base.pooling import MEAN
from core.models.scoring.posterior import Draws
from core.models.scoring.scorers import Teacher

DRAWS_FILE = "draws.json"
HEADS = "heads.safetensors"


def export_draws(folder: Path, card: ModelCard, teacher: Teacher) -> list[str]:
    """Write the teacher's N models into `folder`, completely or not at all; return their names.

    folder: an earlier export in it is replaced. card: of the teacher. The folders draw-000,
    draw-001, ... hold A [r, in] and B [out, r] of every adapted map in float32; B holds the
    adapters' scale, so dW = B A. heads.safetensors holds weight [N, K, d] and bias [N, K], divided
    by the teacher's temperature. Raises ModelError for a teacher with a surface term, whose logits
    no adapter can hold, and for a folder with other content, which would be lost.
    """
    if teacher.surface is not None:
        raise ModelError("models.surface_not_exported", model=card.name)
    is_export = (folder / DRAWS_FILE).is_file()
    if folder.exists() and not is_export and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError("models.export_folder_taken", folder=folder)
    draws = teacher.draws()
    names = [f"draw-{i:03d}" for i in range(len(draws))]

    def fill(fresh: Path) -> None:
        for i, name in enumerate(names):
            _write_adapter(fresh / name, draws.only(i), card, teacher.backbone)
        save_file(_heads(draws), fresh / HEADS)
        content = json.dumps(_manifest(card, names), indent=2, ensure_ascii=False)
        write_atomic(fresh / DRAWS_FILE, content)

    replace_folder(folder, fill)
    return names


def _write_adapter(folder: Path, draw: Draws, card: ModelCard, backbone: Backbone) -> None:
    """Write one draw, N = 1, as PEFT reads it."""
    folder.mkdir()
    # A causal LM is served with its output layer, and its blocks are then one level deeper.
    inner = f"{backbone.model.base_model_prefix}." if backbone.causal else ""
    names = {name: f"{inner}{name}" for name in draw.a}
    rank = next(iter(draw.a.values())).shape[1]
    config = LoraConfig(
        r=rank,
        lora_alpha=rank,  # PEFT's factor is then 1, and B takes the scale, which may be no integer
        lora_dropout=0.0,
        bias="none",
        target_modules=sorted(names.values()),
        task_type="CAUSAL_LM" if backbone.causal else "FEATURE_EXTRACTION",
        base_model_name_or_path=backbone.source,
        inference_mode=True,
    )
    config.save_pretrained(str(folder))
    tensors = {}
    for name, target in names.items():
        b = draw.b[name][0] if draw.b[name].dim() == 3 else draw.b[name]
        tensors[f"base_model.model.{target}.lora_A.weight"] = _portable(draw.a[name][0])
        tensors[f"base_model.model.{target}.lora_B.weight"] = _portable(card.scale * b)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def _portable(tensor: Tensor) -> Tensor:
    """Return a float32 copy on the CPU that owns its memory, as safetensors wants it."""
    return tensor.detach().float().cpu().contiguous().clone()


def _heads(draws: Draws) -> dict[str, Tensor]:
    """Return weight [N, K, d] and bias [N, K]; a head that all draws share is repeated."""
    n = len(draws)
    weight = draws.weight if draws.weight.dim() == 3 else draws.weight.expand(n, -1, -1)
    bias = draws.bias if draws.bias.dim() == 2 else draws.bias.expand(n, -1)
    return {"weight": _portable(weight), "bias": _portable(bias)}


def _manifest(card: ModelCard, names: list[str]) -> dict:
    """Return what an engine needs in addition to the adapters."""
    return {
        "teacher": card.name,
        "teacher_hash": card.hash,
        "base": card.base,
        "base_sha256": card.base_sha256,
        "readout": card.readout,
        "pooling": card.pooling,
        # An averaged state is scaled to this before the head (core.models.base.pooling.mean_state).
        "pooled_mean_square": 1.0 if card.pooling == MEAN else None,
        "prompt_ends_with": ANSWER if card.readout == "choice" else "",
        "labels": list(card.labels),
        "seed": card.seed,
        "heads": HEADS,
        "draws": names,
    }
