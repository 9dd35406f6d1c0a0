"""The verbs `score` and `evaluate`: score cases, and compare the models that scored them."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from core.cli.apply import add_audit_share, report_active_policy
from core.cli.cases import cases_options, print_notices, read_arguments
from core.cli.clusters import cluster_of, cluster_options
from core.cli.verbs import add_verb, store_of
from core.errors import CasesError
from core.messages import reader_language, sentence
from core.settings import Settings


def add_score(verbs) -> None:
    """Add the verb `score`."""
    verb = add_verb(verbs, "score", _score, "score a file of cases into the store")
    cases_options(verb, several=True)
    verb.add_argument(
        "--model",
        default="work-orders-student",
        help="a model's folder name, or NAME-live for the line's model in service"
        " (default: work-orders-student)",
    )
    verb.add_argument("--dataset", help="dataset name of the run (default: from the file's name)")
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
    verb.add_argument(
        "--engine",
        choices=["torch", "onnx", "ray"],
        default="torch",
        help="onnx: the model's export in ONNX Runtime, on the CPU; ray: torch in the actors of a "
        "Ray cluster (default: torch)",
    )
    cluster_options(verb)
    verb.add_argument(
        "--no-apply",
        action="store_true",
        help="do not apply the active policy of this model and dataset to a stream",
    )
    add_audit_share(verb)
    verb.add_argument(
        "--rows-stay",
        action="store_true",
        help="keep the rows in Parquet files of the workspace, and only their counts in the store: "
        "for many millions of cases",
    )


def add_evaluate(verbs) -> None:
    """Add the verb `evaluate`."""
    verb = add_verb(
        verbs, "evaluate", _evaluate, "compare models on the same scored cases, with intervals"
    )
    verb.add_argument(
        "--dataset", default="work-orders", help="name of the scored cases (default: work-orders)"
    )
    verb.add_argument(
        "--role",
        choices=["calibration", "stream"],
        default="stream",
        help="what the cases are for (default: stream)",
    )
    verb.add_argument(
        "--no-rivals",
        action="store_true",
        help="leave out the plain rivals, logistic regressions on embeddings and on words",
    )
    verb.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def _score(arguments, settings: Settings) -> None:
    from core.jobs.arguments import dataset_name
    from core.models.base.card import read_card
    from core.pipeline.score import score
    from core.pipeline.service import model_in_service
    from core.types import checked_name

    cluster = cluster_of(arguments)
    model = model_in_service(settings, arguments.model)
    card = read_card(settings.models / model)
    # checked_name runs before the scoring, which may take minutes.
    dataset = checked_name(arguments.dataset or dataset_name(arguments.cases[0].name), "dataset")
    with _checked_cases(arguments, settings, card) as (cases, cases_hash):
        record = score(
            store_of(settings),
            settings,
            model,
            cases,
            cases_hash,
            dataset,
            arguments.role,
            arguments.samples,
            arguments.truncate,
            rows_stay=arguments.rows_stay,
            engine="onnx" if arguments.engine == "onnx" else "torch",
            cluster=cluster,
        )
    per_case = record.metrics.get("seconds_per_case")
    scored = {"run": record.run.run_id, "n": record.cases, "model": record.run.model}
    if per_case:
        scored |= {"rate": 1 / per_case, "device": record.metrics["device"]}
    key = "pipeline.scored_at" if per_case else "pipeline.scored"
    print(sentence(reader_language(), key, **scored))
    if arguments.role == "stream" and not arguments.no_apply:
        store, share = store_of(settings), arguments.audit_share
        print(report_active_policy(store, record.run.run_id, share))


@contextmanager
def _checked_cases(arguments, settings: Settings, card) -> Iterator[tuple]:
    """Yield the cases of all files and their hash; print what is noticed about them.

    One file is a frame. Several are checked one after another and held in files of the workspace,
    so that memory holds one of them; the files are deleted after the block. Raises CasesError.
    """
    from core.files import private_folder
    from core.pipeline.case_parts import SpooledCases, write_spool
    from core.pipeline.runs import content_hash
    from core.pipeline.score import PART_SIZE

    if len(arguments.cases) == 1:
        cases = _read_noticed(arguments, settings, card, arguments.cases[0])
        yield cases.frame, cases.content_hash
        return
    place = private_folder(settings.cache / "scoring")
    with TemporaryDirectory(prefix="files-", dir=place) as folder:
        sizes, hashes = [], []
        for number, path in enumerate(arguments.cases):
            cases = _read_noticed(arguments, settings, card, path)
            # Ids of row numbers would be the same in each file.
            if cases.columns.case_id is None:
                raise CasesError("cases.several_need_ids", file=str(path))
            sizes.append(write_spool(Path(folder), number, cases.frame))
            hashes.append(cases.content_hash)
        yield SpooledCases(Path(folder), tuple(sizes), PART_SIZE), content_hash(hashes)


def _read_noticed(arguments, settings: Settings, card, path: Path):
    """Return the core.cases.read.Cases of a file; print notices of its vocabulary and labels."""
    from core.cases.table import Notice
    from core.pipeline.prepare import vocabulary_notice, with_known_labels

    arguments = argparse.Namespace(**vars(arguments) | {"cases": path})
    cases = read_arguments(arguments, settings, choice=card.chooses)
    unknown = vocabulary_notice(cases.frame, settings.models / card.name / card.base)
    frame, notices = with_known_labels(cases.frame, card.labels)
    unseen = frame["label"][frame["label"].notna() & ~frame["label"].isin(card.labels)]
    if len(unseen):
        names = [repr(label) for label in unseen.value_counts().index[:5]]
        values = {"n": len(unseen), "labels": unseen.nunique(), "names": names}
        notices += (Notice("cases.unseen_labels", values),)
    print_notices([*([unknown] if unknown else []), *notices])
    return cases


def _evaluate(arguments, settings: Settings) -> None:
    from dataclasses import asdict

    from core.errors import ModelError
    from core.pipeline.evaluate import comparable_runs, evaluate, frozen_states, kept_training
    from core.report.frames import metrics_markdown

    store, training, states = store_of(settings), None, None
    if not arguments.no_rivals:
        models = [r.run.model for r in comparable_runs(store, arguments.dataset, arguments.role)]
        states = frozen_states(settings, models)
        try:
            training = kept_training(settings, arguments.dataset)
        except ModelError as reason:
            missing = {"dataset": arguments.dataset, "reason": reason}
            print(
                sentence(reader_language(), "stats.no_training_cases", **missing), file=sys.stderr
            )
        if states is None:
            print(sentence(reader_language(), "stats.no_base"), file=sys.stderr)
    comparison = evaluate(store, arguments.dataset, arguments.role, training, states)
    if arguments.json:
        print(json.dumps(asdict(comparison), indent=2))
        return
    print(metrics_markdown(comparison.rows))
    for verdict in comparison.verdicts:
        print(verdict.sentence(reader_language()))
