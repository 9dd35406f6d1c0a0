"""Results of the uncertainty benchmark -> summary.json, results.md and chart.html. Knows files and
tables, no models.

A mean is shown of methods that have every (set, seed) run among those given; the others are named
below it with what they lack.
"""

import json
from pathlib import Path

from benchmarks.must_reach import best_teacher, check
from benchmarks.scoring import summarise
from benchmarks.tables import (
    CALIBRATION,
    COST,
    QUALITY,
    UNCERTAINTY,
    chart,
    lines_markdown,
    markdown,
)
from core.errors import SettingsError
from core.models.base.settings import TEACHERS

SHIPPED = "blob-student"  # what `make demo` and `python -m core distill` give by default
# options that all results of a table must share
COMMON = ("adapter", "epochs", "learning_rate", "cases")


def there(out: Path, names: list[str]) -> list[dict]:
    """All results of these sets in the folder. Raises SettingsError where there is none, or they
    are of several options.
    """
    results = [
        json.loads(p.read_text(encoding="utf-8")) for p in sorted((out / "results").glob("*.json"))
    ]
    results = [r for r in results if r["set"] in names]
    kinds = {json.dumps([r["options"][name] for name in COMMON], sort_keys=True) for r in results}
    if len(kinds) != 1:
        raise SettingsError(
            f"{out} holds results of {len(kinds)} different options: one is needed for a table"
        )
    return results


def write(results: list[dict], out: Path) -> None:
    """The three files, of these results."""
    summary = summarise(complete(results))
    by_set = {
        name: [r for r in results if r["set"] == name]
        for name in dict.fromkeys(r["set"] for r in results)
    }
    teachers = [kind for kind in TEACHERS if kind in summary]
    best = best_teacher(summary, teachers) if teachers else None
    students = [f"{kind}-student" for kind in TEACHERS if f"{kind}-student" in summary]
    lines = (
        {name: check(summary, name, best) for name in students}
        if best and "point" in summary
        else {}
    )
    content = {
        "runs": sorted({(r["set"], r["seed"]) for r in results}),
        "best_teacher": best,
        "shipped": SHIPPED,
        "must_reach": lines,
        "all": summary,
        "by_set": {name: summarise(complete(some)) for name, some in by_set.items()},
    }
    (out / "summary.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    parts = [
        f"Means over {basis(results)} [95% bootstrap interval over seeds].\n",
        *tables(results, (QUALITY, CALIBRATION)),
    ]
    parts += tables(results, (UNCERTAINTY, COST), lacking=False)
    for name, rows in lines.items():
        floor = summary[name]["ece_floor"]["value"]
        parts.append(f"Best teacher by NLL: {best}. Student: {name}.\n\n{lines_markdown(rows)}\n")
        parts.append(
            "A model with this student's confidences that is right exactly as often as they say"
            f" has ECE {floor:.3f}.\n"
        )
    for name, some in by_set.items() if len(by_set) > 1 else ():
        parts += [
            f"#### {name}\n\n{some[0]['note']}; seeds {seeds(some)}\n",
            *tables(some, (QUALITY, CALIBRATION, UNCERTAINTY)),
        ]
    (out / "results.md").write_text("\n".join(parts), encoding="utf-8")
    chart(summary, out / "chart.html")


def tables(
    results: list[dict], kinds: tuple[tuple[str, ...], ...], lacking: bool = True
) -> list[str]:
    """One table a group of metrics, then what is missing from them."""
    summary = summarise(complete(results))
    parts = [markdown(summary, metrics) + "\n" for metrics in kinds]
    return parts + ([left_out(results)] if lacking and left_out(results) else [])


def basis(results: list[dict]) -> str:
    """What a mean rests on: "2 sets, each with its seeds: newsgroups 0, 1, 2; workorders 0, 1,
    2".
    """
    names = sorted({r["set"] for r in results})
    own = "; ".join(f"{name} {seeds([r for r in results if r['set'] == name])}" for name in names)
    return f"{len(names)} {'set' if len(names) == 1 else 'sets'}, each with its seeds: {own}"


def seeds(results: list[dict]) -> str:
    return ", ".join(str(seed) for seed in sorted({r["seed"] for r in results}))


def left_out(results: list[dict]) -> str:
    """The methods that were not run on all of these (set, seed) pairs, and on how many they were;
    empty where there is none.
    """
    pairs, kept = {(r["set"], r["seed"]) for r in results}, {r["method"] for r in complete(results)}
    rest = [name for name in dict.fromkeys(r["method"] for r in results) if name not in kept]
    counts = ", ".join(f"{name} ({sum(r['method'] == name for r in results)})" for name in rest)
    return (
        f"Not shown, run on fewer than these {len(pairs)} pairs of set and seed: {counts}.\n"
        if rest
        else ""
    )


def complete(results: list[dict]) -> list[dict]:
    """The results of methods that were run on all (set, seed) pairs among them: others would be
    means over other work.
    """
    pairs = {(r["set"], r["seed"]) for r in results}
    own = {
        name: {(r["set"], r["seed"]) for r in results if r["method"] == name}
        for name in {r["method"] for r in results}
    }
    order = ("point", "temperature", "smoothing", *TEACHERS)
    kept = [r for r in results if own[r["method"]] == pairs]
    return sorted(kept, key=lambda r: (order.index(r["method"].split("-")[0]), len(r["method"])))
