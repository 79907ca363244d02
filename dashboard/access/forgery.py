"""Requests that change something must come from a page of ours, and say so with a token.

The token is made from the session, so one that was got hold of before logging in is worth nothing
after it, and nobody can be made to use another's. Where there is no session (the login itself, a
site that asks nobody for a name) it is a random cookie that must be sent back (double submit).
A page's script reads it from its cookie, which Dash's own scripts do too, and sends it in a header;
a plain form holds it in a field.
"""

import hashlib
import hmac
import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive

CSRF_COOKIE = "_csrf_token"
"""The name that Dash's scripts look for."""
CSRF_HEADER = "x-csrftoken"
CSRF_FIELD = "csrf"
MOST_FORM = 16 * 1024
"""How many bytes a form may have."""
_FORM = "application/x-www-form-urlencoded"
_LENGTH = 64


class FormTooLargeError(ValueError):
    """A form larger than any of ours."""


def expected(connection: HTTPConnection, session: str | None) -> str | None:
    """The token that a request must show; None when it cannot have one."""
    if session:
        return hashlib.sha256(f"grid135:csrf:{session}".encode()).hexdigest()
    kept = connection.cookies.get(CSRF_COOKIE, "")
    return kept if len(kept) == _LENGTH else None


def fresh() -> str:
    """A token for a browser that has none yet."""
    return secrets.token_hex(_LENGTH // 2)


def is_from_here(headers: Headers) -> bool:
    """Whether the browser says that a page of ours made the request.

    It says so in a header that no page can set (Fetch Metadata) or in Origin; a program that
    sends neither is not one of our pages.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


async def shown(headers: Headers, receive: Receive) -> tuple[str, Receive]:
    """The token that a request shows, and what its body can be read from afterwards.

    Raises FormTooLargeError.
    """
    if said := headers.get(CSRF_HEADER):
        return said, receive
    if not headers.get("content-type", "").startswith(_FORM):
        return "", receive
    body, again = await _read(receive)
    fields = parse_qs(body.decode("utf-8", errors="replace"))
    return fields.get(CSRF_FIELD, [""])[-1], again


def is_right(said: str, wanted: str | None) -> bool:
    """Whether the token shown is the one wanted."""
    return wanted is not None and hmac.compare_digest(said.encode(), wanted.encode())


def give(headers: MutableHeaders, token: str, *, secure: bool) -> None:
    """Put the token into an answer, where the scripts of the page can read it."""
    cookie: SimpleCookie = SimpleCookie()
    cookie[CSRF_COOKIE] = token
    morsel = cookie[CSRF_COOKIE]
    morsel["path"], morsel["samesite"], morsel["secure"] = "/", "strict", secure
    headers.append("set-cookie", morsel.OutputString())


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST_FORM:
            raise FormTooLargeError
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return body, again
