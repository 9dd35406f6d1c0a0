"""Train the student with one setting changed at a time: `python -m benchmarks.ablation`.

Every row changes one of the student's defaults (core.models.base.settings.DistillSettings) and
nothing else; the teacher is the same. The group `layers` trains teacher and student with adapters
in fewer or more of the top blocks: what a partially Bayesian model costs and is worth. Resumable
like benchmarks.uncertainty, which defines the metrics.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks import sets
from benchmarks.scoring import measure, summarise
from benchmarks.tables import chart, markdown
from benchmarks.uncertainty import quiet
from core.errors import KakushinError, SettingsError
from core.models.base.settings import AdapterSettings, DistillSettings
from core.settings import Settings

# Group -> row -> what it changes, as nested settings.
CHANGES = {
    "default": {"default": {}},
    "schedule": {
        "KL only": {"schedule": {"shape": "constant"}},
        "cosine": {"schedule": {"shape": "cosine"}},
        "step": {"schedule": {"shape": "step"}},
        "labels keep 0.3": {"schedule": {"floor": 0.3}},
    },
    "divergence": {
        "reverse KL": {"loss": {"divergence": "reverse"}},
        "temperature 2": {"loss": {"temperature": 2.0}},
    },
    "spread": {
        "share": {"loss": {"spread": "share"}},
        "Dirichlet": {"loss": {"spread": "dirichlet"}},
        "Gaussian": {"loss": {"spread": "gaussian"}},
        "no spread": {"loss": {"spread": "none"}},
    },
    "inputs": {f"{n} copies": {"augment": n} for n in (0, 1, 2, 4)},
    "samples": {f"N = {n}": {"samples": n} for n in (1, 2, 5, 10, 32)}
    | {"one fresh sample an epoch": {"online": True}},
    "choice": {
        f"{share:.0%} of the unlabelled, by {how}": {"keep": share, "keep_by": by}
        for share in (0.5, 0.25)
        for how, by in (("the teacher's spread", "epistemic"), ("chance", "random"))
    },
    "student": {
        "begins at fresh adapters": {"start": "fresh"},
        "rank 16": {"adapter": {"rank": 16, "alpha": 32.0}},
        "16 epochs": {"loop": {"epochs": 16}},
    },
}
LAYERS = (1, 2, 3, 6)
SHOWN = (
    "accuracy",
    "ece",
    "nll",
    "coverage_at_5",
    "ood_auroc_total",
    "mi_spearman",
    "mi_spearman_ood",
    "mi_mae",
    "train_s",
    "ms_per_case",
)


def main(argv: list[str] | None = None) -> int:
    """Run the groups, write ablation.json and ablation.md into the out folder. Returns the exit
    code.
    """
    root = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation", description=__doc__.splitlines()[0]
    )
    root.add_argument("--sets", nargs="+", default=["workorders", "newsgroups"])
    root.add_argument("--seeds", type=int, default=3)
    root.add_argument(
        "--groups", nargs="+", default=[*CHANGES, "layers"], choices=[*CHANGES, "layers"]
    )
    root.add_argument(
        "--layers",
        type=int,
        nargs="+",
        default=LAYERS,
        help="of the group layers (default: 1 2 3 6)",
    )
    root.add_argument("--teacher", default="blob", help="kind of teacher (default: blob)")
    root.add_argument("--cases", type=int, help="test and OOD texts at most, each (default: all)")
    root.add_argument(
        "--picture", type=Path, help="file for a picture of the layers' chart (needs Chromium)"
    )
    root.add_argument("--out", type=Path, default=Path("workspace/benchmarks/ablation"))
    arguments = root.parse_args(argv)
    quiet()
    try:
        results = run(arguments, Settings())
    except KakushinError as e:
        print(f"ablation: {e}", file=sys.stderr)
        return e.exit_code
    summary = summarise(results)
    (arguments.out / "ablation.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    (arguments.out / "ablation.md").write_text(markdown(summary, SHOWN) + "\n", encoding="utf-8")
    chart(
        {name: row for name, row in summary.items() if name.startswith("layers")},
        arguments.out / "layers.html",
    )
    if arguments.picture:
        from benchmarks.screenshots import photograph  # Playwright, for this alone

        photograph(arguments.out / "layers.html", arguments.picture)
    print(markdown(summary, SHOWN))
    return 0


def run(arguments, settings: Settings) -> list[dict]:
    """All rows on all sets and seeds; what has a file is read."""
    results = []
    for name in arguments.sets:
        for seed in range(arguments.seeds):
            data = sets.reduced(sets.load(name, settings.cache, seed), arguments.cases)
            data = sets.with_anchor(data)
            results += rows(arguments, settings, data, seed)
            if "layers" in arguments.groups:
                results += partial(arguments, settings, data, seed)
    return results


def rows(arguments, settings: Settings, data, seed: int) -> list[dict]:
    """One result a change, all with one teacher."""
    from benchmarks.methods import Bench
    from core.models.base.device import pick_device

    bench = Bench(data, seed, pick_device(settings.device))
    results = []
    for group in (g for g in CHANGES if g in arguments.groups):
        for row, change in CHANGES[group].items():
            path = (
                arguments.out
                / "results"
                / f"{data.name}-{seed}-{group}-{row.replace(' ', '_')}.json"
            )
            results.append(
                kept(
                    path,
                    data,
                    seed,
                    row,
                    lambda c=change: bench.student(arguments.teacher, changed(c)),
                )
            )
    return results


def partial(arguments, settings: Settings, data, seed: int) -> list[dict]:
    """Teacher and student with adapters in the top blocks only, as many as each of --layers."""
    from benchmarks.methods import Bench
    from core.models.base.device import pick_device

    results = []
    for layers in arguments.layers:
        adapter = AdapterSettings(layers=layers, targets="feed_forward")
        bench = Bench(data, seed, pick_device(settings.device), adapter)
        for what, method in (
            ("teacher", arguments.teacher),
            ("student", f"{arguments.teacher}-student"),
        ):
            path = arguments.out / "results" / f"{data.name}-{seed}-layers-{layers}-{what}.json"
            results.append(
                kept(
                    path, data, seed, f"layers {layers}: {what}", lambda b=bench, m=method: b.run(m)
                )
            )
    return results


def kept(path: Path, data, seed: int, row: str, work) -> dict:
    """The result of `work`, measured once."""
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    result = {
        "set": data.name,
        "seed": seed,
        "method": row,
        "metrics": measure(work(), data.test.labels),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result), encoding="utf-8")
    print(f"{data.name} seed {seed}: {row}", file=sys.stderr, flush=True)
    return result


def changed(change: dict) -> DistillSettings:
    """The defaults with a change laid over them, one level deep. Raises SettingsError for what is
    no setting.
    """
    content = DistillSettings().model_dump()
    for name, value in change.items():
        if name not in content:
            raise SettingsError(f"the student has no setting {name!r}")
        content[name] = content[name] | value if isinstance(value, dict) else value
    return DistillSettings(**content)


if __name__ == "__main__":
    sys.exit(main())
