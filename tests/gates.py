"""A gate with a model of fixed answers, for tests: in this process, or served by
`python -m tests.gates HOME PORT`.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from starlette.testclient import TestClient

from core.decision.thresholds.policy import Policy
from core.files import make_file_once, private_folder
from core.gate.app import Gate
from core.gate.server import make_gate, serve_gate
from core.settings import Settings
from core.store.ledger import Ledger
from core.store.secret import AUDIT_KEY_FILE
from core.store.store import Store
from tests.stores import LABELS, add_scored, make_rows, make_run

RUN = make_run("score", "student", "calibration")
DATASET = RUN.dataset
CARD = SimpleNamespace(
    name=RUN.model,
    hash=RUN.model_hash,
    kind="student",
    labels=LABELS,
    samples=1,
    seed=0,
    chooses=False,
)
POLICY = Policy(0.7, by_class={LABELS[1]: 0.9}, by_segment={"A": 0.8}, epistemic_limit=0.2)


class FixedScorer:
    """Answers "3 0.85 0.1": the most probable label, its confidence, epistemic nats. `faults` maps
    a text to an exception, or to what replaces the answer's probabilities.
    """

    def __init__(self, faults=None):
        self.faults, self.batches = faults or {}, []

    def scores(self, texts):
        """Answer as core.models' scorers do."""
        self.batches.append(list(texts))
        p, epistemic = np.empty((len(texts), len(LABELS))), np.empty(len(texts))
        for i, text in enumerate(texts):
            fault = self.faults.get(text)
            if isinstance(fault, Exception):
                raise fault
            k, confidence, epistemic[i] = (float(word) for word in text.split()[:3])
            p[i] = (1 - confidence) / (len(LABELS) - 1)
            p[i, int(k)] = confidence
            if fault is not None:
                p[i] = fault
        return SimpleNamespace(
            probabilities=p,
            total=epistemic + 0.3,
            aleatoric=np.full(len(texts), 0.3),
            epistemic=epistemic,
            novelty=None,
        )


def make_home(home: Path, active: bool = True) -> Settings:
    """A workspace whose store has a run of the model; its policy POLICY is active where said."""
    settings = Settings(home=home)
    store = Store(settings.store)
    # Draws no audit among the cases c0 to c7; a secret of its own would draw each tenth at random.
    make_file_once(private_folder(settings.store) / AUDIT_KEY_FILE, bytes([5] * 32))
    add_scored(store, RUN, make_rows(200, role="calibration"))
    if active:
        activate_policy(store, POLICY)
    return settings


def activate_policy(store: Store, policy: Policy, **bound) -> None:
    """Add a version, approve and activate it."""
    ledger = Ledger(store)
    runs = bound.pop("runs", [RUN.run_id])
    version = ledger.add_policy("line", policy.to_dict(), "Suzuki", "first", runs, **bound)
    for event in ("approve", "activate"):
        ledger.add_policy_event("line", version.version, event, "Tanaka", "agreed")


def local_client(app) -> TestClient:
    """A client on this machine, as the gate demands without tokens."""
    return TestClient(app, base_url="http://127.0.0.1:8600")


def open_gate(settings: Settings, scorer=None, callers=None) -> Gate:
    """A gate over the workspace, not started."""
    return make_gate(settings, CARD, scorer or FixedScorer(), DATASET, callers)


if __name__ == "__main__":
    home = Settings(home=Path(sys.argv[1]))
    serve_gate(home, CARD, FixedScorer(), DATASET, "127.0.0.1", int(sys.argv[2]))
