"""Pooling: one state from a text's token states, in the way that the model was pre-trained with.

A sentence encoder declares it in its own `1_Pooling/config.json` (sentence-transformers' layout);
an encoder without one is averaged over its tokens, a causal LM is read at its last token. Knows
folders and tensors, not what the state is used for.
"""

import json
from pathlib import Path

import torch
from torch import Tensor
from transformers.utils import cached_file

POOLING_FILE = "1_Pooling/config.json"
# MEAN is over the text's tokens; TOKEN is an encoder's first or a causal LM's last one.
MEAN, TOKEN = "mean", "token"


def choose_pooling(requested: str, source: str, causal: bool) -> str:
    """Return MEAN or TOKEN: `requested`, or for "base" the pooling of the model at `source`.

    Poolings that are not implemented (max, weighted) become the average over tokens.
    """
    if requested != "base":
        return requested
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
        POOLING_FILE,
        # Most models have no such file, and offline a name may be cached without it: neither is an
        # error.
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else {}


def mean_state(states: Tensor, mask: Tensor | None) -> Tensor:
    """Return states [N * B, T, d] averaged over the tokens of mask [B, T], [N * B, d].

    The result has a mean square of 1: heads, learning rates and penalties then mean the same for
    every base, and sentence encoders are trained on the direction alone.
    """
    if mask is None:
        pooled = states.mean(-2)
    else:
        weight = mask.to(states.dtype).repeat(states.shape[0] // mask.shape[0], 1)
        pooled = torch.einsum("bt,btd->bd", weight / weight.sum(-1, keepdim=True), states)
    return pooled * pooled.square().mean(-1, keepdim=True).clamp_min(1e-12).rsqrt()
