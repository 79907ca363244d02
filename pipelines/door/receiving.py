"""The HTTP door for platforms that push: ``/ingest/<source>``."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.connectors.listener import Line, Push, Receiver
from pipelines.errors import NotStoredError

METHODS = ["GET", "POST", "PUT"]
PATIENCE = timedelta(seconds=10)
"""How long a pusher may take for one body; a slow one would hold its connection for ever."""

_HANG_UP = {"Connection": "close"}
"""Without it the server goes on reading the body that was refused, to its end."""


def ingest_route(
    receivers: Mapping[str, tuple[Receiver, Line]], *, patience: timedelta = PATIENCE
) -> Route:
    """The route of every receiver, by source.

    A body longer than the receiver's ``max_body`` is refused before it is read to its end (413),
    and so is one that takes longer than ``patience`` (408).
    What could not be stored is answered 503, so that its sender tries again.
    """

    async def ingest(request: Request) -> Response:
        source = request.path_params["source"]
        if source not in receivers:
            return _error(404, f"there is no source {source!r} that takes pushes")
        receiver, line = receivers[source]
        try:
            async with asyncio.timeout(patience.total_seconds()):
                body = await _body(request, receiver.max_body)
        except TimeoutError:
            return _error(408, "the body took too long", _HANG_UP)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _error(413, f"the body is longer than {receiver.max_body} bytes", _HANG_UP)
        push = Push(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            peer=request.client.host if request.client else "",
        )
        try:
            reply = await receiver.receive(push, line)
        except NotStoredError as error:
            return _error(503, str(error), {"Retry-After": "5"})
        return Response(reply.body, reply.status, dict(reply.headers))

    return Route("/ingest/{source}", ingest, methods=METHODS)


async def _body(request: Request, most: int) -> bytes | None:
    """The body, or None when it is longer than allowed."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": text}, status, headers)
