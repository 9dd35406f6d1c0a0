"""Runner of the job queue: `python -m core.jobs.runner`, started by core.jobs.queue.start_runner.

- One runner works at a time, by a file lock that the system releases when a process dies. A second
  runner ends at once. No job is missed: a job is written before its runner starts, and the first
  runner reads the queue once more after it has released the lock.
- A job is `python -m core VERB ...` in a session of its own, so it survives the page and this
  runner. A new runner waits for a job whose own runner was killed, so that two never run at once.
- Everything runs at nice 10: on a machine of few cores a training would delay pages, whose work is
  short. While no page works, a nice process gets the whole machine.
"""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from core.files import private_folder
from core.jobs import queue
from core.messages import reader_language, sentence
from core.progress import PROGRESS_VARIABLE, write_json
from core.settings import ROOT, Settings

NICE = 10
_LOOK_S = 0.2  # seconds between two checks of a running job


def run_queue() -> None:
    """Run queued jobs until none waits."""
    settings = Settings()
    private_folder(settings.jobs)
    os.nice(NICE)  # inherited by every job
    # Checked again after the lock is released: a job may have arrived whose runner ended at once.
    while queue.next_queued(settings) is not None:
        try:
            with FileLock(settings.jobs / "queue.lock", blocking=False):
                _drain(settings)
        except Timeout:
            return


def _drain(settings: Settings) -> None:
    while (job_id := queue.next_queued(settings)) is not None:
        # A job can run here only if its own runner was killed.
        while any(job_status.state == "running" for job_status in queue.listed(settings, None)):
            time.sleep(_LOOK_S)
        _run(settings, job_id)


def command(job: queue.QueuedJob) -> list[str]:
    """Return the command line that runs a job."""
    return [sys.executable, "-m", "core", job.verb, *job.arguments]


def _log_line(key: str, **values: str) -> bytes:
    return f"{sentence(reader_language(), key, **values)}\n".encode()


def _run(settings: Settings, job_id: str) -> None:
    """Run one job to its end."""
    job, folder = queue.status(settings, job_id).job, settings.jobs / job_id
    environment = os.environ | {
        "KAKUSHIN_HOME": str(settings.home.resolve()),
        PROGRESS_VARIABLE: str(folder.resolve() / "progress.json"),
        "PYTHONUNBUFFERED": "1",
        # Libraries' warnings address developers, and the log addresses users.
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", "ignore"),
        "PYTHONIOENCODING": "utf-8",
    }
    with (folder / "log").open("ab") as log:
        begun = {"time": _now()[:19], "verb": job.verb}
        log.write(_log_line("jobs.log_started", **begun))
        log.flush()
        try:
            process = subprocess.Popen(
                command(job),
                cwd=ROOT,
                env=environment,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except OSError as e:  # arguments too long, no memory: the queue goes on with the next job
            log.write(_log_line("jobs.log_not_started", reason=str(e)))
            write_json(folder / "end.json", {"exit_code": 1, "at": _now()})
            return
    process_identity = queue.identity(process.pid)
    write_json(
        folder / "process.json",
        process_identity | {"runner": queue.identity(os.getpid()), "at": _now()},
    )
    exit_code = _wait(process, process_identity, folder)
    write_json(folder / "end.json", {"exit_code": exit_code, "at": _now()})


def _wait(process: subprocess.Popen, record: dict, folder: Path) -> int:
    """Return the exit code. A cancelled job gets SIGTERM once, SIGKILL after GRACE_S seconds."""
    cancelled = False
    while True:
        try:
            return process.wait(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            since = queue.cancelled_at(folder)
        if since is not None and (datetime.now(UTC) - since).total_seconds() > queue.GRACE_S:
            queue.end_group(record, signal.SIGKILL)
        elif since is not None and not cancelled:
            queue.end_group(record, signal.SIGTERM)
            cancelled = True


def _now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    run_queue()
