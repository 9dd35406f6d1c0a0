"""The gate's requests and answers, as checked documents. Their JSON schemas are the OpenAPI
document's. Knows no HTTP.
"""

import hashlib
import json
from collections import Counter
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import CasesError

MOST_CASES = 1000  # in one request
# The longest text is read by core.pipeline.ask.checked_question, which knows the model.
BODY_LIMIT = 8_000_000  # bytes of one request
PLACE_LIMIT = 200  # characters of a name in the body that a refusal quotes
Name = Annotated[str, Field(min_length=1, max_length=200)]
DECISION = Literal["accepted", "review"]


class GateCase(BaseModel):
    """A case to be decided. Its id is its identity: one id has one content and one decision."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    case_id: Name
    text: Annotated[str, Field(min_length=1)]
    segment: Annotated[str, Field(max_length=200)] = ""

    @property
    def content_key(self) -> str:
        """sha256 of text and segment, hex."""
        return _digest([self.text, self.segment])


class DecideRequest(BaseModel):
    """Cases to be decided, each id once."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    cases: Annotated[tuple[GateCase, ...], Field(min_length=1, max_length=MOST_CASES, strict=False)]

    @property
    def content_key(self) -> str:
        """sha256 of the cases in their order, hex."""
        return _digest([(case.case_id, case.content_key) for case in self.cases])


class CaseAnswer(BaseModel):
    """The gate's decision on a case. Label and numbers are null if the model gave none.

    reason: one of core's REASONS; "audit" is an accepted case that a person judges too, without
    holding it up, drawn with audit_probability (null for every other case). fault: what kept the
    gate from accepting, empty where nothing did. Uncertainties are in nats.
    """

    case_id: str
    label: str | None
    confidence: float | None
    aleatoric: float | None
    epistemic: float | None
    decision: DECISION
    reason: str
    fault: str
    policy: str | None
    policy_version: int | None
    certificate: str | None
    model_hash: str
    decided_at: datetime
    audit_probability: float | None = None  # lines of earlier versions have none


class DecideResponse(BaseModel):
    """The decisions of a request, in the order of its cases."""

    decisions: list[CaseAnswer]


class GateVerdict(BaseModel):
    """A person's judgement of a case that this gate decided."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    case_id: Name
    verdict: Name
    reviewer: Annotated[Name, Field(description="Counts only where requests need no token")]
    judged_at: Annotated[datetime, Field(alias="at")]
    label: str | None = None
    audit: bool = False
    inclusion_probability: float | None = None


class VerdictsRequest(BaseModel):
    """Verdicts to be added, all or none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdicts: Annotated[list[GateVerdict], Field(min_length=1, max_length=MOST_CASES)]


class VerdictsResponse(BaseModel):
    """The number of new verdicts."""

    added: int


class RefusedBody(BaseModel):
    """The reason of a refusal. A case without a decision belongs to a person."""

    code: str
    message: str


def read_document(kind: type[BaseModel], body: bytes):
    """Read a request's body as a document of that kind. Raises CasesError with the first problem,
    also for an object that has a name twice: readers differ in which value counts.
    """
    try:
        document = kind.model_validate_json(body)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:PLACE_LIMIT] or "body"
        raise CasesError("gate.body_refused", place=place, reason=first["msg"]) from e
    json.loads(body, object_pairs_hook=_refuse_repeated_names)
    return document


def _refuse_repeated_names(pairs: list[tuple[str, object]]) -> None:
    names = Counter(name for name, _ in pairs)
    if len(names) < len(pairs):
        raise CasesError("gate.name_twice", name=names.most_common(1)[0][0][:PLACE_LIMIT])


def read_decide_request(body: bytes) -> DecideRequest:
    """Read the cases of a request. Raises CasesError also for an id of two cases."""
    request = read_document(DecideRequest, body)
    seen_ids: set[str] = set()
    for case in request.cases:
        if case.case_id in seen_ids:
            raise CasesError("gate.case_twice", case=case.case_id)
        seen_ids.add(case.case_id)
    return request


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
