"""The verbs of review: `audits` reports or draws audits, `labels` exports reviewed cases."""

from pathlib import Path

from core.cli.verbs import add_verb, store_of
from core.messages import reader_language, sentence
from core.settings import Settings


def add_audits(verbs) -> None:
    """Add the verb `audits`."""
    verb = add_verb(
        verbs, "audits", _audits, "print what audits of accepted cases show, or draw more"
    )
    verb.add_argument("--run", dest="run_id", required=True, help="a scoring run")
    verb.add_argument("--share", type=float, help="draw until this share of the accepted cases")
    verb.add_argument("--target", type=float, default=0.05, help="leakage to prove (default: 0.05)")


def add_labels(verbs) -> None:
    """Add the verb `labels`."""
    verb = add_verb(verbs, "labels", _labels, "write labels from verdicts, four fifths to teach")
    verb.add_argument("--run", dest="run_id", required=True, help="a scoring run")
    verb.add_argument("--out", type=Path, required=True, help="a .csv, .xlsx, .parquet or .jsonl")


def _audits(arguments, settings: Settings) -> None:
    from core.decision.audits.estimate import summarise_audits
    from core.errors import NotFoundError
    from core.pipeline.audits import draw_audits
    from core.store.audits import Audits
    from core.store.ledger import Ledger
    from core.store.reviews import Reviews

    store, language = store_of(settings), reader_language()
    store.run(arguments.run_id)
    applied = Reviews(store).applied_policies(arguments.run_id)
    if not applied:
        raise NotFoundError("pipeline.no_decisions", run=arguments.run_id)
    name, number = applied[0].policy, applied[0].version
    if arguments.share is not None:
        version = Ledger(store).policy(name, number)
        added = draw_audits(store, arguments.run_id, version, arguments.share)
        print(sentence(language, "pipeline.audits_drawn", n=added))
    cases = Audits(store).audited_cases(arguments.run_id, name, number)
    summary = summarise_audits(cases)
    counts = {"n": summary.sample, "wrong": summary.wrong, "missing": summary.missing}
    if summary.leakage.low is None or summary.leakage.high is None:
        print(sentence(language, "pipeline.no_audit_answered", n=summary.drawn))
    else:
        ends = {"low": 100 * summary.leakage.low, "high": 100 * summary.leakage.high}
        print(sentence(language, "pipeline.audited_leakage", **counts, **ends))
    verdicts = Reviews(store).verdicts(arguments.run_id)
    _print_reviewers(cases, verdicts, Audits(store).gold_labels(arguments.run_id), language)
    _print_plan(summary, arguments.target, language)


def _print_reviewers(cases, verdicts, gold: dict[str, str], language: str) -> None:
    from core.decision.review.reviewers import corrected_leakage

    errors, leakage = corrected_leakage(cases, verdicts, gold)
    a, b = errors.false_wrong, errors.false_right
    if a.value is None or b.value is None:
        print(sentence(language, "pipeline.reviewers_unknown", right=a.n, wrong=b.n))
        return
    rates = {"false_wrong": 100 * a.value, "false_right": 100 * b.value}
    print(sentence(language, "pipeline.reviewer_errors", **rates, right=a.n, wrong=b.n))
    if leakage.low is not None and leakage.high is not None:
        ends = {"low": 100 * leakage.low, "high": 100 * leakage.high}
        print(sentence(language, "pipeline.corrected_leakage", **ends, n=leakage.n))


def _print_plan(summary, target_leakage: float, language: str) -> None:
    from core.decision.audits.planner import audit_outlook

    outlook, plan = audit_outlook(summary, target_leakage)
    values = {"n": plan.audits if plan else 0, "target": 100 * target_leakage}
    print(sentence(language, f"pipeline.audit_plan_{outlook}", **values))


def _labels(arguments, settings: Settings) -> None:
    from core.export import checked_ending, write_table
    from core.pipeline.redistill import verdict_cases
    from core.store.reviews import Reviews

    ending, store = checked_ending(arguments.out), store_of(settings)
    # the split of `redistill`, so that no text that judges a student here teaches one there
    cases = verdict_cases(store, arguments.run_id, rehearsal=False)
    Reviews(store).record_table_export(arguments.run_id, "labels", ending.lstrip("."))
    use = cases["teaches"].map({True: "teach", False: "judge"})
    table = cases.drop(columns=["teaches", "day"]).assign(use=use)
    write_table(table, arguments.out)
    counts = {"n": len(table), "teach": int((table["use"] == "teach").sum())}
    values = {"file": str(arguments.out), **counts}
    print(sentence(reader_language(), "pipeline.labels_written", **values))
