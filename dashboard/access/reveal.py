"""Revealing one masked value, to somebody who may see it and has said why.

The entry of the audit log is on disk before the value leaves the server. It says who, which
incident, which value by number, and why; never the value.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.access.gate import read_form
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.person import person_of
from dashboard.backend import Backend
from pipelines.privacy.clearance import Role

REVEAL_PATH = "/api/v1/reveal"
SHORTEST_REASON, LONGEST_REASON = 4, 200
LEAST_ROLE = Role.SUPERVISOR


def reveal_route(
    backend: Backend, keeper: Keeper, clock: Callable[[], datetime], path: str = REVEAL_PATH
) -> Route:
    """Answers a POST of ``incident``, ``what``, ``number`` and ``reason`` with the one value."""

    async def reveal(request: Request) -> Response:
        person, form = person_of(request), await read_form(request)
        reason = " ".join(form.get("reason", "").split())
        incident, what, number = (form.get(name, "") for name in ("incident", "what", "number"))
        if not person.clearance.may_reveal:
            return _refused("not for you", 403)
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            return _refused("reason", 400)
        if not number.isascii() or not number.isdigit() or len(number) > 4 or len(incident) > 64:
            return _refused("number", 400)
        seen = backend.seen_by(person.clearance)
        value = await asyncio.to_thread(seen.reveal, incident, what, int(number))
        if value is None:
            return _refused("there is no such value", 404)
        try:
            await asyncio.to_thread(
                keeper.note_reveal,
                person.name,
                about=incident,
                value=f"{what} {int(number)}",
                reason=reason,
                now=clock(),
            )
        except AccessError as error:
            return _refused(error.why, 429)
        return JSONResponse({"value": value}, headers={"Cache-Control": "no-store"})

    return Route(path, reveal, methods=["POST"])


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"error": why}, status, {"Cache-Control": "no-store"})
