"""What the student must reach against the best of the rivals, its own teacher, and in cost.

For each metric and set, the best rival is the one with the best mean over seeds on that set: a
choice made on the test, in the rivals' favour. ECE is held against the rival with the best NLL: a
weak rival may be perfectly calibrated. A line that is not reached says so with its figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.must_reach import Summary, check
from benchmarks.rivals.answers import METRICS, Answers, ood_auroc, paired_interval, quality
from benchmarks.rivals.names import FREE, NOVELTY, POINT

RIVALS = (*FREE, *POINT)
HIGHER = {"accuracy": True, "nll": False, "brier": False, "aurc": False, "ece": False}
HIGHER |= {"coverage_at_2": True, "coverage_at_5": True}
MI_RANKS = ("mi_spearman", "mi_spearman_ood")
TRAIN_TEXTS = 3000  # the size at which the cost of training is judged
Runs = dict[str, dict[str, list[Answers]]]  # set -> method -> one a seed


@dataclass(frozen=True)
class Line:
    """One line: what was asked, the figure, its bound, whether it is reached, and more words."""

    text: str
    figure: float | None
    bound: float
    reached: bool | None  # None where a figure is missing
    note: str = ""


def figures_by_set(runs: Runs) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return set -> method -> metric -> mean over seeds; None where a seed lacks it."""
    means: dict[str, dict[str, dict[str, float | None]]] = {}
    for name, methods in runs.items():
        means[name] = {}
        for method, rows in methods.items():
            each = [quality(row) for row in rows]
            means[name][method] = {
                metric: None
                if any(row[metric] is None for row in each)
                else float(np.mean([row[metric] for row in each]))
                for metric in each[0]
            }
    return means


def best_rival(figures: dict[str, dict], metric: str, names: Sequence[str] = RIVALS) -> str:
    """Return the rival with the best mean of `metric` on a set, among those that were run."""
    run = [name for name in names if name in figures]
    return (max if HIGHER[metric] else min)(run, key=lambda name: figures[name][metric])


def rival_lines(runs: Runs, rivals: Sequence[str] = RIVALS) -> list[Line]:
    """Return the lines of the student against the best of `rivals` on each set."""
    means = figures_by_set(runs)
    best = {m: {s: best_rival(means[s], m, rivals) for s in runs} for m in HIGHER}
    best["ece"] = best["nll"]

    def gaps(metric: str) -> dict[str, float]:
        """Student less best rival on each set."""
        return {s: means[s]["student"][metric] - means[s][best[metric][s]][metric] for s in runs}

    def interval(metric: str) -> tuple[float, float, float]:
        pairs = {
            s: list(zip(runs[s]["student"], runs[s][best[metric][s]], strict=True)) for s in runs
        }
        return paired_interval(pairs, METRICS[metric])

    def worst(metric: str, gap: dict[str, float]) -> str:
        name = (min if HIGHER[metric] else max)(gap, key=gap.get)
        return f"on {name} against {best[metric][name]}"

    accuracy, nll = gaps("accuracy"), gaps("nll")
    lines = []
    value, low, high = interval("accuracy")
    lines.append(
        Line("accuracy: mean gain >= 0.010", value, 0.01, value >= 0.01, _bounds(low, high))
    )
    least = min(accuracy.values())
    lines.append(
        Line(
            "accuracy: gain >= -0.005 on every set", least, -0.005, least >= -0.005,
            worst("accuracy", accuracy),
        )
    )  # fmt: skip
    value, low, high = interval("nll")
    lines.append(
        Line("NLL: mean difference, interval below 0", value, 0.0, high < 0, _bounds(low, high))
    )
    most = max(nll.values())
    lines.append(
        Line("NLL: difference <= 0.01 on every set", most, 0.01, most <= 0.01, worst("nll", nll))
    )
    value, low, high = interval("aurc")
    lines.append(Line("AURC: mean difference < 0", value, 0.0, value < 0, _bounds(low, high)))
    for risk in (2, 5):
        metric = f"coverage_at_{risk}"
        own = np.mean([means[s]["student"][metric] for s in runs])
        other = np.mean([means[s][best[metric][s]][metric] for s in runs])
        ratio = float(own / other) if other > 0 else np.inf
        note = f"{own:.3f} v. {other:.3f}"
        lines.append(
            Line(f"coverage at {risk}% risk: ratio of means >= 1.1", ratio, 1.1, ratio >= 1.1, note)
        )
    own = float(np.mean([means[s]["student"]["ece"] for s in runs]))
    other = float(np.mean([means[s][best["ece"][s]]["ece"] for s in runs]))
    lines.append(
        Line(
            "ECE (debiased): mean <= that of the rivals with the best NLL", own, other, own <= other
        )
    )
    return lines


