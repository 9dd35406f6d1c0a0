"""Multiple-choice questions as the text of a case: the question, then each option behind its
letter.

    Which fuse is blown?
    A) the left one
    B) the right one

The letter stands before its option, each option on a line of its own; a label is a letter, never an
index. What a model adds before it answers, and how it reads the answer, is
core.models.base.choice's.
"""

import re
import string
from collections.abc import Sequence

import pandas as pd

from core.errors import CasesError

LETTERS = tuple(string.ascii_uppercase)


def question_text(question: str, options: Sequence[str]) -> str:
    """The case's text. Options are in the letters' order. Raises ValueError for an empty question
    or option, or too many.
    """
    if not question.strip():
        raise ValueError("the question is empty")
    if not 2 <= len(options) <= len(LETTERS):
        raise ValueError(f"there are {len(options)} options: 2 to {len(LETTERS)} are allowed")
    lines = [_one_line(question)]
    for letter, option in zip(LETTERS, options, strict=False):
        if not option.strip():
            raise ValueError(f"option {letter} is empty")
        lines.append(f"{letter}) {_one_line(option)}")
    return "\n".join(lines)


def letters_in(text: str) -> tuple[str, ...]:
    """The letters of the options that a text ends with, ("A", "B", ...) from A on; () where there
    are none.
    """
    found = []
    for line in reversed(text.split("\n")):
        match = re.match(r"([A-Z])\) \S", line)
        if not match:
            break
        found.append(match[1])
    letters = tuple(reversed(found))
    return letters if letters == LETTERS[: len(letters)] else ()


def require_options(cases: pd.DataFrame, labels: Sequence[str], model: str) -> None:
    """Raise CasesError for the first case whose options are not just `labels`: that model reads
    multiple choice.
    """
    for case_id, text in zip(cases["case_id"], cases["text"], strict=True):
        found = letters_in(text)
        if found != tuple(labels):
            has = f"options {', '.join(found)}" if found else "no options"
            raise CasesError(
                f"case {case_id!r} has {has}, and model {model!r} chooses among {', '.join(labels)}: name the columns with "
                "--question-column and --option-columns A=...,B=..."
            )


def _one_line(text: str) -> str:
    return " ".join(text.split())
