"""Compare the student's one pass with the teacher's N passes: `python -m benchmarks.uncertainty`.

Every teacher, its mean weights, its student and the one-pass rivals, on real sets, over seeds.
Results are files in the out folder, one JSON a (set, seed, method), so a stopped run resumes;
summary.json, results.md and chart.html are made of all files of the folder. The same folder must
be used with the same options: each file names them, and others are refused.
"""

import argparse
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

from benchmarks import sets
from benchmarks.report import SHIPPED, there, write
from benchmarks.scoring import measure
from benchmarks.teachers import CHOSEN
from core.errors import KakushinError, SettingsError
from core.models.base.settings import AdapterSettings, DistillSettings
from core.settings import Settings

QUICK_METHODS = ("point", "temperature", "blob", SHIPPED)


def main(argv: list[str] | None = None) -> int:
    """Run what is not there yet, write the tables, print the summary's place. Returns the exit
    code.
    """
    arguments = parser().parse_args(argv)
    quiet()
    try:
        results = (
            there(arguments.out, arguments.sets) if arguments.report else run(arguments, Settings())
        )
    except KakushinError as e:
        print(f"uncertainty: {e}", file=sys.stderr)
        return e.exit_code
    write(results, arguments.out)
    print((arguments.out / "results.md").read_text(encoding="utf-8"))
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line; it does not import torch, so --help answers at once."""
    root = argparse.ArgumentParser(
        prog="python -m benchmarks.uncertainty", description=__doc__.splitlines()[0]
    )
    root.add_argument(
        "--sets",
        nargs="+",
        default=list(sets.NAMES),
        help=f"of {', '.join(sets.NAMES)} (default: all)",
    )
    root.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (default: 3)")
    root.add_argument("--methods", nargs="+", help="default: all")
    root.add_argument(
        "--layers",
        type=int,
        default=3,
        help="top blocks that carry adapters, in every method (default: 3)",
    )
    root.add_argument("--targets", default="all", help="maps that carry adapters (default: all)")
    root.add_argument("--cases", type=int, help="test and OOD texts at most, each (default: all)")
    root.add_argument("--epochs", type=int, default=3, help="of every training (default: 3)")
    root.add_argument(
        "--learning-rate", type=float, help="of every training (default: 0.0015 / blocks)"
    )
    root.add_argument(
        "--quick",
        action="store_true",
        help="work orders, 1 seed, point, temperature, BLoB and its student",
    )
    root.add_argument(
        "--report",
        action="store_true",
        help="measure nothing: tables of what the out folder has of --sets",
    )
    root.add_argument("--out", type=Path, default=Path("workspace/benchmarks/uncertainty"))
    return root


def run(arguments, settings: Settings) -> list[dict]:
    """All results of the plan, in its order; what has a file is read, the rest is measured and
    written.
    """
    from benchmarks.methods import NAMES, Bench
    from core.models.base.device import pick_device

    names, seeds = (["workorders"], 1) if arguments.quick else (arguments.sets, arguments.seeds)
    methods = tuple(arguments.methods or (QUICK_METHODS if arguments.quick else NAMES))
    if unknown := set(methods) - set(NAMES):
        raise SettingsError(
            f"method {sorted(unknown)[0]!r} is not known: use some of {', '.join(NAMES)}"
        )
    adapter = AdapterSettings(layers=arguments.layers, targets=arguments.targets)
    common = {
        "adapter": adapter.model_dump(mode="json"),
        "epochs": arguments.epochs,
        "learning_rate": arguments.learning_rate,
        "cases": arguments.cases,
    }
    options = {method: common | own_options(method) for method in methods}
    results = []
    for name in names:
        for seed in range(seeds):
            paths = {
                method: arguments.out / "results" / f"{name}-{seed}-{method}.json"
                for method in methods
            }
            if all(p.is_file() for p in paths.values()):
                results += [read(p, options[method]) for method, p in paths.items()]
                continue
            data = sets.reduced(sets.load(name, settings.cache, seed), arguments.cases)
            data = sets.with_anchor(data)
            bench = Bench(
                data,
                seed,
                pick_device(settings.device),
                adapter,
                arguments.epochs,
                arguments.learning_rate,
            )
            for method, path in paths.items():
                own = options[method]
                results.append(
                    read(path, own) if path.is_file() else measured(bench, method, path, own)
                )
    return results


def own_options(method: str) -> dict:
    """The settings that this method alone depends on: another teacher's may change without its
    result being measured again.
    """
    kind, _, what = method.partition("-")
    teacher = {"teacher": CHOSEN[kind].model_dump(mode="json")} if kind in CHOSEN else {}
    return teacher | (
        {"distil": DistillSettings().model_dump(mode="json")} if what == "student" else {}
    )


def measured(bench, method: str, path: Path, options: dict) -> dict:
    """Run one method, write its result whole or not at all, say one line."""
    started = time.perf_counter()
    answers = bench.run(method)
    result = {
        "set": bench.data.name,
        "seed": bench.seed,
        "method": method,
        "metrics": measure(answers, bench.data.test.labels),
        "record": answers.record,
        "note": bench.data.note,
        "options": options,
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1), encoding="utf-8")
    part.replace(path)
    m = result["metrics"]
    print(
        f"{bench.data.name} seed {bench.seed} {method}: accuracy {m['accuracy']:.3f}, ECE"
        f" {m['ece']:.3f}, NLL {m['nll']:.3f}, coverage at 5% {m['coverage_at_5']:.3f}"
        f" ({time.perf_counter() - started:.0f} s)",
        file=sys.stderr,
        flush=True,
    )
    return result


def read(path: Path, options: dict) -> dict:
    """A result that is there. Raises SettingsError where it was measured with other options."""
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["options"] != options:
        raise SettingsError(
            f"{path} was measured with other options: name another --out, or delete that folder"
        )
    return result


def quiet() -> None:
    """The libraries' notices and bars do not belong among a benchmark's lines."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    os.environ.setdefault("TQDM_DISABLE", "1")


if __name__ == "__main__":
    sys.exit(main())
