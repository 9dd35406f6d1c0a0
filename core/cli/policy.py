"""The verb `policy`: a policy from its proposal to its activation and its undo, by names."""

import argparse

from core.cli.tables import print_table, terminal_json
from core.cli.verbs import add_verb, store_of
from core.messages import reader_language, sentence
from core.settings import Settings

_STEPS = {
    "approve": "approve a proposed version",
    "activate": "put an approved version in force: later scorings apply it",
    "undo": "end the version in force; the one before is in force again",
}


def add_policy_verb(verbs) -> None:
    """Add the verb `policy` with its parts `list`, `propose`, `approve`, `activate` and `undo`."""
    verb = add_verb(verbs, "policy", None, "propose, approve, activate or undo a policy")
    parts = verb.add_subparsers(title="parts", metavar="PART", required=True)
    listing = add_verb(parts, "list", _list, "list the versions, newest first")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    proposal = add_verb(parts, "propose", _propose, "save thresholds as a new version")
    proposal.add_argument("policy", metavar="NAME", help="of the policy")
    proposal.add_argument(
        "--run", dest="run_id", required=True, help="the scoring run on which it was chosen"
    )
    proposal.add_argument("--threshold", type=float, required=True, help="accept from here on")
    proposal.add_argument(
        "--epistemic-limit", type=float, help="in nats; people check the cases above it"
    )
    for name, text in _STEPS.items():
        part = add_verb(parts, name, _take_step, text)
        part.add_argument("policy", metavar="NAME[:VERSION]", help="without VERSION, the newest")
        part.set_defaults(step=name)
    for part in (proposal, *(parts.choices[name] for name in _STEPS)):
        part.add_argument("--author", required=True, help="whose name the step carries")
        part.add_argument("--reason", required=True, help="why")


def _list(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.report.policy_history import policy_lives
    from core.store.ledger import Ledger

    store = store_of(settings)
    ledger = Ledger(store)
    with store.reading():
        versions, events = ledger.policies(), ledger.policy_events()
    lives = policy_lives(versions, events)
    rows = [
        {
            "policy": f"{version.name}:{version.version}",
            "state": lives[version.name, version.version].state,
            "threshold": str(version.content.get("threshold", "-")),
            "author": version.author,
            "created": version.created_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            "run": ", ".join(version.runs) or "-",
        }
        for version in versions
    ]
    if arguments.json:
        for row, version in zip(rows, versions, strict=True):
            print(terminal_json(row | {"content": version.content}))
    elif rows:
        print_table([tuple(rows[0]), *(tuple(row.values()) for row in rows)])
    else:
        print(sentence(reader_language(), "policies.none"))


def _propose(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.decision.thresholds.policy import Policy
    from core.store.ledger import Ledger
    from core.store.steps import record_proposal

    policy = Policy(arguments.threshold, epistemic_limit=arguments.epistemic_limit)
    texts = (arguments.author, arguments.reason)
    version, _ = record_proposal(
        Ledger(store_of(settings)), arguments.policy, policy.to_dict(), *texts, [arguments.run_id]
    )
    values = {"name": version.name, "version": version.version}
    print(sentence(reader_language(), "policies.propose", **values))


def _take_step(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.errors import AccessError
    from core.pipeline.apply import read_policy_name
    from core.store.ledger import Ledger
    from core.store.steps import record_event, same_person

    ledger = Ledger(store_of(settings))
    with ledger.store.atomic():
        events = ledger.policy_events()
        version = ledger.policy(*read_policy_name(arguments.policy))
        alone = arguments.step == "approve" and same_person(arguments.author, version.author)
        if alone and settings.four_eyes:
            raise AccessError("policies.own_proposal", name=version.name, version=version.version)
        last = events[-1].position if events else 0
        event, _ = record_event(
            *(ledger, version.name, version.version, arguments.step),
            *(arguments.author, arguments.reason, last),
        )
    values = {"name": event.name, "version": event.version}
    print(sentence(reader_language(), f"policies.{event.event}", **values))
