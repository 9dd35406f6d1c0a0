"""Results of the benchmark -> summary.json and results.md. Knows answers and tables, no models."""

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.rivals.answers import Answers, answers_path, quality, read_answers
from benchmarks.rivals.lines import (
    RIVALS,
    Line,
    Runs,
    cost_lines,
    figures_by_set,
    novelty_lines,
    rank_scores,
    rival_lines,
    teacher_lines,
)
from benchmarks.rivals.names import GROUPS

SHOWN = {
    "accuracy": "accuracy ↑",
    "nll": "NLL ↓",
    "brier": "Brier ↓",
    "ece": "ECE, debiased ↓",
    "ece_plain": "ECE, plain",
    "aurc": "AURC ↓",
    "coverage_at_2": "coverage at 2% risk ↑",
    "coverage_at_5": "coverage at 5% risk ↑",
}
REACHED = {True: "reached", False: "NOT reached", None: "no figure"}


def read_runs(folder: Path, sets: list[str], seeds: int) -> Runs:
    """Return what the folder has of these sets and seeds, methods that ran on every seed only."""
    runs: Runs = {}
    for name in sets:
        done = [s for s in range(seeds) if answers_path(folder, name, s, "embedding-lr").is_file()]
        for method in (m for group in GROUPS.values() for m in group):
            if done and all(answers_path(folder, name, s, method).is_file() for s in done):
                runs.setdefault(name, {})[method] = [
                    read_answers(folder, name, s, method) for s in done
                ]
    return runs


def write_report(runs: Runs, out: Path) -> str:
    """Write summary.json and results.md into `out`; return the Markdown."""
    means = figures_by_set(runs)
    complete = {name: methods for name, methods in runs.items() if "student" in methods}
    blocks = {
        "against the best rival of each set": _lines(complete, rival_lines),
        "against embedding + LR alone": _lines(
            complete, lambda r: rival_lines(r, ("embedding-lr",))
        ),
        "cases unlike the training cases": _lines(complete, novelty_lines),
        "against its own teacher": _lines(complete, teacher_lines),
        "cost, processor time": _lines(complete, cost_lines),
    }
    content = {
        "sets": {
            name: {"seeds": [a.seed for a in next(iter(methods.values()))], "note": _note(methods)}
            for name, methods in runs.items()
        },
        "lines": {title: [asdict(line) for line in lines] for title, lines in blocks.items()},
        "means": means,
        "by_seed": [
            {"set": a.set_name, "seed": a.seed, "method": a.method} | quality(a) | a.record
            for methods in runs.values()
            for rows in methods.values()
            for a in rows
        ],
    }
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, default=lambda x: x.item())  # numpy scalars
    (out / "summary.json").write_text(text, encoding="utf-8")
    parts = [_seeds(complete)]
    parts += [lines_table(title, lines) for title, lines in blocks.items() if lines]
    parts += [
        f"### {name}\n\n{_note(m)}\n\n{metrics_table(means[name], m)}" for name, m in runs.items()
    ]
    parts.append(f"### OOD AUROC by score\n\n{scores_table(rank_scores(runs))}")
    text = "\n\n".join(parts) + "\n"
    (out / "results.md").write_text(text, encoding="utf-8")
    return text


def lines_table(title: str, lines: list[Line]) -> str:
    """Return a block of lines as Markdown."""
    heading = f"#### {title[0].upper()}{title[1:]}\n"
    columns = "| must reach | figure | bound | | |\n| --- | ---: | ---: | --- | --- |"
    rows = [
        f"| {x.text} | {_number(x.figure)} | {_number(x.bound)} | {REACHED[x.reached]} | {x.note} |"
        for x in lines
    ]
    return "\n".join([heading, columns, *rows])


def metrics_table(figures: dict[str, dict], methods: dict[str, list[Answers]]) -> str:
    """Return one set's methods as Markdown: a row a method, means over seeds."""
    head = f"| method | {' | '.join(SHOWN.values())} | training, CPU s |"
    rule = "| --- |" + " ---: |" * (len(SHOWN) + 1)
    rows = []
    for name, rows_of in methods.items():
        cells = [_number(figures[name][metric]) for metric in SHOWN]
        seconds = min(row.record["train_s"] for row in rows_of)
        label = f"{name} (rival)" if name in RIVALS else name
        rows.append(f"| {label} | {' | '.join(cells)} | {seconds:.0f} |")
    return "\n".join([head, rule, *rows])


def scores_table(table: dict[str, dict[str, float]]) -> str:
    """Return set x score as Markdown; a dash where a score was not measured."""
    names = list(dict.fromkeys(name for row in table.values() for name in row))
    head = f"| score | {' | '.join(table)} |\n| --- |" + " ---: |" * len(table)
    rows = [
        f"| {name} | {' | '.join(_number(table[s].get(name)) for s in table)} |" for name in names
    ]
    return "\n".join([head, *rows])


def _lines(runs: Runs, make) -> list[Line]:
    return make(runs) if runs else []


def _note(methods: dict[str, list[Answers]]) -> str:
    return next(iter(methods.values()))[0].record["note"]


def _seeds(runs: Runs) -> str:
    each = "; ".join(f"{n} {', '.join(str(a.seed) for a in m['student'])}" for n, m in runs.items())
    return f"Sets with their seeds: {each}." if each else "No set has a student yet."


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
