"""The verb `queue`: reviewers' work from a terminal or a program, as JSON, a case a line."""

from pathlib import Path
from typing import Any

from core.cli.tables import terminal_json
from core.cli.verbs import add_verb, store_of
from core.messages import reader_language, sentence
from core.settings import Settings


def add_queue(verbs) -> None:
    """Add the verb `queue` with its parts `list`, `export`, `claim`, `answer`, `skip` and `undo`."""
    verb = add_verb(verbs, "queue", None, "list, claim and answer the cases that wait for people")
    parts = verb.add_subparsers(title="parts", metavar="PART", required=True)
    listing = add_verb(parts, "list", _list, "print the next cases, as JSON lines")
    listing.add_argument("--limit", type=int, default=20, help="cases at most (default: 20)")
    sheet = add_verb(parts, "export", _export, "write the next cases as a sheet to fill in")
    sheet.add_argument("--limit", type=int, default=200, help="cases at most (default: 200)")
    sheet.add_argument("--out", type=Path, required=True, help="a .xlsx, .csv, .parquet or .jsonl")
    claim = add_verb(parts, "claim", _claim, "take the next case for 15 minutes, and print it")
    answer = add_verb(parts, "answer", _answer, "store an answer, or those of a file")
    skip = add_verb(parts, "skip", _skip, "give a case back without an answer")
    undo = add_verb(parts, "undo", _undo, "withdraw an answer; its case waits again")
    for part in (listing, sheet, claim):
        part.add_argument("--escape-cost", type=float, help="of one wrong accepted answer")
        part.add_argument("--review-cost", type=float, help="of one review, in the same currency")
    for part in (listing, sheet, claim, answer, skip, undo):
        part.add_argument("--run", dest="run_id", required=True, help="a scoring run")
    for part in (sheet, claim, answer, skip, undo):
        part.add_argument("--reviewer", required=True, help="who judges")
    for part in (skip, undo):
        part.add_argument("--case", required=True, help="the case's id")
    which = answer.add_mutually_exclusive_group(required=True)
    which.add_argument("--case", help="the case's id")
    which.add_argument("--file", type=Path, help="a sheet, or a table of case_id, verdict, label")
    what = answer.add_mutually_exclusive_group()
    what.add_argument("--verdict", choices=("right", "wrong", "unsure"), help="of the answer")
    what.add_argument("--label", help="what the case is; a blind case needs it")


def _list(arguments, settings: Settings) -> None:
    from core.pipeline.review_desk import waiting_queue

    queue, _ = waiting_queue(store_of(settings), arguments.run_id, _terms(arguments))
    for case in queue.cases.head(arguments.limit).to_dict("records"):
        _print_case(case, arguments)


def _export(arguments, settings: Settings) -> None:
    from core.pipeline.review_sheets import export_review_sheet

    language, out = reader_language(), arguments.out
    n = export_review_sheet(
        store_of(settings),
        arguments.run_id,
        arguments.reviewer,
        _terms(arguments),
        language,
        arguments.limit,
        out,
    )
    values = {"n": n, "file": str(out), "run": arguments.run_id}
    print(sentence(language, "pipeline.sheet_written", **values))


def _claim(arguments, settings: Settings) -> None:
    from core.pipeline.review_desk import waiting_queue
    from core.store.claims import Claims

    store = store_of(settings)
    queue, _ = waiting_queue(store, arguments.run_id, _terms(arguments))
    ids, needed = queue.cases.index.tolist(), queue.cases["needed"].astype(int).tolist()
    claims = Claims(store)
    case_id = claims.claim_next(arguments.run_id, arguments.reviewer, ids, needed)
    if case_id is None:
        print("null")
        return
    text = claims.case_text(arguments.run_id, case_id)
    _print_case(queue.cases.loc[case_id].to_dict(), arguments, text=text)


def _answer(arguments, settings: Settings) -> None:
    from core.errors import SettingsError
    from core.pipeline.review_desk import claim_and_answer
    from core.pipeline.verdict_files import import_verdicts

    store, run_id, reviewer = store_of(settings), arguments.run_id, arguments.reviewer
    if arguments.file is not None:
        result = import_verdicts(store, run_id, arguments.file, reviewer, settings.timezone)
        _print_json(**vars(result))
        return
    answer = (arguments.verdict, arguments.label)
    if answer == (None, None):
        raise SettingsError("pipeline.answer_missing")
    verdict = claim_and_answer(store, run_id, reviewer, arguments.case, *answer)
    _print_json(case_id=arguments.case, verdict=verdict)


def _skip(arguments, settings: Settings) -> None:
    from core.errors import NotFoundError
    from core.store.claims import Claims

    claim = (arguments.run_id, arguments.case, arguments.reviewer)
    if Claims(store_of(settings)).release(*claim, "skipped") is None:
        raise NotFoundError("pipeline.no_claim", case=arguments.case, reviewer=arguments.reviewer)
    _print_json(case_id=arguments.case, verdict=None)


def _undo(arguments, settings: Settings) -> None:
    from core.pipeline.review_desk import withdraw_answer

    store = store_of(settings)
    withdraw_answer(store, arguments.run_id, arguments.reviewer, arguments.case)
    _print_json(case_id=arguments.case, verdict="withdrawn")


def _terms(arguments):
    from core.errors import SettingsError
    from core.pipeline.review_desk import DeskTerms

    costs = (arguments.escape_cost, arguments.review_cost)
    if costs == (None, None):  # the order alone needs no cost
        return DeskTerms()
    if None in costs or not all(0 <= cost < float("inf") for cost in costs):
        raise SettingsError("pipeline.queue_costs", escape=costs[0], review=costs[1])
    return DeskTerms(*costs)


def _print_case(case: dict[str, Any], arguments, **texts: Any) -> None:
    """Print a case of the queue; a blind one without what the model says."""
    blind = bool(case["blind"])
    priced = arguments.escape_cost is not None and not blind
    _print_json(
        case_id=case["case_id"],
        blind=blind,
        reason=None if blind else case["reason"],
        predicted=None if blind else case["predicted"] or None,
        confidence=None
        if blind or case["confidence"] != case["confidence"]
        else case["confidence"],
        saving=case["saving"] if priced else None,
        **texts,
    )


def _print_json(**values: Any) -> None:
    print(terminal_json(values))
