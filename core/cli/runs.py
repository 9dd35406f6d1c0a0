"""The verb `runs`: lists the store's runs, whose names `decide`, `apply` and others ask for."""

import argparse
from dataclasses import asdict

from core.cli.tables import print_table, terminal_json
from core.cli.verbs import add_verb, store_of
from core.messages import reader_language, sentence
from core.settings import Settings
from core.types import RUN_KINDS, RunRecord


def add_runs(verbs) -> None:
    """Add `runs`."""
    verb = add_verb(verbs, "runs", _runs, "list the runs, newest first")
    verb.add_argument("--kind", choices=RUN_KINDS, help="only runs of this kind")
    verb.add_argument("--dataset", help="only runs of this dataset (a line's name)")
    verb.add_argument("--json", action="store_true", help="one JSON object a line")


def _runs(arguments: argparse.Namespace, settings: Settings) -> None:
    records = [
        record
        for record in store_of(settings).runs(arguments.kind)
        if arguments.dataset in (None, record.run.dataset)
    ]
    if arguments.json:
        for record in records:
            print(terminal_json(asdict(record), default=str))
    elif records:
        head = ("run", "kind", "dataset", "role", "model", "cases", "state", "started")
        print_table([head, *map(_row, records)])
    else:
        print(sentence(reader_language(), "store.runs_none"))


def _row(record: RunRecord) -> tuple[str, ...]:
    run = record.run
    # a reader compares this time with the clock on the wall; --json has UTC
    started = run.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    texts = (run.run_id, run.kind, run.dataset, run.role, run.model, f"{record.cases:,}")
    return (*texts, record.state, started)
