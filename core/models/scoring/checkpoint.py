"""Models as folders: weights.safetensors and model.json, which rebuilds the model. Never a pickle.

The base model is not copied: model.json holds its name and hash, and loading refuses another one. A
one-pass model stores its merged maps, so that loading it needs no adapter; a teacher stores A', B'
and the standard deviation of A' for every map.
"""

import os
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.errors import ModelError
from core.files import replace_folder, sha256_of, write_atomic
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone, load_backbone
from core.models.base.card import ModelCard, read_card
from core.models.base.device import compute_dtype
from core.models.scoring.heads import uncertainty_head
from core.models.scoring.novelty import VIEWS_KEY, Novelty
from core.models.scoring.posterior import from_tensors
from core.models.scoring.scorers import OnePass, Teacher
from core.models.scoring.surface import SurfaceTerm
from core.types import checked_name

MODEL_LIBRARIES = ("torch", "transformers", "peft", "accelerate", "safetensors", "numpy")


def save(folder: Path, card: ModelCard, weights: dict[str, Tensor]) -> ModelCard:
    """Write the model into `folder`, completely or not at all, and return the completed card.

    Raises SettingsError for a name that cannot be a folder's.
    """
    checked_name(card.name, "model")
    # safetensors refuses tensors that are not contiguous.
    tensors = {name: t.detach().cpu().contiguous() for name, t in weights.items()}
    # A relative path survives a move of the workspace.
    base = os.path.relpath(card.base, folder) if Path(card.base).is_dir() else card.base
    completed: list[ModelCard] = []

    def fill(fresh: Path) -> None:
        save_file(tensors, fresh / "weights.safetensors", metadata={"made_for": card.made_for})
        update = {
            "base": base,
            "weights_sha256": sha256_of(fresh / "weights.safetensors"),
            "versions": {name: version(name) for name in MODEL_LIBRARIES},
            "created_at": datetime.now(UTC),
        }
        # The card comes after the weights, whose hash it holds.
        completed.append(card.model_copy(update=update))
        write_atomic(fresh / "model.json", completed[0].model_dump_json(indent=2))

    replace_folder(folder, fill)
    return completed[0]


def load(
    folder: Path, device: torch.device, samples: int | None = None
) -> tuple[ModelCard, OnePass | Teacher]:
    """Return the card and the rebuilt model of `folder`; `samples` overrides a teacher's N.

    Raises ModelError if base, weights or labels do not fit.
    """
    card = read_card(folder)
    weights = _read_weights(folder, card)
    backbone = load_base(card, folder, device)
    # A name or folder can hold other files than at training time: another base under these weights
    # would answer plausibly and wrongly.
    if backbone.sha256 != card.base_sha256:
        raise ModelError(
            "models.other_base",
            model=card.name,
            expected=card.base_sha256[:12],
            base=card.base,
            found=backbone.sha256[:12],
        )
    if card.kind == "teacher":
        card = card.model_copy(update={"samples": samples or card.samples})
        posterior = from_tensors({name: t.to(device) for name, t in weights.items()}, card.scale)
        return card, Teacher(
            backbone,
            posterior,
            card.scale,
            card.samples,
            card.seed,
            SurfaceTerm.from_tensors(weights),
        )
    if samples not in (None, 1):
        raise ModelError("models.samples_need_teacher", model=card.name, kind=card.kind)
    _put(backbone, weights)
    parts = SurfaceTerm.from_tensors(weights), Novelty.from_tensors(weights)
    return card, OnePass(
        backbone, _head(weights, card).to(device), len(card.labels), _spread(card), *parts
    )


def load_base(card: ModelCard, folder: Path, device: torch.device) -> Backbone:
    """Return the backbone that a card names.

    The name is a folder relative to the model's own `folder`, a folder, or a Hugging Face name.
    """
    local = folder / card.base
    source = str(local.resolve()) if local.is_dir() else card.base
    return load_backbone(
        source, lambda _: card.cut, device, compute_dtype(device), card.readout, card.pooling
    )


