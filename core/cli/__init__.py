"""The command line: `python -m core <verb>`. Each module adds and runs a group of verbs.

Heavy imports are inside the verbs, so that --help answers at once.

Exit codes: 0 done; 1 unexpected; 2 wrong arguments or settings; 3 the cases; 4 the model; 5 the
store; 6 a download; 7 a role is missing; 130 interrupted; 141 output closed.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import NoReturn

from core.cli.apply import add_apply, add_decisions
from core.cli.care import add_backup, add_doctor, add_purge, add_restore
from core.cli.cases import add_check
from core.cli.dashboard import add_dashboard
from core.cli.decide import add_decide, add_demo
from core.cli.export import add_export
from core.cli.line import add_line
from core.cli.poc import add_poc
from core.cli.policy import add_policy_verb
from core.cli.queue import add_queue
from core.cli.redistill import add_redistill
from core.cli.review import add_audits, add_labels
from core.cli.runs import add_runs
from core.cli.score import add_evaluate, add_score
from core.cli.serve import add_serve
from core.cli.token import add_token_verb
from core.cli.train import add_distill, add_train
from core.cli.verdicts import add_gold, add_verdicts
from core.cli.verify import add_verify
from core.cli.watch import add_monitor, add_propose, add_replay
from core.errors import KakushinError
from core.messages import error_text, reader_language, sentence
from core.private_log import keep_case_text_out
from core.progress import is_job, is_main_process
from core.settings import Settings, machine_error

CLOSED_OUTPUT = 141  # as a shell reports a program that SIGPIPE ends


def main(argv: list[str] | None = None) -> int:
    """Run one verb; print errors as sentences; return the exit code.

    A closed output, as after `| head`, ends the verb without a word.
    """
    try:
        try:
            if is_main_process():
                return _run_verb(parser().parse_args(argv))
            # torchrun's other processes would say everything again.
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
                return _run_verb(parser().parse_args(argv))
        finally:
            sys.stdout.flush()  # here and not at exit, where Python prints a traceback
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_OUTPUT


def _run_verb(arguments: argparse.Namespace) -> int:
    os.umask(0o077)  # output files hold text of cases: only their owner may read them
    if is_job():  # its output is a log
        keep_case_text_out()
    # Before transformers and tokenizers are imported; a user's own values win.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # oneDNN keeps its code for 1,024 products of other sizes: 0.4 GB that save no measurable time.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    # Libraries' warnings address developers; `python -W` brings them back.
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", module=r"(transformers|torch|peft|accelerate)\b")
    with _language_of(arguments):
        try:
            return _run_in_workspace(arguments, Settings())
        except KakushinError as e:
            return _print_error(e)
        except KeyboardInterrupt:
            print(
                f"kakushin: {sentence(reader_language(), 'settings.interrupted')}", file=sys.stderr
            )
            return 130


@contextmanager
def _language_of(arguments: argparse.Namespace) -> Iterator[None]:
    """Inside, every sentence is in the language of --language, where the verb was given one."""
    name, language = "KAKUSHIN_LANGUAGE", getattr(arguments, "language", None)
    before = os.environ.get(name)
    if language:
        os.environ[name] = language
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


def _run_in_workspace(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the verb. Raises KakushinError, also for what machine or workspace cause."""
    settings.require_usable_home()
    try:
        return arguments.run(arguments, settings) or 0
    except (OSError, MemoryError) as e:
        fault = machine_error(e, settings.home)
        if fault is None:
            raise
        raise fault from e


def _print_error(error: KakushinError) -> int:
    print(f"kakushin: {error_text(error, reader_language())}", file=sys.stderr)
    return error.exit_code


_DESCRIPTION = """\
Kakushin: train a Bayesian teacher, distill it into a one-pass student, score
cases, decide which answers to trust. Each verb has its own --help."""
_EPILOG = """\
All output goes to the workspace folder; KAKUSHIN_HOME sets it, KAKUSHIN_DEVICE
chooses cpu, cuda or mps. Exit codes: 0 done, 2 arguments or settings, 3 cases,
4 model, 5 store, 6 download, 7 a role is missing, 130 interrupted,
1 unexpected."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}. {self.prog} --help lists the options.\n")


# The verbs in the order in which a new user needs them: the groups of --help.
VERB_GROUPS: dict[str, tuple[Callable[..., None], ...]] = {
    "start": (add_demo, add_dashboard, add_poc, add_check),
    "models": (add_train, add_distill, add_redistill, add_evaluate, add_export),
    "decide": (
        *(add_score, add_decide, add_policy_verb, add_apply, add_decisions),
        *(add_serve, add_token_verb),
    ),
    "people": (add_queue, add_verdicts, add_labels, add_audits, add_gold),
    "watch": (add_monitor, add_replay, add_propose),
    "workspace": (add_runs, add_line, add_verify, add_backup, add_restore, add_purge, add_doctor),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs and their options."""
    root = _Parser(
        prog=_program(),
        usage="%(prog)s [-h] VERB ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    # prog: argparse would name the verbs by the usage.
    verbs = root.add_subparsers(
        prog=root.prog, metavar="VERB", required=True, help=argparse.SUPPRESS
    )
    # argparse cannot group verbs, so the description lists them.
    lines = [_DESCRIPTION, ""]
    for group, adders in VERB_GROUPS.items():
        lines.append(f"{group}:")
        for add in adders:
            add(verbs)
            name, verb = next(reversed(verbs.choices.items()))
            text = str(verb.description)
            lines.append(f"  {name:<10} {text[0].lower()}{text[1:-1]}")
    root.description = "\n".join(lines)
    return root


def _program() -> str:
    """Return what the reader typed: the console script, or the module."""
    return "kakushin" if Path(sys.argv[0]).stem == "kakushin" else "python -m core"
