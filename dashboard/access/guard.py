"""The guard at the gate: every request is somebody's, or goes no further.

One ASGI middleware around everything: it says who is asking (``scope["state"]["person"]``), what
their role may reach, refuses requests made by other sites, and puts the headers on that tell a
browser what this site never does.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote, urlsplit

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.access.forgery import (
    CSRF_COOKIE,
    MOST_FORM,
    FormTooLargeError,
    expected,
    fresh,
    give,
    is_from_here,
    is_right,
    shown,
)
from dashboard.access.keeper import Keeper
from dashboard.access.person import ANYBODY, Person, Role
from dashboard.access.watch import Watch

log = logging.getLogger(__name__)

COOKIE = "grid135"
_STREAM = "/stream"
_HOST = re.compile(r"(?:(?P<plain>[A-Za-z0-9.-]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")
MOST_ADDRESS = 8 * 1024
MOST_BODY = 1024 * 1024
_ANOTHER_SITE = "this request was made by another site"
_NO_TOKEN = "this page is out of date: load it anew and try again"
_FILES = ("/assets/",)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PUBLIC = (
    "/login",
    "/oidc/",
    "/invitation/",
    "/enter/",
    "/assets/",
    "/health",
    "/metrics",  # looks itself who asks
    "/ingest/",
)
_WALL = (
    "/wall",
    "/stream",
    "/time",
    "/geo/",
    "/_dash-",
    "/_reload-hash",
    "/api/v1/kpi",
    "/api/v1/intake",
)
_SUPERVISOR = ("/api/v1/reveal",)
_ADMIN = ("/admin",)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

Clock = Callable[[], datetime]


def content_policy(script_hashes: tuple[str, ...] = (), *, tiles: str = "") -> str:
    """What a page may load: this server's own files, and the tiles at ``tiles``, nothing else.

    Dash writes two scripts into its pages, which are named by their hash. MapLibre makes its
    workers from a blob, and Plotly sets styles on elements: those two are let through.
    """
    scripts = " ".join(["'self'", *script_hashes])
    own = f"'self' {tiles}".strip()
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        f"img-src {own} data: blob:; worker-src 'self' blob:; connect-src {own}; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class Guard:
    """Wraps the whole web side.

    ``keeper`` is None when the site is open: then everybody is a viewer, and no one more than
    that. ``hosts`` are the names this server answers to; a request for another is refused, so
    that a forged Host header leads nowhere. ``secure`` says that it is reached by https only.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keeper: Keeper | None,
        clock: Clock,
        hosts: frozenset[str],
        policy: str | None = None,
        secure: bool = False,
    ) -> None:
        self._app = app
        self._keeper = keeper
        self._clock = clock
        self._hosts = hosts
        self._policy = policy or content_policy()
        self._secure = secure
        self._watch = None if keeper is None else Watch(keeper, clock)
        self._failing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if too_large := _too_large(scope):
            await too_large(scope, receive, self._sealed(send, connection, ""))
            return
        receive = receive if _is_pushed(scope) else _bounded(receive)
        session = connection.cookies.get(session_cookie(secure=self._secure))
        wanted = expected(connection, session)
        token = wanted or fresh()
        send = self._sealed(send, connection, token)
        try:
            person = await self._person(scope["path"], session)
        except SQLAlchemyError:
            self._report()
            await PlainTextResponse("accounts cannot be read; try again", 503)(scope, receive, send)
            return
        refused = self._refusal(scope, person)
        if refused is None and _changes_something(scope):
            refused, receive = await _forged(connection, wanted, receive)
        if refused is not None:
            await refused(scope, receive, send)
            return
        scope.setdefault("state", {}).update(person=person, csrf=token)
        if self._watch is None or person is None or scope["path"] != _STREAM:
            await self._app(scope, receive, send)
            return
        with self._watch.over(session or "", person) as may_go_on:
            scope["state"]["may_go_on"] = may_go_on
            await self._app(scope, receive, send)

    async def _person(self, path: str, session: str | None) -> Person | None:
        if self._keeper is None:
            return ANYBODY
        if not session or path.startswith(_FILES):
            return None
        # a stream that is merely open is not something its owner does
        active, now = path != _STREAM, self._clock()
        person = await asyncio.to_thread(self._keeper.person, session, now=now, active=active)
        self._failing = False
        return person

    def _report(self) -> None:
        """Once an outage, not at every request."""
        if not self._failing:
            self._failing = True
            log.exception("the store of accounts cannot be read: nobody is let in")

    def _refusal(self, scope: Scope, person: Person | None) -> Response | None:
        headers = Headers(scope=scope)
        path = scope["path"]
        if not self._is_ours(headers.get("host", "")):
            return PlainTextResponse("this server does not answer to that name", 421)
        if _changes_something(scope) and not is_from_here(headers):
            return PlainTextResponse(_ANOTHER_SITE, 403)
        if path.startswith(_PUBLIC):
            return None
        if person is None:
            return _to_login(scope, headers)
        if not person.role.may(_least(path)):
            return JSONResponse({"error": "not for you"}, 403)
        return None

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        name = (found["plain"] or found["six"]).lower() if found else ""
        return bool(name) and (not self._hosts or name in self._hosts)

    def _sealed(self, send: Send, connection: HTTPConnection, token: str) -> Send:
        """Answers with the headers that hold for all of them, and pages with their token."""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", self._policy)
                if self._secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                is_page = headers.get("content-type", "").startswith("text/html")
                if is_page:
                    headers.setdefault("Cache-Control", "no-store")
                if is_page and token and connection.cookies.get(CSRF_COOKIE) != token:
                    give(headers, token, secure=self._secure)
            await send(message)

        return sealed


