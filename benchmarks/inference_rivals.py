"""What others would run in the student's place: the same encoder with a linear head.

  sentence_transformers   SentenceTransformer.encode at its defaults, then the head
  onnxruntime_fp32        the encoder's ONNX graph in ONNX Runtime, batches of 32 by length
  onnxruntime_int8        the same graph with weights of 7 bits a channel, quantized as kakushin
                          export does it
and the student itself in ONNX Runtime (student_onnx_fp32, student_onnx_int8). fastembed downloads
its models and cannot run offline: its engine is ONNX Runtime. A rival whose library is missing is
named with the reason.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from scipy.special import softmax

from core.models.base.card import ModelCard
from core.models.scoring import onnx_engine
from core.models.scoring.scorers import OnePass

BATCH = 32  # cases; sentence-transformers' default
FP32_RIVALS = ("pipeline", "sentence_transformers", "onnxruntime_fp32")


def rivals(
    card: ModelCard, student: OnePass, source: str, texts: list[str], folder: Path
) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """What is measured by name, and the reasons for what is left out.

    card, student: of the demo's model. source: its base's folder. folder: an existing one for the
    graphs.
    """
    head = np.random.default_rng(0).normal(size=(student.backbone.hidden_size, len(card.labels)))
    runners: dict[str, Callable[[], object]] = {}
    left_out: dict[str, str] = {}
    if find_spec("sentence_transformers") is None:
        left_out["sentence_transformers"] = "not installed"
    else:
        from sentence_transformers import SentenceTransformer

        encoder = SentenceTransformer(source, device="cpu")
        runners["sentence_transformers"] = lambda: softmax(
            encoder.encode(texts, show_progress_bar=False) @ head, axis=1
        )
    if missing := [name for name in onnx_engine._LIBRARIES if find_spec(name) is None]:
        left_out["onnxruntime"] = f"not installed: {', '.join(missing)}"
        return runners, left_out
    for precision in ("fp32", "int8"):
        home = folder / precision
        home.mkdir()
        onnx_engine.write_graph(home, card, student, precision)  # type: ignore[arg-type]
        engine = onnx_engine.with_onnx(student, card, home)
        runners[f"onnxruntime_{precision}"] = lambda e=engine: run_plainly(e.backbone, head, texts)
        runners[f"student_onnx_{precision}"] = lambda e=engine: e.scores(texts)
    return runners, left_out


def run_plainly(backbone, head: np.ndarray, texts: list[str]) -> np.ndarray:
    """Probabilities [n, K] in batches of BATCH texts of similar length, padded to the longest."""
    ids = backbone.tokens(texts)
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out = np.empty((len(ids), head.shape[1]))
    for start in range(0, len(order), BATCH):
        index = order[start : start + BATCH]
        longest = len(ids[index[-1]])
        tokens = torch.zeros(len(index), longest, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, i in enumerate(index):
            tokens[row, : len(ids[i])] = torch.as_tensor(ids[i])
            mask[row, : len(ids[i])] = 1
        out[index] = softmax(backbone(tokens, mask).numpy() @ head, axis=1)
    return out


def has_vnni() -> bool | None:
    """Whether the processor multiplies 8-bit integers in one instruction; None if unknown."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return None
    return bool({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp"} & set(flags))
