"""Check a setup: one finding for each thing that Kakushin needs, none with case text.

Reads only; the store is opened as any reader opens it. Knows no terminal and no screen.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from core.errors import KakushinError, StoreError
from core.files import recover_folders
from core.models.base.card import read_card
from core.settings import Settings
from core.store.store import Store
from core.store.trail import AuditTrail

PYTHON = (3, 11)
PACKAGES = ("duckdb", "pandas", "pyarrow", "streamlit", "torch", "transformers", "safetensors")
FREE_BYTES = 2 * 10**9  # a training of the demo writes about 1 GB
WAIT_S = 5.0  # for the store's lock


@dataclass(frozen=True)
class Finding:
    """One check: whether it passed, and its sentence's code with the values that it names."""

    passed: bool
    code: str
    values: dict[str, object]


def check_setup(settings: Settings, port: int) -> list[Finding]:
    """Return a finding for Python, packages, disk, permissions, port, store, trail and models."""
    checks: list[Callable[[], Finding]] = [
        _check_python,
        _check_packages,
        lambda: _check_disk(settings),
        lambda: _check_permissions(settings),
        lambda: _check_port(port),
        lambda: _check_store(settings),
        lambda: _check_models(settings),
    ]
    return [check() for check in checks]


def _check_python() -> Finding:
    here = ".".join(map(str, sys.version_info[:3]))
    needed = ".".join(map(str, PYTHON))
    values: dict[str, object] = {"version": here, "needed": needed}
    return Finding(sys.version_info >= PYTHON, "pipeline.setup_python", values)


def _check_packages() -> Finding:
    missing = []
    for name in PACKAGES:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    code = "pipeline.setup_packages_missing" if missing else "pipeline.setup_packages"
    return Finding(not missing, code, {"missing": missing})


def _check_disk(settings: Settings) -> Finding:
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    values: dict[str, object] = {
        "folder": str(existing),
        "free": f"{free / 1e9:.1f}",
        "needed": FREE_BYTES / 1e9,
    }
    return Finding(free >= FREE_BYTES, "pipeline.setup_disk", values)


def _check_permissions(settings: Settings) -> Finding:
    home = settings.home
    if not home.exists():
        return Finding(os.access(home.parent, os.W_OK), "pipeline.setup_folder", {"folder": home})
    mode = home.stat().st_mode & 0o777
    is_private = os.access(home, os.W_OK | os.X_OK) and not mode & 0o077
    code = "pipeline.setup_mode" if is_private else "pipeline.setup_mode_open"
    return Finding(is_private, code, {"folder": home, "mode": f"{mode:o}"})


def _check_port(port: int) -> Finding:
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    code = "pipeline.setup_port_taken" if taken else "pipeline.setup_port"
    return Finding(not taken, code, {"port": port})


def _check_store(settings: Settings) -> Finding:
    """Open the store and check its trail; a store that does not exist yet passes."""
    if not settings.store.exists():
        return Finding(True, "pipeline.setup_no_store", {"folder": settings.store})
    values: dict[str, object] = {}
    try:
        store = Store(settings.store, WAIT_S)
        values = {"version": store.schema_version(), "runs": len(store.runs())}
        fault: StoreError | None = AuditTrail(store).check_chain().fault
    except StoreError as error:
        fault = error
    if fault is not None:
        return Finding(False, "pipeline.setup_fault", {"fault": fault})
    return Finding(True, "pipeline.setup_store", values)


def _check_models(settings: Settings) -> Finding:
    folders = []
    if settings.models.is_dir():
        recover_folders(settings.models)
        folders = sorted(path for path in settings.models.iterdir() if path.is_dir())
    for folder in folders:
        try:
            if not folder.name.startswith("."):
                read_card(folder)
        except KakushinError as error:
            return Finding(False, "pipeline.setup_fault", {"fault": error})
    return Finding(True, "pipeline.setup_models", {"models": len(folders)})
