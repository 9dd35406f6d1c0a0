"""The verb `serve`: the gate of a line over HTTP; beyond this machine only with callers' tokens."""

import argparse
import sys

from core.cli.verbs import add_verb
from core.messages import reader_language, sentence
from core.settings import Settings


def add_serve(verbs) -> None:
    """Add `serve`."""
    verb = add_verb(verbs, "serve", _serve, "decide cases over HTTP as they come")
    verb.add_argument("--model", required=True, help="name of the model that scores, or NAME-live")
    verb.add_argument(
        "--dataset", required=True, help="name of the cases; their active policy decides"
    )
    verb.add_argument(
        "--host",
        default="127.0.0.1",
        help="address (default: 127.0.0.1); beyond this machine only with tokens (`token add`)",
    )
    verb.add_argument("--port", type=int, default=8600, help="port (default: 8600)")


def _serve(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.gate.tokens import callers_for, token_file

    callers = callers_for(settings, arguments.host)  # before torch and the model: seconds
    from core.gate.server import serve_gate
    from core.models.base.device import pick_device
    from core.models.scoring import checkpoint
    from core.models.scoring.threaded import gate_scorer
    from core.pipeline.service import model_in_service
    from core.types import checked_name

    dataset = checked_name(arguments.dataset, "dataset")
    name = model_in_service(settings, checked_name(arguments.model, "model"))
    folder = settings.models / name
    card, model = checkpoint.load(folder, pick_device(settings.device))
    address = f"http://{arguments.host}:{arguments.port}"
    language = reader_language()
    print(sentence(language, "gate.serves", model=card.name, address=address), flush=True)
    if callers is None:
        file = str(token_file(settings))
        print(sentence(language, "gate.no_tokens", file=file), file=sys.stderr, flush=True)
    scorer = gate_scorer(model)
    serve_gate(settings, card, scorer, dataset, arguments.host, arguments.port)
