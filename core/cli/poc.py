"""The verb `poc`: from a file of labelled cases to a verdict in money, with a report to take away."""

import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from core.cli.cases import cases_options, print_notices, read_arguments
from core.cli.verbs import add_verb, assumption_options, store_of, typed_assumptions
from core.errors import SettingsError
from core.messages import LANGUAGES, reader_language, sentence
from core.settings import Settings


def add_poc(verbs) -> None:
    """Add the verb `poc`."""
    verb = add_verb(
        verbs,
        "poc",
        _poc,
        "try a file of labelled cases: train, distill, compare four models, print a verdict",
    )
    cases_options(verb)
    verb.add_argument("--name", help="name of models and runs (default: from the file's name)")
    verb.add_argument(
        "--base",
        help="Hugging Face name, folder, all-MiniLM-L6-v2 or multilingual-e5-small (default: MiniLM, "
        "English; e5 if MiniLM's vocabulary lacks the texts' words)",
    )
    verb.add_argument(
        "--minutes", type=float, help="time to fit, by an estimate for this machine (default: 6)"
    )
    assumption_options(verb)
    verb.add_argument(
        "--language",
        choices=LANGUAGES,
        help="of all sentences and the report (default: the locale)",
    )
    verb.add_argument("--report", type=Path, help="where the PDF goes (default: the workspace)")


def _poc(arguments, settings: Settings) -> None:
    from core.jobs.arguments import dataset_name
    from core.pipeline.poc import POC_STEPS, run_poc
    from core.pipeline.poc_plan import DEFAULT_MINUTES, plan_poc
    from core.pipeline.poc_time import kept_pace
    from core.store.lines import DEFAULT_ASSUMPTIONS, LineSettings
    from core.types import checked_name

    language = reader_language()
    name = checked_name(arguments.name or dataset_name(arguments.cases.name), "dataset")
    checked_name(f"{name}-teacher", "model")
    minutes = DEFAULT_MINUTES if arguments.minutes is None else arguments.minutes
    if not (math.isfinite(minutes) and minutes > 0):
        raise SettingsError("poc.bad_time", value=minutes)
    typed = typed_assumptions(arguments)
    # A cost is typed in one currency: that of the verdict's language, for readers of both.
    has_costs = bool(set(typed) - {"cases_per_day"})
    assumed = {
        key: DEFAULT_ASSUMPTIONS[language if has_costs else key] for key in DEFAULT_ASSUMPTIONS
    }
    line = LineSettings(name, {key: replace(line, **typed) for key, line in assumed.items()})
    cases = read_arguments(arguments, settings)
    base, pace = _base(arguments, settings, cases, language), kept_pace(settings.cache)
    plan = plan_poc(cases.frame, cases.source, name, base, minutes, pace)
    notices = [sentence(language, notice.code, **notice.values) for notice in plan.notices]
    print("\n".join(notices))
    estimate = f"{max(0.5, sum(plan.seconds.values()) / 60):.1f}"
    print(sentence(language, "poc.estimate", minutes=estimate, recipe=plan.recipe.name), flush=True)

    def report(number: int, step: str, left: float) -> None:
        what = sentence(language, f"poc.step.{step}")
        values = {"number": number, "steps": len(POC_STEPS), "left": _time_text(language, left)}
        print(sentence(language, "poc.step", what=what, **values), flush=True)

    store = store_of(settings)
    run_poc(store, settings, plan, line, report)
    _print_result(store, settings, line.line, language, notices, arguments.report)


def _base(arguments, settings: Settings, cases, language: str) -> str:
    """Return the base: the named one, else MiniLM, or e5 where MiniLM cannot read the texts."""
    from core.pipeline.bases import base_source
    from core.pipeline.prepare import vocabulary_notice

    base = base_source(arguments.base, "classify", settings.cache)
    unknown = vocabulary_notice(cases.frame, Path(base))
    if unknown is None:
        return base
    if arguments.base is not None:
        print_notices([unknown])
        return base
    multilingual = "multilingual-e5-small"
    values = {"percent": unknown.values["percent"], "base": multilingual}
    print(sentence(language, "poc.base_multilingual", **values), flush=True)
    return base_source(multilingual, "classify", settings.cache)


def _print_result(
    store, settings: Settings, name: str, language: str, notices: list[str], path: Path | None
) -> None:
    from core.files import private_folder, write_atomic
    from core.report.exports import export_document
    from core.report.poc_result import poc_result
    from core.report.poc_text import (
        figure_text,
        option_heads,
        option_rows,
        poc_document,
        verdict_lines,
    )
    from core.store.lines import read_lines
    from core.store.trail import record_action

    result = poc_result(store, read_lines(store)[name], language)
    text = figure_text(result, language)
    verdict, *lines = verdict_lines(text, result)
    print(f"\n== {verdict} ==")
    print("\n".join(lines) + "\n")
    print("\n".join(" | ".join(row) for row in (option_heads(text), *option_rows(text, result))))
    path = path or settings.reports / f"{name}-poc-{language}.pdf"
    if not path.parent.is_dir():
        private_folder(path.parent)
    record_action(store, "report.export", path.name, format="pdf")
    document = poc_document(result, language, notices, datetime.now().astimezone())
    write_atomic(path, export_document(document, "pdf"))
    threshold = result.student.consequence.threshold
    link = {"run": result.student.record.run.run_id, "lang": language, "threshold": threshold}
    print("\n" + sentence(language, "poc.report", file=str(path)))
    print(sentence(language, "poc.next", **link))


def _time_text(language: str, seconds: float) -> str:
    key, n = ("minutes", seconds / 60) if seconds >= 90 else ("seconds", seconds)
    return sentence(language, f"poc.left_{key}", n=round(n))
