"""The verbs around scores: score cases, and compare the models that scored them."""

import json
import sys

from core.cli.cases import cases_options, read_arguments
from core.cli.verbs import add_verb, store_of
from core.settings import Settings


def add_score(verbs) -> None:
    """Add `score`."""
    verb = add_verb(verbs, "score", _score, "score a file of cases into the store")
    cases_options(verb)
    verb.add_argument(
        "--model",
        default="work-orders-student",
        help="a model's folder name (default: work-orders-student)",
    )
    verb.add_argument(
        "--dataset", help="name under which the run is shown (default: from the file's name)"
    )
    verb.add_argument(
        "--role",
        choices=["calibration", "stream"],
        default="stream",
        help="what the cases are for (default: stream)",
    )
    verb.add_argument(
        "--samples", type=int, help="passes a case, for a teacher (default: the teacher's own N)"
    )
    verb.add_argument(
        "--truncate",
        action="store_true",
        help="read the beginning of texts that are longer than the model reads",
    )


def add_evaluate(verbs) -> None:
    """Add `evaluate`."""
    verb = add_verb(
        verbs, "evaluate", _evaluate, "compare models on the same scored cases, with intervals"
    )
    verb.add_argument("--dataset", default="work-orders")
    verb.add_argument("--role", choices=["calibration", "stream"], default="stream")
    verb.add_argument(
        "--no-baseline",
        action="store_true",
        help="leave the TF-IDF + logistic regression baseline out",
    )
    verb.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def _score(arguments, settings: Settings) -> None:
    from core.jobs.arguments import dataset_name
    from core.models.base.card import read_card
    from core.pipeline.score import score
    from core.types import checked_name

    chooses = read_card(settings.models / arguments.model).chooses
    cases = read_arguments(arguments, settings, choice=chooses)
    dataset = arguments.dataset or dataset_name(arguments.cases.name)
    record = score(
        store_of(settings),
        settings,
        arguments.model,
        cases.frame,
        cases.content_hash,
        checked_name(dataset, "dataset"),
        arguments.role,
        arguments.samples,
        arguments.truncate,
    )
    per_case = record.metrics.get("seconds_per_case")
    speed = f", {1 / per_case:.0f} cases/s on {record.metrics['device']}" if per_case else ""
    print(f"{record.run.run_id}: {record.cases} cases by {record.run.model}{speed}")
    unseen = set(cases.frame["label"].dropna()) - set(record.run.labels)
    if unseen:
        n = int(cases.frame["label"].isin(unseen).sum())
        print(
            f"{n} cases carry one of {len(unseen)} labels that the model was not trained on, e.g. "
            f"{min(unseen)!r}: kept as 'unseen'"
        )


def _evaluate(arguments, settings: Settings) -> None:
    import pandas as pd

    from core.errors import ModelError
    from core.pipeline.evaluate import evaluate
    from core.pipeline.train import kept_cases
    from core.report.frames import metrics_markdown

    training = None
    if not arguments.no_baseline:
        try:
            fit, _ = kept_cases(settings, arguments.dataset)
            training = pd.DataFrame(fit)
        except ModelError:
            print(
                f"no baseline: no training cases are kept under {arguments.dataset!r}",
                file=sys.stderr,
            )
    rows = evaluate(store_of(settings), arguments.dataset, arguments.role, training)
    print(json.dumps(rows, indent=2) if arguments.json else metrics_markdown(rows))
