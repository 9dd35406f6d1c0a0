"""Which student of a line is in service: a pointer file per line, moved forward and back.

`NAME-live` names the model in service of the line NAME wherever a scoring takes a model. Without a
pointer it is NAME-student. Knows no model's content.
"""

import json
from datetime import UTC, datetime

from core.errors import ModelError
from core.files import write_atomic
from core.settings import Settings
from core.store.store import Store
from core.store.trail import record_action
from core.types import checked_name

LIVE = "-live"


def line_of_model(model: str) -> tuple[str, str]:
    """Return (line, base) of a student: NAME-rN-student and NAME-student are of the line NAME.

    base is the name that its teacher and its kept cases carry.

    >>> line_of_model("pumps-r3-student"), line_of_model("pumps-student")
    (('pumps', 'pumps-r3'), ('pumps', 'pumps'))
    """
    base = model.removesuffix("-student")
    line, mark, number = base.rpartition("-r")
    return (line, base) if mark and line and number.isdigit() else (base, base)


def model_in_service(settings: Settings, model: str) -> str:
    """Return the model that a name means: that in service of NAME-live, else the name."""
    if not model.endswith(LIVE):
        return model
    name = model.removesuffix(LIVE)
    history = service_history(settings, name)
    return history[-1]["model"] if history else f"{name}-student"


def service_history(settings: Settings, name: str) -> list[dict]:
    """Return the models put in service of a line, the present one last: model, at, author."""
    path = settings.models / f"{checked_name(name, 'model')}.service.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def put_in_service(store: Store, settings: Settings, name: str, model: str, author: str) -> None:
    """Make a model that of the line's service; the one before stays for a rollback.

    store: its audit trail gets an entry. name: the line. Does nothing if the model is in service
    already. Raises ModelError, and AccessError for a missing role.
    """
    store.principal.require("model.serve")
    if not (settings.models / model / "model.json").is_file():
        raise ModelError("watch.no_model", model=model)
    history = service_history(settings, name) or [_entry(f"{name}-student", author)]
    if history[-1]["model"] == model:
        return
    record_action(store, "model.serve", f"{name}{LIVE}", model=model, author=author)
    _write(settings, name, [*history, _entry(model, author)])


def roll_back(store: Store, settings: Settings, name: str, author: str) -> str:
    """Return the model before, which is in service again; the audit trail gets an entry.

    Raises ModelError without one, and AccessError for a missing role.
    """
    store.principal.require("model.serve")
    history = service_history(settings, name)
    if len(history) < 2:
        raise ModelError("watch.no_model_before", name=name)
    before = str(history[-2]["model"])
    record_action(store, "model.serve", f"{name}{LIVE}", model=before, author=author, back=True)
    _write(settings, name, history[:-1])
    return before


def _entry(model: str, author: str) -> dict:
    return {"model": model, "at": datetime.now(UTC).isoformat(), "author": author}


def _write(settings: Settings, name: str, history: list[dict]) -> None:
    settings.models.mkdir(parents=True, exist_ok=True)
    text = json.dumps(history, ensure_ascii=False, indent=1)
    write_atomic(settings.models / f"{name}.service.json", text.encode())
