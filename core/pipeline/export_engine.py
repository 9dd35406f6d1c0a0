"""Export of a model for ONNX Runtime, used only if it decides as the model itself does.

Both engines score the labelled cases that the model has scored before; their decisions and their
calibration are compared, and an export beyond the limits is refused. Knows the store and models.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import ModelError
from core.files import replace_folder, write_atomic
from core.settings import Settings
from core.stats.calibration import ece
from core.store.store import Store

MIN_EQUAL = 0.995  # share of held-out cases that both engines decide equally
MAX_ECE = 0.005  # difference of the expected calibration errors
MAX_CASES = 5000  # the newest; more would take minutes and change neither figure


@dataclass(frozen=True)
class EngineCheck:
    """Two engines on the same held-out cases.

    equal: share of the cases with the same label on the same side of the confidence that half of
    the cases reach. ece, ece_engine: expected calibration errors of the model and of the export.
    """

    cases: int
    equal: float
    ece: float
    ece_engine: float

    @property
    def passes(self) -> bool:
        """Whether both limits hold."""
        return self.equal >= MIN_EQUAL and abs(self.ece - self.ece_engine) <= MAX_ECE


def export_onnx(store: Store, settings: Settings, model: str, int8: bool = False) -> EngineCheck:
    """Write the ONNX export into the model's folder; return how it compares with the model.

    model: name of a one-pass model. int8: quantize. An earlier export is replaced. Raises
    ModelError if the model is a teacher, if it has scored no labelled cases, or if the export
    decides otherwise; the folder then keeps what it had.
    """
    from core.models.base.device import pick_device
    from core.models.scoring import checkpoint, onnx_engine
    from core.models.scoring.scorers import OnePass

    folder = settings.models / model
    card, scorer = checkpoint.load(folder, pick_device("cpu"))
    if not isinstance(scorer, OnePass):
        raise ModelError("models.onnx_needs_one_pass", model=card.name, kind=card.kind)
    onnx_engine.require_libraries()
    cases = _held_out(store, card.name, card.hash)
    checks: list[EngineCheck] = []

    def fill(fresh: Path) -> None:
        onnx_engine.write_graph(fresh, card, scorer, "int8" if int8 else "fp32")
        engine = onnx_engine.with_onnx(scorer, card, fresh)
        checks.append(_compare(scorer, engine, cases, card.labels))
        _require_equal(checks[0], card.name)
        write_atomic(fresh / "check.json", json.dumps(asdict(checks[0]), indent=2))

    replace_folder(folder / onnx_engine.ONNX_FOLDER, fill)
    return checks[0]


def _require_equal(check: EngineCheck, model: str) -> None:
    """Raise ModelError, with the figures and the limits, for an export that decides otherwise."""
    if check.passes:
        return
    shares = {"equal": f"{check.equal:.2%}", "least": f"{MIN_EQUAL:.1%}", "most": MAX_ECE}
    errors = {"ece": f"{check.ece:.4f}", "ece_engine": f"{check.ece_engine:.4f}"}
    raise ModelError("models.onnx_differs", model=model, n=check.cases, **shares, **errors)


def _held_out(store: Store, model: str, model_hash: str) -> pd.DataFrame:
    """Return text and label of the labelled cases of the model's newest finished run."""
    for record in store.runs("score"):
        run = record.run
        if record.state != "finished" or (run.model, run.model_hash) != (model, model_hash):
            continue
        rows = store.predictions(run.run_id, ["text", "label", "outcome"])
        rows = rows[rows["outcome"].isin(("right", "wrong"))]
        if len(rows):
            return rows.tail(MAX_CASES)
    raise ModelError("models.onnx_no_cases", model=model)


def _compare(scorer, engine, cases: pd.DataFrame, labels: tuple[str, ...]) -> EngineCheck:
    texts = cases["text"].tolist()
    by_torch, by_engine = (m.scores(texts, truncate=True).probabilities for m in (scorer, engine))
    label = cases["label"].to_numpy()
    half = np.median(by_torch.max(1))
    equal = (by_torch.argmax(1) == by_engine.argmax(1)) & (
        (by_torch.max(1) >= half) == (by_engine.max(1) >= half)
    )
    names = np.array(labels, dtype=object)
    own_ece, other_ece = (ece(p.max(1), names[p.argmax(1)] == label) for p in (by_torch, by_engine))
    return EngineCheck(len(cases), float(equal.mean()), float(own_ece or 0), float(other_ece or 0))
