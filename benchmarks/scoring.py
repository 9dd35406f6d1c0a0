"""Answers -> metrics, one JSON-able dict a (set, seed, method); and their means with bootstrap
intervals. No torch.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import spearmanr

from core.stats import calibration, selective
from core.stats.calibration import ECE_BINS, Bin
from core.stats.calibration_bias import calibration_error
from core.stats.temperature import at_temperature, fit_temperature

# Metric -> (heading, +1 where more is better, -1 where less is, 0 where neither).
METRICS = {
    "accuracy": ("accuracy", 1),
    "ece": ("ECE", -1),
    "ece_floor": ("ECE by chance alone", 0),
    "squared_error": ("calibration error² without chance, ×1000", -1),
    "adaptive_ece": ("adaptive ECE", -1),
    "temperature_left": ("temperature the test asks for", 0),
    "ece_rescaled": ("ECE at that temperature", 0),
    "nll": ("NLL", -1),
    "brier": ("Brier", -1),
    "aurc": ("AURC", -1),
    "coverage_at_5": ("coverage at 5% risk", 1),
    "coverage_at_2": ("coverage at 2% risk", 1),
    "error_auroc": ("error AUROC", 1),
    "ood_auroc_total": ("OOD AUROC, total", 1),
    "ood_auroc_epistemic": ("OOD AUROC, epistemic", 1),
    "mi_spearman": ("MI rank corr.", 1),
    "mi_mae": ("MI error, nats", -1),
    "mi_spearman_ood": ("MI rank corr., OOD", 1),
    "mi_mae_ood": ("MI error OOD, nats", -1),
    "aleatoric_spearman": ("aleatoric rank corr.", 1),
    "aleatoric_mae": ("aleatoric error, nats", -1),
    "train_s": ("training, s", -1),
    "passes": ("passes", -1),
    "ms_per_case": ("ms a case", -1),
}
TIMES = ("train_s", "ms_per_case")
DRAWS = 2000


def measure(answers, labels: np.ndarray) -> dict[str, float | None]:
    """Every metric of one benchmarks.methods.Answers; None where it cannot be (no OOD texts, no
    teacher, no spread).
    """
    test, p = answers.test, answers.test.probabilities
    confidence, right = p.max(1), p.argmax(1) == labels
    bins = calibration.reliability(confidence, right)
    squared = squared_error(bins)
    return {
        "accuracy": float(right.mean()),
        "ece": calibration.ece(confidence, right),
        "ece_floor": calibration_error(bins).by_chance,
        "squared_error": None if squared is None else 1000 * squared,
        "adaptive_ece": adaptive_ece(confidence, right),
        **rescaled(p, labels),
        "nll": calibration.nll(p, labels),
        "brier": calibration.brier_score(p, labels),
        "aurc": selective.aurc(confidence, right),
        "coverage_at_5": selective.coverage_at_risk(confidence, right, 0.05),
        "coverage_at_2": selective.coverage_at_risk(confidence, right, 0.02),
        "error_auroc": selective.auroc(-confidence, ~right),
        "ood_auroc_total": ood_auroc(test.total, answers.ood and answers.ood.total),
        "ood_auroc_epistemic": ood_auroc(test.epistemic, answers.ood and answers.ood.epistemic),
        **fidelity(answers),
        "train_s": answers.train_s,
        "passes": answers.passes,
        "ms_per_case": answers.ms_per_case,
    }


def adaptive_ece(confidence: np.ndarray, right: np.ndarray, bins: int = ECE_BINS) -> float | None:
    """Return the ECE over bins of (nearly) equal numbers of cases, by rank of confidence.

    None without a case.
    """
    if not len(confidence):
        return None
    order = np.argsort(confidence, kind="stable")
    ranked = confidence[order]
    # A cut moves to the start of its run of equal confidences: else the order of the rows would
    # decide which case is on which side.
    cuts = np.unique(np.searchsorted(ranked, ranked[np.arange(1, bins) * len(order) // bins]))
    parts = [part for part in np.split(order, cuts) if len(part)]
    return float(
        sum(len(p) * abs(right[p].mean() - confidence[p].mean()) for p in parts) / len(order)
    )


def squared_error(bins: list[Bin]) -> float | None:
    """Return a diagram's mean squared calibration error without the bias of few cases.

    sum_b n_b / n ((a_b - c_b)^2 - a_b (1 - a_b) / (n_b - 1)), bins of one case left out (Kumar,
    Liang, Ma 2019, arXiv 1909.10155, section 4). Unbiased, so below 0 where chance has it so. None
    where no bin has two cases.
    """
    pairs = [(b.n, *b.point) for b in bins if b.n > 1]
    if not pairs:
        return None
    n, confidence, accuracy = np.array(pairs, dtype=float).T
    squares = (accuracy - confidence) ** 2 - accuracy * (1 - accuracy) / (n - 1)
    return float(np.average(squares, weights=n))


def rescaled(p: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """What one more temperature, fitted on the test itself, would do: how much of a calibration
    error is one of sharpness.

    No method may do this; it tells a shift between anchor and test (a temperature other than 1)
    from the rest.
    """
    temperature = fit_temperature(p, labels).value.value
    best = at_temperature(p, temperature)
    return {
        "temperature_left": temperature,
        "ece_rescaled": calibration.ece(best.max(1), best.argmax(1) == labels),
    }


def ood_auroc(inside: np.ndarray, outside: np.ndarray | None) -> float | None:
    """How well the score tells OOD texts from test texts; None without OOD texts, or where the
    score is one constant.
    """
    if outside is None or not np.ptp(np.concatenate([inside, outside])) > 0:
        return None
    return selective.auroc(
        np.concatenate([inside, outside]), np.repeat([0, 1], [len(inside), len(outside)])
    )


def fidelity(answers) -> dict[str, float | None]:
    """A student against its teacher's many samples: rank correlation and mean absolute error of MI
    and aleatoric.
    """
    test, ood = answers.reference or (None, None)
    return {
        "mi_spearman": _rank(answers.test, test, "epistemic"),
        "mi_mae": _error(answers.test, test, "epistemic"),
        "mi_spearman_ood": _rank(answers.ood, ood, "epistemic"),
        "mi_mae_ood": _error(answers.ood, ood, "epistemic"),
        "aleatoric_spearman": _rank(answers.test, test, "aleatoric"),
        "aleatoric_mae": _error(answers.test, test, "aleatoric"),
    }


def _rank(student, teacher, field: str) -> float | None:
    if student is None or teacher is None:
        return None
    a, b = getattr(student, field), getattr(teacher, field)
    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else None


def _error(student, teacher, field: str) -> float | None:
    if student is None or teacher is None:
        return None
    return float(np.abs(getattr(student, field) - getattr(teacher, field)).mean())


def mean_interval(
    values: Sequence[Sequence[float]], seed: int = 0
) -> dict[str, float | int | None]:
    """The mean over sets of the means over seeds, with its 95% bootstrap interval: seeds drawn anew
    within every set.

    `values` holds one row of seeds a set; sets are fixed, not drawn: the figure is about these
    sets. With one seed a set there is nothing to draw, and the interval is None.
    """
    rows = [np.asarray(row, dtype=float) for row in values if len(row)]
    n = int(sum(len(row) for row in rows))
    if not rows:
        return {"value": None, "low": None, "high": None, "n": 0}
    value = float(np.mean([row.mean() for row in rows]))
    if max(len(row) for row in rows) < 2:
        return {"value": value, "low": None, "high": None, "n": n}
    generator = np.random.default_rng(seed)
    drawn = np.mean(
        [row[generator.integers(0, len(row), (DRAWS, len(row)))].mean(1) for row in rows], axis=0
    )
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high), "n": n}


def summarise(
    results: Sequence[dict], key: Callable[[dict], str] = lambda r: r["method"]
) -> dict[str, dict[str, dict]]:
    """{method: {metric: mean over sets and seeds with interval}} from the benchmark's one-result
    dicts.

    Of seconds and milliseconds, each set's least counts: what else the machine does can only add to
    them.
    """
    summary: dict[str, dict] = {}
    for name in dict.fromkeys(key(r) for r in results):
        own = [r for r in results if key(r) == name]
        sets = dict.fromkeys(r["set"] for r in own)
        summary[name] = {}
        for metric in METRICS:
            known = [
                [
                    r["metrics"][metric]
                    for r in own
                    if r["set"] == s and r["metrics"][metric] is not None
                ]
                for s in sets
            ]
            summary[name][metric] = mean_interval(
                [[min(one)] for one in known if one] if metric in TIMES else known
            )
    return summary
