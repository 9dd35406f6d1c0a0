"""What the gate costs over the model alone, in one run: `python -m benchmarks.gate`.

On the demo's stream of work orders, by the demo's student. One caller sends one text a request: its
median time over that of the model's own call with the same text. 64 callers send the texts together:
their cases a second over those of offline scoring. The gate runs in this process on a free port,
with a log and a store of its own, in which a policy is active. The callers run in this process too
and take part of its time.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import uvicorn

from benchmarks.inference import quiet
from core.cases.read import read_cases
from core.cases.workorders import DATASET as NAME
from core.decision.thresholds.policy import Policy
from core.gate.app import gate_app
from core.gate.server import make_gate
from core.models.base.device import pick_device
from core.models.scoring import checkpoint
from core.settings import Settings
from core.store.ledger import Ledger
from core.store.store import Store
from core.types import Run
from tests.browser.serving import free_port

CALLERS = 64
LIMITS = {"one_caller_over_one_call": 1.3, "callers_over_offline": 0.7}  # at most; at least


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
    bare = [_seconds(lambda text=text: model.scores([text])) for text in texts[:CALLERS]]
    offline_s = _seconds(lambda: model.scores(texts))
    with tempfile.TemporaryDirectory() as folder:
        gate = make_gate(Settings(home=Path(folder)), card, model, NAME)
        activate_policy(gate.transfer.store, gate.transfer.run)
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
        "one_caller_over_one_call": statistics.median(alone) / statistics.median(bare),
        "callers_over_offline": offline_s / together_s,
    }
    return {
        "benchmark": "gate",
        "cases": len(texts),
        "callers": CALLERS,
        **{name: round(ratio, 3) for name, ratio in ratios.items()},
        "one_caller_p50_ms": round(1e3 * statistics.median(alone), 2),
        "bare_p50_ms": round(1e3 * statistics.median(bare), 2),
        "callers_p99_ms": round(1e3 * float(np.quantile(together, 0.99)), 2),
        "limits": LIMITS,
        "reached": ratios["one_caller_over_one_call"] <= LIMITS["one_caller_over_one_call"]
        and ratios["callers_over_offline"] >= LIMITS["callers_over_offline"],
    }


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
