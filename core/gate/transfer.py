"""From the gate's log into the store: predictions as parts of the gate's run, with their decisions.

The store alone says how far it is: the run holds the first n scored cases of the log. So a kill at
any point loses and doubles nothing. Cases that the model gave no answer for stay in the log: the
store keeps only finite answers.
"""

import itertools
import logging
import threading
import time
from typing import Any

import numpy as np
import pandas as pd

from core.errors import KakushinError
from core.gate.log import DecisionLog
from core.pipeline.runs import content_hash, model_run
from core.store.parts import write_part
from core.store.reviews import Reviews
from core.store.store import Store
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
    """Moves scored cases of a log into the store, part by part. Safe to share between threads."""

    def __init__(self, log: DecisionLog, store: Store, run: Run):
        self.log, self.store, self.run = log, store, run
        self._turn, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="gate-transfer", daemon=True)
        self._moved = 0
        self._started = 0.0  # seconds of time.monotonic()

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
            if self.run.run_id in {record.run.run_id for record in self.store.runs("score")}:
                metrics = {"cases": self.store.run(self.run.run_id).cases}
                self.store.end_run(
                    self.run.run_id, "finished", time.monotonic() - self._started, metrics
                )
        except (KakushinError, OSError):
            _logger.exception("the end of the gate's run is not in the store")

    @property
    def waiting(self) -> int:
        """Scored cases that this process has not moved."""
        return len(self.log.scored) - self._moved

    def move_all(self) -> int:
        """Move every scored case of the log; return how many were moved. Raises StoreError."""
        with self._turn:
            self.store.add_run(self.run)
            moved = 0
            while batch := self._next_documents():
                self._move(batch)
                moved += len(batch)
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

    def _next_documents(self) -> list[dict[str, Any]]:
        self._moved = self.store.run(self.run.run_id).cases
        lines = self.log.scored[self._moved : self._moved + PART_CASES]
        return [self.log.read_line(line) for line in lines]

    def _move(self, documents: list[dict[str, Any]]) -> None:
        run_id, reviews = self.run.run_id, Reviews(self.store)
        part = max(self.store.parts(run_id), default=-1) + 1
        rows = part_rows(documents, self._moved)
        path = write_part(self.store.folder, run_id, part, rows)
        answers = [document["answer"] for document in documents if document["answer"]["policy"]]

        def applied(answer: dict[str, Any]) -> tuple:
            return answer["policy"], answer["policy_version"], answer["certificate"]

        with self.store.atomic():
            self.store.take_in(run_id, part, path)
            for (policy, version, certificate), group in itertools.groupby(answers, applied):
                decided = list(group)
                reviews.add_decisions(
                    run_id,
                    [answer["case_id"] for answer in decided],
                    np.array([answer["decision"] == "accepted" for answer in decided]),
                    policy,
                    version,
                    [answer["reason"] for answer in decided],
                    certificate,
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
            "occurred_at": pd.to_datetime(answers["decided_at"], format="ISO8601").dt.tz_localize(
                None
            ),
            "value": np.nan,
            "novelty": scores["novelty"].astype(np.float64),
        }
    )
