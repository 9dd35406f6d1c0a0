"""Background jobs: one at a time, alive without their starter, cancelled, killed, resumed, and
never taken for a stranger.

Small programs stand in for the verbs, so that a test can say how long a job takes and how it ends;
one runs a real scoring.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from core.cases.columns import ColumnNames
from core.cases.table import ReadingOptions
from core.cli import main, parser
from core.errors import NotFoundError, SettingsError
from core.jobs import queue
from core.jobs.arguments import (
    Source,
    dataset_name,
    distill_arguments,
    redistill_arguments,
    score_arguments,
    train_arguments,
)
from core.progress import how_far
from core.settings import ROOT, Settings
from core.store.store import Store
from tests import tiny

STAND_IN = (  # a runner that runs a job's first argument as a program
    "import sys\nfrom core.jobs import runner\n"
    "runner.command = lambda job: [sys.executable, '-c', *job.arguments]\nrunner.run_queue()"
)
LONG = "import time; print('begun', flush=True); time.sleep(600)"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def runners(settings, monkeypatch) -> list[subprocess.Popen]:
    """Runners that the test's jobs have started; whatever of theirs still runs at the end is
    ended.
    """
    started = []

    def wake(settings):
        settings.jobs.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"KAKUSHIN_HOME": str(settings.home)}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", STAND_IN], cwd=ROOT, env=environment, start_new_session=True
            )
        )

    monkeypatch.setattr(queue, "start_runner", wake)
    yield started
    kill(started)
    for found in queue.listed(settings):
        process = settings.jobs / found.job.job_id / "process.json"
        if process.is_file():
            queue.end_group(json.loads(process.read_text()), signal.SIGKILL)


def begin(settings, program: str) -> str:
    return queue.start(settings, "score", (program,), "mika").job_id


def wait(
    settings, job_id: str, until: Callable[[queue.JobStatus], bool] | str, seconds: float = 600
) -> queue.JobStatus:
    """Return the job's status once its state is `until`, or `until` holds of it."""
    deadline = time.monotonic() + seconds
    while True:
        found = queue.status(settings, job_id)
        if found.state == until if isinstance(until, str) else until(found):
            return found
        assert time.monotonic() < deadline, (found, queue.log_tail(settings, job_id))
        time.sleep(0.05)


def kill(runners: list[subprocess.Popen]) -> None:
    """All of them: whichever came first has the queue."""
    for runner in runners:
        runner.kill()
        runner.wait()


def pid(settings, job_id: str) -> int:
    return json.loads((settings.jobs / job_id / "process.json").read_text())["pid"]


def test_a_job_runs_to_its_end_and_keeps_what_it_said(settings, runners):
    program = (
        "import os, sys; print('one'); print('two', file=sys.stderr); print(os.nice(0),"
        " os.getsid(0) == os.getpid())"
    )
    found = wait(settings, begin(settings, program), "finished")
    assert (found.exit_code, found.job.who, found.job.verb) == (0, "mika", "score")
    assert found.job.created_at <= found.ended_at
    log = queue.log_tail(settings, found.job.job_id)
    nice = min(os.nice(0) + 10, 19)  # and the leader of a session of its own
    assert {"one", "two", f"{nice} True"} <= set(log.splitlines())
    assert len(queue.log_tail(settings, found.job.job_id, lines=1).splitlines()) == 1


def test_a_job_that_fails_says_its_exit_code_and_can_be_resumed(settings, runners, tmp_path):
    mark = tmp_path / "mark"
    second_time = (
        f"from pathlib import Path; p = Path({str(mark)!r}); there = p.exists(); p.touch()"
    )
    job_id = begin(settings, second_time + "; raise SystemExit(0 if there else 4)")
    assert wait(settings, job_id, "failed").exit_code == 4
    queue.resume(settings, job_id)
    assert wait(settings, job_id, "finished").exit_code == 0
    with pytest.raises(
        SettingsError, match="is finished: only one that is failed, cancelled, lost can be resumed"
    ):
        queue.resume(settings, job_id)


def test_two_jobs_never_run_at_once_and_the_second_begins_by_itself(settings, runners, tmp_path):
    """Each notes when it began and ended; the first is started first, and the runner goes on to the
    second.
    """
    note = tmp_path / "note"
    program = (
        "import pathlib, time\n"
        f"with open({str(note)!r}, 'a', buffering=1) as file:\n"
        "    file.write('begin\\n')\n"
        f"    while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.05)\n"
        "    file.write('end\\n')"
    )
    first, second = begin(settings, program), begin(settings, program)
    wait(settings, first, "running")
    assert queue.status(settings, second).state == "queued"
    (tmp_path / "go").touch()
    wait(settings, second, "finished")
    assert note.read_text().split() == ["begin", "end", "begin", "end"]
    assert queue.status(settings, first).ended_at <= queue.status(settings, second).started_at


