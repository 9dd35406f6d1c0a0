"""The verbs `verdicts`, which carries people's answers in and out as files, and `gold`."""

from pathlib import Path

from core.cli.verbs import add_verb, store_of
from core.messages import reader_language, sentence
from core.settings import Settings


def add_verdicts(verbs) -> None:
    """Add the verb `verdicts` with its parts `export` and `import`."""
    verb = add_verb(verbs, "verdicts", None, "write people's verdicts into a file, or read them")
    parts = verb.add_subparsers(title="parts", metavar="PART", required=True)
    export = add_verb(parts, "export", _export, "write the verdicts of a run that count")
    export.add_argument("--run", dest="run_id", required=True, help="a scoring run")
    endings = "a .csv, .xlsx, .parquet or .jsonl, or a .json for Label Studio"
    export.add_argument("--out", type=Path, required=True, help=endings)
    reading = add_verb(parts, "import", _import, "add verdicts from a file, all or none")
    reading.add_argument("file", type=Path, help="case_id, verdict, label; or Label Studio's .json")
    reading.add_argument("--run", dest="run_id", required=True, help="a scoring run")
    reading.add_argument("--reviewer", required=True, help="who answered where no row says it")


def add_gold(verbs) -> None:
    """Add the verb `gold`."""
    verb = add_verb(verbs, "gold", _gold, "add cases of a certain label, which test reviewers")
    verb.add_argument("file", type=Path, help="a table with case_id and label")
    verb.add_argument("--run", dest="run_id", required=True, help="a scoring run")


def _export(arguments, settings: Settings) -> None:
    from core.pipeline.verdict_files import export_verdicts

    n, tasks = export_verdicts(store_of(settings), arguments.run_id, arguments.out)
    values = {"file": str(arguments.out), "n": n, "tasks": tasks}
    key = "pipeline.tasks_written" if tasks else "pipeline.verdicts_written"
    print(sentence(reader_language(), key, **values))


def _import(arguments, settings: Settings) -> None:
    from core.pipeline.verdict_files import import_verdicts

    result = import_verdicts(
        store_of(settings),
        arguments.run_id,
        arguments.file,
        arguments.reviewer,
        settings.timezone,
    )
    for notice in result.notices():
        print(sentence(reader_language(), notice.code, **notice.values))


def _gold(arguments, settings: Settings) -> None:
    from core.pipeline.verdict_files import import_gold_cases

    n = import_gold_cases(store_of(settings), arguments.run_id, arguments.file)
    print(sentence(reader_language(), "pipeline.gold_added", n=n))
