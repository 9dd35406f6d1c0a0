"""How a text's token states become one state: the pooling that a pre-trained model was made with.

A sentence encoder says it in its own `1_Pooling/config.json` (sentence-transformers' layout); an
encoder without one is averaged over its tokens, a causal LM is read at its last token. Knows
folders and tensors, not what the state is used for.
"""

import json
from pathlib import Path

import torch
from torch import Tensor
from transformers.utils import cached_file

CONFIG = "1_Pooling/config.json"
MEAN, TOKEN = (
    "mean",
    "token",
)  # over the text's tokens; at the first token of an encoder, the last of a causal LM


def choose_pooling(asked: str, source: str, causal: bool) -> str:
    """Return MEAN or TOKEN: what was asked for, or for "base" what the model at `source` was made
    with.

    Poolings that we do not have (max, weighted) become the average over tokens.
    """
    if asked != "base":
        return asked
    config = _read_config(source)
    if not config:
        return TOKEN if causal else MEAN
    mode = config.get("pooling_mode") or next(
        (name for name, on in config.items() if name.startswith("pooling_mode_") and on is True), ""
    )
    return (
        TOKEN
        if str(mode).removeprefix("pooling_mode_") in ("cls", "cls_token", "lasttoken")
        else MEAN
    )


def _read_config(source: str) -> dict:
    path = cached_file(
        source,
        CONFIG,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else {}


def mean_state(states: Tensor, mask: Tensor | None) -> Tensor:
    """Average states [N * B, T, d] over the tokens of mask [B, T] -> [N * B, d], scaled to a mean
    square of 1.

    The scale makes heads, learning rates and penalties mean the same for every base; sentence
    encoders are trained on the direction alone.
    """
    if mask is None:
        pooled = states.mean(-2)
    else:
        weight = mask.to(states.dtype).repeat(states.shape[0] // mask.shape[0], 1)
        pooled = torch.einsum("bt,btd->bd", weight / weight.sum(-1, keepdim=True), states)
    return pooled * pooled.square().mean(-1, keepdim=True).clamp_min(1e-12).rsqrt()
