"""A one-pass model's backbone as an ONNX graph, run by ONNX Runtime behind the same scorer.

Only the backbone, from token ids to read-out states, is in the graph: head, n-gram logits, spread
and novelty stay core.models.scoring's own, so they are the same for both engines. An export lies in
the model's folder and names the model's hash, so that it is never used with other weights. Knows
models and files; core.pipeline.export_engine decides whether an export may be used.
"""

import json
import logging
import warnings
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.files import sha256_of, write_atomic
from core.models.base.backbone import Backbone
from core.models.base.card import ModelCard
from core.models.scoring.scorers import OnePass, Teacher

ONNX_FOLDER, ONNX_GRAPH, ONNX_MANIFEST = "onnx", "model.onnx", "onnx.json"
Precision = Literal["fp32", "int8"]
_LIBRARIES = ("onnx", "onnxruntime", "onnxscript")


class OnnxBackbone:
    """A backbone for OnePass whose forward pass ONNX Runtime runs on the CPU.

    backbone: its tokenizer and limits are used. graph: file of the ONNX graph.
    """

    def __init__(self, backbone: Backbone, graph: Path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors: its warnings address those who make graphs
        self._session = onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"]
        )
        self.tokens, self.max_tokens = backbone.tokens, backbone.max_tokens
        self.hidden_size, self.device = backbone.hidden_size, torch.device("cpu")
        self.tokens_per_batch = backbone.tokens_per_batch

    def __call__(self, input_ids: Tensor, mask: Tensor | None) -> Tensor:
        """Return the read-out state [B, d] of tokens [B, T]; mask [B, T], None if none is padded."""
        mask = torch.ones_like(input_ids) if mask is None else mask
        (states,) = self._session.run(None, {"ids": input_ids.numpy(), "mask": mask.numpy()})
        return torch.from_numpy(states)


class _States(nn.Module):
    """A backbone as a module of two tensors, which the exporter traces."""

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.backbone = backbone

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.backbone(ids, mask)


def write_graph(folder: Path, card: ModelCard, model: OnePass, precision: Precision) -> None:
    """Write the graph of a model's backbone, and the manifest that ties it to the model's hash.

    folder: an existing one. card: of the model. precision: "int8" quantizes the weights of matrix
    products to 7 bits a channel and their inputs at run time. Raises ModelError if a library is
    missing, or if the exporter does not support the architecture.
    """
    require_libraries()
    graph = folder / ONNX_GRAPH
    try:
        _write_onnx(graph, model.backbone)
        if precision == "int8":
            _quantize(graph)
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as e:
        reason = f"{type(e).__name__}: {str(e).strip().splitlines()[0][:200]}"
        raise ModelError("models.onnx_not_exported", model=card.name, reason=reason) from e
    manifest = {
        "model_hash": card.hash,
        "precision": precision,
        "graph_sha256": sha256_of(graph),
        "graph_bytes": graph.stat().st_size,
    }
    write_atomic(folder / ONNX_MANIFEST, json.dumps(manifest, indent=2))


def _write_onnx(graph: Path, backbone: Backbone) -> None:
    ids = torch.arange(12).view(2, 6) + 1
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])  # padded, so that the mask is in the graph
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    was = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the exporter's notes on operators that no backbone has
    try:
        with warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                _States(backbone).eval(),
                (ids, mask),
                input_names=["ids", "mask"],
                output_names=["states"],
                dynamic_shapes={"ids": free, "mask": free},
                dynamo=True,
                verbose=False,
            )
    finally:
        logging.disable(was)
    cast(torch.onnx.ONNXProgram, program).save(str(graph))


def _quantize(graph: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # 7 bits: without VNNI, sums of 8-bit products overflow 16 bits on x86 processors.
    quantize_dynamic(
        graph,
        graph,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )


def require_libraries() -> None:
    """Raise ModelError if a library of requirements-onnx.txt is missing."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise ModelError("models.onnx_missing", names=missing)


def with_onnx(model: OnePass | Teacher, card: ModelCard, folder: Path) -> OnePass:
    """Return the model with its backbone run by ONNX Runtime, from the export in `folder`.

    card: of the model. Raises ModelError if the model is a teacher, if a library is missing, if
    there is no export, or if it was made of another model or changed.
    """
    if isinstance(model, Teacher):
        raise ModelError("models.onnx_needs_one_pass", model=card.name, kind=card.kind)
    require_libraries()
    manifest = read_manifest(card, folder)
    if sha256_of(folder / ONNX_GRAPH) != manifest["graph_sha256"]:
        raise ModelError("models.onnx_changed", file=folder / ONNX_GRAPH, model=card.name)
    engine = copy(model)
    # OnePass calls its backbone and reads the attributes that OnnxBackbone has.
    engine.backbone = cast(Backbone, OnnxBackbone(model.backbone, folder / ONNX_GRAPH))
    return engine


def read_manifest(card: ModelCard, folder: Path) -> dict:
    """Return the manifest of an export of this model in `folder`. Raises ModelError."""
    try:
        manifest = json.loads((folder / ONNX_MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise ModelError("models.onnx_absent", model=card.name) from e
    if manifest.get("model_hash") != card.hash or not (folder / ONNX_GRAPH).is_file():
        raise ModelError("models.onnx_other", model=card.name)
    return manifest
