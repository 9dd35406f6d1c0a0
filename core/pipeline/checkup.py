"""Check a setup: a finding for each thing that Kakushin needs, none with case text.

Reads only; the store is opened as any reader opens it. Heavy libraries are imported by the checks
that need them, since one may be missing. Knows no terminal and no screen.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from core.access import login_path, read_login, require_login_library
from core.cases.dates import named_zone
from core.errors import KakushinError, StoreError
from core.files import recover_folders
from core.settings import Settings

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


def check_setup(
    settings: Settings, port: int, more: Iterable[Callable[[], object]] = ()
) -> list[Finding]:
    """Return findings: Python, packages, environment, disk, permissions, port, login, store, trail
    and models.

    more: further checks, which raise an error of ours.
    """
    packages = _check_packages()
    findings = [
        _check_python(),
        packages,
        _check_disk(settings),
        _check_permissions(settings),
        *_check_owners(settings),
        _check_port(port),
        *_check_login(),
        *_faults_of(more),
    ]
    if packages.passed:  # these need torch or DuckDB
        findings += [*_check_environment(settings), _check_store(settings)]
        findings += _check_models(settings)
    return findings


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
    home = settings.home.absolute()
    existing = next(path for path in (home, *home.parents) if os.path.exists(path))
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


def _check_environment(settings: Settings) -> list[Finding]:
    """Return what is wrong with the variables that name a device or a time zone."""
    from core.models.base.device import pick_device

    checks: list[Callable[[], object]] = [lambda: pick_device(settings.device)]
    if settings.timezone:
        checks.append(partial(named_zone, settings.timezone))
    return _faults_of(checks)


def _faults_of(checks: Iterable[Callable[[], object]]) -> list[Finding]:
    """Return a finding for each check that raises an error of ours."""
    findings = []
    for check in checks:
        try:
            check()
        except KakushinError as error:
            findings.append(Finding(False, "pipeline.setup_fault", {"fault": error}))
    return findings


def _check_owners(settings: Settings) -> list[Finding]:
    """Name what belongs to another user, as after a call by root: Kakushin could not write it."""
    folders = [path for path in (settings.home, settings.store) if path.is_dir()]
    paths = [*folders, *(path for folder in folders for path in sorted(folder.iterdir()))]
    others = [path for path in paths if path.lstat().st_uid != os.geteuid()]
    values: dict[str, object] = {"n": len(others), "folder": settings.home}
    values["file"] = others[0] if others else ""
    return [Finding(False, "pipeline.setup_owner", values)] if others else []


def _check_login() -> list[Finding]:
    """Return what is wrong with the login that KAKUSHIN_LOGIN names."""
    login = login_path()
    return [] if login is None else _faults_of([partial(read_login, login), require_login_library])


def _check_port(port: int) -> Finding:
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    code = "pipeline.setup_port_taken" if taken else "pipeline.setup_port"
    return Finding(not taken, code, {"port": port})


def _check_store(settings: Settings) -> Finding:
    """Open the store and check its trail; a store that does not exist yet passes."""
    from core.store.store import Store
    from core.store.trail import AuditTrail

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


def _check_models(settings: Settings) -> list[Finding]:
    """Return a finding for each model that cannot be read, then how many can."""
    from core.models.scoring.checkpoint import check_files

    folders = []
    if settings.models.is_dir():
        recover_folders(settings.models)
        folders = sorted(path for path in settings.models.glob("[!.]*/") if path.is_dir())
    faults = _faults_of(partial(check_files, folder) for folder in folders)
    readable: dict[str, object] = {"models": len(folders) - len(faults)}
    return [*faults, Finding(True, "pipeline.setup_models", readable)]
