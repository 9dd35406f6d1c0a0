"""Label Studio's JSON: tasks with a model's predictions out, annotations in.

A task has `data`, `predictions` and `annotations`; an annotation's `result` names the chosen label
(control "label") and, from an export of Kakushin, the verdict (control "verdict"). A cancelled
annotation is a skip, which counts as nothing. Knows no store.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.cases.table import MAX_BYTES, Notice, check_size
from core.errors import CasesError

_VERDICT, _LABEL = "verdict", "label"  # names of the two controls


@dataclass(frozen=True)
class VerdictRow:
    """A person's answer as a file has it; "" where the file has nothing.

    blind: whether the file hid the model's answer from the person.
    """

    row: int  # as people count in the file
    case_id: str
    verdict: str = ""
    label: str = ""
    reviewer: str = ""
    moment: str = ""
    seconds: str = ""
    blind: bool = False
    problem: Notice | None = None  # why the row cannot be read


def label_studio_tasks(cases: pd.DataFrame, verdicts: pd.DataFrame, model: str) -> list[dict]:
    """Return a task for each case.

    cases: case_id, text, segment, predicted, confidence, blind; a blind case has no prediction, nor
    has one that the model gave no answer for (predicted is ""). verdicts: case_id, verdict, label,
    reviewer, at (UTC), seconds. model: name of the predictions' model. No annotation is marked as
    ground truth: that would show reviewers the gold cases.
    """
    answers = {str(case_id): rows for case_id, rows in verdicts.groupby("case_id")}
    nothing = verdicts.iloc[:0]
    return [
        {
            "data": {"case_id": case.case_id, "text": case.text, "segment": case.segment},
            "predictions": [] if case.blind or not case.predicted else [_prediction(case, model)],
            "annotations": [
                _annotation(answer) for answer in answers.get(case.case_id, nothing).itertuples()
            ],
        }
        for case in cases.itertuples()
    ]


def read_label_studio(path: Path, max_bytes: int = MAX_BYTES) -> list[VerdictRow]:
    """Return the answers in a JSON export of Label Studio; a row's number is its task's, from 1.

    max_bytes: limit of the file's size. Raises CasesError for a file that is no list of tasks, or
    too large.
    """
    try:
        check_size(path, path.stat().st_size, max_bytes)
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as e:
        raise CasesError("cases.unreadable_file", file=str(path), reason=e.strerror) from e
    except (ValueError, RecursionError) as e:
        raise CasesError("pipeline.no_tasks", file=str(path)) from e
    if not isinstance(tasks, list) or not all(
        isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks
    ):
        raise CasesError("pipeline.no_tasks", file=str(path))
    return [
        _answer_of(row, _text(task["data"].get("case_id")), annotation)
        for row, task in enumerate(tasks, start=1)
        for annotation in _dicts(task.get("annotations"))
        if not annotation.get("was_cancelled")
    ]


def _choice(control: str, value: str) -> dict:
    return {
        "from_name": control,
        "to_name": "text",
        "type": "choices",
        "value": {"choices": [value]},
    }


def _prediction(case, model: str) -> dict:
    result = [_choice(_LABEL, case.predicted)]
    return {"model_version": model, "score": float(case.confidence), "result": result}


def _annotation(answer) -> dict:
    result = [_choice(_VERDICT, answer.verdict)]
    if isinstance(answer.label, str):
        result.append(_choice(_LABEL, answer.label))
    return {
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": None if pd.isna(answer.seconds) else float(answer.seconds),
        "completed_by": {"email": answer.reviewer},
        "created_at": answer.at.isoformat() + "Z",
    }


def _answer_of(row: int, case_id: str, annotation: dict) -> VerdictRow:
    """Return the answer of an annotation; a person who is only a number there has no name here."""
    answers = {_VERDICT: "", _LABEL: ""}
    for result in _dicts(annotation.get("result")):
        value = result.get("value")
        choices = value.get("choices") if isinstance(value, dict) else None
        if isinstance(choices, list) and len(choices) == 1:
            control = _VERDICT if result.get("from_name") == _VERDICT else _LABEL
            answers[control] = _text(choices[0])
    person = annotation.get("completed_by")
    email = person.get("email") if isinstance(person, dict) else person
    return VerdictRow(
        *(row, case_id, answers[_VERDICT], answers[_LABEL]),
        email if isinstance(email, str) else "",
        _text(annotation.get("created_at")),
        _text(annotation.get("lead_time")),
    )


def _dicts(value: object) -> Iterable[dict]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
