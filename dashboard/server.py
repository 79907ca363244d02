"""The web server: the stream, the API, the map's files, and the pages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, cast
from urllib.parse import urlencode

from a2wsgi import WSGIMiddleware
from dash import Dash
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.access.person import person_of
from dashboard.addresses import moved, resolved
from dashboard.app import PAGE_PARAMETER, create_dash
from dashboard.backend import Backend
from dashboard.geo import geo_routes
from dashboard.hub import Hub, Pace
from dashboard.listing import list_routes
from dashboard.openapi import openapi_route
from dashboard.pages import PAGES
from dashboard.panels.sources.words import sentence
from dashboard.refusal import refusal
from dashboard.stream import EventStream
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, say_in
from dashboard.text.monitors import told
from dashboard.time_signal import time_signal
from dashboard.views import BadViewError, UnknownPageError, parse_view
from pipelines.door.storing import STORE_IS_GONE
from pipelines.errors import QueryError
from pipelines.privacy.clearance import Role

NOT_FOR_YOU = "not for you"
Query = Callable[[Backend, Mapping[str, str]], list[dict[str, Any]]]
Measured = Callable[[Callable[[], Mapping[str, float]]], BaseRoute]
"""What makes the route of the measures, given those of the hub."""


def create_app(
    backend: Backend,
    *,
    build: str,
    pace: Pace | None = None,
    more: Sequence[BaseRoute] = (),
    measured: Measured | None = None,
) -> Starlette:
    """The whole web side as one ASGI application.

    ``build`` names what is running: a page that hears another name reloads itself. Its hub is
    at ``app.state.hub``, and at ``app.state.script_hashes`` what a content security policy must let
    through. ``more`` are routes that are served beside the screens, and ``measured`` makes the one
    for whoever watches over this process.
    """
    dash = create_dash()
    hub = Hub(backend, build=build, pace=pace)
    routes = [
        *more,  # first, for they are asked most by far: a thousand times a second in a flood
        Route("/stream", _stream(hub)),
        Route("/frame", _frame(hub)),
        Route("/health", _health(backend, hub)),
        Route("/time", time_signal),
        Route("/api/v1/kpi", _query(backend, lambda seen, given: seen.kpi(given))),
        Route("/api/v1/rows", _rows(backend)),
        Route("/api/v1/intake", _query(backend, lambda seen, given: seen.intake(given))),
        Route("/api/v1/lab", _query(backend, lambda seen, given: seen.rules(given))),
        Route("/api/v1/monitors", _query(backend, lambda seen, given: told(seen.monitors(given)))),
        Route("/api/v1/frozen", _query(backend, lambda seen, given: seen.frozen(given))),
        *list_routes(backend),
        openapi_route(build),
        Route("/session", _session),
        *geo_routes(backend),
        *([] if measured is None else [measured(hub.measures)]),
        Mount("/", _Pages(_asgi(dash), backend)),
    ]
    unreadable = dict.fromkeys(STORE_IS_GONE, _unreadable)
    app = Starlette(routes=routes, lifespan=_running(hub), exception_handlers=unreadable)
    app.state.hub = hub
    app.state.script_hashes = tuple(dash.csp_hashes())
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


def _elsewhere(request: Request) -> Response | None:
    """The way from an address of former times, and of a wall from the desk; None for others."""
    path, query = request.scope["path"], request.url.query
    if path == "/" and person_of(request).role is Role.WALL:
        return RedirectResponse(f"/wall?{query}" if query else "/wall", status_code=307)
    to = moved(path, request.query_params)
    return None if to is None else RedirectResponse(to, status_code=307)


def _stream(hub: Hub) -> Callable[[Request], object]:
    async def stream(request: Request) -> Response | EventStream:
        try:
            page, query = request.query_params.get("page", "wall"), request.query_params
            view = parse_view(page, query, person_of(request).clearance)
        except (UnknownPageError, BadViewError) as error:
            return JSONResponse({"error": str(error)}, status_code=_status(error))
        if not person_of(request).role.may(PAGES[view.page].least):
            return JSONResponse({"error": NOT_FOR_YOU}, status_code=403)
        return EventStream(hub, view, getattr(request.state, "may_go_on", None))

    return stream


async def _session(request: Request) -> Response:
    """Who is looking, in words for the corner of the page; nobody where nobody was asked."""
    person = person_of(request)
    asked = request.query_params.get("lang", DEFAULT_LANGUAGE)
    say = say_in(asked if asked in LANGUAGES else DEFAULT_LANGUAGE)
    told = {
        "name": person.name,
        "role": say(f"role.{person.role}"),
        "log_out": say("gate.log_out"),
        "admin": say("admin.title") if person.role.may(Role.ADMIN) else None,
    }
    return JSONResponse(told, headers=_no_store())


def _frame(hub: Hub) -> Callable[[Request], object]:
    """One drawing of a page that is asked for moment after moment."""

    async def frame(request: Request) -> Response:
        try:
            page, query = request.query_params.get("page", ""), request.query_params
            view = parse_view(page, query, person_of(request).clearance)
        except (UnknownPageError, BadViewError) as error:
            return JSONResponse({"error": str(error)}, status_code=_status(error))
        if not person_of(request).role.may(PAGES[view.page].least):
            return JSONResponse({"error": NOT_FOR_YOU}, status_code=403)
        if not PAGES[view.page].has_frames:
            return JSONResponse({"error": f"{page}: comes by the stream alone"}, status_code=400)
        still = await hub.still(view)
        return Response(still, media_type="application/json", headers=_no_store())

    return frame


async def _unreadable(_: Request, __: Exception) -> Response:
    """What is answered while the store cannot be read; the hub has said so in the log."""
    told = {"status": "down", "error": "the store cannot be read now; ask again"}
    return JSONResponse(told, 503, {**_no_store(), "Retry-After": "5"})


def _health(backend: Backend, hub: Hub) -> Callable[[Request], object]:
    async def health(_: Request) -> Response:
        state, words = await asyncio.to_thread(_state_in_words, backend)
        told = {
            **state,
            "words": words,
            "screens": hub.counters.screens,
            "watching": hub.watching(),
        }
        return JSONResponse(told, headers=_no_store())

    return health


def _state_in_words(backend: Backend) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The state of the product, and a sentence about each source in each language."""
    roster = backend.roster()
    said = {
        line.id: {
            language: sentence(line, say_in(language), now=roster.now, time_zone=roster.time_zone)
            for language in LANGUAGES
        }
        for line in roster.lines
    }
    return backend.health(), said


