"""The gate's OpenAPI 3.1 document, from the schemas of what it reads and answers."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic.json_schema import models_json_schema

from core.gate.schemas import (
    DecideRequest,
    DecideResponse,
    RefusedBody,
    VerdictsRequest,
    VerdictsResponse,
)

_MODELS = (DecideRequest, DecideResponse, VerdictsRequest, VerdictsResponse, RefusedBody)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body give the same answer; another body is refused with 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
_PROBLEMS = {
    "401": "No caller's token: send Authorization: Bearer TOKEN",
    "403": "The token's role does not allow this; without tokens, a page of another site asks",
    "409": "The idempotency key or a case id belongs to another content",
    "413": "The body is too long",
    "422": "The body is not what the schema asks for, or a text cannot be read",
    "429": "More requests than the token allows: wait as many seconds as Retry-After says",
    "503": "Nothing was decided: treat every case as review, and try again",
}


def openapi_document(needs_token: bool = True) -> dict:
    """Return the document, JSON-able. needs_token: whether requests carry a caller's token."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in _MODELS],
        ref_template="#/components/schemas/{model}",
    )
    decide = _operation("Decide cases (role operator)", DecideRequest, DecideResponse)
    decide["parameters"] = [_KEY]
    verdicts = _operation(
        "Add verdicts of people (role reviewer; the token's name is the reviewer)",
        VerdictsRequest,
        VerdictsResponse,
    )
    verdicts["responses"]["404"] = _content("The gate has not decided such a case", RefusedBody)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Kakushin gate", "version": _package_version()},
        "paths": {
            "/v1/decide": {"post": decide},
            "/v1/verdicts": {"post": verdicts},
            "/healthz": {"get": _plain("Whether cases are decided") | {"security": []}},
            "/metrics": {"get": _plain("Counts in Prometheus' text format")},
            "/openapi.json": {"get": _plain("This document")},
        },
        "components": {"schemas": definitions["$defs"]},
    }
    if needs_token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _operation(summary: str, body: type, answer: type) -> dict:
    responses = {status: _content(text, RefusedBody) for status, text in _PROBLEMS.items()}
    return {
        "summary": summary,
        "requestBody": {"required": True} | _content("", body),
        "responses": {"200": _content("Done, and on disk", answer)} | responses,
    }


def _content(text: str, model: type) -> dict:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _plain(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": summary}}}


def _package_version() -> str:
    try:
        return version("kakushin")
    except PackageNotFoundError:  # a source tree
        return "0.0.0"
