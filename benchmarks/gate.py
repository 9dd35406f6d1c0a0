"""What the gate costs over the model alone, in one run: `python -m benchmarks.gate`.

On the demo's stream of work orders, by the demo's student. The gate is a process of its own on a
free port, as `kakushin serve` starts it, with a log and a store of its own in which a policy is
active. One caller sends one text a request: its median time over that of the bare forward pass of
the same text (tokens, backbone and a linear head; no spread, no novelty, no n-grams) and over that
of the model's own call. 64 callers, in a process of their own, send the texts together: their cases
a second over those of offline scoring. All sides take turns with the same texts and the same number
of threads; the callers take part of the cores that the gate has.

The physical limit of one caller is the forward pass, one write of a line that reaches the disk and
one round trip over HTTP without a case: `one_caller_limit` is their sum over the forward pass. On a
busy machine only processor time counts: `*_cpu_*`, of the gate's process against this one; take
`--threads 1`, since a thread that spins for another counts as time.

Last, a model that fails on every fourth text or answers it with NaN: a rule that accepts
everything must accept none of them (`faults_accepted`). Its control: the same cases without a fault.

`--division` measures one thing alone: texts divided among threads, as the gate computes them, over
the same texts with all threads in every product, by turns in one process: the medians of the pairs'
ratios of time and of processor time. Like in a gate, the main thread has used torch before.
"""

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
import torch

from benchmarks.inference import quiet
from core.cases.read import read_cases
from core.cases.workorders import ORDERS_LINE as NAME
from core.decision.thresholds.policy import Policy
from core.gate.deciding import GateModel, Scorer, decide_batch
from core.gate.schemas import GateCase
from core.gate.server import serve_gate
from core.gate.transfer import gate_run
from core.models.base.batches import token_batches
from core.models.base.card import ModelCard
from core.models.base.device import pick_device
from core.models.scoring import checkpoint
from core.models.scoring.scorers import OnePass
from core.models.scoring.spread import Scores
from core.models.scoring.threaded import ThreadedScorer, gate_scorer
from core.pipeline.apply import NONE, BoundPolicy
from core.settings import Settings
from core.store.entries import PolicyVersion
from core.store.ledger import Ledger
from core.store.store import Store
from core.types import Run
from tests.browser.serving import free_port, wait_until_up

