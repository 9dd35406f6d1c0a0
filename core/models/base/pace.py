"""How fast this machine computes, beside the machine on which durations were measured.

Knows the blocks of a small encoder with random weights, no model and no file.
"""

import time

import torch
from torch import nn
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertLayer

from core.models.base.products import speed_up_products

# Of MiniLM: 32 mails of 57 tokens take 8.3 ms each in its six blocks on the two quiet cores whose
# seconds core.pipeline.poc_time counts in. One block alone would stay in a processor's cache.
TEXTS, TOKENS, WIDTH, BLOCKS = 32, 57, 384, 6
REFERENCE_S = TEXTS * 8.3e-3
MOST_THREADS = 2  # the trainings' small batches gain little from more
TURNS = 3


@torch.inference_mode()
def machine_pace() -> float:
    """Return the time that this machine takes for what takes the reference machine 1."""
    config = BertConfig(hidden_size=WIDTH, num_attention_heads=12, intermediate_size=4 * WIDTH)
    config._attn_implementation = "sdpa"  # as the bases are loaded
    with torch.random.fork_rng(devices=[]):  # what is drawn next is what it would have been
        blocks = nn.ModuleList(BertLayer(config) for _ in range(BLOCKS)).eval()
        states = torch.randn(TEXTS, TOKENS, WIDTH)
    speed_up_products(blocks)
    threads = torch.get_num_threads()
    torch.set_num_threads(min(threads, MOST_THREADS))
    try:
        return min(_seconds(blocks, states) for _ in range(TURNS)) / REFERENCE_S
    finally:
        torch.set_num_threads(threads)


def _seconds(blocks: nn.ModuleList, states: torch.Tensor) -> float:
    started = time.perf_counter()
    for block in blocks:
        states = block(states)
    return time.perf_counter() - started
