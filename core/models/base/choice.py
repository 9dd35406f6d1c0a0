"""Read-out "choice": a causal LM's next-token logits, restricted to the allowed answers' tokens.

With answer tokens t_1 .. t_K and the LM's output embedding U [V, d], the logits of the answers are
U[t] h: h is the state at the prompt's last token, after the final norm. So the read-out is a linear
head [K, d] that begins as K rows of U and gives, before any training, the LM's own answers. What an
architecture does to its logits after U (a soft cap, a scale) is left out: it does not change the
order of the answers.

An answer is found by its label's own token, never by an index: "no" is the row of " no" at any
place among the labels.
"""

from collections.abc import Sequence
from typing import cast

import torch
from safetensors import safe_open
from torch import Tensor, nn

from core.errors import ModelError
from core.models.base.backbone import ANSWER, Backbone
from core.models.base.sources import config_folder

# names of an output embedding that is not tied to the input's
_OUTPUT = ("lm_head.weight", "embed_out.weight")


def answer_tokens(tokenizer, labels: Sequence[str]) -> list[int]:
    """Return the token by which the LM gives each label after "Answer:", in the labels' order.

    The label is tokenized in its place, after a blank: " A" and "A" are different tokens. Raises
    ModelError for a label of several tokens, and for labels that share one.
    """
    prompt = tokenizer(ANSWER, add_special_tokens=False)["input_ids"]
    tokens = []
    for label in labels:
        whole_tokens = tokenizer(f"{ANSWER} {label}", add_special_tokens=False)["input_ids"]
        if (
            whole_tokens[: len(prompt)] != prompt
            or len(whole_tokens) != len(prompt) + 1
            or whole_tokens[-1] == tokenizer.unk_token_id
        ):
            raise ModelError(
                "models.label_not_one_token", label=label, tokens=tokenizer.tokenize(label)
            )
        tokens.append(whole_tokens[-1])
    if len(set(tokens)) != len(tokens):
        raise ModelError("models.labels_share_token", labels=[repr(label) for label in labels])
    return tokens


def answer_head(backbone: Backbone, labels: Sequence[str]) -> nn.Linear:
    """Return the head [K, d] in float32 that answers as the LM does.

    Its rows are the output embedding's rows of the labels' tokens; its bias is 0. Raises
    ModelError.
    """
    rows = _output_rows(backbone, answer_tokens(backbone.tokenizer, labels))
    head = nn.Linear(rows.shape[1], rows.shape[0])
    with torch.no_grad():
        head.weight.copy_(rows)
        head.bias.zero_()
    return head.to(backbone.device)


def _output_rows(backbone: Backbone, tokens: list[int]) -> Tensor:
    """Return rows [K, d] of the output embedding.

    They come from the input embedding if the two are tied, else from the model's files.
    """
    if backbone.model.config.tie_word_embeddings:
        embedding = cast(nn.Embedding, backbone.model.get_input_embeddings())
        return embedding.weight[tokens].detach()
    folder = config_folder(backbone.source)
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as f:
            for name in set(_OUTPUT) & set(f.keys()):
                # AutoModel drops the output embedding. Only K rows of it are read: the whole has as
                # many rows as the vocabulary.
                rows = f.get_slice(name)
                return torch.cat([rows[t : t + 1] for t in tokens])
    raise ModelError("models.no_output_embedding", base=backbone.source, names=_OUTPUT)
