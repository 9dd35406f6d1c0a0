"""Data and runs: upload a file of cases, start work on it, watch jobs, and list the runs.

Guard, controls, call, show. Draws the jobs; dashboard.data.upload and dashboard.data.runs draw the
other two parts.
"""

import streamlit as st

from core.errors import KakushinError
from core.identity import Principal
from core.jobs import queue
from core.jobs.arguments import option_value, result_dataset
from core.jobs.queue import JobStatus
from core.report import run_selection
from core.store.trail import AuditTrail, TrailEvent
from core.types import RunRecord
from dashboard.components import controls, shell
from dashboard.components.downloads import Export, draw_download
from dashboard.data import runs as data_runs
from dashboard.data import upload
from dashboard.data import words as data_words
from dashboard.i18n import Words
from dashboard.session import cache, identity, state
from dashboard.session.address import DATA_TABS


def draw_data_page() -> None:
    """Draw the page. It needs no run, because the first run starts here."""
    shell.draw_shell("data.title", _page, needs_runs=False)


def _page(words: Words, runs: list[RunRecord]) -> None:
    names = {name: words(f"data.{name}") for name in DATA_TABS}
    part = controls.segments(words("data.part"), names, "part", label_visibility="collapsed")
    controls.draw_notices(words)
    {"upload": upload.draw_upload, "jobs": draw_jobs, "runs": data_runs.draw_runs}[part](words)
    state.choices()


REFRESH_S = 1.5
JOBS_ON_SCREEN = 15  # newest jobs
LOG_LINES = 30  # last lines of a log
_BADGES: dict[str, tuple[str, controls.BadgeColor]] = {
    "queued": (":material/hourglass_top:", "gray"),
    "running": (":material/play_arrow:", "blue"),
    "finished": (":material/check:", "green"),
    "failed": (":material/error:", "red"),
    "cancelled": (":material/block:", "gray"),
    "lost": (":material/help:", "orange"),
}


def draw_jobs(words: Words) -> None:
    """Draw the jobs, newest first."""
    st.caption(words("jobs.note"))
    st.text_input(words("who"), key="who", max_chars=80, help=words("who.help"), width=360)
    _jobs(words)


# a fragment: progress refreshes without a rerun of the page, which would disturb typing
@st.fragment(run_every=REFRESH_S)
def _jobs(words: Words) -> None:
    settings = cache.settings()
    jobs = queue.listed(settings)
    # After a reboot nothing else starts the runner, and queued jobs would wait forever.
    queue.ensure_runner(settings, jobs)
    if not jobs:
        st.info(words("jobs.none"), icon=":material/inbox:")
        return
    for job in jobs[:JOBS_ON_SCREEN]:
        with st.container(border=True, key=f"job_{job.job.job_id}"):
            _job(words, job)
    if len(jobs) > JOBS_ON_SCREEN:
        st.caption(words.many("jobs.more", len(jobs) - JOBS_ON_SCREEN))


def _job(words: Words, status: JobStatus) -> None:
    job_id = status.job.job_id
    title, badge, button = st.columns([6, 2, 2], vertical_alignment="center")
    title.markdown(
        f"**{data_words.job_name(words, status)}**  \n{data_words.job_line(words, status)}"
    )
    icon, color = _BADGES[status.state]
    badge.badge(words(f"job.{status.state}"), icon=icon, color=color)
    if status.state in ("queued", "running"):
        button.button(
            words("job.cancel"),
            key=f"cancel_{job_id}",
            on_click=_cancel,
            args=(job_id,),
            width="stretch",
        )
    elif status.state in queue.RESUMABLE:
        button.button(
            words("job.resume"),
            key=f"resume_{job_id}",
            on_click=_resume,
            args=(job_id,),
            width="stretch",
        )
    else:
        with button:
            _result(words, status)
    if status.state == "running":
        share, texts = data_words.progress_text(words, status.progress)
        st.progress(share, texts)
    if status.state == "lost":
        st.caption(words("job.lost.note"))
    if status.state == "failed":
        last = queue.log_tail(cache.settings(), job_id, 1)
        st.error(words.markdown("job.failed.note", last=last[:400]), icon=":material/error:")
    # read only on demand: a log is read anew at each refresh
    if st.toggle(words("job.log"), key=f"log_{job_id}"):
        st.code(
            queue.log_tail(cache.settings(), job_id, LOG_LINES) or words("job.no_log"),
            language=None,
            wrap_lines=True,
        )


def _result(words: Words, status: JobStatus) -> None:
    """Draw the way to a finished job's result: the page Decide, and a PoC's report."""
    job_id, record = status.job.job_id, _result_run(status)
    if record is None:
        return
    pressed = st.button(
        words("job.result"), key=f"result_{job_id}", type="primary", width="stretch"
    )
    if pressed:
        state.open_page("decide", run=record.run.run_id)
    language = option_value("--language", status.job.arguments)
    report = cache.settings().reports / f"{record.run.dataset}-poc-{language}.pdf"
    if status.job.verb == "poc" and report.is_file():
        export = Export(report.name, "application/pdf", details={"job": job_id})
        label, key = words("job.report"), f"report_{job_id}"
        draw_download(label, report.read_bytes, export, key, width="stretch")


def _result_run(status: JobStatus) -> RunRecord | None:
    """Return the run that shows the result of a finished job; None for a job that scored nothing."""
    dataset = result_dataset(status.job.verb, status.job.arguments)
    runs = [record for record in cache.runs() if record.run.dataset == dataset]
    if dataset is None or status.state != "finished" or not runs:
        return None
    line = cache.line_settings().get(dataset)
    pinned = [line.opens] if line and line.opens else []
    return run_selection.default_selection(runs, pinned if status.job.verb == "poc" else [])


def _cancel(job_id: str) -> None:
    principal, who = identity.acting_principal(), str(state.held_value("who", "") or "-")
    if not principal.may("job.cancel"):  # a callback has no place for a sentence
        return
    queue.cancel(cache.settings(), job_id, who, principal)
    _record("job.cancel", principal, who, job_id)


def _resume(job_id: str) -> None:
    """Resume a job; a callback. Does nothing if the job cannot be resumed any more."""
    principal, who = identity.acting_principal(), str(state.held_value("who", "") or "-")
    try:
        queue.resume(cache.settings(), job_id, principal)
        job = queue.status(cache.settings(), job_id).job
        _record("job.start", principal, who, job_id, verb=job.verb, about=job.about)
    except KakushinError:
        return


def _record(action: str, principal: Principal, who: str, job_id: str, **details: object) -> None:
    event = TrailEvent(action, principal.acting_as(who), job_id, details)
    AuditTrail(cache.store()).append(principal, [event])
