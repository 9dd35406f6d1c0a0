"""Small clean training sets, on which a student broke before: is it ever worse than its teacher?

    python -m benchmarks.clean_cases [--seeds 10] [--sizes 60 400] [--classes 2 10]
        [--out ROWS.jsonl] [--minutes 9] [--layers 1] [--samples 5] [--start-alone]

Every set is made in code: each class has words of its own, so that a handful of labels is enough
and held-out cases are answered without fault. Prints one line a set and the totals. With --out, each
set's row is added to a file of JSON Lines at once, and the same call again measures only the sets
that the file lacks: --minutes stops before a limit. With one adapted layer and fewer samples a set
takes a fifth of the time, since the states below are computed once; --start-alone measures only the
linear model at which every training begins, in a tenth. Must hold: no student is below
its teacher by more than the tolerance without being replaced.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np

from core.cases.fetch import fetch_minilm
from core.models.base.settings import (
    AdapterSettings,
    BlobSettings,
    DistillSettings,
    LoopSettings,
    PointSettings,
)
from core.settings import Settings

SIZES, CLASSES, SEEDS = (60, 400), (2, 10), 10
TEST, STRANGE = 60, 100  # cases
TOLERANCE = 0.05
WORDS_A_CLASS = 6
SYLLABLES = (
    "ba",
    "ko",
    "ri",
    "tu",
    "mel",
    "son",
    "ga",
    "per",
    "ni",
    "dol",
    "fe",
    "lam",
    "ur",
    "vi",
)


def main(argv: list[str] | None = None) -> None:
    """Measure all sets that are asked for, print and write them."""
    # As the command line does: warnings of libraries are for their users, and bars hide the rows.
    warnings.filterwarnings("ignore", module=r"(transformers|torch|peft)\b")
    os.environ.setdefault("TQDM_DISABLE", "1")
    root = argparse.ArgumentParser(prog="python -m benchmarks.clean_cases")
    root.add_argument("--seeds", type=int, default=SEEDS)
    root.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    root.add_argument("--classes", type=int, nargs="+", default=CLASSES)
    root.add_argument("--out", type=Path, help="file of JSON Lines that a later call resumes")
    root.add_argument("--minutes", type=float, help="start no set after this time")
    root.add_argument("--base", help="folder of the base (default: MiniLM)")
    root.add_argument("--layers", type=int, default=AdapterSettings().layers)
    root.add_argument("--samples", type=int, default=BlobSettings().samples, help="the teacher's")
    root.add_argument("--start-alone", action="store_true", help="train the linear model only")
    arguments = root.parse_args(argv)
    plan = [
        (seed, size, classes)
        for seed in range(arguments.seeds)
        for size in arguments.sizes
        for classes in arguments.classes
        if size >= 2 * classes
    ]
    rows = read_rows(arguments.out)
    start = time.monotonic()
    for key in plan:
        late = arguments.minutes and time.monotonic() - start > 60 * arguments.minutes
        if key in rows or late:
            continue
        rows[key] = (
            measure_start(*key, arguments.base)
            if arguments.start_alone
            else measure_set(*key, arguments.layers, arguments.samples, arguments.base)
        )
        if arguments.out:
            with arguments.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[key]) + "\n")
    print_totals([rows[key] for key in plan if key in rows], len(plan))


def read_rows(path: Path | None) -> dict[tuple[int, int, int], dict]:
    """Return {(seed, size, classes): row} of the sets that a file of JSON Lines holds."""
    lines = path.read_text("utf-8").splitlines() if path and path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(row["seed"], row["size"], row["classes"]): row for row in rows}


def print_totals(rows: list[dict], planned: int) -> None:
    """Print how many students are worse than their teachers, and how sure they are of other texts."""
    worse = [
        row for row in rows if "student" in row and row["student"] < row["teacher"] - TOLERANCE
    ]
    fallbacks = sum(row.get("fallback") is not None for row in rows)
    print(f"{len(rows)} of {planned} sets; replaced by the linear head: {fallbacks}")
    print(f"student worse by over {TOLERANCE} on {TEST} new cases: {len(worse)}")
    for row in worse:
        print(row)
    sure = np.mean([row["sure_of_strange"] for row in rows]) if rows else np.nan
    print(f"unrelated texts at 0.99 or more: {sure:.3f}")


def measure_set(
    seed: int, size: int, classes: int, layers: int, samples: int, base: str | None = None
) -> dict:
    """Train, distill and score one set.

    layers: blocks with adapters. samples: the teacher's. base: a folder, None is MiniLM. Returns
    the accuracies of teacher and student on TEST new cases, and the share of unrelated texts to
    which the student gives 0.99 or more.
    """
    from core.models.base.device import pick_device
    from core.models.scoring import checkpoint
    from core.models.training import build
    from core.models.training.distill import distill

    texts, labels = make_cases(seed, size + TEST, classes)
    names = tuple(f"class {k:02d}" for k in range(classes))
    cases = build.Texts(texts[:size], labels[:size])
    base = base or str(fetch_minilm(Settings().cache))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        place = build.Place(pick_device("auto"), home / "work", home / "trunks")
        adapter, loop = AdapterSettings(layers=layers), LoopSettings(seed=seed)
        settings = PointSettings(base=base, adapter=adapter, loop=loop)
        point = build.fit_point(cases, "s-point", names, settings, place)
        card = checkpoint.save(home / "s-point", point.card, point.weights)
        teacher, _ = build.make_teacher_model(
            card, home / "s-point", cases, "s-teacher", BlobSettings(samples=samples), place
        )
        checkpoint.save(home / "s-teacher", teacher.card, teacher.weights)
        loop = DistillSettings().loop.model_copy(update={"seed": seed})
        student, record = distill(
            home / "s-teacher",
            cases,
            "s-student",
            DistillSettings(loop=loop, adapter=adapter),
            place,
        )
        checkpoint.save(home / "s-student", student.card, student.weights)
        right = {}
        for kind in ("teacher", "student"):
            _, model = checkpoint.load(home / f"s-{kind}", place.device)
            answers = model.scores(texts[size:]).probabilities.argmax(1)
            right[kind] = float((answers == labels[size:]).mean())
        strange = model.scores(strange_texts(seed, classes)).probabilities.max(1)
    row = {"seed": seed, "size": size, "classes": classes, **right, "fallback": record["fallback"]}
    row["sure_of_strange"] = float((strange >= 0.99).mean())
    print(row, flush=True)
    return row


def measure_start(seed: int, size: int, classes: int, base: str | None = None) -> dict:
    """Train the linear model of one set and score it; `base` as in measure_set.

    Returns its accuracy and NLL on TEST new cases, and the share of unrelated texts to which it
    gives 0.99 or more.
    """
    from core.models.base.device import pick_device
    from core.models.scoring import checkpoint
    from core.models.training import build
    from core.stats.calibration import nll

    texts, labels = make_cases(seed, size + TEST, classes)
    names = tuple(f"class {k:02d}" for k in range(classes))
    cases = build.Texts(texts[:size], labels[:size])
    settings = PointSettings(base=base or str(fetch_minilm(Settings().cache)))
    with tempfile.TemporaryDirectory() as folder:
        place = build.Place(pick_device("auto"), Path(folder) / "work")
        linear = build.fit_linear(cases, "s-linear", names, settings, place)
        checkpoint.save(Path(folder) / "s-linear", linear.card, linear.weights)
        _, model = checkpoint.load(Path(folder) / "s-linear", place.device)
        answers = model.scores(texts[size:]).probabilities
        strange = model.scores(strange_texts(seed, classes)).probabilities.max(1)
    row = {"seed": seed, "size": size, "classes": classes, "nll": nll(answers, labels[size:])}
    row["linear"] = float((answers.argmax(1) == labels[size:]).mean())
    row["sure_of_strange"] = float((strange >= 0.99).mean())
    print(row, flush=True)
    return row


def make_cases(seed: int, n: int, classes: int) -> tuple[list[str], np.ndarray]:
    """Return n texts of 2 to 4 words of their class, and label positions; every class has a case."""
    generator = np.random.default_rng(seed)
    words = _words(generator, classes * WORDS_A_CLASS).reshape(classes, WORDS_A_CLASS)
    labels = np.concatenate([np.arange(classes), generator.integers(0, classes, n - classes)])
    texts = [" ".join(generator.choice(words[k], generator.integers(2, 5))) for k in labels]
    return texts, labels


def strange_texts(seed: int, classes: int) -> list[str]:
    """Return texts of words that no class of `make_cases` with that seed has."""
    of_classes = set(_words(np.random.default_rng(seed), classes * WORDS_A_CLASS))
    generator = np.random.default_rng(10_000 + seed)
    words = _words(generator, 40, of_classes)
    return [" ".join(generator.choice(words, 3)) for _ in range(STRANGE)]


def _words(generator: np.random.Generator, n: int, others: Collection[str] = ()) -> np.ndarray:
    """Return n different words, none of them among `others`."""
    words: dict[str, None] = {}
    while len(words) < n:
        word = "".join(generator.choice(SYLLABLES, generator.integers(2, 4)))
        if word not in others:
            words[word] = None
    return np.array(list(words))


if __name__ == "__main__":
    main()
