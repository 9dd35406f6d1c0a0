"""Does the student earn its cost? `python -m benchmarks.rivals`

The student that the command line makes, its teacher and its point estimate, against rivals that
cost next to nothing, on real sets, over seeds. Answers lie in the out folder, so that a run that
was stopped resumes; summary.json and results.md are made of all that is there. An out folder
belongs to one set of options: others are refused.
"""

import argparse
import json
import logging
import os
import sys
import warnings
from pathlib import Path

from benchmarks import sets
from benchmarks.rivals.answers import answers_path, write_answers
from benchmarks.rivals.names import GROUPS
from benchmarks.rivals.report import read_runs, write_report
from core.errors import KakushinError, SettingsError
from core.settings import Settings

QUICK = {"sets": ["workorders", "newsgroups"], "seeds": 1, "groups": ["free", "linear", "ours"]}


def main(argv: list[str] | None = None) -> int:
    """Run what is missing, write the tables, print them. Returns the exit code."""
    arguments = parse_arguments(argv)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        if not arguments.report:
            run_missing(arguments, Settings().cache)
        runs = read_runs(arguments.out / "answers", arguments.sets, arguments.seeds)
    except KakushinError as e:
        print(f"rivals: {e}", file=sys.stderr)
        return e.exit_code
    print(write_report(runs, arguments.out))
    return 0


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the checked arguments; importing no torch, so that --help answers at once."""
    root = argparse.ArgumentParser(
        prog="python -m benchmarks.rivals", description=__doc__.split("\n")[0]
    )
    root.add_argument(
        "--sets",
        nargs="+",
        default=list(sets.NAMES),
        choices=sets.LOADERS,
        metavar="SET",
        help=f"of {', '.join(sets.LOADERS)} (default: all but exam)",
    )
    root.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (default: 3)")
    root.add_argument(
        "--groups",
        nargs="+",
        default=list(GROUPS),
        choices=GROUPS,
        help="free rivals, our linear model, our trained models, rivals that train the point "
        "estimate (default: all)",
    )
    root.add_argument("--cases", type=int, help="test and OOD texts at most, each (default: all)")
    root.add_argument("--train-options", default="", help='of `train`, such as "--layers 3"')
    root.add_argument("--distill-options", default="", help="of `distill`")
    root.add_argument("--quick", action="store_true", help="two sets, one seed: about 10 minutes")
    root.add_argument("--report", action="store_true", help="measure nothing: tables alone")
    root.add_argument("--out", type=Path, default=Path("workspace/benchmarks/rivals"))
    arguments = root.parse_args(argv)
    if arguments.quick:
        vars(arguments).update(QUICK)
    return arguments


def run_missing(arguments: argparse.Namespace, cache: Path) -> None:
    """Run every group of methods that lacks a file, seeds outermost: all sets have one seed first.

    Raises SettingsError where the out folder belongs to other options.
    """
    folder = arguments.out / "answers"
    check_options(arguments, folder)
    for seed in range(arguments.seeds):
        for name in arguments.sets:
            missing = [
                group
                for group in arguments.groups
                if not all(answers_path(folder, name, seed, m).is_file() for m in GROUPS[group])
            ]
            if missing:
                run_groups(arguments, folder, cache, name, seed, missing)


def run_groups(
    arguments, folder: Path, cache: Path, name: str, seed: int, groups: list[str]
) -> None:
    """Run these groups on one set and seed, and say a line for each."""
    from benchmarks.rivals.contest import Contest  # torch takes seconds

    data = sets.reduced(sets.load(name, cache, seed), arguments.cases)
    options = arguments.train_options.split(), arguments.distill_options.split()
    contest = Contest(data, seed, *options)
    try:
        for group in groups:
            for answers in contest.run_group(group):
                write_answers(answers, folder)
                accuracy, seconds = answers.right.mean(), answers.record["train_s"]
                print(
                    f"{name} seed {seed} {answers.method}: accuracy {accuracy:.3f}, "
                    f"training {seconds:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    finally:
        contest.close()


def check_options(arguments: argparse.Namespace, folder: Path) -> None:
    """Write the options that change answers beside them; raise SettingsError where others are."""
    names = ("cases", "train_options", "distill_options")
    options = {name: getattr(arguments, name) for name in names}
    path = folder.parent / "options.json"
    if path.is_file() and (before := json.loads(path.read_text(encoding="utf-8"))) != options:
        raise SettingsError(
            f"{folder.parent} holds results of other options ({before}): name another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(options), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
