"""The verb `redistill`: a new student from verdicts, in service only if it is better."""

from core.cli.verbs import add_verb, store_of
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
    for name, default, what in (
        ("review", 4.0, "one review"),
        ("escape", 120.0, "one wrong accepted answer"),
        ("machine-hour", 0.5, "the machine an hour"),
    ):
        verb.add_argument(
            f"--cost-{name}",
            type=float,
            default=default,
            help=f"cost of {what} (default: {default:g}, an assumption)",
        )


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
    outcome = redistill(
        store,
        settings,
        arguments.run_id,
        arguments.author,
        arguments.rehearse,
        arguments.cost_review,
        arguments.cost_escape,
    )
    print(
        redistilled_sentences(
            outcome, (name, arguments.run_id), arguments.cost_machine_hour, language
        )
    )
