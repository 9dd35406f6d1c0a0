"""The verbs `decide`, the meaning of a threshold, and `demo`, which builds the demo's workspace."""

import json

from core.cli.verbs import add_verb, assumed_amounts, store_of
from core.messages import reader_language
from core.settings import Settings

_OPTIONS = {
    "cases_per_day": "cases_per_day",
    "review": "cost_review",
    "escape": "cost_escape",
    "machine_hour": "cost_machine_hour",
    "currency": "currency",
}
# As the pages assume, which ask for them under the reviewers' assumptions.
_PEOPLE = {
    "review_minutes": (
        5.0,
        "minutes of one review: they give the hourly cost of retraining's people",
    ),
    "reviewer_miss": (0.0, "share of reviews that leave a wrong answer"),
    "audit_share": (0.0, "share of accepted cases that a person checks afterwards"),
    "cashed_share": (1.0, "share of the freed hours that leaves the payroll"),
}


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
        "--cases-per-day",
        type=float,
        help="volume (default: the line's, else measured from the cases' dates)",
    )
    verb.add_argument(
        "--cost-review",
        type=float,
        help="cost of one review (default: the line's, else 4, an assumption)",
    )
    verb.add_argument(
        "--cost-escape",
        type=float,
        help="cost of one wrong accepted answer (default: the line's, else 120, an assumption)",
    )
    verb.add_argument(
        "--cost-machine-hour",
        type=float,
        help="cost of the machine an hour (default: the line's, else 0.5, an assumption)",
    )
    verb.add_argument("--currency", help="currency of the costs (default: the line's, else AUD)")
    for name, (default, text) in _PEOPLE.items():
        verb.add_argument(
            f"--{name.replace('_', '-')}",
            type=float,
            default=default,
            help=f"{text} (default: {default:g}, an assumption)",
        )
    verb.add_argument("--json", action="store_true", help="one JSON object instead of sentences")


def add_demo(verbs) -> None:
    """Add the verb `demo`."""
    add_verb(verbs, "demo", _demo, "make the demo of two real lines: teachers, students, scores")


def _decide(arguments, settings: Settings) -> None:
    from core.decision.thresholds.costs import UnitCosts
    from core.report.decision_text import decision_record, decision_sentences, newest_stream_run
    from core.report.money_start import costs_with_retraining

    store = store_of(settings)
    run = (store.run(arguments.run_id) if arguments.run_id else newest_stream_run(store)).run
    assumed = assumed_amounts(store, run.dataset)
    typed = {name: getattr(arguments, option) for name, option in _OPTIONS.items()}
    used = assumed | {name: value for name, value in typed.items() if value is not None}
    people = (arguments.reviewer_miss, arguments.audit_share, arguments.cashed_share)
    amounts = (used["review"], used["escape"], used["machine_hour"], used["currency"])
    costs = costs_with_retraining(
        UnitCosts(*amounts, *people), store.runs(), run.dataset, arguments.review_minutes
    )
    record = decision_record(
        store,
        run_id=arguments.run_id,
        threshold=arguments.threshold,
        target_leakage=arguments.target_leakage,
        cases_per_day=used["cases_per_day"],
        costs=costs,
    )
    if arguments.json:
        print(json.dumps(record, indent=2, default=str))
    else:
        print(decision_sentences(record, reader_language()))


def _demo(arguments, settings: Settings) -> None:
    from core.pipeline.demo import build_demo

    build_demo(settings)
