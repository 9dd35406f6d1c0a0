"""Move the gate's log into the store: predictions as parts of the gate's run, with decisions.

The store alone says how far it is: the run holds the first n scored cases of the log, and the first
m of those that the model gave no answer for. So a kill at any point loses and doubles nothing.
"""

import itertools
import logging
import threading
import time
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from core.decision.audits.draws import audit_numbers
from core.errors import KakushinError, StoreError
from core.gate.log import DecisionLog, StoredLine
from core.pipeline.runs import content_hash, model_run
from core.store.audits import Audits
from core.store.parts import write_part
from core.store.reviews import Reviews
from core.store.secret import audit_secret
from core.store.store import Store
from core.store.unscored import add_unscored_cases, count_unscored, judged_cases
from core.types import Run

PART_CASES = 2000
EVERY_S = 60.0
_logger = logging.getLogger(__name__)


def gate_run(card, dataset: str) -> Run:
    """Return the run that a gate with this model writes into: the same arguments, the same run_id."""
    key = content_hash("gate", card.hash, dataset)
    origin = {"dataset": dataset, "role": "stream", "inputs_hash": key}
    return model_run("gate", card, key, settings={"gate": True}, **origin)


class StoreTransfer:
    """Moves cases of a log into the store, part by part. Safe to share between threads."""

    def __init__(self, log: DecisionLog, store: Store, run: Run):
        self.log, self.store, self.run = log, store, run
        self._turn, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="gate-transfer", daemon=True)
        self._scored = self._unscored = 0  # cases of the log that the store has
        self._started = 0.0  # seconds of time.monotonic()

    def note_missing_lines(self) -> None:
        """Let the log refuse cases that the store has and that it lacks: its file was moved aside,
        or is older than the store. Call it before the gate decides.

        Else as many new cases would pass as moved. Raises StoreError if the store lacks cases whose
        lines the log has removed.
        """
        run_id, log = self.run.run_id, self.log
        if self._has_run():
            self._scored = self.store.run(run_id).cases
            self._unscored = count_unscored(self.store, run_id)
        past = log.retired
        if self._scored < past.scored or self._unscored < past.unscored:
            counts = {"n": self._scored + self._unscored, "removed": past.scored + past.unscored}
            raise StoreError("gate.store_behind", file=str(log.path), **counts)
        scored = max(0, self._scored - past.scored - len(log.scored))
        unscored = max(0, self._unscored - past.unscored - len(log.unscored))
        if scored or unscored:
            ids = judged_cases(self.store, run_id)["case_id"]
            log.retire([name for name in ids if name not in log.cases], scored, unscored)

    def start(self) -> None:
        """Move what waits every EVERY_S seconds; what fails waits for the next time."""
        self._started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End, after a last try, and mark the run as finished; a later gate adds to the same run.

        A store that cannot be reached keeps the run as it was, with a line in the log.
        """
        self._stop.set()
        self._thread.join()
        try:
            if self._has_run():
                metrics = {"cases": self.store.run(self.run.run_id).cases}
                self.store.end_run(
                    self.run.run_id, "finished", time.monotonic() - self._started, metrics
                )
        except (KakushinError, OSError):
            _logger.exception("the end of the gate's run is not in the store")

    def _has_run(self) -> bool:
        """Return whether the store has the gate's run."""
        return self.run.run_id in {record.run.run_id for record in self.store.runs("score")}

    @property
    def waiting(self) -> int:
        """Cases of the log that this process has not moved."""
        log, past = self.log, self.log.retired
        in_log = past.scored + len(log.scored) + past.unscored + len(log.unscored)
        return in_log - self._scored - self._unscored

    def move_all(self) -> int:
        """Move every case of the log, then remove its old files; return how many were moved.

        Raises StoreError.
        """
        with self._turn:
            self.store.add_run(self.run)
            moved = 0
            while batch := self._next_scored():
                self._move(batch)
                moved += len(batch)
            while batch := self._next_unscored():
                self._move_unscored(batch)
                moved += len(batch)
            self.log.remove_old(self._scored, self._unscored)
            return moved

    def _work(self) -> None:
        stopped = False
        while not stopped:
            stopped = self._stop.wait(EVERY_S)
            if self.waiting:
                try:
                    self.move_all()
                except (KakushinError, OSError):
                    _logger.exception("the gate's decisions stay in its log for now")

    def _next_scored(self) -> list[dict[str, Any]]:
        self._scored = self.store.run(self.run.run_id).cases
        return self._documents(self.log.scored, self._scored - self.log.retired.scored)

    def _next_unscored(self) -> list[dict[str, Any]]:
        self._unscored = count_unscored(self.store, self.run.run_id)
        return self._documents(self.log.unscored, self._unscored - self.log.retired.unscored)

    def _documents(self, lines: list[StoredLine], first: int) -> list[dict[str, Any]]:
        return [self.log.read_line(line) for line in lines[first : first + PART_CASES]]

    def _move(self, documents: list[dict[str, Any]]) -> None:
        run_id = self.run.run_id
        part = max(self.store.parts(run_id), default=-1) + 1
        path = write_part(self.store.folder, run_id, part, part_rows(documents, self._scored))
        with self.store.atomic():
            self.store.ingest_part(run_id, part, path)
            self._add_decisions([document["answer"] for document in documents])

    def _move_unscored(self, documents: list[dict[str, Any]]) -> None:
        answers = pd.DataFrame([document["answer"] for document in documents])
        cases = pd.DataFrame([document["case"] for document in documents])
        cases = cases.assign(fault=answers["fault"], occurred_at=_utc_times(answers["decided_at"]))
        with self.store.atomic():
            add_unscored_cases(self.store, self.run.run_id, cases)
            self._add_decisions([document["answer"] for document in documents])

    def _add_decisions(self, answers: list[dict[str, Any]]) -> None:
        """Add the decisions of the versions that decided, and the audits drawn with them."""

        def applied(answer: dict[str, Any]) -> tuple:
            return answer["policy"], answer["policy_version"], answer["certificate"]

        by_policy = [answer for answer in answers if answer["policy"]]
        for (policy, version, certificate), group in itertools.groupby(by_policy, applied):
            decided = list(group)
            Reviews(self.store).add_decisions(
                self.run.run_id,
                [answer["case_id"] for answer in decided],
                np.array([answer["decision"] == "accepted" for answer in decided]),
                policy,
                version,
                [answer["reason"] for answer in decided],
                certificate,
            )
            drawn = [answer for answer in decided if answer.get("audit_probability")]
            if drawn:
                self._add_draws(drawn, policy, version)

    def _add_draws(self, drawn: list[dict[str, Any]], policy: str, version: int) -> None:
        case_ids = [answer["case_id"] for answer in drawn]
        Audits(self.store).add_draws(
            self.run.run_id,
            policy,
            version,
            case_ids,
            [answer["label"] for answer in drawn],
            np.array([answer["audit_probability"] for answer in drawn]),
            audit_numbers(audit_secret(self.store.folder), self.run.run_id, case_ids),
            # The log holds a draw from the decision on: a verdict may be older than this transfer.
            min(datetime.fromisoformat(answer["decided_at"]) for answer in drawn),
        )


def part_rows(documents: list[dict[str, Any]], first: int) -> pd.DataFrame:
    """The log's documents as the rows of a part; `first` is the number of the first case."""
    cases, answers, scores = (
        pd.DataFrame([document[name] for document in documents])
        for name in ("case", "answer", "scores")
    )
    return pd.DataFrame(
        {
            "case_id": cases["case_id"],
            "row": np.arange(first, first + len(documents)),
            "segment": cases["segment"],
            "text": cases["text"],
            "label": None,
            "predicted": answers["label"],
            "outcome": "unlabelled",
            "confidence": answers["confidence"],
            "total": scores["total"],
            "aleatoric": scores["aleatoric"],
            "epistemic": scores["epistemic"],
            "probabilities": scores["probabilities"],
            "occurred_at": _utc_times(answers["decided_at"]),
            "value": np.nan,
            "novelty": scores["novelty"].astype(np.float64),
        }
    )


def _utc_times(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column, format="ISO8601").dt.tz_localize(None)
