"""The rows of a desk's list, a page at a time, and what its search box offers."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.access.person import person_of
from dashboard.addresses import address
from dashboard.backend import Backend
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, Say, say_in
from dashboard.text.format import date_and_minute
from dashboard.views import BadViewError, UnknownPageError, View, parse_view
from pipelines.desk.board_filters import Column
from pipelines.errors import QueryError

SOUGHT_LONGEST = 80
"""How many signs of what is sought are looked for."""
PAGE_MOST = 500
"""How many rows one request may ask for."""


def list_routes(backend: Backend) -> list[Route]:
    """Where the rows of a list are, and what a search offers."""
    return [Route("/list", _rows(backend)), Route("/find", _find(backend))]


def _rows(backend: Backend) -> Callable[[Request], object]:
    async def rows(request: Request) -> Response:
        try:
            view = view_of(request)
            offset = _number(request.query_params, "offset", 0, 10**9)
            limit = _number(request.query_params, "limit", 100, PAGE_MOST)
            total, found = await asyncio.to_thread(
                backend.seen_by(view.clearance).page, dict(view.filters), offset, limit
            )
        except (UnknownPageError, BadViewError, QueryError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        say = say_in(view.language)
        body = {"total": total, "rows": [cells(row, say) for row in found]}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    return rows


def _find(backend: Backend) -> Callable[[Request], object]:
    async def find(request: Request) -> Response:
        sought = request.query_params.get("q", "")[:SOUGHT_LONGEST]
        language = request.query_params.get("lang", DEFAULT_LANGUAGE)
        say = say_in(language if language in LANGUAGES else DEFAULT_LANGUAGE)
        seen = backend.seen_by(person_of(request).clearance)
        found = await asyncio.to_thread(seen.find, sought)
        body = [
            *(
                {
                    "group": say(f"areas.{place.level}"),
                    "text": say.name(place.names),
                    "more": place.code,
                    "href": address("desk", place.filters, say.language),
                }
                for place in found.places
            ),
            *(
                {
                    "group": say("find.incidents"),
                    "text": one.text or one.key,
                    "more": f"{say.name(one.kind_names)} · "
                    f"{date_and_minute(one.t0, found.time_zone)}",
                    "href": address("incident", {"id": one.id}, say.language),
                }
                for one in found.incidents
            ),
        ]
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    return find


def view_of(request: Request) -> View:
    """The desk's view whose list is meant; raises BadViewError for another page's."""
    query = request.query_params
    view = parse_view(query.get("page", ""), query, person_of(request).clearance)
    if view.page != "desk":
        raise BadViewError(f"page={query.get('page')!r} has no list")
    return view


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise QueryError(f"{name}={text!r} must be a whole number from 0 to {most}")
    return int(text)


def cells(row: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """A row as it is shown: a text a column, and what the look of a cell needs."""
    shown: dict[str, Any] = {column.value: cell(row, column, say) for column in Column}
    return {
        "id": row["id"],
        "shape": row["shape"],
        "outcome": row["verdict"],
        "level": row["severity"],
        **shown,
    }


def cell(row: Mapping[str, Any], column: Column, say: Say) -> str:
    """What stands in one cell."""
    match column:
        case Column.T0:
            return _moment(row["t0"], row)
        case Column.ACCEPTED | Column.DISPATCHED | Column.ARRIVED:
            return _moment(row["stamps"].get(column.value), row)
        case Column.CLOSED:
            return _moment(row["closed"], row)
        case Column.KIND:
            return say.name(row["kind_names"]) if row["kind_names"] else say("desk.no_kind")
        case Column.GRID:
            return say.name(row["grid_names"]) if row["grid_names"] else say("desk.not_on_map")
        case Column.COMMUNITY:
            return say.name(row["community_names"]) if row["community_names"] else ""
        case Column.SOURCE:
            return say.name(row["source_names"])
        case Column.SEVERITY:
            return say(f"level.{row['severity']}") if row["severity"] in (1, 2, 3, 4) else ""
        case Column.VERDICT:
            return say(f"verdict.{row['verdict']}")
        case Column.SECONDS:
            seconds = row["seconds"]
            return "" if seconds is None else say("case.took", seconds=seconds)
        case Column.KEY:
            return str(row["incident_key"])
        case Column.UNITS:
            return str(row["units"]) if row["units"] else ""
        case Column.ADDRESS | Column.TITLE:
            return row[column.value] or ""


def _moment(text: str | None, row: Mapping[str, Any]) -> str:
    """Date and minute; the year is left away where it is the present one."""
    if not text:
        return ""
    at, zone = datetime.fromisoformat(text), row["time_zone"]
    written, today = date_and_minute(at, zone), date_and_minute(row["as_of"], zone)
    return written[5:] if written[:5] == today[:5] else written