def test_a_running_job_is_cancelled_with_all_that_it_started(settings, runners):
    child = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time;"
        " time.sleep(600)'])\nprint('child', p.pid, flush=True); time.sleep(600)"
    )
    job_id = begin(settings, child)
    wait(settings, job_id, lambda found: "child" in queue.log_tail(settings, job_id))
    started = int(queue.log_tail(settings, job_id).split()[-1])
    queue.cancel(settings, job_id, "mika")
    assert wait(settings, job_id, "cancelled").exit_code == -signal.SIGTERM
    deadline = time.monotonic() + 600  # a machine may be busy
    while psutil.pid_exists(started) and psutil.Process(started).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    queue.resume(settings, job_id)
    wait(settings, job_id, "running")


def test_a_job_that_does_not_end_when_it_is_asked_to_is_ended_by_force(settings, runners):
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun',"
        " flush=True); time.sleep(600)"
    )
    job_id = begin(settings, deaf)
    wait(settings, job_id, lambda found: "begun" in queue.log_tail(settings, job_id))
    queue.cancel(settings, job_id, "mika")
    assert wait(settings, job_id, "cancelled", seconds=600).exit_code == -signal.SIGKILL


def test_a_waiting_job_is_taken_from_the_queue(settings, runners):
    first, second = begin(settings, LONG), begin(settings, LONG)
    wait(settings, first, "running")
    queue.cancel(settings, second, "mika")
    assert queue.status(settings, second).state == "cancelled"
    queue.cancel(settings, first, "mika")
    wait(settings, first, "cancelled")
    for runner in runners:
        runner.wait(timeout=600)  # nothing waits any more
    assert queue.status(settings, second).started_at is None


def test_a_job_outlives_its_runner_and_the_next_waits_for_it(settings, runners, tmp_path):
    """kill -9 of the runner: the job goes on, its end is written down by nobody, and that is what
    its state says.
    """
    mark = tmp_path / "done"
    go = f"while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.05)"
    first = begin(settings, f"import pathlib, time\n{go}\nopen({str(mark)!r}, 'w').close()")
    wait(settings, first, "running")
    kill(runners)
    assert queue.status(settings, first).state == "running"
    second = begin(settings, "print('second')")
    (tmp_path / "go").touch()
    wait(settings, second, "finished")
    assert mark.exists()
    assert queue.status(settings, first).state == "lost"
    queue.resume(settings, first)
    wait(settings, first, "finished")


def test_a_waiting_job_whose_runner_was_killed_is_started_by_who_looks(settings, runners):
    first, second = begin(settings, LONG), begin(settings, "print('second')")
    wait(settings, first, "running")
    kill(runners)
    os.killpg(pid(settings, first), signal.SIGKILL)
    wait(settings, first, "lost")
    queue.ensure_runner(settings, queue.listed(settings))
    wait(settings, second, "finished")


def test_kill_9_of_the_job_is_a_failure_that_can_be_resumed(settings, runners):
    job_id = begin(settings, LONG)
    wait(settings, job_id, lambda found: "begun" in queue.log_tail(settings, job_id))
    os.killpg(pid(settings, job_id), signal.SIGKILL)
    assert wait(settings, job_id, "failed").exit_code == -signal.SIGKILL


