"""One thread decides what has queued up, up to a number of cases at once, and puts it on disk
before it answers.

An idempotency key or a case id that the log has gets the decision of before; another content under
it is refused. Knows the log and the rule, not HTTP.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field

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


class GateWorker:
    """Decides requests in the order of their arrival.

    decide: cases -> their decisions, in order. The thread starts with `start`.
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
        self._thread = threading.Thread(target=self._work, name="gate", daemon=True)

    def start(self) -> None:
        """Start to decide."""
        self._thread.start()

    def stop(self) -> None:
        """Decide what waits, then end."""
        self.waiting.put(None)
        self._thread.join()

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
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _work(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._next_batch()
            if batch:
                self.answer_batch(batch)

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

    def answer_batch(self, batch: Sequence[WaitingRequest]) -> None:
        """Decide and log the batch's new cases, then answer each request or tell it its error."""
        try:
            accepted, fresh, keys = self._sorted_out(batch)
            decided = self.decide(list(fresh.values())) if fresh else []
            documents = [_case_document(item) for item in decided]
            documents += [_key_document(key, request) for key, request in keys.items()]
            if documents:
                self.log.append(documents)
        except Exception as e:
            for request in batch:
                if not request.answers.done():
                    request.answers.set_exception(e)
            return
        self.metrics.count_batch([item.answer for item in decided])
        answer_of = {item.case.case_id: item.answer for item in decided}
        for request in accepted:
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
        """Whether the request's key is new; OtherContentError where it has another body."""
        if request.key is None:
            return False
        stored = keys.get(request.key) or self.log.requests.get(request.key)
        if stored is not None and stored.content_key != request.content.content_key:
            raise OtherContentError("gate.other_body", idempotency_key=request.key)
        return stored is None

    def _check_case(self, case: GateCase, fresh: dict[str, GateCase]) -> bool:
        """Whether the case is new; OtherContentError where its id has another content."""
        stored = fresh.get(case.case_id) or self.log.cases.get(case.case_id)
        if stored is not None and stored.content_key != case.content_key:
            raise OtherContentError("gate.other_case", case=case.case_id)
        return stored is None

    def _logged_answer(self, case: GateCase) -> CaseAnswer:
        document = self.log.read_line(self.log.cases[case.case_id])
        return CaseAnswer.model_validate(document["answer"])


def _case_document(decided: DecidedCase) -> dict:
    return {
        "content_key": decided.case.content_key,
        "case": decided.case.model_dump(),
        "answer": decided.answer.model_dump(mode="json"),
        "scores": None if decided.scores is None else asdict(decided.scores),
    }


def _key_document(key: str, request: DecideRequest) -> dict:
    return {"content_key": request.content_key, "request": key}
