"""The verb `token`: who may call the gate."""

import argparse
import sys

from core.cli.verbs import add_verb, store_of
from core.identity import ROLES
from core.messages import reader_language, sentence
from core.settings import Settings


def add_token_verb(verbs) -> None:
    """Add `token`, with `add` and `remove`."""
    text = "give a caller of the gate a token and a role, or revoke it"
    verb = add_verb(verbs, "token", None, text)
    steps = verb.add_subparsers(title="steps", metavar="STEP", required=True)
    add = add_verb(steps, "add", _add, "make a caller's token and print it once")
    add.add_argument("name", help="the caller's name; verdicts carry it as their reviewer")
    add.add_argument("--role", required=True, choices=ROLES, help="operator decides cases")
    add.add_argument(
        "--per-minute", type=int, default=600, help="requests that are answered (default: 600)"
    )
    remove = add_verb(steps, "remove", _remove, "refuse a caller from now on")
    remove.add_argument("name", help="the caller's name")


def _add(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.gate.tokens import add_token, token_file
    from core.store.trail import record_action

    path = token_file(settings)
    token = add_token(path, arguments.name, arguments.role, arguments.per_minute)
    role, per_minute = arguments.role, arguments.per_minute
    record_action(store_of(settings), "token.add", arguments.name, role=role, per_minute=per_minute)
    print(token)
    values = {"name": arguments.name, "role": arguments.role, "file": str(path)}
    print(sentence(reader_language(), "gate.token_added", **values), file=sys.stderr)


def _remove(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.gate.tokens import remove_token, token_file
    from core.store.trail import record_action

    remove_token(token_file(settings), arguments.name)
    record_action(store_of(settings), "token.remove", arguments.name)
    print(sentence(reader_language(), "gate.token_removed", name=arguments.name))
