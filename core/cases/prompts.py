"""Multiple-choice questions as the text of a case: the question, then each option with its letter.

    Which fuse is blown?
    A) the left one
    B) the right one

Each option has a line of its own; a label is a letter, never an index. core.models.base.choice
knows what a model adds to the prompt, and how it answers.
"""

import re
import string
from collections.abc import Sequence

import pandas as pd

from core.cases.cells import CellError
from core.errors import CasesError

LETTERS = tuple(string.ascii_uppercase)


def question_text(question: str, options: Sequence[str]) -> str:
    """Return a case's text, with `options` in the letters' order.

    Raises CellError for an empty question or option, and for fewer than 2 or more than 26 options.
    """
    if not question.strip():
        raise CellError("cases.empty_question")
    if not 2 <= len(options) <= len(LETTERS):
        raise CellError("cases.option_count", n=len(options), most=len(LETTERS))
    lines = [_one_line(question)]
    for letter, option in zip(LETTERS, options, strict=False):
        if not option.strip():
            raise CellError("cases.empty_option", letter=letter)
        lines.append(f"{letter}) {_one_line(option)}")
    return "\n".join(lines)


def letters_in(text: str) -> tuple[str, ...]:
    """Return the letters ("A", "B", ...) of the options that a text ends with; () if none."""
    letters: list[str] = []
    # From the end, since the question itself may hold lines that look like options.
    for line in reversed(text.split("\n")):
        match = re.match(r"([A-Z])\) \S", line)
        if not match:
            break
        letters.insert(0, match[1])
    return tuple(letters) if tuple(letters) == LETTERS[: len(letters)] else ()


def require_options(cases: pd.DataFrame, labels: Sequence[str], model: str) -> None:
    """Raise CasesError if a case has other options than `labels`, a multiple-choice model's.

    The error counts all such cases and names the first by its row.
    """
    letters = cases["text"].map(letters_in)
    wrong = letters.map(lambda option_letters: option_letters != tuple(labels))
    if not wrong.any():
        return
    first = cases[wrong].iloc[0]
    row = first["row"] if "row" in cases else first["case_id"]
    options = list(letters[wrong].iloc[0])
    raise CasesError(
        "cases.other_options" if options else "cases.no_options",
        n=int(wrong.sum()),
        row=str(row),
        case_id=first["case_id"],
        options=options,
        model=model,
        labels=list(labels),
    )


def _one_line(text: str) -> str:
    # A line break within an option could imitate the letter of another one.
    return " ".join(text.split())
