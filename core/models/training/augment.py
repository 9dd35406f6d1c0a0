"""More inputs for a student, made from existing texts and labelled by the teacher alone.

A teacher that remembers its training texts is sure of them, so there is nearly no spread to learn
on them; near them its samples differ. Copies alternate between two kinds:
- dropped: every word stays with a probability drawn evenly from [0.3, 1), for that copy; at least
  one word stays;
- spliced: the beginning of one text and the end of another, cut at random places: a case between
  classes.
A multiple-choice question is copied with its options in another order: cut or spliced it would be
no question.
"""

import re
from collections.abc import Sequence

import numpy as np

_OPTION = re.compile(r"(?m)^[A-Z]\) (.+)$")  # a line of core.cases.prompts' form


def augmented(texts: Sequence[str], copies: int, seed: int) -> list[str]:
    """Return `copies` new texts for each text, [copies * n]; the same seed gives the same texts.

    A text of one word may be returned unchanged.
    """
    generator = np.random.default_rng(seed)
    words = [text.split() for text in texts]
    copied = []
    for copy in range(copies):
        partners = generator.permutation(len(words))
        for i, case_words in enumerate(words):
            if _OPTION.search(texts[i]):
                copied.append(reordered(texts[i], generator))
            else:
                copied.append(
                    dropped(case_words, generator)
                    if copy % 2 == 0
                    else spliced(case_words, words[partners[i]], generator)
                )
    return copied


def reordered(text: str, generator: np.random.Generator) -> str:
    """Return the same question with its options in a random order after the same letters."""
    options = _OPTION.findall(text)
    others = iter(generator.permutation(len(options)))
    return _OPTION.sub(lambda line: line[0][:3] + options[next(others)], text)


def dropped(words: Sequence[str], generator: np.random.Generator) -> str:
    """Return some of the words, at least one, in their order."""
    keep_mask = generator.random(len(words)) < generator.uniform(0.3, 1.0)
    # An empty text may have no token, which `tokenize` refuses.
    keep_mask[generator.integers(len(words))] = True
    return " ".join(word for word, stays in zip(words, keep_mask, strict=True) if stays)


def spliced(head: Sequence[str], tail: Sequence[str], generator: np.random.Generator) -> str:
    """Return the beginning of one text and the end of another, at least a word of each."""
    end, begin = int(generator.integers(1, len(head) + 1)), int(generator.integers(len(tail)))
    return " ".join([*head[:end], *tail[begin:]])
