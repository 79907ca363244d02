"""Sending a canary through a source's pipeline, from the page of the sources.

It changes nothing, but it is a transaction of the store, and what it says is for who looks after
the sources; so a supervisor may and a viewer may not, and the audit log says who has. Where the
site is open there is nobody else to do it, and the log says so.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.access.audit import Act, Audit
from dashboard.access.person import person_of
from dashboard.backend import Backend
from dashboard.exporting import NOBODY
from pipelines.errors import QueryError

CANARY_PATH = "/api/v1/canary"


def canary_route(
    backend: Backend, audit: Audit, clock: Callable[[], datetime], *, asks_who: bool
) -> Route:
    """Answers a POST of ``source`` with what became of the canary.

    Only a script of our own pages can set the header that this asks for.
    """

    async def canary(request: Request) -> Response:
        person = person_of(request)
        if request.headers.get("x-grid135") is None:
            return _refused("the header X-Grid135 is missing", 403)
        if not person.clearance.may_rehearse(asks_who=asks_who):
            return _refused("not for you", 403)
        source = request.query_params.get("source", "")
        try:
            sent = await asyncio.to_thread(backend.canary, source)
        except QueryError as error:
            return _refused(str(error), 400)
        await asyncio.to_thread(
            audit.add, Act.CANARY_SENT, who=person.name or NOBODY, now=clock(), about=source
        )
        return JSONResponse(sent, headers={"Cache-Control": "no-store"})

    return Route(CANARY_PATH, canary, methods=["POST"])


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"error": why}, status, {"Cache-Control": "no-store"})
