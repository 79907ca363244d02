"""The gate's own pages: logging in and out, setting a password by invitation, letting a wall in.

Plain forms: they work without a script, and before anything else does.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.access.directory import Directory
from dashboard.access.forgery import CSRF_FIELD
from dashboard.access.guard import safe_next, session_cookie
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.outside import OutsideError
from dashboard.access.passwords import SHORTEST, WeakPasswordError
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, Say, say_in

log = logging.getLogger(__name__)

_WALL_COOKIE_S = 400 * 86_400
_PAGE = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<link rel="stylesheet" href="/assets/10-tokens.css">
<link rel="stylesheet" href="/assets/60-gate.css">
<title>{title}</title></head>
<body class="gate"><main class="gate-card"><h1>{title}</h1>{problem}{form}</main></body></html>"""


class Gate:
    """The routes of the gate. ``secure`` says that the site is reached by https only.

    Who has no password here may have one in the ``directory``. ``sign_on`` is the name, in each
    language, of the provider that single sign-on leads to.
    """

    def __init__(
        self,
        keeper: Keeper,
        clock: Callable[[], datetime],
        *,
        secure: bool,
        directory: Directory | None = None,
        sign_on: Mapping[str, str] | None = None,
    ) -> None:
        self._keeper = keeper
        self._clock = clock
        self._secure = secure
        self._directory = directory
        self._sign_on = sign_on
        # comparing a password takes 64 MB on purpose: a flood of logins must not take all there is
        self._few_at_once = asyncio.Semaphore(2)

    @property
    def routes(self) -> list[Route]:
        """What to serve beside the screens."""
        return [
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/invitation/{token}", self.invitation, methods=["GET", "POST"]),
            Route("/enter/{token}", self.enter, methods=["GET"]),
        ]

    async def login(self, request: Request) -> Response:
        """Ask who it is, and let them in."""
        say = language_of(request)
        onward = safe_next(request.query_params.get("next"))
        if request.method == "GET":
            return self.login_page(request, say)
        form = await read_form(request)
        name, password = form.get("name", ""), form.get("password", "")
        peer = request.client.host if request.client else ""
        try:
            async with self._few_at_once:
                token = await asyncio.to_thread(self._log_in, name, password, peer)
        except AccessError as error:
            status = 429 if error.why == "locked" else 401
            problem = say(f"gate.{error.why}")
            return self.login_page(request, say, problem=problem, name=name, status=status)
        except OutsideError as error:
            log.warning("login by directory: %s", error)
            status = 503 if error.why == "outside_away" else 403
            problem = say(f"gate.{error.why}")
            return self.login_page(request, say, problem=problem, name=name, status=status)
        return await self.inside(request, onward, token)

    async def inside(self, request: Request, onward: str, token: str) -> Response:
        """Lead on with a new session; whoever logs in anew leaves no other open behind."""
        await asyncio.to_thread(self._keeper.log_out, self._session(request), now=self._clock())
        return self._inside(onward, token, None)

    def _log_in(self, name: str, password: str, peer: str) -> str:
        """A session of here; or by the directory, for who has no password of here."""
        now = self._clock()
        if self._directory is None or self._keeper.has_password(name):
            return self._keeper.log_in(name, password, peer=peer, now=now)
        self._keeper.check_lock(name, peer=peer, now=now)
        known = self._directory.known(name, password)
        if known is None:
            self._keeper.note_refusal(name, via="ldap", peer=peer, now=now)
            raise AccessError("wrong")
        return self._keeper.come_in(
            known.name, known.role, via="ldap", peer=peer, now=now, scope=known.scope
        )

    def login_page(
        self,
        request: Request,
        say: Say,
        *,
        problem: str = "",
        name: str = "",
        status: int = 200,
    ) -> Response:
        """The form for name and password, and the way to the provider if there is one."""
        form = (
            f'<form method="post" action="{escape(_login_address(request))}">{csrf_field(request)}'
            f"{_field(say('gate.name'), 'name', 'text', 'username', name)}"
            f"{_field(say('gate.password'), 'password', 'password', 'current-password')}"
            f"<button>{escape(say('gate.log_in'))}</button></form>"
        )
        if self._sign_on is not None:
            onward = urlencode({"next": safe_next(request.query_params.get("next"))})
            form += (
                f'<a class="gate-outside" href="/oidc/login?{escape(onward)}">'
                f"{escape(say.name(self._sign_on))}</a>"
            )
        return _page(say, say("gate.title"), form, problem=problem, status=status)

    async def logout(self, request: Request) -> Response:
        """End the session."""
        await asyncio.to_thread(self._keeper.log_out, self._session(request), now=self._clock())
        response = RedirectResponse("/login", 303)
        response.delete_cookie(session_cookie(secure=self._secure), secure=self._secure)
        return response

    async def invitation(self, request: Request) -> Response:
        """Let a person set the password, once."""
        say, token = language_of(request), request.path_params["token"]
        now = self._clock()
        try:
            name = await asyncio.to_thread(self._keeper.invited, token, now=now)
        except AccessError:
            problem = say("gate.bad_invitation")
            return _page(say, say("gate.invitation"), "", problem=problem, status=410)
        if request.method == "GET":
            return _invitation_page(request, say, name)
        form = await read_form(request)
        password = form.get("password", "")
        if password != form.get("again"):
            return _invitation_page(request, say, name, problem=say("gate.not_the_same"))
        try:
            await asyncio.to_thread(self._keeper.set_password, token, password, now=now)
        except WeakPasswordError as error:
            problem = say(f"gate.weak_{error.rule}", n=SHORTEST)
            return _invitation_page(request, say, name, problem=problem)
        except AccessError:
            return _page(say, say("gate.invitation"), "", problem=say("gate.bad_invitation"))
        return RedirectResponse("/login", 303)

    async def enter(self, request: Request) -> Response:
        """Let a wall in; its token leaves the address at once, so that nobody reads it there."""
        token = request.path_params["token"]
        try:
            session = await asyncio.to_thread(self._keeper.enter_wall, token, now=self._clock())
        except AccessError:
            say = language_of(request)
            return _page(say, say("gate.wall"), "", problem=say("gate.no_wall"), status=403)
        query = f"?{request.url.query}" if request.url.query else ""
        return self._inside(f"/wall{query}", session, _WALL_COOKIE_S)

    def _session(self, request: Request) -> str:
        return request.cookies.get(session_cookie(secure=self._secure), "")

    def _inside(self, path: str, token: str, max_age: int | None) -> Response:
        response = RedirectResponse(path, 303)
        response.set_cookie(
            session_cookie(secure=self._secure),
            token,
            max_age=max_age,
            httponly=True,
            # not strict: an address that a colleague sends must open for who is logged in
            samesite="lax",
            secure=self._secure,
        )
        return response


