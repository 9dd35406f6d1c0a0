"""Prepare cases for a model before anything is computed: known labels, rare labels, readable texts.

An error names all faulty cases at once, by the file's rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from core.cases.labels import match_labels
from core.cases.table import Notice, rare_rows
from core.errors import CasesError, SettingsError

# Cases of a label below which it is rare: one or two of them teach little and test nothing.
RARE_BELOW = 5
MERGED = "other"  # the label of merged rare labels
RARE_CHOICES = ("keep", "drop", "merge", "refuse")
# Share of the texts' tokens missing from the vocabulary above which a model cannot read them.
UNKNOWN_SHARE = 0.1
UNKNOWN_SAMPLE = 500  # texts tokenized to measure that share


def with_known_labels(
    frame: pd.DataFrame, labels: Sequence[str]
) -> tuple[pd.DataFrame, tuple[Notice, ...]]:
    """Return the cases with the model's spelling of their labels, and a notice of what changed.

    A label takes the spelling of the one of `labels` that has the same normal form.
    """
    matched = match_labels(frame["label"].dropna(), labels)
    changed = {label: target for label, target in matched.items() if label != target}
    if not changed:
        return frame, ()
    n = int(frame["label"].isin(list(changed)).sum())
    pairs = [f"{label!r} = {target!r}" for label, target in sorted(changed.items())[:10]]
    spelled = frame["label"].map(lambda label: changed.get(label, label))
    notice = Notice("cases.labels_matched", {"n": n, "labels": pairs})
    return frame.assign(label=spelled.astype(object)), (notice,)


def settle_rare_labels(
    frame: pd.DataFrame, choice: str = "keep"
) -> tuple[pd.DataFrame, tuple[Notice, ...]]:
    """Return the training cases with rare labels kept, dropped or merged, and a notice naming them.

    choice: one of RARE_CHOICES; dropping a label removes its cases from training. Raises
    CasesError, which names them all, if `choice` is "refuse" and there are any; SettingsError for
    another choice.
    """
    if choice not in RARE_CHOICES:
        raise SettingsError("cases.rare_choice", choice=choice, choices=list(RARE_CHOICES))
    counts = frame["label"].value_counts()
    rare = counts[counts < RARE_BELOW].sort_index()
    if rare.empty:
        return frame, ()
    named = [f"{label!r} ({n})" for label, n in rare.items()]
    values = {"n": len(rare), "labels": named[:50] + ["…"] * (len(named) > 50), "least": RARE_BELOW}
    if choice == "refuse":
        raise CasesError("cases.rare_refused", **values)
    is_rare = frame["label"].isin(rare.index)
    if choice == "drop":
        frame = frame[~is_rare].reset_index(drop=True)
    elif choice == "merge":
        frame = frame.assign(label=frame["label"].mask(is_rare, MERGED).astype(object))
    return frame, (Notice(f"cases.rare_{choice}", values | {"merged": MERGED}),)


@contextmanager
def rows_named(frame: pd.DataFrame) -> Iterator[None]:
    """Turn the positions in a CasesError about texts into the file's rows, if they have any."""
    try:
        yield
    except CasesError as e:
        positions = cast(Iterable[int] | None, e.values.get("positions"))
        if positions is None or "row" not in frame:
            raise
        rows = frame["row"].iloc[list(positions)].tolist()
        values = {name: value for name, value in e.values.items() if name != "positions"}
        # The sentences about rows have codes of their own, one for each code about texts.
        code = e.code.replace("_texts", "_rows")
        raise CasesError(code, **values | {"rows": rare_rows(rows)}) from e


def check_lengths(frame: pd.DataFrame, backbone) -> None:
    """Raise CasesError for texts longer than a core.models Backbone reads, or without a token.

    This runs before anything is scored.
    """
    # A token has at least one byte, so a text of few bytes cannot be too long: only suspects are
    # tokenized here, since the scoring tokenizes every text again. 8 leaves room for special tokens
    # and the answer prompt.
    sizes = frame["text"].map(lambda text: len(text.encode()))
    suspect = frame[(sizes > backbone.max_tokens - 8) | (sizes < 2)]
    if not suspect.empty:
        with rows_named(suspect):
            backbone.tokens(suspect["text"].tolist())


def check_base_lengths(frame: pd.DataFrame, base: Path) -> None:
    """Raise CasesError for texts longer than the model in the folder `base` reads, by their rows.

    This runs before anything is trained. Does nothing if `base` is no folder with a tokenizer.
    """
    tokenizer, limit = _tokenizer_of(base), _tokens_read(base)
    if tokenizer is None or limit is None or frame.empty:
        return
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(frame["text"].tolist())]
    positions = [i for i, length in enumerate(lengths) if length > limit]
    if positions:
        with rows_named(frame):
            values = {"n": len(positions), "positions": positions, "total": len(lengths)}
            raise CasesError("cases.long_texts", tokens=max(lengths), limit=limit, **values)


def _tokenizer_of(base: Path):
    """Return the tokenizer in a model's folder, without importing torch; None if it has none."""
    if not (base / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    # The file may ask for padding and truncation, which would hide the true lengths.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _tokens_read(base: Path) -> int | None:
    """Return how many tokens the model in a folder reads; None if unknown.

    It agrees with Backbone.max_tokens, without torch.
    """
    limits = []
    for name, key in (
        ("config.json", "max_position_embeddings"),
        ("tokenizer_config.json", "model_max_length"),
    ):
        if (base / name).is_file():
            limits.append(json.loads((base / name).read_text(encoding="utf-8")).get(key))
    return min((int(limit) for limit in limits if limit), default=None)


def vocabulary_notice(frame: pd.DataFrame, base: Path) -> Notice | None:
    """Return a notice if the vocabulary of the model in `base` lacks many of the texts' tokens.

    An English vocabulary lacks Japanese ones, for example. None if it has them, or if `base` has no
    tokenizer.json.
    """
    texts, tokenizer = frame["text"].head(UNKNOWN_SAMPLE).tolist(), _tokenizer_of(base)
    if tokenizer is None or not texts:
        return None
    ids = tokenizer.encode_batch(texts, add_special_tokens=False)
    names = {tokenizer.token_to_id(name) for name in ("[UNK]", "<unk>")} - {None}
    unknown = sum(token in names for encoding in ids for token in encoding.ids)
    share = unknown / max(1, sum(len(encoding.ids) for encoding in ids))
    if share <= UNKNOWN_SHARE:
        return None
    return Notice("cases.unknown_tokens", {"percent": f"{share:.0%}", "texts": len(texts)})


def read_beginnings(frame: pd.DataFrame, base: Path, most: int) -> tuple[pd.DataFrame, int, float]:
    """Return the cases with texts cut to `most` tokens, the number of cut texts, and mean tokens.

    base: folder of the model whose tokenizer counts; without one the texts stay, and the mean is an
    estimate of four characters a token.
    """
    tokenizer, texts = _tokenizer_of(base), frame["text"].tolist()
    if tokenizer is None or not texts:
        mean = sum(map(len, texts)) / 4 / max(1, len(texts))
        return frame, 0, min(mean, most)
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    short = [
        # The end of the last token read; offsets count characters, so the cut is exact.
        text[: encoding.offsets[most - 1][1]] if len(encoding.ids) > most else text
        for text, encoding in zip(texts, encodings, strict=True)
    ]
    lengths = [min(len(encoding.ids), most) for encoding in encodings]
    cut = sum(before != after for before, after in zip(texts, short, strict=True))
    return frame.assign(text=np.array(short, dtype=object)), cut, float(np.mean(lengths))
