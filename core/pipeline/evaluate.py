"""Compare models and plain rivals on the same scored cases, and decide which one wins.

Reads predictions from the store. The rivals (core.pipeline.rivals) are fitted on the training cases
that the workspace keeps; the base's states need the folder of a compared model. Metrics over
classes the model knows use the cases whose label it was trained on; the OOD AUROC measures how well
an uncertainty separates the other cases from them.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import entr

from core.errors import NotFoundError
from core.models.base.card import read_card
from core.pipeline.rivals import fit_embedding_lr, fit_words, make_folds
from core.pipeline.train import kept_cases
from core.settings import Settings
from core.stats import calibration, selective
from core.stats.calibration_bias import calibration_error
from core.stats.verdict import EMBEDDING, PairedVerdict, judge_pair
from core.store.store import Store
from core.types import KIND_ORDER, MODEL_KINDS, Interval, RunRecord

COMPARED_COLUMNS = [
    "case_id",
    "text",
    "label",
    "predicted",
    "outcome",
    "confidence",
    "total",
    "epistemic",
    "probabilities",
]
WORDS_RIVAL, BOTH_RIVAL = "TF-IDF + LR", "embedding and TF-IDF + LR"
States = Callable[[Sequence[str]], np.ndarray]  # texts -> pooled states [n, d] of the frozen base


@dataclass(frozen=True)
class ModelComparison:
    """Metrics of models and rivals, and verdicts.

    rows: {name: {"run", "passes", "seconds_per_case", metric: Interval's dict}}. verdicts: the
    first model in KIND_ORDER against each rival.
    """

    rows: dict[str, dict]
    verdicts: list[PairedVerdict]


def evaluate(
    store: Store,
    dataset: str,
    role: str,
    training: pd.DataFrame | None = None,
    states: States | None = None,
    seed: int = 0,
) -> ModelComparison:
    """Return the newest finished scoring of each model on (dataset, role), compared.

    training: text and label of training cases; the plain rivals are fitted on them and compared,
    None compares no rival. states: pooled states of the base; None compares only the rivals that
    count words. seed: of folds and bootstraps. Raises NotFoundError without a finished scoring.
    """
    records = comparable_runs(store, dataset, role)
    labels = records[0].run.labels
    tables = {r.run.model: store.predictions(r.run.run_id, COMPARED_COLUMNS) for r in records}
    rows: dict[str, dict[str, Any]] = {
        r.run.model: {
            "run": r.run.run_id,
            "passes": r.run.samples,
            "seconds_per_case": r.metrics.get("seconds_per_case"),
        }
        | metrics(tables[r.run.model], r.run.labels, seed)
        for r in records
    }
    if training is None:
        return ModelComparison(rows, [])
    cases = next(iter(tables.values()))
    rivals = rival_tables(training, cases, labels, states, seed)
    plain = {"run": None, "passes": 1, "seconds_per_case": None}
    rows |= {name: plain | metrics(table, labels, seed) for name, table in rivals.items()}
    ours = min(records, key=lambda r: KIND_ORDER.index(r.run.model_kind))
    return ModelComparison(
        rows,
        []
        if rows[ours.run.model]["nll"]["value"] is None
        else [
            verdict(ours.run.model, tables[ours.run.model], name, table, labels, seed)
            for name, table in rivals.items()
        ],
    )


def comparable_runs(store: Store, dataset: str, role: str) -> list[RunRecord]:
    """Return the newest finished scoring of each model on the newest cases of (dataset, role)."""
    finished = [
        r
        for r in store.runs("score")
        if (r.run.dataset, r.run.role, r.state) == (dataset, role, "finished")
    ]
    if not finished:
        raise NotFoundError("stats.no_scoring", dataset=dataset, role=role)
    # Runs on other cases are not comparable: only those on the newest run's exact cases stay.
    same = [r for r in finished if r.run.inputs_hash == finished[0].run.inputs_hash]
    # Runs come newest first; reversed, the newest of a model is written last and stays.
    newest = {r.run.model: r for r in reversed(same)}
    return sorted(newest.values(), key=lambda r: MODEL_KINDS.index(r.run.model_kind))


def frozen_states(settings: Settings, models: Sequence[str]) -> States | None:
    """Return a function texts -> pooled states, of the base of the first of `models` with a folder.

    None if none of them has a folder.
    """
    folders = [settings.models / name for name in models]
    folder = next((f for f in folders if (f / "model.json").is_file()), None)
    if folder is None:
        return None
    card = read_card(folder)
    local = folder / card.base
    source = str(local.resolve()) if local.is_dir() else card.base

    def states(texts: Sequence[str]) -> np.ndarray:
        from core.models.base.device import pick_device  # torch takes seconds
        from core.models.base.frozen import load_frozen, pooled_states

        backbone = load_frozen(source, pick_device(settings.device), card.readout)
        return pooled_states(backbone, texts, truncate=True, progress=EMBEDDING)

    return states


def kept_training(settings: Settings, name: str) -> pd.DataFrame:
    """Return all labelled cases that `train` kept under this name. Raises ModelError."""
    return kept_cases(settings, name).dropna(subset="label")


def rival_tables(
    training: pd.DataFrame,
    cases: pd.DataFrame,
    labels: tuple[str, ...],
    states: States | None,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Return `cases` with each rival's answers in place of the model's, by rival's name.

    training: text and label. labels: the model's classes; other training cases are left out.
    states: pooled states of texts, None for only the rival that counts words. seed: of the folds.
    """
    labelled = training[training["label"].isin(labels)]
    texts, queries = labelled["text"].tolist(), cases["text"].tolist()
    position = {label: i for i, label in enumerate(labels)}
    positions = np.array([position[label] for label in labelled["label"]], dtype=np.int64)
    folds = make_folds(positions, seed=seed)
    words = fit_words(texts, positions, len(labels), folds)
    answers = {WORDS_RIVAL: words.probabilities(queries)}
    if states is not None:
        # One call, so that the base is loaded once for training cases and queries.
        train, test = np.split(states([*texts, *queries]), [len(texts)])
        linear = fit_embedding_lr(train, positions, len(labels), folds)
        both = fit_words(texts, positions, len(labels), folds, train)
        plain = {EMBEDDING: linear.probabilities(test)}
        answers = plain | answers | {BOTH_RIVAL: both.probabilities(queries, test)}
    return {name: answered(cases, p, labels) for name, p in answers.items()}


def answered(cases: pd.DataFrame, p: np.ndarray, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return the cases with the answers of probabilities p [n, K]; their epistemic spread is 0."""
    predicted = np.array(labels, dtype=object)[p.argmax(1)]
    unjudged = cases["outcome"].isin(["unseen", "unlabelled"])
    outcome = np.where(cases["label"] == predicted, "right", "wrong")
    return cases.assign(
        predicted=predicted,
        outcome=np.where(unjudged, cases["outcome"], outcome),
        # The float softmax can exceed 1 by rounding, which the statistics refuse.
        confidence=np.minimum(p.max(1), 1.0),
        total=entr(p).sum(1),
        epistemic=0.0,
        probabilities=list(p.astype(np.float32)),
    )


def metrics(table: pd.DataFrame, labels: tuple[str, ...], seed: int = 0) -> dict[str, dict]:
    """Return all metrics of one model's predictions, each as an Interval's dict.

    "ece" is the debiased error with its own interval, "ece_plain" the usual one without. An OOD
    AUROC of a score that never varies has no value.
    """
    trained = table[table["outcome"].isin(["right", "wrong"])]
    right = (trained["outcome"] == "right").to_numpy()
    confidence = trained["confidence"].to_numpy()
    p, label = _probabilities(trained, labels)
    labelled = table[table["outcome"] != "unlabelled"]
    unseen = (labelled["outcome"] == "unseen").to_numpy()
    wrong = (labelled["outcome"] != "right").to_numpy()

    def interval(metric: Callable, *arrays: np.ndarray) -> dict:
        if len(arrays[0]) == 0:
            return asdict(Interval(None, None, None, 0))
        return asdict(selective.bootstrap_interval(metric, arrays, seed))

    def separation(score: pd.Series) -> dict:
        if not len(score) or np.ptp(score) == 0:
            return asdict(Interval(None, None, None, len(score)))
        return interval(selective.auroc, score.to_numpy(), unseen)

    def coverage(c: np.ndarray, r: np.ndarray) -> float | None:
        return selective.coverage_at_risk(c, r, 0.05)

    error = calibration_error(calibration.reliability(confidence, right))
    return {
        "accuracy": interval(lambda r: float(r.mean()), right),
        "ece": asdict(error.debiased),
        "ece_plain": asdict(Interval(error.plain, None, None, len(trained))),
        "nll": interval(calibration.nll, p, label),
        "brier": interval(calibration.brier_score, p, label),
        "aurc": interval(selective.aurc, confidence, right),
        "coverage_at_5": interval(coverage, confidence, right),
        "error_auroc": interval(selective.auroc, -labelled["confidence"].to_numpy(), wrong),
        "ood_auroc_total": separation(labelled["total"]),
        "ood_auroc_epistemic": separation(labelled["epistemic"]),
    }


def verdict(
    model: str,
    ours: pd.DataFrame,
    rival: str,
    theirs: pd.DataFrame,
    labels: tuple[str, ...],
    seed: int = 0,
) -> PairedVerdict:
    """Return the verdict on one model's table and a rival's, on the same cases in the same order.

    model, rival: names. ours, theirs: tables of predictions. labels: order of the probabilities.
    seed: of the bootstrap.
    """
    trained = ours["outcome"].isin(["right", "wrong"]).to_numpy()
    (p, label), (q, _) = (_probabilities(table[trained], labels) for table in (ours, theirs))
    return judge_pair(model, p, rival, q, label, seed)


def _probabilities(table: pd.DataFrame, labels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities [n, K] whose rows add up to 1, and labels' positions [n]."""
    position = {label: i for i, label in enumerate(labels)}
    label = np.array([position[x] for x in table["label"]], dtype=int)
    if not len(table):
        return np.zeros((0, len(labels))), label
    p = np.stack(table["probabilities"].to_numpy()).astype(np.float64)
    # Stored as float32, rows miss 1 by rounding, which temperature and NLL would see.
    return p / p.sum(1, keepdims=True), label
