"""What a method says of a set's test and OOD texts, what it costs, and what that is worth.

Files and metrics only: knows no model and no torch.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.stats import calibration, selective
from core.stats.calibration_bias import calibration_error

DRAWS = 300  # of the paired bootstrap
Index = np.ndarray | slice
ALL: Index = slice(None)


@dataclass(frozen=True)
class Answers:
    """One method on one set and seed.

    test [n, K] and ood [m, K]: probabilities. labels [n]: positions of the test's. scores: by
    name, (test [n], ood [m]), larger for a stranger case. record: costs, options, fidelity.
    """

    set_name: str
    seed: int
    method: str
    test: np.ndarray
    ood: np.ndarray
    labels: np.ndarray
    scores: dict[str, tuple[np.ndarray, np.ndarray]]
    record: dict = field(default_factory=dict)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of each test text's answer, [n]."""
        return self.test.max(1)

    @property
    def right(self) -> np.ndarray:
        """Whether each test text's answer is its label, [n]."""
        return self.test.argmax(1) == self.labels


def write_answers(answers: Answers, folder: Path) -> None:
    """Write the answers as NAME.npz, then NAME.json: whole where the JSON file exists."""
    folder.mkdir(parents=True, exist_ok=True)
    path = answers_path(folder, answers.set_name, answers.seed, answers.method)
    arrays = {"test": answers.test.astype(np.float32), "ood": answers.ood.astype(np.float32)}
    for name, (inside, outside) in answers.scores.items():
        arrays |= {f"in:{name}": inside, f"out:{name}": outside}
    np.savez_compressed(path.with_suffix(".npz"), labels=answers.labels, **arrays)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(answers.record, indent=1), encoding="utf-8")
    part.replace(path)


def read_answers(folder: Path, set_name: str, seed: int, method: str) -> Answers:
    """Read what `write_answers` wrote."""
    path = answers_path(folder, set_name, seed, method)
    record = json.loads(path.read_text(encoding="utf-8"))
    with np.load(path.with_suffix(".npz")) as file:
        names = [name[3:] for name in file.files if name.startswith("in:")]
        scores = {name: (file[f"in:{name}"], file[f"out:{name}"]) for name in names}
        arrays = {name: file[name].astype(np.float64) for name in ("test", "ood")}
        labels = file["labels"]
    arrays = {name: p / p.sum(1, keepdims=True) for name, p in arrays.items()}
    return Answers(set_name, seed, method, **arrays, labels=labels, scores=scores, record=record)


def answers_path(folder: Path, set_name: str, seed: int, method: str) -> Path:
    """Return the JSON file of one method on one set and seed."""
    return folder / f"{set_name}.{seed}.{method}.json"


# --- metrics --------------------------------------------------------------------------------------


def quality(answers: Answers) -> dict[str, float | None]:
    """Return every figure of one method on one set and seed; OOD AUROC by score's name."""
    error = calibration_error(calibration.reliability(answers.confidence, answers.right))
    figures = {name: metric(answers, ALL, ALL) for name, metric in METRICS.items()}
    ood = {f"ood:{name}": ood_auroc(answers, name) for name in answers.scores}
    return figures | {
        "ece": error.debiased.value,
        "ece_low": error.debiased.low,
        "ece_high": error.debiased.high,
        "ece_plain": error.plain,
        "ece_p_value": error.p_value,
        **ood,
    }


def ood_auroc(answers: Answers, score: str, inside: Index = ALL, outside: Index = ALL) -> float:
    """Return how often the score ranks an OOD text above a test text, ties half."""
    pair = zip(answers.scores[score], (inside, outside), strict=True)
    test, ood = (part[index] for part, index in pair)
    return selective.auroc(np.concatenate([test, ood]), np.repeat([0, 1], [len(test), len(ood)]))


def _coverage(risk: float) -> Callable:
    return lambda a, i, _: selective.coverage_at_risk(a.confidence[i], a.right[i], risk)


METRICS: dict[str, Callable[[Answers, Index, Index], float]] = {
    "accuracy": lambda a, i, _: float(a.right[i].mean()),
    "nll": lambda a, i, _: calibration.nll(a.test[i], a.labels[i]),
    "brier": lambda a, i, _: calibration.brier_score(a.test[i], a.labels[i]),
    "aurc": lambda a, i, _: selective.aurc(a.confidence[i], a.right[i]),
    "coverage_at_2": _coverage(0.02),
    "coverage_at_5": _coverage(0.05),
}


def paired_interval(
    pairs: dict[str, Sequence[tuple[Answers, Answers]]],
    metric: Callable[[Answers, Index, Index], float],
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return the mean difference (first - second) over sets, and its 95% bootstrap interval.

    pairs: for each set one pair a seed, both on the same test texts. Every draw takes seeds with
    replacement within each set, then cases with replacement, the same ones for both methods. Sets
    are fixed: the figure is about these sets.
    """

    def difference(pair: tuple[Answers, Answers], inside: Index, outside: Index) -> float:
        return metric(pair[0], inside, outside) - metric(pair[1], inside, outside)

    generator = np.random.default_rng(seed)
    value = np.mean([np.mean([difference(p, ALL, ALL) for p in rows]) for rows in pairs.values()])
    drawn = np.zeros((draws, len(pairs)))
    for i in range(draws):
        for j, rows in enumerate(pairs.values()):
            chosen = [rows[k] for k in generator.integers(0, len(rows), len(rows))]
            drawn[i, j] = np.mean(
                [
                    difference(
                        pair,
                        *(
                            generator.integers(0, n, n)
                            for n in (len(pair[0].test), len(pair[0].ood))
                        ),
                    )
                    for pair in chosen
                ]
            )
    low, high = np.quantile(drawn.mean(1), [0.025, 0.975])
    return float(value), float(low), float(high)
