"""What the gate costs over the model alone, in one run: `python -m benchmarks.gate`.

On the demo's stream of work orders, by the demo's student. One caller sends one text a request: its
median time over that of the bare forward pass of the same text (tokens, backbone and a linear head;
no spread, no novelty, no n-grams) and over that of the model's own call. 64 callers send the texts
together: their cases a second over those of offline scoring. The gate runs in this process on a free
port, with a log and a store of its own, in which a policy is active. The callers run in this process
too and take part of its time.

Last, a model that fails on every fourth text or answers it with NaN: a rule that accepts
everything must accept none of them (`faults_accepted`). Its control: the same cases without a fault.
"""

import argparse
import json
import logging
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import torch
import uvicorn

from benchmarks.inference import quiet
from core.cases.read import read_cases
from core.cases.workorders import DATASET as NAME
from core.decision.thresholds.policy import Policy
from core.gate.app import gate_app
from core.gate.deciding import GateModel, Scorer, decide_batch
from core.gate.schemas import GateCase
from core.gate.server import make_gate
from core.models.base.batches import token_batches
from core.models.base.card import ModelCard
from core.models.base.device import pick_device
from core.models.scoring import checkpoint
from core.models.scoring.scorers import OnePass
from core.models.scoring.spread import Scores
from core.pipeline.apply import NONE, BoundPolicy
from core.settings import Settings
from core.store.entries import PolicyVersion
from core.store.ledger import Ledger
from core.store.store import Store
from core.types import Run
from tests.browser.serving import free_port

CALLERS = 64
# at most; at least
LIMITS = {"one_caller_over_forward": 1.3, "callers_over_offline": 0.7, "faults_accepted": 0}


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--cases", type=int, default=1024, help="work orders (default: 1024)")
    arguments = parser.parse_args()
    quiet()
    settings = Settings()
    if not (settings.models / f"{NAME}-student" / "model.json").is_file():
        raise SystemExit("the demo's models are not there: run `make demo` first")
    card, model = checkpoint.load(settings.models / f"{NAME}-student", pick_device(settings.device))
    texts = read_cases(settings.data / NAME / "stream.csv").frame["text"].tolist()
    result = measure(card, model, texts[: arguments.cases])
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def measure(card, model, texts: list[str]) -> dict:
    """The benchmark's JSON object."""
    model.scores(texts[:32])
    calls, forwards = [], []
    for text in texts[:CALLERS]:  # in turn, since machines are noisy
        forwards.append(_seconds(lambda text=text: forward(model, text)))
        calls.append(_seconds(lambda text=text: model.scores([text])))
    offline_s = _seconds(lambda: model.scores(texts))
    with tempfile.TemporaryDirectory() as folder:
        home = Settings(home=Path(folder))
        gate = make_gate(home, card, model, NAME)
        activate_policy(Store(home.store), gate.transfer.run)  # the gate itself may not approve
        port = free_port()
        config = uvicorn.Config(gate_app(gate), port=port, log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        post_all(port, texts[:8], "warm")
        alone = post_all(port, texts[:CALLERS], "alone")
        together: list[float] = []
        together_s = _seconds(lambda: together.extend(post_together(port, texts)))
        server.should_exit = True
        thread.join()
    ratios = {
        "one_caller_over_forward": statistics.median(alone) / statistics.median(forwards),
        "one_caller_over_one_call": statistics.median(alone) / statistics.median(calls),
        "callers_over_offline": offline_s / together_s,
    }
    faults = count_accepted_faults(card, model, texts[:CALLERS])
    return {
        "benchmark": "gate",
        "cases": len(texts),
        "callers": CALLERS,
        **{name: round(ratio, 3) for name, ratio in ratios.items()},
        "one_caller_p50_ms": round(1e3 * statistics.median(alone), 2),
        "forward_p50_ms": round(1e3 * statistics.median(forwards), 2),
        "one_call_p50_ms": round(1e3 * statistics.median(calls), 2),
        "callers_p99_ms": round(1e3 * float(np.quantile(together, 0.99)), 2),
        **faults,
        "limits": LIMITS,
        "reached": ratios["one_caller_over_forward"] <= LIMITS["one_caller_over_forward"]
        and ratios["callers_over_offline"] >= LIMITS["callers_over_offline"]
        and faults["faults_accepted"] == 0 < faults["accepted_without_faults"],
    }


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


def post_together(port: int, texts: list[str]) -> list[float]:
    """Seconds of each request, all callers at once, each with its share of the texts."""
    shares = [texts[i::CALLERS] for i in range(CALLERS)]
    names = [f"caller-{i}" for i in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as pool:
        return [
            seconds
            for taken in pool.map(post_all, [port] * CALLERS, shares, names)
            for seconds in taken
        ]


def post_all(port: int, texts: list[str], caller: str) -> list[float]:
    """Seconds of each request of one caller, a text a request, on one connection."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    for i, text in enumerate(texts):
        body = json.dumps({"cases": [{"case_id": f"{caller}-{i}", "text": text}]})
        started = time.perf_counter()
        connection.request("POST", "/v1/decide", body)
        response = connection.getresponse()
        answer = response.read()
        taken.append(time.perf_counter() - started)
        if response.status != 200 or json.loads(answer)["decisions"][0]["fault"]:
            raise SystemExit(f"the gate answered {response.status}: {answer.decode()}")
    connection.close()
    return taken


def _seconds(run) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
