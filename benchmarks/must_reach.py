"""The lines that the project set itself: student against the best teacher at N = 10 and against the
point estimate.

Every line compares means over sets and seeds. A line that is not reached says so with its numbers;
none is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass

Summary = dict[str, dict[str, dict]]  # benchmarks.scoring.summarise


@dataclass(frozen=True)
class Line:
    """`metric` of the student must be at least (sign +1) or at most (sign -1) `bound(teacher's,
    point's)`.
    """

    text: str
    metric: str
    sign: int
    bound: Callable[[float | None, float | None], float]


LINES = (
    Line("ECE <= teacher + 0.01", "ece", -1, lambda teacher, point: teacher + 0.01),
    Line("ECE <= 0.6 x point estimate", "ece", -1, lambda teacher, point: 0.6 * point),
    Line("NLL <= teacher + 0.01", "nll", -1, lambda teacher, point: teacher + 0.01),
    Line("accuracy >= point estimate - 0.005", "accuracy", 1, lambda teacher, point: point - 0.005),
    Line("Spearman of MI >= 0.85 in distribution", "mi_spearman", 1, lambda teacher, point: 0.85),
    Line("Spearman of MI >= 0.75 on OOD inputs", "mi_spearman_ood", 1, lambda teacher, point: 0.75),
    Line(
        "OOD AUROC (total) >= teacher - 0.01",
        "ood_auroc_total",
        1,
        lambda teacher, point: teacher - 0.01,
    ),
    Line(
        "coverage at 5% risk >= 1.1 x point estimate",
        "coverage_at_5",
        1,
        lambda teacher, point: 1.1 * point,
    ),
)


def best_teacher(summary: Summary, kinds: list[str]) -> str:
    """The teacher with the lowest mean NLL among those that were run."""
    return min(
        (kind for kind in kinds if kind in summary), key=lambda kind: summary[kind]["nll"]["value"]
    )


def check(
    summary: Summary, student: str, teacher: str, lines: tuple[Line, ...] = LINES
) -> list[dict]:
    """Every line for one student and the best teacher: {"line", "student", "bound", "reached"};
    reached is None where a figure is missing.
    """
    rows = []
    for line in lines:
        own, other, point = (
            summary[name][line.metric]["value"] for name in (student, teacher, "point")
        )
        try:
            bound = line.bound(other, point)
        except TypeError:  # a figure that no set has
            bound = None
        known = own is not None and bound is not None
        rows.append(
            {
                "line": line.text,
                "student": own,
                "bound": bound,
                "reached": line.sign * (own - bound) >= 0 if known else None,
            }
        )
    return rows
