"""The gate of a workspace, put together and served: model, policy in force, log and store."""

import gc
import logging
import sys
from functools import partial

import uvicorn

from core.decision.audits.draws import audit_numbers
from core.gate.app import Gate, gate_app
from core.gate.deciding import AuditRule, GateModel, decide_batch
from core.gate.log import DecisionLog
from core.gate.metrics import GateMetrics
from core.gate.patience import TimedProtocol
from core.gate.policies import PolicyInForce
from core.gate.tokens import CallerBook, callers_for
from core.gate.transfer import StoreTransfer, gate_run
from core.gate.worker import GateWorker
from core.identity import Principal
from core.pipeline.ask import checked_question
from core.pipeline.audits import AUDIT_SHARE
from core.private_log import keep_case_text_out
from core.settings import Settings
from core.store.secret import audit_secret
from core.store.store import Store

# Between two turns of the interpreter. The model gives it up at each of its products and wants it
# back for microseconds; by default the event loop would hold it for 5 ms.
SWITCH_S = 0.0005
# For the store; longer, and the batch goes to review. The gate's own transfer holds it for a moment.
POLICY_WAIT_S = 5.0
TRANSFER_WAIT_S = 30.0
# Who the audit trail names for the gate's decisions; the verdicts that it takes name their reviewers.
GATE = Principal("service:gate", "kakushin serve", frozenset({"operator", "reviewer"}))


def make_gate(
    settings: Settings, card, scorer, dataset: str, callers: CallerBook | None = None
) -> Gate:
    """Return a gate that is not started yet.

    card: the ModelCard of the model. scorer: the model, `scores(texts)`. dataset: name of the
    cases, by which the active policy is looked up. callers: who may ask; None asks for no token.
    Raises StoreError where another gate holds the log, or store and log do not fit together.
    """
    run = gate_run(card, dataset)
    log = DecisionLog(settings.home / "gate" / f"{run.run_id}.jsonl")
    policies = PolicyInForce(Store(settings.store, POLICY_WAIT_S), run)
    model = GateModel(scorer, tuple(card.labels), card.hash)
    metrics = GateMetrics()
    secret = audit_secret(settings.store)
    audits = AuditRule(AUDIT_SHARE, partial(audit_numbers, secret, run.run_id))
    decide = partial(decide_batch, model=model, read_policy=policies.bound_policy, audits=audits)
    transfer = StoreTransfer(log, Store(settings.store, TRANSFER_WAIT_S, GATE), run)
    try:
        transfer.note_missing_lines()
    except BaseException:
        log.close()
        raise
    return Gate(
        GateWorker(log, decide, metrics),
        transfer,
        metrics,
        partial(checked_question, card=card),
        callers,
    )


def serve_gate(settings: Settings, card, scorer, dataset: str, host: str, port: int) -> None:
    """Serve until a signal ends it; what was acknowledged is on disk whatever ends it.

    Raises SettingsError for a host beyond this machine without a token file.
    """
    callers = callers_for(settings, host)
    logging.basicConfig(level=logging.WARNING)
    keep_case_text_out()
    sys.setswitchinterval(SWITCH_S)
    app = gate_app(make_gate(settings, card, scorer, dataset, callers))
    # The libraries' and the model's objects stay anyway: no collection need scan them.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app, host=host, port=port, http=TimedProtocol, access_log=False, log_level="warning"
    )