def _query(backend: Backend, ask: Query) -> Callable[[Request], object]:
    async def query(request: Request) -> Response:
        seen = backend.seen_by(person_of(request).clearance)
        try:
            rows = await asyncio.to_thread(ask, seen, dict(request.query_params))
        except QueryError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(rows, headers=_no_store())

    return query


def _rows(backend: Backend) -> Callable[[Request], object]:
    """Rows, all or a page of them; how many there are in all stands in the headers."""

    async def rows(request: Request) -> Response:
        seen, given = backend.seen_by(person_of(request).clearance), dict(request.query_params)
        try:
            page = await asyncio.to_thread(seen.rows, given)
        except QueryError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        headers = {**_no_store(), "X-Total-Count": str(page.total)}
        after = int(given.get("offset") or 0) + len(page.rows)
        if page.rows and after < page.total:
            following = urlencode({**given, "offset": after})
            headers["Link"] = f'<{request.url.path}?{following}>; rel="next"'
        return JSONResponse(page.rows, headers=headers)

    return rows


def _no_store() -> dict[str, str]:
    return {"Cache-Control": "no-store"}


def _status(error: ValueError) -> int:
    return 404 if isinstance(error, UnknownPageError) else 400


def _of_its_page(scope: Scope) -> Scope:
    """What Dash's scripts ask of ``/sources/_dash-layout``, as Dash knows it: with the page beside.

    Anything else is left as it is.
    """
    page, _, rest = scope["path"].strip("/").partition("/")
    if page not in PAGES or not rest.startswith("_dash-"):
        return scope
    query = b"&".join(filter(None, (scope["query_string"], f"{PAGE_PARAMETER}={page}".encode())))
    path = f"/{rest}"
    return {**scope, "path": path, "raw_path": path.encode(), "query_string": query}


class _Pages:
    """Lets through to Dash what Dash serves, and says clearly what is not there."""

    def __init__(self, dash: ASGIApp, backend: Backend) -> None:
        self._dash = dash
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page, one of its files, or an error in plain words."""
        scope = _of_its_page(scope)
        request = Request(scope)
        page = scope["path"].strip("/")
        if page.startswith(("_dash-", "assets/", "_reload-hash")):
            await self._dash(scope, receive, send)
            return
        if way := _elsewhere(request):
            await way(scope, receive, send)
            return
        try:
            view = parse_view(page, request.query_params)
        except (UnknownPageError, BadViewError) as error:
            await refusal(request, error, _status(error))(scope, receive, send)
            return
        if not person_of(request).role.may(PAGES[resolved(page)[0]].least):
            await PlainTextResponse(NOT_FOR_YOU, 403)(scope, receive, send)
            return
        there = PAGES[view.page].is_there
        seen = self._backend.seen_by(person_of(request).clearance)
        is_there = await asyncio.to_thread(there, seen, dict(view.filters))
        await self._dash(scope, receive, send if is_there else _not_found(send))


def _not_found(send: Send) -> Send:
    """The same page, which says what there is not, with the status that says so too."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "status": 404}
        await send(message)

    return sent
