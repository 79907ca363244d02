"""What people say on a page: notes, pins, hand-overs; and who looked at an incident.

Each goes through the one door as a record of the source ``console``, and leaves a line in the audit
log, without its text. Where the site is open nobody has a name, so nothing is taken.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.access.audit import Act, Entry
from dashboard.access.gate import read_form
from dashboard.access.keeper import Keeper
from dashboard.access.person import person_of
from dashboard.addresses import resolved
from dashboard.backend import Backend
from pipelines.errors import QueryError

_LINES_MOST = 100
_OPEN = "this site asks nobody for a name, so nothing is written; set [access] mode to accounts"
_NO_ROLE = "only supervisors and above write notes and hand over"

Clock = Callable[[], datetime]


def console_routes(backend: Backend, keeper: Keeper | None, clock: Clock) -> list[Route]:
    """Answers a POST of ``act``, ``incident`` or ``shift``, and ``text``; and who did what."""

    async def remark(request: Request) -> Response:
        person, form = person_of(request), await read_form(request)
        if keeper is None or not person.name:
            return _refused(_OPEN, 403)
        if not person.clearance.may_write:
            return _refused(_NO_ROLE, 403)
        act, incident, shift = (form.get(name, "") for name in ("act", "incident", "shift"))
        said = {"incident": incident, "shift": shift, "text": form.get("text", "")}
        seen = backend.seen_by(person.clearance)
        try:
            await asyncio.to_thread(seen.remark, act, person.name, said)
        except QueryError as error:
            return _refused(str(error), 400)
        about = incident or f"shift {shift}"
        await asyncio.to_thread(
            keeper.audit.add, Act(act), who=person.name, now=clock(), about=about
        )
        return JSONResponse({"said": act}, headers=_no_store())

    async def trail(request: Request) -> Response:
        if keeper is None or not person_of(request).clearance.may_write:
            return _refused(_NO_ROLE if keeper is not None else _OPEN, 403)
        incident = request.query_params.get("incident", "")[:64]
        seen = backend.seen_by(person_of(request).clearance)
        if not await asyncio.to_thread(seen.has_case, incident):
            return JSONResponse([], headers=_no_store())
        found = await asyncio.to_thread(keeper.audit.about, incident, limit=_LINES_MOST)
        return JSONResponse([_line(entry) for entry in found], headers=_no_store())

    return [
        Route("/api/v1/remarks", remark, methods=["POST"]),
        Route("/api/v1/trail", trail, methods=["GET"]),
    ]


def _line(entry: Entry) -> dict[str, Any]:
    return {"at": entry.at.isoformat(), "who": entry.who, "act": entry.act}


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"error": why}, status, _no_store())


def _no_store() -> dict[str, str]:
    return {"Cache-Control": "no-store"}


class Looked:
    """Writes down who opened the page of an incident, before it is shown."""

    def __init__(self, app: ASGIApp, keeper: Keeper, clock: Clock) -> None:
        self._app = app
        self._keeper = keeper
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note who looks, if it is a person, and serve the page."""
        if scope["type"] == "http":
            page, named = resolved(scope["path"])
            person, incident = person_of(HTTPConnection(scope)), named.get("id", "")
            if page == "incident" and person.name and incident:
                await asyncio.to_thread(
                    self._keeper.audit.add,
                    Act.LOOKED,
                    who=person.name,
                    now=self._clock(),
                    about=incident[:64],
                )
        await self._app(scope, receive, send)
