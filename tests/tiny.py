"""Tiny pre-trained-shaped models made on the spot: real architectures and tokenizers, random
weights, no download.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

WORDS = [
    "bucket",
    "tooth",
    "hose",
    "engine",
    "leak",
    "pump",
    "oil",
    "grease",
    "fan",
    "belt",
    "broken",
    "replace",
    "fit",
    "swap",
    "noise",
    "alarm",
    "light",
    "boom",
    "cylinder",
    "cab",
    "seat",
    "air",
    "filter",
    "wire",
    "left",
    "right",
    "front",
    "rear",
    "hot",
    "cold",
    "slow",
    "stop",
    "start",
    "check",
]
CHOICE_WORDS = ["a", "b", "c", "d", "yes", "no", ")", ":", "answer", "which", "?"]
TOPICS = {
    "BUCKET": ["bucket", "tooth", "boom", "fit", "swap"],
    "ENGINE": ["engine", "belt", "fan", "oil", "hot"],
    "CAB": ["cab", "seat", "air", "light", "alarm"],
}


def tokenizer(words: Sequence[str] = tuple(WORDS)) -> PreTrainedTokenizerFast:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocab = {word: i for i, word in enumerate([*special, *words])}
    raw = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    raw.normalizer = normalizers.Lowercase()
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    )


def make_encoder(folder: Path, layers: int = 4) -> Path:
    """A BERT of `layers` blocks, hidden 32, inner 64, saved in `folder`."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS) + 4,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    model = BertModel(config, add_pooling_layer=False)
    # BERT's own init, 0.02, is so small that layers hardly matter
    for name, parameter in model.named_parameters():
        if name.endswith("weight") and parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def make_causal(folder: Path, layers: int = 4, tied: bool = False) -> Path:
    """A Llama of `layers` blocks, hidden 32, inner 48, that also knows CHOICE_WORDS, saved in
    `folder`.
    """
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS) + len(CHOICE_WORDS) + 4,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
        tie_word_embeddings=tied,
    )
    model = LlamaForCausalLM(config)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    tokenizer([*WORDS, *CHOICE_WORDS]).save_pretrained(folder)
    return folder


def texts(n: int, seed: int = 0) -> list[str]:
    """n texts of 1 to 9 known words."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 10))) for _ in range(n)]


def cases(n: int, seed: int = 0, unseen: float = 0.0) -> pd.DataFrame:
    """n labelled cases in core.cases' columns whose words tell the label, mostly; a share `unseen`
    has a label no one trains on.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(TOPICS), n)
    words = [
        " ".join(rng.choice(TOPICS[x] if rng.random() < 0.85 else WORDS, rng.integers(2, 6)))
        for x in labels
    ]
    return pd.DataFrame(
        {
            "row": np.arange(2, n + 2),
            "case_id": [f"c{seed}-{i}" for i in range(n)],
            "text": words,
            "segment": rng.choice(["A", "B"], n),
            "label": np.where(rng.random(n) < unseen, "OTHER", labels).astype(object),
            "occurred_at": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(np.arange(n), unit="D").astype("timedelta64[us]"),
            "value": rng.random(n),
        }
    )


def write_json(path: Path, change) -> None:
    """Rewrite a JSON file by `change(content)`."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def questions(n: int, seed: int = 0) -> pd.DataFrame:
    """n multiple-choice questions as a file has them: id, question, four options in columns of
    their own, the right letter.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        topic = rng.choice(list(TOPICS))
        others = [word for word in WORDS if word not in TOPICS[topic]]
        right = int(rng.integers(4))
        options = [str(word) for word in rng.choice(others, 4, replace=False)]
        options[right] = str(rng.choice(TOPICS[topic]))
        rows.append([f"q{seed}-{i}", f"which {topic.lower()} ?", *options, "ABCD"[right]])
    return pd.DataFrame(
        rows, columns=["id", "question", "option a", "option b", "option c", "option d", "label"]
    )
