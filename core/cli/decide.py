"""The verbs `decide`, the meaning of a threshold, and `demo`, which builds the demo's workspace."""

import json

from core.cli.verbs import add_verb, store_of
from core.settings import Settings


def add_decide(verbs) -> None:
    """Add the verb `decide`."""
    verb = add_verb(
        verbs, "decide", _decide, "print what a threshold means: workload, leakage, money"
    )
    verb.add_argument(
        "--run", dest="run_id", help="a scoring run (default: the newest student's on a stream)"
    )
    # Either determines the other: a target is turned into its threshold.
    point = verb.add_mutually_exclusive_group(required=True)
    point.add_argument(
        "--threshold",
        type=float,
        help="accept at this confidence or more; a multiple of 0.001",
    )
    point.add_argument(
        "--target-leakage",
        type=float,
        metavar="SHARE",
        help="the loosest threshold with at most this share of wrong accepted cases, e.g. 0.01",
    )
    verb.add_argument(
        "--cases-per-day", type=float, help="volume (default: measured from the cases' dates)"
    )
    verb.add_argument(
        "--cost-review",
        type=float,
        default=4.0,
        help="cost of one review (default: 4, an assumption)",
    )
    verb.add_argument(
        "--cost-escape",
        type=float,
        default=120.0,
        help="cost of one wrong accepted answer (default: 120, an assumption)",
    )
    verb.add_argument(
        "--cost-machine-hour",
        type=float,
        default=0.5,
        help="cost of the machine an hour (default: 0.5, an assumption)",
    )
    verb.add_argument("--currency", default="AUD", help="currency of the costs (default: AUD)")
    verb.add_argument("--json", action="store_true", help="one JSON object instead of sentences")


def add_demo(verbs) -> None:
    """Add the verb `demo`."""
    add_verb(verbs, "demo", _demo, "make the demo: real work orders, teacher, student, scores")


def _decide(arguments, settings: Settings) -> None:
    from core.report.decision_text import decision_record, decision_sentences

    record = decision_record(
        store_of(settings),
        run_id=arguments.run_id,
        threshold=arguments.threshold,
        target_leakage=arguments.target_leakage,
        cases_per_day=arguments.cases_per_day,
        costs=(arguments.cost_review, arguments.cost_escape, arguments.cost_machine_hour),
        currency=arguments.currency,
    )
    print(
        json.dumps(record, indent=2, default=str) if arguments.json else decision_sentences(record)
    )


def _demo(arguments, settings: Settings) -> None:
    from core.pipeline.demo import build_demo

    build_demo(settings)
