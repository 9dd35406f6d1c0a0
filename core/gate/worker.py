"""One thread decides what has queued up, up to a number of cases at once; it is on disk before the
answer leaves.

A request alone goes through at once, in that thread. Where more requests wait, a second thread
writes and answers a batch, with one fsync, while the first decides the next batch. An idempotency
key or a case id that the log has gets the decision of before; another content under it is refused.
Knows the log and the rule, not HTTP.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from core.errors import OtherContentError, StoreError
from core.gate.deciding import DecidedCase
from core.gate.log import DecisionLog
from core.gate.metrics import GateMetrics
from core.gate.schemas import CaseAnswer, DecideRequest, GateCase

BATCH_CASES = 256
WAITING_REQUESTS = 1024  # beyond this a request is refused at once


@dataclass
class WaitingRequest:
    """A request in the queue and where its answers go."""

    content: DecideRequest
    key: str | None
    answers: Future = field(default_factory=Future)


@dataclass(frozen=True)
class DecidedBatch:
    """Requests whose new cases are decided, but not on disk yet.

    fresh, keys: the new cases and idempotency keys that the batch puts into the log.
    """

    requests: list[WaitingRequest]
    fresh: dict[str, GateCase]
    keys: dict[str, DecideRequest]
    decided: list[DecidedCase]


class GateWorker:
    """Decides requests in the order of their arrival.

    decide: cases -> their decisions, in order. The threads start with `start`.
    """

    def __init__(
        self,
        log: DecisionLog,
        decide: Callable[[Sequence[GateCase]], list[DecidedCase]],
        metrics: GateMetrics,
        batch_cases: int = BATCH_CASES,
    ):
        self.log, self.decide, self.metrics = log, decide, metrics
        self.batch_cases = batch_cases
        self.waiting: queue.Queue[WaitingRequest | None] = queue.Queue(WAITING_REQUESTS)
        # One batch at most waits for the disk: beyond it, deciding more would only age answers.
        self._unwritten: queue.Queue[DecidedBatch | None] = queue.Queue(1)
        # Decided, and not in the log yet: the same case in the next batch is not decided again.
        self._cases_ahead: dict[str, GateCase] = {}
        self._keys_ahead: dict[str, DecideRequest] = {}
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._work, "gate"), (self._write, "gate-log"))
        ]

    def start(self) -> None:
        """Start to decide."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Decide what waits, then end."""
        self.waiting.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, content: DecideRequest, key: str | None) -> Future:
        """Queue a request; its answers come in the order of its cases. Raises StoreError where too
        many wait.
        """
        request = WaitingRequest(content, key)
        try:
            self.waiting.put_nowait(request)
        except queue.Full as e:
            raise StoreError("gate.busy", n=WAITING_REQUESTS) from e
        return request.answers

    @property
    def alive(self) -> bool:
        """Return whether the threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._next_batch()
            decided = self.decide_requests(batch)
            if decided is None:
                continue
            # A second thread costs a lone request more than it saves. Batches reach the log in
            # their order: nothing is written here while the other thread has one.
            if self.waiting.empty() and not self._unwritten.unfinished_tasks:
                self.write_batch(decided)
            else:
                self._unwritten.put(decided)
        self._unwritten.put(None)

    def _write(self) -> None:
        while (decided := self._unwritten.get()) is not None:
            self.write_batch(decided)
            self._unwritten.task_done()

    def _next_batch(self) -> tuple[list[WaitingRequest], bool]:
        """Wait for a request, and take what else waits up to the number of cases; False ends."""
        batch: list[WaitingRequest] = []
        request, cases = self.waiting.get(), 0
        while request is not None:
            batch.append(request)
            cases += len(request.content.cases)
            if cases >= self.batch_cases:
                return batch, True
            try:
                request = self.waiting.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def decide_requests(self, batch: Sequence[WaitingRequest]) -> DecidedBatch | None:
        """Decide the batch's new cases; tell each refused request its error.

        Returns None if no request is left to answer.
        """
        try:
            accepted, fresh, keys = self._sorted_out(batch)
            decided = self.decide(list(fresh.values())) if fresh else []
        except Exception as e:
            _refuse(batch, e)
            return None
        self._cases_ahead.update(fresh)
        self._keys_ahead.update(keys)
        return DecidedBatch(accepted, fresh, keys, decided) if accepted else None

    def write_batch(self, batch: DecidedBatch) -> None:
        """Put a decided batch on disk, then answer its requests or tell them the error."""
        documents = [_case_document(item) for item in batch.decided]
        documents += [_key_document(key, request) for key, request in batch.keys.items()]
        try:
            if documents:
                self.log.append(documents)
        except Exception as e:
            _refuse(batch.requests, e)
            return
        finally:
            # After the log has them: between the two, a case would look new.
            for names, ahead in ((batch.fresh, self._cases_ahead), (batch.keys, self._keys_ahead)):
                for name in names:
                    del ahead[name]
        answer_of = {item.case.case_id: item.answer for item in batch.decided}
        self.metrics.count_batch(list(answer_of.values()))
        for request in batch.requests:
            self._answer(request, answer_of)

    def _answer(self, request: WaitingRequest, answer_of: dict[str, CaseAnswer]) -> None:
        try:
            answers = [
                answer_of.get(case.case_id) or self._logged_answer(case)
                for case in request.content.cases
            ]
        except Exception as e:
            request.answers.set_exception(e)
        else:
            request.answers.set_result(answers)

    def _sorted_out(self, batch: Sequence[WaitingRequest]) -> tuple:
        """The requests that are not refused, the new cases by id, and the new keys."""
        accepted: list[WaitingRequest] = []
        fresh: dict[str, GateCase] = {}
        keys: dict[str, DecideRequest] = {}
        for request in batch:
            if not request.answers.set_running_or_notify_cancel():
                continue
            try:
                is_new = self._check_key(request, keys)
                new = [case for case in request.content.cases if self._check_case(case, fresh)]
            except OtherContentError as e:
                request.answers.set_exception(e)
                continue
            fresh.update({case.case_id: case for case in new})
            if request.key is not None and is_new:
                keys[request.key] = request.content
            accepted.append(request)
        return accepted, fresh, keys

    def _check_key(self, request: WaitingRequest, keys: dict[str, DecideRequest]) -> bool:
        """Return whether the request's key is new; raise OtherContentError for another body."""
        if request.key is None:
            return False
        stored = (
            keys.get(request.key)
            or self._keys_ahead.get(request.key)
            or self.log.requests.get(request.key)
        )
        if stored is not None and stored.content_key != request.content.content_key:
            raise OtherContentError("gate.other_body", idempotency_key=request.key)
        return stored is None

    def _check_case(self, case: GateCase, fresh: dict[str, GateCase]) -> bool:
        """Return whether the case is new; raise OtherContentError for another content."""
        stored = (
            fresh.get(case.case_id)
            or self._cases_ahead.get(case.case_id)
            or self.log.cases.get(case.case_id)
        )
        if stored is not None and stored.content_key != case.content_key:
            raise OtherContentError("gate.other_case", case=case.case_id)
        if stored is None and case.case_id in self.log.retired:
            raise OtherContentError("gate.case_removed", case=case.case_id)
        return stored is None

    def _logged_answer(self, case: GateCase) -> CaseAnswer:
        line = self.log.cases.get(case.case_id)
        if line is None:  # decided in the batch before, whose write failed
            raise StoreError("gate.not_decided", case=case.case_id)
        document = self.log.read_line(line)
        return CaseAnswer.model_validate(document["answer"])


def _refuse(requests: Sequence[WaitingRequest], error: Exception) -> None:
    for request in requests:
        if not request.answers.done():
            request.answers.set_exception(error)


def _case_document(decided: DecidedCase) -> dict:
    return {
        "content_key": decided.case.content_key,
        "case": decided.case.model_dump(),
        "answer": decided.answer.model_dump(mode="json"),
        "scores": None if decided.scores is None else vars(decided.scores),
    }


def _key_document(key: str, request: DecideRequest) -> dict:
    return {"content_key": request.content_key, "request": key}