def _least(path: str) -> Role:
    """The least role that may reach a path."""
    if path.startswith(_ADMIN):
        return Role.ADMIN
    if path.startswith(_SUPERVISOR):
        return Role.SUPERVISOR
    return Role.WALL if path == "/" or path.startswith(_WALL) else Role.VIEWER


def session_cookie(*, secure: bool) -> str:
    """The name of the cookie that holds a session.

    With https its prefix makes browsers refuse one that another host of the domain has set.
    """
    return f"__Host-{COOKIE}" if secure else COOKIE


def _changes_something(scope: Scope) -> bool:
    """Whether a request must prove where it comes from. A platform that pushes has a secret."""
    return scope["method"] not in _SAFE and not _is_pushed(scope)


def _is_pushed(scope: Scope) -> bool:
    """Whether a platform pushes records: their receivers have limits of their own."""
    return bool(scope["path"].startswith("/ingest/"))


def _too_large(scope: Scope) -> Response | None:
    """Why an address or a body is more than any page of ours sends."""
    if len(scope.get("query_string", b"")) + len(scope["path"]) > MOST_ADDRESS:
        return PlainTextResponse(f"an address has at most {MOST_ADDRESS} bytes", 414)
    said = Headers(scope=scope).get("content-length", "0")
    if not _is_pushed(scope) and (not said.isdigit() or int(said) > MOST_BODY):
        return PlainTextResponse(f"a request has at most {MOST_BODY} bytes", 413)
    return None


def _bounded(receive: Receive) -> Receive:
    """A body of unknown length ends, as if its sender had gone, where it is too long."""
    left = MOST_BODY

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return bounded


async def _forged(
    connection: HTTPConnection, wanted: str | None, receive: Receive
) -> tuple[Response | None, Receive]:
    """Why a request that changes something is refused; and what its body is read from."""
    try:
        said, receive = await shown(Headers(scope=connection.scope), receive)
    except FormTooLargeError:
        return PlainTextResponse(f"a form has at most {MOST_FORM} bytes", 413), receive
    refused = None if is_right(said, wanted) else PlainTextResponse(_NO_TOKEN, 403)
    return refused, receive


def _to_login(scope: Scope, headers: Headers) -> Response:
    wants_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
    if not wants_page:
        return JSONResponse({"error": "log in first"}, 401)
    query = scope.get("query_string", b"").decode("latin-1")
    asked = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"/login?next={quote(asked, safe='')}", 303)


def safe_next(asked: str | None) -> str:
    """Where to go after logging in: a path of this site, never another site."""
    if not asked or not asked.startswith("/") or asked.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(asked)
    control = any(ord(c) < 32 or c == "\\" for c in asked)
    return "/" if parts.scheme or parts.netloc or control else asked
