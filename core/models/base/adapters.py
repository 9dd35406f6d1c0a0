"""peft LoRA on a backbone's upper blocks: attach, read, replace, merge. dW = scale * B A.

Knows where adapters go; does not know how they are trained or made random.
"""

from dataclasses import dataclass
from typing import cast

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from core.errors import SettingsError
from core.models.base.backbone import Backbone
from core.models.base.products import speed_up_products
from core.models.base.settings import AdapterSettings


@dataclass(frozen=True)
class Adapter:
    """One trained adapter: A [r, in], B [out, r] of the linear map `name`."""

    name: str
    a: Tensor
    b: Tensor
    scale: float

    def to(self, device: torch.device) -> "Adapter":
        """Return the adapter on another device."""
        return Adapter(self.name, self.a.to(device), self.b.to(device), self.scale)


def target_names(backbone: Backbone, settings: AdapterSettings) -> list[str]:
    """Return the names, below the backbone's model, of the linear maps that get an adapter.

    Raises SettingsError if the settings match no map.
    """
    names: list[str] = []
    for block in range(backbone.cut, len(backbone.blocks)):
        maps = backbone.feed_forward(block)
        if settings.targets in ("feed_forward", "all"):
            names += maps.up
        # "down", "feed_forward" and "all" include the second map.
        if settings.targets != "attention":
            names += maps.down
        if settings.targets in ("attention", "all"):
            names += maps.attention
    if not names:
        raise SettingsError(
            "models.targets_match_nothing", targets=settings.targets, base=backbone.source
        )
    return names


def attach(backbone: Backbone, settings: AdapterSettings, seed: int | None = None) -> None:
    """Put fresh adapters on the backbone, in place; only they are trainable.

    B = 0, so the model's output does not change until training. seed: of the draw of A, which
    leaves torch's global generators as they were; None draws from those.
    """
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=cast(int, settings.alpha),  # peft divides it by the rank, and needs no int
        # peft would draw a mask for every token; core.models.teachers.dropout draws one a case.
        lora_dropout=0.0,
        bias="none",
        target_modules=target_names(backbone, settings),
    )
    with torch.random.fork_rng(enabled=seed is not None):  # peft draws A from the global generators
        if seed is not None:
            torch.manual_seed(seed)
        # peft changes the model in place, so its wrapper is not kept.
        get_peft_model(backbone.model, config)
    speed_up_products(backbone.model)
    for parameter in adapter_parameters(backbone):
        parameter.data = parameter.data.float()  # adapters train in float32 on a bf16 trunk


def hook_a(backbone: Backbone, hook) -> list:
    """Register `hook(name, x, z)` on every A, z = A x, and return the handles.

    The hook's return value replaces z; None keeps it.
    """

    def bind(name):
        return lambda _module, args, z: hook(name, args[0], z)

    return [
        layer.lora_A["default"].register_forward_hook(bind(name))
        for name, layer in layers(backbone)
    ]


def adapter_parameters(backbone: Backbone) -> list[nn.Parameter]:
    """Return all adapters' parameters, A and B."""
    return [p for name, p in backbone.model.named_parameters() if ".lora_" in name]


def layers(backbone: Backbone) -> list[tuple[str, LoraLayer]]:
    """Return (name, layer) of every map with an adapter."""
    return [(n, m) for n, m in backbone.model.named_modules() if isinstance(m, LoraLayer)]


def factors(layer: LoraLayer) -> tuple[Tensor, Tensor]:
    """Return the weights A [r, in] and B [out, r] of a map's adapter."""
    a, b = (cast(nn.Linear, part["default"]) for part in (layer.lora_A, layer.lora_B))
    return a.weight, b.weight


def read_adapters(backbone: Backbone) -> list[Adapter]:
    """Return the adapters' present weights, detached copies in float32."""
    adapters = []
    for name, layer in layers(backbone):
        a, b = (weight.detach().float().clone() for weight in factors(layer))
        adapters.append(Adapter(name, a, b, layer.scaling["default"]))
    return adapters


@torch.no_grad()
def write_adapters(backbone: Backbone, adapters: list[Adapter]) -> None:
    """Set the attached adapters' weights to these; names and shapes must agree."""
    by_name = {a.name: a for a in adapters}
    for name, layer in layers(backbone):
        a, b = factors(layer)
        a.copy_(by_name[name].a)
        b.copy_(by_name[name].b)


def detach(backbone: Backbone) -> None:
    """Remove every adapter without merging it: the backbone is as it was loaded."""
    for name, layer in layers(backbone):
        replace(backbone, name, layer.get_base_layer())
    _forget(backbone)


def _forget(backbone: Backbone) -> None:
    """Delete the configuration that peft leaves on the model.

    With it, attaching adapters again would log a warning.
    """
    if hasattr(backbone.model, "peft_config"):
        del backbone.model.peft_config


def replace(backbone: Backbone, name: str, module: nn.Module) -> None:
    """Put `module` in place of the module `name`."""
    parent, _, child = name.rpartition(".")
    setattr(backbone.model.get_submodule(parent), child, module)


def merge(backbone: Backbone) -> dict[str, Tensor]:
    """Add every adapter into its linear map, remove it, and return the merged weights by name.

    The backbone then has no adapters.
    """
    merged = {}
    for name, layer in layers(backbone):
        cast(LoraLinear, layer).merge(safe_merge=True)  # refuses NaN
        base = cast(nn.Linear, layer.get_base_layer())
        replace(backbone, name, base)
        merged[f"{name}.weight"] = base.weight.detach().clone()
    _forget(backbone)
    return merged
