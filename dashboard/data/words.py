"""The texts of the page 'Data and runs': sizes, durations, the state and progress of jobs.

Pure: words and results in, strings out. Core names steps in English; this module translates the
known names.
"""

import re

from core.cases.table import Notice
from core.jobs.queue import JobStatus, Progress
from core.types import RunRecord
from dashboard.components.sentences import run_parts
from dashboard.i18n import Words, escape_markdown

STEPS_OF_SIZE = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))

# The names of core's progress bars, as patterns, the first match counts. Any other name is that of
# the model in training.
_STEPS = (
    (r".+ scores .+", "step.score"),
    (r"trunk, once a case|student's trunk", "step.trunk"),
    (r"teacher, (?P<samples>\d+) samples a case", "step.samples"),
    (r"spread on held-out cases", "step.spread"),
    (r"point", "step.point"),
    (r"blob|dropout|ensemble|tfb|laplace", "step.teacher"),
    (r"student.*", "step.student"),
    (r"(?P<model>.+)", "step.train"),
)


def step_name(words: Words, what: str) -> str:
    """Return the display name of a job's present step."""
    return _translated(words, what, _STEPS) or words("step.begin")


def _translated(words: Words, text: str, translations: tuple[tuple[str, str], ...]) -> str | None:
    for form, key in translations:
        if match := re.fullmatch(form, text, flags=re.DOTALL):
            return words(key, **match.groupdict())
    return None


def size_text(words: Words, n: float) -> str:
    """Return a number of bytes with three significant figures."""
    for unit, unit_size in STEPS_OF_SIZE:
        if n >= unit_size:
            return f"{words.number(n / unit_size, figures=3)} {unit}"
    return f"{words.number(n, 0)} B"


def duration_text(words: Words, seconds: float | None) -> str:
    """Return a duration in its two largest units; a dash for None."""
    if seconds is None:
        return words.number(None)
    if seconds < 60:
        return words.text("duration.seconds", s=words.number(seconds, 0 if seconds >= 10 else 1))
    minutes, seconds_left = divmod(round(seconds), 60)
    if minutes < 60:
        return words.text("duration.minutes", m=str(minutes), s=str(seconds_left))
    return words.text("duration.hours", h=words.number(minutes // 60, 0), m=str(minutes % 60))


def progress_text(words: Words, progress: Progress | None) -> tuple[float, str]:
    """Return the progress of a running job's present step, 0..1, and a line about it."""
    if progress is None:
        return 0.0, words("step.begin")
    done = words.number(progress.done, 0)
    texts = {"step": step_name(words, progress.what), "done": done}
    if not progress.total:
        return 0.0, words.markdown("progress.open", **texts)
    # st.progress raises outside 0..1
    share = min(1.0, max(0.0, progress.done / progress.total))
    texts |= {"total": words.number(progress.total, 0)}
    if progress.seconds_left is None:
        return share, words.markdown("progress.counted", **texts)
    return share, words.markdown(
        "progress.timed", left=duration_text(words, progress.seconds_left), **texts
    )


def job_line(words: Words, status: JobStatus) -> str:
    """Return in markdown who started a job and when, its duration, and the exit code of a failure."""
    texts = [words.markdown("job.asked", who=status.job.who, at=words.time(status.job.created_at))]
    if status.started_at and status.ended_at:
        seconds = (status.ended_at - status.started_at).total_seconds()
        texts.append(words.markdown("job.took", duration=duration_text(words, seconds)))
    if status.state == "failed":
        texts.append(words.markdown("job.code", code=str(status.exit_code)))
    return " · ".join(texts)


def job_name(words: Words, status: JobStatus) -> str:
    """Return in markdown a job's task and what it works on."""
    return f"{words(f'verb.{status.job.verb}')} · {escape_markdown(status.job.about)}"


def notice_text(words: Words, notice: Notice) -> str:
    """Return in markdown the sentence of a notice about cases."""
    sentence = words.sentence(notice.code, **notice.values)
    return words.markdown("upload.notice", sentence=sentence)


def chart_name(words: Words, record: RunRecord) -> str:
    """Return a run in two lines for the side of a chart: model and time, scored cases."""
    dataset, kind, role, time_text = run_parts(words, record)
    return f"{kind} · {time_text}\n{dataset} · {role}"
