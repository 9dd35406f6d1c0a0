"""The verb `verify`: whether the audit trail is as it was written."""

import argparse

from core.cli.verbs import add_verb, store_of
from core.messages import reader_language, sentence
from core.settings import Settings


def add_verify(verbs) -> None:
    """Add `verify`."""
    verb = add_verb(verbs, "verify", _verify, "check that the audit trail is as it was written")
    verb.add_argument(
        "--noted",
        metavar="COUNT:HEAD",
        help="an end that an earlier call printed: the trail must still contain it",
    )


def _verify(arguments: argparse.Namespace, settings: Settings) -> int:
    from core.store.anchor import read_chain_end
    from core.store.trail import AuditTrail

    noted = None if arguments.noted is None else read_chain_end(arguments.noted)
    check = AuditTrail(store_of(settings)).check_chain(noted)
    if check.fault is not None:
        raise check.fault
    count, head = check.end.count, check.end.head
    print(sentence(reader_language(), "store.trail_intact", n=count, end=f"{count}:{head}"))
    return 0
