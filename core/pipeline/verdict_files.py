"""Verdicts as files: what counts goes out, and people's answers from elsewhere come in.

A file is a table (case_id, verdict, label, reviewer, at, seconds), a review sheet that people
filled in (core.pipeline.review_sheets), or Label Studio's JSON. An import is all or nothing, and
names every row that it refuses. core.pipeline.verdict_rows reads the rows.
"""

import json
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from core.cases.dates import named_zone
from core.cases.sandbox import read_rows_sandboxed
from core.cases.table import NAMED_ROWS, Notice
from core.errors import CasesError
from core.export import checked_ending, write_export, write_table
from core.pipeline.label_studio import VerdictRow, label_studio_tasks
from core.pipeline.review_desk import last_verdicts
from core.pipeline.uploads import check_content, printable_name, suffix_of, with_name
from core.pipeline.verdict_rows import (
    check_verdict_rows,
    read_verdict_rows,
    row_problem,
    table_verdicts,
    verdict_heads,
    without_guard,
)
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.unscored import judged_cases

TASKS_ENDING = ".json"  # of Label Studio's tasks
_COLUMNS = ["case_id", "predicted", "verdict", "label", "reviewer", "at", "seconds", "source"]


@dataclass(frozen=True)
class VerdictImport:
    """What a file of answers brought.

    added, repeated: new answers, and those that add nothing. empty: rows without an answer. audits:
    new answers that count as audits. undrawn: new answers on accepted cases that no earlier draw
    asked for, so that no estimate counts them. new_labels: labels that the model does not know.
    """

    added: int
    repeated: int
    empty: int
    audits: int
    undrawn: int
    new_labels: tuple[str, ...]

    def notices(self) -> list[Notice]:
        """Return what people are told of it, a sentence each."""
        counts = {"n": self.added, "repeated": self.repeated, "empty": self.empty}
        told = [Notice("pipeline.verdicts_added", counts)]
        if self.audits:
            told.append(Notice("pipeline.verdicts_audits", {"n": self.audits}))
        if self.undrawn:
            told.append(Notice("pipeline.verdicts_undrawn", {"n": self.undrawn}))
        if n := len(self.new_labels):
            labels = [*self.new_labels[:NAMED_ROWS], *(["…"] if n > NAMED_ROWS else [])]
            told.append(Notice("pipeline.verdicts_new_labels", {"n": n, "labels": labels}))
        return told


def export_verdicts(store: Store, run_id: str, path: Path) -> tuple[int, int]:
    """Write the verdicts of a run that count into a file; return how many verdicts and tasks.

    path: ends in .csv, .xlsx, .parquet or .jsonl for a table, in .json for Label Studio's tasks:
    the cases that the last policy sends to people, its audits, and all cases with a verdict. An
    audit without a verdict has no prediction there, so that it is judged blind. Raises
    SettingsError for another ending and for a file that cannot be written, NotFoundError for an
    unknown run.
    """
    ending = checked_ending(path, TASKS_ENDING)
    run, reviews = store.run(run_id).run, Reviews(store)
    reviews.record_table_export(run_id, "verdicts", ending.lstrip("."))
    cases = judged_cases(store, run_id)
    verdicts = last_verdicts(store, run_id)
    verdicts = verdicts[verdicts["verdict"] != "withdrawn"]
    tasks: list[dict] = []
    if ending == TASKS_ENDING:
        work = _cases_for_people(store, run_id, cases, verdicts["case_id"].tolist())
        tasks = label_studio_tasks(work, verdicts, f"{run.model}@{run.model_hash}")
        write_export(path, json.dumps(tasks, ensure_ascii=False, indent=1).encode())
    else:
        table = verdicts.merge(cases[["case_id", "predicted"]], on="case_id")
        # as text with its zone, since a workbook's own times have none
        table["at"] = table["at"].dt.tz_localize(UTC).map(pd.Timestamp.isoformat)
        write_table(table[[*_COLUMNS, "audit", "blind"]], path)
    return len(verdicts), len(tasks)


def import_verdicts(
    store: Store, run_id: str, path: Path, reviewer: str, timezone: str | None = None
) -> VerdictImport:
    """Add the answers in a file, all or none.

    path: a table that core.cases reads, or Label Studio's JSON. reviewer: who gave the answers of
    the rows that name no person. timezone: IANA name, of times that carry no zone; None is UTC. An
    answer that its reviewer has given already, or replaced since the time in the file, adds
    nothing. An answer on an accepted case that was drawn before counts as an audit. A case that the
    model gave no answer for needs its label, or "unsure". Raises CasesError with the bad rows and
    for an unknown zone, NotFoundError for an unknown run.
    """
    return _add_rows(store, run_id, read_verdict_rows(path), path, reviewer, timezone)


def import_uploaded_verdicts(
    store: Store, run_id: str, upload: tuple[str, bytes], reviewer: str, timezone: str | None = None
) -> VerdictImport:
    """Add the answers in a browser's file as import_verdicts does; another process reads it.

    upload: what the file is called, and its content. Further arguments and errors are those of
    import_verdicts; a file of another ending than a table's, empty or too large is refused.
    """
    called, content = printable_name(upload[0]), upload[1]
    store.principal.require("review.verdict")
    check_content(called, content)
    with tempfile.TemporaryDirectory(prefix="kakushin-answers-") as folder:
        path = Path(folder) / f"answers{suffix_of(called)}"
        path.write_bytes(content)
        try:
            table = read_rows_sandboxed(path, verdict_heads())
            rows = table_verdicts(table, path)
            return _add_rows(store, run_id, rows, path, reviewer, timezone)
        except CasesError as e:
            raise with_name(e, called) from e


