"""The web server: the stream, the API, the grid outlines, and the pages."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import lru_cache
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from dash import Dash
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.app import create_dash
from dashboard.backend import Backend
from dashboard.hub import Hub, Pace
from dashboard.stream import EventStream
from dashboard.views import BadViewError, UnknownPageError, parse_view
from pipelines.errors import QueryError

Query = Callable[[Mapping[str, str]], list[dict[str, Any]]]

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def create_app(backend: Backend, *, build: str, pace: Pace | None = None) -> Starlette:
    """The whole web side as one ASGI application.

    ``build`` names what is running: a page that hears another name reloads itself. Its hub is
    at ``app.state.hub``.
    """
    hub = Hub(backend, build=build, pace=pace)
    routes = [
        Route("/", _to_the_wall),
        Route("/stream", _stream(hub)),
        Route("/health", _health(backend, hub)),
        Route("/api/v1/kpi", _query(backend.kpi)),
        Route("/api/v1/rows", _query(backend.rows)),
        Route("/api/v1/intake", _query(backend.intake)),
        Route("/geo/grids.geojson", _grids(backend)),
        Mount("/", _Pages(_asgi(create_dash(backend.grids_geojson)))),
    ]
    app = Starlette(routes=routes, lifespan=_running(hub))
    app.state.hub = hub
    return app


def _asgi(dash: Dash) -> ASGIApp:
    """Dash is mounted, not in charge, so that either can be upgraded alone."""
    return cast(ASGIApp, WSGIMiddleware(cast(Any, dash.server)))


def _running(hub: Hub) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(hub.run(), name="hub")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return lifespan


async def _to_the_wall(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/wall{query}", status_code=307)


def _stream(hub: Hub) -> Callable[[Request], object]:
    async def stream(request: Request) -> Response | EventStream:
        try:
            view = parse_view(request.query_params.get("page", "wall"), request.query_params)
        except (UnknownPageError, BadViewError) as error:
            return JSONResponse({"error": str(error)}, status_code=_status(error))
        return EventStream(hub, view)

    return stream


def _health(backend: Backend, hub: Hub) -> Callable[[Request], object]:
    async def health(_: Request) -> Response:
        state = await asyncio.to_thread(backend.health)
        return JSONResponse({**state, "screens": hub.counters.screens}, headers=_no_store())

    return health


def _query(ask: Query) -> Callable[[Request], object]:
    async def query(request: Request) -> Response:
        try:
            rows = await asyncio.to_thread(ask, dict(request.query_params))
        except QueryError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(rows, headers=_no_store())

    return query


def _grids(backend: Backend) -> Callable[[Request], object]:
    """The outlines. A URL with a version never changes its content, so a browser keeps it."""

    async def grids(request: Request) -> Response:
        body = await asyncio.to_thread(backend.grids_geojson)
        tag, packed = await asyncio.to_thread(_packed, body)
        headers = {
            "ETag": tag,
            "Cache-Control": _FOR_EVER if request.query_params.get("v") else _ASK_AGAIN,
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = packed
        return Response(body, media_type="application/geo+json", headers=headers)

    return grids


@lru_cache(maxsize=4)
def _packed(body: bytes) -> tuple[str, bytes]:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"', gzip.compress(body, mtime=0)


def _no_store() -> dict[str, str]:
    return {"Cache-Control": "no-store"}


def _status(error: ValueError) -> int:
    return 404 if isinstance(error, UnknownPageError) else 400


class _Pages:
    """Lets through to Dash what Dash serves, and says clearly what is not there."""

    def __init__(self, dash: ASGIApp) -> None:
        self._dash = dash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page, one of its files, or an error in plain words."""
        request = Request(scope)
        page = request.url.path.strip("/")
        if page.startswith(("_dash-", "assets/", "_reload-hash")):
            await self._dash(scope, receive, send)
            return
        try:
            parse_view(page, request.query_params)
        except (UnknownPageError, BadViewError) as error:
            await PlainTextResponse(str(error), _status(error))(scope, receive, send)
            return
        await self._dash(scope, receive, send)
