"""Compare models on the same scored cases: one row a run, every figure with its n and its 95%
interval.

Reads predictions from the store; needs no model. Metrics over classes the model knows use the cases
whose label it was trained on; the OOD AUROC asks how well an uncertainty tells the others from
them.
"""

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from core.errors import NotFoundError
from core.stats import calibration, selective
from core.store.store import Store
from core.types import Interval, RunRecord

BOOTSTRAP_DRAWS = 500
COLUMNS = [
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


def evaluate(
    store: Store, dataset: str, role: str, training: pd.DataFrame | None = None, seed: int = 0
) -> dict[str, dict]:
    """Metrics by model, for the newest finished scoring of each model on the newest cases of
    (dataset, role).

    `training` (text, label) adds a plain TF-IDF + logistic regression, fitted on it, as the
    baseline that everyone can have. Returns {name: {"run": ..., "passes": N, "seconds_per_case": s,
    metric: {"value", "low", "high", "n"}}}; an interval that cannot be is None.
    """
    rows = {}
    for record in comparable_runs(store, dataset, role):
        table = store.predictions(record.run.run_id, COLUMNS)
        row = {
            "run": record.run.run_id,
            "passes": record.run.samples,
            "seconds_per_case": record.metrics.get("seconds_per_case"),
        }
        rows[record.run.model] = row | metrics(table, record.run.labels, seed)
    if training is not None:
        record = comparable_runs(store, dataset, role)[0]
        table = store.predictions(record.run.run_id, COLUMNS)
        plain = plain_baseline(training, table, record.run.labels, seed)
        rows["TF-IDF + logistic regression"] = {
            "run": None,
            "passes": 1,
            "seconds_per_case": None,
        } | metrics(plain, record.run.labels, seed)
    return rows


def comparable_runs(store: Store, dataset: str, role: str) -> list[RunRecord]:
    """The newest finished scoring of each model that scored the same cases as the newest one of
    (dataset, role).
    """
    there = [
        r
        for r in store.runs("score")
        if (r.run.dataset, r.run.role, r.state) == (dataset, role, "finished")
    ]
    if not there:
        raise NotFoundError(
            f"no finished scoring of dataset {dataset!r}, role {role!r}: run `python -m core score` first"
        )
    same = [r for r in there if r.run.inputs_hash == there[0].run.inputs_hash]
    newest = {r.run.model: r for r in reversed(same)}
    return sorted(
        newest.values(), key=lambda r: ("point", "teacher", "student").index(r.run.model_kind)
    )


def metrics(table: pd.DataFrame, labels: tuple[str, ...], seed: int = 0) -> dict[str, dict]:
    """All metrics of one model's predictions, each as an Interval's dict."""
    position = {label: i for i, label in enumerate(labels)}
    seen = table[table["outcome"].isin(["right", "wrong"])]
    right, confidence = (seen["outcome"] == "right").to_numpy(), seen["confidence"].to_numpy()
    p = (
        np.stack(seen["probabilities"].to_numpy()).astype(np.float64)
        if len(seen)
        else np.zeros((0, len(labels)))
    )
    p /= p.sum(1, keepdims=True)  # stored as float32
    label = np.array([position[x] for x in seen["label"]], dtype=int)
    labelled = table[table["outcome"] != "unlabelled"]
    unseen = (labelled["outcome"] == "unseen").to_numpy()
    wrong = (labelled["outcome"] != "right").to_numpy()

    def interval(metric: Callable, *arrays: np.ndarray) -> dict:
        if len(arrays[0]) == 0:
            return asdict(Interval(None, None, None, 0))
        return asdict(selective.bootstrap_interval(metric, arrays, seed, BOOTSTRAP_DRAWS))

    return {
        "accuracy": interval(lambda r: float(r.mean()), right),
        "ece": interval(calibration.ece, confidence, right),
        "nll": interval(calibration.nll, p, label),
        "brier": interval(calibration.brier, p, label),
        "aurc": interval(selective.aurc, confidence, right),
        "coverage_at_5": interval(
            lambda c, r: selective.coverage_at_risk(c, r, 0.05), confidence, right
        ),
        "error_auroc": interval(selective.auroc, -labelled["confidence"].to_numpy(), wrong),
        "ood_auroc_total": interval(selective.auroc, labelled["total"].to_numpy(), unseen),
        "ood_auroc_epistemic": interval(selective.auroc, labelled["epistemic"].to_numpy(), unseen),
    }


def plain_baseline(
    training: pd.DataFrame, table: pd.DataFrame, labels: tuple[str, ...], seed: int
) -> pd.DataFrame:
    """`table` with the answers of a TF-IDF + logistic regression fitted on `training` in place of
    the model's.
    """
    plain = make_pipeline(
        TfidfVectorizer(sublinear_tf=True), LogisticRegression(max_iter=2000, random_state=seed)
    )
    plain.fit(training["text"], training["label"])
    p = (
        pd.DataFrame(plain.predict_proba(table["text"]), columns=plain.classes_)
        .reindex(columns=list(labels), fill_value=0.0)
        .to_numpy()
    )
    predicted = np.array(labels, dtype=object)[p.argmax(1)]
    entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1)
    fixed = table["outcome"].isin(["unseen", "unlabelled"])
    outcome = np.where(
        fixed, table["outcome"], np.where(table["label"] == predicted, "right", "wrong")
    )
    return table.assign(
        predicted=predicted,
        outcome=outcome,
        confidence=p.max(1),
        total=entropy,
        epistemic=0.0,
        probabilities=list(p.astype(np.float32)),
    )
