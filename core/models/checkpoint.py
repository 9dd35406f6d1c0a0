"""Models as folders: weights.safetensors and model.json, which rebuilds the model. No pickle, ever.

The base model is not copied: model.json names it and its hash, and loading refuses another one. A one-pass model keeps its
merged maps, so that loading it needs no adapter; a teacher keeps A', B' and the standard deviation of A' for every map.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.errors import ModelError
from core.models.adapters import Adapter
from core.models.backbone import Backbone, load_backbone
from core.models.card import ModelCard, read_card
from core.models.device import compute_dtype
from core.models.sampling import Sampler
from core.models.scorers import OnePass, Teacher
from core.types import checked_name

LIBRARIES = ("torch", "transformers", "peft", "accelerate", "safetensors", "numpy")


def save(folder: Path, card: ModelCard, weights: dict[str, Tensor]) -> ModelCard:
    """Write the model into `folder`, whole or not at all, and return the completed card."""
    checked_name(card.name, "model")
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file({name: t.detach().cpu().contiguous() for name, t in weights.items()}, fresh / "weights.safetensors")
    card = card.model_copy(
        update={
            "base": os.path.relpath(card.base, folder) if Path(card.base).is_dir() else card.base,
            "weights_sha256": _sha256(fresh / "weights.safetensors"),
            "versions": {name: version(name) for name in LIBRARIES},
            "created_at": datetime.now(UTC),
        }
    )
    (fresh / "model.json").write_text(card.model_dump_json(indent=2), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return card


def load(folder: Path, device: torch.device, samples: int | None = None) -> tuple[ModelCard, OnePass | Teacher]:
    """Rebuild the model in `folder`. `samples` overrides a teacher's N.

    Raises ModelError where base, weights or labels do not fit.
    """
    card = read_card(folder)
    weights = _read_weights(folder, card)
    backbone = load_base(card.base, folder, lambda _: card.cut, device)
    if backbone.sha256 != card.base_sha256:
        raise ModelError(
            f"model {card.name!r} was made on a base with sha256 {card.base_sha256[:12]}, and {card.base!r} has "
            f"{backbone.sha256[:12]}: put the base back, or train again"
        )
    head = _head(weights, card).to(device)
    if card.kind == "teacher":
        card = card.model_copy(update={"samples": samples or card.samples})
        return card, Teacher(backbone, head, _sampler(backbone, weights, card), card.samples, card.seed)
    if samples not in (None, 1):
        raise ModelError(f"model {card.name!r} is a {card.kind} and answers in one pass: --samples is for teachers")
    _put(backbone, weights)
    return card, OnePass(backbone, head, len(card.labels))


def load_base(base: str, folder: Path, cut: Callable[[int], int], device: torch.device) -> Backbone:
    """The backbone that a card or a user names: a folder relative to `folder`, a folder, or a Hugging Face name."""
    beside = folder / base
    source = str(beside.resolve()) if beside.is_dir() else base
    return load_backbone(source, cut, device, compute_dtype(device))


def load_head(folder: Path, card: ModelCard) -> nn.Linear:
    """The head of the model in `folder`, on the CPU."""
    return _head(_read_weights(folder, card), card)


def load_factors(folder: Path, card: ModelCard) -> list[Adapter]:
    """The adapters A, B of a point estimate or a teacher. Raises ModelError where the model keeps none."""
    factors = _factors(_read_weights(folder, card), card)
    if not factors:
        raise ModelError(f"model {card.name!r} keeps merged maps only, no adapters: a teacher is made from a point estimate")
    return factors


def teacher_weights(posterior: list[Adapter], std: dict[str, Tensor], head: nn.Linear) -> dict[str, Tensor]:
    """A', B' and std of every map, and the head, under the names that `load` expects."""
    weights = {"head.weight": head.weight, "head.bias": head.bias}
    for adapter in posterior:
        weights |= {f"{adapter.name}:a": adapter.a, f"{adapter.name}:b": adapter.b, f"{adapter.name}:std": std[adapter.name]}
    return weights


def _sampler(backbone: Backbone, weights: dict[str, Tensor], card: ModelCard) -> Sampler:
    posterior = _factors(weights, card)
    return Sampler(backbone, posterior, {a.name: weights[f"{a.name}:std"] for a in posterior})


def _factors(weights: dict[str, Tensor], card: ModelCard) -> list[Adapter]:
    names = [key.removesuffix(":a") for key in weights if key.endswith(":a")]
    return [Adapter(n, weights[f"{n}:a"], weights[f"{n}:b"], card.scale) for n in names]


def _put(backbone: Backbone, weights: dict[str, Tensor]) -> None:
    own = dict(backbone.model.named_parameters())
    for name, tensor in weights.items():
        if name.startswith("head.") or ":" in name:  # adapters kept beside their merged maps
            continue
        if name not in own or own[name].shape != tensor.shape:
            raise ModelError(f"the weights' map {name!r} of shape {tuple(tensor.shape)} is not in the base {backbone.source}")
        own[name].data.copy_(tensor)


def _head(weights: dict[str, Tensor], card: ModelCard) -> nn.Linear:
    outputs, width = weights["head.weight"].shape
    if outputs not in (len(card.labels), len(card.labels) + 1):
        raise ModelError(
            f"model {card.name!r} has {len(card.labels)} labels, and its head {outputs} outputs: the folder is mixed up"
        )
    head = nn.Linear(width, outputs)
    head.load_state_dict({"weight": weights["head.weight"], "bias": weights["head.bias"]})
    return head.requires_grad_(False)


def _read_weights(folder: Path, card: ModelCard) -> dict[str, Tensor]:
    path = folder / "weights.safetensors"
    if not path.is_file():
        raise ModelError(f"model {card.name!r} has no weights.safetensors: train it again")
    if (found := _sha256(path)) != card.weights_sha256:
        raise ModelError(
            f"the weights of model {card.name!r} have sha256 {found[:12]}, and its card says {card.weights_sha256[:12]}"
        )
    try:
        return load_file(path)
    except SafetensorError as e:
        raise ModelError(f"{path} is not a safetensors file: {e}") from e


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
