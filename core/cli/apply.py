"""The verbs `apply` and `decisions`: apply a policy to a run, and export its decisions."""

from pathlib import Path

from core.cli.verbs import add_verb, store_of
from core.messages import reader_language, sentence
from core.settings import Settings


def add_apply(verbs) -> None:
    """Add the verb `apply`."""
    verb = add_verb(verbs, "apply", _apply, "decide every case of a run by a policy")
    verb.add_argument("--run", dest="run_id", required=True, help="a scoring run")
    verb.add_argument(
        "--policy",
        metavar="NAME[:VERSION]",
        help="an approved version (default: the active policy of the run's model and dataset)",
    )
    add_audit_share(verb)


def add_audit_share(verb) -> None:
    """Add the option --audit-share to a verb that applies a policy."""
    verb.add_argument(
        "--audit-share",
        type=float,
        metavar="SHARE",
        help="share of the accepted cases that people audit, from 0 to 1 (default: 0.1)",
    )


def add_decisions(verbs) -> None:
    """Add the verb `decisions`."""
    verb = add_verb(verbs, "decisions", _decisions, "write the decisions of a run into a file")
    verb.add_argument("--run", dest="run_id", required=True, help="a scoring run")
    verb.add_argument(
        "--out",
        type=Path,
        required=True,
        help="a file that ends in .csv, .xlsx, .parquet or .jsonl",
    )
    verb.add_argument(
        "--policy",
        metavar="NAME[:VERSION]",
        help="whose decisions (default: those of the version that decided last)",
    )


def applied_report(application, language: str) -> str:
    """Return the result of applying a policy, in sentences of the reader's language."""
    bound, version = application.bound, application.bound.version
    values = {"run": application.run_id, "name": version.name, "version": version.version}
    n = application.accepted + application.review
    counts = {"accepted": application.accepted, "review": application.review, "n": n}
    lines = [sentence(language, "pipeline.applied", **values, **counts)]
    if bound.void:
        reasons = [sentence(language, f"pipeline.void.{reason}") for reason in bound.void]
        lines.append(sentence(language, "pipeline.all_to_review", reasons=reasons))
    lines.append(sentence(language, "pipeline.added", n=application.added))
    return "\n".join(lines)


def report_active_policy(store, run_id: str, audit_share: float | None = None) -> str:
    """Apply the active policy to a scored run; return the result in sentences."""
    from core.pipeline.apply import apply_active_policy
    from core.pipeline.audits import AUDIT_SHARE

    # No active policy is no error: scoring comes first in a new workspace.
    language = reader_language()
    share = AUDIT_SHARE if audit_share is None else audit_share
    application = apply_active_policy(store, run_id, audit_share=share)
    if application is None:
        return sentence(language, "pipeline.no_active_policy", run=run_id)
    return applied_report(application, language)


def _apply(arguments, settings: Settings) -> None:
    from core.pipeline.apply import apply_policy, read_policy_name
    from core.pipeline.audits import AUDIT_SHARE
    from core.store.ledger import Ledger

    store = store_of(settings)
    if arguments.policy is None:
        print(report_active_policy(store, arguments.run_id, arguments.audit_share))
        return
    version = Ledger(store).policy(*read_policy_name(arguments.policy))
    share = AUDIT_SHARE if arguments.audit_share is None else arguments.audit_share
    application = apply_policy(store, arguments.run_id, version, audit_share=share)
    print(applied_report(application, reader_language()))


def _decisions(arguments, settings: Settings) -> None:
    from core.errors import NotFoundError
    from core.export import checked_ending, write_table
    from core.pipeline.apply import read_policy_name
    from core.store.reviews import Reviews

    ending = checked_ending(arguments.out)
    reviews = Reviews(store_of(settings))
    reviews.store.run(arguments.run_id)
    applied = reviews.applied_policies(arguments.run_id)
    if arguments.policy is not None:
        name, number = read_policy_name(arguments.policy)
        applied = [
            decided
            for decided in applied
            if decided.policy == name and number in (None, decided.version)
        ]
    if not applied:
        raise NotFoundError("pipeline.no_decisions", run=arguments.run_id)
    version = (applied[0].policy, applied[0].version)
    reviews.record_export(arguments.run_id, *version, ending.lstrip("."))
    table = reviews.decided_cases(arguments.run_id, *version)
    write_table(table, arguments.out)
    print(
        sentence(
            reader_language(),
            "pipeline.decisions_written",
            file=str(arguments.out),
            name=applied[0].policy,
            version=applied[0].version,
            n=len(table),
        )
    )