CALLERS = 64
# torch's threads spin after their work, here for 8 ms: those of this process would hold a core that
# the gate's need, which no caller does.
SPIN_S = 0.02
# at most; at least
LIMITS = {"one_caller_over_forward": 1.3, "callers_over_offline": 0.7, "faults_accepted": 0}


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--cases", type=int, default=1024, help="work orders (default: 1024)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of the callers (default: 3)")
    parser.add_argument("--threads", type=int, help="of torch on each side (default: its own)")
    parser.add_argument(
        "--division", action="store_true", help="only how texts are divided among threads"
    )
    parser.add_argument("--serve", nargs=2, metavar=("HOME", "PORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    quiet()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    settings = Settings()
    if not (settings.models / f"{NAME}-student" / "model.json").is_file():
        raise SystemExit("the demo's models are not there: run `make demo` first")
    card, model = checkpoint.load(settings.models / f"{NAME}-student", pick_device(settings.device))
    if arguments.serve:
        home, port = arguments.serve
        model.scores(["a first text"])  # torch makes its threads and buffers at the first call
        scorer = gate_scorer(model)
        serve_gate(Settings(home=Path(home)), card, scorer, NAME, "127.0.0.1", int(port))
        return
    texts = read_cases(settings.data / NAME / "stream.csv").frame["text"].tolist()
    if arguments.division:
        print(json.dumps(measure_division(model, texts), indent=2))
        return
    result = measure(card, model, texts[: arguments.cases], arguments.rounds)
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def measure(card: ModelCard, model: OnePass, texts: list[str], rounds: int) -> dict:
    """The benchmark's JSON object."""
    model.scores(texts[:32])
    with served_gate(card) as (port, process, folder):
        alone = measure_alone(model, texts[: 2 * CALLERS], port, process, folder)
        together = measure_together(model, texts, port, process, rounds)
    faults = count_accepted_faults(card, model, texts[:CALLERS])
    figures = alone | together
    return {
        "benchmark": "gate",
        "cases": len(texts),
        "callers": CALLERS,
        "threads": torch.get_num_threads(),
        **{name: round(figure, 3) for name, figure in figures.items()},
        **faults,
        "limits": LIMITS,
        "reached": figures["one_caller_over_forward"] <= LIMITS["one_caller_over_forward"]
        and figures["callers_over_offline"] >= LIMITS["callers_over_offline"]
        and faults["faults_accepted"] == 0 < faults["accepted_without_faults"],
    }


@contextmanager
def served_gate(card: ModelCard):
    """Serve the demo's student in a process; yield its port, the process and its folder."""
    with tempfile.TemporaryDirectory() as folder:
        home, port = Settings(home=Path(folder)), free_port()
        # the gate itself may not approve
        activate_policy(Store(home.store), gate_run(card, NAME))
        threads = str(torch.get_num_threads())
        serve = ["--serve", folder, str(port), "--threads", threads]
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.gate", *serve])
        try:
            wait_until_up(process, f"http://127.0.0.1:{port}/healthz")
            yield port, psutil.Process(process.pid), Path(folder)
        finally:
            process.terminate()
            process.wait()


def measure_alone(
    model: OnePass, texts: list[str], port: int, process: psutil.Process, folder: Path
) -> dict[str, float]:
    """One caller against the forward pass of the same text, a disk's write and a bare request."""
    took: dict[str, list[tuple[float, float]]] = {}
    caller = LeanCaller(port)
    for i in range(8):
        caller.request("/v1/decide", case_body(f"warm-{i}", texts[i]))
    line = os.open(folder / "line", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write_line() -> None:
        os.write(line, b"x" * 1000)
        os.fsync(line)

    for i, text in enumerate(texts):  # in turn, since machines are noisy
        body = case_body(f"alone-{i}", text)
        sides: tuple[tuple[str, Callable], ...] = (
            ("forward", lambda text=text: forward(model, text)),
            ("one_call", lambda text=text: model.scores([text])),
            ("fsync", write_line),
            ("empty_request", lambda: caller.request("/healthz", b"")),
            ("one_caller", lambda body=body: caller.request("/v1/decide", body)),
        )
        for name, run in sides:
            time.sleep(SPIN_S)
            cpu = time.process_time() + sum(process.cpu_times()[:2])
            seconds = _seconds(run)
            cpu = time.process_time() + sum(process.cpu_times()[:2]) - cpu
            took.setdefault(name, []).append((seconds, cpu))
    os.close(line)
    p50 = {name: statistics.median(s for s, _ in rows) for name, rows in took.items()}
    # The kernel counts a process's time in hundredths of a second: only its sum is a figure.
    cpu_of = {name: sum(cpu for _, cpu in rows) / len(texts) for name, rows in took.items()}
    limit = p50["forward"] + p50["fsync"] + p50["empty_request"]
    return {
        "one_caller_over_forward": p50["one_caller"] / p50["forward"],
        "one_caller_over_one_call": p50["one_caller"] / p50["one_call"],
        "one_caller_limit": limit / p50["forward"],
        "one_caller_cpu_over_forward": cpu_of["one_caller"] / cpu_of["forward"],
        **{f"{name}_p50_ms": 1e3 * value for name, value in p50.items()},
        **{f"{name}_cpu_ms": 1e3 * cpu_of[name] for name in ("forward", "one_call", "one_caller")},
    }


def measure_together(
    model: OnePass, texts: list[str], port: int, process: psutil.Process, rounds: int
) -> dict[str, float]:
    """64 callers against offline scoring of the same texts, in turn."""
    ratios, cpu_ratios, waits, rates = [], [], [], []
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        pool.apply(call_together, (port, texts[:CALLERS], "warm-up"))
        for i in range(rounds):
            cpu = time.process_time()
            offline_s = _seconds(lambda: model.scores(texts))
            offline_cpu = time.process_time() - cpu
            cpu = sum(process.cpu_times()[:2])
            seconds, waited = pool.apply(call_together, (port, texts, f"round-{i}"))
            cpu_ratios.append(offline_cpu / (sum(process.cpu_times()[:2]) - cpu))
            ratios.append(offline_s / seconds)
            rates.append(len(texts) / seconds)
            waits += waited
    return {
        "callers_over_offline": statistics.median(ratios),
        "offline_cpu_over_callers": statistics.median(cpu_ratios),
        "callers_cases_per_s": statistics.median(rates),
        "callers_p50_ms": 1e3 * statistics.median(waits),
        "callers_p99_ms": 1e3 * float(np.quantile(waits, 0.99)),
    }


def measure_division(model: OnePass, texts: list[str], turns: int = 12) -> dict:
    """Texts divided among threads over all threads in every product, by number of texts at once."""
    threads = torch.get_num_threads()
    model.scores(texts[:32])

    def shared(batch: list[str]) -> None:
        torch.set_num_threads(threads)
        model.scores(batch)
        torch.set_num_threads(1)

    def by_turns() -> dict:
        divided = ThreadedScorer(model)
        figures = {}
        for size in (1, 32, 64):
            batches = [texts[i * size : (i + 1) * size] for i in range(turns + 1)]
            pairs = [[_spent(run, batch) for run in (divided.scores, shared)] for batch in batches]
            first, second = np.array(pairs[1:]).swapaxes(0, 1)  # the first pair warms up
            seconds, cpu = np.median(first / second, axis=0)
            figures[f"texts_{size}"] = {"time": round(seconds, 2), "processor_time": round(cpu, 2)}
        return figures

    with ThreadPoolExecutor(1) as worker:  # a gate's model is asked by a thread of its own
        figures = worker.submit(by_turns).result()
    return {"benchmark": "gate", "turns": turns, "threads": threads, **figures}


def _spent(run: Callable, batch: list[str]) -> tuple[float, float]:
    """Seconds and seconds of processor time of a call."""
    cpu = time.process_time()
    seconds = _seconds(lambda: run(batch))
    return seconds, time.process_time() - cpu


@torch.inference_mode()
def forward(model: OnePass, text: str) -> torch.Tensor:
    """The logits of one text by backbone and head alone."""
    [batch] = token_batches(model.backbone.tokens([text]), model.backbone.device, 1 << 16)
    return model.head(model.backbone(batch.ids, batch.mask))


class FaultyScorer:
    """The model, but every fourth text of a call raises, or has NaN for an answer."""

    def __init__(self, model: OnePass, faulty: set[str]):
        self.model, self.faulty = model, faulty

    def scores(self, texts: Sequence[str]) -> Scores:
        """Raise for a faulty text of odd length; answer one of even length with NaN."""
        if any(text in self.faulty and len(text) % 2 for text in texts):
            raise RuntimeError("a fault of the benchmark")
        scores = self.model.scores(texts)
        bad = np.array([text in self.faulty for text in texts])
        return replace(scores, probabilities=np.where(bad[:, None], np.nan, scores.probabilities))


def count_accepted_faults(card: ModelCard, model: OnePass, texts: list[str]) -> dict[str, int]:
    """How many faulty cases a rule that accepts everything lets through; and the control: how many
    of the same cases it does where the model answers them without a fault.
    """
    faulty = set(texts[::4])
    created = datetime.now(UTC)
    version = PolicyVersion("bench", 1, Policy(0.0).to_dict(), "bench", "bench", (), None, created)
    bound = BoundPolicy(version, Policy(0.0), (), NONE, frozenset(card.labels))
    cases = [GateCase(case_id=str(i), text=text) for i, text in enumerate(texts)]

    def accepted(scorer: Scorer) -> int:
        gate_model = GateModel(scorer, tuple(card.labels), card.hash)
        decided = decide_batch(cases, gate_model, lambda: bound)
        return sum(x.case.text in faulty and x.answer.decision == "accepted" for x in decided)

    logging.disable(logging.ERROR)  # each fault of this benchmark is logged with its traceback
    try:
        return {
            "faults": sum(case.text in faulty for case in cases),
            "faults_accepted": accepted(FaultyScorer(model, faulty)),
            "accepted_without_faults": accepted(model),
        }
    finally:
        logging.disable(logging.NOTSET)


def activate_policy(store: Store, run: Run) -> None:
    """Make a policy that counts for the run the active one."""
    store.add_run(run)
    ledger = Ledger(store)
    version = ledger.add_policy("bench", Policy(0.8).to_dict(), "bench", "bench", [run.run_id])
    for event in ("approve", "activate"):
        ledger.add_policy_event("bench", version.version, event, "bench", "bench")


def case_body(case_id: str, text: str) -> bytes:
    """The body of a request of one case."""
    return json.dumps({"cases": [{"case_id": case_id, "text": text}]}).encode()


def request_bytes(path: str, body: bytes) -> bytes:
    """A request as it is sent; without a body it is a GET."""
    method = "POST" if body else "GET"
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class LeanCaller:
    """One connection that spends as little time on HTTP as a caller can."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, path: str, body: bytes) -> None:
        """Send a request and read its answer; ends the benchmark for an answer with a fault."""
        self.socket.sendall(request_bytes(path, body))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(65_536)
        while len(answer) < answer_size(answer):
            answer += self.socket.recv(65_536)
        check_answer(answer)


def answer_size(answer: bytes) -> int:
    """How many bytes an answer has, from its head."""
    head, end, _ = answer.partition(b"\r\n\r\n")
    [length] = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")]
    return len(head) + len(end) + int(length.split(b":")[1])


def check_answer(answer: bytes) -> None:
    """End the benchmark for an answer other than 200, or with a fault."""
    fault_free = b'"fault":""' in answer or b'"alive":true' in answer
    if not answer.startswith(b"HTTP/1.1 200") or not fault_free:
        raise SystemExit(f"the gate answered {answer.decode()}")


def call_together(port: int, texts: list[str], prefix: str) -> tuple[float, list[float]]:
    """Seconds of all requests, and of each: all callers at once, each with its share of the texts."""

    async def call(caller: int, waits: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for i, text in enumerate(texts[caller::CALLERS]):
            started = time.perf_counter()
            body = case_body(f"{prefix}-{caller}-{i}", text)
            writer.write(request_bytes("/v1/decide", body))
            head = await reader.readuntil(b"\r\n\r\n")
            answer = head + await reader.readexactly(answer_size(head) - len(head))
            waits.append(time.perf_counter() - started)
            check_answer(answer)
        writer.close()

    async def all_callers() -> list[float]:
        waits: list[float] = []
        await asyncio.gather(*(call(caller, waits) for caller in range(CALLERS)))
        return waits

    started = time.perf_counter()
    waits = asyncio.run(all_callers())
    return time.perf_counter() - started, waits


def _seconds(run) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