def test_another_process_under_the_same_number_is_not_our_job(settings, runners):
    """As after a reboot: the pid lives, and began at another time. It is neither shown as running
    nor ended.
    """
    stranger = subprocess.Popen(
        [sys.executable, "-c", LONG], stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        known = queue.identity(stranger.pid)
        assert queue.is_alive(known)
        job_id = begin(settings, "pass")
        wait(settings, job_id, "finished")
        old = {"pid": stranger.pid, "created": known["created"] - 5000}
        folder = settings.jobs / job_id
        (folder / "end.json").unlink()
        (folder / "process.json").write_text(
            json.dumps(old | {"runner": old, "at": "2026-01-01T00:00:00+00:00"})
        )
        assert queue.status(settings, job_id).state == "lost"
        queue.end_group(old, signal.SIGKILL)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert not queue.is_alive(known)


def test_what_may_not_be_a_job_is_refused(settings, runners):
    for verb, arguments, who, message in (
        ("demo", (), "mika", "verb 'demo' is not one of: train, distill, redistill, score"),
        ("score", ("a\0b",), "mika", "holds a NUL character"),
        ("score", (), " ", "of the person who starts the job is not allowed"),
    ):
        with pytest.raises(SettingsError, match=message):
            queue.start(settings, verb, arguments, who)
    with pytest.raises(NotFoundError, match="no job 'none'"):
        queue.status(settings, "none")
    assert (queue.listed(settings), runners) == ([], [])


def test_the_log_shows_a_bars_last_state_and_no_control_codes(settings):
    folder = settings.jobs / "one"
    folder.mkdir(parents=True)
    (folder / "log").write_bytes(b"1%\r50%\r100%\r\n\x1b[31mred\x1b[0m\n" + b"\xff\n")
    assert queue.log_tail(settings, "one") == "100%\nred\n\ufffd"
    assert queue.log_tail(settings, "none") == ""


@pytest.mark.parametrize(
    ("bar", "rate", "left"),
    [
        # 20 in 5 s; 20 more
        ({"n": 30, "initial": 10, "total": 50, "elapsed": 5.0, "rate": None}, 4.0, 5.0),
        ({"n": 30, "initial": 10, "total": 50, "elapsed": 5.0, "rate": 10.0}, 10.0, 2.0),
        ({"n": 30, "initial": 0, "total": None, "elapsed": 5.0, "rate": 10.0}, 10.0, None),
        ({"n": 0, "initial": 0, "total": 50, "elapsed": 0.0, "rate": None}, None, None),
    ],
)
def test_progress_by_hand(bar, rate, left):
    found = how_far(bar | {"prefix": "score", "unit": " cases"})
    assert (found["rate"], found["seconds_left"], found["what"], found["unit"]) == (
        rate,
        left,
        "score",
        "cases",
    )


def test_arguments_are_those_of_the_command_line(tmp_path):
    columns = ColumnNames(text="--本文", label="class", case_id=None)
    source = Source(
        tmp_path / "cases.xlsx", columns, ReadingOptions(sheet="2024"), skip_bad_rows=True
    )
    for verb, arguments in (
        ("score", score_arguments(source, "line-student", "line", "stream", truncate=True)),
        ("train", train_arguments(source, "line", "blob", 4, "some/base")),
    ):
        found = parser().parse_args([verb, *arguments])
        # a scoring reads several files, a training one
        files = found.cases if isinstance(found.cases, list) else [found.cases]
        assert (files, found.sheet, found.skip_bad_rows) == (
            [tmp_path / "cases.xlsx"],
            "2024",
            True,
        )
        assert (found.text_column, found.label_column, found.case_id_column) == (
            "--本文",
            "class",
            "",
        )
    assert parser().parse_args(["distill", *distill_arguments("line", 3)]).epochs == 3
    again = parser().parse_args(["redistill", *redistill_arguments("r", "--Mika", 4, 120.5, 0.5)])
    assert (again.run_id, again.author) == ("r", "--Mika")
    assert (again.cost_review, again.cost_escape, again.cost_machine_hour) == (4, 120.5, 0.5)
    with pytest.raises(SettingsError, match="no column is chosen as the label"):
        train_arguments(Source(tmp_path / "cases.csv", ColumnNames(text="x")), "line", "blob", 4)
    with pytest.raises(SettingsError, match="dataset name 'Line 1' is not allowed"):
        score_arguments(source, "line-student", "Line 1", "stream")
    assert [
        dataset_name(called) for called in ("作業指図.csv", "My..Cases 2024.xlsx", "x" * 99)
    ] == [
        "cases",
        "my.cases-2024",
        "x" * 80,
    ]


def test_a_real_scoring_is_killed_resumed_and_doubles_nothing(tmp_path, monkeypatch):
    """A tiny model scores 1,500 cases in parts of 500, is killed with all its processes, and goes
    on where it was.
    """
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    monkeypatch.setenv("KAKUSHIN_DEVICE", "cpu")
    settings = Settings()
    tiny.make_encoder(tmp_path / "base")
    tiny.cases(200).drop(columns="row").to_csv(tmp_path / "train.csv", index=False)
    tiny.cases(1500, seed=1).drop(columns="row").to_csv(tmp_path / "cases.csv", index=False)
    assert (
        main(
            [
                "train",
                str(tmp_path / "train.csv"),
                "--name",
                "line",
                "--base",
                str(tmp_path / "base"),
                "--epochs",
                "1",
            ]
        )
        == 0
    )
    columns = ColumnNames("text", "case_id", "segment", "label", "occurred_at", "value")
    arguments = score_arguments(
        Source(tmp_path / "cases.csv", columns), "line-teacher", "line", "stream"
    )
    job_id = queue.start(settings, "score", arguments, "mika").job_id
    moved = wait(
        settings,
        job_id,
        lambda found: found.progress is not None and found.progress.done >= 500,
        seconds=600,
    )
    os.killpg(pid(settings, job_id), signal.SIGKILL)
    assert (moved.progress.total, moved.progress.unit) == (1500, "cases")
    assert (
        wait(settings, job_id, lambda found: found.state in ("failed", "finished")).state
        == "failed"
    )
    queue.resume(settings, job_id)
    wait(settings, job_id, "finished", seconds=600)
    (record,) = Store(settings.store).runs("score")
    assert (record.state, record.cases) == ("finished", 1500)
    assert "%|" not in queue.log_tail(settings, job_id)  # no bar is drawn into the log
