"""The texts of the page 'History': what an action was, what it acted on, and its details.

Pure: words and rows of core.report.history in, plain text out. An action of a newer version, which
has no words here, keeps its code and its values.
"""

from collections.abc import Mapping
from typing import Any

from core.identity import PERMISSIONS
from core.store.entries import EXPORTED_TABLES, VERDICTS
from core.types import RUN_KINDS
from dashboard.i18n import DASH, Words

NAMED_ACTIONS = (*PERMISSIONS, *(f"run.{kind}" for kind in RUN_KINDS))
# The actions whose details have a sentence of their own, history.details.<action>.
_TOLD = {
    *("meeting.decide", "review.verdict", "review.draw", "review.gold", "decisions.apply"),
    *("decisions.export", "watch.harm", "watch.clear", "job.start", "model.serve"),
    *("report.export", "model.export", "token.add", "purge", "backup", "restore"),
    *(f"run.{kind}" for kind in RUN_KINDS),
}
_SCENARIO, _LINE = "meeting ", "line "  # prefixes of names in the ledger
_NAMES = {  # detail -> its values that have words, and the key of those words
    "verdict": (VERDICTS, "history.verdict."),
    "detector": (("class", "confidence", "risk", "residual"), "monitor.detector."),
    "verb": (("train", "distill", "redistill", "score", "poc"), "history.verb."),
}


def action_name(words: Words, action: str) -> str:
    """Return the name of an action such as "policy.approve"."""
    return words(f"history.action.{action}") if action in NAMED_ACTIONS else action


def subject_text(words: Words, subject: str, details: Mapping[str, Any]) -> str:
    """Return what was acted on: a policy, a scenario or a line with its version, else `subject`."""
    if "name" not in details or "version" not in details:
        return subject
    return _version_text(words, details["name"], details["version"])


def details_text(words: Words, action: str, details: Mapping[str, Any], state: str) -> str:
    """Return the details of an action as a sentence, and the state of a run; a dash without any.

    words: the catalogue. action: its code. details: of core.report.history. state: "" if the
    action is no run.
    """
    parts = [_sentence(words, action, details), words(f"run_state.{state}") if state else ""]
    return words.sentence_space.join(filter(None, parts)) or DASH


def _sentence(words: Words, action: str, details: Mapping[str, Any]) -> str:
    values = {k: v for k, v in details.items() if k not in ("sha256", "end") and v is not None}
    if action.startswith("policy.") and "reason" in values:
        return words("history.details.reason", reason=values["reason"])
    table = values.get("table", "verdicts")
    has_table = action == "decisions.export" and "policy" not in values
    if action not in _TOLD or (has_table and table not in EXPORTED_TABLES):
        told = (f"{k}: {v}" for k, v in values.items() if k not in ("name", "version"))
        return words.comma.join(told)
    key, blanks = f"history.details.{action}", _blanks(words, values)
    if action == "meeting.decide" and "scenario" not in values:
        key = "history.details.reason"
    elif action == "review.verdict" and values.get("audit"):
        key += ".audit"
    elif has_table:
        key += f".{table}"
    elif action == "model.serve" and values.get("back"):
        key += ".back"
    return words(key, **blanks)


def _blanks(words: Words, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of the details, by name; `policy` and `scenario` with their versions."""
    texts = {}
    for name, value in values.items():
        allowed, key = _NAMES.get(name, ((), ""))
        if name in ("policy", "scenario") and "version" in values:
            texts[name] = _version_text(words, value, values["version"])
        elif value in allowed:
            texts[name] = words(key + value)
        else:
            # a flag is an int too, and no number
            counted = isinstance(value, int) and not isinstance(value, bool)
            texts[name] = words.number(value, 0) if counted else str(value)
    return texts


def _version_text(words: Words, name: str, version: object) -> str:
    """Return the name of a version in the ledger."""
    if name.startswith(_SCENARIO):
        key, name = "meeting.version", name.removeprefix(_SCENARIO)
    elif name.startswith(_LINE):
        key, name = "history.line", name.removeprefix(_LINE)
    else:
        key = "policy.version"
    return words(key, name=name, version=str(version))
