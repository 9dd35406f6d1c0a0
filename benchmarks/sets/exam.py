"""Exam questions of Debian's package hamexam (US amateur radio, public domain pools T and G): four
choices, one right.

Pool E is never read: it is kept for an independent check. Questions about a figure are left out.
Out of distribution are questions that cannot be answered: the test's own, their right option
exchanged for an option of another question.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.sets import BenchmarkSet, Labelled
from benchmarks.sets.debian import package_files, package_version
from core.cases.prompts import LETTERS, question_text
from core.errors import FetchError
from core.pipeline.bases import fetch_smollm2

POOLS = ("T", "G")
LABELS = LETTERS[:4]
TEST = 250  # questions; the rest trains
_HEAD = re.compile(r"([A-Z][0-9][A-Z][0-9]{2})\s*\(([A-D])\)")


@dataclass(frozen=True)
class Question:
    """One question as the package has it."""

    name: str
    question: str
    options: tuple[str, ...]
    right: str  # a letter

    @property
    def text(self) -> str:
        return question_text(self.question, self.options)


def load(cache: Path, seed: int) -> BenchmarkSet:
    """The questions split by `seed`. Raises FetchError where the package or the language model
    cannot be had.
    """
    questions = read_pools(package_files("hamexam", cache) / "usr/share/hamexam")
    generator = np.random.default_rng(seed)
    questions = [questions[i] for i in generator.permutation(len(questions))]
    test, train = questions[:TEST], questions[TEST:]
    return BenchmarkSet(
        name="exam",
        labels=LABELS,
        base=str(fetch_smollm2(cache)),
        readout="choice",
        train=labelled(train),
        test=labelled(test),
        ood=[unanswerable(q, train, generator).text for q in test],
        note=(
            f"hamexam {package_version('hamexam', cache)}, pools {' and '.join(POOLS)} without"
            f" questions about figures; {len(train)} training, {TEST} test; out of distribution:"
            " the test's, made unanswerable"
        ),
    )


def read_pools(folder: Path, pools: tuple[str, ...] = POOLS) -> list[Question]:
    """Every question of the pools that needs no figure, in the pools' order. Raises FetchError for
    a file of another form.
    """
    files = [file for pool in pools for file in sorted((folder / pool).glob(f"{pool}[0-9]*"))]
    if not files:
        raise FetchError(
            f"{folder} has no question of pools {', '.join(pools)}: the package has another layout"
        )
    questions = [
        read_question(file.read_text(encoding="utf-8", errors="replace"), file.name)
        for file in files
    ]
    return [q for q in questions if "figure" not in q.question.lower()]


def read_question(raw: str, name: str) -> Question:
    """A file: "T0A01 (B)", the question, "A. ..." to "D. ..."; a line without a letter goes on with
    the one before it.
    """
    first, *lines = raw.strip().splitlines()
    head = _HEAD.match(first)
    parts = [""]
    for line in lines:
        if len(parts) <= len(LABELS) and line.startswith(f"{LETTERS[len(parts) - 1]}. "):
            parts.append(line[3:])
        elif len(parts) == 1 or line.strip():
            parts[-1] += " " + line
    question, *options = (" ".join(part.split()) for part in parts)
    if not head or not question or len(options) != len(LABELS) or not all(options):
        raise FetchError(f"question {name} is not of the form that hamexam 1.7 has: {raw[:80]!r}")
    return Question(head[1], question, tuple(options), head[2])


def labelled(questions: list[Question]) -> Labelled:
    """Texts and the positions of their right letters."""
    return Labelled(
        [q.text for q in questions],
        np.array([LABELS.index(q.right) for q in questions], dtype=np.int64),
    )


def unanswerable(
    question: Question, others: list[Question], generator: np.random.Generator
) -> Question:
    """The question with another one's option, drawn by the generator, in the place of its right
    one.
    """
    foreign = generator.choice(
        [o for o in others[generator.integers(len(others))].options if o not in question.options]
    )
    place = LABELS.index(question.right)
    return replace(
        question, options=(*question.options[:place], str(foreign), *question.options[place + 1 :])
    )
