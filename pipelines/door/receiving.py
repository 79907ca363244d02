"""The HTTP door for platforms that push: ``/ingest/<source>``."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.connectors.listener import Line, Push, Receiver
from pipelines.door.admission import Admission, AtOnce, Hold, InTurn
from pipelines.errors import NotStoredError

METHODS = ["GET", "POST", "PUT"]
PATIENCE = timedelta(seconds=10)
"""How long a pusher may take for one body; a slow one would hold its connection for ever."""

_HANG_UP = {"Connection": "close"}
"""Without it the server goes on reading the body that was refused, to its end."""
_LATER = {"Retry-After": "5"}


class Pushed(NamedTuple):
    """A source that is pushed to."""

    receiver: Receiver
    line: Line
    is_urgent: bool


def ingest_route(
    sources: Mapping[str, Pushed],
    *,
    others: Admission | None = None,
    patience: timedelta = PATIENCE,
) -> Route:
    """The route of every source that is pushed to.

    A body longer than the receiver's ``max_body`` is refused before it is read to its end (413),
    and so is one that takes longer than ``patience`` (408).
    What could not be stored is answered 503, so that its sender tries again.
    What is not urgent gets in by way of ``others``.
    """
    at_once, in_turn = AtOnce(), others or InTurn()

    async def ingest(request: Request) -> Response:
        source = request.path_params["source"]
        if source not in sources:
            return _error(404, f"there is no source {source!r} that takes pushes")
        pushed = sources[source]
        admission = at_once if pushed.is_urgent else in_turn
        try:
            with admission.holding() as hold:
                return await receive(request, pushed, admission, hold)
        except NotStoredError as error:
            return _error(503, str(error), _LATER)

    async def receive(
        request: Request, pushed: Pushed, admission: Admission, hold: Hold
    ) -> Response:
        receiver, line, _ = pushed
        try:
            async with asyncio.timeout(patience.total_seconds()):
                body = await _body(request, receiver.max_body, hold)
        except TimeoutError:
            return _error(408, "the body took too long", _HANG_UP)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _error(413, f"the body is longer than {receiver.max_body} bytes", _HANG_UP)
        async with admission.turn() as has_waited:
            # who has gone sends it again: to work on it now would only make the others wait
            if has_waited and await request.is_disconnected():
                return Response(status_code=400)
            reply = await receiver.receive(_push(request, body), line)
        return Response(reply.body, reply.status, dict(reply.headers))

    return Route("/ingest/{source}", ingest, methods=METHODS)


def _push(request: Request, body: bytes) -> Push:
    return Push(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        peer=request.client.host if request.client else "",
    )


async def _body(request: Request, most: int, hold: Hold) -> bytes | None:
    """The body, or None when it is longer than allowed; ``hold`` is told of its bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        hold(len(part))
        parts.append(part)
    return b"".join(parts)


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": text}, status, headers)