def novelty_lines(runs: Runs) -> list[Line]:
    """Return the lines on OOD AUROC: the student's own rule against the rival's best score."""
    means = figures_by_set(runs)
    gaps, levels = {}, {}
    for name, methods in means.items():
        rule = student_rule(runs[name]["student"][0])
        levels[name] = methods["student"][f"ood:{rule}"]
        rival = max(methods["embedding-lr"][f"ood:{score}"] for score in NOVELTY)
        gaps[name] = levels[name] - rival
    least = min(gaps, key=gaps.get)
    lines = [
        Line(
            "OOD AUROC: gain >= -0.005 on every set against the rival's best score",
            gaps[least], -0.005, gaps[least] >= -0.005, f"on {least}",
        )
    ]  # fmt: skip
    if "workorders" in levels:
        level = levels["workorders"]
        lines.append(Line("OOD AUROC on work orders >= 0.70", level, 0.7, level >= 0.7))
    return lines


def student_rule(student: Answers) -> str:
    """Return the score by which a student calls a case new: its own novelty, else the entropy."""
    return "novelty" if "novelty" in student.scores else "total"


def teacher_lines(runs: Runs) -> list[Line]:
    """Return must_reach's eight lines of the student against its teacher."""
    summary: Summary = {}
    means = figures_by_set(runs)
    for method in ("point", "teacher", "student"):
        values = {
            metric: np.mean([means[s][method][metric] for s in runs])
            for metric in ("accuracy", "ece", "nll", "coverage_at_5")
        }
        values["ood_auroc_total"] = np.mean([means[s][method]["ood:total"] for s in runs])
        for metric in MI_RANKS:
            values[metric] = _recorded(runs, method, metric)
        summary[method] = {metric: {"value": value} for metric, value in values.items()}
    return [
        Line(f"against its teacher: {row['line']}", row["student"], row["bound"], row["reached"])
        for row in check(summary, "student", "teacher")
    ]


def cost_lines(runs: Runs) -> list[Line]:
    """Return the lines on processor time: one pass, and training at about TRAIN_TEXTS texts."""
    records = {name: [row.record for row in runs[name]["student"]] for name in runs}
    passes = [
        min(r["ms_per_case"] for r in rows) / min(r["embedding_ms_per_case"] for r in rows)
        for rows in records.values()
    ]
    worst = float(max(passes))
    lines = [Line("one pass <= 1.05 x embedding + LR, every set", worst, 1.05, worst <= 1.05)]
    name = min(records, key=lambda s: abs(records[s][0]["train_texts"] - TRAIN_TEXTS))
    ratio = min(r["train_s"] for r in records[name]) / min(
        row.record["train_s"] for row in runs[name]["embedding-lr"]
    )
    note = f"on {name}, {records[name][0]['train_texts']} texts"
    lines.append(Line("training <= 20 x embedding + LR's", float(ratio), 20.0, ratio <= 20, note))
    return lines


def _recorded(runs: Runs, method: str, name: str) -> float | None:
    values = [row.record.get(name) for s in runs for row in runs[s][method]]
    return float(np.mean(values)) if values and None not in values else None


def _bounds(low: float, high: float) -> str:
    return f"interval {low:+.4f} to {high:+.4f}"


def rank_scores(runs: Runs) -> dict[str, dict[str, float]]:
    """Return set -> score of ours or the rival's -> OOD AUROC, mean over seeds."""
    table: dict[str, dict[str, float]] = {}
    for name, methods in runs.items():
        table[name] = {}
        for method in ("embedding-lr", "linear", "point", "teacher", "student"):
            for score in methods[method][0].scores if method in methods else ():
                values = [ood_auroc(row, score) for row in methods[method]]
                table[name][f"{method}, {score}"] = float(np.mean(values))
    return table
