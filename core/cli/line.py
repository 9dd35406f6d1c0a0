"""The verb `line`: prints the assumptions of a line, and changes them for every page and verb."""

from dataclasses import asdict, replace

from core.cli.verbs import add_verb, assumption_options, store_of, typed_assumptions
from core.errors import NotFoundError
from core.messages import LANGUAGES, reader_language, sentence
from core.settings import Settings


def add_line(verbs) -> None:
    """Add the verb `line`."""
    verb = add_verb(
        verbs, "line", _line, "print or change a line's assumed volume, costs and first run"
    )
    verb.add_argument("name", nargs="?", help="name of the line's dataset (default: all lines)")
    assumption_options(verb)
    verb.add_argument("--opens", metavar="RUN", help="run that pages open first")
    verb.add_argument("--author", default="command line", help="who changes it")
    verb.add_argument(
        "--language", choices=LANGUAGES, help="whose assumptions change (default: the locale)"
    )


def _line(arguments, settings: Settings) -> None:
    from core.store.lines import read_lines, save_line

    store, language = store_of(settings), reader_language()
    lines = read_lines(store)
    if arguments.name is not None and arguments.name not in lines:
        raise NotFoundError("store.no_line", line=arguments.name, lines=list(lines) or ["-"])
    typed = typed_assumptions(arguments)
    for line in lines.values() if arguments.name is None else [lines[arguments.name]]:
        assumed = replace(line.in_language(language), **(typed if arguments.name else {}))
        changed = replace(line, assumed={**line.assumed, language: assumed})
        if arguments.name and arguments.opens:
            changed = replace(changed, opens=store.run(arguments.opens).run.run_id)
        if changed != line:
            save_line(store, changed, arguments.author)
        texts = {
            name: f"{value:,g}" for name, value in asdict(assumed).items() if name != "currency"
        }
        values = texts | {"currency": assumed.currency, "opens": changed.opens or "-"}
        print(sentence(language, "store.line", line=line.line, **values))
