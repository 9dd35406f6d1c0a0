"""The verbs `backup`, `restore`, `purge` and `doctor`: care of a workspace and its setup."""

import argparse
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

from core.cli.verbs import add_verb, store_of
from core.errors import SettingsError
from core.messages import reader_language, sentence
from core.settings import Settings


def add_backup(verbs) -> None:
    """Add `backup`."""
    verb = add_verb(verbs, "backup", _backup, "copy the workspace into a new folder")
    verb.add_argument("folder", type=Path, help="a folder that does not exist yet")


def add_restore(verbs) -> None:
    """Add `restore`."""
    verb = add_verb(verbs, "restore", _restore, "copy a backup into a workspace without a store")
    verb.add_argument("folder", type=Path, help="a folder that `backup` made")


def add_purge(verbs) -> None:
    """Add `purge`."""
    verb = add_verb(verbs, "purge", _purge, "delete texts of cases, uploads and jobs of old days")
    verb.add_argument("--before", required=True, metavar="DATE", help="a day, YYYY-MM-DD (UTC)")


def add_doctor(verbs) -> None:
    """Add `doctor`."""
    verb = add_verb(verbs, "doctor", _doctor, "check this setup and print what is wrong")
    verb.add_argument("--port", type=int, default=8501, help="port to be served (default: 8501)")


def _backup(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.store.backup import write_backup

    _print(arguments.folder, write_backup(store_of(settings), settings.home, arguments.folder))


def _restore(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.store.backup import restore_backup

    _print(settings.home, restore_backup(arguments.folder, settings.home))


def _print(folder: Path, content) -> None:
    end = f"{content.trail.count}:{content.trail.head}"
    values = {"folder": str(folder), "n": len(content.files), "end": end}
    print(sentence(reader_language(), "store.backed_up", **values))


def _purge(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.store.purge import purge_before

    try:
        day = date.fromisoformat(arguments.before)
    except ValueError as e:
        raise SettingsError(
            "settings.refused_argument", name="before", value=arguments.before, reason=str(e)
        ) from e
    purged = purge_before(store_of(settings), settings, day)
    print(sentence(reader_language(), "store.purged", day=day, **asdict(purged)))


def _doctor(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a line a finding; return 1 if one did not pass."""
    from core.gate.tokens import read_tokens, token_file
    from core.pipeline.checkup import check_setup

    tokens = token_file(settings)
    more = [partial(read_tokens, tokens)] if tokens.exists() else []
    findings = check_setup(settings, arguments.port, more)
    for finding in findings:
        mark = "ok " if finding.passed else "BAD"
        print(f"{mark} {sentence(reader_language(), finding.code, **finding.values)}")
    return 0 if all(finding.passed for finding in findings) else 1
