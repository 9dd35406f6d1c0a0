"""Queue of background jobs: each is a verb of the command line in a process that outlives the page.

jobs/<id>/ holds the state of one job. One party writes each file, and replaces it as a whole:
    job.json       the verb, its arguments, who queued it and when       written once, here
    queued.json    when it was queued, the first time or again           here
    process.json   pid and start time of the job and of its runner       core.jobs.runner
    progress.json  the state of its progress bar                         the job: core.progress
    end.json       exit code and time                                    core.jobs.runner
    cancel.json    who cancelled it and when                             here
    log            its output
One job runs at a time: each may take all cores, and two trainings at once take longer than one
after the other. A pid counts only together with its process's start time: after a reboot, the same
number is another process. Knows no page and no model.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from core.errors import NotFoundError, SettingsError
from core.files import private_folder
from core.identity import Principal, local_principal
from core.progress import write_json
from core.settings import ROOT, Settings

VERBS = ("train", "distill", "redistill", "score", "poc")
JOB_STATES = ("queued", "running", "finished", "failed", "cancelled", "lost")
RESUMABLE = ("failed", "cancelled", "lost")
GRACE_S = 5.0  # between SIGTERM and SIGKILL
NEWEST_JOBS = 50  # newest jobs in a list
_TAIL = 64 * 2**10  # bytes read from the end of a log, which may be large
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class QueuedJob:
    """A job's request; never changed."""

    job_id: str  # begins with its time, so that ids sort by age
    verb: str  # one of VERBS
    arguments: tuple[str, ...]
    who: str
    about: str  # a name for people: the file's name, the model
    created_at: datetime  # UTC


@dataclass(frozen=True)
class Progress:
    """The state of the bar that moved last."""

    what: str
    done: float
    total: float | None  # None while unknown, as are rate and seconds_left
    unit: str
    rate: float | None  # units per second
    seconds_left: float | None


@dataclass(frozen=True)
class JobStatus:
    """A job and its present state.

    State "lost": the process is gone and left no exit code, after a reboot or because its runner
    was killed. Resuming continues from the last finished step, and ends at once if all is done.
    """

    job: QueuedJob
    state: str  # one of JOB_STATES
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None  # negative: the signal that ended it
    progress: Progress | None


def start(
    settings: Settings,
    verb: str,
    arguments: tuple[str, ...],
    who: str,
    about: str = "",
    principal: Principal | None = None,
) -> QueuedJob:
    """Queue a job, start a runner and return at once.

    verb: one of VERBS. arguments: the verb's command line. who: name of the person, 200 characters
    at most. about: a name for people, such as the file's. principal: who acts; None is this
    machine's user. Raises AccessError for a missing role, SettingsError for an unknown verb,
    a NUL character in an argument, and an empty or long name.
    """
    principal = principal or local_principal()
    principal.require("job.start")
    who = principal.acting_as(who)
    if verb not in VERBS:
        raise SettingsError("settings.choice", what="verb", value=verb, allowed=VERBS)
    if any("\0" in argument for argument in arguments):  # no process takes one as an argument
        raise SettingsError("jobs.nul_argument")
    if not who.strip() or len(who) > 200:
        raise SettingsError("jobs.name", name=who[:40])
    started_at = datetime.now(UTC)
    job = QueuedJob(
        f"{started_at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        verb,
        tuple(arguments),
        who.strip(),
        about,
        started_at,
    )
    folder = settings.jobs / job.job_id
    private_folder(folder)
    write_json(folder / "queued.json", {"at": started_at.isoformat()})
    # Last, since job.json makes the folder a job: a runner never sees one without queued.json.
    write_json(folder / "job.json", asdict(job) | {"created_at": started_at.isoformat()})
    start_runner(settings)
    return job


def start_runner(settings: Settings) -> None:
    """Start a runner; it ends at once if another one is working (core.jobs.runner)."""
    private_folder(settings.jobs)
    environment = os.environ | {"KAKUSHIN_HOME": str(settings.home.resolve())}
    command = [sys.executable, "-m", "core.jobs.runner"]
    with (settings.jobs / "runner.log").open("ab") as log:
        # A session of its own: Ctrl-C at the dashboard's terminal must not end the runner.
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def listed(settings: Settings, limit: int | None = NEWEST_JOBS) -> list[JobStatus]:
    """Return the newest `limit` jobs, newest first; None is all."""
    return [status(settings, job_id) for job_id in sorted(_ids(settings), reverse=True)[:limit]]


def status(settings: Settings, job_id: str) -> JobStatus:
    """Return the state of one job. Raises NotFoundError."""
    folder = settings.jobs / job_id
    job_record = _json(folder / "job.json")
    if job_record is None:
        raise NotFoundError("jobs.no_job", job=job_id, folder=str(settings.jobs))
    process, end = _json(folder / "process.json"), _json(folder / "end.json")
    progress = _json(folder / "progress.json")
    return JobStatus(
        job=QueuedJob(
            **job_record
            | {
                "arguments": tuple(job_record["arguments"]),
                "created_at": datetime.fromisoformat(job_record["created_at"]),
            }
        ),
        state=_state(process, end, cancelled=(folder / "cancel.json").is_file()),
        started_at=datetime.fromisoformat(process["at"]) if process else None,
        ended_at=datetime.fromisoformat(end["at"]) if end else None,
        exit_code=end["exit_code"] if end else None,
        progress=Progress(**progress) if progress else None,
    )


