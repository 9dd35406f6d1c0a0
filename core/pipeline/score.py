"""Score cases part by part into the store; repeating a killed scoring resumes it without doubles.

Parts are idempotent by (run, part). The run's name comes from the model's hash and the cases' hash,
so the same call finds the same run.
"""

import time
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from core.cases.prompts import require_options
from core.decision.thresholds.volume import date_metrics
from core.errors import CasesError, ModelError, NotFoundError
from core.models.base.card import ModelCard, read_card
from core.pipeline.prepare import check_lengths, with_known_labels
from core.pipeline.runs import content_hash, model_run, recorded
from core.pipeline.shared_trunk import SharedTrunk
from core.progress import ProgressBar
from core.settings import Settings
from core.store.parts import write_part
from core.store.samples import Samples
from core.store.store import Store
from core.types import Run, RunRecord

Engine = Literal["torch", "onnx"]
LAKE_PART_SIZE = 20_000  # where rows stay in their parts: a file for each 500 would be too many
PART_SIZE = 500  # cases; a kill -9 loses at most one part's computation
# Cases of a teacher's run whose single samples are stored for inspection. The limit bounds what a
# run adds to the store (1 MB for 10 samples of 12 labels, 26 MB for 32 of 100), where predictions
# grow with the cases.
SAMPLED_CASES = 2000


def score(
    store: Store,
    settings: Settings,
    model: str,
    cases: pd.DataFrame,
    cases_hash: str,
    dataset: str,
    role: str = "stream",
    samples: int | None = None,
    truncate: bool = False,
    part_size: int = PART_SIZE,
    rows_stay: bool = False,
    engine: Engine = "torch",
    trunk: SharedTrunk | None = None,
) -> RunRecord:
    """Score checked cases (core.cases' columns) with a model; return the finished run.

    model: its name. cases_hash: hash of the cases, part of the run's identity. dataset, role: what
    the run is filed under. samples: overrides a teacher's N; None keeps it. truncate: read the
    beginning of texts that are too long instead of raising CasesError. part_size: cases in one
    part. rows_stay: keep the rows in their parts' files; the store gets their counts, and reads rows
    on demand. engine: "onnx" runs the model's export in ONNX Runtime. trunk: shared with other models
    that score the same cases; None computes the model's own. seconds_per_case in the metrics is the
    model's time alone, from text to answer, over the parts that this call computed.
    Raises CasesError, ModelError.
    """
    if cases.empty:
        raise CasesError("cases.nothing_to_score")
    folder = settings.models / model
    card = read_card(folder)
    if card.chooses:
        require_options(cases, card.labels, card.name)
    cases, _ = with_known_labels(cases, card.labels)
    if samples and card.kind != "teacher":
        raise ModelError("pipeline.samples_for_teachers", name=card.name, kind=card.kind)
    card = card.model_copy(update={"samples": samples or card.samples})
    run = scoring_run(card, cases_hash, dataset, role, part_size, truncate, engine)
    # Before `recorded`, which would replace the finished run's metrics.
    if finished := _finished(store, run.run_id):
        return finished
    with recorded(store, run) as metrics:
        metrics |= _score_parts(
            store, settings, folder, card, run, cases, part_size, truncate, rows_stay, engine, trunk
        )
    return store.run(run.run_id)


def scoring_run(
    card: ModelCard,
    cases_hash: str,
    dataset: str,
    role: str,
    part_size: int,
    truncate: bool = False,
    engine: Engine = "torch",
) -> Run:
    """Return the run of scoring these cases with this model.

    card: the model's. cases_hash, dataset, role, part_size, truncate, engine: as of `score`. The
    same arguments give the same run_id.
    """
    # Engines round otherwise, so each has runs of its own; those of torch keep their names.
    engine_key = [] if engine == "torch" else [engine]
    key = content_hash(card.hash, cases_hash, dataset, role, part_size, truncate, *engine_key)
    settings = {"part_size": part_size, "truncate": truncate, "engine": engine}
    origin = {"dataset": dataset, "role": role, "inputs_hash": cases_hash}
    return model_run("score", card, key, settings=settings, **origin)


def _finished(store: Store, run_id: str) -> RunRecord | None:
    try:
        record = store.run(run_id)
    except NotFoundError:
        return None
    return record if record.state == "finished" else None