def load_head(folder: Path, card: ModelCard) -> nn.Linear:
    """Return the head of the model in `folder`, on the CPU."""
    return _head(_read_weights(folder, card), card)


def load_factors(folder: Path, card: ModelCard) -> list[Adapter]:
    """Return the adapters A, B of a point estimate or a teacher.

    Raises ModelError for a model that stores none.
    """
    factors = _factors(_read_weights(folder, card), card)
    if not factors:
        raise ModelError("models.no_adapters", model=card.name)
    return factors


def load_start(folder: Path, card: ModelCard) -> tuple[nn.Linear | None, SurfaceTerm | None]:
    """Return the linear head [K, d] that training began at, and the surface term, or None."""
    weights = _read_weights(folder, card)
    surface = SurfaceTerm.from_tensors(weights)
    if "start:weight" not in weights:
        return None, surface
    head = nn.Linear(weights["start:weight"].shape[1], weights["start:weight"].shape[0])
    head.load_state_dict({"weight": weights["start:weight"], "bias": weights["start:bias"]})
    return head.requires_grad_(False), surface


def load_views(folder: Path, card: ModelCard) -> Tensor | None:
    """Return novelty's views [3, n] of cases that did not teach, None where the model has none."""
    return _read_weights(folder, card).get(VIEWS_KEY)


def _factors(weights: dict[str, Tensor], card: ModelCard) -> list[Adapter]:
    names = [key.removesuffix(":a") for key in weights if key.endswith(":a")]
    return [Adapter(n, weights[f"{n}:a"], weights[f"{n}:b"], card.scale) for n in names]


def _put(backbone: Backbone, weights: dict[str, Tensor]) -> None:
    parameters = dict(backbone.model.named_parameters())
    for name, tensor in weights.items():
        if name.startswith("head.") or ":" in name:  # stored in addition to the merged maps
            continue
        # copy_ would broadcast a smaller tensor without an error.
        if name not in parameters or parameters[name].shape != tensor.shape:
            raise ModelError(
                "models.map_not_in_base",
                name=name,
                shape=str(tuple(tensor.shape)),
                base=backbone.source,
            )
        parameters[name].data.copy_(tensor)


def _spread(card: ModelCard) -> str:
    """Return how a one-pass model's outputs are read, from its training's settings."""
    return card.settings.get("loss", {}).get("spread", "none")


def _head(weights: dict[str, Tensor], card: ModelCard) -> nn.Linear:
    """Return the head of a model. Raises ModelError if its outputs contradict the card."""
    shape, expected = (
        tuple(weights["head.weight"].shape),
        uncertainty_head(_spread(card)).outputs(len(card.labels)),
    )
    if len(shape) != 2 or shape[0] != expected:
        raise ModelError(
            "models.other_head",
            model=card.name,
            labels=len(card.labels),
            shape=str(shape),
            expected=expected,
        )
    head = nn.Linear(shape[1], shape[0])
    head.load_state_dict({"weight": weights["head.weight"], "bias": weights["head.bias"]})
    return head.requires_grad_(False)


def check_files(folder: Path) -> None:
    """Raise ModelError unless the model's card and weights can be read and belong together."""
    _read_weights(folder, read_card(folder))


def _read_weights(folder: Path, card: ModelCard) -> dict[str, Tensor]:
    path = folder / "weights.safetensors"
    if not path.is_file():
        raise ModelError("models.no_weights", model=card.name)
    # Checked before the file is parsed, so that damaged or exchanged weights never reach the
    # parser.
    if (digest := sha256_of(path)) != card.weights_sha256:
        raise ModelError(
            "models.other_weights",
            model=card.name,
            found=digest[:12],
            expected=card.weights_sha256[:12],
        )
    try:
        with safe_open(path, framework="pt") as f:
            made_for = (f.metadata() or {}).get("made_for")
        weights = load_file(path)
    except SafetensorError as e:
        raise ModelError("models.not_safetensors", file=path, reason=str(e)) from e
    if made_for != card.made_for:
        raise ModelError("models.other_card", model=card.name)
    return weights