def _login_address(request: Request) -> str:
    """Where the form goes: the login with what one wanted, also from another page of the gate."""
    asked = {
        name: request.query_params[name]
        for name in ("next", "lang")
        if name in request.query_params
    }
    return f"/login?{urlencode(asked)}" if asked else "/login"


def language_of(request: Request) -> Say:
    """The words of the language that an address asks for."""
    language = request.query_params.get("lang", DEFAULT_LANGUAGE)
    return say_in(language if language in LANGUAGES else DEFAULT_LANGUAGE)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; the guard has seen to its size and its token."""
    body = await request.body()
    fields = parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def csrf_field(request: Request) -> str:
    """The field of a form that holds the token against forged requests."""
    token = getattr(request.state, "csrf", "")
    return f'<input type="hidden" name="{CSRF_FIELD}" value="{escape(token)}">'


def _invitation_page(request: Request, say: Say, name: str, *, problem: str = "") -> Response:
    form = (
        f"<p>{escape(say('gate.for', name=name))}</p>"
        f"<p>{escape(say('gate.rules', n=SHORTEST))}</p>"
        f'<form method="post">{csrf_field(request)}'
        f"{_field(say('gate.password'), 'password', 'password', 'new-password')}"
        f"{_field(say('gate.again'), 'again', 'password', 'new-password')}"
        f"<button>{escape(say('gate.set'))}</button></form>"
    )
    return _page(say, say("gate.invitation"), form, problem=problem)


def _field(label: str, name: str, kind: str, fills: str, value: str = "") -> str:
    return (
        f"<label>{escape(label)}"
        f'<input name="{name}" type="{kind}" autocomplete="{fills}" value="{escape(value)}" '
        f'required maxlength="200"></label>'
    )


def _page(say: Say, title: str, form: str, *, problem: str, status: int = 200) -> Response:
    said = f'<p class="gate-problem" role="alert">{escape(problem)}</p>' if problem else ""
    language = {"zh": "zh-CN"}.get(say.language, say.language)
    html = _PAGE.format(lang=language, title=escape(title), problem=said, form=form)
    return HTMLResponse(html, status, {"Cache-Control": "no-store"})