def _score_parts(
    store,
    settings: Settings,
    folder: Path,
    card,
    run: Run,
    cases: pd.DataFrame,
    part_size: int,
    truncate: bool,
    rows_stay: bool,
    engine: Engine,
    trunk: SharedTrunk | None,
) -> dict:
    # torch and its family take seconds: not for a scoring that is done
    from core.models.base.device import pick_device

    done = store.parts(run.run_id)
    starts = range(0, len(cases), part_size)
    device = pick_device("cpu" if engine == "onnx" else settings.device)
    model, seconds, scored = None, 0.0, 0
    missing = [start for part, start in enumerate(starts) if part not in done]
    parts_ready = len(cases) - sum(min(part_size, len(cases) - start) for start in missing)
    what = f"{card.name} scores {run.dataset}/{run.role}"
    with ProgressBar(total=len(cases), initial=parts_ready, desc=what, unit=" cases") as bar:
        for part, start in enumerate(starts):
            part_cases = cases.iloc[start : start + part_size]
            # Loaded at the first missing part: a scoring whose parts are all stored loads no model.
            if part not in done:
                if model is None:
                    model = _loaded_model(settings, folder, device, card, cases, truncate, engine)
                    # warm up: the measured time is the steady one
                    model.scores(part_cases["text"].tolist()[:32], truncate=True)
                texts = part_cases["text"].tolist()
                scores, samples, took = _timed_answers(model, texts, truncate, trunk)
                seconds, scored = seconds + took, scored + len(part_cases)
                # The part's file comes first and outlives a kill: reading it in is idempotent by
                # (run, part).
                path = write_part(
                    settings.store, run.run_id, part, predictions(part_cases, scores, card.labels)
                )
                take_in(
                    store,
                    run.run_id,
                    part,
                    path,
                    part_cases,
                    samples,
                    kept_samples(len(cases), start, len(part_cases)),
                    rows_stay,
                )
                bar.update(len(part_cases))
    per_case = seconds / scored if scored else None
    return {
        "seconds_per_case": per_case,
        "timed_cases": scored,
        "device": str(device),
        "cases": len(cases),
        "dates": date_metrics(cases["occurred_at"].dropna().tolist()),
    }


def _loaded_model(
    settings: Settings,
    folder: Path,
    device,
    card,
    cases: pd.DataFrame,
    truncate: bool,
    engine: Engine,
):
    """Return the model in `folder`, ready to score; raise where a text is longer than it reads."""
    from core.models.scoring import checkpoint, onnx_engine

    _, model = checkpoint.load(folder, device, card.samples)
    if engine == "onnx":
        model = onnx_engine.with_onnx(model, card, folder / onnx_engine.FOLDER)
    if not truncate:
        check_lengths(cases, model.backbone)
    if (
        settings.compile and card.samples == 1 and engine == "torch"
    ):  # a teacher's hooks change by call
        model.backbone.compile_blocks()
    return model


def _timed_answers(model, texts: list[str], truncate: bool, trunk: SharedTrunk | None) -> tuple:
    """Return the model's Scores of the texts, each sample's probabilities [N, n, K], and seconds.

    The second value is None for a model that answers in one pass.
    """
    if trunk is not None:
        return trunk.timed_answers(model, texts, truncate)
    started, samples = time.perf_counter(), None
    if hasattr(model, "sampled_scores"):
        scores, samples = model.sampled_scores(texts, truncate)
    else:
        scores = model.scores(texts, truncate)
    return scores, samples, time.perf_counter() - started


def kept_samples(cases: int, start: int, size: int) -> np.ndarray:
    """Return the positions in the part [start, start + size) of the cases whose samples are kept.

    SAMPLED_CASES of all `cases`, evenly spread: files lie in the order of time, so the first cases
    would show the first weeks only.
    """
    positions = np.arange(min(cases, SAMPLED_CASES)) * cases // min(cases, SAMPLED_CASES)
    return positions[(positions >= start) & (positions < start + size)] - start


def take_in(
    store: Store,
    run_id: str,
    part: int,
    path: Path,
    cases: pd.DataFrame,
    samples,
    positions: np.ndarray,
    rows_stay: bool = False,
) -> None:
    """Take a part into the store together with the samples of its kept cases, in one transaction.

    A kill loses or doubles neither. run_id, part: what the file at `path` belongs to. cases: the
    part's cases. samples [N, n, K]: theirs, None for a model without samples. positions: positions
    among them. rows_stay: as of Store.take_in.
    """
    with store.atomic():
        store.take_in(run_id, part, path, rows_stay)
        if samples is not None and len(positions):
            Samples(store).add(
                run_id, part, cases["case_id"].iloc[positions], samples[:, positions]
            )


def predictions(cases: pd.DataFrame, scores, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of a part from its cases and their core.models.scoring.spread.Scores.

    labels: order of the probabilities. confidence is the most probable label's probability.
    """
    best = scores.probabilities.argmax(1)
    predicted = np.array(labels, dtype=object)[best]
    return pd.DataFrame(
        {
            "case_id": cases["case_id"].to_numpy(),
            "row": cases["row"].to_numpy(),
            "segment": cases["segment"].to_numpy(),
            "text": cases["text"].to_numpy(),
            "label": cases["label"].to_numpy(),
            "predicted": predicted,
            "outcome": outcomes(cases["label"], predicted, labels),
            "confidence": scores.probabilities[np.arange(len(best)), best],
            "total": scores.total,
            "aleatoric": scores.aleatoric,
            "epistemic": scores.epistemic,
            "probabilities": list(scores.probabilities.astype(np.float32)),
            "occurred_at": cases["occurred_at"].to_numpy(),
            "value": cases["value"].to_numpy(),
            "novelty": np.nan if scores.novelty is None else scores.novelty,
        }
    )


def outcomes(label: pd.Series, predicted: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
    """Return one of core.types.OUTCOMES for each case."""
    labelled = label.notna().to_numpy()
    trained_label = label.isin(labels).to_numpy()
    right = label.to_numpy() == predicted
    return np.select([~labelled, ~trained_label, right], ["unlabelled", "unseen", "right"], "wrong")
