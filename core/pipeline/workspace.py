"""The content of the workspace: its models, the size of each folder, the versions that wrote it.

Reads only, except that it completes an interrupted replacement of a model's folder.
"""

import platform
from importlib.metadata import version

import pandas as pd

from core.errors import ModelError
from core.files import recover_folders
from core.models.base.card import ModelCard, read_card
from core.pipeline.runs import RUN_LIBRARIES
from core.settings import Settings
from core.store.store import Store
from core.types import KIND_ORDER

PARTS_FOLDER = "parts"  # inside the store's folder: files that wait to be taken in


def models(settings: Settings) -> list[ModelCard]:
    """Return the readable models' cards, students first, then by name.

    A folder whose card is broken or of another format is left out.
    """
    cards = []
    recover_folders(settings.models)
    for path in sorted(settings.models.glob("[!.]*/model.json")):
        try:
            cards.append(read_card(path.parent))
        except ModelError:
            continue
    return sorted(cards, key=lambda card: KIND_ORDER.index(card.kind))


def sizes(settings: Settings) -> pd.DataFrame:
    """Return one row for each folder of the workspace: folder, files, bytes.

    Parts that wait to be taken into the store are a row of their own.
    """
    folders = {
        name: getattr(settings, name)
        for name in ("store", "models", "uploads", "jobs", "data", "cache")
    }
    rows = []
    for name, folder in folders.items():
        files = (
            [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
            if folder.is_dir()
            else []
        )
        waiting = [
            path
            for path in files
            if name == "store" and PARTS_FOLDER in path.relative_to(folder).parts
        ]
        groups = {name: [path for path in files if path not in set(waiting)]} | (
            {PARTS_FOLDER: waiting} if name == "store" else {}
        )
        rows += [
            {"folder": group, "files": len(paths), "bytes": sum(map(_size, paths))}
            for group, paths in groups.items()
        ]
    return pd.DataFrame(rows, columns=["folder", "files", "bytes"])


def _size(path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # taken in or replaced since it was listed
        return 0


def versions(store: Store) -> dict[str, str]:
    """Return the versions of the store's schema, Python, and the libraries that affect figures."""
    libraries = {
        name: version(name) for name in (*RUN_LIBRARIES, "streamlit", "pyarrow", "openpyxl")
    }
    return {"schema": str(store.schema_version()), "python": platform.python_version()} | libraries