def _state(process: dict | None, end: dict | None, cancelled: bool) -> str:
    if end is not None:
        return "finished" if end["exit_code"] == 0 else "cancelled" if cancelled else "failed"
    if process is None:
        return "cancelled" if cancelled else "queued"
    # A living runner is about to write end.json: the job is not lost yet.
    if is_alive(process) or is_alive(process["runner"]):
        return "running"
    return "cancelled" if cancelled else "lost"


def cancel(settings: Settings, job_id: str, who: str, principal: Principal | None = None) -> None:
    """Remove a job from the queue, or send SIGTERM to its processes.

    The runner sends SIGKILL after GRACE_S seconds. A second call after that time sends it here,
    since the runner may have been killed. Finished steps stay. Does nothing to a job that has
    ended. principal: who acts; None is this machine's user. Raises NotFoundError, and AccessError
    for a missing role.
    """
    principal = principal or local_principal()
    principal.require("job.cancel")
    who = principal.acting_as(who)
    folder = settings.jobs / job_id
    job_status = status(settings, job_id)
    if job_status.state not in ("queued", "running"):
        return
    cancelled_before = cancelled_at(folder)
    if cancelled_before is None:
        write_json(folder / "cancel.json", {"who": who, "at": datetime.now(UTC).isoformat()})
    overdue = (
        cancelled_before is not None
        and (datetime.now(UTC) - cancelled_before).total_seconds() > GRACE_S
    )
    if process := _json(folder / "process.json"):
        end_group(process, signal.SIGKILL if overdue else signal.SIGTERM)


def resume(settings: Settings, job_id: str, principal: Principal | None = None) -> None:
    """Queue an unfinished job again; its command continues from the last finished step.

    principal: who acts; None is this machine's user. Raises SettingsError for a job in another
    state, NotFoundError for an unknown one, AccessError for a missing role.
    """
    (principal or local_principal()).require("job.start")
    job_status, folder = status(settings, job_id), settings.jobs / job_id
    if job_status.state not in RESUMABLE:
        raise SettingsError(
            "jobs.not_resumable", job=job_id, state=job_status.state, states=RESUMABLE
        )
    write_json(folder / "queued.json", {"at": datetime.now(UTC).isoformat()})
    # process.json last: until it is gone, next_queued passes over the job.
    for name in ("progress.json", "end.json", "cancel.json", "process.json"):
        (folder / name).unlink(missing_ok=True)
    start_runner(settings)


def ensure_runner(settings: Settings, statuses: list[JobStatus]) -> None:
    """Start a runner if jobs wait and none runs: after a reboot, or after the runner was killed."""
    states = {job_status.state for job_status in statuses}
    if "queued" in states and "running" not in states:
        start_runner(settings)


def next_queued(settings: Settings) -> str | None:
    """Return the id of the job that has waited longest; None if none waits."""
    waiting = []
    for job_id in _ids(settings):
        folder = settings.jobs / job_id
        if not any(
            (folder / name).is_file() for name in ("process.json", "end.json", "cancel.json")
        ):
            waiting.append(((_json(folder / "queued.json") or {}).get("at", ""), job_id))
    return min(waiting)[1] if waiting else None


def log_tail(settings: Settings, job_id: str, lines: int = 40) -> str:
    """Return the last lines of the job's output, without a terminal's control codes."""
    path = settings.jobs / job_id / "log"
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        text = file.read().decode("utf-8", errors="replace")
    # A bar redraws its line after a carriage return: only its last state is of use.
    log_lines = [_ANSI.sub("", line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n")]
    return "\n".join(log_lines[-lines - 1 :]).strip("\n")


def identity(pid: int) -> dict:
    """Return pid and start time, which tell a process from a later one with the same pid."""
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def is_alive(process: dict) -> bool:
    """Return whether the process of that identity still runs; a zombie does not."""
    try:
        running = psutil.Process(process["pid"])
        # A clock adjustment shifts the reported start time; no pid is reused within a second.
        return (
            abs(running.create_time() - process["created"]) < 1
            and running.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False


def end_group(process: dict, how: signal.Signals) -> None:
    """Send a signal to a job's process group. Does nothing if another process reused the pid."""
    if is_alive(process):
        try:
            os.killpg(process["pid"], how)
        except ProcessLookupError:
            return


def cancelled_at(folder: Path) -> datetime | None:
    """Return when the job in `folder` was first cancelled; None if it was not."""
    record = _json(folder / "cancel.json")
    return None if record is None else datetime.fromisoformat(record["at"])


def _ids(settings: Settings) -> list[str]:
    return (
        [path.parent.name for path in settings.jobs.glob("*/job.json")]
        if settings.jobs.is_dir()
        else []
    )


def _json(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
