"""The verb `redistill`: a new student from verdicts, in service only if it is better."""

from core.cli.verbs import add_verb, assumed_amounts, store_of
from core.messages import reader_language
from core.settings import Settings


def add_redistill(verbs) -> None:
    """Add the verb `redistill`."""
    verb = add_verb(verbs, "redistill", _redistill, "distill again from verdicts, and judge it")
    verb.add_argument("--run", dest="run_id", required=True, help="a student's scoring of a stream")
    verb.add_argument("--author", default="kakushin", help="who puts it in service")
    verb.add_argument(
        "--rehearse",
        action="store_true",
        help="let the file's labels act as verdicts; nothing is put in service",
    )
    verb.add_argument(
        "--rollback", action="store_true", help="put the model before in service again"
    )
    for name, what in (
        ("review", "one review"),
        ("escape", "one wrong accepted answer"),
        ("machine-hour", "the machine an hour"),
    ):
        verb.add_argument(f"--cost-{name}", type=float, help=f"of {what} (default: the line's)")


def _redistill(arguments, settings: Settings) -> None:
    from core.pipeline.redistill import redistill
    from core.pipeline.service import line_of_model, roll_back
    from core.report.watch_text import redistilled_sentences, rolled_back_sentence

    store, language = store_of(settings), reader_language()
    name, _ = line_of_model(store.run(arguments.run_id).run.model)
    if arguments.rollback:
        print(
            rolled_back_sentence(name, roll_back(store, settings, name, arguments.author), language)
        )
        return
    assumed = assumed_amounts(store, store.run(arguments.run_id).run.dataset)
    typed = (arguments.cost_review, arguments.cost_escape, arguments.cost_machine_hour)
    review, escape, machine_hour = (
        assumed[field] if cost is None else cost
        for field, cost in zip(("review", "escape", "machine_hour"), typed, strict=True)
    )
    about = (arguments.run_id, arguments.author, arguments.rehearse)
    outcome = redistill(store, settings, *about, review, escape)
    line, currency = (name, arguments.run_id), assumed["currency"]
    print(redistilled_sentences(outcome, line, machine_hour, currency, language))
