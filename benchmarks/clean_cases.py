"""Small clean training sets, on which a student broke before: is it ever worse than its teacher?

    python -m benchmarks.clean_cases [--seeds 10] [--sizes 60 400] [--classes 2 10]

Every set is made in code: each class has words of its own, so that a handful of labels is enough
and held-out cases are answered without fault. Prints one line a set and the totals; JSON with --out.
Must hold: no student is below its teacher by more than the tolerance without being replaced.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from core.cases.fetch import fetch_minilm
from core.settings import Settings

SIZES, CLASSES, SEEDS = (60, 400), (2, 10), 10
TEST, STRANGE = 60, 100  # cases
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
    root = argparse.ArgumentParser(prog="python -m benchmarks.clean_cases")
    root.add_argument("--seeds", type=int, default=SEEDS)
    root.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    root.add_argument("--classes", type=int, nargs="+", default=CLASSES)
    root.add_argument("--out", type=Path)
    arguments = root.parse_args(argv)
    plan = [
        (seed, size, classes)
        for size in arguments.sizes
        for classes in arguments.classes
        for seed in range(arguments.seeds)
        if size >= 2 * classes
    ]
    rows = [measure_set(*one) for one in plan]
    worse = [row for row in rows if row["student"] < row["teacher"] - 0.05]
    fallbacks = sum(row["fallback"] is not None for row in rows)
    print(f"{len(rows)} sets; student worse by over 0.05: {len(worse)}; replaced: {fallbacks}")
    print(
        f"unrelated texts at 0.99 or more: {np.mean([row['sure_of_strange'] for row in rows]):.3f}"
    )
    if arguments.out:
        arguments.out.write_text(json.dumps({"rows": rows, "worse": len(worse)}, indent=2))


def measure_set(seed: int, size: int, classes: int) -> dict:
    """Train, distill and score one set: accuracies of teacher and student on TEST new cases, and
    the share of unrelated texts to which the student gives 0.99 or more.
    """
    from core.models.base.device import pick_device
    from core.models.base.settings import BlobSettings, DistillSettings, LoopSettings, PointSettings
    from core.models.scoring import checkpoint
    from core.models.training import build
    from core.models.training.distill import distill

    texts, labels = make_cases(seed, size + TEST, classes)
    names = tuple(f"class {k:02d}" for k in range(classes))
    cases = build.Texts(texts[:size], labels[:size])
    base = str(fetch_minilm(Settings().cache))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        place = build.Place(pick_device("auto"), home / "work", home / "trunks")
        settings = PointSettings(base=base, loop=LoopSettings(seed=seed))
        point = build.fit_point(cases, "s-point", names, settings, place)
        card = checkpoint.save(home / "s-point", point.card, point.weights)
        made, _ = build.make_teacher_model(
            card, home / "s-point", cases, "s-teacher", BlobSettings(), place
        )
        checkpoint.save(home / "s-teacher", made.card, made.weights)
        loop = DistillSettings().loop.model_copy(update={"seed": seed})
        student, record = distill(
            home / "s-teacher", cases, "s-student", DistillSettings(loop=loop), place
        )
        checkpoint.save(home / "s-student", student.card, student.weights)
        right = {}
        for kind in ("teacher", "student"):
            _, model = checkpoint.load(home / f"s-{kind}", place.device)
            answers = model.scores(texts[size:]).probabilities.argmax(1)
            right[kind] = float((answers == labels[size:]).mean())
        strange = model.scores(strange_texts(seed)).probabilities.max(1)
    row = {"seed": seed, "size": size, "classes": classes, **right, "fallback": record["fallback"]}
    row["sure_of_strange"] = float((strange >= 0.99).mean())
    print(row, flush=True)
    return row


def make_cases(seed: int, n: int, classes: int) -> tuple[list[str], np.ndarray]:
    """n texts of 3 to 6 words of their class, and label positions; every class has a case."""
    generator = np.random.default_rng(seed)
    words = _words(generator, classes * WORDS_A_CLASS).reshape(classes, WORDS_A_CLASS)
    labels = np.concatenate([np.arange(classes), generator.integers(0, classes, n - classes)])
    texts = [" ".join(generator.choice(words[k], generator.integers(3, 7))) for k in labels]
    return texts, labels


def strange_texts(seed: int) -> list[str]:
    """Texts of words that no class has."""
    generator = np.random.default_rng(10_000 + seed)
    words = _words(generator, 40)
    return [" ".join(generator.choice(words, 5)) for _ in range(STRANGE)]


def _words(generator: np.random.Generator, n: int) -> np.ndarray:
    made: dict[str, None] = {}
    while len(made) < n:
        made["".join(generator.choice(SYLLABLES, generator.integers(2, 5)))] = None
    return np.array(list(made))


if __name__ == "__main__":
    main()
