"""A pre-trained model's files: their hash, and reading them without transformers' progress bar."""

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from transformers.utils import cached_file
from transformers.utils import logging as transformers_logging

_CONTENT = frozenset(
    {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
    }
)


@contextmanager
def no_bar():
    """Hide transformers' progress bar for the weights inside the block.

    A local file takes milliseconds, and the steps show their own progress.
    """
    was_enabled = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            transformers_logging.enable_progress_bar()


def config_folder(source: str) -> Path:
    """Return the folder of a model's files. Raises OSError if it has no configuration."""
    # cached_file returns None only if it is told not to raise
    return Path(cast(str, cached_file(source, "config.json"))).parent


def hash_source(source: str) -> str:
    """Return the sha256 of the files that define a model (config, weights, tokenizer).

    It depends on neither their place nor the dtype in which they are loaded.
    """
    folder = config_folder(source)
    digest = hashlib.sha256()
    for path in sorted(
        p for p in folder.iterdir() if p.name in _CONTENT or p.suffix == ".safetensors"
    ):
        digest.update(path.name.encode())
        with path.open("rb") as f:
            digest.update(hashlib.file_digest(f, "sha256").digest())
    return digest.hexdigest()