def _add_rows(
    store: Store,
    run_id: str,
    rows: Sequence[VerdictRow],
    path: Path,
    reviewer: str,
    timezone: str | None,
) -> VerdictImport:
    labels = store.run(run_id).run.labels
    zone = UTC if timezone is None else named_zone(timezone)
    answered = [row for row in rows if row.problem or row.verdict or row.label]
    with store.atomic():
        predicted = _predicted_labels(store, run_id, answered)
        checked = check_verdict_rows(answered, run_id, predicted, reviewer, zone)
        verdicts, reviews = _verdicts_of(checked, path), Reviews(store)
        last = last_verdicts(store, run_id).set_index(["case_id", "reviewer"])
        new = [verdict for verdict in verdicts if _adds_something(verdict, last, predicted)]
        marked, undrawn = _marked_audits(store, run_id, new)
        added = reviews.add_verdicts(marked)
    new_labels = {verdict.label for verdict in new if verdict.label} - set(labels)
    return VerdictImport(
        *(added, len(answered) - added, len(rows) - len(answered)),
        *(sum(verdict.audit for verdict in marked), undrawn, tuple(sorted(new_labels))),
    )


def import_gold_cases(store: Store, run_id: str, path: Path) -> int:
    """Add the cases in a file whose label is certain, all or none; return how many are new.

    path: a table with case_id and label. Raises CasesError with the bad rows, StoreError for a case
    with another certain label, NotFoundError for an unknown run.
    """
    store.run(run_id)
    rows, author = read_verdict_rows(path), store.principal.name
    with store.atomic():
        predicted = _predicted_labels(store, run_id, rows)
        checked: list[ReviewVerdict | Notice] = [
            item
            if row.label or isinstance(item, Notice)
            else row_problem(row, Notice("pipeline.gold_label"))
            for row, item in zip(
                rows, check_verdict_rows(rows, run_id, predicted, author), strict=True
            )
        ]
        gold = _verdicts_of(checked, path)
        labels = [str(case.label) for case in gold]
        return Audits(store).add_gold_cases(run_id, [g.case_id for g in gold], labels, author)


def _verdicts_of(checked: Sequence[ReviewVerdict | Notice], path: Path) -> list[ReviewVerdict]:
    """Return the verdicts. Raises CasesError with the problems if there are any."""
    problems = [item for item in checked if isinstance(item, Notice)]
    if problems:
        rows = [*problems[:NAMED_ROWS], *(["…"] if len(problems) > NAMED_ROWS else [])]
        raise CasesError("pipeline.bad_verdicts", file=str(path), n=len(problems), rows=rows)
    return [item for item in checked if isinstance(item, ReviewVerdict)]


def _predicted_labels(store: Store, run_id: str, rows: Sequence[VerdictRow]) -> dict[str, str]:
    """Return {case: predicted label} of the rows' cases, as far as the run has them."""
    ids = {name for row in rows for name in (row.case_id, without_guard(row.case_id))}
    cases = judged_cases(store, run_id, sorted(ids))
    return dict(zip(cases["case_id"], cases["predicted"], strict=True))


def _cases_for_people(
    store: Store, run_id: str, cases: pd.DataFrame, judged: Collection[str]
) -> pd.DataFrame:
    """Return the cases of Label Studio's tasks, with `blind` for audits without a verdict."""
    people, drawn = np.zeros(len(cases), bool), np.zeros(len(cases), bool)
    for applied in Reviews(store).applied_policies(run_id)[:1]:
        decided = Audits(store).audited_cases(run_id, applied.policy, applied.version, True)
        drawn = cases["case_id"].isin(decided["case_id"][decided["u"].notna()]).to_numpy()
        review = decided["case_id"][decided["decision"] == "review"]
        people = cases["case_id"].isin(review).to_numpy()
    done = cases["case_id"].isin(judged).to_numpy()
    return cases.assign(blind=drawn & ~done)[people | drawn | done]


def _adds_something(verdict: ReviewVerdict, last: pd.DataFrame, predicted: dict[str, str]) -> bool:
    """Return whether a verdict differs from its reviewer's last one and is not older."""
    key = (verdict.case_id, verdict.reviewer)
    if key not in last.index:
        return True
    old = last.loc[key]
    label = old["label"]
    if old["verdict"] == "right":  # the label of a right answer is the predicted one
        label = predicted[verdict.case_id]
    same = old["verdict"] == verdict.verdict and verdict.label in (None, label)
    moment = verdict.judged_at.astimezone(UTC).replace(tzinfo=None)
    return not same and moment > old["at"]


def _marked_audits(
    store: Store, run_id: str, verdicts: list[ReviewVerdict]
) -> tuple[list[ReviewVerdict], int]:
    """Return the verdicts, those on accepted cases as audits if a draw came before them.

    Second, return how many are on accepted cases and are no audit.
    """
    draws: dict[str, list[tuple[datetime, float]]] = {}
    accepted: set[str] = set()
    for applied in Reviews(store).applied_policies(run_id)[:1]:
        key = (run_id, applied.policy, applied.version)
        accepted = set(Audits(store).accepted_cases(*key)["case_id"])
        for draw in Audits(store).draw_history(*key).itertuples():
            if draw.case_id in accepted:
                moment = draw.drawn_at.replace(tzinfo=UTC)
                draws.setdefault(str(draw.case_id), []).append((moment, draw.inclusion_probability))
    marked = []
    for verdict in verdicts:
        before = [
            pi for moment, pi in draws.get(verdict.case_id, []) if moment <= verdict.judged_at
        ]
        if before:
            # of several draws of a case, the highest probability is the one that counts
            verdict = replace(verdict, audit=True, inclusion_probability=max(before))
        marked.append(verdict)
    undrawn = sum(verdict.case_id in accepted and not verdict.audit for verdict in marked)
    return marked, undrawn
