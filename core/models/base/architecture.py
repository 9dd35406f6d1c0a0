"""The structure of an architecture: its blocks, a block's feed-forward maps, whether it is causal.

Read from the loaded model's modules and configuration, for any model that AutoModel loads; nothing
is computed here.
"""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from core.errors import ModelError

# Encoders with a pooler that the read-out does not use: leaving it out saves its time in every
# pass.
POOLED = frozenset(
    {"bert", "roberta", "xlm-roberta", "camembert", "data2vec-text", "ernie", "mpnet"}
)


@dataclass(frozen=True)
class FeedForward:
    """Names, below the model, of one block's linear maps.

    up: hidden -> inner. down: inner -> hidden. attention: the remaining maps.
    """

    up: tuple[str, ...]
    down: tuple[str, ...]
    attention: tuple[str, ...]


def find_blocks(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """Return the name and the list of the model's blocks. Raises ModelError if it has none."""
    count = getattr(model.config, "num_hidden_layers", None)
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return name, module
    raise ModelError("models.no_blocks", architecture=type(model).__name__, n=count)


def feed_forward(model: PreTrainedModel, prefix: str, block: nn.Module) -> FeedForward:
    """Return a block's linear maps, told apart by their shapes; `prefix` starts their names."""
    hidden, inner = (
        model.config.hidden_size,
        getattr(model.config, "intermediate_size", 4 * model.config.hidden_size),
    )
    kinds: dict[str, list[str]] = {"up": [], "down": [], "attention": []}
    for name, module in block.named_modules():
        if isinstance(module, nn.Linear):
            shape = (module.in_features, module.out_features)
            kinds[{(hidden, inner): "up", (inner, hidden): "down"}.get(shape, "attention")].append(
                prefix + name
            )
    return FeedForward(**{kind: tuple(names) for kind, names in kinds.items()})


def is_causal(config) -> bool:
    """Return whether a model with this configuration is a causal LM."""
    if getattr(config, "is_decoder", False):
        return True
    return any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in config.architectures or ())
