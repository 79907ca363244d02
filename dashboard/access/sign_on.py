"""Single sign-on: out to the provider, and back in with a session."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.access.gate import Gate, language_of
from dashboard.access.guard import safe_next
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.outside import OutsideError
from dashboard.access.provider import Attempt, Provider

log = logging.getLogger(__name__)

OUT, BACK = "/oidc/login", "/oidc/callback"
_COOKIE = "grid135_oidc"
_TAKES_S = 600


class SignOn:
    """The two routes of single sign-on, beside the gate that lets people in."""

    def __init__(
        self,
        gate: Gate,
        keeper: Keeper,
        provider: Provider,
        clock: Callable[[], datetime],
        *,
        secure: bool,
    ) -> None:
        self._gate = gate
        self._keeper = keeper
        self._provider = provider
        self._clock = clock
        self._secure = secure
        self._cookie = f"__Host-{_COOKIE}" if secure else _COOKIE

    @property
    def routes(self) -> list[Route]:
        """What to serve."""
        return [Route(OUT, self.out), Route(BACK, self.back)]

    async def out(self, request: Request) -> Response:
        """Send the browser to the provider, with a new attempt in its cookie."""
        attempt = Attempt.fresh(safe_next(request.query_params.get("next")))
        back = self._address(request)
        try:
            where = await asyncio.to_thread(self._provider.way_out, attempt, back=back)
        except OutsideError as error:
            return self._refused(request, error)
        response = RedirectResponse(where, 303, {"Cache-Control": "no-store"})
        response.set_cookie(
            self._cookie,
            attempt.as_cookie(),
            max_age=_TAKES_S,
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
        return response

    async def back(self, request: Request) -> Response:
        """Let in who comes back with what fits the attempt; each attempt is good for once."""
        attempt = Attempt.from_cookie(request.cookies.get(self._cookie, ""))
        now = self._clock()
        try:
            if attempt is None:
                raise OutsideError("outside_refused", "nobody set out from this browser")
            known = await asyncio.to_thread(
                self._provider.known,
                attempt,
                dict(request.query_params),
                back=self._address(request),
                now_s=now.timestamp(),
            )
            peer = request.client.host if request.client else ""
            token = await asyncio.to_thread(
                self._keeper.come_in,
                known.name,
                known.role,
                via="oidc",
                peer=peer,
                now=now,
                scope=known.scope,
            )
        except (OutsideError, AccessError) as error:
            response = self._refused(request, error)
        else:
            response = await self._gate.inside(request, attempt.onward, token)
        response.delete_cookie(self._cookie, secure=self._secure, httponly=True, samesite="lax")
        return response

    def _refused(self, request: Request, error: OutsideError | AccessError) -> Response:
        if isinstance(error, OutsideError):
            log.warning("single sign-on: %s", error)
        say = language_of(request)
        status = 503 if error.why == "outside_away" else 403
        return self._gate.login_page(request, say, problem=say(f"gate.{error.why}"), status=status)

    def _address(self, request: Request) -> str:
        # a name of this server: the guard lets no other through
        return f"{'https' if self._secure else 'http'}://{request.headers['host']}{BACK}"
