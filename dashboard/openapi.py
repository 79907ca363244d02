"""What the HTTP API offers, in the words of OpenAPI 3.1: served at ``/api/openapi.json``.

It is made from the same lists that the questions are read with, so it cannot say less than they
allow. Whatever is served below ``/api`` stands in here; a test says so.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.desk.paging import LIMIT_MOST, OFFSET_MOST, SORTS
from pipelines.figures.groups import By
from pipelines.figures.query import PARAMETERS
from pipelines.model.clock import CLOCKS, Reading, Verdict

OPENAPI_PATH = "/api/openapi.json"
_LONGEST = 200
_TEXT = {"type": "string", "maxLength": _LONGEST}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
_CHOICES: Mapping[str, list[str]] = {
    "by": [str(by) for by in By],
    "milestone": list(dict.fromkeys(str(milestone) for milestone, _ in CLOCKS)),
    "reading": [str(reading) for reading in Reading],
    "verdict": [str(verdict) for verdict in Verdict],
}
_MEANINGS = {
    "from": "Start of the window, an ISO date and time; local to the area without a zone.",
    "to": "End of the window, exclusive.",
    "by": "What to group by.",
    "milestone": "Whose clock is judged; arrived if left away.",
    "reading": "Where the clock starts.",
    "as_of": "The moment the figures speak for.",
    "known_at": "What was known then.",
    "verdict": "Only incidents with this verdict.",
    "area": "Code of an area, at any level.",
    "community": "Code of a community.",
    "grid": "Code of a grid.",
    "kind": "Code of a kind of incident.",
    "severity": "Severities, with commas between.",
    "state": "Only open or only closed incidents.",
    "source": "Id of a source.",
    "shift": "A shift, by when it begins.",
}
_QUESTIONS = {
    "/api/v1/kpi": "The figures, one object per group.",
    "/api/v1/intake": "Intake per 5 minutes.",
    "/api/v1/lab": "The rate by every defensible rule.",
    "/api/v1/monitors": "What in the data is to be checked.",
}


def openapi_route(build: str) -> Route:
    """Serves the description."""
    description = described(build)

    async def openapi(_: Request) -> Response:
        return JSONResponse(description)

    return Route(OPENAPI_PATH, openapi)


def described(build: str) -> dict[str, Any]:
    """The whole description."""
    asked = [_parameter(name) for name in PARAMETERS]
    paths: dict[str, Any] = {
        path: {"get": _question(summary, asked)} for path, summary in _QUESTIONS.items()
    }
    paths["/api/v1/rows"] = {"get": _rows(asked)}
    month = {"name": "month", "in": "query", "schema": _TEXT, "description": "Such as 2026-10."}
    paths["/api/v1/frozen"] = {"get": _question("The frozen months, or one of them.", [month])}
    source = {"name": "source", "in": "query", "required": True, "schema": _TEXT}
    paths["/api/v1/canary"] = {
        "post": {
            "summary": "Send a canary through a source's pipeline, from supervisors up.",
            "parameters": [source, *_proofs()],
            "responses": _answers({"type": "object"}),
        }
    }
    incident = {"name": "incident", "in": "query", "required": True, "schema": _TEXT}
    trail = _question("What people did with one incident, for who may write.", [incident])
    paths["/api/v1/trail"] = {"get": trail}
    paths["/api/v1/remarks"] = {"post": _remark()}
    paths["/api/v1/reveal"] = {"post": _reveal()}
    paths[OPENAPI_PATH] = {
        "get": {"summary": "This description.", "responses": _answers({"type": "object"})}
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Grid135", "version": build},
        "paths": paths,
        "components": {
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "grid135"}}
        },
        "security": [{"session": []}],
    }


def _question(summary: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    rows = {"type": "array", "items": {"type": "object"}}
    return {"summary": summary, "parameters": asked, "responses": _answers(rows)}


def _rows(asked: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows, a page at a time for whoever says so."""
    numbers = {
        "limit": (1, LIMIT_MOST, "How many rows; all of them if left away."),
        "offset": (0, OFFSET_MOST, "How many rows come before the first one."),
    }
    pages: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "query",
            "schema": {"type": "integer", "minimum": least, "maximum": most},
            "description": meaning,
        }
        for name, (least, most, meaning) in numbers.items()
    ]
    pages.append(
        {
            "name": "sort",
            "in": "query",
            "schema": {"type": "string", "enum": list(SORTS)},
            "description": "By what; with - from the highest down. t0 if left away.",
        }
    )
    question = _question(
        "The incidents behind the figures, as far as the caller may see them.", [*asked, *pages]
    )
    question["responses"]["200"]["headers"] = {
        "X-Total-Count": {
            "description": "How many rows there are in all.",
            "schema": {"type": "integer"},
        },
        "Link": {
            "description": "The following page, if there is one.",
            "schema": {"type": "string"},
        },
    }
    return question


def _parameter(name: str) -> dict[str, Any]:
    schema = {**_TEXT, "enum": _CHOICES[name]} if name in _CHOICES else _TEXT
    return {"name": name, "in": "query", "schema": schema, "description": _MEANINGS.get(name, "")}


def _proofs() -> list[dict[str, Any]]:
    """What a request that changes something must show: the token of the page it comes from."""
    token = {"type": "string", "minLength": 64, "maxLength": 64}
    return [
        {"name": "X-CSRFToken", "in": "header", "required": True, "schema": token},
        {"name": "X-Grid135", "in": "header", "required": True, "schema": {"const": "page"}},
    ]


def _reveal() -> dict[str, Any]:
    fields = {
        "incident": {"type": "string", "maxLength": 64},
        "what": _TEXT,
        "number": {"type": "integer", "minimum": 0, "maximum": 9999},
        "reason": {"type": "string", "minLength": 4, "maxLength": 200},
    }
    body = {"type": "object", "required": list(fields), "properties": fields}
    value = {
        "type": "object",
        "required": ["value"],
        "properties": {"value": {"type": "string"}},
    }
    return {
        "summary": "One masked value of one incident, for a supervisor who says why.",
        "parameters": _proofs(),
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": body}},
        },
        "responses": {**_answers(value), "404": _refusal("There is no such value.")},
    }


def _remark() -> dict[str, Any]:
    names = ("act", "incident", "shift", "text")
    fields = {name: {"type": "string", "maxLength": 2000} for name in names}
    body = {"type": "object", "required": ["act"], "properties": fields}
    return {
        "summary": "Pin an incident, write a note, or hand a shift over.",
        "parameters": _proofs(),
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": body}},
        },
        "responses": _answers({"type": "object"}),
    }


def _answers(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": "Done.", "content": {"application/json": {"schema": schema}}},
        "400": _refusal("What is asked is wrong; the error says how."),
        "401": _refusal("Log in first."),
        "403": {"description": "Not for this caller, or without proof of its page."},
        "413": {"description": "Too long a body."},
        "414": {"description": "Too long an address."},
        "429": _refusal("Too many in a short time."),
    }


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ERROR}}}
